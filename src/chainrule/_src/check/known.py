"""The values of the right program, and which of them a learner's value is.

A value is the same as another also up to a transposition, a shape, a sign, a factor that sizes
explain, or as one sample's share of it.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from chainrule._src.base.arrays import Array

CLOSE = 1e-4  # small constants within logarithms are told from nothing else


@dataclass(frozen=True)
class Value:
    """A value of the right program.

    Attributes
    ----------
    name : str
        What the program calls it, or the expression that gives it.
    array : ndarray
    sample : int or None
        Which sample's share it is.
    final : bool
        Whether it is the gradient of a parameter, which is what all lines lead to.
    is_part : bool
        Whether it is a term of a sum and nothing else, which a path left out gives, too.
    """

    name: str
    array: Array
    sample: int | None = None
    final: bool = False
    is_part: bool = False

    @property
    def role(self) -> str:
        """What it is, in words."""
        whose = "" if self.sample is None else " for one sample"
        if not self.is_named and self.name.isidentifier():
            return f"an inner value of the right program{whose}"
        if self.name.startswith("d_"):
            return f"the gradient at {self.name[2:]}{whose}"
        return f"{self.name}{whose}"

    @property
    def is_named(self) -> bool:
        """Whether the code had a name for it."""
        return self.name.isidentifier() and not (self.name[0] == "t" and self.name[1:].isdigit())


@dataclass(frozen=True)
class Match:
    """``factor`` times a value of the right program, perhaps transposed."""

    value: Value
    factor: float
    is_transposed: bool = False


class Known:
    """Values of the right program, to be found by their entries.

    Parameters
    ----------
    values : iterable of (str, ndarray)
    n : int or None
        The number of samples.
    sizes : iterable of int
        Sizes that a factor may be, or its inverse.
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
        by_size: dict[int, list[Value]] = defaultdict(list)
        self.values: list[Value] = []
        for name, array in values:
            array = np.asarray(array, np.float64)
            if array.ndim and np.isfinite(array).all():
                self.values.append(Value(name, array, None, name in final))
            is_part = name in parts
            by_size[array.size].append(Value(name, array, is_part=is_part))
            if n and array.ndim and array.shape[0] == n and array.size > n:
                for i in range(n):
                    by_size[array[i].size].append(Value(name, array[i], i, is_part=is_part))
        self.by_size = {}
        for size, found in by_size.items():
            rows, kept, turned = [], [], []
            for value in found:
                if not np.isfinite(value.array).all() or not value.array.any():
                    continue
                rows.append(value.array.ravel())
                kept.append(value)
                turned.append(False)
                if value.array.ndim >= 2 and min(value.array.shape) > 1:
                    rows.append(value.array.T.ravel())
                    kept.append(value)
                    turned.append(True)
            if rows:
                matrix = np.array(rows)
                norms = np.linalg.norm(matrix, axis=1)
                self.by_size[size] = matrix / norms[:, None], norms, kept, turned

    def sequences(self, shapes: list[tuple[int, ...]]) -> Iterator[tuple[Value, list[Array]]]:
        """Yield values of given shapes, one for each turn: the same, one a sample, one a step."""
        shape, turns = shapes[0], len(shapes)
        alike = all(s == shape for s in shapes)
        for value in self.values if alike else ():
            if not value.name.isidentifier():
                continue
            ways = [value.array, value.array.T] if value.array.ndim > 1 else [value.array]
            for array in ways:
                if array.shape == shape and turns == 1:
                    yield value, [array]
                elif turns > 1 and array.shape == (turns, *shape):
                    yield value, list(array)
        steps: dict[str, list[Value]] = defaultdict(list)
        for value in self.values:
            if value.is_named:
                steps[re.sub(r"_?\d+$", "", value.name)].append(value)
        for name, group in steps.items():
            for start in range(len(group) - turns + 1 if turns > 1 else 0):
                part = [value.array for value in group[start : start + turns]]
                if [array.shape for array in part] == shapes:
                    yield Value(name, part[0]), part

    def matches(self, given: Any) -> list[Match]:
        """Return what a value is, the likeliest first."""
        try:
            array = np.asarray(given, np.float64)
        except (TypeError, ValueError):
            return []
        if array.size not in self.by_size or array.size < 2 or not np.isfinite(array).all():
            return []
        matrix, norms, values, turned = self.by_size[array.size]
        norm = float(np.linalg.norm(array))
        if norm == 0:
            return []
        along = matrix @ (array.ravel() / norm)
        found = []
        for i in np.flatnonzero(np.abs(along) > 1 - CLOSE**2.25):
            factor = float(along[i]) * norm / norms[i]
            near = self.factors[np.argmin(np.abs(self.factors - factor))]
            if abs(near - factor) <= CLOSE * abs(factor):
                found.append(Match(values[i], float(near), turned[i]))
        return sorted(found, key=self._plainness)

    def _plainness(self, match: Match) -> tuple[Any, ...]:
        value = match.value
        same = match.factor == 1
        return (not same, not value.is_named, value.sample is not None, match.is_transposed)

    def has(self, given: Any, *, parts: bool = False) -> bool:
        """Whether it is one of these, but for the average; with ``parts``, also terms of sums."""
        n = self.n or 1
        return any(
            match.factor in (1, n, 1 / n) and (parts or not match.value.is_part)
            for match in self.matches(given)
        )

    def is_known(self, given: Any) -> tuple[float, bool]:
        """Return how well a value is understood, and whether only transposed.

        1 as it is, less up to a factor, 0 not at all.
        """
        shares = [(self._share(m), not m.is_transposed) for m in self.matches(given)]
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
