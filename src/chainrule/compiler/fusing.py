"""Loops joined where every entry is used in the turn that makes it."""

from __future__ import annotations

from bisect import insort
from collections.abc import Iterable, Sequence

from chainrule.compiler.nodes import (
    PART,
    Access,
    Buffer,
    Expr,
    Item,
    Local,
    Loop,
    Statement,
    loop_variable,
    replaced,
    walk,
)

Touched = Buffer | Local


class Timeline:
    """A list of items that tells quickly which ones touch something; items may be taken out."""

    def __init__(self) -> None:
        self.items: list[Item | None] = []
        self._touches: dict[Touched, list[int]] = {}
        self._writes: dict[Touched, list[int]] = {}

    def add(self, item: Item) -> None:
        """Add an item at the end."""
        self.items.append(None)
        self.put(len(self.items) - 1, item)

    def put(self, place: int, item: Item) -> None:
        """Put an item in a place, in the stead of what it holds as well."""
        self.items[place] = item
        written = {access.what for access in item.accesses if access.writes}
        for what in {access.what for access in item.accesses}:
            insort(self._touches.setdefault(what, []), place)
            if what in written:
                insort(self._writes.setdefault(what, []), place)

    def drop(self, place: int) -> None:
        """Take an item out."""
        item = self.items[place]
        assert item is not None
        self.items[place] = None
        for what in {access.what for access in item.accesses}:
            for table in (self._touches, self._writes):
                if place in table.get(what, ()):
                    table[what].remove(place)

    def near(self, item: Item) -> list[int]:
        """Return the places of items that touch an entry of what an item does, the last first."""
        names = {access.what for access in item.accesses if access.index is not None}
        found: set[int] = set()
        for name in names:
            found.update(self._touches.get(name, ()))
        return sorted(found, reverse=True)

    def last_conflict(self, item: Item) -> int:
        """Return the last place whose order with an item matters, -1 if there is none."""
        return max((p for p in self._conflicts(item, False)), default=-1)

    def first_conflict(self, place: int) -> int:
        """Return the first place after one whose order with it matters, or the end."""
        item = self.items[place]
        assert item is not None
        later = [p for p in self._conflicts(item, True) if p > place]
        return min(later, default=len(self.items))

    def _conflicts(self, item: Item, every: bool) -> Iterable[int]:
        for access in item.accesses:
            table = self._touches if access.writes else self._writes
            known = table.get(access.what, ())
            yield from known if every else known[-1:]


def fuse(items: Sequence[Item]) -> list[Item]:
    """Join loops of the same extent where every entry is used in the turn that makes it."""
    done = Timeline()
    for item in items:
        if not (isinstance(item, Loop) and _joined(done, item)):
            done.add(item)
    left = [item for item in done.items if item is not None]
    for item in left:
        if isinstance(item, Loop):
            item.body = fuse(item.body)
            item.changed()
    return left


def _joined(done: Timeline, loop: Loop) -> bool:
    """Join ``loop`` with an earlier one, if there is one that it can be moved to or that can."""
    barrier = done.last_conflict(loop)
    for place in done.near(loop):
        first = done.items[place]
        if not isinstance(first, Loop) or not _alike(first, loop):
            continue
        moves_up = barrier <= place
        if not moves_up and done.first_conflict(place) < len(done.items):
            continue
        second = loop if loop.var is first.var else _swapped(loop, first.var)
        if not _no_locals(first, second) or not in_step(first, second, first.var):
            continue
        joined = Loop(first.var, first.stop, first.body + second.body)
        done.drop(place)
        if moves_up:
            done.put(place, joined)
        else:
            done.add(joined)
        return True
    return False


def _alike(first: Loop, second: Loop) -> bool:
    return first.stop == second.stop and first.innermost == second.innermost


def _no_locals(first: Loop, second: Loop) -> bool:
    """Whether no local variable that one writes is touched by the other."""
    touched = {a.what for a in first.accesses if a.index is None}
    written = {a.what for a in first.accesses if a.index is None and a.writes}
    return not any(
        a.index is None and a.what in (touched if a.writes else written) for a in second.accesses
    )


def _swapped(loop: Loop, variable: Local) -> Loop:
    """Return a loop over another variable; what has that one's name takes the name of the old."""
    names: dict[Expr, Expr] = {loop.var: variable}
    for inner in _loops(loop):
        if inner.var.name == variable.name and inner.var is not loop.var:
            names[inner.var] = loop_variable(loop.var.name, inner.var.size)

    def renamed(item: Item) -> Item:
        if isinstance(item, Statement):
            return item.replaced(names)
        var: Local = names.get(item.var, item.var)  # type: ignore[assignment]
        return Loop(var, replaced(item.stop, names), [renamed(inner) for inner in item.body])

    swapped = renamed(loop)
    assert isinstance(swapped, Loop)
    return swapped


def in_step(first: Item, second: Item, variable: Local) -> bool:
    """Whether what one item writes and the other touches is at the same turn or part of both."""
    by_name: dict[Touched, list[Access]] = {}
    for access in second.accesses:
        if access.index is not None:
            by_name.setdefault(access.what, []).append(access)
    return all(
        _same_turn(a, b, variable)
        for a in first.accesses
        if a.index is not None
        for b in by_name.get(a.what, ())
        if a.writes or b.writes
    )


def _same_turn(a: Access, b: Access, variable: Local) -> bool:
    one, other = a.index or (), b.index or ()
    return len(one) == len(other) and any(
        x == y and (x is variable or x is PART) for x, y in zip(one, other, strict=True)
    )


def can_share(loop: Loop, variable: Local, outside: set[Touched]) -> bool:
    """Whether the turns of a loop variable can be shared out among threads.

    Every array that is written must be touched at the turn's own entries alone, or at the part's
    own. A local variable may carry a total from turn to turn, if it goes to the part's own entry.

    Parameters
    ----------
    loop : Loop
    variable : Local
    outside : set of Local
        Local variables that live outside the loop.
    """
    within = [item for item in _loops(loop) if item.var is variable]
    if not within or any(a.writes and a.what in outside for a in loop.accesses):
        return False
    inner = {id(statement) for item in within for statement in walk([item])}
    around = [statement for statement in walk([loop]) if id(statement) not in inner]
    carried = {a.what for statement in around for a in statement.accesses if a.index is None}
    for statement in (s for item in within for s in walk([item])):
        totals = {a.what for a in statement.accesses if a.writes and a.what in carried}
        others = {a.what for a in statement.accesses if a.what in carried} - totals
        sums = any(a.writes and a.what in others for x in within for a in x.accesses)
        if sums or (totals and not all(_of_part(a) for s in around for a in s.accesses)):
            return False
    return in_step(loop, loop, variable)


def _of_part(access: Access) -> bool:
    return not access.writes or access.index is None or PART in access.index


def _loops(item: Item) -> Iterable[Loop]:
    if isinstance(item, Loop):
        yield item
        for inner in item.body:
            yield from _loops(inner)
