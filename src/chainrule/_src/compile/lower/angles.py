"""Functions of angles and hyperbolas, as Python code that `reading` parses into nodes.

The rules of `elementary` hold here too. Functions of float32 are computed in float64. Where an
argument of float64 is so large that more digits of π are needed, sin, cos and tan call the C
library.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from chainrule._src.compile.lower.reading import known

f4, f8, i4, i8 = np.float32, np.float64, np.int32, np.int64
wave = far_wave = far_sin = far_cos = known


def _wave_float64(x: Any, quarters: Any) -> Any:
    """Return ``sin(x + quarters * π/2)``, or the tangent for 4 quarters, for |x| below 2²⁰."""
    n = np.rint(x * f8(0.6366197723675814))
    # π/2 in three parts of 33 bits, whose products with n are exact, and a rest.
    r = x - n * f8(1.57079632673412561417e00)
    part = n * f8(6.07710050630396597660e-11)
    y = r - part
    low_part = (r - y) - part
    part = n * f8(2.02226624871116645580e-21)
    r = y - part
    low_part = low_part + (y - r) - part - n * f8(8.47842766036889956997e-32)
    y = r + low_part
    low_part = (r - y) + low_part
    z = y * y
    s = f8(1.58962301576546568060e-10)
    s = s * z - f8(2.50507477628578072866e-8)
    s = s * z + f8(2.75573136214148748034e-6)
    s = s * z - f8(1.98412698295895385996e-4)
    s = s * z + f8(8.33333333332211858878e-3)
    s = s * z - f8(1.66666666666666307295e-1)
    s_low = s * z * y + low_part
    s = y + s_low
    s_low = s_low - (s - y)
    c = f8(-1.13585365213876817300e-11)
    c = c * z + f8(2.08757008419747316778e-9)
    c = c * z - f8(2.75573141792967388112e-7)
    c = c * z + f8(2.48015872888517045348e-5)
    c = c * z - f8(1.38888888888730564116e-3)
    c = c * z + f8(4.16666666666665929218e-2)
    half = z * f8(0.5)
    w = f8(1) - half
    # No difference of two products: ARM's scalar and vector code would fuse different ones.
    c_low = (((f8(1) - w) - half) - y * low_part) + c * z * z
    c = w + c_low
    c_low = c_low - (c - w)
    turns = i4(n) + i4(quarters)
    is_odd = (turns & i4(1)) == i4(1)
    value = c if is_odd else s
    other = s if is_odd else c
    tangent = value / other
    correction = (c_low if is_odd else s_low) - tangent * (s_low if is_odd else c_low)
    tangent = tangent + correction / other
    tangent = -tangent if is_odd else tangent
    value = -value if (turns & i4(2)) == i4(2) else value
    return tangent if quarters == f8(4) else value


def _far_wave_float64(x: Any, quarters: Any) -> Any:
    """Return the sine, cosine or tangent of any x by the C library."""
    s = far_sin(x)
    c = far_cos(x)
    return s if quarters == f8(0) else (c if quarters == f8(1) else s / c)


def _sin_float64(x: Any) -> Any:
    near = x if x == f8(0) else wave(x, f8(0))
    return near if abs(x) < f8(1048576) else far_wave(x, f8(0))


def _cos_float64(x: Any) -> Any:
    return wave(x, f8(1)) if abs(x) < f8(1048576) else far_wave(x, f8(1))


def _tan_float64(x: Any) -> Any:
    near = x if x == f8(0) else wave(x, f8(4))
    return near if abs(x) < f8(1048576) else far_wave(x, f8(4))


def _arctan_float64(x: Any) -> Any:
    size = abs(x)
    is_large = size > f8(2.41421356237309504880)
    is_mid = size > f8(0.66) and not is_large
    t = (size - f8(1)) / (size + f8(1)) if is_mid else size
    t = f8(-1) / size if is_large else t
    base = f8(0.7853981633974483) if is_mid else f8(0)
    base = f8(1.5707963267948966) if is_large else base
    low_part = f8(3.061616997868383e-17) if is_mid else f8(0)
    low_part = f8(6.123233995736766e-17) if is_large else low_part
    z = t * t
    p = f8(-8.750608600031904122785e-1)
    p = p * z - f8(1.615753718733365076637e1)
    p = p * z - f8(7.500855792314704667340e1)
    p = p * z - f8(1.228866684490136173410e2)
    p = p * z - f8(6.485021904942025371773e1)
    q = z + f8(2.485846490142306297962e1)
    q = q * z + f8(1.650270098316988542046e2)
    q = q * z + f8(4.328810604912902668951e2)
    q = q * z + f8(4.853903996359136964868e2)
    q = q * z + f8(1.945506571482613964425e2)
    y = base + ((t * (z * (p / q)) + low_part) + t)
    return np.copysign(y, x)


def _arctan2_float64(y: Any, x: Any) -> Any:
    a = abs(y)
    b = abs(x)
    both = a == f8(np.inf) and b == f8(np.inf)
    ratio = f8(1) if both else (f8(0) if a == f8(0) else a / b)
    angle = np.arctan(ratio)
    correction = f8(1.2246467991473532e-16) - angle
    is_left = x < f8(0) or (x == f8(0) and np.copysign(f8(1), x) < f8(0))
    angle = f8(3.141592653589793) + correction if is_left else angle
    angle = x + y if x != x or y != y else angle
    return np.copysign(angle, y)


def _arcsin_float64(x: Any) -> Any:
    size = abs(x)
    z = x * x
    p = f8(4.253011369004428248960e-3)
    p = p * z - f8(6.019598008014123785661e-1)
    p = p * z + f8(5.444622390564711410273e0)
    p = p * z - f8(1.626247967210700244449e1)
    p = p * z + f8(1.956261983317594739197e1)
    p = p * z - f8(8.198089802484824371615e0)
    q = z - f8(1.474091372988853791896e1)
    q = q * z + f8(7.049610280856842141659e1)
    q = q * z - f8(1.471791292232726029859e2)
    q = q * z + f8(1.395105614657485689735e2)
    q = q * z - f8(4.918853881490881290097e1)
    near = x * (z * (p / q)) + x
    w = f8(1) - size
    p = f8(2.967721961301243206100e-3)
    p = p * w - f8(5.634242780008963776856e-1)
    p = p * w + f8(6.968710824104713396794e0)
    p = p * w - f8(2.556901049652824852289e1)
    p = p * w + f8(2.853665548261061424989e1)
    q = w - f8(2.194779531642920639778e1)
    q = q * w + f8(1.470656354026814941758e2)
    q = q * w - f8(3.838770957603691357202e2)
    q = q * w + f8(3.424398657913078477438e2)
    root = np.sqrt(w + w)
    far = f8(0.7853981633974483) - root
    far = far - (root * (w * (p / q)) - f8(6.123233995736766e-17))
    far = np.copysign(far + f8(0.7853981633974483), x)
    return near if size <= f8(0.625) else far


def _arccos_float64(x: Any) -> Any:
    """Return the angle by the arcsine of x, or of the root of ½ - ½|x| where |x| is above ½."""
    size = abs(x)
    is_large = size > f8(0.5)
    w = np.arcsin(np.sqrt(f8(0.5) - f8(0.5) * size) if is_large else x)
    far = f8(3.141592653589793) - (w + w - f8(1.2246467991473532e-16)) if x < f8(0) else w + w
    near = f8(1.5707963267948966) - (w - f8(6.123233995736766e-17))
    return far if is_large else near


def _sinh_float64(x: Any) -> Any:
    size = abs(x)
    z = x * x
    p = f8(-7.89474443963537015605e-1)
    p = p * z - f8(1.63725857525983828727e2)
    p = p * z - f8(1.15614435765005216044e4)
    p = p * z - f8(3.51754964808151394800e5)
    q = z - f8(2.77711081420602794433e2)
    q = q * z + f8(3.61578279834431989373e4)
    q = q * z - f8(2.11052978884890840399e6)
    near = x + x * (z * (p / q))
    is_last = size > f8(709)
    e = np.exp(size - f8(1416.0996898839683) if is_last else size)
    far = f8(0.5) * e - f8(0.5) / e
    far = e * f8(8.98846567431158e307) * f8(5.617791046444737e306) if is_last else far
    return near if size < f8(1) else np.copysign(far, x)


def _cosh_float64(x: Any) -> Any:
    """Return (eˣ + e⁻ˣ) / 2. Where eˣ could be infinite, 2043 ln 2 is subtracted from x first."""
    size = abs(x)
    is_last = size > f8(709)
    e = np.exp(size - f8(1416.0996898839683) if is_last else size)
    far = e * f8(8.98846567431158e307) * f8(5.617791046444737e306)
    return far if is_last else f8(0.5) * e + f8(0.5) / e


def _arcsinh_float64(x: Any) -> Any:
    size = abs(x)
    a = f8(1) if size > f8(268435456) else size
    z = a * a
    part = z / (f8(1) + np.sqrt(f8(1) + z))
    w = a + part
    near = np.log1p(w) + (part - (w - a)) / (f8(1) + w)
    far = np.log(size) + f8(0.6931471805599453)
    y = far if size > f8(268435456) else near
    return np.copysign(y if size > f8(1e-300) else size, x)


def _arccosh_float64(x: Any) -> Any:
    t = f8(1) if x > f8(268435456) else x - f8(1)
    root = np.sqrt(t + t + t * t)
    w = t + root
    near = np.log1p(w) + (t - (w - root)) / (f8(1) + w)
    far = np.log(x) + f8(0.6931471805599453)
    y = far if x > f8(268435456) else near
    return y if x >= f8(1) else f8(np.nan)


def _arctanh_float64(x: Any) -> Any:
    size = abs(x)
    d = f8(1) - size
    w = (size + size) / d
    y = f8(0.5) * (np.log1p(w) - w * ((f8(1) - d) - size) / (d * (f8(1) + w)))
    y = f8(np.inf) if size == f8(1) else y
    return np.copysign(y, x) if size <= f8(1) else f8(np.nan)


def _tan_float32(x: Any) -> Any:
    return f4(np.tan(f8(x)))


def _arcsin_float32(x: Any) -> Any:
    return f4(np.arcsin(f8(x)))


def _arccos_float32(x: Any) -> Any:
    return f4(np.arccos(f8(x)))


def _arctan_float32(x: Any) -> Any:
    return f4(np.arctan(f8(x)))


def _arctan2_float32(y: Any, x: Any) -> Any:
    return f4(np.arctan2(f8(y), f8(x)))


def _sinh_float32(x: Any) -> Any:
    return f4(np.sinh(f8(x)))


def _cosh_float32(x: Any) -> Any:
    return f4(np.cosh(f8(x)))


def _arcsinh_float32(x: Any) -> Any:
    size = abs(f8(x))
    z = size * size
    near = size - size * z * (f8(1 / 6) - f8(3 / 40) * z)
    far = np.log(size + np.sqrt(z + f8(1)))
    return np.copysign(f4(near if size < f8(1e-3) else far), x)


def _arccosh_float32(x: Any) -> Any:
    a = f8(x)
    y = f4(np.log(a + np.sqrt(a * a - f8(1))))
    return y if x >= f4(1) else f4(np.nan)


def _arctanh_float32(x: Any) -> Any:
    return f4(np.arctanh(f8(x)))


ANGLES: dict[tuple[str, str], Callable[..., Any]] = {
    ("wave", "float64"): _wave_float64, ("far_wave", "float64"): _far_wave_float64,
    ("sin", "float64"): _sin_float64, ("cos", "float64"): _cos_float64,
    ("tan", "float32"): _tan_float32, ("tan", "float64"): _tan_float64,
    ("arcsin", "float32"): _arcsin_float32, ("arcsin", "float64"): _arcsin_float64,
    ("arccos", "float32"): _arccos_float32, ("arccos", "float64"): _arccos_float64,
    ("arctan", "float32"): _arctan_float32, ("arctan", "float64"): _arctan_float64,
    ("arctan2", "float32"): _arctan2_float32, ("arctan2", "float64"): _arctan2_float64,
    ("sinh", "float32"): _sinh_float32, ("sinh", "float64"): _sinh_float64,
    ("cosh", "float32"): _cosh_float32, ("cosh", "float64"): _cosh_float64,
    ("arcsinh", "float32"): _arcsinh_float32, ("arcsinh", "float64"): _arcsinh_float64,
    ("arccosh", "float32"): _arccosh_float32, ("arccosh", "float64"): _arccosh_float64,
    ("arctanh", "float32"): _arctanh_float32, ("arctanh", "float64"): _arctanh_float64,
}  # fmt: skip
