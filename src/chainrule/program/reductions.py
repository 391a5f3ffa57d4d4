"""Reductions: sums, maxima, their places, running sums."""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from chainrule.ops.kernel import Best, Reduction, Scan
from chainrule.program.equations import Equation, Variable
from chainrule.program.loops import PART, PARTS, Buffer, Statement, nest
from chainrule.program.lowering import (
    Axes,
    Lowering,
    assign,
    loaded,
    parsed,
    places,
    shape_of,
    stored,
)
from chainrule.program.scalars import typed

Places = Mapping[str, str]  # where loop variables are to be other indices


@dataclass(frozen=True)
class Reduced:
    """What is taken together, and how.

    Attributes
    ----------
    kept, gone : Axes
        The loops over the axes that stay and over those that are taken together.
    out : sequence of str
        The index of the result's entry.
    entry : callable
        Returns the expression of what is taken in.
    start : expression
        What a total is at first.
    combine : callable
        Returns the statement that takes a value into a total.
    """

    kept: Axes
    gone: Axes
    out: Sequence[str]
    entry: Callable[[Places], ast.expr]
    start: ast.expr
    combine: Callable[[ast.expr, ast.expr], ast.stmt]


def reduction(low: Lowering, equation: Equation, kernel: Reduction) -> None:
    """Lower an operation that takes entries along axes together."""
    operand, output = equation.operands[0], equation.output
    axes = low.axes(shape_of(operand))
    gone = _reduced(equation, len(axes))
    index = places(axes)
    tree = parsed(kernel.combine)

    def entry(at: Places) -> ast.expr:
        value = low.entry(operand, [at.get(i, i) for i in index], output.dtype)
        twice = kernel.combine.count("_1") > 1 and not isinstance(value, ast.Name)
        return low.before("t", value) if twice else value

    def combine(total: ast.expr, value: ast.expr) -> ast.stmt:
        if isinstance(tree, ast.BinOp):
            return ast.AugAssign(stored(total), tree.op, value)
        operands = {"_0": total, "_1": value}
        return assign(total, typed(parsed(kernel.combine), operands, output.dtype)).node

    kept = [pair for axis, pair in enumerate(axes) if axis not in gone]
    out = _remaining(equation, index, gone)
    start = _start(low, kernel.start, output.dtype)
    reduce(low, output, Reduced(kept, [axes[axis] for axis in gone], out, entry, start, combine))


def reduce(low: Lowering, output: Variable, how: Reduced) -> None:
    """Emit a reduction; over samples that threads share, first each part's, then all parts'."""
    if all(extent == "1" for _, extent in how.gone):
        variables = {var: axis for axis, var in enumerate(how.out) if var != "0"}
        low.define(output, lambda place: how.entry({v: place[i] for v, i in variables.items()}))
        return
    if not low.shared or low.sample not in (variable for variable, _ in how.gone):
        _emit(low, low.output(output), how)
        return
    name = low.names.fresh(f"{low.names[output]}_parts")
    parts = low.buffer(name, (PARTS, *output.shape), output.dtype)
    parts.order = (0, *(axis + 1 for axis in low.layout(output.shape)))
    _emit(low, parts, replace(how, out=[PART, *how.out]))
    made = low.output(output)
    axes = low.axes([PARTS, *output.shape])
    index = places(axes)
    low.fill(made, lambda _: how.start)
    add = Statement(how.combine(made.at(index[1:]), parts.at(index)))
    low.items += nest([axes[0], *(axes[axis + 1] for axis in made.order)], [add])


def _emit(low: Lowering, made: Buffer, how: Reduced) -> None:
    """Emit the loops of a reduction, in the order in which the largest array lies in memory.

    Where the innermost loop runs along a reduced axis, a local variable takes the total; else
    the result's array takes it, row after row, so that the inner loop stays long.
    """
    values: list[ast.expr] = []

    def make() -> ast.stmt:
        values.append(how.entry({}))
        return ast.Expr(values[0])

    *before, statement = low.leaf(make)
    extents = dict([*how.kept, *how.gone])
    loops = low.in_memory_order([*before, statement], [*how.kept, *how.gone])
    low.lie_along(made, how.out, loops)
    order = [variable for variable, extent in loops if extent != "1"]
    inner = {variable for variable, _ in how.gone}
    target = made.at(how.out)
    outer = [(v, extents[v]) for v in order if v not in inner]
    if order[-1] in inner and (outer or PART not in how.out):
        total = loaded(low.names.fresh(f"{made.name}_total"))
        add = [*before, Statement(how.combine(total, values[0]))]
        sums = nest([(v, extents[v]) for v in order if v in inner], add)
        low.items += nest(outer, [assign(total, how.start), *sums, assign(target, total)])
    else:
        low.items += nest(outer, [assign(target, how.start)])
        add = [*before, Statement(how.combine(target, values[0]))]
        low.items += nest([(v, extents[v]) for v in order], add)


def best(low: Lowering, equation: Equation, kernel: Best) -> None:
    """Lower an operation that finds the place of the largest or smallest entry."""
    operand, output = equation.operands[0], equation.output
    axes = low.axes(shape_of(operand))
    gone = _reduced(equation, len(axes))
    index = places(axes)
    made = low.output(output)
    top, place, turn = (loaded(low.names.fresh(f"{made.name}_{x}")) for x in ("top", "at", "turn"))
    first = ["0" if axis in gone else i for axis, i in enumerate(index)]
    value = loaded(low.names.fresh("t"))
    fetch = low.leaf(lambda: assign(value, low.entry(operand, index, operand.dtype)).node)
    better = typed(parsed(kernel.better), {"_0": top, "_1": value}, np.dtype(operand.dtype))
    choose = Statement(ast.If(better, [assign(top, value).node, assign(place, turn).node], []))
    step = Statement(ast.AugAssign(stored(turn), ast.Add(), ast.Constant(1)))
    start = low.leaf(lambda: assign(top, low.entry(operand, first, operand.dtype)).node)
    zeros = [assign(place, ast.Constant(0)), assign(turn, ast.Constant(0))]
    loops = nest([axes[axis] for axis in gone], [*fetch, choose, step])
    result = assign(made.at(_remaining(equation, index, gone)), place)
    kept = [pair for axis, pair in enumerate(axes) if axis not in gone]
    low.items += nest(kept, [*start, *zeros, *loops, result])


def scan(low: Lowering, equation: Equation, kernel: Scan) -> None:
    """Lower a running sum."""
    operand, output = equation.operands[0], equation.output
    axes = low.axes(output.shape)
    index = places(axes)
    axis = equation.params["axis"] % len(axes)
    made = low.output(output)
    total = loaded(low.names.fresh(f"{made.name}_total"))

    def add() -> ast.stmt:
        return ast.AugAssign(stored(total), ast.Add(), low.entry(operand, index, output.dtype))

    along = nest([axes[axis]], [*low.leaf(add), assign(made.at(index), total)])
    others = [pair for i, pair in enumerate(axes) if i != axis]
    low.items += nest(others, [assign(total, low.number(0, output.dtype)), *along])


def _reduced(equation: Equation, rank: int) -> list[int]:
    axis = equation.params["axis"]
    if axis is None:
        return list(range(rank))
    return sorted(a % rank for a in (axis if isinstance(axis, tuple | list) else (axis,)))


def _remaining(equation: Equation, index: Sequence[str], gone: Sequence[int]) -> list[str]:
    if equation.params.get("keepdims"):
        return ["0" if axis in gone else i for axis, i in enumerate(index)]
    return [i for axis, i in enumerate(index) if axis not in gone]


def _start(low: Lowering, value: Any, dtype: np.dtype[Any]) -> ast.expr:
    if dtype.kind in "iu" and np.isinf(value):
        info = np.iinfo(dtype)
        return ast.Constant(int(info.max if value > 0 else info.min))
    return low.number(value, dtype)
