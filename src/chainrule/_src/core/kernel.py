"""Kernels: the part of a primitive's record that the compiler turns into loops.

An index is a tuple of whole-number expressions, one per axis, which support Python's operators
``+ - * // % < >= &`` with each other, with numbers and with sizes. Their class is the compiler's.

A supporting module of `primitive`; the wing `compile` reads the kernels.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

Index = tuple[Any, ...]

# Named tuple classes: at import they are created four times as fast as dataclasses.


class Elementwise(NamedTuple):
    """Each entry is computed from the operands' entries at the same index.

    ``scalar`` is an expression in ``_0`` and ``_1``.
    """

    scalar: str


class Checked(NamedTuple):
    """Each entry is unchanged; it must be a whole number below the parameter ``size``."""


class Numbered(NamedTuple):
    """Each entry is computed from its position in C order.

    ``scalar(dtype)`` returns an expression in ``place``, the position, and ``_0``, ``_1``, the
    operands, which are single whole numbers; ``dtype`` is the name of the result's dtype.
    """

    scalar: Callable[[str], str]


@dataclass(frozen=True)
class EntrySource:
    """The source of a result's entry: the operand, the index in it, and a condition."""

    operand: int
    index: Index
    guard: Any = None


class Pieces(NamedTuple):
    """Entries are moved, not changed.

    ``rule(index, shapes, shape, **params)`` returns the sources of the result's entry at ``index``;
    the first source whose guard holds is used. If no guard holds, the entry is ``fill``, a number
    or the name of a parameter. If ``again``, entries are read several times: the operand had better
    be in memory.
    """

    rule: Callable[..., Sequence[EntrySource]]
    fill: Any = 0
    again: bool = False


class Reduction(NamedTuple):
    """The entries along axes are combined into a single entry.

    ``combine`` is an expression in ``_0``, the result so far, and ``_1``, the next entry.
    """

    combine: str
    start: Any


class ArgExtremum(NamedTuple):
    """The index of the largest or smallest entry: ``better`` compares ``_1`` with ``_0``."""

    better: str


class Scan(NamedTuple):
    """A running sum along an axis."""


class Contraction(NamedTuple):
    """A sum of products: ``subscripts(ranks, **params)`` returns it in einsum's notation."""

    subscripts: Callable[..., str]


class Gather(NamedTuple):
    """Entries are picked by an index that may contain arrays."""


class Scatter(NamedTuple):
    """Entries are written to, or added up at, the indices that another operation reads.

    ``undoes`` is the `Pieces` rule of that operation; None if it reads by an index, as `Gather`
    does.
    """

    undoes: Callable[..., Sequence[EntrySource]] | None = None


class Replacement(NamedTuple):
    """Some entries of an array are replaced; the indices are in the parameter ``indices``."""


class SortedOrder(NamedTuple):
    """The places of the entries along an axis, in ascending order; equal entries keep theirs."""


class CholeskyFactor(NamedTuple):
    """The lower triangular factor of each positive definite matrix."""


class Solution(NamedTuple):
    """The solutions of linear equations; without a right-hand side, the inverse matrices."""


class Composite(NamedTuple):
    """The operation is written as NumPy code that calls other operations.

    ``value(*operands, **params)`` is that code. ``then`` maps the name of an operation that follows
    to a function that computes both together in less time.
    """

    value: Callable[..., Any]
    then: Mapping[str, Callable[..., Any]] = {}


class Recurrence(NamedTuple):
    """The equations of the parameter ``body`` are run once for each step."""


class ResultItem(NamedTuple):
    """One of the several results of another operation, which is in memory already."""


Kernel = (
    Elementwise | Numbered | Pieces | Reduction | ArgExtremum | Scan | Contraction | Gather
    | Scatter | Replacement | Checked | SortedOrder | CholeskyFactor | Solution | Composite
    | Recurrence | ResultItem
)  # fmt: skip
