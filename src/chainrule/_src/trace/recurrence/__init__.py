"""Recurrences: a body that runs once a step, as one equation."""

from chainrule._src.trace.recurrence.scanning import scan

__all__ = ["scan"]
