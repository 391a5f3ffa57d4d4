"""How an operation becomes loops: the part of a primitive's record that the compiler reads.

An index is made of whole-number expressions, one an axis, that take Python's ``+ - * // % < >= &``
with each other, with numbers and with sizes; what they are is the compiler's business.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

Index = tuple[Any, ...]

# Named tuples are made four times as fast as dataclasses, when all of this is imported.


class Elementwise(NamedTuple):
    """Every entry from the entries at the same place: an expression in ``_0`` and ``_1``."""

    scalar: str


class Checked(NamedTuple):
    """Every entry as it is, if it is a whole number below the parameter ``size``."""


class Numbered(NamedTuple):
    """Every entry from its number in order: an expression in ``place``, ``_0`` and ``_1``.

    ``scalar(dtype)`` returns it for the name of the result's dtype; the operands are single whole
    numbers.
    """

    scalar: Callable[[str], str]


@dataclass(frozen=True)
class Piece:
    """One operand's part in a result: which entry, and under which condition."""

    operand: int
    index: Index
    guard: Any = None


class Pieces(NamedTuple):
    """Entries moved, not changed.

    ``rule(index, shapes, shape, **params)`` tells the pieces that the result's entry at ``index``
    is taken from, in order; where no guard holds it is ``fill``, a number or a parameter's name.
    ``again`` tells that entries are read several times, so that they had better lie in memory.
    """

    rule: Callable[..., Sequence[Piece]]
    fill: Any = 0
    again: bool = False


class Reduction(NamedTuple):
    """Entries along axes taken together: an expression in ``_0``, so far, and ``_1``, the next."""

    combine: str
    start: Any


class Best(NamedTuple):
    """The place of the largest or smallest entry: ``better`` compares ``_1`` with ``_0``."""

    better: str


class Scan(NamedTuple):
    """A running sum along an axis."""


class Contraction(NamedTuple):
    """Products summed: ``subscripts(ranks, **params)`` gives them in einsum's notation."""

    subscripts: Callable[..., str]


class Gather(NamedTuple):
    """Entries picked by an index that may hold arrays."""


class Scatter(NamedTuple):
    """Entries put to, or added up at, where something else takes them from.

    ``undoes`` is the rule of `Pieces` that does; None if it is an index, as in `Gather`.
    """

    undoes: Callable[..., Sequence[Piece]] | None = None


class Composite(NamedTuple):
    """NumPy code in other operations: ``value(*operands, **params)``.

    ``then`` says what an operation on the result is, by its name, in less than both take.
    """

    value: Callable[..., Any]
    then: Mapping[str, Callable[..., Any]] = {}


class Recurrence(NamedTuple):
    """The equations of the parameter ``body``, once a step."""


class Result(NamedTuple):
    """One of several results, which lies in memory already."""


Kernel = (
    Elementwise | Numbered | Pieces | Reduction | Best | Scan | Contraction | Gather | Scatter
    | Checked | Composite | Recurrence | Result
)  # fmt: skip
