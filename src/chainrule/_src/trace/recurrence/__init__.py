"""Recurrences: one equation whose body, a program, runs once for each step."""

from chainrule._src.trace.recurrence.scanning import scan

__all__ = ["scan"]
