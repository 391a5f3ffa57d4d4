"""Loops over entries, and what makes them fast: fusing, keeping values in locals, hoisting.

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
            self.touched = list(_accesses(self.node))
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


def nest(axes: Iterable[tuple[str, str]], leaf: Sequence[Item]) -> list[Item]:
    """Return loops over ``(variable, extent)`` around the statements; none for an extent of 1."""
    items = list(leaf)
    for var, extent in reversed(list(axes)):
        if extent != "1":
            items = [Loop(var, extent, items)]
    return items


def _accesses(node: ast.AST) -> Iterator[Access]:
    """Yield what a statement touches, in the order in which it runs."""
    if isinstance(node, ast.Assign | ast.AugAssign):
        yield from _accesses(node.value)
        targets = node.targets if isinstance(node, ast.Assign) else [node.target]
        for target in targets:
            if isinstance(node, ast.AugAssign):
                yield from _place(target, False)
            yield from _place(target, True)
    elif isinstance(node, ast.Subscript | ast.Name):
        yield from _place(node, False)
    elif isinstance(node, ast.Call):
        for argument in node.args:
            yield from _accesses(argument)
    elif not isinstance(node, ast.Attribute):
        for child in ast.iter_child_nodes(node):
            yield from _accesses(child)


def _place(node: ast.AST, writes: bool) -> Iterator[Access]:
    if isinstance(node, ast.Name):
        yield Access(node.id, (), writes)
    elif isinstance(node, ast.Subscript) and isinstance(node.value, ast.Name):
        yield from _accesses(node.slice)
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


def fuse(items: list[Item]) -> list[Item]:
    """Join loops of the same extent where every entry is used in the turn that makes it."""
    done: list[Item] = []
    for item in items:
        if not (isinstance(item, Loop) and _joined(done, item)):
            done.append(item)
    for item in done:
        if isinstance(item, Loop):
            item.body = fuse(item.body)
            item.changed()
    return done


def _joined(done: list[Item], loop: Loop) -> bool:
    """Join ``loop`` with an earlier one, if there is one that it can be moved to or that can."""
    for place in range(len(done) - 1, -1, -1):
        first = done[place]
        if not isinstance(first, Loop) or not _alike(first, loop):
            continue
        second = loop
        if loop.var != first.var:
            second = renamed(loop, {loop.var: first.var, first.var: loop.var})  # type: ignore[assignment]
        if not _no_locals(first, second) or not in_step(first, second, first.var):
            continue
        between = done[place + 1 :]
        joined = Loop(first.var, first.extent, first.body + second.body)
        if not any(conflict(item, loop) for item in between):
            done[place] = joined
            return True
        if not any(conflict(first, item) for item in between):
            del done[place]
            done.append(joined)
            return True
    return False


def _alike(first: Loop, second: Loop) -> bool:
    if first.extent != second.extent or first.innermost != second.innermost:
        return False
    names = {x.name for x in first.accesses if x.index} & {
        x.name for x in second.accesses if x.index
    }
    return bool(names)


def _no_locals(first: Loop, second: Loop) -> bool:
    """Whether no local variable that one writes is touched by the other."""
    return not any(
        a.name == b.name and (a.writes or b.writes)
        for a in first.accesses
        if a.index == ()
        for b in second.accesses
        if b.index == ()
    )


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
                turns = zip(a.index, b.index, strict=True)
                if not any(x == y and x in (variable, PART) for x, y in turns):
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


class _Replaced(ast.NodeTransformer):
    """Puts local variables in the place of entries."""

    def __init__(self, entries: dict[tuple[str, tuple[str, ...]], str]) -> None:
        self.entries = entries

    def visit_Subscript(self, node: ast.Subscript) -> ast.expr:
        self.generic_visit(node)
        if isinstance(node.value, ast.Name) and isinstance(node.ctx, ast.Load):
            access = list(_place(node, False))[-1]
            local = self.entries.get((access.name, access.index))
            if local:
                return ast.Name(local, ast.Load())
        return node


def _local(access: Access) -> str:
    """Name the local variable that holds an entry: ``h[i, j]`` becomes ``h_ij``."""
    parts = [part for part in access.index if part != "0"]
    return f"{access.name}_{''.join(parts)}" if parts else f"{access.name}_0"


def _simple(access: Access) -> bool:
    index = access.index
    return bool(index) and all(part.isidentifier() or part == "0" for part in index)


def keep_in_locals(
    items: list[Item], temporaries: set[str], taken: set[str], inside: bool = False
) -> set[str]:
    """Let an entry that is made and used in one turn of a loop live in a local variable.

    With ``inside`` it is done inside loops alone. Returns the names of the temporaries that need
    no array any more.
    """
    gone = set()
    for body in list(bodies(items))[1 if inside else 0 :]:
        for item in list(body):
            made = _made(item)
            if made is None:
                continue
            place = body.index(item)
            later = body[place + 1 :]
            if any(a.name == made.name and a.writes for x in later for a in x.accesses):
                continue
            entry = (made.name, made.index)
            users = [x for x in later if any((a.name, a.index) == entry for a in x.accesses)]
            alone = made.name in temporaries and _used_only(items, item, later, entry)
            if not alone and not users:
                continue
            local = _fresh(_local(made), taken)
            for user in users:
                _replace(user, {(made.name, made.index): local})
            _store_local(body, place, local, keeps=not alone)
            if alone:
                gone.add(made.name)
    return gone


def _used_only(items: list[Item], made: Item, later: list[Item], entry: Any) -> bool:
    """Whether an array is touched by one statement and by later ones at the same entry alone."""
    near = {id(statement) for statement in walk(later)}
    return all(
        statement is made or ((access.name, access.index) == entry and id(statement) in near)
        for statement in walk(items)
        for access in statement.accesses
        if access.name == entry[0]
    )


def _fresh(name: str, taken: set[str]) -> str:
    while name in taken:
        name += "_"
    taken.add(name)
    return name


def _made(item: Item) -> Access | None:
    """Return the entry that a statement assigns, if that is all it does."""
    if isinstance(item, Statement) and isinstance(item.node, ast.Assign):
        access = item.accesses[-1]
        if access.writes and _simple(access):
            return access
    return None


def _replace(item: Item, entries: dict[tuple[str, tuple[str, ...]], str]) -> None:
    for statement in walk([item]):
        if any((a.name, a.index) in entries for a in statement.accesses):
            statement.node = _Replaced(entries).visit(statement.node)
            statement.touched = None
    if isinstance(item, Loop):
        for body in bodies([item]):
            for x in body:
                if isinstance(x, Loop):
                    x.changed()


def _store_local(body: list[Item], place: int, local: str, keeps: bool) -> None:
    statement = body[place]
    assert isinstance(statement, Statement)
    assert isinstance(statement.node, ast.Assign)
    target = statement.node.targets[0]
    body[place] = Statement(_assign(ast.Name(local, ast.Store()), statement.node.value))
    if keeps:
        store = Statement(_assign(target, ast.Name(local, ast.Load())))
        body.insert(place + 1, store)


def _assign(target: ast.expr, value: ast.expr) -> ast.Assign:
    return ast.Assign([target], value, lineno=0)


def hoist(items: list[Item], taken: set[str]) -> None:
    """Read an entry that stays the same through a loop once, before it."""
    place = 0
    while place < len(items):
        item = items[place]
        if isinstance(item, Loop):
            written = {a.name for a in item.accesses if a.writes}
            inside = _loop_variables(item)
            sometimes = _chosen(item)
            fixed = {
                a: None
                for a in item.accesses
                if _simple(a)
                and a.name not in sometimes
                and not a.writes
                and a.name not in written
                and not inside & set(a.index)
                and not written & set(a.index)
            }
            entries = {}
            for access in fixed:
                local = _fresh(_local(access), taken)
                entries[access.name, access.index] = local
                index = ", ".join(access.index)
                node = ast.parse(f"{local} = {access.name}[{index}]").body[0]
                items.insert(place, Statement(node))
                place += 1
            if entries:
                _replace(item, entries)
                item.changed()
            hoist(item.body, taken)
        place += 1


def _chosen(item: Item) -> set[str]:
    """Return what is read under a condition: there may be nothing to read where it fails."""
    return {
        access.name
        for statement in walk([item])
        for node in ast.walk(statement.node)
        if isinstance(node, ast.IfExp | ast.If)
        for branch in ast.iter_child_nodes(node)
        for access in _accesses(branch)
    }


def _loop_variables(loop: Loop) -> set[str]:
    inner = (_loop_variables(item) for item in loop.body if isinstance(item, Loop))
    return {loop.var}.union(*inner)


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
