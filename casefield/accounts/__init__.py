"""Signing in: accounts, devices, sessions, first passwords and resets."""
