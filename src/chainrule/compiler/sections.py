"""An update's work shared out among threads.

Every section is a stretch of work that threads do together, each its part of the turns of one loop
variable, or that one of them does while the others wait. They meet between sections. Samples are
what is shared out where it is possible: then most of a batch's values stay with one thread, and
sections that follow one another need no meeting. Weights that are more than those values stay with
a thread instead.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import groupby
from typing import Any

from chainrule.compiler.fusing import can_share, in_step
from chainrule.compiler.lowering import Lowering
from chainrule.compiler.nodes import (
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
)
from chainrule.compiler.numbers import FIXED
from chainrule.compiler.statements import (
    If,
    Item,
    Loop,
    Product,
    Run,
    Statement,
    walk,
)

WORTHWHILE = 4096  # entries from which a loop over anything but samples is shared out
THREAD, THREADS = Local("thread"), Local("threads")
# Of the parts of the work, the first of a thread and the one behind its last.
OWN: tuple[Expr, Expr] = (
    Call("share", (PARTS, THREAD, THREADS), WHOLE),
    Call("share", (PARTS, THREAD + 1, THREADS), WHOLE),
)
Sharing = tuple[Any, Any]  # a loop variable and its extent


@dataclass(eq=False)
class Section:
    """A stretch of an update's work.

    Attributes
    ----------
    items : list of Item
    sharing : (Local or None, Expr or None)
        The loop variable whose turns are shared out, and its extent; None if one thread does all.
    """

    items: list[Item]
    sharing: Sharing = (None, None)

    def conflicts(self, item: Item) -> bool:
        """Whether the order of an item and those here matters."""
        return any(
            a.writes or b.writes
            for x in self.items
            for a in item.accesses
            for b in x.touched.get(a.what, ())
        )

    def in_step(self, item: Item, turn: Local) -> bool:
        """Whether an item touches what is written here at the same turn or part."""
        return all(in_step(x, item, turn) for x in self.items)

    def shared(self) -> Iterator[Item]:
        """Yield its statements as threads run them."""
        variable = self.sharing[0]
        if variable is None:
            yield If(Call("eq", (THREAD, ZERO), BOOL), self.items)
        else:
            for at_once, items in groupby(self.items, partial(_multiplies, variable=variable)):
                if at_once:  # the same bits in parts of any size, and the faster the larger
                    yield from (_part_of(item, variable, OWN) for item in items)
                else:
                    body = [_part_of(item, variable, (PART, PART + 1)) for item in items]
                    yield Loop(PART, OWN[1], body, OWN[0])
        yield Run(Call("meet", (FIXED["meeting"], THREADS), WHOLE))


def _multiplies(item: Item, variable: Local) -> bool:
    """Whether an item is a matrix product that is shared out, or has one, and nothing by parts."""
    products = [each for each in walk([item]) if isinstance(each, Product)]
    shared = any(variable in (*each.rows, *each.columns) for each in products)
    return shared and not any(PART in (access.index or ()) for access in item.accesses)


def _part_of(item: Item, variable: Local, parts: tuple[Expr, Expr]) -> Item:
    """Return an item with the turns of a variable that some parts have."""
    if isinstance(item, Product):
        sides = {"rows": item.rows, "columns": item.columns}
        shared = next((side for side, axes in sides.items() if variable in axes), "")
        return replace(item, shared=shared, parts=parts)
    if isinstance(item, Statement):
        return item
    body = [_part_of(inner, variable, parts) for inner in item.body]
    if item.var is not variable:
        return Loop(item.var, item.stop, body, item.start, item.step)
    start, stop = (Call("share", (item.stop, part, PARTS), WHOLE) for part in parts)
    return Loop(variable, stop, [Run(Call("natural", (variable,), WHOLE)), *body], start)


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
        for section in reversed(sections):  # the earlier, the fewer meetings
            if _go_together(section, item, sharing, low.sample):
                section.items.append(item)
                if section.sharing[0] is PART:
                    section.sharing = sharing
                break
            if section.conflicts(item):
                sections.append(Section([item], sharing))
                break
        else:
            sections.append(Section([item], sharing))
    return sections


def _go_together(section: Section, item: Item, sharing: Sharing, sample: Local) -> bool:
    """Whether an item may follow in a section without a meeting."""
    variable, before = sharing[0], section.sharing[0]
    if variable is None or before is None:
        return variable is before
    if section.sharing != sharing and {before, variable} != {PART, sample}:
        return False
    return section.in_step(item, before if variable is PART else variable)


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
        sides = [(item.rows, item.m, item.a), (item.columns, item.n, item.b)]
        first, second = sides if low.sample in item.rows else sides[::-1]
        weights = second[2]
        if first[0] == (low.sample,) and len(second[0]) == 1 and reads[weights.buffer.root] == 1:
            sizes = (evaluated(size, {N: low.n}) for size in (first[1], second[1], item.k))
            samples, outputs, inputs = sizes
            if inputs * outputs > samples * (inputs + 2 * outputs):
                kept[weights.buffer.root] = weights.index.index(*second[0])
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
    if written and all(PART in index for index in written) and sample not in extents:
        return PART, None
    own = [a.index[kept[a.what]] for a in item.accesses if a.what in kept and a.index]
    if isinstance(item, Product):
        return _of_product(item, [*own, sample])
    if isinstance(item, Statement):
        return None, None
    candidates = sorted(extents, key=lambda v: (v not in own, v is not sample))
    known = {N: low.n, PARTS: 2}
    entries = math.prod([evaluated(extent, known) for extent in extents.values()])
    for variable in candidates:
        worthwhile = variable is sample or entries >= WORTHWHILE
        if worthwhile and can_share(item, variable, outside):
            return variable, extents[variable]
    return None, None


def _of_product(item: Product, wanted: Sequence[Expr]) -> Sharing:
    axes = (*item.rows, *item.columns)
    if len(axes) != 2:  # axes taken together, not by samples: shared out on its own
        chosen = next(v for v in axes if v is not wanted[-1])
        return chosen, item
    chosen = next((v for v in wanted if v in axes), axes[0])
    return chosen, item.m if chosen in item.rows else item.n


def _extents(item: Item) -> dict[Local, Expr]:
    found: dict[Local, Expr] = {}
    if isinstance(item, Loop):
        found[item.var] = item.stop
        for inner in item.body:
            found |= _extents(inner)
    return found
