"""Handles: objects that stand for a value wherever NumPy computes with them."""

from __future__ import annotations

from typing import Any


class Handle:
    """Stands for a value: a variable that is set anew, or a setting of a sweep."""

    __slots__ = ()

    def value_among(self, operands: Any) -> Any:
        """Return the value that takes part in an operation with these operands."""
        raise NotImplementedError


class SymbolicNumber(Handle):
    """A number that is another one for each member of a sweep: checks keep it as it is."""

    __slots__ = ()


def values_of(thing: Any, others: Any = ()) -> Any:
    """Return a handle's value; within lists, tuples and dicts, those of all handles.

    Parameters
    ----------
    thing : Handle or object
    others : sequence
        The other operands of the operation.
    """
    if isinstance(thing, Handle):
        return thing.value_among(others)
    if isinstance(thing, list | tuple):
        kind = list if isinstance(thing, list) else tuple
        return kind(values_of(each, others) for each in thing)
    if isinstance(thing, dict):
        return {key: values_of(value, others) for key, value in thing.items()}
    return thing
