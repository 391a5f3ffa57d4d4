"""Errors, console output, input validation, and the registry of classes by name."""
