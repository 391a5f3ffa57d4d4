"""An update's work shared out among threads.

Threads do each loop together, each its part of the turns of a loop variable, or one of them does
it. They meet where one needs what another has made. Samples are what is shared out where it is
possible: then most of a batch's values stay with one thread. Sums over samples are added up by each
part of the work, and then together. Weights that are more than those values stay with a thread
instead.
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
    If,
    Item,
    Let,
    Loop,
    Product,
    Run,
    Statement,
    natural,
    walk,
)
from chainrule._src.trace.batch import Linear

THREAD, THREADS = Local("thread"), Local("threads")
# Of the parts of the work, the first of a thread and the one behind its last.
OWN = Local("first"), Local("last")
Sharing = tuple[Any, Any]  # a loop variable and its extent


def own_parts() -> list[Let]:
    """Return what tells a thread which parts of the work it has."""
    ends = (THREAD, THREAD + 1)
    return [
        Let(local, share(whole(PARTS), end, THREADS)) for local, end in zip(OWN, ends, strict=True)
    ]


@dataclass(eq=False, repr=False)
class Group:
    """Items that are shared out alike.

    Attributes
    ----------
    sharing : (Local or None, Expr or None)
        The loop variable whose turns are shared out, and its extent; `PART` for what each part of
        the work does once; None for what one thread does.
    items : list of Item
    """

    sharing: Sharing
    items: list[Item] = field(default_factory=list)

    def conflicts(self, item: Item) -> bool:
        """Whether the order of an item and those here matters."""
        return any(
            a.writes or b.writes
            for x in self.items
            for a in item.accesses
            for b in x.touched.get(a.what, ())
        )

    def needs_no_meeting(self, item: Item, sharing: Sharing) -> bool:
        """Whether what an item and those here touch both, and one writes, is one thread's."""
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
        """Whether what is shared out so may be among the items here."""
        both = self.sharing[0], sharing[0]
        return self.sharing == sharing or (PART in both and None not in both)

    def shared(self) -> Iterator[Item]:
        """Yield its statements as threads run them."""
        variable = self.sharing[0]
        if variable is None:
            yield If(Call("eq", (THREAD, ZERO), BOOL), self.items)
            return
        for at_once, items in groupby(self.items, partial(_multiplies, variable=variable)):
            if at_once:  # the same bits in parts of any size, and the faster the larger
                yield from (_part_of(item, variable, OWN) for item in items)
            else:
                body = [_part_of(item, variable, (PART, PART + 1)) for item in items]
                yield Loop(PART, OWN[1], body, OWN[0])


@dataclass(eq=False, repr=False)
class Section:
    """The work between two meetings."""

    groups: list[Group] = field(default_factory=list)

    def conflicts(self, item: Item) -> bool:
        """Whether the order of an item and those here matters."""
        return any(group.conflicts(item) for group in self.groups)

    def needs_no_meeting(self, item: Item, sharing: Sharing) -> bool:
        """Whether an item may follow without one."""
        return all(group.needs_no_meeting(item, sharing) for group in self.groups)

    def add(self, item: Item, sharing: Sharing) -> None:
        """Add an item to the last group that is shared out like it, or to a new one."""
        for group in reversed(self.groups):
            if group.admits(sharing):
                group.items.append(item)
                group.sharing = sharing if group.sharing[0] is PART else group.sharing
                return
            if group.conflicts(item):
                break
        self.groups.append(Group(sharing, [item]))

    def shared(self) -> Iterator[Item]:
        """Yield its statements as threads run them."""
        for group in self.groups:
            yield from group.shared()
        yield Run(Call("meet", (FIXED["meeting"], THREADS), WHOLE))


def _shares(item: Item, variable: Local) -> bool:
    """Whether parts of the work share the turns of a variable, where it is not done by each."""
    if isinstance(item, Product):
        sides = (item.terms,) if item.shared == "terms" else (item.rows, item.columns)
        return any(variable in side.axes for side in sides)
    return isinstance(item, Loop) and variable in shareable(item)


def _multiplies(item: Item, variable: Local) -> bool:
    """Whether an item is a matrix product that is shared out, or has one, and nothing by parts."""
    products = [each for each in walk([item]) if isinstance(each, Product)]
    shared = any(variable in (*each.rows.axes, *each.columns.axes) for each in products)
    return shared and not any(PART in (access.index or ()) for access in item.accesses)


def _part_of(item: Item, variable: Local, parts: tuple[Expr, Expr]) -> Item:
    """Return an item with the turns of a variable that some parts have."""
    if isinstance(item, Product) and not item.shared:
        sides = {"rows": item.rows, "columns": item.columns}
        shared = [name for name, side in sides.items() if variable in side.axes]
        return replace(item, shared=shared[0], parts=parts) if shared else item
    if isinstance(item, Statement) or variable not in shareable(item):
        return item  # what each part does once
    body = [_part_of(inner, variable, parts) for inner in item.body]
    if item.var is not variable:
        return Loop(item.var, item.stop, body, item.start, item.step)
    start, stop = (share(item.stop, part) for part in parts)
    return Loop(variable, stop, [natural(variable), *body], start)


def shared_out(items: Sequence[Item], low: Lowering) -> list[Section]:
    """Share the work of an update out."""
    outside = {
        access.what
        for item in items
        if isinstance(item, Statement)
        for access in item.accesses
        if access.index is None
    }
    kept = _kept(items, low)
    sections: list[Section] = []
    for item in items:
        sharing = _sharing(item, outside, low, kept)
        first = len(sections)  # that it can be in: the earlier, the fewer meetings
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
    """Return the temporaries of which a thread reads and writes the entries of its samples alone.

    Each thread may have one for itself: where several have their parts of the same rows, processors
    fetch ahead what another one is about to write. ``shares`` tells which have whose memory; all
    that have it must be such.
    """
    mixed = {
        buffer
        for section in sections
        for group in section.groups
        for item in group.items
        for buffer in _mixed(item, group.sharing[0], sample)
    }
    found = {b for b in buffers if b.role == "temporary" and _along(b) and b not in mixed}
    others = {shares.get(b, b) for b in buffers if b not in found}
    return found - others - shares.keys()


def _along(buffer: Buffer) -> list[int]:
    """Return the axes along which samples lie in memory."""
    return [i for i, size in enumerate(buffer.memory_shape) if isinstance(size, Linear)]


def _mixed(item: Item, variable: Any, sample: Local) -> Iterator[Buffer]:
    """Yield what an item touches otherwise than at the samples that a thread has."""
    by_part = isinstance(item, Product) and item.shared == "terms"
    split = (variable is sample or by_part) and _shares(item, sample)
    for access in item.accesses:
        what, index = access.what, access.index
        if not isinstance(what, Buffer) or index is None:
            continue
        if not split or any(index[i] is not sample for i in _along(what)):
            yield what


def _kept(items: Sequence[Item], low: Lowering) -> dict[Any, int]:
    """Return arrays of which each thread keeps a part from update to update, by the axis.

    Where samples are shared out, threads read all weights, of which others have updated most. Where
    those are more than what would travel otherwise (a layer's input, its result there and its
    gradient back), its outputs are shared out. That needs weights that a single product reads: the
    first layer's.
    """
    kept: dict[Any, int] = {}
    products = [item for item in items if isinstance(item, Product)]
    reads = Counter(place.buffer.root for item in products for place in (item.a, item.b))
    for item in products:
        sides = [(item.rows, item.a), (item.columns, item.b)]
        (first, _), (second, weights) = sides if low.sample in item.rows.axes else sides[::-1]
        one_axis = first.axes == (low.sample,) and len(second.axes) == 1
        if one_axis and reads[weights.buffer.root] == 1:
            sizes = (evaluated(side.size, {N: low.n}) for side in (first, second, item.terms))
            samples, outputs, inputs = sizes
            if inputs * outputs > samples * (inputs + 2 * outputs):
                kept[weights.buffer.root] = weights.index.index(second.axes[0])
    for loop in (item for item in items if isinstance(item, Loop)):
        for update in [a for a in loop.accesses if a.writes and a.what in kept]:
            same = [a.what for a in loop.accesses if a.index and a.index == update.index]
            kept |= dict.fromkeys(same, kept[update.what])  # moments and gradients
    return kept


def _sharing(
    item: Item, outside: set[Buffer | Local], low: Lowering, kept: Mapping[Any, int]
) -> Sharing:
    """Return the variable to share out and its extent: what is kept by, samples, the outermost."""
    sample, extents = low.sample, _extents(item)
    written = [access.index for access in item.accesses if access.writes and access.index]
    by_part = bool(written) and all(PART in index for index in written)
    own = [a.index[kept[a.what]] for a in item.accesses if a.what in kept and a.index]
    if isinstance(item, Product) and not by_part:
        return _of_product(item, [*own, sample])
    if isinstance(item, Statement):
        return (PART if by_part else None), None
    candidates = sorted(shareable(item), key=lambda v: (v not in own, v is not sample))
    entries = math.prod([evaluated(extent, {N: low.n}) for extent in extents.values()])
    some_by_part = any(PART in index for index in written)  # beside what is not: fused
    for variable in candidates:
        worthwhile = some_by_part or variable is sample or entries >= WORTHWHILE
        if worthwhile and can_share(item, variable, outside):
            return variable, extents[variable]
    return (PART if by_part and not candidates else None), None


def _of_product(item: Product, wanted: Sequence[Expr]) -> Sharing:
    for variable in wanted:
        for side in (item.rows, item.columns):
            if side.axes[0] is variable:
                return variable, side.count
    side = item.rows  # of axes taken together, it is shared out on its own
    return side.axes[0], side.count if len(side.axes) == 1 else item


def _extents(item: Item) -> dict[Local, Expr]:
    found: dict[Local, Expr] = {}
    if isinstance(item, Loop):
        found[item.var] = item.stop
        for inner in item.body:
            found |= _extents(inner)
    return found
