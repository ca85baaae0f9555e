"""Reads of patrol, by what is asked."""
