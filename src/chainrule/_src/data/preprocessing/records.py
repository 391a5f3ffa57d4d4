"""Validate a description of plain JSON values, which may come from an untrusted source."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from chainrule._src.base.errors import DataError
from chainrule._src.base.validation import check_number

LARGEST_COUNT = 2**53


class Record:
    """A dict whose entries are read by name and expected type.

    Raises
    ------
    DataError
        If an entry is missing or not of the expected type; the message names the entry.

    Examples
    --------
    >>> Record({"mean": 1}, "column 'age'").number("mean")
    1.0
    """

    def __init__(self, value: Any, where: str) -> None:
        if not isinstance(value, Mapping):
            raise DataError(f"{where} must be a dict, received {_short(value)}")
        self.value, self._where = value, where

    def __contains__(self, key: str) -> bool:
        return key in self.value

    def number(self, key: str) -> float:
        """Return a finite number."""
        return check_number(self._entry(key), key, self._where, low=-np.inf)

    def scale(self, key: str) -> float:
        """Return a finite number above zero."""
        number = self.number(key)
        if number <= 0:
            raise self._refusal(key, "a number above 0", number)
        return number

    def count(self, key: str) -> int:
        """Return a whole number of at least zero."""
        value = self._entry(key)
        if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < LARGEST_COUNT:
            raise self._refusal(key, "a whole number of at least 0", value)
        return value

    def text(self, key: str, choices: tuple[str, ...] = ()) -> str:
        """Return a text, which must be one of ``choices`` unless that is empty."""
        value = self._entry(key)
        if not isinstance(value, str) or (choices and value not in choices):
            raise self._refusal(key, f"one of {', '.join(choices)}" if choices else "text", value)
        return value

    def texts(self, key: str) -> tuple[str, ...]:
        """Return a tuple of texts without duplicates."""
        value = self.items(key)
        if not all(isinstance(item, str) for item in value) or len(set(value)) < len(value):
            raise self._refusal(key, "a list of texts, each there once", value)
        return tuple(value)

    def counts(self, key: str) -> tuple[int, ...]:
        """Return whole numbers of at least zero."""
        items = {str(i): item for i, item in enumerate(self.items(key))}
        inner = Record(items, f"{self._where}, {key}")
        return tuple(inner.count(i) for i in items)

    def numbers(self, key: str) -> tuple[float, ...]:
        """Return finite numbers."""
        items = {str(i): item for i, item in enumerate(self.items(key))}
        inner = Record(items, f"{self._where}, {key}")
        return tuple(inner.number(i) for i in items)

    def shape(self, key: str) -> tuple[int, ...]:
        """Return the shape of an image."""
        shape = self.counts(key)
        if len(shape) not in (2, 3) or 0 in shape or math.prod(shape) > 2**28:
            raise self._refusal(key, "height, width and perhaps channels", list(shape))
        return shape

    def items(self, key: str) -> list[Any]:
        """Return a list."""
        value = self._entry(key)
        if not isinstance(value, list):
            raise self._refusal(key, "a list", value)
        return value

    def inner(self, key: str, where: str) -> Record:
        """Return a nested dict as a record."""
        return Record(self._entry(key), where)

    def _entry(self, key: str) -> Any:
        if key not in self.value:
            raise DataError(f"{self._where} has no {key!r}")
        return self.value[key]

    def _refusal(self, key: str, expected: str, value: Any) -> DataError:
        return DataError(f"{self._where}: {key} must be {expected}, received {_short(value)}")


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
