"""Loop fusion: loops are joined if every entry is used in the iteration that computes the entry."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Sequence

from chainrule._src.compile.lower.nodes import (
    PART,
    Access,
    Buffer,
    Expr,
    Local,
    loop_variable,
    replaced,
)
from chainrule._src.compile.lower.statements import Item, Loop, Statement, forget, walk

Touched = Buffer | Local


class Timeline:
    """A list of items, with an index of the accesses to each buffer and variable."""

    def __init__(self) -> None:
        self.items: list[Item | None] = []
        self._touches: dict[Touched, list[int]] = {}
        self._writes: dict[Touched, list[int]] = {}

    def add(self, item: Item) -> None:
        """Add an item at the end."""
        self.items.append(item)
        self.note(len(self.items) - 1, item)

    def note(self, position: int, item: Item) -> None:
        """Add the accesses of an item at a position to the index."""
        for what, accesses in item.touched.items():
            _put(self._touches.setdefault(what, []), position)
            if any(access.writes for access in accesses):
                _put(self._writes.setdefault(what, []), position)

    def move_down(self, position: int) -> int:
        """Move an item to the end, and return its new position."""
        item = self.items[position]
        assert item is not None
        self.items[position] = None
        for what in item.touched:
            for table in (self._touches, self._writes):
                if position in table.get(what, ()):
                    table[what].remove(position)
        self.add(item)
        return len(self.items) - 1

    def near(self, item: Item) -> list[int]:
        """Return the positions of items that access a buffer that ``item`` accesses, last first."""
        positions: set[int] = set()
        for what in item.touched:
            if isinstance(what, Buffer):
                positions.update(self._touches.get(what, ()))
        return sorted(positions, reverse=True)

    def last_conflict(self, item: Item) -> int:
        """Return the last position of an item that conflicts with ``item``, or -1."""
        return max((p for p in self._conflicts(item, False)), default=-1)

    def first_conflict(self, position: int) -> int:
        """Return the position of the next item that conflicts with the item at ``position``."""
        item = self.items[position]
        assert item is not None
        later = [p for p in self._conflicts(item, True) if p > position]
        return min(later, default=len(self.items))

    def _conflicts(self, item: Item, every: bool) -> Iterable[int]:
        for what, accesses in item.touched.items():
            writes = any(access.writes for access in accesses)
            positions = (self._touches if writes else self._writes).get(what, ())
            yield from positions if every else positions[-1:]


def _put(places: list[int], position: int) -> None:
    """Insert a position into a sorted list, unless it is in the list."""
    at = bisect_left(places, position)
    if at == len(places) or places[at] != position:
        places.insert(at, position)


def fuse(items: Sequence[Item], outermost: bool = True) -> list[Item]:
    """Fuse loops of equal extent, if entries are used in the iteration of their computation."""
    timeline = Timeline()
    divided: dict[Loop, Local | None] = {}  # the variable by which the parts divide each loop
    for item in items:
        if not (isinstance(item, Loop) and _joined(timeline, item, divided if outermost else None)):
            timeline.add(item)
    remaining = [item for item in timeline.items if item is not None]
    for item in remaining:
        if isinstance(item, Loop):
            item.body = fuse(item.body, outermost=False)
            forget([item])
    return remaining


def _joined(timeline: Timeline, loop: Loop, divided: dict[Loop, Local | None] | None) -> bool:
    """Fuse ``loop`` with an earlier loop, if one of the two loops can be moved to its partner."""
    barrier = timeline.last_conflict(loop)
    for position in timeline.near(loop):
        first = timeline.items[position]
        if not isinstance(first, Loop) or not _alike(first, loop):
            continue
        moves_up = barrier <= position
        if not moves_up and timeline.first_conflict(position) < len(timeline.items):
            continue
        second = loop if loop.var is first.var else _swapped(loop, first.var)
        if not _no_locals(first, second) or not in_step(first, second, first.var):
            continue
        if divided is not None and not _divide_alike(first, second, divided):
            continue
        if not moves_up:
            position = timeline.move_down(position)
        first.join(second)
        timeline.note(position, second)
        return True
    return False


def _alike(first: Loop, second: Loop) -> bool:
    return first.stop == second.stop and first.innermost == second.innermost


def _no_locals(first: Loop, second: Loop) -> bool:
    """Return true if neither loop writes a local variable that both loops access."""
    return not any(
        a.writes or b.writes
        for what, accesses in second.touched.items()
        if isinstance(what, Local)
        for a in accesses
        for b in first.touched.get(what, ())
    )


def _swapped(loop: Loop, variable: Local) -> Loop:
    """Return a loop over another variable; an inner variable with its name gets the old name."""
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
    """Return true if the items conflict only within the same iteration or the same part."""
    return all(
        same_turn(a.index or (), b.index or (), variable)
        for what, accesses in second.touched.items()
        if isinstance(what, Buffer)
        for a in first.touched.get(what, ())
        for b in accesses
        if a.writes or b.writes
    )


def same_turn(one: Sequence[Expr | None], other: Sequence[Expr | None], variable: Local) -> bool:
    """Return true if equal entries imply the same iteration of ``variable`` or the same part."""
    if (PART in one) != (PART in other):
        return False  # an array with an entry for each part, and one without
    return len(one) == len(other) and any(
        x == y and (x is variable or x is PART) for x, y in zip(one, other, strict=True)
    )


def _divide_alike(first: Loop, second: Loop, divided: dict[Loop, Local | None]) -> bool:
    """Return true if the fused loop can be divided into parts of the work; update ``divided``.

    This matters if one of the loops computes a result for each part. `PART` stands for a loop that
    each part runs once.
    """
    for loop in (first, second):
        if loop not in divided:
            divided[loop] = _divided(loop)
    one, other = divided[first], divided[second]
    if one is other is None:
        return True
    variable = other if one in (None, PART) else one
    if variable in (None, PART):
        return False
    is_divisible = all(
        division in (variable, PART) or (division is None and can_share(loop, variable, set()))
        for loop, division in ((first, one), (second, other))
    )
    if not is_divisible or not in_step(first, second, variable):
        return False
    divided[first] = variable
    return True


def _divided(loop: Loop) -> Local | None:
    """Return the variable by which the parts divide a loop that writes a result for each part."""
    if not any(access.writes and PART in (access.index or ()) for access in loop.accesses):
        return None
    return next((v for v in shareable(loop) if can_share(loop, v, set())), PART)


def shareable(loop: Loop) -> list[Local]:
    """Return the variables whose iterations may be divided into parts, the outermost first.

    Variables that index the result of each part are excluded: a part computes all of its entries.
    """
    by_part = [a.index for a in loop.accesses if a.writes and a.index and PART in a.index]
    variables = dict.fromkeys(inner.var for inner in _loops(loop))
    return [v for v in variables if not any(v in index for index in by_part)]


def can_share(loop: Loop, variable: Local, outside: set[Touched]) -> bool:
    """Return true if the iterations of a loop variable can be divided among threads.

    Each iteration may access only its own entries, or those of its part, in every array that is
    written. A local variable may carry a sum from iteration to iteration, if the sum is stored in
    the entry of the part.

    Parameters
    ----------
    loop : Loop
    variable : Local
    outside : set of Local
        Local variables that are used outside of the loop.
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
