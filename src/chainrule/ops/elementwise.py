"""Operations element by element, with broadcasting.

At kinks: ``abs`` has slope 0 at 0, ``maximum`` and its like give each of two equal operands half,
``clip`` passes the gradient at its bounds. A power x**p with p = 0 has slope 0 everywhere.
"""

from __future__ import annotations

import math
import operator
from typing import Any

import numpy as np

from chainrule.ops.error_function import erf, fast_erf
from chainrule.ops.kernel import Elementwise
from chainrule.ops.primitive import Family, Primitive, Rule, Traced, unbroadcast
from chainrule.ops.weak import common_dtype, text_by_shape

ELEMENTWISE = Family()
# NaN is larger and smaller than all, as in NumPy; fmax and fmin pass over it.
_BUILT_IN = {"abs": "abs(_0)", "invert": "~_0"}
_SCALARS = {
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
    kernel = Elementwise(_SCALARS.get(name, text))
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
    kernel = Elementwise(_SCALARS.get(name, text))
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
    """Gradient of a maximum or minimum: to the winner; to both by halves where they are equal."""
    return g * (y == winner) - g / 2 * (winner == other)


def _power_base(g: Any, y: Any, x: Any, p: Any) -> Any:
    if not isinstance(p, Traced):
        if np.ndim(p) == 0 and p in (0, 2):
            return 2 * g * x if p == 2 else g * 0
        if np.all(p != 0):
            return g * p * x ** (p - 1)
    # At 0**0 the slope counts as 0; everywhere else it must stay differentiable in p as well.
    return g * p * x ** np.where((p == 0) & (x == 0), 1, p - 1)


def _power_exponent(g: Any, y: Any, x: Any, p: Any) -> Any:
    # Where the base is not positive the slope counts as 0, the limit of x**p log x at 0.
    if isinstance(x, int | float):
        return g * y * (math.log(x) if x > 0 else 0)
    return g * y * np.log(of_dtype(np.where(x > 0, x, 1.0), y.dtype))  # x may have fewer digits


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
# The operator squares booleans to int8, np.power to int64: as the text, so the value.
_binary(np.power, "_0 ** _1", _power_base, _power_exponent, value=operator.pow)
_binary(np.float_power, "np.float_power(_0, _1)", _power_base, _power_exponent)
_binary(
    np.arctan2, "np.arctan2(_0, _1)",
    # The squares of whole numbers would not fit their own dtype.
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
    kernel=Elementwise(_SCALARS["where"]),
)

ASTYPE: Primitive = ELEMENTWISE.add(
    "astype",
    lambda x, dtype: np.asarray(x).astype(dtype),
    (lambda g, y, x, dtype: ASTYPE(g, dtype=np.dtype(x.dtype).type),),
    text_by_shape("_0.astype(np.{0})", "np.{0}(_0)"),
    kernel=Elementwise("_0"),
)


def counted(x: Any) -> Any:
    """Return a number of Python's as one of NumPy's, whose dtype counts beside others."""
    return ASTYPE(x, dtype=common_dtype(x).type)


def of_dtype(x: Any, dtype: Any) -> Any:
    """Return an array or tensor with this dtype: itself, with nothing recorded, if it has it."""
    return x if x.dtype == dtype else ASTYPE(x, dtype=np.dtype(dtype).type)


ERF = ELEMENTWISE.add(
    "erf",
    fast_erf,
    (lambda g, y, x: g * (2 / math.sqrt(math.pi)) * np.exp(-(x**2)),),
    "erf(_0)",
    kernel=Elementwise("erf(_0)"),
    helpers=(erf,),
)
STOP_GRADIENT = ELEMENTWISE.add("stop_gradient", lambda x: x, None, "_0", kernel=Elementwise("_0"))


@ELEMENTWISE.implements(np.clip)
def _clip(a: Any, a_min: Any = None, a_max: Any = None, *, min: Any = None, max: Any = None) -> Any:  # noqa: A002
    low, high = (a_min if min is None else min), (a_max if max is None else max)
    a = a if hasattr(a, "dtype") else np.asarray(a)
    if a.dtype.kind in "iu":  # bounds that hold for all of the dtype's numbers need not fit in it
        limits = np.iinfo(a.dtype)
        low = None if type(low) is int and low <= limits.min else low
        high = None if type(high) is int and high >= limits.max else high
    if low is not None and high is not None:
        # A bound alone may promote further: False and -1 to int64, which goes with no float32.
        a = of_dtype(a, common_dtype(a, low, high))
    y = a if low is None else CLIP_LOW(a, low)
    return y if high is None else CLIP_HIGH(y, high)


CLIP_LOW = ELEMENTWISE.add(
    "clip_low",
    np.maximum,
    (
        lambda g, y, x, low: unbroadcast(g * (x >= low), x),
        lambda g, y, x, low: unbroadcast(g * (x < low), low),
    ),
    "np.maximum(_0, _1)",
    kernel=Elementwise(_SCALARS["maximum"]),
)
CLIP_HIGH = ELEMENTWISE.add(
    "clip_high",
    np.minimum,
    (
        lambda g, y, x, high: unbroadcast(g * (x <= high), x),
        lambda g, y, x, high: unbroadcast(g * (x > high), high),
    ),
    "np.minimum(_0, _1)",
    kernel=Elementwise(_SCALARS["minimum"]),
)
