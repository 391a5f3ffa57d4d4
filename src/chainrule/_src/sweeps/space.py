"""The search space: settings with their possible values, and random draws of settings."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np

from chainrule._src.base.arrays import Array
from chainrule._src.base.errors import DataError, OptionError
from chainrule._src.base.extras import needs
from chainrule._src.base.validation import lookup
from chainrule._src.sweeps.dimensions import Dimension, as_described, dimension_of
from chainrule._src.sweeps.fingerprint import about
from chainrule._src.sweeps.member import Settings

BLOCK = 1024  # members that are drawn from one generator
MOST = 10**7  # maximum number of combinations of a grid, and of models
MOST_COUNTED = 10**5  # combinations of a conditional space, at most, that are counted one by one
DRAWN = 4  # draws per combination; combinations that were not drawn until then come last


class Space:
    """Settings by name, with their possible values.

    Parameters
    ----------
    space : dict
        From each name to `log`, `uniform`, `integers`, or a list, tuple or range of choices; any
        other value is a constant.

    Raises
    ------
    DataError
        If ``space`` is not a dict with names as keys, or a list is empty.

    Examples
    --------
    >>> from chainrule._src.sweeps.dimensions import LogUniform
    >>> space = Space({"lr": LogUniform(1e-4, 1e-1), "hidden": [16, 64, (64, 32)], "momentum": 0.9})
    >>> space.settings(space.random(range(3), seed=0)[1])
    {'lr': 0.000133, 'hidden': 16, 'momentum': 0.9}
    """

    def __init__(self, space: Mapping[str, Any]) -> None:
        if not isinstance(space, Mapping):
            raise DataError(
                "sweep: space must be a dict of settings, such as "
                "{'lr': cr.sweeps.LogUniform(1e-4, 1e-1), "
                f"'hidden': [16, 64]}}, received {space!r}"
            )
        self.dimensions: dict[str, Dimension] = {}
        self.constants: dict[str, Any] = {}
        self.order = list(space)
        for name, values in space.items():
            dimension = dimension_of(name, values)
            if dimension is None:
                self.constants[name] = values
            else:
                self.dimensions[name] = dimension
        self._check_conditions()

    def _check_conditions(self) -> None:
        """Refuse conditions on settings that do not stand before theirs."""
        for name, dimension in self.dimensions.items():
            before = self.order[: self.order.index(name)]
            for other in dimension.when or ():
                if other not in before:
                    raise DataError(
                        f"sweep: {name!r} depends on {other!r}, which must be a setting before it; "
                        f"before it are {', '.join(before) or 'none'}"
                    )

    @property
    def is_conditional(self) -> bool:
        """True if some settings are drawn only with some values of other settings."""
        return any(dimension.when for dimension in self.dimensions.values())

    def conditioned(self, places: Array) -> Array:
        """Return places in which settings whose condition does not hold are NaN."""
        if not self.is_conditional:
            return places
        places, names = places.copy(), self.names
        for i, dimension in enumerate(self.dimensions.values()):
            for other, values in (dimension.when or {}).items():
                if other in self.constants:
                    holds = np.full(len(places), self.constants[other] in values)
                else:
                    column, at = self.dimensions[other], places[:, names.index(other)]
                    holds = np.array([p == p and column.value(p) in values for p in at.tolist()])
                places[~holds.astype(bool), i] = np.nan
        return places

    @property
    def names(self) -> list[str]:
        """Names of the settings that vary."""
        return list(self.dimensions)

    @property
    def size(self) -> int | None:
        """Number of combinations; None if a setting is continuous."""
        sizes = [dimension.size for dimension in self.dimensions.values()]
        if None in sizes:
            return None
        size = math.prod(size or 1 for size in sizes)
        if not self.is_conditional or size > MOST_COUNTED:
            return size
        every = _product([dimension.every() for dimension in self.dimensions.values()])
        return len(new_rows(self.conditioned(every)))

    def settings(self, places: Iterable[float]) -> Settings:
        """Convert a member's places to its settings."""
        varying = {
            name: dimension.value(position)
            for (name, dimension), position in zip(self.dimensions.items(), places, strict=True)
            if position == position  # NaN: a member of a narrower space lacks the setting
        }
        both = varying | self.constants
        return {name: both[name] for name in self.order if name in both}

    def draw(self, search: str, numbers: range, seed: int) -> Array:
        """Draw the places of some members, shape (members, settings that vary).

        They depend only on the seed and the member's number. In a finite space, each combination is
        drawn once, and there are no more members than combinations.

        Raises
        ------
        UnknownNameError, OptionError
            If the search is unknown, or does not suit the space.
        """
        drawn = lookup("search", search, SEARCHES)
        if self.size is None or search == "grid":
            return drawn(self, numbers, seed)
        return self._each_once(drawn, numbers, seed)

    def _each_once(self, draw: Draw, numbers: range, seed: int) -> Array:
        """Return draws without repetitions, followed by the combinations that were never drawn."""
        most, count = DRAWN * (self.size or 1), 2 * numbers.stop
        rows = new_rows(draw(self, range(min(count, most)), seed))
        while len(rows) < numbers.stop and count < most:
            count *= 2
            rows = new_rows(draw(self, range(min(count, most)), seed))
        if len(rows) < numbers.stop:
            every = _product([d.every() for d in self.dimensions.values()])
            undrawn = new_rows(self.conditioned(every), rows)
            rows = np.concatenate([rows, np.random.default_rng(seed).permutation(undrawn)])
        return rows[numbers.start : numbers.stop]

    def random(self, numbers: range, seed: int) -> Array:
        """Draw places independently."""
        blocks = range(numbers.start // BLOCK, -(-numbers.stop // BLOCK))
        width = len(self.dimensions)
        drawn = [np.random.default_rng([seed, b]).random((BLOCK, width)) for b in blocks]
        return self._placed(_part(drawn, numbers, width))

    def quasi(self, numbers: range, seed: int) -> Array:
        """Draw places that fill the space evenly: a scrambled Sobol sequence (Owen, 1998)."""
        with needs("search='quasi'", "tables", "scipy"):
            from scipy.stats import qmc  # takes a while to load

        if not self.dimensions:
            return np.empty((len(numbers), 0))
        sequence = qmc.Sobol(len(self.dimensions), seed=np.random.default_rng(seed))
        drawn = sequence.random_base2(max(numbers.stop - 1, 1).bit_length())
        return self._placed(drawn[numbers.start : numbers.stop])

    def grid(self, numbers: range, seed: int) -> Array:
        """Return places of all combinations, the last setting changing first."""
        return self.combinations()[numbers.start : numbers.stop]

    def combinations(self) -> Array:
        """Return the places of the complete grid.

        Raises
        ------
        OptionError
            If a range of numbers has no ``points``, or there are too many combinations.
        """
        each = [dimension.grid(name) for name, dimension in self.dimensions.items()]
        count = math.prod(map(len, each))
        if count > MOST:
            raise OptionError(
                "search", f"the grid has {count:,} combinations, at most {MOST:,} can be; "
                "search='random' takes as many of them as models= says",
            )  # fmt: skip
        places = _product(each)
        return new_rows(self.conditioned(places)) if self.is_conditional else places

    def shares(self, places: Array) -> Array:
        """Map the places of each dimension to [0, 1]."""
        columns = [d.share(places[:, i]) for i, d in enumerate(self.dimensions.values())]
        return np.stack(columns, axis=1) if columns else places

    def columns(self, places: Array) -> dict[str, Array]:
        """Return a column of values for each setting that varies."""
        return {name: d.column(places[:, i]) for i, (name, d) in enumerate(self.dimensions.items())}

    def _placed(self, u: Array) -> Array:
        columns = [d.places(u[:, i]) for i, d in enumerate(self.dimensions.values())]
        return self.conditioned(np.stack(columns, axis=1)) if columns else u

    def translated(self, other: Space, places: Array) -> Array | None:
        """Convert places of another space to this one; None if this space lacks some of its values.

        A setting that the other space lacks is NaN.
        """
        places_here = np.full((len(places), len(self.dimensions)), np.nan)
        for name, constant in other.constants.items():
            if about(self.constants.get(name)) != about(constant):
                return None
        for i, (name, dimension) in enumerate(other.dimensions.items()):
            if name not in self.dimensions:
                return None
            at = self.dimensions[name].translated(dimension, places[:, i])
            if at is None or self.dimensions[name].conditions() != dimension.conditions():
                return None
            places_here[:, self.names.index(name)] = at
        return places_here

    @classmethod
    def from_described(cls, described: Mapping[str, Any]) -> Space:
        """Return the space of a description, with the described values as choices."""
        return cls({name: as_described(part) for name, part in described.items()})

    def described(self) -> dict[str, Any]:
        """Return a description in plain values, equal for equal spaces."""
        varying = {name: d.described() for name, d in self.dimensions.items()}
        constant = {n: {"kind": "constant", "value": about(v)} for n, v in self.constants.items()}
        return {name: (varying | constant)[name] for name in self.order}


Draw = Callable[[Space, range, int], Array]
SEARCHES: dict[str, Draw] = {
    "random": Space.random, "quasi": Space.quasi, "grid": Space.grid
}  # fmt: skip


def new_rows(rows: Array, existing: Array | None = None) -> Array:
    """Return each row once, in order, without the rows in ``existing``.

    Examples
    --------
    >>> new_rows(np.array([[1, 2], [3, 4], [1, 2], [0, 0]]), existing=np.array([[3, 4]]))
    array([[1, 2],
           [0, 0]])
    """
    existing = rows[:0] if existing is None else existing
    both = np.concatenate([existing, rows])
    if not rows.shape[1]:
        return both[len(existing) : 1]
    # A missing setting counts as equal to another missing setting.
    places = np.nan_to_num(both, nan=np.inf)
    first = np.sort(np.unique(places, axis=0, return_index=True)[1])
    return np.asarray(both[first[first >= len(existing)]])


def _product(each: list[Array]) -> Array:
    return np.array(list(itertools.product(*each))).reshape(math.prod(map(len, each)), len(each))


def _part(blocks: list[Array], numbers: range, width: int) -> Array:
    """Return rows ``numbers`` from consecutive blocks; the first block contains the first row."""
    if not blocks:
        return np.empty((0, width))
    first = numbers.start // BLOCK * BLOCK
    return np.concatenate(blocks)[numbers.start - first : numbers.stop - first]
