"""Elementary functions of kernels, as Python code that `reading` parses into nodes.

They have no branches, so that compilers can vectorize them. Each is accurate to 2 units in the last
place, in float32 and in float64; the tests compare them with arithmetic of higher precision. More
functions are in `powers` and `angles`. The argument reductions and the polynomials are those of
Moshier's Cephes library (1989), except exp in float64, which sums its Taylor series; expm1 is
computed like exp. Compilers may not reorder them. Polynomials are written as sums of pairs, which
can be computed in parallel, unlike Horner's scheme.

For float32 arguments of magnitude 2²⁷ or more, sin and cos call the C library. They are rare, and
vectors without any skip the call (`native/rare.py`).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from chainrule._src.compile.lower.reading import known

f4, f8, i4, i8 = np.float32, np.float64, np.int32, np.int64
exp = wave = far_wave = far_sin = far_cos = known


def _exp_float32(x: Any) -> Any:
    x = f4(-104) if x < f4(-104) else x
    x = f4(89) if x > f4(89) else x
    n = np.rint(x * f4(1.44269504088896341))
    r = x - n * f4(0.693359375) - n * f4(-2.12194440e-4)
    z = r * r
    p = (f4(1.9875691500e-4) * r + f4(1.3981999507e-3)) * z
    p = (p + (f4(8.3334519073e-3) * r + f4(4.1665795894e-2))) * z
    p = p + (f4(1.6666665459e-1) * r + f4(5.0000001201e-1))
    p = p * z + r + f4(1)
    whole = i4(n if n == n else f4(0))
    half = whole >> i4(1)  # in two steps, so that the smallest results lose nothing on the way
    low = i4((half + i4(127)) << i4(23)).view(f4)
    high = i4((whole - half + i4(127)) << i4(23)).view(f4)
    return p * low * high


def _exp_float64(x: Any) -> Any:
    x = f8(-746) if x < f8(-746) else x
    x = f8(710) if x > f8(710) else x
    n = np.rint(x * f8(1.4426950408889634))
    r = x - n * f8(6.93145751953125e-1) - n * f8(1.42860682030941723212e-6)
    z = r * r
    w = z * z
    p = (f8(1 / 6227020800) * r + f8(1 / 479001600)) * z + (f8(1 / 39916800) * r + f8(1 / 3628800))
    q = (f8(1 / 362880) * r + f8(1 / 40320)) * z + (f8(1 / 5040) * r + f8(1 / 720))
    p = (p * w + q) * w + ((f8(1 / 120) * r + f8(1 / 24)) * z + (f8(1 / 6) * r + f8(1 / 2)))
    p = p * z + r + f8(1)
    whole = i8(i4(n if n == n else f8(0)))
    half = whole >> i8(1)
    low = i8((half + i8(1023)) << i8(52)).view(f8)
    high = i8((whole - half + i8(1023)) << i8(52)).view(f8)
    return p * low * high


def _expm1_float32(x: Any) -> Any:
    a = f4(-30) if x < f4(-30) else x  # from there on it is -1
    a = f4(89) if a > f4(89) else a
    n = np.rint(a * f4(1.44269504088896341))
    r = a - n * f4(0.693359375) - n * f4(-2.12194440e-4)
    z = r * r
    p = (f4(1.9875691500e-4) * r + f4(1.3981999507e-3)) * z
    p = (p + (f4(8.3334519073e-3) * r + f4(4.1665795894e-2))) * z
    p = p + (f4(1.6666665459e-1) * r + f4(5.0000001201e-1))
    p = p * z + r
    whole = i4(n if n == n else f4(0))
    half = whole >> i4(1)
    rest = whole - half
    low = i4((half + i4(127)) << i4(23)).view(f4)
    high = i4((rest + i4(127)) << i4(23)).view(f4)
    # 2ⁿ(p + 1) - 1, of which 2ⁿ - 1 is exact.
    y = (p * low + (low - i4((i4(127) - rest) << i4(23)).view(f4))) * high
    return x if x == f4(0) else y


def _expm1_float64(x: Any) -> Any:
    a = f8(-60) if x < f8(-60) else x
    a = f8(710) if a > f8(710) else a
    n = np.rint(a * f8(1.4426950408889634))
    r = a - n * f8(6.93145751953125e-1) - n * f8(1.42860682030941723212e-6)
    z = r * r
    w = z * z
    p = (f8(1 / 6227020800) * r + f8(1 / 479001600)) * z + (f8(1 / 39916800) * r + f8(1 / 3628800))
    q = (f8(1 / 362880) * r + f8(1 / 40320)) * z + (f8(1 / 5040) * r + f8(1 / 720))
    p = (p * w + q) * w + ((f8(1 / 120) * r + f8(1 / 24)) * z + (f8(1 / 6) * r + f8(1 / 2)))
    p = p * z + r
    whole = i8(i4(n if n == n else f8(0)))
    half = whole >> i8(1)
    rest = whole - half
    low = i8((half + i8(1023)) << i8(52)).view(f8)
    high = i8((rest + i8(1023)) << i8(52)).view(f8)
    y = (p * low + (low - i8((i8(1023) - rest) << i8(52)).view(f8))) * high
    return x if x == f8(0) else y


def _log_float32(x: Any) -> Any:
    small = x < f4(1.17549435e-38)
    bits = i4((x * f4(8388608)).view(i4) - (i4(23) << i4(23))) if small else x.view(i4)
    # x is 2ᵉm with √½ ≤ m < √2: 0x3F3504F3 are the bits of √½.
    whole = (bits - i4(0x3F3504F3)) >> i4(23)
    m = i4(bits - (whole << i4(23))).view(f4) - f4(1)
    e = f4(whole)
    z = m * m
    w = z * z
    p = f4(7.0376836292e-2) * z + (f4(1.1676998740e-1) - f4(1.1514610310e-1) * m)
    q = (f4(1.4249322787e-1) - f4(1.2420140846e-1) * m) * z
    q = q + (f4(2.0000714765e-1) - f4(1.6668057665e-1) * m)
    p = (p * w + q) * z + (f4(3.3333331174e-1) - f4(2.4999993993e-1) * m)
    y = p * (m * z) - (f4(2.12194440e-4) * e + f4(0.5) * z)
    y = m + y + f4(0.693359375) * e
    y = x if x == f4(np.inf) else y
    y = f4(-np.inf) if x == f4(0) else y
    return y if x >= f4(0) else f4(np.nan)


def _log_float64(x: Any) -> Any:
    small = x < f8(2.2250738585072014e-308)
    bits = i8((x * f8(4503599627370496)).view(i8) - (i8(52) << i8(52))) if small else x.view(i8)
    whole = (bits - i8(0x3FE6A09E667F3BCD)) >> i8(52)
    m = i8(bits - (whole << i8(52))).view(f8) - f8(1)
    e = f8(i4(whole))
    z = m * m
    w = z * z
    p = (f8(1.01875663804580931796e-4) * m + f8(4.97494994976747001425e-1)) * w
    p = p + (f8(4.70579119878881725854e0) * m + f8(1.44989225341610930846e1)) * z
    p = p + (f8(1.79368678507819816313e1) * m + f8(7.70838733755885391666e0))
    q = (m + f8(1.12873587189167450590e1)) * w
    q = q + (f8(4.52279145837532221105e1) * m + f8(8.29875266912776603211e1)) * z
    q = q + (f8(7.11544750618563894466e1) * m + f8(2.31251620126765340583e1))
    y = m * (z * p / q) - (f8(2.121944400546905827679e-4) * e + f8(0.5) * z)
    y = m + y + f8(0.693359375) * e
    y = x if x == f8(np.inf) else y
    y = f8(-np.inf) if x == f8(0) else y
    return y if x >= f8(0) else f8(np.nan)


def _log1p(x: Any) -> Any:
    u = x + 1
    lost = x - (u - 1)  # in rounding
    y = np.log(u) + (lost / u if u > 0 and u < np.inf else 0)
    return x if u == 1 else y


def _tanh_float32(x: Any) -> Any:
    size = abs(x)
    z = x * x
    p = f4(-5.70498872745e-3)
    p = p * z + f4(2.06390887954e-2)
    p = p * z - f4(5.37397155531e-2)
    p = p * z + f4(1.33314422036e-1)
    p = p * z - f4(3.33332819422e-1)
    near = p * z * size + size
    far = f4(1) - f4(2) / (exp(size + size) + f4(1))
    return np.copysign(near if size < f4(0.625) else far, x)


def _tanh_float64(x: Any) -> Any:
    size = abs(x)
    z = x * x
    p = f8(-9.64399179425052238628e-1)
    p = p * z - f8(9.92877231001918586564e1)
    p = p * z - f8(1.61468768441708447952e3)
    q = z + f8(1.12811678491632931402e2)
    q = q * z + f8(2.23548839060100448583e3)
    q = q * z + f8(4.84406305325125486048e3)
    near = size * z * (p / q) + size
    far = f8(1) - f8(2) / (exp(size + size) + f8(1))
    return np.copysign(near if size < f8(0.625) else far, x)


def _erf_float32(x: Any) -> Any:
    size = abs(x)
    size = f4(5) if size > f4(5) else size  # from there on it is 1
    z = size * size
    p = f4(7.853861353153693e-5)
    p = p * z - f4(8.010193625184903e-4)
    p = p * z + f4(5.188327685732524e-3)
    p = p * z - f4(2.685381193529856e-2)
    p = p * z + f4(1.128358514861418e-1)
    p = p * z - f4(3.761262582423300e-1)
    p = p * z + f4(1.28379165726710e-1)
    near = x * p + x
    r = f4(1) / (size if size > f4(0.5) else f4(0.5))
    q = r * r
    mid = f4(2.326819970068386e-2)
    mid = mid * q - f4(1.387039388740657e-1)
    mid = mid * q + f4(3.687424674597105e-1)
    mid = mid * q - f4(5.824733027278666e-1)
    mid = mid * q + f4(6.210004621745983e-1)
    mid = mid * q - f4(4.944515323274145e-1)
    mid = mid * q + f4(3.404879937665872e-1)
    mid = mid * q - f4(2.741127028184656e-1)
    mid = mid * q + f4(5.638259427386472e-1)
    far = f4(-1.047766399936249e1)
    far = far * q + f4(1.297719955372516e1)
    far = far * q - f4(7.495518717768503)
    far = far * q + f4(2.921019019210786)
    far = far * q - f4(1.015265279202700)
    far = far * q + f4(4.218463358204948e-1)
    far = far * q - f4(2.820767439740514e-1)
    far = far * q + f4(5.641895067754075e-1)
    rest = f4(1) - exp(-z) * r * (mid if size < f4(2) else far)
    rest = -rest if x < f4(0) else rest
    return near if size < f4(1) else rest


def _erf_float64(x: Any) -> Any:
    size = abs(x)
    size = f8(7) if size > f8(7) else size  # from there on it is 1
    z = size * size
    p = f8(-23.956740424879793) - z
    p = p * z - f8(431.3319300597684)
    p = p * z - f8(2362.318483762958)
    p = p * z - f8(15625.674920261044)
    p = p * z + f8(6324.9070401759)
    q = z + f8(3.35617141647503099647e1)
    q = q * z + f8(5.21357949780152679795e2)
    q = q * z + f8(4.59432382970980127987e3)
    q = q * z + f8(2.26290000613890934246e4)
    q = q * z + f8(4.92673942608635921086e4)
    near = x * (p / q) + x
    top = f8(2.46196981473530512524e-10)
    top = top * size + f8(5.64189564831068821977e-1)
    top = top * size + f8(7.46321056442269912687)
    top = top * size + f8(4.86371970985681366614e1)
    top = top * size + f8(1.96520832956077098242e2)
    top = top * size + f8(5.26445194995477358631e2)
    top = top * size + f8(9.34528527171957607540e2)
    top = top * size + f8(1.02755188689515710272e3)
    top = top * size + f8(5.57535335369399327526e2)
    bottom = size + f8(1.32281951154744992508e1)
    bottom = bottom * size + f8(8.67072140885989742329e1)
    bottom = bottom * size + f8(3.54937778887819891062e2)
    bottom = bottom * size + f8(9.75708501743205489753e2)
    bottom = bottom * size + f8(1.82390916687909736289e3)
    bottom = bottom * size + f8(2.24633760818710981792e3)
    bottom = bottom * size + f8(1.65666309194161350182e3)
    bottom = bottom * size + f8(5.57535340817727675546e2)
    far = f8(1) - exp(-z) * (top / bottom)
    far = -far if x < f8(0) else far
    return near if size < f8(1) else far


def _wave_float32(x: Any, quarters: Any) -> Any:
    """Return ``sin(x + quarters * π/2)`` for a magnitude of x below 2²⁷."""
    n = np.rint(f8(x) * f8(0.6366197723675814))
    r = f8(x) - n * f8(1.5707963109016418) - n * f8(1.5893254712295857e-08)
    r = f4(r - n * f8(6.123233995736766e-17))
    z = r * r
    s = f4(-1.9515295891e-4)
    s = s * z + f4(8.3321608736e-3)
    s = s * z - f4(1.6666654611e-1)
    s = s * z * r + r
    c = f4(2.443315711809948e-5)
    c = c * z - f4(1.388731625493765e-3)
    c = c * z + f4(4.166664568298827e-2)
    c = c * z * z - f4(0.5) * z + f4(1)
    turns = i4(n) + i4(quarters)
    y = c if (turns & i4(1)) == i4(1) else s
    return -y if (turns & i4(2)) == i4(2) else y


def _far_wave_float32(x: Any, quarters: Any) -> Any:
    """Return the sine or cosine of any x by the C library, which has enough digits of π."""
    return f4(far_sin(f8(x)) if quarters == f4(0) else far_cos(f8(x)))


def _sin_float32(x: Any) -> Any:
    near = x if x == f4(0) else wave(x, f4(0))
    return near if abs(x) < f4(134217728) else far_wave(x, f4(0))


def _cos_float32(x: Any) -> Any:
    return wave(x, f4(1)) if abs(x) < f4(134217728) else far_wave(x, f4(1))


ELEMENTARY: dict[tuple[str, str], Callable[..., Any]] = {
    ("exp", "float32"): _exp_float32, ("exp", "float64"): _exp_float64,
    ("expm1", "float32"): _expm1_float32, ("expm1", "float64"): _expm1_float64,
    ("log", "float32"): _log_float32, ("log", "float64"): _log_float64,
    ("log1p", "f"): _log1p,
    ("tanh", "float32"): _tanh_float32, ("tanh", "float64"): _tanh_float64,
    ("erf", "float32"): _erf_float32, ("erf", "float64"): _erf_float64,
    ("wave", "float32"): _wave_float32, ("far_wave", "float32"): _far_wave_float32,
    ("sin", "float32"): _sin_float32, ("cos", "float32"): _cos_float32,
}  # fmt: skip
