"""Dimensions of a search space: ranges of numbers, or choices."""

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
    """The possible values of one setting.

    A value is stored as a float, its *place*: the value itself, or the index of a choice.

    Parameters
    ----------
    when : dict, optional
        Values of other settings with which this one is drawn, by name: a value, or a list of them.
    """

    size: int | None = None  # number of values; None for continuous numbers

    def __init__(self, when: Mapping[str, Any] | None = None) -> None:
        if not isinstance(when, Mapping | None):
            raise DataError(
                f"{type(self).__name__}: when must be a dict from the name of a setting to its "
                f"values, received {when!r}"
            )
        lists = {
            name: list(values) if isinstance(values, list | tuple) else [values]
            for name, values in (when or {}).items()
        }
        self.when: dict[str, list[Any]] | None = lists or None

    def conditions(self) -> dict[str, Any]:
        """Return a description of ``when`` in plain values; an empty dict without conditions."""
        return {"when": about(self.when)} if self.when else {}

    def places(self, u: Array) -> Array:
        """Map uniform numbers in [0, 1) to places."""
        raise NotImplementedError

    def share(self, places: Array) -> Array:
        """Map places to [0, 1]: 0 is the lowest value and 1 the highest."""
        raise NotImplementedError

    def grid(self, name: str) -> Array:
        """Return the places of a grid search."""
        raise NotImplementedError

    def every(self) -> Array:
        """Return all places of a finite dimension."""
        raise NotImplementedError

    def value(self, place: float) -> Any:
        """Return the value at a place."""
        return float(place)

    def column(self, places: Array) -> Array:
        """Return the values at places as a column of a table."""
        return places

    def translated(self, other: Dimension, places: Array) -> Array | None:
        """Convert places of another dimension; None if this one lacks some of its values."""
        raise NotImplementedError

    def described(self) -> dict[str, Any]:
        """Return a description in plain values, equal for equal dimensions."""
        raise NotImplementedError


class NumberRange(Dimension):
    """Base class of ranges of numbers.

    Parameters
    ----------
    low, high : float
    points : int, optional
        Number of points of a grid search.
    when : dict, optional
        As for `Dimension`.
    """

    def __init__(
        self, low: float, high: float, points: int | None = None,
        when: Mapping[str, Any] | None = None,
    ) -> None:  # fmt: skip
        super().__init__(when)
        where = type(self).__name__
        self.low = check_number(low, "low", where, low=-np.inf)
        self.high = check_number(high, "high", where, low=-np.inf)
        self.points = None if points is None else check_positive(points, "points", where)
        if not self.low < self.high:
            raise DataError(
                f"{where}: low must be below high, received {low!r} and {high!r}; a setting that "
                "does not vary is given as its value"
            )

    def places(self, u: Array) -> Array:
        """Map uniform numbers in [0, 1) to places."""
        return np.minimum(self.low + u * (self.high - self.low), self.high)

    def share(self, places: Array) -> Array:
        """Map places to [0, 1]: 0 is the lowest value and 1 the highest."""
        return (places - self.low) / (self.high - self.low)

    def grid(self, name: str) -> Array:
        """Return the places of a grid search."""
        if self.points is None:
            raise OptionError(
                "search",
                f"a grid needs to know how many values of {name!r} to take: cr.sweeps."
                f"{type(self).__name__}({self.low:g}, {self.high:g}, points=5), or a list",
            )
        ends = np.linspace(0.0, 1.0, self.points) if self.points > 1 else np.array([0.5])
        return self.places(ends)

    def described(self) -> dict[str, Any]:
        """Return a description in plain values, equal for equal dimensions."""
        kind = next(name for name, kind in KINDS.items() if kind is type(self))
        ends = {"kind": kind, "low": self.low, "high": self.high, "points": self.points}
        return ends | self.conditions()

    def translated(self, other: Dimension, places: Array) -> Array | None:
        """Convert places of another dimension; None if this one lacks some of its values."""
        if not isinstance(other, NumberRange) or type(other) is not type(self):
            return None
        return places if self.low <= other.low and other.high <= self.high else None


class Uniform(NumberRange):
    """Draws numbers with a uniform distribution.

    Parameters
    ----------
    low, high : float
        Ends of the range.
    points : int, optional
        Number of points of a grid search.
    when : dict, optional
        Values of other settings with which this one is drawn, by name: ``{"optimizer": "sgd"}``.

    Raises
    ------
    DataError
        If ``low`` is not below ``high``.

    Examples
    --------
    >>> Uniform(0, 0.5)
    Uniform(low=0.0, high=0.5)
    """


class LogUniform(NumberRange):
    """Draws positive numbers whose logarithms have a uniform distribution, as for rates.

    Parameters
    ----------
    low, high : float
        Ends of the range, above 0.
    points : int, optional
        Number of points of a grid search.
    when : dict, optional
        Values of other settings with which this one is drawn, by name: ``{"optimizer": "sgd"}``.

    Raises
    ------
    DataError
        If ``low`` is not below ``high``, or not above 0.

    Examples
    --------
    >>> LogUniform(1e-4, 1e-1)
    LogUniform(low=0.0001, high=0.1)
    >>> LogUniform(1e-4, 1e-1, points=4).grid("lr")
    array([0.0001, 0.001 , 0.01  , 0.1   ])
    """

    def __init__(
        self, low: float, high: float, points: int | None = None,
        when: Mapping[str, Any] | None = None,
    ) -> None:  # fmt: skip
        check_number(low, "low", "LogUniform", strict=True)
        super().__init__(low, high, points, when)

    def places(self, u: Array) -> Array:
        """Map uniform numbers in [0, 1) to places."""
        low, high = math.log(self.low), math.log(self.high)
        return np.clip(np.exp(low + u * (high - low)), self.low, self.high)

    def share(self, places: Array) -> Array:
        """Map places to [0, 1]: 0 is the lowest value and 1 the highest."""
        return np.asarray(np.log(places / self.low) / math.log(self.high / self.low))


class IntRange(NumberRange):
    """Draws whole numbers from a range, including both ends.

    Parameters
    ----------
    low, high : float
        Ends of the range as whole numbers.
    points : int, optional
        Number of points of a grid search.
    when : dict, optional
        Values of other settings with which this one is drawn, by name: ``{"optimizer": "sgd"}``.

    Raises
    ------
    DataError
        If ``low`` is not below ``high``, or an end is no whole number.

    Examples
    --------
    >>> IntRange(1, 4).grid("layers")
    array([1., 2., 3., 4.])
    """

    def __init__(
        self, low: int, high: int, points: int | None = None,
        when: Mapping[str, Any] | None = None,
    ) -> None:  # fmt: skip
        super().__init__(low, high, points, when)
        if self.low != int(self.low) or self.high != int(self.high):
            raise DataError(f"IntRange: expected whole numbers, received {low!r} and {high!r}")
        self.size = int(self.high - self.low) + 1

    def places(self, u: Array) -> Array:
        """Map uniform numbers in [0, 1) to places."""
        return np.minimum(self.low + np.floor(u * (self.high - self.low + 1)), self.high)

    def grid(self, name: str) -> Array:
        """Return the places of a grid search."""
        if self.points is None:
            return self.every()
        return np.unique(np.rint(np.linspace(self.low, self.high, self.points)))

    def every(self) -> Array:
        """Return the places of all values."""
        return np.arange(self.low, self.high + 1)

    def value(self, place: float) -> Any:
        """Return the value at a place."""
        return int(place)

    def column(self, places: Array) -> Array:
        """Return the values at places as a column of a table."""
        return places if np.isnan(places).any() else places.astype(np.int64)


class Choice(Dimension):
    """Draws a value from a list, of any types; a place is a position in the list.

    A plain list among the settings of a sweep means the same.

    Parameters
    ----------
    values : sequence
        The list; in a sweep at least one value.
    when : dict, optional
        Values of other settings with which this one is drawn, by name.

    Examples
    --------
    >>> Choice(["relu", "tanh"]).value(1)
    'tanh'
    """

    def __init__(self, values: Sequence[Any], when: Mapping[str, Any] | None = None) -> None:
        super().__init__(when)
        self.values, self.size = list(values), len(values)

    def places(self, u: Array) -> Array:
        """Map uniform numbers in [0, 1) to places."""
        return np.asarray(np.minimum(np.floor(u * len(self.values)), len(self.values) - 1))

    def share(self, places: Array) -> Array:
        """Map places to [0, 1]: 0 is the lowest value and 1 the highest."""
        return places / max(len(self.values) - 1, 1)

    def grid(self, name: str) -> Array:
        """Return the places of a grid search."""
        return self.every()

    def every(self) -> Array:
        """Return all places."""
        return np.arange(len(self.values), dtype=np.float64)

    def value(self, place: float) -> Any:
        """Return the value at a place."""
        return self.values[int(place)]

    def column(self, places: Array) -> Array:
        """Return the values at places as a column of a table."""
        values = np.empty(len(self.values) + 1, object)
        values[:-1] = self.values  # the last entry, None, is for members without this setting
        present = ~np.isnan(places)
        column = values[np.where(present, places, len(self.values)).astype(np.intp)]
        kinds = {type(value) for value in self.values}
        plain = present.all() and len(kinds) == 1 and kinds <= {int, float, bool}
        return column.astype(kinds.pop()) if plain else column

    def translated(self, other: Dimension, places: Array) -> Array | None:
        """Convert places of another dimension; None if this one lacks some of its values."""
        own_values = self.described()["values"]
        other_values = other.described()["values"] if isinstance(other, Choice) else [other]
        if not all(value in own_values for value in other_values):
            return None
        at = np.array([own_values.index(value) for value in other_values], np.float64)
        present = ~np.isnan(places)
        translated = np.full(len(places), np.nan)
        translated[present] = at[places[present].astype(np.intp)]
        return translated

    def described(self) -> dict[str, Any]:
        """Return a description in plain values, equal for equal dimensions."""
        described = list(map(about, self.values))
        repeated = [each for i, each in enumerate(described) if each in described[:i]]
        return {
            "kind": "choices",
            "values": [f"{each}, no. {i + 1}" if each in repeated else each
                       for i, each in enumerate(described)],
            **self.conditions(),
        }  # fmt: skip


# By the name in stores.
KINDS: dict[str, Any] = {
    "log": LogUniform, "uniform": Uniform, "integers": IntRange, "choices": Choice,
}  # fmt: skip


def dimension_of(name: Any, values: Any) -> Dimension | None:
    """Return the dimension of a setting, or None for a constant."""
    if not isinstance(name, str) or not name.isidentifier():
        raise DataError(f"sweep: a setting's name must be an argument's name, received {name!r}")
    if isinstance(values, Dimension):
        return values
    if hasattr(values, "rvs"):
        raise DataError(
            f"sweep: {name!r} is a distribution of SciPy's; give the range that it is of: "
            "cr.sweeps.LogUniform(1e-4, 1e-1), cr.sweeps.Uniform(0, 0.5), "
            "cr.sweeps.IntRange(1, 8), or a list"
        )
    if isinstance(values, set | frozenset):
        raise DataError(
            f"sweep: the choices of {name!r} are a set, which has no order; give a list"
        )
    if isinstance(values, list | tuple | range | np.ndarray):
        choices = values.tolist() if isinstance(values, np.ndarray) else list(values)
        if not choices:
            raise DataError(f"sweep: there are no choices of {name!r}; give at least one")
        return Choice(choices)
    return None


def spelled(described: Mapping[str, Mapping[str, Any]]) -> dict[str, str]:
    """Return the code that would define a described space, by setting.

    Examples
    --------
    >>> spelled({"lr": LogUniform(1e-3, 0.1).described(), "hidden": Choice([4, 8]).described()})
    {'lr': 'LogUniform(0.001, 0.1)', 'hidden': '[4, 8]'}
    """
    code = {}
    for name, each in described.items():
        if "low" in each:
            points = "" if each["points"] is None else f", points={each['points']}"
            code[name] = (
                f"{KINDS[each['kind']].__name__}({each['low']:g}, {each['high']:g}{points})"
            )
        else:
            code[name] = repr(each.get("values", each.get("value")))
    return code


def as_described(about: Mapping[str, Any]) -> Any:
    """Return the dimension, or the constant, of a description."""
    if about["kind"] == "constant":
        return about["value"]
    options = {name: value for name, value in about.items() if name != "kind"}
    return KINDS[about["kind"]](**options)
