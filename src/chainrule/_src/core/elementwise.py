"""Operations that work entry by entry, with broadcasting.

At points without a derivative: ``abs`` has slope 0 at 0, ``maximum`` and its like give half of the
gradient to each of two equal operands, ``clip`` passes the gradient at its bounds. A power x**p
with p = 0 has slope 0 everywhere.

Read next: `trees`, because the arguments of functions are often nested.
"""

from __future__ import annotations

import math
import operator
from typing import Any

import numpy as np

from chainrule._src.core.kernel import Elementwise
from chainrule._src.core.primitive import Family, Primitive, Rule, Traced, unbroadcast
from chainrule._src.core.weak import common_dtype, text_by_shape

ELEMENTWISE = Family()
# NaN wins in maximum and minimum, as in NumPy; fmax and fmin ignore it.
_BUILT_IN = {"abs": "abs(_0)", "invert": "~_0"}
SCALARS = {
    "maximum": "_1 if _0 < _1 or _1 != _1 else _0",
    "minimum": "_1 if _0 > _1 or _1 != _1 else _0",
    "fmax": "_1 if _0 < _1 or _0 != _0 else _0",
    "fmin": "_1 if _0 > _1 or _0 != _0 else _0",
    "where": "_1 if _0 else _2",
    "square": "_0 * _0",
    "reciprocal": "1 / _0",
}


def _unary(ufunc: np.ufunc, rule: Rule | None) -> None:
    name = {"absolute": "abs"}.get(ufunc.__name__, ufunc.__name__)
    text = f"np.{name}(_0)"
    written = text_by_shape(text, _BUILT_IN[name]) if name in _BUILT_IN else text
    kernel = Elementwise(SCALARS.get(name, text))
    ELEMENTWISE.add(name, ufunc, rule and (rule,), written, of=ufunc, kernel=kernel)


for _ufunc, _rule in {
    np.exp: lambda g, y, x: g * y,
    np.expm1: lambda g, y, x: g * (y + 1),
    np.exp2: lambda g, y, x: g * y * math.log(2),
    np.log: lambda g, y, x: g / x,
    np.log1p: lambda g, y, x: g / (1 + x),
    np.log2: lambda g, y, x: g / (x * math.log(2)),
    np.log10: lambda g, y, x: g / (x * math.log(10)),
    np.sqrt: lambda g, y, x: g / (2 * y),
    np.cbrt: lambda g, y, x: g / (3 * y**2),
    np.square: lambda g, y, x: 2 * g * x,
    np.abs: lambda g, y, x: g * np.sign(x),
    np.fabs: lambda g, y, x: g * np.sign(x),
    np.reciprocal: lambda g, y, x: -g * y**2,
    np.sin: lambda g, y, x: g * np.cos(x),
    np.cos: lambda g, y, x: -g * np.sin(x),
    np.tan: lambda g, y, x: g * (1 + y**2),
    np.arcsin: lambda g, y, x: g / np.sqrt(1 - x**2),
    np.arccos: lambda g, y, x: -g / np.sqrt(1 - x**2),
    np.arctan: lambda g, y, x: g / (1 + x**2),
    np.sinh: lambda g, y, x: g * np.cosh(x),
    np.cosh: lambda g, y, x: g * np.sinh(x),
    np.tanh: lambda g, y, x: g * (1 - y**2),
    np.arcsinh: lambda g, y, x: g / np.sqrt(x**2 + 1),
    np.arccosh: lambda g, y, x: g / np.sqrt(x**2 - 1),
    np.arctanh: lambda g, y, x: g / (1 - x**2),
    np.sign: None, np.floor: None, np.ceil: None, np.rint: None, np.trunc: None,
    np.isnan: None, np.isfinite: None, np.isinf: None, np.logical_not: None, np.invert: None,
}.items():  # fmt: skip
    _unary(_ufunc, _rule)

ELEMENTWISE.add(
    "negative", np.negative, (lambda g, y, x: -g,), "-_0", of=np.negative,
    kernel=Elementwise("-_0"),
)  # fmt: skip
ELEMENTWISE.add(
    "positive", np.positive, (lambda g, y, x: g,), "+_0", of=np.positive,
    kernel=Elementwise("_0"),
)  # fmt: skip


def _binary(
    ufunc: np.ufunc, text: str, left: Rule | None = None, right: Rule | None = None,
    value: Any = None,
) -> None:  # fmt: skip
    rules = (
        left and (lambda g, y, a, b: unbroadcast(left(g, y, a, b), a)),
        right and (lambda g, y, a, b: unbroadcast(right(g, y, a, b), b)),
    )
    name = ufunc.__name__
    kernel = Elementwise(SCALARS.get(name, text))
    ELEMENTWISE.add(
        name,
        value or ufunc,
        rules if left or right else None,
        text,
        of=ufunc,
        broadcasts=ufunc.nin,
        kernel=kernel,
    )


def _half(g: Any, y: Any, winner: Any, other: Any) -> Any:
    """Gradient of a maximum or minimum: all to the winner, half to each of two equal operands."""
    return g * (y == winner) - g / 2 * (winner == other)


def _power_base(g: Any, y: Any, x: Any, p: Any) -> Any:
    if not isinstance(p, Traced):
        if np.ndim(p) == 0 and p in (0, 2):
            return 2 * g * x if p == 2 else g * 0
        if np.all(p != 0):
            return g * p * x ** (p - 1)
    # The slope at 0**0 is defined as 0; elsewhere the rule must stay differentiable in p as well.
    return g * p * x ** np.where((p == 0) & (x == 0), 1, p - 1)


def _power_exponent(g: Any, y: Any, x: Any, p: Any) -> Any:
    # If the base is not positive the slope is defined as 0, the limit of x**p log x at 0.
    if isinstance(x, int | float):
        return g * y * (math.log(x) if x > 0 else 0)
    return g * y * np.log(of_dtype(np.where(x > 0, x, 1.0), y.dtype))  # x may have less precision


ELEMENTWISE.add(
    "add",
    np.add,
    (lambda g, y, a, b: unbroadcast(g, a), lambda g, y, a, b: unbroadcast(g, b)),
    "_0 + _1",
    of=np.add,
    broadcasts=2,
    kernel=Elementwise("_0 + _1"),
)
_binary(np.subtract, "_0 - _1", lambda g, y, a, b: g, lambda g, y, a, b: -g)
_binary(np.multiply, "_0 * _1", lambda g, y, a, b: g * b, lambda g, y, a, b: g * a)
_binary(np.divide, "_0 / _1", lambda g, y, a, b: g / b, lambda g, y, a, b: -g * y / b)
# Power is the operator, as in the text: it squares booleans to int8, np.power to int64.
_binary(np.power, "_0 ** _1", _power_base, _power_exponent, value=operator.pow)
_binary(np.float_power, "np.float_power(_0, _1)", _power_base, _power_exponent)
_binary(
    np.arctan2, "np.arctan2(_0, _1)",
    # np.hypot, because squares of whole numbers would overflow their dtype.
    lambda g, y, a, b: g * b / np.hypot(a, b) ** 2, lambda g, y, a, b: -g * a / np.hypot(a, b) ** 2,
)  # fmt: skip
_binary(np.hypot, "np.hypot(_0, _1)", lambda g, y, a, b: g * a / y, lambda g, y, a, b: g * b / y)
_binary(
    np.logaddexp, "np.logaddexp(_0, _1)",
    lambda g, y, a, b: g * np.exp(a - y), lambda g, y, a, b: g * np.exp(b - y),
)  # fmt: skip
for _binary_ufunc in (np.maximum, np.minimum, np.fmax, np.fmin):
    _binary(
        _binary_ufunc, f"np.{_binary_ufunc.__name__}(_0, _1)",
        lambda g, y, a, b: _half(g, y, a, b), lambda g, y, a, b: _half(g, y, b, a),
    )  # fmt: skip
for _comparison, _sign in {
    np.greater: ">", np.greater_equal: ">=", np.less: "<", np.less_equal: "<=",
    np.equal: "==", np.not_equal: "!=", np.bitwise_and: "&", np.bitwise_or: "|",
    np.bitwise_xor: "^", np.floor_divide: "//",
}.items():  # fmt: skip
    _binary(_comparison, f"_0 {_sign} _1")
for _logical in (np.logical_and, np.logical_or, np.logical_xor):
    _binary(_logical, f"np.{_logical.__name__}(_0, _1)")
_binary(
    np.remainder, "_0 % _1", lambda g, y, a, b: g, lambda g, y, a, b: -g * np.floor_divide(a, b)
)

WHERE = ELEMENTWISE.add(
    "where",
    np.where,
    (
        None,
        lambda g, y, c, a, b: unbroadcast(np.where(c, g, 0), a),
        lambda g, y, c, a, b: unbroadcast(np.where(c, 0, g), b),
    ),
    "np.where(_0, _1, _2)",
    broadcasts=3,
    kernel=Elementwise(SCALARS["where"]),
)

ASTYPE: Primitive = ELEMENTWISE.add(
    "astype",
    lambda x, dtype: np.asarray(x).astype(dtype),
    (lambda g, y, x, dtype: ASTYPE(g, dtype=np.dtype(x.dtype).type),),
    text_by_shape("_0.astype(np.{0})", "np.{0}(_0)"),
    kernel=Elementwise("_0"),
)


def as_numpy_number(x: Any) -> Any:
    """Return a Python number as a NumPy number, whose dtype takes part in type promotion."""
    return ASTYPE(x, dtype=common_dtype(x).type)


def of_dtype(x: Any, dtype: Any) -> Any:
    """Return an array or tensor with this dtype; ``x`` itself if it has the dtype already."""
    return x if x.dtype == dtype else ASTYPE(x, dtype=np.dtype(dtype).type)


STOP_GRADIENT = ELEMENTWISE.add("stop_gradient", lambda x: x, None, "_0", kernel=Elementwise("_0"))
