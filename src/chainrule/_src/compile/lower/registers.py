"""Scalar replacement: entries move to local variables, and loop-invariant loads are hoisted."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from chainrule._src.compile.lower.nodes import (
    Access,
    Buffer,
    Expr,
    Load,
    Local,
    Select,
    children,
    entry_of,
    reads,
)
from chainrule._src.compile.lower.statements import (
    Item,
    Let,
    Loop,
    Statement,
    Store,
    bodies,
    forget,
    walk,
)


def local_name(entry: Load | Access) -> str:
    """Name the local variable that holds an entry: ``h[i, j]`` becomes ``h_ij``."""
    name = entry.buffer.root.name if isinstance(entry, Load) else entry.what.name
    parts = [part.name for part in entry.index or () if isinstance(part, Local)]
    return f"{name}_{''.join(parts)}" if parts else f"{name}_0"


def fresh(name: str, used: set[str]) -> str:
    """Return an unused name, and add it to the names in use."""
    while name in used:
        name += "_"
    used.add(name)
    return name


@dataclass(eq=False, repr=False)
class _StatementAccess:
    """An access to a buffer, with its statement and the number of the statement."""

    number: int
    statement: Statement
    access: Access


class _Order:
    """The numbers of all statements, in the order of the code, and their accesses by buffer."""

    def __init__(self, items: Sequence[Item]) -> None:
        self.touches: dict[Buffer | Local, list[_StatementAccess]] = {}
        self.number: dict[int, int] = {}
        self.ends: dict[int, int] = {}
        self._count(items)

    def _count(self, items: Sequence[Item]) -> None:
        for item in items:
            if isinstance(item, Loop):
                self._count(item.body)
                continue
            number = self.number[id(item)] = len(self.number)
            for access in item.accesses:
                if access.index is not None:
                    touch = _StatementAccess(number, item, access)
                    self.touches.setdefault(access.what, []).append(touch)
        self.ends[id(items)] = len(self.number)


def keep_in_locals(
    items: list[Item], with_arrays: Iterable[Buffer], used: set[str], inside: bool = False
) -> set[Buffer]:
    """Move an entry that is written and read in one iteration of a loop to a local variable.

    If ``inside`` is true, this happens only inside of loops. Returns the temporaries that no
    longer need an array; buffers in ``with_arrays`` always keep their array.
    """
    order, always = _Order(items), set(with_arrays)
    gone: set[Buffer] = set()
    new: dict[Expr, Expr]
    for body in list(bodies(items))[1 if inside else 0 :]:
        end, new = order.ends[id(body)], {}
        new_items: list[Item] = []
        for item in body:
            if new:
                _replace(item, new)
            entry = _made(item)
            use = _use(entry, item, order, end, always) if entry else ""
            if entry is None or not use:
                new_items.append(item)
                continue
            assert isinstance(item, Store)
            local = Local(fresh(local_name(entry), used), entry.dtype)
            new[entry_of(entry)] = local
            new_items.append(Let(local, item.value))
            if use == "alone":
                gone.add(entry.buffer.root)
            else:
                new_items.append(Store(item.place, local))
        body[:] = new_items
    forget(items)
    return gone


def _use(entry: Load, item: Item, order: _Order, end: int, always: set[Buffer]) -> str:
    """Return the later use of an entry in its body, as a word.

    "alone" if the entry is read only here, "too" if it is also read elsewhere, and "" if it is not
    read here or is written again.
    """
    buffer, index, number = entry.buffer.root, entry.index, order.number[id(item)]
    others = [t for t in order.touches[buffer] if t.statement is not item]
    later = [t for t in others if number < t.number < end]
    if any(t.access.writes for t in later):
        return ""
    users = [t for t in later if t.access.index == index]
    is_temporary = buffer.role == "temporary" and buffer not in always
    if is_temporary and len(later) == len(others) == len(users):
        return "alone"
    return "too" if users else ""


def _made(item: Item) -> Load | None:
    """Return the entry that a statement stores, or None if it is no simple store."""
    simple = isinstance(item, Store) and item.accesses[-1].is_simple
    return item.place if simple else None  # type: ignore[union-attr]


def _replace(item: Item, new: Mapping[Expr, Expr]) -> None:
    """Replace entries in an item by local variables."""
    if isinstance(item, Loop):
        for inner in item.body:
            _replace(inner, new)
    elif any(
        isinstance(a.what, Buffer) and not a.writes and Load(a.what, a.index or ()) in new
        for a in item.accesses
    ):
        item.__dict__.update(item.replaced(new).__dict__)
        forget([item])


def hoist(items: list[Item], used: set[str]) -> None:
    """Hoist loop-invariant loads: each is read once, before the loop."""
    _hoist(items, used)
    forget(items)


def _hoist(items: list[Item], used: set[str]) -> None:
    new_items: list[Item] = []
    for item in items:
        if isinstance(item, Loop):
            invariant = _constant(item)
            new: dict[Expr, Expr] = {}
            for entry in invariant:
                local = Local(fresh(local_name(entry), used), entry.dtype)
                new[entry_of(entry)] = local
                new_items.append(Let(local, entry))
            if new:
                _replace(item, new)
                forget([item])
            _hoist(item.body, used)
        new_items.append(item)
    items[:] = new_items


def _constant(loop: Loop) -> list[Load]:
    """Return the loop-invariant entries that a loop reads."""
    written = {a.what for a in loop.accesses if a.writes}
    inside, sometimes = set(_variables(loop)), set(_chosen(loop))
    return [
        Load(a.what, a.index)
        for a in loop.accesses
        if isinstance(a.what, Buffer)
        and a.index is not None
        and a.is_simple
        and not a.writes
        and a.what not in written
        and a.what not in sometimes
        and not any(part in inside or part in written for part in a.index)
    ]


def _chosen(loop: Loop) -> Iterator[Buffer | Local]:
    """Yield the buffers that are read under a condition; without it, the index may be invalid."""
    for statement in walk([loop]):
        for expr in _expressions(statement):
            for part in _parts(expr):
                if isinstance(part, Select):
                    yield from (a.what for a in reads(part))


def _expressions(statement: Statement) -> Iterator[Expr]:
    for name in ("value", "call", "test"):
        expr = getattr(statement, name, None)
        if isinstance(expr, Expr):
            yield expr


def _parts(expr: Expr) -> Iterator[Expr]:
    yield expr
    for part in children(expr):
        if isinstance(part, Expr):
            yield from _parts(part)


def _variables(loop: Loop) -> Iterator[Local]:
    yield loop.var
    for item in loop.body:
        if isinstance(item, Loop):
            yield from _variables(item)
