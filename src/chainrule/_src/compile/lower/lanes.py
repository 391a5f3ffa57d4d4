"""Sums with a fixed order: long ones are added in lanes, so that vector registers are full.

LLVM would order a sum by the loops around it, which differ between a kernel of one model and a
kernel of several models side by side. For batches of one sample, the order is fixed instead: entry
``i`` is added to lane ``i % 16``, or ``i % 4`` if there are few entries. Then the lanes are added
in pairs that are as far apart as possible.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from chainrule._src.compile.lower.lowering import Axes, Lowering
from chainrule._src.compile.lower.nodes import ZERO, Buffer, Call, Const, Expr, Index, Load, Local
from chainrule._src.compile.lower.statements import Accumulate, Item, Statement, Store, nest

FEW, MANY = 4, 16  # lanes
SHORT, LONG = 8, 32  # entries from which there are `FEW` and `MANY` lanes
AHEAD = 4  # blocks of entries that are added in one iteration

Places = Mapping[Expr, Expr]  # replacements of loop variables by other indices
Target = Load | Local


@dataclass(eq=False, repr=False)
class Reduced:
    """A reduction: its axes, its entries and its operation.

    Attributes
    ----------
    kept, gone : Axes
        The loops over the axes that remain, and over those that are reduced.
    out : Index
        The index of the result's entry.
    entry : callable
        A function that returns the expression of an entry.
    start : Expr
        The initial value of the total.
    combine : callable
        A function that returns the statement that adds a value to a total.
    """

    kept: Axes
    gone: Axes
    out: Index
    entry: Callable[[Places], Expr]
    start: Expr
    combine: Callable[[Target, Expr], Statement]


def lanes_along(low: Lowering, how: Reduced) -> Local | None:
    """Return the axis along which a sum is divided into lanes: the longest, if long enough.

    The remaining axes have no influence, since models side by side are one more such axis.
    """
    taken_in = how.combine(Local("_", how.start.dtype), how.start)
    is_sum = isinstance(taken_in, Accumulate) and taken_in.name == "add"
    if not low.ordered or not is_sum or how.start.dtype.kind != "f":
        return None
    split, size = max(how.gone, key=lambda pair: pair[1])
    return split if size >= SHORT else None


def in_turn(loops: Axes, gone: Axes) -> list[tuple[Local, Any]]:
    """Return the loops with the summed axes in their original order."""
    summed = iter(gone)
    return [next(summed) if pair in gone else pair for pair in loops]


def in_lanes(low: Lowering, result: Buffer, how: Reduced, loops: Axes, split: Local) -> list[Item]:
    """Return the loops of a sum in lanes along the axis ``split``.

    If the innermost loop runs along a remaining axis, each lane is a row along this axis.
    """
    gone, sizes = {variable for variable, _ in how.gone}, dict(loops)
    row = [pair for pair in loops[-1:] if pair[0] not in gone]
    across = tuple([variable if size != 1 else ZERO for variable, size in row])
    count = FEW if sizes[split] < LONG else MANY
    shape = (count, *(size for _, size in row))
    lanes = low.buffer(low.names.fresh(f"{result.name}_lanes"), shape, result.dtype)
    lanes.order = tuple(range(len(lanes.shape)))
    lane, turn = (Local(low.names.fresh(name)) for name in ("lane", "turn"))
    blocks, remainder = divmod(sizes[split], count)
    turns, last_blocks = divmod(blocks, AHEAD)

    def of(at: Expr) -> Load:
        return lanes.at((at, *across))

    def plus(a: Expr, b: Expr) -> Expr:
        return Call("add", (a, b), result.dtype)

    def taken_in(first: Expr, ahead: int, width: int = count) -> list[Item]:
        """Return the loops that add the entries of ``ahead`` blocks to lanes, block by block."""
        at = lane if width > 1 else ZERO

        def total() -> Statement:
            value: Expr = of(at)
            for block in range(ahead):
                value = plus(value, how.entry({split: first + at + block * count}))
            return Store(of(at), value)

        return nest([(lane, width), *row], low.leaf(total)) if ahead else []

    def quarters(at: Expr, by: int) -> Expr:
        """Return the sum of four lanes: the first and third, plus the second and fourth."""
        a, b, c, d = (of(at + i * by) for i in range(4))
        return plus(plus(a, c), plus(b, d))

    first = turn * (AHEAD * count) if turns > 1 else ZERO
    full = nest([(turn, turns)], taken_in(first, AHEAD)) if turns else []
    end = taken_in(Const(turns * AHEAD * count), last_blocks)
    end += taken_in(Const(blocks * count), min(remainder, 1), remainder)
    around = [pair for pair in loops if pair[0] in gone and pair[0] is not split]
    outer = [pair for pair in loops if pair[0] not in gone and pair not in row]
    sums = nest([(lane, count), *row], [Store(of(lane), how.start)])
    sums += nest(around, [*full, *end])
    if count > FEW:
        sums += nest([(lane, FEW), *row], [Store(of(lane), quarters(lane, FEW))])
    sums += nest(row, [Store(result.at(how.out), quarters(ZERO, 1))])
    return nest(outer, sums)
