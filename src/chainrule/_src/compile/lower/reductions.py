"""Reductions are lowered: sums, maxima, arguments of maxima, and cumulative sums."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial, reduce
from typing import Any

import numpy as np

from chainrule._src.compile.lower.lanes import (
    Places,
    Reduced,
    Target,
    in_lanes,
    in_turn,
    lanes_along,
)
from chainrule._src.compile.lower.lowering import WORTHWHILE, Lowering, places
from chainrule._src.compile.lower.nodes import (
    BOOL,
    PART,
    PARTS,
    ZERO,
    Buffer,
    Call,
    Const,
    Expr,
    Index,
    Local,
    Select,
    cast,
    replaced,
)
from chainrule._src.compile.lower.operations import shape_of
from chainrule._src.compile.lower.reading import expression, names_in, operation
from chainrule._src.compile.lower.statements import Accumulate, Let, Statement, Store, nest
from chainrule._src.core.equations import Equation
from chainrule._src.core.kernel import ArgExtremum, Reduction, Scan
from chainrule._src.ops.axes import axes_of


def reduction(low: Lowering, equation: Equation, kernel: Reduction) -> None:
    """Lower a reduction along axes."""
    operand, output = equation.operands[0], equation.output
    axes = low.axes(shape_of(operand))
    gone = _reduced(equation, len(axes))
    index = places(axes)
    name = operation(kernel.combine)

    def entry(at: Places) -> Expr:
        value = low.entry(operand, tuple([at.get(i, i) for i in index]), output.dtype)
        twice = names_in(kernel.combine)["_1"] > 1 and not isinstance(value, Local)
        return low.before("t", value) if twice else value

    def combine(total: Target, value: Expr) -> Statement:
        if name is not None:
            return Accumulate(total, value, name)
        operands = {"_0": total, "_1": value}
        return _set(total, expression(kernel.combine, operands, output.dtype))

    remaining = [pair for axis, pair in enumerate(axes) if axis not in gone]
    out = _remaining(equation, index, gone)
    start = _start(low, kernel.start, output.dtype)
    gone_axes = [axes[axis] for axis in gone]
    reduced(low, equation, Reduced(remaining, gone_axes, out, entry, start, combine))


def _set(target: Target, value: Expr) -> Statement:
    value = cast(value, target.dtype)
    return Let(target, value) if isinstance(target, Local) else Store(target, value)


def reduced(low: Lowering, equation: Equation, how: Reduced) -> None:
    """Emit a reduction; if threads share its entries, first for each part, then over the parts."""
    output = equation.output
    if all(size == 1 for _, size in how.gone):
        variables = {var: axis for axis, var in enumerate(how.out) if var != ZERO}

        def single(index: Index) -> Expr:
            return how.entry({v: index[i] for v, i in variables.items()})

        low.define(output, equation.operands, single)
        return
    gone = [variable for variable, _ in how.gone]
    large = not how.kept and low.entries_of([size for _, size in how.gone]) >= WORTHWHILE
    if not low.shared or not (large or low.sample in gone):
        _emit(low, low.output(output), how)
        return
    buffer = low.output(output)
    parts = in_parts(low, buffer)
    _emit(low, parts, replace(how, out=(PART, *how.out)))
    taken_together(low, buffer, parts, partial(_combined, how))


def in_parts(low: Lowering, result: Buffer) -> Buffer:
    """Return a buffer for the partial results of each part of the work."""
    parts = low.buffer(
        low.names.fresh(f"{result.name}_parts"), (PARTS, *result.shape), result.dtype
    )
    parts.order = (0, *(axis + 1 for axis in result.order))
    return parts


def taken_together(
    low: Lowering, result: Buffer, parts: Buffer, combine: Callable[[Expr, Expr], Expr]
) -> None:
    """Emit the loops that combine the partial results of all parts of the work."""
    result.order = tuple([axis - 1 for axis in parts.order[1:]])

    def entry(index: Index) -> Expr:
        entries: list[Expr] = [parts.at((Const(part), *index)) for part in range(PARTS)]
        return reduce(combine, entries)

    low.fill(result, entry)


def _combined(how: Reduced, total: Expr, value: Expr) -> Expr:
    local = Local("_", total.dtype)
    taken_in: Any = how.combine(local, value)
    if isinstance(taken_in, Accumulate):
        return Call(taken_in.name, (total, value), total.dtype)
    combined: Expr = replaced(taken_in.value, {local: total})
    return combined


def _emit(low: Lowering, result: Buffer, how: Reduced) -> None:
    """Emit the loops of a reduction, in the axis order of the largest array.

    If the innermost loop runs along a reduced axis, a local variable accumulates the total.
    Otherwise the result's array does, row by row, so that the inner loop is long. If the order of
    sums is fixed, long ones are added in `lanes`.
    """
    before, value = low.with_prelude(lambda: how.entry({}))
    probe = Let(Local("_", value.dtype), value)
    sizes = dict([*how.kept, *how.gone])
    loops = low.in_memory_order([*before, probe], [*how.kept, *how.gone])
    low.lie_along(result, how.out, loops)
    loops = in_turn(loops, how.gone) if low.ordered else loops
    split = lanes_along(low, how)
    if split is not None:
        low.items += in_lanes(low, result, how, loops, split)
        return
    order = [variable for variable, size in loops if size != 1]
    inner = {variable for variable, _ in how.gone}
    target = result.at(how.out)
    outer = [(v, sizes[v]) for v in order if v not in inner]
    if order[-1] in inner and (outer or PART not in how.out):
        total = Local(low.names.fresh(f"{result.name}_total"), result.dtype)
        add = [*before, how.combine(total, value)]
        sums = nest([(v, sizes[v]) for v in order if v in inner], add)
        low.items += nest(outer, [Let(total, how.start), *sums, Store(target, total)])
    else:
        low.items += nest(outer, [Store(target, how.start)])
        low.items += nest([(v, sizes[v]) for v in order], [*before, how.combine(target, value)])


def best(low: Lowering, equation: Equation, kernel: ArgExtremum) -> None:
    """Lower an argmax or argmin: the index of the largest or smallest entry."""
    operand, output = equation.operands[0], equation.output
    axes = low.axes(shape_of(operand))
    gone = _reduced(equation, len(axes))
    index = places(axes)
    buffer = low.output(output)
    dtype = np.dtype(operand.dtype)
    top = Local(low.names.fresh(f"{buffer.name}_top"), dtype)
    position, turn = (Local(low.names.fresh(f"{buffer.name}_{x}")) for x in ("at", "turn"))
    better = Local(low.names.fresh(f"{buffer.name}_better"), BOOL)
    value = Local(low.names.fresh("t"), dtype)
    first = tuple(ZERO if axis in gone else i for axis, i in enumerate(index))
    steps: list[Any] = [
        *low.leaf(lambda: Let(value, low.entry(operand, index, dtype))),
        Let(better, expression(kernel.better, {"_0": top, "_1": value}, dtype)),
        Let(top, Select(better, value, top)),
        Let(position, Select(better, turn, position)),
        Accumulate(turn, Const(1)),
    ]
    start = low.leaf(lambda: Let(top, low.entry(operand, first, dtype)))
    zeros = [Let(position, ZERO), Let(turn, ZERO)]
    loops = nest([axes[axis] for axis in gone], steps)
    result = Store(buffer.at(_remaining(equation, index, gone)), cast(position, buffer.dtype))
    remaining = [pair for axis, pair in enumerate(axes) if axis not in gone]
    low.items += nest(remaining, [*start, *zeros, *loops, result])


def scan(low: Lowering, equation: Equation, kernel: Scan) -> None:
    """Lower a cumulative sum."""
    operand, output = equation.operands[0], equation.output
    axes = low.axes(output.shape)
    index = places(axes)
    axis = equation.params["axis"] % len(axes)
    buffer = low.output(output)
    total = Local(low.names.fresh(f"{buffer.name}_total"), output.dtype)
    add = low.leaf(lambda: Accumulate(total, low.entry(operand, index, output.dtype)))
    along = nest([axes[axis]], [*add, Store(buffer.at(index), total)])
    others = [pair for i, pair in enumerate(axes) if i != axis]
    low.items += nest(others, [Let(total, low.numbers.of(0, output.dtype)), *along])


def _reduced(equation: Equation, rank: int) -> list[int]:
    return sorted(axes_of(equation.params["axis"], rank))


def _remaining(equation: Equation, index: Index, gone: Sequence[int]) -> Index:
    if equation.params.get("keepdims"):
        return tuple(ZERO if axis in gone else i for axis, i in enumerate(index))
    return tuple(i for axis, i in enumerate(index) if axis not in gone)


def _start(low: Lowering, value: Any, dtype: np.dtype[Any]) -> Expr:
    if dtype.kind == "b" and np.isinf(value):
        return Const(value > 0, dtype)
    if dtype.kind in "iu" and np.isinf(value):
        info = np.iinfo(dtype)
        return Const(int(info.max if value > 0 else info.min), dtype)
    return low.numbers.of(value, dtype)
