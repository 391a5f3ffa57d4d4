"""The nodes of a kernel: typed expressions of entries of buffers.

Every expression has a dtype. Integer expressions, which indices consist of, are normalised to sums
of multiples, so that equal indices are equal expressions. Rules write them with Python's operators.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from operator import attrgetter
from typing import Any, ClassVar

import numpy as np

from chainrule._src.trace.batch import Linear

WHOLE, BOOL = np.dtype(np.int64), np.dtype(bool)
Index = tuple["Expr", ...]
New = Mapping["Expr", "Expr"]


class Parts:
    """A base class of immutable nodes, which are equal if their classes and parts are equal.

    Frozen dataclasses would do the same, but to define them takes 5 ms of a first run.
    """

    __slots__ = ()
    _parts: ClassVar[attrgetter[Any]]

    def __init_subclass__(cls) -> None:
        cls._parts = attrgetter(*cls.__annotations__)

    def __eq__(self, other: object) -> bool:
        return other.__class__ is self.__class__ and bool(self._parts(self) == self._parts(other))

    def __hash__(self) -> int:
        return hash(self._parts(self))


class Expr:
    """An expression. Its operators ``+ - * // %`` and its comparisons are for integers alone."""

    __slots__ = ()
    dtype: Any  # numpy.dtype; None for a number that takes the dtype of the other operand

    def __neg__(self) -> Expr:
        return self * -1

    def __add__(self, other: Any) -> Expr:
        return _sum(self, whole(other), 1)

    __radd__ = __add__

    def __sub__(self, other: Any) -> Expr:
        return _sum(self, whole(other), -1)

    def __rsub__(self, other: Any) -> Expr:
        return _sum(whole(other), self, -1)

    def __mul__(self, other: Any) -> Expr:
        return _product(self, whole(other))

    __rmul__ = __mul__

    def __floordiv__(self, other: Any) -> Expr:
        return _divided(self, whole(other))[0]

    def __mod__(self, other: Any) -> Expr:
        return _divided(self, whole(other))[1]

    def __lt__(self, other: Any) -> Expr:
        return Call("lt", (self, whole(other)), BOOL)

    def __le__(self, other: Any) -> Expr:
        return Call("le", (self, whole(other)), BOOL)

    def __ge__(self, other: Any) -> Expr:
        return Call("ge", (self, whole(other)), BOOL)

    def __and__(self, other: Expr) -> Expr:
        return Call("and", (self, other), BOOL)


@dataclass(eq=False, repr=False, slots=True)
class Const(Parts, Expr):
    """A number that is written into the kernel."""

    value: Any
    dtype: Any = WHOLE


@dataclass(eq=False, repr=False, slots=True)
class Local(Expr):
    """A local variable. A loop variable may have an upper bound ``size``, which is exclusive."""

    name: str
    dtype: np.dtype[Any] = WHOLE
    size: int | None = None


@functools.cache
def loop_variable(name: str, size: int | None) -> Local:
    """Return the loop variable of a name and size; equal arguments return the same object."""
    return Local(name, WHOLE, size)


@dataclass(eq=False, repr=False, slots=True)
class Load(Parts, Expr):
    """An entry of a buffer, by its index in memory order."""

    buffer: Buffer
    index: Index

    @property
    def dtype(self) -> Any:
        """The dtype of the buffer."""
        return self.buffer.dtype


@dataclass(eq=False, repr=False, slots=True)
class Call(Parts, Expr):
    """An operation, by its name in the writers' tables. A buffer as an argument is its address."""

    name: str
    args: tuple[Any, ...]
    dtype: np.dtype[Any]


@dataclass(eq=False, repr=False, slots=True)
class Cast(Parts, Expr):
    """The conversion of a value to another dtype."""

    value: Expr
    dtype: np.dtype[Any]


@dataclass(eq=False, repr=False, slots=True)
class Select(Parts, Expr):
    """A selection: one value if a condition is true, else another."""

    test: Expr
    one: Expr
    other: Expr

    @property
    def dtype(self) -> Any:
        """The dtype of both values."""
        return self.one.dtype


@dataclass(eq=False, repr=False, slots=True)
class Affine(Expr):
    """An integer ``const + Σ factor * part``."""

    const: int
    terms: tuple[tuple[Expr, int], ...]

    @property
    def dtype(self) -> Any:
        """The dtype of integers, int64."""
        return WHOLE

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, Affine)
            and self.const == other.const
            and frozenset(self.terms) == frozenset(other.terms)
        )

    def __hash__(self) -> int:
        return hash((self.const, frozenset(self.terms)))


N = Local("n")  # the batch size
START = Local("start")  # the position in the order of samples at which a batch begins
ROW = Local("row")  # the first sample of a batch
ROWS = Local("rows")  # the number of samples
PART = Local("part")  # the number of a part of an update's work
PARTS = 4  # parts of the work; the number of threads does not change it, nor any bit of a result
ANYWHERE = Local("…")  # an index that a matrix product sums over
ZERO, ONE = Const(0), Const(1)


def whole(number: Any) -> Expr:
    """Return a size or an offset as an expression."""
    if isinstance(number, Expr):
        return number
    if isinstance(number, Linear):
        return _affine(number.offset, {N: number.slope})
    return Const(int(number))


def share(extent: Expr, part: Expr, parts: Any = PARTS) -> Expr:
    """Return the first iteration of part number ``part``, if ``extent`` iterations are divided."""
    return Call("share", (extent, part, whole(parts)), WHOLE)


def parts_of(number: Expr) -> tuple[int, Sequence[tuple[Expr, int]]]:
    """Return an integer as a constant and multiples of expressions."""
    if isinstance(number, Const):
        return int(number.value), ()
    return (number.const, number.terms) if isinstance(number, Affine) else (0, ((number, 1),))


def _affine(const: int, terms: Mapping[Expr, int]) -> Expr:
    nonzero = tuple((part, factor) for part, factor in terms.items() if factor)
    if not nonzero:
        return Const(const)
    if not const and len(nonzero) == 1 and nonzero[0][1] == 1:
        return nonzero[0][0]
    return Affine(const, nonzero)


def _sum(a: Expr, b: Expr, sign: int) -> Expr:
    const, first = parts_of(a)
    more, second = parts_of(b)
    terms = dict(first)
    for part, factor in second:
        terms[part] = terms.get(part, 0) + sign * factor
    return _affine(const + sign * more, terms)


def _product(a: Expr, b: Expr) -> Expr:
    const, first = parts_of(a)
    more, second = parts_of(b)
    terms: dict[Expr, int] = {}
    for part, factor in first:
        terms[part] = terms.get(part, 0) + factor * more
    for part, factor in second:
        terms[part] = terms.get(part, 0) + factor * const
    for one, f in first:
        for other, g in second:
            pair = Call("mul", (one, other), WHOLE)
            terms[pair] = terms.get(pair, 0) + f * g
    return _affine(const * more, terms)


def _divided(a: Expr, b: Expr) -> tuple[Expr, Expr]:
    """Return quotient and remainder; multiples of the divisor are divided exactly if possible."""
    if isinstance(b, Const):
        size = int(b.value)
        const, terms = parts_of(a)
        outside = {part: f // size for part, f in terms if f % size == 0}
        inside = [(part, f) for part, f in terms if f % size]
        largest = const % size
        for part, factor in inside:
            below = part.size if isinstance(part, Local) and factor > 0 else None
            largest += size if below is None else factor * (below - 1)
        if largest < size:
            return _affine(const // size, outside), _affine(const % size, dict(inside))
    return Call("floordiv", (a, b), WHOLE), Call("mod", (a, b), WHOLE)


@dataclass(eq=False, repr=False)
class Buffer:
    """An array that a kernel works on.

    Attributes
    ----------
    name : str
    shape : tuple of int or Linear
        The logical shape, as in the NumPy code.
    dtype : numpy.dtype
    order : tuple of int
        The order of the axes in memory, the contiguous axis last.
    role : str
        ``"state"`` is read and written across updates, ``"data"`` holds one sample per row,
        ``"constant"`` is only read, ``"result"`` is written, ``"temporary"`` is live within one
        update, and so is ``"local"``, which is on the stack.
    content : path or ndarray or None
        The path of the leaf in the arguments or in the result, or the constant itself.
    home : Buffer or None
        The buffer of the same shape whose memory is overwritten.
    pointer : str
        The name of the pointer argument in the readable text.
    """

    name: str
    shape: tuple[Any, ...]
    dtype: np.dtype[Any]
    order: tuple[int, ...]
    role: str = "temporary"
    content: Any = None
    home: Buffer | None = None
    pointer: str = ""

    def __post_init__(self) -> None:
        self.pointer = self.pointer or f"{self.name}_at"

    def at(self, index: Sequence[Any]) -> Load:
        """Return the entry at a logical index."""
        return Load(self, tuple([whole(index[axis]) for axis in self.order]) or (ZERO,))

    @property
    def root(self) -> Buffer:
        """The buffer that owns the memory."""
        return self if self.home is None else self.home.root

    @property
    def memory_shape(self) -> tuple[Any, ...]:
        """The shape in memory order."""
        return tuple(self.shape[axis] for axis in self.order)


@dataclass(eq=False, repr=False, slots=True)
class Access(Parts):
    """A read or write of an entry of a buffer, or of a local variable."""

    what: Buffer | Local
    index: Index | None
    writes: bool

    @property
    def is_simple(self) -> bool:
        """True if the index consists of loop variables alone."""
        return bool(self.index) and all(
            (type(i) is Local and i is not ANYWHERE) or i == ZERO for i in self.index or ()
        )


def children(expr: Expr) -> Sequence[Any]:
    """Return the subexpressions of an expression."""
    if isinstance(expr, Call):
        return expr.args
    if isinstance(expr, Cast):
        return (expr.value,)
    if isinstance(expr, Select):
        return (expr.test, expr.one, expr.other)
    if isinstance(expr, Load):
        return expr.index
    return [part for part, _ in expr.terms] if isinstance(expr, Affine) else ()


def reads(expr: Any) -> list[Access]:
    """Return the reads of an expression, in order."""
    accesses: list[Access] = []
    _note_reads(expr, accesses)
    return accesses


def _note_reads(expr: Any, accesses: list[Access]) -> None:
    if isinstance(expr, Local):
        accesses.append(Access(expr, None, False))
    elif isinstance(expr, Expr):
        for part in children(expr):
            _note_reads(part, accesses)
        if isinstance(expr, Load):
            accesses.append(Access(expr.buffer.root, expr.index, False))


def locals_in(expr: Expr) -> Iterator[Local]:
    """Yield the local variables of an expression, in order."""
    return (a.what for a in reads(expr) if isinstance(a.what, Local))


def replaced(expr: Any, new: New) -> Any:
    """Return an expression with replaced subexpressions; entries are compared by their memory."""
    if not isinstance(expr, Expr):
        return expr
    if isinstance(expr, Load | Local):
        replacement = new.get(entry_of(expr) if isinstance(expr, Load) else expr)
        if replacement is not None:
            return replacement
    if isinstance(expr, Call):
        return Call(expr.name, tuple(replaced(x, new) for x in expr.args), expr.dtype)
    if isinstance(expr, Cast):
        return Cast(replaced(expr.value, new), expr.dtype)
    if isinstance(expr, Select):
        return Select(*(replaced(part, new) for part in children(expr)))
    if isinstance(expr, Load):
        return moved_to(expr, new)
    if isinstance(expr, Affine):
        parts = (replaced(part, new) * factor for part, factor in expr.terms)
        return sum(parts, Const(expr.const))
    return expr


def moved_to(entry: Load, new: New) -> Load:
    """Return an entry with replaced subexpressions in its index."""
    return Load(entry.buffer, tuple(replaced(part, new) for part in entry.index))


def entry_of(entry: Load) -> Load:
    """Return a `Load` of an entry from the buffer that owns its memory."""
    return entry if entry.buffer.home is None else Load(entry.buffer.root, entry.index)


def cast(expr: Expr, dtype: Any) -> Expr:
    """Convert a value to a dtype; None keeps the dtype of the value."""
    if dtype is None or expr.dtype == dtype:
        return expr
    if isinstance(expr, Const):
        return Const(np.asarray(expr.value, expr.dtype).astype(dtype)[()].item(), np.dtype(dtype))
    return Cast(expr, np.dtype(dtype))


def evaluated(expr: Expr, values: Mapping[Any, int]) -> int:
    """Return the value of a size expression, given the values of its variables."""
    if isinstance(expr, Const):
        return int(expr.value)
    if isinstance(expr, Affine):
        total = expr.const
        for part, factor in expr.terms:
            total += factor * evaluated(part, values)
        return total
    if isinstance(expr, Call):
        return math.prod(evaluated(part, values) for part in expr.args)
    return values[expr]
