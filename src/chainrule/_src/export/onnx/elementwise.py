"""Operations element by element."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from chainrule._src.core.equations import Equation
from chainrule._src.export.onnx.graph import (
    BOOL,
    FLOAT32,
    INT64,
    Graph,
    Rule,
    common_dtype,
    formula,
)


def _same(op: str) -> Rule:
    """Return the rule of one ONNX operation, whose operands are cast to the result's dtype."""
    return lambda g, e: g.node(op, *(g.value(operand, e.output.dtype) for operand in e.operands))


def _of_float(op: str) -> Rule:
    """Return the rule of a predicate of floats; integers are cast to float32."""

    def rule(g: Graph, e: Equation) -> str:
        x = g.value(e.operands[0])
        return g.node(op, x if g.dtypes[x].kind == "f" else g.cast(x, FLOAT32), dtype=BOOL)

    return rule


def _rounding(op: str) -> Rule:
    """Return the rule of a rounding, which leaves integers unchanged."""
    return lambda g, e: (
        g.node(op, g.value(e.operands[0])) if e.output.dtype.kind == "f" else g.value(e.operands[0])
    )


def _comparison(op: str) -> Rule:
    def rule(g: Graph, e: Equation) -> str:
        dtype = common_dtype(e.operands)
        return g.node(op, *(g.value(operand, dtype) for operand in e.operands), dtype=BOOL)

    return rule


def _logical(op: str) -> Rule:
    return lambda g, e: g.node(op, *(g.value(operand, BOOL) for operand in e.operands))


def _bits(op: str) -> Rule:
    """Return the rule of a bitwise operation: logical for booleans, bitwise for integers."""
    return lambda g, e: _same(op if e.output.dtype == BOOL else f"Bitwise{op}")(g, e)


def _single(op: str, f: Any) -> Rule:
    """Return the rule of an operation that ONNX Runtime has only in float32; else a formula."""
    return lambda g, e: (_same(op) if e.output.dtype == FLOAT32 else formula(f))(g, e)


def _log1p(x: Any) -> Any:
    # Accurate for small x too: the quotient corrects the rounding error of 1 + x.
    above = 1 + x
    quotient = x / np.where(above == 1, 1, above - 1)
    return np.where(above == 1, x, np.where(above == math.inf, above, np.log(above) * quotient))


def _sinh(x: Any) -> Any:
    grown = np.expm1(np.abs(x))
    return np.sign(x) * grown * (1 + 1 / (grown + 1)) / 2


def _logaddexp(a: Any, b: Any) -> Any:
    # Of two equal infinities the difference would be NaN.
    return np.where(a == b, a + math.log(2), np.maximum(a, b) + np.log1p(np.exp(-np.abs(a - b))))


def _arctan2(a: Any, b: Any) -> Any:
    turned = np.where(b < 0, np.where(a < 0, -math.pi, math.pi), 0)
    return np.where((a == 0) & (b == 0), 0, np.arctan(a / b)) + turned


def _over_nan(better: Any) -> Rule:
    return formula(lambda a, b: np.where(np.isnan(a), b, np.where(np.isnan(b), a, better(a, b))))


def _remainder(g: Graph, e: Equation) -> str:
    dtype = e.output.dtype
    a, b = (g.value(operand, dtype) for operand in e.operands)
    if dtype.kind != "f":
        return g.node("Mod", a, b)
    remainder, zero = g.node("Mod", a, b, fmod=1), g.constant(0, dtype)
    differs = g.node("Xor", *(g.node("Less", x, zero, dtype=BOOL) for x in (remainder, b)))
    is_zero = g.node("Equal", remainder, zero, dtype=BOOL)
    wrong = g.node("And", differs, g.node("Not", is_zero))  # the sign is the divisor's in NumPy
    return g.node("Where", wrong, g.node("Add", remainder, b), remainder, dtype=dtype)


def _floor_divide(g: Graph, e: Equation) -> str:
    dtype = e.output.dtype
    a, b = (g.value(operand, dtype) for operand in e.operands)
    quotient = g.node("Div", g.node("Sub", a, _remainder(g, e)), b)
    return g.node("Round", quotient) if dtype.kind == "f" else quotient


def _where(g: Graph, e: Equation) -> str:
    dtype = e.output.dtype
    if dtype == BOOL:
        return g.formula(lambda c, a, b: (c & a) | (np.logical_not(c) & b), *e.operands)
    condition, *choices = e.operands
    works = dtype if dtype.kind == "f" else INT64
    a, b = (g.value(choice, works) for choice in choices)
    return g.node("Where", g.value(condition, BOOL), a, b, dtype=works)


OPERATIONS: dict[Callable[[str], Rule], dict[str, str]] = {
    _same: {
        "exp": "Exp", "log": "Log", "sqrt": "Sqrt", "abs": "Abs", "fabs": "Abs", "sin": "Sin",
        "reciprocal": "Reciprocal", "cos": "Cos", "tanh": "Tanh", "arcsin": "Asin",
        "arccos": "Acos", "arctan": "Atan", "arcsinh": "Asinh", "arccosh": "Acosh",
        "arctanh": "Atanh", "sign": "Sign", "negative": "Neg", "erf": "Erf",
        "add": "Add", "subtract": "Sub", "multiply": "Mul", "divide": "Div", "power": "Pow",
        "float_power": "Pow", "maximum": "Max", "minimum": "Min", "clip_low": "Max",
        "clip_high": "Min",
    },
    _rounding: {"floor": "Floor", "ceil": "Ceil", "rint": "Round"},
    _comparison: {
        "greater": "Greater", "greater_equal": "GreaterOrEqual", "less": "Less",
        "less_equal": "LessOrEqual", "equal": "Equal",
    },
    _logical: {
        "logical_and": "And", "logical_or": "Or", "logical_xor": "Xor", "logical_not": "Not",
    },
    _bits: {"bitwise_and": "And", "bitwise_or": "Or", "bitwise_xor": "Xor", "invert": "Not"},
    _of_float: {"isnan": "IsNaN", "isinf": "IsInf"},
}  # fmt: skip
"""For each form of rule, the operation of ONNX by the name of a primitive."""

ELEMENTWISE: dict[str, Rule] = {
    **{name: rule(op) for rule, named in OPERATIONS.items() for name, op in named.items()},
    "expm1": formula(lambda x: np.tanh(x / 2) * (np.exp(x) + 1)),
    "exp2": formula(lambda x: 2.0**x),
    "log1p": formula(_log1p),
    "log2": formula(lambda x: np.log(x) / math.log(2)),
    "log10": formula(lambda x: np.log(x) / math.log(10)),
    "cbrt": formula(lambda x: np.sign(x) * np.abs(x) ** (1 / 3)),
    "square": formula(lambda x: x * x),
    "positive": lambda g, e: g.value(e.operands[0]),
    "stop_gradient": lambda g, e: g.value(e.operands[0]),
    "astype": lambda g, e: g.value(e.operands[0]),
    "tan": _single("Tan", lambda x: np.sin(x) / np.cos(x)),
    "sinh": _single("Sinh", _sinh),
    "cosh": _single("Cosh", lambda x: (np.exp(x) + np.exp(-x)) / 2),
    "trunc": formula(lambda x: np.where(x < 0, np.ceil(x), np.floor(x))),
    "isfinite": formula(lambda x: np.logical_not(np.isnan(x) | np.isinf(x))),
    "hypot": formula(lambda a, b: np.sqrt(a * a + b * b)),
    "arctan2": formula(_arctan2),
    "logaddexp": formula(_logaddexp),
    "fmax": _over_nan(np.maximum),
    "fmin": _over_nan(np.minimum),
    "not_equal": formula(lambda a, b: np.logical_not(a == b)),
    "remainder": _remainder,
    "floor_divide": _floor_divide,
    "where": _where,
}
