"""Powers, roots and logarithms of other bases, as Python code that `reading` parses into nodes.

The rules of `elementary` hold here too. Functions of float32 are computed in float64. The power of
float64 is that of Sun's fdlibm (1993) without its branches: it takes the logarithm as a sum of two
numbers, of which the first has few bits, so that its products are exact.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from chainrule._src.compile.lower.reading import known

f4, f8, i4, i8 = np.float32, np.float64, np.int32, np.int64
short = power = known


def _short(x: Any) -> Any:
    """Return x with the upper 21 bits of its 53."""
    return i8(x.view(i8) & i8(-4294967296)).view(f8)


def _power(a: Any, y: Any) -> Any:
    """Return a to the y, for a positive a, by the logarithm to base 2."""
    a_scaled = a * f8(9007199254740992) if a < f8(2.2250738585072014e-308) else a
    bits = a_scaled.view(i8)
    # a is 2ⁿm with √¾ ≤ m < √3, so that m is near 1 or near 1½.
    exponent = (bits - i8(0x3FEBB67AE8584CAA)) >> i8(52)
    m = i8(bits - (exponent << i8(52))).view(f8)
    n = f8(i4(exponent)) - (f8(53) if a < f8(2.2250738585072014e-308) else f8(0))
    upper = m >= f8(1.224744871391589)
    centre = f8(1.5) if upper else f8(1)
    u = m - centre
    v = f8(1) / (m + centre)
    s = u * v
    s_high = short(s)
    t_high = short(m + centre)
    t_low = m - (t_high - centre)
    s_low = v * ((u - s_high * t_high) - s_high * t_low)
    z = s * s
    r = f8(2.30660745775561754067e-01) + z * f8(2.06975017800338417784e-01)
    r = f8(3.33333329818377432918e-01) + z * (f8(2.72728123808534006489e-01) + z * r)
    r = f8(5.99999999999994648725e-01) + z * (f8(4.28571428578550184252e-01) + z * r)
    r = z * z * r + s_low * (s_high + s)
    z = s_high * s_high
    t_high = short(f8(3) + z + r)
    t_low = r - ((t_high - f8(3)) - z)
    u = s_high * t_high
    v = s_low * t_high + t_low * s
    p_high = short(u + v)
    p_low = v - (p_high - u)
    z_high = f8(9.61796700954437255859e-01) * p_high  # 2 / (3 ln 2)
    z_low = f8(-7.02846165095275826516e-09) * p_high + p_low * f8(9.61796693925975554329e-01)
    z_low = z_low + (f8(1.35003920212974897128e-08) if upper else f8(0))  # of log2(1.5)
    base = f8(5.84962487220764160156e-01) if upper else f8(0)
    log_high = short(((z_high + z_low) + base) + n)
    log_low = z_low - (((log_high - n) - base) - z_high)
    # The logarithm times y, whose upper part is exact.
    y_high = short(y)
    low = (y - y_high) * log_high + y * log_low
    high = y_high * log_high
    total = high + low
    high = (f8(1200) if total > f8(0) else f8(-1200)) if abs(total) > f8(1200) else high
    low = f8(0) if abs(total) > f8(1200) else low
    n = np.rint(high + low)
    high = high - n
    t = short(low + high)
    u = t * f8(6.93147182464599609375e-01)
    v = (low - (t - high)) * f8(6.93147180559945286227e-01) + t * f8(-1.90465429995776804525e-09)
    z = u + v
    w = v - (z - u)
    t = z * z
    r = f8(-1.65339022054652515390e-06) + t * f8(4.13813679705723846039e-08)
    r = f8(-2.77777777770155933842e-03) + t * (f8(6.61375632143793436117e-05) + t * r)
    r = z - t * (f8(1.66666666666666019037e-01) + t * r)
    z = f8(1) - ((z * r / (r - f8(2)) - (w + z * w)) - z)
    exponent = i8(i4(n if n == n else f8(0)))
    half = exponent >> i8(1)
    one = i8((half + i8(1023)) << i8(52)).view(f8)
    other = i8((exponent - half + i8(1023)) << i8(52)).view(f8)
    return z * one * other


def _pow_float64(x: Any, y: Any) -> Any:
    size = abs(x)
    limited = f8(1e21) if y > f8(1e21) else (f8(-1e21) if y < f8(-1e21) else y)
    p = power(size, limited)
    p = (f8(np.inf) if y > f8(0) else f8(0)) if size == f8(np.inf) else p
    p = (f8(0) if y > f8(0) else f8(np.inf)) if size == f8(0) else p
    is_odd = y == np.rint(y) and y * f8(0.5) != np.rint(y * f8(0.5))
    p = np.copysign(p, x) if is_odd else p
    p = f8(np.nan) if x < f8(0) and x > f8(-np.inf) and y != np.rint(y) else p
    p = p if x == x and y == y else x + y
    return f8(1) if x == f8(1) or y == f8(0) else p


def _pow_float32(x: Any, y: Any) -> Any:
    size = abs(x)
    p = f4(np.exp(f8(y) * np.log(f8(size))))
    p = f4(1) if size == f4(1) else p
    is_odd = y == np.rint(y) and y * f4(0.5) != np.rint(y * f4(0.5))
    p = np.copysign(p, x) if is_odd else p
    p = f4(np.nan) if x < f4(0) and x > f4(-np.inf) and y != np.rint(y) else p
    p = p if x == x and y == y else x + y
    return f4(1) if x == f4(1) or y == f4(0) else p


def _exp2_float32(x: Any) -> Any:
    return f4(np.exp(f8(x) * f8(0.6931471805599453)))


def _exp2_float64(x: Any) -> Any:
    x = f8(-1100) if x < f8(-1100) else x
    x = f8(1100) if x > f8(1100) else x
    n = np.rint(x)
    exponent = i8(i4(n if n == n else f8(0)))
    half = exponent >> i8(1)
    low = i8((half + i8(1023)) << i8(52)).view(f8)
    high = i8((exponent - half + i8(1023)) << i8(52)).view(f8)
    return np.exp((x - n) * f8(0.6931471805599453)) * low * high


def _log2_float32(x: Any) -> Any:
    return f4(np.log(f8(x)) * f8(1.4426950408889634))


def _log10_float32(x: Any) -> Any:
    return f4(np.log(f8(x)) * f8(0.4342944819032518))


def _log2_float64(x: Any) -> Any:
    scaled = x * f8(9007199254740992) if x < f8(2.2250738585072014e-308) else x
    bits = scaled.view(i8)
    exponent = (bits - i8(0x3FE6A09E667F3BCD)) >> i8(52)
    m = i8(bits - (exponent << i8(52))).view(f8)
    e = f8(i4(exponent)) - (f8(53) if x < f8(2.2250738585072014e-308) else f8(0))
    y = np.log(m)
    y_high = short(y)
    low = y * f8(1.6751713164886512e-10) + (y - y_high) * f8(1.4426950407214463)
    y = (e + y_high * f8(1.4426950407214463)) + low
    y = x if x == f8(np.inf) else y
    y = f8(-np.inf) if x == f8(0) else y
    return y if x >= f8(0) else f8(np.nan)


def _log10_float64(x: Any) -> Any:
    y = np.log(x)
    y_high = short(y)
    low = y * f8(2.5082946711645275e-11) + (y - y_high) * f8(0.4342944818781689)
    return y_high * f8(0.4342944818781689) + low if abs(y) < f8(np.inf) else y


def _cbrt_float32(x: Any) -> Any:
    root = f4(np.exp(np.log(abs(f8(x))) * f8(0.3333333333333333)))
    return np.copysign(root, x) if x == x else x


def _cbrt_float64(x: Any) -> Any:
    size = abs(x)
    is_small = size < f8(1e-200)
    is_large = size > f8(1e200)
    a = (
        size * f8(2.037035976334486e90)
        if is_small
        else (size * f8(4.909093465297727e-91) if is_large else size)
    )
    t = np.exp(np.log(a) * f8(0.3333333333333333))
    t = t - (t - a / (t * t)) * f8(0.3333333333333333)
    t = (
        t * f8(7.888609052210118e-31)
        if is_small
        else (t * f8(1.2676506002282294e30) if is_large else t)
    )
    return x if x == f8(0) or not size < f8(np.inf) else np.copysign(t, x)


def _hypot_float32(x: Any, y: Any) -> Any:
    root = f4(np.sqrt(f8(x) * f8(x) + f8(y) * f8(y)))
    return f4(np.inf) if abs(x) == f4(np.inf) or abs(y) == f4(np.inf) else root


def _hypot_float64(x: Any, y: Any) -> Any:
    a = abs(x)
    b = abs(y)
    size = a if a > b else b
    factor = (
        f8(4.149515568880993e180)
        if size < f8(1e-140)
        else (f8(2.409919865102884e-181) if size > f8(1e150) else f8(1))
    )
    back = (
        f8(2.409919865102884e-181)
        if size < f8(1e-140)
        else (f8(4.149515568880993e180) if size > f8(1e150) else f8(1))
    )
    a = a * factor
    b = b * factor
    root = np.sqrt(a * a + b * b) * back
    return f8(np.inf) if abs(x) == f8(np.inf) or abs(y) == f8(np.inf) else root


POWERS: dict[tuple[str, str], Callable[..., Any]] = {
    ("short", "float64"): _short, ("power", "float64"): _power,
    ("pow", "float32"): _pow_float32, ("pow", "float64"): _pow_float64,
    ("float_power", "float64"): _pow_float64,
    ("exp2", "float32"): _exp2_float32, ("exp2", "float64"): _exp2_float64,
    ("log2", "float32"): _log2_float32, ("log2", "float64"): _log2_float64,
    ("log10", "float32"): _log10_float32, ("log10", "float64"): _log10_float64,
    ("cbrt", "float32"): _cbrt_float32, ("cbrt", "float64"): _cbrt_float64,
    ("hypot", "float32"): _hypot_float32, ("hypot", "float64"): _hypot_float64,
}  # fmt: skip
