"""Long sums are computed in blocks: each block is summed on its own, then the sums are added.

A chain of a million additions loses four digits of float32's seven. A sum of a thousand sums of a
thousand entries loses almost none. The bounds of the blocks depend on the loop alone.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from chainrule._src.compile.lower.nodes import (
    ONE,
    WHOLE,
    ZERO,
    Buffer,
    Call,
    Const,
    Expr,
    Load,
    Local,
    locals_in,
    reads,
)
from chainrule._src.compile.lower.statements import (
    Accumulate,
    Declare,
    If,
    Item,
    Let,
    Loop,
    Store,
    nest,
)

ROWS = 512  # iterations of a block, if the loop has inner loops
ENTRIES = 2**14  # if it has none: LLVM then adds in sixteen chains or more at once
LARGEST = 4096  # the most entries of a sum that gets an array for the sums of a block

Target = Load | Local
Axes = list[tuple[Local, int]]  # the loops inside that run over the entries of a sum


def in_blocks(loop: Loop, inside: bool = False, repeated: bool = False) -> list[Item]:
    """Return a loop with its long sums in blocks.

    Parameters
    ----------
    loop : Loop
    inside : bool
        If true, the loop is inside another loop.
    repeated : bool
        If true, one of the enclosing loops may be long.
    """
    turns = ENTRIES if loop.innermost else ROWS
    is_long = not (isinstance(loop.stop, Const) and loop.stop.value <= turns)
    body: list[Item] = []
    for item in loop.body:
        body += in_blocks(item, True, repeated or is_long) if isinstance(item, Loop) else [item]
    loop = Loop(loop.var, loop.stop, body, loop.start, loop.step)
    if loop.step != ONE or not (is_long or (inside and loop.innermost)):
        return [loop]
    sums = [_BlockedSum(target, axes, i) for i, (target, axes) in enumerate(_sums(loop))]
    if not sums:
        return [loop]
    declared = [Declare(each.other.buffer, "") for each in sums if isinstance(each.other, Load)]
    if is_long and not repeated:
        return [*declared, *_put_aside(loop, sums, turns)]
    return [*declared, *_begun_anew(loop, sums, turns if is_long else 0)]


@dataclass(eq=False)
class _BlockedSum:
    """A sum, and a second variable or array for the sum of one block.

    Attributes
    ----------
    target : Load or Local
        The entry or variable that holds the sum.
    axes : list of (Local, int)
        The loop variables and sizes that run over the entries of the sum.
    number : int
        The index of the sum among those of its loop.
    """

    target: Target
    axes: Axes
    number: int

    def __post_init__(self) -> None:
        target, dtype = self.target, self.target.dtype
        name = target.name if isinstance(target, Local) else target.buffer.name
        self.other: Target = Local(f"{name}_block{self.number}", dtype)
        if self.axes:
            shape = tuple(size for _, size in self.axes)
            buffer = Buffer(self.other.name, shape, dtype, tuple(range(len(shape))), "local")
            self.other = buffer.at([variable for variable, _ in self.axes])

    def cleared(self, target: Target) -> list[Item]:
        """Return the statement that sets an entry to zero."""
        zero = Const(0, target.dtype)
        return nest(
            self.axes, [Let(target, zero) if isinstance(target, Local) else Store(target, zero)]
        )

    def added(self, target: Target, value: Target) -> list[Item]:
        """Return the statement that adds one entry to another."""
        return nest(self.axes, [Accumulate(target, value)])


def _begun_anew(loop: Loop, sums: Sequence[_BlockedSum], turns: int) -> list[Item]:
    """Return a loop that sums each block in the second arrays and then adds them to the sums."""
    begin = [item for each in sums for item in each.cleared(each.other)]
    end = [item for each in sums for item in each.added(each.target, each.other)]
    body = _adding_to({each.target: each.other for each in sums}, loop.body)
    loop = Loop(loop.var, loop.stop, body, loop.start)
    return [_blocks(loop, turns, begin, end)] if turns else [*begin, loop, *end]


def _put_aside(loop: Loop, sums: Sequence[_BlockedSum], turns: int) -> list[Item]:
    """Return a loop that moves its sums to the second arrays before each block but the first.

    So a loop of a single block costs nothing.
    """
    several = loop.start + turns < loop.stop
    begin = [item for each in sums for item in each.cleared(each.other)]
    end = [item for each in sums for item in each.added(each.target, each.other)]
    aside: list[Item] = []
    for each in sums:
        aside += [*each.added(each.other, each.target), *each.cleared(each.target)]
    blocks = _blocks(loop, turns, [], [])
    blocks.body.insert(0, If(loop.start < blocks.var, aside))
    return [If(several, begin), blocks, If(several, end)]


def _blocks(loop: Loop, turns: int, begin: Sequence[Item], end: Sequence[Item]) -> Loop:
    """Return a loop over blocks of ``turns`` iterations."""
    first = Local(f"{loop.var.name}_first")
    last = Call("min", (loop.stop, first + turns), WHOLE)
    block = [*begin, Loop(loop.var, last, loop.body, first), *end]
    return Loop(first, loop.stop, block, loop.start, Const(turns))


def _sums(loop: Loop) -> Iterator[tuple[Target, Axes]]:
    """Yield the float sums of a loop that it accesses in no other way and at one index alone."""
    targets: dict[Buffer | Local, set[Target]] = {}
    changed: set[Buffer | Local] = {loop.var}
    touched: set[Buffer | Local] = {loop.var}
    inner: dict[Local, set[tuple[Expr, ...]]] = {}
    for item in _walk(loop.body):
        if isinstance(item, Loop):
            inner.setdefault(item.var, set()).add((item.start, item.stop, item.step))
            continue
        changed.update(access.what for access in item.accesses if access.writes)
        if isinstance(item, Accumulate) and item.name == "add" and item.target.dtype.kind == "f":
            targets.setdefault(_what(item.target), set()).add(item.target)
            touched.update(access.what for access in reads(item.value))
        else:
            touched.update(access.what for access in item.accesses)
    for what, places in targets.items():
        if len(places) == 1 and what not in touched:
            (target,) = places
            axes = _axes(target, inner, changed)
            if axes is not None:
                yield target, axes


def _what(target: Target) -> Buffer | Local:
    return target if isinstance(target, Local) else target.buffer.root


def _walk(items: Sequence[Item]) -> Iterator[Item]:
    """Yield all loops and statements, at every depth."""
    for item in items:
        if not isinstance(item, If):
            yield item
        if isinstance(item, If | Loop):
            yield from _walk(item.body)


def _axes(
    target: Target, inner: Mapping[Local, set[tuple[Expr, ...]]], changed: set[Buffer | Local]
) -> Axes | None:
    """Return the loops that run over a sum's entries.

    The result is None if the entries depend on anything else, or if there are too many entries.
    """
    axes = []
    for part in target.index if isinstance(target, Load) else ():
        if isinstance(part, Local) and part in inner:
            (start, stop, step), *others = inner[part]
            if others or not isinstance(stop, Const) or (start, step) != (ZERO, ONE):
                return None
            axes.append((part, int(stop.value)))
        elif any(local in inner or local in changed for local in locals_in(part)):
            return None
    return axes if math.prod([size for _, size in axes]) <= LARGEST else None


def _adding_to(others: Mapping[Target, Target], items: Sequence[Item]) -> list[Item]:
    """Return statements in which each target is replaced by ``others[target]``."""
    changed: list[Item] = []
    for item in items:
        if isinstance(item, Loop):
            item = Loop(item.var, item.stop, _adding_to(others, item.body), item.start, item.step)
        elif isinstance(item, Accumulate) and item.target in others:
            item = Accumulate(others[item.target], item.value, item.name)
        changed.append(item)
    return changed
