"""Checklists: lines with a standard, runs with results, findings that stand open."""
