"""Writes of patrol, by what is written."""
