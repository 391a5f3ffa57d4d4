"""Recurrences are lowered to a loop over time around the loops of a step.

The temporaries of a step are arrays that every iteration reuses. The carry is in arrays that each
iteration overwrites. Iterations depend on one another, so the work can be divided among threads by
samples alone.
"""

from __future__ import annotations

from functools import partial
from typing import Any

from chainrule._src.compile.lower.fusing import fuse
from chainrule._src.compile.lower.lowering import Lowering
from chainrule._src.compile.lower.memory import in_place, renewals
from chainrule._src.compile.lower.nodes import Buffer, Expr, Index, loop_variable, whole
from chainrule._src.compile.lower.operations import shape_of
from chainrule._src.compile.lower.replacing import reads_first
from chainrule._src.compile.lower.statements import Loop
from chainrule._src.core.equations import Equation, Variable
from chainrule._src.core.kernel import Recurrence, ResultItem
from chainrule._src.trace.passes import copied


def recurrence(low: Lowering, equation: Equation, kernel: Recurrence) -> None:
    """Lower a recurrence."""
    params = equation.params
    body, steps = reads_first(copied(params["body"].program)), params["steps"]
    carry, closed, xs = (body.arguments[kind] for kind in ("carry", "closed", "x"))
    low.names.add(body)
    low.uses.enter(body)
    count = len(carry)
    homes = [_carried(low, *pair) for pair in zip(carry, equation.operands, strict=False)]
    for operand in equation.operands[count:]:
        low.ready(operand)  # store it before the loop
    is_fixed = isinstance(steps, int)
    time = loop_variable(low.names.fresh("t"), steps if is_fixed else None)
    step: Expr = whole(steps) - 1 - time if params["reverse"] else time
    outer, low.items = low.items, []
    sharing, low.shared = low.shared, False  # sums over samples are not divided into parts
    for variable, operand in zip([*closed, *xs], equation.operands[count:], strict=True):
        _alias(low, variable, operand, (step,) if _is_in(variable, xs) else ())
    new, ys = body.result
    # The old carry is stacked before the iteration overwrites it.
    stacks = {i: _stacked(low, steps, step, y) for i, y in enumerate(ys) if _is_in(y, carry)}
    for inner in body.equations:
        low.lower(inner)
    changed = [
        (home, leaf) for home, old, leaf in zip(homes, carry, new, strict=True) if leaf is not old
    ]
    renewed = renewals(low, changed)
    stacks |= {i: _stacked(low, steps, step, y) for i, y in enumerate(ys) if i not in stacks}
    items = in_place(low, fuse(low.items), renewed)
    low.items, low.shared = outer, sharing
    low.items.append(Loop(time, whole(steps), items))
    low.several[equation.output] = [*homes, *(stacks[i] for i in range(len(ys)))]


def result(low: Lowering, equation: Equation, kernel: ResultItem) -> None:
    """Set the buffer of one of several results."""
    (several,) = equation.operands
    low.stored[equation.output] = low.several[several][equation.params["number"]]


def _carried(low: Lowering, variable: Variable, first: Any) -> Buffer:
    """Create the array of a carry, and emit the loops that write its initial value."""
    buffer = low.input(variable, "temporary", None)
    low.fill(buffer, partial(low.entry, first, dtype=buffer.dtype))
    return buffer


def _alias(low: Lowering, variable: Variable, operand: Any, step: Index) -> None:
    """Make a variable of a step an alias of an operand, or of the operand's entry at the step."""

    def entry(index: Index) -> Expr:
        return low.entry(operand, (*step, *index), variable.dtype)

    def view(index: Index) -> tuple[Any, Index]:
        return operand, (*step, *index)

    low.entries[variable], low.views[variable] = entry, view


def _stacked(low: Lowering, steps: Any, step: Expr, leaf: Any) -> Buffer:
    """Emit the loops that stack the results of the steps; the first axis is time."""
    shape = shape_of(leaf)
    name = low.names[leaf] if isinstance(leaf, Variable) else "y"
    buffer = low.buffer(low.names.fresh(f"{name}_steps"), (steps, *shape), leaf.dtype)
    order = low.layout(shape)
    if isinstance(leaf, Variable) and leaf in low.stored:
        order = low.stored[leaf].order
    buffer.order = (0, *(axis + 1 for axis in order))
    low.fill(buffer, partial(low.entry, leaf, dtype=buffer.dtype), (step,))
    return buffer


def _is_in(leaf: Any, variables: Any) -> bool:
    return any(leaf is v for v in variables)
