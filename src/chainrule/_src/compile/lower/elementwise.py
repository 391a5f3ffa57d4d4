"""Elementwise operations are lowered to expressions of entries."""

from __future__ import annotations

from typing import Any

import numpy as np

from chainrule._src.compile.lower.lowering import Lowering
from chainrule._src.compile.lower.nodes import WHOLE, Const, Expr, Index, Load, Local, cast
from chainrule._src.compile.lower.nodes import Call as Operation
from chainrule._src.compile.lower.numbers import FLOAT64
from chainrule._src.compile.lower.operations import shape_of
from chainrule._src.compile.lower.reading import expression, names_in, operation
from chainrule._src.core.equations import Equation, Variable
from chainrule._src.core.kernel import Elementwise, Numbered
from chainrule._src.core.weak import compared_dtype
from chainrule._src.ops.moves import aligned, flat
from chainrule._src.trace.batch import BatchScaled, Linear


def elementwise(low: Lowering, equation: Equation, kernel: Elementwise) -> None:
    """Lower an operation on entries at the same index."""
    dtype = _working_dtype(equation)
    chooses = equation.primitive.name == "where"  # its condition is not converted

    def entry(index: Index) -> Expr:
        operands = {}
        for i, operand in enumerate(equation.operands):
            operand_index = aligned(index, shape_of(operand))
            operands[f"_{i}"] = low.entry(
                operand, operand_index, None if chooses and i == 0 else dtype
            )
        return filled(low, kernel.scalar, operands, dtype)

    low.define(equation.output, equation.operands, entry)


def numbered(low: Lowering, equation: Equation, kernel: Numbered) -> None:
    """Lower an operation that computes each entry from the entry's flat index."""
    output = equation.output

    def entry(index: Index) -> Expr:
        operands = {f"_{i}": _whole(low, o) for i, o in enumerate(equation.operands)}
        operands["place"] = flat(index, output.shape)
        return expression(kernel.scalar(output.dtype.name), operands)

    low.define(output, equation.operands, entry)


def _whole(low: Lowering, operand: Any) -> Expr:
    """Return a scalar operand as an integer; a constant becomes an argument of the kernel."""
    if isinstance(operand, Variable):
        return low.entry(operand, ())
    return cast(low.numbers.of(operand, FLOAT64), WHOLE)


def filled(low: Lowering, scalar: str, operands: dict[str, Expr], dtype: np.dtype[Any]) -> Expr:
    """Return the expression ``scalar`` with its operands, each of which is computed once."""
    power = operation(scalar) == "pow" and dtype.kind == "f"
    times = _whole_power(operands["_1"]) if power else None
    for name, operand in operands.items():
        again = names_in(scalar).get(name, 0) > 1 or (times is not None and name == "_0")
        if again and not isinstance(operand, Local | Const | Load):
            operands[name] = low.before("t", operand)
    if times is not None:
        return _short_power(operands["_0"], times)
    return expression(scalar, operands, dtype)


def _working_dtype(equation: Equation) -> np.dtype[Any]:
    """Return the dtype in which NumPy computes the operation."""
    if equation.output.dtype.kind != "b":
        return equation.output.dtype
    others = (o for o in equation.operands if not isinstance(o, BatchScaled | Linear))
    return compared_dtype(*others)


def _whole_power(exponent: Expr) -> int | None:
    is_short = isinstance(exponent, Const) and exponent.value in (2, 3, 4, -1)
    return int(exponent.value) if is_short else None  # type: ignore[attr-defined]


def _short_power(base: Expr, times: int) -> Expr:
    if times < 0:
        return Operation("div", (Const(1, base.dtype), base), base.dtype)
    power = base
    for _ in range(times - 1):
        power = Operation("mul", (power, base), base.dtype)
    return power
