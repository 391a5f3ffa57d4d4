"""Unrolling: recurrences written out step by step, for formats without loops."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from chainrule._src.base.errors import TraceError
from chainrule._src.core.equations import Equation, Filled, Variable
from chainrule._src.core.program import Program
from chainrule._src.core.trees import map_leaves
from chainrule._src.ops.index import GETITEM
from chainrule._src.ops.joining import STACK
from chainrule._src.trace.batch import Linear
from chainrule._src.trace.passes import copied
from chainrule._src.trace.recurrence.primitives import ITEM, SCAN


def unrolled(program: Program) -> Program:
    """Return the program with its recurrences written out.

    Raises
    ------
    TraceError
        If the number of steps is the batch size.
    """
    same: dict[Variable, Any] = {}

    def value_of(operand: Any) -> Any:
        return same.get(operand, operand) if isinstance(operand, Variable) else operand

    equations = list(_written_out(program.equations, value_of, same))
    result = map_leaves(value_of, program.result)
    return replace(program, equations=equations, result=result)


def _written_out(
    equations: Sequence[Equation], value_of: Callable[[Any], Any], same: dict[Variable, Any]
) -> Iterator[Equation]:
    several: dict[Variable, list[Any]] = {}
    for e in equations:
        operands = tuple(map(value_of, e.operands))
        if e.primitive is SCAN:
            several[e.output] = yield from _turns(e, operands)
        elif e.primitive is ITEM:
            same[e.output] = several[e.operands[0]][e.params["number"]]
        else:
            yield Equation(e.output, e.primitive, operands, e.params)


def _turns(e: Equation, operands: Sequence[Any]) -> Any:
    """Yield the equations of all steps, and return the results."""
    steps, body = e.params["steps"], e.params["body"]
    if isinstance(steps, Linear):
        raise TraceError("the number of steps of a recurrence is the batch size")
    count, first = len(body.carry), len(body.carry) + len(body.closed)
    carry, ys = list(operands[:count]), [[None] * steps for _ in body.results[count:]]
    for step in reversed(range(steps)) if e.params["reverse"] else range(steps):
        turn = copied(body.program)
        same = dict(zip(turn.inputs, [*carry, *operands[count:]], strict=True))
        for v, stack in zip(turn.arguments["x"], operands[first:], strict=True):
            yield Equation(v, GETITEM, (stack,), {"index": (step,)})
            del same[v]
        equations, result = turn.equations, turn.result

        def value_of(operand: Any, same: dict[Any, Any] = same) -> Any:
            return same.get(operand, operand) if isinstance(operand, Variable) else operand

        yield from _written_out(equations, value_of, same)
        carry = [value_of(leaf) for leaf in result[0]]
        for stack, leaf in zip(ys, result[1], strict=True):
            stack[step] = value_of(leaf)
    results: list[Any] = list(carry)
    for parts, leaf in zip(ys, body.results[count:], strict=True):
        shape = (steps, *np.shape(leaf))
        if not parts:
            results.append(Filled(leaf.dtype.type(0), shape, leaf.dtype))
            continue
        name = getattr(leaf, "name", None)
        stacked = Variable(name and f"{name}s", shape, leaf.dtype, np.zeros((), leaf.dtype))
        yield Equation(stacked, STACK, tuple(parts), {"axis": 0})
        results.append(stacked)
    return results
