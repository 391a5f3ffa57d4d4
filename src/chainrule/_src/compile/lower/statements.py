"""Statements and loops, with their reads and writes."""

from __future__ import annotations

import functools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

from chainrule._src.compile.lower.nodes import (
    ONE,
    PART,
    WHOLE,
    ZERO,
    Access,
    Buffer,
    Call,
    Expr,
    Load,
    Local,
    New,
    Parts,
    locals_in,
    moved_to,
    parts_of,
    reads,
    replaced,
    share,
    whole,
)
from chainrule._src.trace.batch import Linear

SIDES = ("rows", "columns", "terms")  # of a matrix product
ROUTINES = {"float32": "sgemm", "float64": "dgemm"}  # matrix products, as C calls them


class Statement:
    """A single statement, in contrast to a loop."""

    def _touched(self) -> Iterator[Access]:
        raise NotImplementedError

    @cached_property
    def accesses(self) -> list[Access]:
        """The reads and writes of the statement, in order."""
        return list(self._touched())

    @cached_property
    def touched(self) -> dict[Buffer | Local, list[Access]]:
        """The reads and writes by buffer or local variable."""
        return _by_what(self.accesses)

    def replaced(self, new: New) -> Statement:
        """Return a copy in which the expressions of ``new`` are replaced by their values."""
        raise NotImplementedError


@dataclass(eq=False, repr=False)
class Let(Statement):
    """``local = value``."""

    local: Local
    value: Expr

    def _touched(self) -> Iterator[Access]:
        yield from reads(self.value)
        yield Access(self.local, None, True)

    def replaced(self, new: New) -> Let:
        """Return a copy in which the expressions of ``new`` are replaced by their values."""
        local: Any = new.get(self.local, self.local)
        return Let(local, replaced(self.value, new))


@dataclass(eq=False, repr=False)
class Store(Statement):
    """``buffer[index] = value``."""

    place: Load
    value: Expr

    def _touched(self) -> Iterator[Access]:
        yield from reads(self.value)
        yield from _written(self.place)

    def replaced(self, new: New) -> Store:
        """Return a copy in which the expressions of ``new`` are replaced by their values."""
        return Store(moved_to(self.place, new), replaced(self.value, new))


@dataclass(eq=False, repr=False)
class Accumulate(Statement):
    """``target += value``, or another operation with the name ``name``."""

    target: Load | Local
    value: Expr
    name: str = "add"

    def _touched(self) -> Iterator[Access]:
        yield from reads(self.value)
        yield from reads(self.target)
        if isinstance(self.target, Local):
            yield Access(self.target, None, True)
        else:
            yield from _written(self.target)

    def replaced(self, new: New) -> Accumulate:
        """Return a copy in which the expressions of ``new`` are replaced by their values."""
        target: Any = new.get(self.target, self.target)
        if isinstance(target, Load):
            target = moved_to(target, new)
        return Accumulate(target, replaced(self.value, new), self.name)


@dataclass(eq=False, repr=False)
class Side(Parts):
    """One or more axes that together form a side of a matrix.

    Attributes
    ----------
    axes : tuple of Local
        The variables of the axes, the outermost first; `ANYWHERE` for axes that are summed over.
    count, each : Expr
        The length is ``count * each``: the number of samples, and the entries of each. For other
        sides, ``each`` is 1.
    """

    axes: tuple[Local, ...]
    count: Expr
    each: Expr = ONE

    @property
    def size(self) -> Expr:
        """The length of the side."""
        return self.count * self.each


@dataclass(eq=False, repr=False)
class Product(Statement):
    """A matrix product, ``c = a @ b``.

    Attributes
    ----------
    a, b, c : Load
        Their entries, indexed by the variables of their sides. Enclosing loops select one matrix of
        a stack.
    rows, columns, terms : Side
        The rows and columns of the result, and the side that is summed over.
    turns : (bool, bool)
        True for an operand that is transposed in memory.
    shared : str
        The name of the side that is divided among threads, or "".
    parts : tuple of Expr
        The first part to compute, and the part after the last one.
    """

    a: Load
    b: Load
    c: Load
    rows: Side
    columns: Side
    terms: Side
    turns: tuple[bool, bool]
    shared: str = ""
    parts: tuple[Expr, ...] = (PART, PART + 1)

    @property
    def matrices(self) -> list[tuple[Load, Side, Side]]:
        """For ``a``, ``b`` and ``c``: the entry, and the sides of lines and columns in memory."""
        a, b = (self.rows, self.terms), (self.terms, self.columns)
        ta, tb = self.turns
        return [
            (self.a, *(a[::-1] if ta else a)),
            (self.b, *(b[::-1] if tb else b)),
            (self.c, self.rows, self.columns),
        ]

    @property
    def sizes(self) -> list[Expr]:
        """The numbers of rows, columns and terms."""
        return [getattr(self, side).size for side in SIDES]

    def is_own(self, part: Expr) -> bool:
        """Return true if a part of an index runs over an axis of the matrices."""
        return any(part in getattr(self, side).axes for side in SIDES)

    @property
    def computed(self) -> tuple[list[Expr], list[Expr]]:
        """The sizes of the computed part, and the offset of the part in each matrix."""
        sizes, begins = self.sizes, [self._begin(entry) for entry, *_ in self.matrices]
        if self.shared:
            begin, end = self.stretch
            side = getattr(self, self.shared)
            sizes[SIDES.index(self.shared)] = end - begin
            for i, (_, lines, columns) in enumerate(self.matrices):
                step = self.leads[i] if side is lines else whole(side is columns)
                begins[i] = begins[i] + begin * step
        return sizes, begins

    @property
    def stretch(self) -> list[Expr]:
        """The bounds of the computed part along the side that is divided."""
        side: Side = getattr(self, self.shared)
        return [share(side.count, part) * side.each for part in self.parts]

    @property
    def leads(self) -> list[Expr]:
        """The leading dimensions: the number of entries from one line of a matrix to the next."""
        leads = []
        for entry, lines, _ in self.matrices:
            last = max(i for i, v in enumerate(entry.index) if v in lines.axes)
            leads.append(_size(entry.buffer.memory_shape[last + 1 :]))
        return leads

    def _begin(self, entry: Load) -> Expr:
        begin = whole(0)
        for i, part in enumerate(entry.index):
            if not self.is_own(part):
                begin = begin + part * _size(entry.buffer.memory_shape[i + 1 :])
        return begin

    @property
    def routine(self) -> str:
        """The name of C's function for the matrix product."""
        return ROUTINES[self.c.dtype.name]

    def _touched(self) -> Iterator[Access]:
        yield Access(self.a.buffer.root, self.a.index, False)
        yield Access(self.b.buffer.root, self.b.index, False)
        yield Access(self.c.buffer.root, self.c.index, True)

    def replaced(self, new: New) -> Product:
        """Return a copy in which the expressions of ``new`` are replaced by their values."""
        other = {v: old for old, v in new.items() if self.is_own(v)}  # rename axes that clash
        names: Any = other | dict(new)
        a, b, c = (moved_to(entry, names) for entry in (self.a, self.b, self.c))
        rows, columns = (
            replace(side, axes=tuple(names.get(v, v) for v in side.axes))
            for side in (self.rows, self.columns)
        )
        return replace(self, a=a, b=b, c=c, rows=rows, columns=columns)


@dataclass(eq=False, repr=False)
class Effect(Statement):
    """A call for its side effect."""

    call: Expr

    def _touched(self) -> Iterator[Access]:
        yield from reads(self.call)

    def replaced(self, new: New) -> Effect:
        """Return a copy in which the expressions of ``new`` are replaced by their values."""
        return Effect(replaced(self.call, new))


@dataclass(eq=False, repr=False)
class Routine(Effect):
    """A call of a function that reads and writes rows or matrices.

    Attributes
    ----------
    read, written : tuple of Load
        The rows or matrices, with `ANYWHERE` as the index along their axes.
    """

    read: tuple[Load, ...]
    written: tuple[Load, ...]

    def _touched(self) -> Iterator[Access]:
        yield from reads(self.call)
        for entry in self.read:
            yield from reads(entry)
        for entry in self.written:
            yield from _written(entry)

    def replaced(self, new: New) -> Routine:
        """Return a copy in which the expressions of ``new`` are replaced by their values."""
        read, written = (
            tuple(moved_to(entry, new) for entry in entries)
            for entries in (self.read, self.written)
        )
        return Routine(replaced(self.call, new), read, written)


def natural(variable: Local) -> Effect:
    """Return the statement by which LLVM may assume that a loop variable is not negative."""
    return Effect(Call("natural", (variable,), WHOLE))


@dataclass(eq=False, repr=False)
class Declare(Statement):
    """A declaration of an array: its shape, and its pointer unless it is on the stack."""

    buffer: Buffer
    pointer: str

    def _touched(self) -> Iterator[Access]:
        yield from ()

    @property
    def varies(self) -> bool:
        """True if the shape contains the batch size."""
        return any(isinstance(size, Linear) for size in self.buffer.shape)


@dataclass(eq=False, repr=False)
class Break(Statement):
    """A ``break`` statement."""

    def _touched(self) -> Iterator[Access]:
        yield from ()


@dataclass(eq=False, repr=False)
class If(Statement):
    """An ``if`` statement. It does not occur in the items that passes change."""

    test: Expr
    body: list[Any]


@dataclass(eq=False, repr=False)
class While(Statement):
    """A ``while`` statement. It occurs in functions alone."""

    test: Expr
    body: list[Any]


@dataclass(eq=False, repr=False)
class Loop:
    """``for var in range(start, stop, step)``."""

    var: Local
    stop: Expr
    body: list[Item] = field(default_factory=list)
    start: Expr = ZERO
    step: Expr = ONE

    @property
    def innermost(self) -> bool:
        """True if the loop contains no other loop."""
        return not any(isinstance(item, Loop) for item in self.body)

    @property
    def is_apart(self) -> bool:
        """True if iterations are independent and access adjacent entries."""
        written = {a.what for a in self.accesses if a.index is None and a.writes}
        assigned: set[Any] = set()
        for access in self.accesses:
            if access.index is None:
                if not access.writes and access.what in written - assigned:
                    return False  # the value of the previous iteration is read
                assigned.add(access.what)
                continue
            *outer, last = access.index or (ZERO,)
            terms = dict(parts_of(last)[1])
            along = terms.pop(self.var, None)
            if any(local is self.var for part in (*outer, *terms) for local in locals_in(part)):
                return False
            if along not in ((1,) if access.writes else (1, None)):
                return False
        return True

    @cached_property
    def accesses(self) -> list[Access]:
        """The reads and writes inside of the loop, each once."""
        return list({access: None for item in self.body for access in item.accesses})

    @cached_property
    def touched(self) -> dict[Buffer | Local, list[Access]]:
        """The reads and writes by buffer or local variable."""
        return _by_what(self.accesses)

    def join(self, other: Loop) -> None:
        """Append the body of another loop over the same variable."""
        touched, accesses = self.touched, self.accesses
        self.body += other.body
        for access in other.accesses:
            existing = touched.setdefault(access.what, [])
            if access not in existing:
                existing.append(access)
                accesses.append(access)


Item = Loop | Statement


def _by_what(accesses: Sequence[Access]) -> dict[Buffer | Local, list[Access]]:
    table: dict[Buffer | Local, list[Access]] = {}
    for access in accesses:
        table.setdefault(access.what, []).append(access)
    return table


def _written(entry: Load) -> Iterator[Access]:
    for part in entry.index:
        yield from reads(part)
    yield Access(entry.buffer.root, entry.index, True)


def _size(shape: Sequence[Any]) -> Expr:
    return functools.reduce(lambda size, more: size * whole(more), shape, whole(1))


def nest(axes: Sequence[tuple[Local, Any]], leaf: Sequence[Item]) -> list[Item]:
    """Return loops over ``(variable, size)`` around statements, without loops of size 1."""
    items = list(leaf)
    for var, size in reversed(axes):
        if size != 1:
            items = [Loop(var, whole(size), items)]
    return items


def walk(items: Sequence[Item]) -> Iterator[Statement]:
    """Yield every statement, in order."""
    for item in items:
        if isinstance(item, Loop):
            yield from walk(item.body)
        else:
            yield item


def bodies(items: list[Item]) -> Iterator[list[Item]]:
    """Yield every list of items, the outermost first."""
    yield items
    for item in items:
        if isinstance(item, Loop):
            yield from bodies(item.body)


def forget(items: list[Item]) -> None:
    """Clear the cached accesses of items that were changed, and of all items inside."""
    for body in bodies(items):
        for item in body:
            for name in ("accesses", "touched"):
                item.__dict__.pop(name, None)
