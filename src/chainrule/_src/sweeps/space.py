"""Which settings there are to try, and which of them each member of a sweep has."""

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

BLOCK = 1024  # members whose settings are drawn at once
MOST = 10**7  # combinations of a grid, or models
DRAWN = 4  # times as many draws as there are combinations; what is left then comes last


class Space:
    """Settings by name, with the values that each may have.

    Parameters
    ----------
    space : dict
        For each name `log`, `uniform`, `integers`, or a list, tuple or range of choices; anything
        else is the same for all members.

    Raises
    ------
    DataError
        If it is no dict of names, or a list is empty.

    Examples
    --------
    >>> from chainrule._src.sweeps.dimensions import log
    >>> space = Space({"lr": log(1e-4, 1e-1), "hidden": [16, 64, (64, 32)], "momentum": 0.9})
    >>> space.settings(space.random(range(3), seed=0)[1])
    {'lr': 0.000133, 'hidden': 16, 'momentum': 0.9}
    """

    def __init__(self, space: Mapping[str, Any]) -> None:
        if not isinstance(space, Mapping):
            raise DataError(
                "sweep: space must be a dict of settings, such as {'lr': cr.log(1e-4, 1e-1), "
                f"'hidden': [16, 64]}}, received {space!r}"
            )
        self.dimensions: dict[str, Dimension] = {}
        self.constants: dict[str, Any] = {}
        self.order = list(space)
        for name, given in space.items():
            found = dimension_of(name, given)
            if found is None:
                self.constants[name] = given
            else:
                self.dimensions[name] = found

    @property
    def names(self) -> list[str]:
        """The settings that vary."""
        return list(self.dimensions)

    @property
    def size(self) -> int | None:
        """How many combinations there are; None where numbers are continuous."""
        sizes = [dimension.size for dimension in self.dimensions.values()]
        return None if None in sizes else math.prod(size or 1 for size in sizes)

    def settings(self, places: Iterable[float]) -> Settings:
        """Return a member's settings from its places."""
        varying = {
            name: dimension.value(place)
            for (name, dimension), place in zip(self.dimensions.items(), places, strict=True)
            if place == place  # a member of a narrower space may not have it
        }
        both = varying | self.constants
        return {name: both[name] for name in self.order if name in both}

    def draw(self, search: str, numbers: range, seed: int) -> Array:
        """Return the places of some members, shape (members, settings that vary).

        They depend on the seed and the member's number alone. Where the values can be counted, each
        combination comes once; there are no more of them.

        Raises
        ------
        UnknownNameError, OptionError
            If there is no such search, or it does not suit the space.
        """
        drawn = lookup("search", search, SEARCHES)
        if self.size is None or search == "grid":
            return drawn(self, numbers, seed)
        return self._each_once(drawn, numbers, seed)

    def _each_once(self, draw: Draw, numbers: range, seed: int) -> Array:
        """Return places as they are drawn but for repetitions; at last, what was never drawn."""
        most, count = DRAWN * (self.size or 1), 2 * numbers.stop
        found = new_rows(draw(self, range(min(count, most)), seed))
        while len(found) < numbers.stop and count < most:
            count *= 2
            found = new_rows(draw(self, range(min(count, most)), seed))
        if len(found) < numbers.stop:
            rest = new_rows(_product([d.every() for d in self.dimensions.values()]), found)
            found = np.concatenate([found, np.random.default_rng(seed).permutation(rest)])
        return found[numbers.start : numbers.stop]

    def random(self, numbers: range, seed: int) -> Array:
        """Return places drawn independently."""
        blocks = range(numbers.start // BLOCK, -(-numbers.stop // BLOCK))
        width = len(self.dimensions)
        drawn = [np.random.default_rng([seed, b]).random((BLOCK, width)) for b in blocks]
        return self._placed(_part(drawn, numbers, width))

    def quasi(self, numbers: range, seed: int) -> Array:
        """Return places that fill the space evenly: a scrambled Sobol sequence (Owen, 1998)."""
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
        """Return the places of a whole grid.

        Raises
        ------
        OptionError
            If it is not said how many of some numbers to take, or there are too many of all.
        """
        each = [dimension.grid(name) for name, dimension in self.dimensions.items()]
        count = math.prod(map(len, each))
        if count > MOST:
            raise OptionError(
                "search", f"the grid has {count:,} combinations, at most {MOST:,} can be; "
                "search='random' takes as many of them as models= says",
            )  # fmt: skip
        return _product(each)

    def shares(self, places: Array) -> Array:
        """Return how far up each place is in its dimension, numbers in [0, 1]."""
        columns = [d.share(places[:, i]) for i, d in enumerate(self.dimensions.values())]
        return np.stack(columns, axis=1) if columns else places

    def columns(self, places: Array) -> dict[str, Array]:
        """Return the values of each setting that varies as a column."""
        return {name: d.column(places[:, i]) for i, (name, d) in enumerate(self.dimensions.items())}

    def _placed(self, u: Array) -> Array:
        columns = [d.places(u[:, i]) for i, d in enumerate(self.dimensions.values())]
        return np.stack(columns, axis=1) if columns else u

    def translated(self, other: Space, places: Array) -> Array | None:
        """Return the places here of members of another space, of which there is all here.

        A setting that the other does not have is NaN. None where something of it is not here.
        """
        found = np.full((len(places), len(self.dimensions)), np.nan)
        for name, here in other.constants.items():
            if about(self.constants.get(name)) != about(here):
                return None
        for i, (name, there) in enumerate(other.dimensions.items()):
            if name not in self.dimensions:
                return None
            at = self.dimensions[name].translated(there, places[:, i])
            if at is None:
                return None
            found[:, self.names.index(name)] = at
        return found

    @classmethod
    def from_described(cls, described: Mapping[str, Any]) -> Space:
        """Return the space that was described, with choices as they were told."""
        return cls({name: as_described(part) for name, part in described.items()})

    def described(self) -> dict[str, Any]:
        """Return plain values that tell one space from another."""
        varying = {name: d.described() for name, d in self.dimensions.items()}
        constant = {n: {"kind": "constant", "value": about(v)} for n, v in self.constants.items()}
        return {name: (varying | constant)[name] for name in self.order}


Draw = Callable[[Space, range, int], Array]
SEARCHES: dict[str, Draw] = {
    "random": Space.random, "quasi": Space.quasi, "grid": Space.grid
}  # fmt: skip


def new_rows(rows: Array, known: Array | None = None) -> Array:
    """Return each row once, in their order, without those that are known.

    Examples
    --------
    >>> new_rows(np.array([[1, 2], [3, 4], [1, 2], [0, 0]]), known=np.array([[3, 4]]))
    array([[1, 2],
           [0, 0]])
    """
    known = rows[:0] if known is None else known
    both = np.concatenate([known, rows])
    if not rows.shape[1]:
        return both[len(known) : 1]
    places = np.nan_to_num(both, nan=np.inf)  # what a member does not have is equal to itself
    first = np.sort(np.unique(places, axis=0, return_index=True)[1])
    return np.asarray(both[first[first >= len(known)]])


def _product(each: list[Array]) -> Array:
    return np.array(list(itertools.product(*each))).reshape(math.prod(map(len, each)), len(each))


def _part(blocks: list[Array], numbers: range, width: int) -> Array:
    """Return some rows of blocks that begin with the first of them."""
    if not blocks:
        return np.empty((0, width))
    first = numbers.start // BLOCK * BLOCK
    return np.concatenate(blocks)[numbers.start - first : numbers.stop - first]
