"""The values of the right program, and a lookup of a learner's value in this table.

Two values also match up to a transposition, a shape, a sign or a factor that sizes explain, and if
one is the row of a single sample.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from chainrule._src.base.arrays import Array

MOST_ENTRIES = 40  # of an array that are looked up, evenly spread
SAME_NUMBER = 1e-9  # the relative gap up to which two numbers are the same one
CLOSE = 1e-4  # small constants inside logarithms make differences of this size


@dataclass(frozen=True)
class RightValue:
    """A value of the right program.

    Attributes
    ----------
    name : str
        The variable in the program, or the expression that gives the value.
    array : ndarray
    sample : int or None
        The number of the sample whose row this is; None for the whole array.
    final : bool
        True if the value is the gradient of a parameter, a result of the program.
    is_part : bool
        True if the value is only a term of a sum: code that leaves out a path has it too.
    """

    name: str
    array: Array
    sample: int | None = None
    final: bool = False
    is_part: bool = False

    @property
    def role(self) -> str:
        """A description of the value in words."""
        whose = "" if self.sample is None else " for one sample"
        if not self.is_named and self.name.isidentifier():
            return f"an inner value of the right program{whose}"
        if self.name.startswith("d_"):
            return f"the gradient at {self.name[2:]}{whose}"
        return f"{self.name}{whose}"

    @property
    def is_named(self) -> bool:
        """True if the value has a name of the code, no generated one such as ``t3``."""
        return self.name.isidentifier() and not (self.name[0] == "t" and self.name[1:].isdigit())


@dataclass(frozen=True)
class Match:
    """``factor`` times a value of the right program, perhaps transposed."""

    value: RightValue
    factor: float
    is_transposed: bool = False


class ValueTable:
    """A lookup table of the right program's values by their entries.

    Parameters
    ----------
    values : iterable of (str, ndarray)
    n : int or None
        The number of samples.
    sizes : iterable of int
        Sizes that a factor, or the inverse of a factor, may be equal to.
    final : iterable of str
        The names of the parameters' gradients.
    parts : iterable of str
        The expressions that are terms of sums.
    """

    def __init__(
        self,
        values: Iterable[tuple[str, Any]],
        n: int | None,
        sizes: Iterable[int] = (),
        final: Iterable[str] = (),
        parts: Iterable[str] = (),
    ) -> None:
        self.n = n
        sizes = {s for s in (n, *sizes) if s and s > 1}
        scales = {1.0, 2.0, 0.5, *map(float, sizes), *(1 / s for s in sizes)}
        scales |= {2 * s for s in sizes} | {2 / s for s in sizes}
        self.factors = np.array(sorted({*scales, *(-s for s in scales)}))
        by_size: dict[int, list[RightValue]] = defaultdict(list)
        self.values: list[RightValue] = []
        for name, array in values:
            array = np.asarray(array, np.float64)
            if array.ndim and np.isfinite(array).all():
                self.values.append(RightValue(name, array, None, name in final))
            is_part = name in parts
            by_size[array.size].append(RightValue(name, array, is_part=is_part))
            if n and array.ndim and array.shape[0] == n and array.size > n:
                for i in range(n):
                    by_size[array[i].size].append(RightValue(name, array[i], i, is_part=is_part))
        entries = [value.array.ravel() for value in self.values]
        self._entries = np.unique(np.concatenate([[-np.inf, np.inf], *entries]))
        self.by_size = {}  # number of entries -> unit rows, norms, values, is a row transposed?
        for size, candidates in by_size.items():
            rows, row_values, turned = [], [], []
            for value in candidates:
                if not np.isfinite(value.array).all() or not value.array.any():
                    continue
                rows.append(value.array.ravel())
                row_values.append(value)
                turned.append(False)
                if value.array.ndim >= 2 and min(value.array.shape) > 1:
                    rows.append(value.array.T.ravel())
                    row_values.append(value)
                    turned.append(True)
            if rows:
                matrix = np.array(rows)
                norms = np.linalg.norm(matrix, axis=1)
                self.by_size[size] = matrix / norms[:, None], norms, row_values, turned

    def sequences(self, shapes: list[tuple[int, ...]]) -> Iterator[tuple[RightValue, list[Array]]]:
        """Yield values of the right program with one array for each turn of a loop.

        ``shapes`` has the shape at each turn. The arrays are one value, the rows of one value, or
        consecutive values whose names end in a number, such as the steps of a recurrence.
        """
        shape, turns = shapes[0], len(shapes)
        same_shapes = all(s == shape for s in shapes)
        for value in self.values if same_shapes else ():
            if not value.name.isidentifier():
                continue
            ways = [value.array, value.array.T] if value.array.ndim > 1 else [value.array]
            for array in ways:
                if array.shape == shape and turns == 1:
                    yield value, [array]
                elif turns > 1 and array.shape == (turns, *shape):
                    yield value, list(array)
        steps: dict[str, list[RightValue]] = defaultdict(list)
        for value in self.values:
            if value.is_named:
                steps[re.sub(r"_?\d+$", "", value.name)].append(value)
        for name, group in steps.items():
            for start in range(len(group) - turns + 1 if turns > 1 else 0):
                part = [value.array for value in group[start : start + turns]]
                if [array.shape for array in part] == shapes:
                    yield RightValue(name, part[0]), part

    def matches(self, value: Any) -> list[Match]:
        """Return the matches of a value, the likeliest first."""
        try:
            array = np.asarray(value, np.float64)
        except (TypeError, ValueError):
            return []
        if array.size not in self.by_size or array.size < 2 or not np.isfinite(array).all():
            return []
        matrix, norms, values, turned = self.by_size[array.size]
        norm = float(np.linalg.norm(array))
        if norm == 0:
            return []
        along = matrix @ (array.ravel() / norm)
        matches = []
        for i in np.flatnonzero(np.abs(along) > 1 - CLOSE**2.25):
            factor = float(along[i]) * norm / norms[i]
            near = self.factors[np.argmin(np.abs(self.factors - factor))]
            if abs(near - factor) <= CLOSE * abs(factor):
                matches.append(Match(values[i], float(near), turned[i]))
        return sorted(matches, key=self._plainness)

    def _plainness(self, match: Match) -> tuple[Any, ...]:
        value = match.value
        same = match.factor == 1
        return (not same, not value.is_named, value.sample is not None, match.is_transposed)

    def has(self, value: Any, *, parts: bool = False) -> bool:
        """Return true if a value is in the table, up to a factor of the number of samples.

        If ``parts``, terms of sums count as well.
        """
        n = self.n or 1
        return any(
            match.factor in (1, n, 1 / n) and (parts or not match.value.is_part)
            for match in self.matches(value)
        )

    def knows(self, value: Any) -> bool:
        """Return true if the entries of a value are all among those of the table.

        So a part of an array is known, too, and a number. An array that is constant, such as zeros,
        tells nothing and counts as known.
        """
        if np.size(value) > 1 and (not np.ptp(value) or self.has(value, parts=True)):
            return True
        n = self.n or 1
        factors = self.factors if np.size(value) == 1 else np.array([1.0, n, 1 / n])
        some = np.ravel(value)[:: 1 + np.size(value) // MOST_ENTRIES]
        entries = some[some != 0][:, None] / factors
        above = np.searchsorted(self._entries, entries)
        gaps = [np.abs(self._entries[above - i] - entries) for i in (0, 1)]
        return bool((np.minimum(*gaps) <= SAME_NUMBER * np.abs(entries)).all(axis=0).any())

    def is_known(self, value: Any) -> tuple[float, bool]:
        """Return a score of the best match of a value, and true if only its transpose matches.

        The score is 1 for an equal value, less up to a factor, and 0 without a match.
        """
        shares = [(self._share(m), not m.is_transposed) for m in self.matches(value)]
        share, straight = max(shares, default=(0.0, True))
        return share, not straight

    def _share(self, match: Match) -> float:
        of_sample = match.value.sample is not None  # whose own gradient lacks the average
        share = 1.0 if match.factor == 1 else 0.6
        if match.factor == self.n:
            share = 1.0 if of_sample else 0.5
        if match.factor < 0:
            share = 0.2
        if match.is_transposed:
            share -= 0.1
        return share if match.value.is_named else 0.5 * share
