"""Simplification: common subexpressions are computed once, unused values are not computed."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import Any

import numpy as np

from chainrule._src.base.registry import provides
from chainrule._src.core.equations import Equation, Filled, Variable
from chainrule._src.core.primitive import NUMPY
from chainrule._src.core.program import Program
from chainrule._src.core.trees import map_leaves
from chainrule._src.core.weak import is_weak
from chainrule._src.ops.filling import filled
from chainrule._src.ops.reduce import MAX, MEAN, MIN, PROD, SUM
from chainrule._src.ops.shape import BROADCAST_TO, RESHAPE
from chainrule._src.trace.keys import key_of

# Operations that return an operand unchanged if the other one, at one of these places, is 1.
_BY_ONE = {NUMPY[np.multiply]: (0, 1), NUMPY[np.true_divide]: (1,)}
_REDUCTIONS = {SUM, MEAN, MAX, MIN, PROD}
_COPIES = {*_REDUCTIONS, BROADCAST_TO, RESHAPE}  # copies, if the shape does not change


@provides("simplification of programs")
def simplify(
    equations: list[Equation], results: list[Variable]
) -> tuple[list[Equation], dict[Variable, Variable]]:
    """Simplify the equations of a recording; this pass is applied to every program."""
    for prune in {e.primitive.prune for e in equations if e.primitive.prune}:
        equations = prune(equations, results)
    return without_repeats(filled(equations, results))


def simplified(program: Program) -> Program:
    """Return the program with common subexpressions computed once."""
    equations, same = without_repeats(program.equations)

    def replacement(leaf: Any) -> Any:
        return same.get(leaf, leaf) if isinstance(leaf, Variable) else leaf

    result = map_leaves(replacement, program.result)
    return Program(program.arguments, equations, result, program.batch, program.general)


def without_repeats(
    equations: Sequence[Equation],
) -> tuple[list[Equation], dict[Variable, Variable]]:
    """Eliminate common subexpressions; return the equations and replacements of variables."""
    unique: list[Equation] = []
    same: dict[Variable, Variable] = {}
    by_key: dict[Hashable, Variable] = {}
    for equation in equations:
        operands = [same.get(o, o) if type(o) is Variable else o for o in equation.operands]
        if any(type(o) is Filled for o in operands):
            operands = [_as_number(equation, i, operands) for i in range(len(operands))]
        params = _few_axes(equation)
        parts = tuple([o if type(o) is Variable else key_of(o) for o in operands])
        key = (equation.primitive, parts, key_of(params) if params else ())
        replacement = by_key.get(key) or _unchanged(equation, operands)
        if replacement is not None:
            same[equation.output] = replacement
            replacement.name = replacement.name or equation.output.name
            continue
        by_key[key] = equation.output
        unique.append(Equation(equation.output, equation.primitive, tuple(operands), params))
    return unique, same


def _few_axes(equation: Equation) -> dict[str, Any]:
    """Return the parameters; a reduction with ``keepdims`` loses its axes of size 1."""
    params = equation.params
    if equation.primitive not in _REDUCTIONS or not params.get("keepdims"):
        return params
    axes = params.get("axis")
    if axes is None:
        return params
    shape = np.shape(equation.operands[0])
    if not shape:  # NumPy accepts an axis for a single number
        return params
    axes = axes if isinstance(axes, tuple) else (axes,)
    longer = tuple(axis for axis in axes if shape[axis] != 1)
    return {**params, "axis": longer[0] if len(longer) == 1 else longer or axes}


def _as_number(equation: Equation, i: int, operands: Sequence[Any]) -> Any:
    """Return a filled constant as one number if broadcasting gives the same result."""
    operand, output = operands[i], equation.output
    if i >= equation.primitive.broadcasts or not isinstance(operand, Filled):
        return operand
    variables = [v for v in operands if isinstance(v, Variable) and not is_weak(v)]
    others = [v for v in variables if v.shape == output.shape]
    fits = bool(others) and operand.dtype == others[0].dtype
    return operand.number if fits or "shape" in equation.params else operand


def _unchanged(equation: Equation, operands: Sequence[Any]) -> Variable | None:
    """Return the operand that is equal to the result: times 1, by 1, or a sum of one entry each."""
    output = equation.output
    for i in _BY_ONE.get(equation.primitive, ()):
        one, other = operands[i], operands[1 - i]
        is_one = not isinstance(one, Variable) and np.ndim(one) == 0 and np.all(one == 1)
        if is_one and isinstance(other, Variable) and other.dtype == output.dtype:
            return other
    first: Any = operands[0] if operands else None
    copies = equation.primitive in _COPIES and isinstance(first, Variable)
    if copies and (first.shape, first.dtype) == (output.shape, output.dtype):
        return None if is_weak(first) else first  # the result is not weak
    return None
