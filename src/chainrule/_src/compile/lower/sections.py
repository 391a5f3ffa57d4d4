"""The work of an update is divided among threads.

Threads run each loop together, each thread a part of the iterations of a loop variable, or one
thread runs the loop alone. They meet at a barrier before one reads what another has written. The
work is divided by samples if possible, so that most values of a batch stay in one core's cache.
Sums over samples are computed for each part of the work, and then the partial sums are added. If
the weights are larger than these values, the work is divided by weights instead.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import groupby
from typing import Any

from chainrule._src.compile.lower.fusing import can_share, in_step, shareable
from chainrule._src.compile.lower.lowering import WORTHWHILE, Lowering
from chainrule._src.compile.lower.nodes import (
    BOOL,
    PART,
    PARTS,
    WHOLE,
    ZERO,
    Buffer,
    Call,
    Expr,
    Local,
    N,
    evaluated,
    share,
    whole,
)
from chainrule._src.compile.lower.numbers import FIXED
from chainrule._src.compile.lower.statements import (
    Effect,
    If,
    Item,
    Let,
    Loop,
    Product,
    Statement,
    natural,
    walk,
)
from chainrule._src.trace.batch import Linear

THREAD, THREADS = Local("thread"), Local("threads")
# The first part of the work of a thread, and the part after its last one.
OWN = Local("first"), Local("last")
Sharing = tuple[Any, Any]  # a loop variable and its extent


def own_parts() -> list[Let]:
    """Return the assignments of the first and last part of the work of a thread."""
    ends = (THREAD, THREAD + 1)
    return [
        Let(local, share(whole(PARTS), end, THREADS)) for local, end in zip(OWN, ends, strict=True)
    ]


@dataclass(eq=False, repr=False)
class Group:
    """Items that are divided among threads in the same way.

    Attributes
    ----------
    sharing : (Local or None, Expr or None)
        The loop variable whose iterations are divided, and its extent; `PART` for items that each
        part of the work runs once; None for items that one thread runs.
    items : list of Item
    """

    sharing: Sharing
    items: list[Item] = field(default_factory=list)

    def conflicts(self, item: Item) -> bool:
        """Return true if an item conflicts with an item of this object: their order matters."""
        return any(
            a.writes or b.writes
            for x in self.items
            for a in item.accesses
            for b in x.touched.get(a.what, ())
        )

    def needs_no_meeting(self, item: Item, sharing: Sharing) -> bool:
        """Return true if an item needs no barrier after this group.

        All conflicts are then between iterations of the same thread.
        """
        one, other = self.sharing[0], sharing[0]
        if one is None or other is None:
            return one is other or not self.conflicts(item)
        if self.sharing == sharing or one is PART:
            variable = other
        else:
            variable = one if other is PART else PART
        return all(
            in_step(x, item, PART)
            or (_shares(x, variable) and _shares(item, variable) and in_step(x, item, variable))
            for x in self.items
        )

    def admits(self, sharing: Sharing) -> bool:
        """Return true if an item with this division may be added to the group."""
        both = self.sharing[0], sharing[0]
        return self.sharing == sharing or (PART in both and None not in both)

    def shared(self) -> Iterator[Item]:
        """Yield the statements with the division among threads."""
        variable = self.sharing[0]
        if variable is None:
            yield If(Call("eq", (THREAD, ZERO), BOOL), self.items)
            return
        for at_once, items in groupby(self.items, partial(_multiplies, variable=variable)):
            if at_once:  # parts of any size give the same bits, and larger ones are faster
                yield from (_part_of(item, variable, OWN) for item in items)
            else:
                body = [_part_of(item, variable, (PART, PART + 1)) for item in items]
                yield Loop(PART, OWN[1], body, OWN[0])


@dataclass(eq=False, repr=False)
class Section:
    """The work between two barriers."""

    groups: list[Group] = field(default_factory=list)

    def conflicts(self, item: Item) -> bool:
        """Return true if an item conflicts with an item of this object: their order matters."""
        return any(group.conflicts(item) for group in self.groups)

    def needs_no_meeting(self, item: Item, sharing: Sharing) -> bool:
        """Return true if an item needs no barrier after this section."""
        return all(group.needs_no_meeting(item, sharing) for group in self.groups)

    def add(self, item: Item, sharing: Sharing) -> None:
        """Add an item to the last group that admits its division, or to a new group."""
        for group in reversed(self.groups):
            if group.admits(sharing):
                group.items.append(item)
                group.sharing = sharing if group.sharing[0] is PART else group.sharing
                return
            if group.conflicts(item):
                break
        self.groups.append(Group(sharing, [item]))

    def shared(self) -> Iterator[Item]:
        """Yield the statements with the division among threads."""
        for group in self.groups:
            yield from group.shared()
        yield Effect(Call("meet", (FIXED["meeting"], THREADS), WHOLE))


def _shares(item: Item, variable: Local) -> bool:
    """Return true if the iterations of a variable in an item can be divided into parts."""
    if isinstance(item, Product):
        sides = (item.terms,) if item.shared == "terms" else (item.rows, item.columns)
        return any(variable in side.axes for side in sides)
    return isinstance(item, Loop) and variable in shareable(item)


def _multiplies(item: Item, variable: Local) -> bool:
    """Return true if an item contains a divided matrix product, and no partial results."""
    products = [each for each in walk([item]) if isinstance(each, Product)]
    shared = any(variable in (*each.rows.axes, *each.columns.axes) for each in products)
    return shared and not any(PART in (access.index or ()) for access in item.accesses)


def _part_of(item: Item, variable: Local, parts: tuple[Expr, Expr]) -> Item:
    """Return an item with only those iterations of a variable that belong to some parts."""
    if isinstance(item, Product) and not item.shared:
        sides = {"rows": item.rows, "columns": item.columns}
        shared = [name for name, side in sides.items() if variable in side.axes]
        return replace(item, shared=shared[0], parts=parts) if shared else item
    if isinstance(item, Statement) or variable not in shareable(item):
        return item  # each part runs it once
    body = [_part_of(inner, variable, parts) for inner in item.body]
    if item.var is not variable:
        return Loop(item.var, item.stop, body, item.start, item.step)
    start, stop = (share(item.stop, part) for part in parts)
    return Loop(variable, stop, [natural(variable), *body], start)


def shared_out(items: Sequence[Item], low: Lowering) -> list[Section]:
    """Divide the work of an update into sections and groups."""
    outside = {
        access.what
        for item in items
        if isinstance(item, Statement)
        for access in item.accesses
        if access.index is None
    }
    divided = _kept(items, low)
    sections: list[Section] = []
    for item in items:
        sharing = _sharing(item, outside, low, divided)
        first = len(sections)  # the earliest possible section needs the fewest barriers
        while first and not sections[first - 1].conflicts(item):
            first -= 1
        if first and sections[first - 1].needs_no_meeting(item, sharing):
            first -= 1
        if first == len(sections):
            sections.append(Section())
        sections[first].add(item, sharing)
    return sections


def apart(
    sections: Sequence[Section], buffers: Sequence[Buffer], shares: Mapping[Buffer, Buffer],
    sample: Local,
) -> set[Buffer]:  # fmt: skip
    """Return the temporaries in which each thread accesses only the entries of its own samples.

    Each thread may own a copy of such a temporary. In a shared array, processors would prefetch
    cache lines that another thread is about to write. ``shares`` maps buffers to the buffers whose
    memory they reuse. All buffers with the same memory must have this property.
    """
    mixed = {
        buffer
        for section in sections
        for group in section.groups
        for item in group.items
        for buffer in _mixed(item, group.sharing[0], sample)
    }
    private = {b for b in buffers if b.role == "temporary" and _along(b) and b not in mixed}
    others = {shares.get(b, b) for b in buffers if b not in private}
    return private - others - shares.keys()


def _along(buffer: Buffer) -> list[int]:
    """Return the batch axes in memory order."""
    return [i for i, size in enumerate(buffer.memory_shape) if isinstance(size, Linear)]


def _mixed(item: Item, variable: Any, sample: Local) -> Iterator[Buffer]:
    """Yield the buffers that an item accesses at other samples than those of the thread."""
    by_part = isinstance(item, Product) and item.shared == "terms"
    split = (variable is sample or by_part) and _shares(item, sample)
    for access in item.accesses:
        what, index = access.what, access.index
        if not isinstance(what, Buffer) or index is None:
            continue
        if not split or any(index[i] is not sample for i in _along(what)):
            yield what


def _kept(items: Sequence[Item], low: Lowering) -> dict[Any, int]:
    """Return the arrays that are divided among threads in all updates, with the divided axis.

    If samples are divided, each thread reads all weights, most of which other threads have
    updated. If a layer's weights are larger than the values that would be exchanged otherwise (its
    input, its result and its gradient), its outputs are divided instead. This requires weights that
    a single product reads: those of the first layer.
    """
    divided: dict[Any, int] = {}
    products = [item for item in items if isinstance(item, Product)]
    reads = Counter(operand.buffer.root for item in products for operand in (item.a, item.b))
    for item in products:
        sides = [(item.rows, item.a), (item.columns, item.b)]
        (first, _), (second, weights) = sides if low.sample in item.rows.axes else sides[::-1]
        one_axis = first.axes == (low.sample,) and len(second.axes) == 1
        if one_axis and reads[weights.buffer.root] == 1:
            sizes = (evaluated(side.size, {N: low.n}) for side in (first, second, item.terms))
            samples, outputs, inputs = sizes
            if inputs * outputs > samples * (inputs + 2 * outputs):
                divided[weights.buffer.root] = weights.index.index(second.axes[0])
    for loop in (item for item in items if isinstance(item, Loop)):
        for update in [a for a in loop.accesses if a.writes and a.what in divided]:
            same = [a.what for a in loop.accesses if a.index and a.index == update.index]
            divided |= dict.fromkeys(same, divided[update.what])  # moments and gradients
    return divided


def _sharing(
    item: Item, outside: set[Buffer | Local], low: Lowering, divided: Mapping[Any, int]
) -> Sharing:
    """Return the variable to divide, and its extent.

    The axes of ``divided`` come first, then the batch axis, then the outermost loop variable.
    """
    sample, extents = low.sample, _extents(item)
    written = [access.index for access in item.accesses if access.writes and access.index]
    by_part = bool(written) and all(PART in index for index in written)
    preferred = [a.index[divided[a.what]] for a in item.accesses if a.what in divided and a.index]
    if isinstance(item, Product) and not by_part:
        return _of_product(item, [*preferred, sample])
    if isinstance(item, Statement):
        return (PART if by_part else None), None
    candidates = sorted(shareable(item), key=lambda v: (v not in preferred, v is not sample))
    entries = math.prod([evaluated(extent, {N: low.n}) for extent in extents.values()])
    some_by_part = any(PART in index for index in written)  # fused with other writes
    for variable in candidates:
        worthwhile = some_by_part or variable is sample or entries >= WORTHWHILE
        if worthwhile and can_share(item, variable, outside):
            return variable, extents[variable]
    return (PART if by_part and not candidates else None), None


def _of_product(item: Product, candidates: Sequence[Expr]) -> Sharing:
    for variable in candidates:
        for side in (item.rows, item.columns):
            if side.axes[0] is variable:
                return variable, side.count
    side = item.rows  # a side of several axes is divided for this product alone
    return side.axes[0], side.count if len(side.axes) == 1 else item


def _extents(item: Item) -> dict[Local, Expr]:
    extents: dict[Local, Expr] = {}
    if isinstance(item, Loop):
        extents[item.var] = item.stop
        for inner in item.body:
            extents |= _extents(inner)
    return extents
