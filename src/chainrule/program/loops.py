"""Loops over entries, and what they touch.

A kernel is a list of loops and statements. Statements are Python's own syntax trees, so what they
read and write is found by looking at them.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np


@dataclass(eq=False)
class Buffer:
    """An array that a kernel works on.

    Attributes
    ----------
    name : str
    shape : tuple of int or Linear
        By axis, as NumPy code sees it.
    dtype : numpy.dtype
    order : tuple of int
        The axes as they lie in memory, the contiguous one last.
    role : str
        ``"state"`` is read and written across updates, ``"data"`` holds a sample a row,
        ``"constant"`` is read alone, ``"result"`` is written, ``"temporary"`` lives in one update.
    content : path or ndarray or None
        Which leaf of the arguments or of the result it is, or the constant itself.
    """

    name: str
    shape: tuple[Any, ...]
    dtype: np.dtype[Any]
    order: tuple[int, ...]
    role: str = "temporary"
    content: Any = None

    def at(self, index: Sequence[str]) -> ast.expr:
        """Return the entry at an index, by axis."""
        places = ", ".join(index[axis] for axis in self.order) or "0"
        return ast.parse(f"{self.name}[{places}]", mode="eval").body

    @property
    def memory_shape(self) -> tuple[Any, ...]:
        """The shape as it lies in memory."""
        return tuple(self.shape[axis] for axis in self.order)


@dataclass(frozen=True)
class Access:
    """A place that a statement touches; the index of a local variable is empty."""

    name: str
    index: tuple[str, ...]
    writes: bool


@dataclass(eq=False)
class Statement:
    """One statement of Python. What a matrix product touches is told, the rest is seen."""

    node: ast.stmt
    touched: list[Access] | None = None

    @property
    def accesses(self) -> list[Access]:
        """What it reads and writes."""
        if self.touched is None:
            self.touched = list(accesses_of(self.node))
        return self.touched


@dataclass(eq=False)
class Loop:
    """``for var in range(extent)``."""

    var: str
    extent: str
    body: list[Item] = field(default_factory=list)
    _known: list[Access] | None = None

    @property
    def innermost(self) -> bool:
        """Whether no loop is inside."""
        return not any(isinstance(item, Loop) for item in self.body)

    @property
    def accesses(self) -> list[Access]:
        """What is read and written inside."""
        if self._known is None:
            found = {access: None for item in self.body for access in item.accesses}
            self._known = list(found)
        return self._known

    def changed(self) -> None:
        """Forget what was known of the body."""
        self._known = None


Item = Loop | Statement
PART = "part"  # in an index: a thread's own
PARTS = "parts"  # in a shape: as many as share the work


def nest(axes: Iterable[tuple[str, str]], leaf: Sequence[Item]) -> list[Item]:
    """Return loops over ``(variable, extent)`` around the statements; none for an extent of 1."""
    items = list(leaf)
    for var, extent in reversed(list(axes)):
        if extent != "1":
            items = [Loop(var, extent, items)]
    return items


def accesses_of(node: ast.AST) -> Iterator[Access]:
    """Yield what a statement touches, in the order in which it runs."""
    if isinstance(node, ast.Assign | ast.AugAssign):
        yield from accesses_of(node.value)
        targets = node.targets if isinstance(node, ast.Assign) else [node.target]
        for target in targets:
            if isinstance(node, ast.AugAssign):
                yield from place_of(target, False)
            yield from place_of(target, True)
    elif isinstance(node, ast.Subscript | ast.Name):
        yield from place_of(node, False)
    elif isinstance(node, ast.Call):
        for argument in node.args:
            yield from accesses_of(argument)
    elif not isinstance(node, ast.Attribute):
        for child in ast.iter_child_nodes(node):
            yield from accesses_of(child)


def place_of(node: ast.AST, writes: bool) -> Iterator[Access]:
    """Yield a variable or entry, after what its index reads."""
    if isinstance(node, ast.Name):
        yield Access(node.id, (), writes)
    elif isinstance(node, ast.Subscript) and isinstance(node.value, ast.Name):
        yield from accesses_of(node.slice)
        parts = node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
        yield Access(node.value.id, tuple(map(ast.unparse, parts)), writes)


def conflict(a: Item, b: Item) -> bool:
    """Whether the order of two items matters."""
    names = {x.name for x in a.accesses} & {x.name for x in b.accesses}
    return any(x.writes and x.name in names for item in (a, b) for x in item.accesses)


class _Renamed(ast.NodeTransformer):
    def __init__(self, names: dict[str, str]) -> None:
        self.names = names

    def visit_Name(self, node: ast.Name) -> ast.Name:
        return ast.Name(self.names.get(node.id, node.id), node.ctx)


def renamed(item: Item, names: dict[str, str]) -> Item:
    """Return the item with variables renamed."""
    if isinstance(item, Statement):
        node = _Renamed(names).visit(ast.parse(ast.unparse(item.node)).body[0])
        told = isinstance(item.node, ast.Expr) and item.touched is not None
        touched = [
            Access(names.get(x.name, x.name), tuple(names.get(i, i) for i in x.index), x.writes)
            for x in item.accesses
        ]
        return Statement(node, touched if told else None)
    return Loop(names.get(item.var, item.var), item.extent, [renamed(x, names) for x in item.body])


def can_share(loop: Loop, variable: str, outside: set[str]) -> bool:
    """Whether the turns of a loop variable can be shared out among threads.

    Every array that is written must be touched at the turn's own entries alone, or at the part's
    own. A local variable may carry a total from turn to turn, if it goes to the part's own entry.

    Parameters
    ----------
    loop : Loop
    variable : str
    outside : set of str
        Local variables that live outside the loop.
    """
    within = [item for item in _loops(loop) if item.var == variable]
    if not within or any(a.writes and a.name in outside for a in loop.accesses):
        return False
    inner = {id(statement) for item in within for statement in walk([item])}
    around = [statement for statement in walk([loop]) if id(statement) not in inner]
    carried = {a.name for statement in around for a in statement.accesses if a.index == ()}
    for statement in (s for item in within for s in walk([item])):
        totals = {a.name for a in statement.accesses if a.writes and a.name in carried}
        others = {a.name for a in statement.accesses if a.name in carried} - totals
        sums = any(a.writes and a.name in others for x in within for a in x.accesses)
        if sums or (totals and not all(PART in a.index for s in around for a in s.accesses
                                       if a.writes and a.index)):  # fmt: skip
            return False
    return in_step(loop, loop, variable)


def in_step(first: Item, second: Item, variable: str) -> bool:
    """Whether what one item writes and the other touches is at the same turn or part of both."""
    by_name: dict[str, list[Access]] = {}
    for access in second.accesses:
        by_name.setdefault(access.name, []).append(access)
    for a in first.accesses:
        for b in by_name.get(a.name, ()):
            if (a.writes or b.writes) and (a.index or b.index):
                turns = zip(a.index, b.index, strict=False)
                if len(a.index) != len(b.index) or not any(
                    x == y and x in (variable, PART) for x, y in turns
                ):
                    return False
    return True


def _loops(item: Item) -> Iterator[Loop]:
    if isinstance(item, Loop):
        yield item
        for inner in item.body:
            yield from _loops(inner)


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


def text(items: Sequence[Item], indent: str, shared: str | None = None) -> Iterator[str]:
    """Yield the lines of Python; the turns of the variable ``shared`` are a part of all."""
    for item in items:
        if isinstance(item, Loop):
            turns = item.extent
            if item.var == shared:
                turns = f"share({turns}, part, parts), share({turns}, part + 1, parts)"
            yield f"{indent}for {item.var} in range({turns}):"
            if item.var == shared:
                yield f"{indent}    natural({item.var})"
            yield from text(item.body, indent + "    ", shared)
        else:
            for line in ast.unparse(item.node).splitlines():
                yield indent + line
