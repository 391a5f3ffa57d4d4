"""The symbolic batch size ``n`` in shapes, parameters and constants.

A function is recorded for two batch sizes. Where the recordings differ, the difference shows how a
shape, parameter or constant depends on ``n``.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from chainrule._src.base.errors import TraceError
from chainrule._src.core.equations import PLAIN, Filled, Symbolic, at


@dataclass(frozen=True)
class Linear(Symbolic):
    """The whole number ``offset + slope * n``."""

    offset: int
    slope: int

    def at(self, n: int) -> int:
        """Return the number for a batch size."""
        return self.offset + self.slope * n

    def __mul__(self, factor: int) -> Linear:
        return Linear(self.offset * factor, self.slope * factor)

    __rmul__ = __mul__

    def __add__(self, number: int) -> Linear:
        return Linear(self.offset + number, self.slope)

    def __str__(self) -> str:
        n = "n" if self.slope == 1 else f"{self.slope} * n"
        return n if not self.offset else f"{n} {'+' if self.offset > 0 else '-'} {abs(self.offset)}"


@dataclass(frozen=True)
class BatchScaled(Symbolic):
    """The number ``factor * n`` or ``factor / n``, of a NumPy type or a Python float."""

    factor: float
    divides: bool
    dtype: Any

    def at(self, n: int) -> Any:
        """Return the number for a batch size; infinite if a number is divided by 0 rows."""
        number = self.factor * n
        if self.divides:
            number = self.factor / n if n else math.copysign(math.inf, self.factor)
        return number if self.dtype is None else np.asarray(number, self.dtype)

    def __str__(self) -> str:
        number: Any = np.float32(self.factor) if self.dtype == np.float32 else self.factor
        is_int = abs(number) < 1e6 and number == int(number)
        factor = str(int(number)) if is_int else str(number)
        return f"{factor} / n" if self.divides else f"{factor} * n"


@dataclass(frozen=True)
class Counted(Symbolic):
    """The array of consecutive whole numbers along one axis; other axes have size 1."""

    shape: Any
    dtype: np.dtype[Any]
    start: int = 0

    def at(self, n: int) -> Any:
        """Return the array for a batch size."""
        shape = at(self.shape, n)
        numbers = np.arange(self.start, self.start + math.prod(shape), dtype=self.dtype)
        return numbers.reshape(shape)


@dataclass(frozen=True)
class Diagonal(Symbolic):
    """A square matrix with one number below, one on and one above the diagonal.

    ``numbers`` are these three. Other axes have size 1. The identity matrix and the masks of
    triangles are such matrices.
    """

    numbers: Any
    shape: Any
    dtype: np.dtype[Any]

    def at(self, n: int) -> Any:
        """Return the matrix for a batch size."""
        shape, (below, on, above) = at(self.shape, n), at(self.numbers, n)
        columns = np.arange(max(shape))
        rows = columns[:, np.newaxis]
        matrix = np.where(rows == columns, on, np.where(rows > columns, below, above))
        return matrix.astype(self.dtype).reshape(shape)


class Nested(Symbolic):
    """A parameter that contains equations, which may depend on the batch size."""

    @property
    def equations(self) -> Sequence[Any]:
        """The equations."""
        raise NotImplementedError

    @property
    def key(self) -> Hashable:
        """A hashable key; equal keys mean equal parameters."""
        raise NotImplementedError

    def depends_on_n(self) -> bool:
        """Return true if any part depends on the batch size."""
        raise NotImplementedError

    def generalised(self, other: Any, sizes: tuple[int, int]) -> Any:
        """Return a parameter equal to this one for ``sizes[0]``, to ``other`` for ``sizes[1]``."""
        raise NotImplementedError

    def expanded(self) -> Any:
        """Return the parameter with composite operations replaced by the operations they call."""
        raise NotImplementedError

    def equals(self, other: Any) -> bool:
        """Return true if the parameters are equal, except for rounding errors of numbers."""
        raise NotImplementedError


def every(equations: Iterable[Any]) -> Iterator[Any]:
    """Yield equations, and after each equation those nested in its parameters."""
    for equation in equations:
        yield equation
        for value in equation.params.values():
            if isinstance(value, Nested):
                yield from every(value.equations)


def fix(part: Any, n: int) -> Any:
    """Replace the symbolic batch size by ``n``.

    Constant fills, counted arrays and diagonals stay symbolic objects: their text stays short.
    """
    if isinstance(part, Filled):
        return Filled(at(part.number, n), at(part.shape, n), part.dtype)
    if isinstance(part, Diagonal):
        shape, numbers = at(part.shape, n), at(part.numbers, n)
        if max(shape) <= 1:  # a single entry is recorded as a fill
            return Filled(part.dtype.type(numbers[1]), shape, part.dtype)
        return Diagonal(numbers, shape, part.dtype)
    return replace(part, shape=at(part.shape, n)) if isinstance(part, Counted) else at(part, n)


def depends_on_n(part: Any) -> bool:
    """Return true if a shape, parameter or constant depends on the batch size."""
    if type(part) in PLAIN:
        return False
    if isinstance(part, (Linear, BatchScaled)):
        return True
    if isinstance(part, Nested):
        return part.depends_on_n()
    if isinstance(part, Filled):
        return depends_on_n(part.number) or depends_on_n(part.shape)
    if isinstance(part, Diagonal):
        return depends_on_n(part.numbers) or depends_on_n(part.shape)
    if isinstance(part, Counted):
        return depends_on_n(part.shape)
    if isinstance(part, tuple | list):
        return any(map(depends_on_n, part))
    if isinstance(part, slice):
        return any(map(depends_on_n, (part.start, part.stop, part.step)))
    return False


def generalise(a: Any, b: Any, sizes: tuple[int, int]) -> Any:
    """Return a value equal to ``a`` for ``sizes[0]`` and to ``b`` for ``sizes[1]``."""
    if a is b:
        return a
    if isinstance(a, (np.ndarray, np.generic)) and isinstance(b, (np.ndarray, np.generic)):
        return _arrays(np.asarray(a), np.asarray(b), sizes)
    if type(a) is not type(b):
        raise _differs(a, b)
    if isinstance(a, Nested):
        return a.generalised(b, sizes)
    if isinstance(a, Filled):
        number = generalise(a.number, b.number, sizes)
        return Filled(number, generalise(a.shape, b.shape, sizes), a.dtype)
    if isinstance(a, tuple | list):
        if len(a) != len(b):
            raise _differs(a, b)
        return type(a)(generalise(x, y, sizes) for x, y in zip(a, b, strict=True))
    if isinstance(a, slice):
        ends = zip((a.start, a.stop, a.step), (b.start, b.stop, b.step), strict=True)
        return slice(*(generalise(x, y, sizes) for x, y in ends))
    if a == b or (a != a and b != b):
        return a
    if isinstance(a, int) and not isinstance(a, bool):
        slope, remainder = divmod(b - a, sizes[1] - sizes[0])
        if remainder == 0:
            return Linear(a - slope * sizes[0], slope)
    if isinstance(a, float):
        return _scaled(a, b, sizes, None)
    raise _differs(a, b)


def _arrays(a: Any, b: Any, sizes: tuple[int, int]) -> Any:
    if a.dtype != b.dtype or a.ndim != b.ndim:
        raise _differs(a, b)
    if a.shape == b.shape and np.array_equal(a, b, equal_nan=a.dtype.kind == "f"):
        return a
    if a.ndim == 0:
        return _scaled(float(a), float(b), sizes, a.dtype)
    shape = generalise(a.shape, b.shape, sizes)
    if counts(a) and counts(b) and a.flat[0] == b.flat[0]:
        return Counted(shape, a.dtype, int(a.flat[0]))
    one, other = _by_diagonal(a), _by_diagonal(b)
    if one is None or other is None:
        raise _differs(a, b)
    return Diagonal(generalise(one, other, sizes), shape, a.dtype)


def counts(x: Any) -> bool:
    """Return true if an array has consecutive whole numbers along one axis, and other axes of 1."""
    is_line = x.ndim and x.size and max(x.shape) == x.size and x.dtype.kind in "iuf"
    return bool(is_line and (np.diff(x.ravel()) == 1).all() and x.flat[0] == int(x.flat[0]))


def _by_diagonal(x: Any) -> tuple[Any, ...] | None:
    """Return the numbers below, on and above a square matrix's diagonal; None for other arrays."""
    sides = [size for size in x.shape if size != 1]
    if len(sides) != 2 or sides[0] != sides[1]:
        return None
    below, on, above = x.reshape(sides)[1, 0], x.flat[0], x.reshape(sides)[0, 1]
    numbers = (below.item(), on.item(), above.item())
    return numbers if np.array_equal(Diagonal(numbers, x.shape, x.dtype).at(0), x) else None


def _scaled(a: float, b: float, sizes: tuple[int, int], dtype: Any) -> BatchScaled:
    for divides in (True, False):
        factors = [x * n if divides else x / n for x, n in zip((a, b), sizes, strict=True)]
        if math.isclose(*factors, rel_tol=1e-6 if dtype == np.float32 else 1e-13):
            for factor in (float(round(factors[0])), float(f"{factors[0]:.6g}"), factors[0]):
                scaled = BatchScaled(factor, divides, dtype)
                if all(scaled.at(n) == x for x, n in zip((a, b), sizes, strict=True)):
                    return scaled
            return BatchScaled(factors[0], divides, dtype)
    raise _differs(a, b)


def _differs(a: Any, b: Any) -> TraceError:
    return TraceError(f"depends on the batch size in a way that is not recognised: {a!r}, {b!r}")
