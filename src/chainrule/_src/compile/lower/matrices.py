"""Operations on whole rows and matrices are lowered to calls of routines: sort, solve, factors."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np

from chainrule._src.base.errors import CompileError
from chainrule._src.compile.lower.lowering import Axes, Lowering, places
from chainrule._src.compile.lower.nodes import (
    ANYWHERE,
    BOOL,
    WHOLE,
    Buffer,
    Call,
    Const,
    Expr,
    Index,
    Load,
    Select,
    loop_variable,
    whole,
)
from chainrule._src.compile.lower.numbers import FIXED
from chainrule._src.compile.lower.operations import shape_of
from chainrule._src.compile.lower.statements import Loop, Routine, nest
from chainrule._src.core.equations import Equation, Variable
from chainrule._src.core.kernel import CholeskyFactor, Solution, SortedOrder
from chainrule._src.ops.moves import aligned


def order(low: Lowering, equation: Equation, kernel: SortedOrder) -> None:
    """Lower an argsort along an axis."""
    (operand,), output = equation.operands, equation.output
    axis = equation.params["axis"] % len(output.shape)
    source = _held(low, operand)
    target = low.output(output)
    work = low.buffer(low.names.fresh("work"), (output.shape[axis],), WHOLE)
    axes = low.axes(output.shape)
    index = places(axes)
    row = (*index[:axis], ANYWHERE, *index[axis + 1 :])
    call = Call(
        "sort_places",
        (
            *_line(source, row), *_line(target, row), work, whole(output.shape[axis]),
        ),
        source.dtype,
    )  # fmt: skip
    routine = Routine(call, (source.at(row),), (target.at(row), work.at((ANYWHERE,))))
    _call(low, [pair for i, pair in enumerate(axes) if i != axis], routine)


def cholesky(low: Lowering, equation: Equation, kernel: CholeskyFactor) -> None:
    """Lower the Cholesky factor of each matrix."""
    (operand,), output = equation.operands, equation.output
    work = _by_rows(low.buffer(low.names.fresh("work"), output.shape, output.dtype))
    low.fill(work, lambda index: low.entry(operand, _turned(index), output.dtype))
    matrix = (*places(low.axes(output.shape))[:-2], ANYWHERE, ANYWHERE)
    arguments = (*_line(work, matrix)[:2], whole(output.shape[-1]))
    call = _checked(low, "factor", arguments, output.dtype, "the matrix is not positive definite")
    entry = (work.at(matrix),)
    _call(low, low.axes(output.shape)[:-2], Routine(call, entry, entry))
    zero = low.numbers.of(0, output.dtype)

    def lower(index: Index) -> Expr:
        return Select(Call("ge", index[-2:], BOOL), work.at(_turned(index)), zero)

    low.fill(low.output(output), lower)


def _turned(index: Index) -> Index:
    """Return the index of an entry in the transposed matrix."""
    return (*index[:-2], index[-1], index[-2])


def solution(low: Lowering, equation: Equation, kernel: Solution) -> None:
    """Lower the solutions of linear equations; without a right-hand side, the inverse."""
    a, output = equation.operands[0], equation.output
    is_vector = len(equation.operands) > 1 and len(shape_of(equation.operands[1])) == 1
    target = _by_rows(low.output(output))
    low.fill(target, partial(_right_side, low, equation))
    size = output.shape[-1 if is_vector else -2]
    free = output.shape[:-1] if is_vector else output.shape[:-2]
    work = low.buffer(low.names.fresh("work"), (*free, size, size), output.dtype)
    low.fill(_by_rows(work), lambda index: low.entry(a, aligned(index, shape_of(a)), output.dtype))
    axes = low.axes(free)
    matrix = (*places(axes), ANYWHERE, ANYWHERE)
    sides = matrix[:-1] if is_vector else matrix
    columns = whole(1 if is_vector else output.shape[-1])
    arguments = (*_line(work, matrix)[:2], *_line(target, sides)[:2], whole(size), columns)
    call = _checked(low, "eliminate", arguments, output.dtype, "the matrix is singular")
    entries = (work.at(matrix), target.at(sides))
    _call(low, axes, Routine(call, entries, entries))


def _call(low: Lowering, axes: Axes, routine: Routine) -> None:
    """Emit loops around a routine; one at least, because LLVM optimizes loop nests alone."""
    items = nest(axes, [routine])
    if items == [routine]:
        items = [Loop(loop_variable(low.names.fresh("once"), 1), whole(1), items)]
    low.items += items


def _by_rows(buffer: Buffer) -> Buffer:
    """Return a new buffer, whose matrices lie in memory row by row."""
    buffer.order = tuple(range(len(buffer.shape)))
    return buffer


def _right_side(low: Lowering, equation: Equation, index: Index) -> Expr:
    dtype = equation.output.dtype
    if len(equation.operands) > 1:
        b = equation.operands[1]
        return low.entry(b, aligned(index, shape_of(b)), dtype)
    is_diagonal = Call("eq", (index[-2], index[-1]), BOOL)
    return Select(is_diagonal, low.numbers.of(1, dtype), low.numbers.of(0, dtype))


def _checked(
    low: Lowering, name: str, arguments: Sequence[Any], dtype: np.dtype[Any], message: str
) -> Call:
    """Return the call of a routine, which notes a matrix that has no result."""
    low.checks.append(message)
    return Call(name, (*arguments, FIXED["fault"], Const(len(low.checks))), dtype)


def _held(low: Lowering, operand: Any) -> Buffer:
    """Return the buffer with the entries of an operand."""
    if isinstance(operand, Variable):
        return low.hold(operand)
    index = places(low.axes(shape_of(operand)))
    entry = low.constant(operand, index, None)
    if not isinstance(entry, Load):
        raise CompileError("a row of equal numbers is sorted in NumPy alone")
    return entry.buffer


def _line(buffer: Buffer, row: Index) -> tuple[Any, ...]:
    """Return a buffer, the position of a row's or matrix' first entry, and the step to the next."""
    steps = _steps(buffer)
    step = [steps[i] for i, part in enumerate(row) if part is ANYWHERE][-1]
    return buffer, _begin(steps, row), step


def _begin(steps: Sequence[Expr], index: Index) -> Expr:
    axes = (i for i, part in enumerate(index) if part is not ANYWHERE)
    return sum((index[i] * steps[i] for i in axes), whole(0))


def _steps(buffer: Buffer) -> list[Expr]:
    """Return the distance in memory between neighbours along each axis."""
    steps: dict[int, Expr] = {}
    step = whole(1)
    for axis in reversed(buffer.order):
        steps[axis] = step
        step = step * whole(buffer.shape[axis])
    return [steps[axis] for axis in range(len(buffer.shape))]
