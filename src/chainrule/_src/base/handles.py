"""Handles: objects that NumPy's operations replace by their current value."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any


class Handle:
    """An object with a current value: a variable, or a setting of a sweep."""

    __slots__ = ()

    def value_among(self, operands: Any) -> Any:
        """Return the value to use in an operation with these operands."""
        raise NotImplementedError


class Exchangeable(Handle):
    """A handle that may hold another value for a while: a variable."""

    __slots__ = ()

    def exchange(self, value: Any, lent: bool = True) -> tuple[Any, bool]:
        """Hold another value, if ``lent`` also a tensor; return the arguments for the way back."""
        raise NotImplementedError


@contextmanager
def holding(values: Mapping[Exchangeable, Any]) -> Iterator[None]:
    """Within this context, handles hold other values, which may be tensors."""
    before = [(handle, handle.exchange(values_of(value))) for handle, value in values.items()]
    try:
        yield
    finally:
        for handle, old in before:
            handle.exchange(*old)


class SymbolicNumber(Handle):
    """A number with another value for each member of a sweep; checks return it unchanged."""

    __slots__ = ()


def values_of(operand: Any, others: Any = ()) -> Any:
    """Return a handle's value; in lists, tuples and dicts, replace all handles by their values.

    Parameters
    ----------
    operand : Handle or object
    others : sequence
        The other operands of the operation.
    """
    if isinstance(operand, Handle):
        return operand.value_among(others)
    if isinstance(operand, list | tuple):
        kind = list if isinstance(operand, list) else tuple
        return kind(values_of(each, others) for each in operand)
    if isinstance(operand, dict):
        return {key: values_of(value, others) for key, value in operand.items()}
    return operand
