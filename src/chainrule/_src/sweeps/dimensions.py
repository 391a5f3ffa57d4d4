"""The values that a setting may have: numbers between two, or choices."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from chainrule._src.base.arrays import Array
from chainrule._src.base.errors import DataError, OptionError
from chainrule._src.base.showing import Shown
from chainrule._src.base.validation import check_number, check_positive
from chainrule._src.sweeps.fingerprint import about


class Dimension(Shown):
    """The values that one setting may have.

    A value is kept as a number, its place: the value itself, or which of the choices it is.
    """

    size: int | None = None  # how many values there are, where they can be counted

    def places(self, u: Array) -> Array:
        """Return places for numbers in [0, 1)."""
        raise NotImplementedError

    def share(self, places: Array) -> Array:
        """Return numbers in [0, 1] for places: how far up they are."""
        raise NotImplementedError

    def grid(self, name: str) -> Array:
        """Return the places of a grid."""
        raise NotImplementedError

    def every(self) -> Array:
        """Return all places, where they can be counted."""
        raise NotImplementedError

    def value(self, place: float) -> Any:
        """Return what a place stands for."""
        return float(place)

    def column(self, places: Array) -> Array:
        """Return values as a column of a table."""
        return places

    def translated(self, other: Dimension, places: Array) -> Array | None:
        """Return the places here of what is at places of another; None unless all of it is here."""
        raise NotImplementedError

    def described(self) -> dict[str, Any]:
        """Return plain values that tell one from another."""
        return {"kind": type(self).__name__.lower(), **vars(self)}


class Numbers(Dimension):
    """Numbers between two.

    Parameters
    ----------
    low, high : float
    points : int, optional
        How many a grid takes.
    """

    def __init__(self, low: float, high: float, points: int | None = None) -> None:
        where = type(self).__name__.lower()
        self.low = check_number(low, "low", where, low=-np.inf)
        self.high = check_number(high, "high", where, low=-np.inf)
        self.points = None if points is None else check_positive(points, "points", where)
        if not self.low < self.high:
            raise DataError(
                f"{where}: low must be below high, received {low!r} and {high!r}; a setting that "
                "does not vary is given as its value"
            )

    def places(self, u: Array) -> Array:
        """Return places for numbers in [0, 1)."""
        return np.minimum(self.low + u * (self.high - self.low), self.high)

    def share(self, places: Array) -> Array:
        """Return how far up places are, in [0, 1]."""
        return (places - self.low) / (self.high - self.low)

    def grid(self, name: str) -> Array:
        """Return the places of a grid."""
        if self.points is None:
            raise OptionError(
                "search",
                f"a grid needs to know how many values of {name!r} to take: "
                f"{type(self).__name__.lower()}({self.low:g}, {self.high:g}, points=5), or a list",
            )
        ends = np.linspace(0.0, 1.0, self.points) if self.points > 1 else np.array([0.5])
        return self.places(ends)

    def translated(self, other: Dimension, places: Array) -> Array | None:
        """Return the places here of what is at places of another, or None."""
        if not isinstance(other, Numbers) or type(other) is not type(self):
            return None
        return places if self.low <= other.low and other.high <= self.high else None


class Uniform(Numbers):
    """Numbers, each as likely as another."""


class Log(Numbers):
    """Positive numbers whose logarithms are each as likely as another."""

    def __init__(self, low: float, high: float, points: int | None = None) -> None:
        check_number(low, "low", "log", strict=True)
        super().__init__(low, high, points)

    def places(self, u: Array) -> Array:
        """Return places for numbers in [0, 1)."""
        low, high = math.log(self.low), math.log(self.high)
        return np.clip(np.exp(low + u * (high - low)), self.low, self.high)

    def share(self, places: Array) -> Array:
        """Return how far up places are, in [0, 1]."""
        return np.asarray(np.log(places / self.low) / math.log(self.high / self.low))


class Integers(Numbers):
    """Whole numbers, both ends among them."""

    def __init__(self, low: int, high: int, points: int | None = None) -> None:
        super().__init__(low, high, points)
        if self.low != int(self.low) or self.high != int(self.high):
            raise DataError(f"integers: expected whole numbers, received {low!r} and {high!r}")
        self.size = int(self.high - self.low) + 1

    def places(self, u: Array) -> Array:
        """Return places for numbers in [0, 1)."""
        return np.minimum(self.low + np.floor(u * (self.high - self.low + 1)), self.high)

    def grid(self, name: str) -> Array:
        """Return the places of a grid."""
        if self.points is None:
            return self.every()
        return np.unique(np.rint(np.linspace(self.low, self.high, self.points)))

    def every(self) -> Array:
        """Return all places."""
        return np.arange(self.low, self.high + 1)

    def value(self, place: float) -> Any:
        """Return what a place stands for."""
        return int(place)

    def column(self, places: Array) -> Array:
        """Return values as a column of a table."""
        return places if np.isnan(places).any() else places.astype(np.int64)

    def described(self) -> dict[str, Any]:
        """Return plain values that tell one from another."""
        return {"kind": "integers", "low": self.low, "high": self.high, "points": self.points}


class Choices(Dimension):
    """Values in a list, of any kind; a place is a position in it.

    Parameters
    ----------
    values : sequence
    """

    def __init__(self, values: Sequence[Any]) -> None:
        self.values, self.size = list(values), len(values)

    def places(self, u: Array) -> Array:
        """Return places for numbers in [0, 1)."""
        return np.asarray(np.minimum(np.floor(u * len(self.values)), len(self.values) - 1))

    def share(self, places: Array) -> Array:
        """Return how far up places are, in [0, 1]."""
        return places / max(len(self.values) - 1, 1)

    def grid(self, name: str) -> Array:
        """Return the places of a grid."""
        return self.every()

    def every(self) -> Array:
        """Return all places."""
        return np.arange(len(self.values), dtype=np.float64)

    def value(self, place: float) -> Any:
        """Return what a place stands for."""
        return self.values[int(place)]

    def column(self, places: Array) -> Array:
        """Return values as a column of a table."""
        values = np.empty(len(self.values) + 1, object)
        values[:-1] = self.values  # the last one, None, where a member does not have it
        there = ~np.isnan(places)
        found = values[np.where(there, places, len(self.values)).astype(np.intp)]
        kinds = {type(value) for value in self.values}
        plain = there.all() and len(kinds) == 1 and kinds <= {int, float, bool}
        return found.astype(kinds.pop()) if plain else found

    def translated(self, other: Dimension, places: Array) -> Array | None:
        """Return the places here of what is at places of another, or None."""
        here = self.described()["values"]
        there = other.described()["values"] if isinstance(other, Choices) else [other]
        if not all(value in here for value in there):
            return None
        at = np.array([here.index(value) for value in there], np.float64)
        return at[places.astype(np.intp)]

    def described(self) -> dict[str, Any]:
        """Return plain values that tell one from another."""
        found = list(map(about, self.values))
        alike = [each for i, each in enumerate(found) if each in found[:i]]
        return {
            "kind": "choices",
            "values": [f"{each}, no. {i + 1}" if each in alike else each
                       for i, each in enumerate(found)],
        }  # fmt: skip


def log(low: float, high: float, points: int | None = None) -> Log:
    """Return positive numbers to choose from, on a logarithmic scale: for rates, penalties.

    Parameters
    ----------
    low, high : float
        Above 0.
    points : int, optional
        How many of them a grid takes.

    Raises
    ------
    DataError
        If there is nothing between the ends.

    Examples
    --------
    >>> log(1e-4, 1e-1)
    Log(low=0.0001, high=0.1)
    >>> log(1e-4, 1e-1, points=4).grid("lr")
    array([0.0001, 0.001 , 0.01  , 0.1   ])
    """
    return Log(low, high, points)


def uniform(low: float, high: float, points: int | None = None) -> Uniform:
    """Return numbers to choose from, each as likely as another; see `log`.

    Examples
    --------
    >>> uniform(0, 0.5)
    Uniform(low=0.0, high=0.5)
    """
    return Uniform(low, high, points)


def integers(low: int, high: int, points: int | None = None) -> Integers:
    """Return whole numbers to choose from, ``high`` among them; see `log`.

    Examples
    --------
    >>> integers(1, 4).grid("layers")
    array([1., 2., 3., 4.])
    """
    return Integers(low, high, points)


def dimension_of(name: Any, given: Any) -> Dimension | None:
    """Return what a setting may be; None for a constant."""
    if not isinstance(name, str) or not name.isidentifier():
        raise DataError(f"sweep: a setting's name must be an argument's name, received {name!r}")
    if isinstance(given, Dimension):
        return given
    if hasattr(given, "rvs"):
        raise DataError(
            f"sweep: {name!r} is a distribution of SciPy's; give the range that it is of: "
            "cr.log(1e-4, 1e-1), cr.uniform(0, 0.5), cr.integers(1, 8), or a list"
        )
    if isinstance(given, set | frozenset):
        raise DataError(
            f"sweep: the choices of {name!r} are a set, which has no order; give a list"
        )
    if isinstance(given, list | tuple | range | np.ndarray):
        choices = given.tolist() if isinstance(given, np.ndarray) else list(given)
        if not choices:
            raise DataError(f"sweep: there are no choices of {name!r}; give at least one")
        return Choices(choices)
    return None


def spelled(described: Mapping[str, Mapping[str, Any]]) -> dict[str, str]:
    """Return a space that was described as it would be written.

    Examples
    --------
    >>> spelled({"lr": log(0.001, 0.1).described(), "hidden": Choices([4, 8]).described()})
    {'lr': 'log(0.001, 0.1)', 'hidden': '[4, 8]'}
    """
    found = {}
    for name, each in described.items():
        if "low" in each:
            points = "" if each["points"] is None else f", points={each['points']}"
            found[name] = f"{each['kind']}({each['low']:g}, {each['high']:g}{points})"
        else:
            found[name] = repr(each.get("values", each.get("value")))
    return found


def as_described(about: Mapping[str, Any]) -> Any:
    """Return what `Dimension.described` told, or a constant."""
    kinds = {"log": Log, "uniform": Uniform, "integers": Integers, "choices": Choices}
    if about["kind"] == "constant":
        return about["value"]
    options = {name: value for name, value in about.items() if name != "kind"}
    return kinds[about["kind"]](**options)
