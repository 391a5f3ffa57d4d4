"""Checks of single values that a page sends: their types, ranges and sizes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from numbers import Integral, Real
from reprlib import Repr
from typing import Any

from chainrule._src.base.errors import DataError

LONGEST = 64  # letters of a name
Check = Callable[[str, Any], Any]
"""``check(name, value)`` returns the value, or raises `DataError` with the name."""

_BRIEF = Repr()
_BRIEF.maxlevel, _BRIEF.maxlist, _BRIEF.maxdict = 2, 3, 3
_BRIEF.maxstring = _BRIEF.maxlong = _BRIEF.maxother = 50


@dataclass(frozen=True)
class Number:
    """Check for a number from ``low`` to ``high``; if ``whole``, for one of Python's integers."""

    low: float
    high: float
    whole: bool = False

    def __call__(self, name: str, value: Any) -> Any:
        """Return the number as an int or a float."""
        kind = Integral if self.whole else Real
        number = isinstance(value, kind) and not isinstance(value, bool)
        if not number or not self.low <= value <= self.high:
            expected = f"a number from {self.low:g} to {self.high:g}"
            if self.whole:
                expected = f"a whole number from {self.low} to {self.high}"
            raise DataError(f"{name} must be {expected}, {received(value)}")
        return int(value) if self.whole else float(value)


@dataclass(frozen=True)
class Listed:
    """Check for a list of numbers whose length is between two limits."""

    each: Number
    shortest: int
    longest: int

    def __call__(self, name: str, value: Any) -> list[Any]:
        """Return a list of checked numbers."""
        if not isinstance(value, list | tuple) or not self.shortest <= len(value) <= self.longest:
            raise DataError(
                f"{name} must be a list of at least {self.shortest} and at most {self.longest:,} "
                f"numbers, {received(value)}"
            )
        return [self.each(f"{name}[{i}]", number) for i, number in enumerate(value)]


@dataclass(frozen=True)
class Members:
    """Check for an object, with a check for each member by its name."""

    known: Mapping[str, Check]
    kind: str = "member"

    def __call__(self, name: str, value: Any) -> dict[str, Any]:
        """Return a dict of checked members."""
        if not isinstance(value, Mapping):
            raise DataError(f"{name} must be an object, {received(value)}")
        for member in value:
            if member not in self.known:
                names = ", ".join(self.known) or "none"
                raise DataError(f"{name}: no {self.kind} {brief(member)}; there are {names}")
        return {member: self.known[member](f"{name}: {member}", v) for member, v in value.items()}


def text(name: str, value: Any) -> str:
    """Return a text of at most `LONGEST` letters; raise `DataError` for any other value."""
    if not isinstance(value, str) or len(value) > LONGEST:
        raise DataError(f"{name} must be text of at most {LONGEST} letters, {received(value)}")
    return value


def flag(name: str, value: Any) -> bool:
    """Return a boolean; raise `DataError` for any other value."""
    if not isinstance(value, bool):
        raise DataError(f"{name} must be true or false, {received(value)}")
    return value


def one_of(*choices: str) -> Check:
    """Return a check that accepts only the given texts."""

    def check(name: str, value: Any) -> str:
        if not isinstance(value, str) or value not in choices:
            raise DataError(f"{name} must be one of {', '.join(choices)}, {received(value)}")
        return value

    return check


def or_none(check: Check) -> Check:
    """Return a check that accepts None as well."""
    return lambda name, value: None if value is None else check(name, value)


def received(value: Any) -> str:
    """Return the end of an error message that quotes a value."""
    return f"received {brief(value)}"


def brief(value: Any) -> str:
    """Return a value as a short text, however long, deep or odd it is.

    Examples
    --------
    >>> brief([[[[0]]], "x" * 1000])
    "[[[...]], 'xxxxxxxxxxxxxxxxxxxxxx...xxxxxxxxxxxxxxxxxxxxxxx']"
    """
    return _BRIEF.repr(value)
