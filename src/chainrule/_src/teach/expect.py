"""Assertions for checks. Each failure raises `Wrong` with one sentence for the learner."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from chainrule._src.base.arrays import Array

SMALL = 10  # an array of at most this many entries is printed completely
MOST_COMPARED = 400  # numbers of an array that is shown beside the right one
RTOL = {"f8": 1e-6, "f4": 1e-3, "f2": 3e-2}


@dataclass(frozen=True)
class Comparison:
    """Values of an answer, and right values: lists of numbers, or of rows of numbers.

    Attributes
    ----------
    what : str
        The words for the values.
    values, right : list
    """

    what: str
    values: list[Any]
    right: list[Any]


class Wrong(Exception):  # noqa: N818  # it is the answer that is wrong
    """The answer is wrong; the message is one sentence that says why.

    Parameters
    ----------
    message : str
    comparison : Comparison, optional
        Values for a picture beside the sentence.
    """

    def __init__(self, message: str, comparison: Comparison | None = None) -> None:
        super().__init__(message)
        self.comparison = comparison


class Plain(Wrong):
    """The message is final: no diagnosis of the code replaces this message."""


class Ended(Plain):
    """The learner's code did not finish in time, or its process ended."""


def number(value: Any, what: str) -> float:
    """Convert a value to a single finite number.

    Raises
    ------
    Wrong
        If the value is None, an array of several numbers, text, NaN or infinite.
    """
    array = finite(value, what)
    if array.size != 1:
        raise Wrong(f"{what} must be a single number, not an array of shape {array.shape}")
    return float(array.reshape(()))


def array(value: Any, what: str) -> Array:
    """Convert a value to an array of numbers.

    Raises
    ------
    Wrong
        If the value is None or contains anything except numbers.
    """
    if value is None:
        raise Wrong(f"{what} is None: does the function end with a return?")
    try:
        values = np.asarray(value)
    except ValueError:
        raise Wrong(f"{what} is a list of lists of different lengths, not an array") from None
    if values.dtype.kind not in "fiub":
        raise Wrong(f"{what} must be an array of numbers, not {short_text(value)}")
    return values


def shape(value: Any, expected: tuple[int, ...], what: str) -> Array:
    """Convert a value to an array, which must have the given shape."""
    values = array(value, what)
    if values.shape != expected:
        raise Wrong(f"{what} has the shape {values.shape}, it must be {expected}")
    return values


def floating(value: Any, what: str, dtype: Any = None) -> Array:
    """Convert a value to an array, which must be of floats, and of ``dtype`` if it is passed."""
    values = array(value, what)
    if values.dtype.kind != "f":
        raise Wrong(f"{what} is of dtype {values.dtype}, it must be a float")
    if dtype is not None and values.dtype != np.dtype(dtype):
        raise Wrong(f"{what} is {values.dtype}, it must stay {np.dtype(dtype)}")
    return values


def finite(value: Any, what: str) -> Array:
    """Convert a value to an array, which must contain no NaN and no infinity."""
    values = array(value, what)
    if not np.isfinite(values).all():
        kind = "NaN" if np.isnan(values).any() else "infinite"
        raise Wrong(f"{what} is {kind}")
    return values


def close(value: Any, expected: Any, what: str, rtol: float | None = None) -> Array:
    """Convert a value to an array, which must equal the expected one up to rounding."""
    right = np.asarray(expected)
    values = finite(shape(value, right.shape, what), what)
    if rtol is None:
        rtol = RTOL.get(values.dtype.str[1:], 1e-6)
    size = np.abs(right).max(initial=0)
    if not np.allclose(values, right, rtol=rtol, atol=rtol * max(size, 1e-3)):
        raise Wrong(_difference(values, right, what), _comparison(values, right, what))
    return values


def _difference(values: Array, right: Array, what: str) -> str:
    """Return a sentence on a difference: the factor, the small array, or the largest error."""
    factor = _factor(values, right)
    sign = "; the sign is wrong" if factor is not None and abs(factor + 1) < 1e-3 else ""
    if values.size > 1 and factor is not None and not sign:
        return f"{what} is {factor:.3g} times what it must be"
    if values.ndim < 2 and values.size <= SMALL:
        return f"{what} is {short_text(values)}, it must be {short_text(right)}{sign}"
    index = np.unravel_index(np.argmax(np.abs(values - right)), values.shape)
    at = ", ".join(map(str, index))
    entry, right_entry = short_text(values[index]), short_text(right[index])
    return f"{what} has {entry} at [{at}], it must be {right_entry}{sign}"


def _comparison(values: Array, right: Array, what: str) -> Comparison | None:
    if values.ndim not in (1, 2) or not 2 <= values.size <= MOST_COMPARED:
        return None
    return Comparison(what, values.tolist(), right.tolist())


def _factor(values: Array, right: Array) -> float | None:
    """Return the factor between two arrays, or None if no factor except 0 and 1 fits."""
    top = np.unravel_index(np.argmax(np.abs(right)), right.shape)
    if not right[top] or not values[top]:
        return None
    factor = float(values[top] / right[top])
    same = np.allclose(values, factor * right, rtol=1e-5, atol=1e-6 * abs(values[top]))
    return factor if same and abs(factor - 1) > 1e-3 else None


def entries(value: Any, keys: Iterable[str], what: str) -> dict[str, Any]:
    """Return a value that must be a dict with exactly these keys."""
    names = list(keys)
    if not isinstance(value, dict) or sorted(map(str, value)) != sorted(names):
        kind = (
            f"has {short_text(list(value))}"
            if isinstance(value, dict)
            else f"is {short_text(value)}"
        )
        raise Wrong(f"{what} {kind}, it must be a dict with {', '.join(map(repr, names))}")
    return value


def same(value: Any, expected: Any, what: str, rtol: float | None = None) -> None:
    """Raise `Wrong` unless a value equals the expected one, numbers up to rounding.

    Dicts, and lists and tuples of anything but numbers, are compared entry by entry.
    """
    for part, right, name in pairs(value, expected, what):
        if np.asarray(right).dtype.kind in "fiu":
            close(part, right, name, rtol)
        else:
            equal(_as_plain(part), _as_plain(right), name)


def pairs(value: Any, expected: Any, what: str) -> Iterator[tuple[Any, Any, str]]:
    """Yield the leaves of two structures that must be alike, with the words for each leaf."""
    if isinstance(expected, dict):
        value = entries(value, expected, what)
        for key, right in expected.items():
            yield from pairs(value[key], right, f"{what}[{key!r}]")
    elif isinstance(expected, list | tuple) and not _is_numeric(expected):
        if not isinstance(value, list | tuple) or len(value) != len(expected):
            raise Wrong(f"{what} is {short_text(value)}, it must have {len(expected)} entries")
        for number, (part, right) in enumerate(zip(value, expected, strict=True)):
            yield from pairs(part, right, f"{what}[{number}]")
    else:
        yield value, expected, what


def _is_numeric(value: Any) -> bool:
    try:
        return np.asarray(value).dtype.kind in "fiub"
    except ValueError:  # lists of different lengths
        return False


def _as_plain(value: Any) -> Any:
    return value.tolist() if isinstance(value, np.ndarray | np.generic) else value


def equal(value: Any, expected: Any, what: str) -> None:
    """Raise `Wrong` unless two plain values have the same type and are equal."""
    if type(value) is not type(expected) or value != expected:
        raise Wrong(f"{what} is {short_text(value)}, it must be {short_text(expected)}")


def true(condition: Any, sentence: str) -> None:
    """Raise `Wrong` with a sentence unless a condition is true."""
    if not condition:
        raise Wrong(sentence)


def short_text(value: Any, most: int = 90) -> str:
    """Return the text of a value, in one line of at most ``most`` characters."""
    if isinstance(value, np.ndarray | np.generic):
        value = np.array2string(np.asarray(value), precision=4, threshold=SMALL, separator=", ")
    text = " ".join((value if isinstance(value, str) else repr(value)).split())
    return text if len(text) <= most else f"{text[:most]}…"
