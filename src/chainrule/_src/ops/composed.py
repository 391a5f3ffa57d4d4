"""NumPy functions written in terms of other NumPy functions, so they need no gradient rule."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from chainrule._src.base.errors import ShapeError, TraceError
from chainrule._src.core.elementwise import WHERE, of_dtype
from chainrule._src.core.primitive import Family
from chainrule._src.core.weak import NUMBERS, common_dtype, dtype_or_number
from chainrule._src.ops.joining import as_array
from chainrule._src.ops.shape import moved

COMPOSED = Family()


@COMPOSED.implements(np.where)
def _where(condition: Any, *choices: Any) -> Any:
    if len(choices) != 2:
        raise TraceError(
            "np.where of a tensor alone gives places, as many as its values say: write "
            "np.where(condition, a, b)"
        )
    return WHERE(condition, *choices)


@COMPOSED.implements(np.deg2rad, np.radians)
def _deg2rad(x: Any) -> Any:
    return _scaled(x, math.pi / 180)


@COMPOSED.implements(np.rad2deg, np.degrees)
def _rad2deg(x: Any) -> Any:
    return _scaled(x, 180 / math.pi)


def _scaled(x: Any, factor: float) -> Any:
    """Return the product with a factor, in NumPy's result dtype: float16 for small integers."""
    dtype = np.result_type(x.dtype, np.float16)
    return (x.astype(np.result_type(dtype, np.float32)) * factor).astype(dtype)


def _promoted(ufunc: np.ufunc, *operands: Any) -> list[Any]:
    """Return the operands as arrays with the dtypes in which a ufunc computes."""
    parts = [dtype_or_number(x) for x in operands]
    kinds = [type(x) if type(x) in NUMBERS[:2] else np.result_type(x) for x in parts]
    dtypes = ufunc.resolve_dtypes((*kinds, *(None,) * ufunc.nout))
    arrays = map(as_array, operands)
    return [of_dtype(x, dtype) for x, dtype in zip(arrays, dtypes, strict=False)]


@COMPOSED.implements(np.logaddexp2)
def _logaddexp2(a: Any, b: Any) -> Any:
    a, b = _promoted(np.logaddexp2, a, b)
    dtype = a.dtype
    a, b = (of_dtype(x, np.result_type(dtype, np.float32)) for x in (a, b))
    result = np.logaddexp(a * math.log(2), b * math.log(2)) / math.log(2)
    return of_dtype(result, dtype)


@COMPOSED.implements(np.fmod)
def _fmod(a: Any, b: Any) -> Any:
    # The remainder of positive numbers is exact; a quotient times b would be rounded.
    a, b = _promoted(np.fmod, a, b)
    if a.dtype.kind == "u":
        return a % b
    size = np.where(a < 0, -a, a) % np.abs(b)
    return np.where(a < 0, -size, size)


@COMPOSED.implements(np.fix)
def _fix(x: Any) -> Any:
    return np.trunc(x)


@COMPOSED.implements(np.modf)
def _modf(x: Any) -> Any:
    (x,) = _promoted(np.modf, x)
    truncated = np.trunc(x)
    return x - np.where(np.isinf(x), x, truncated), truncated


@COMPOSED.implements(np.ldexp)
def _ldexp(x1: Any, x2: Any) -> Any:
    x1, x2 = _promoted(np.ldexp, x1, x2)
    return x1 * of_dtype(2.0 ** of_dtype(x2, np.float64), x1.dtype)


@COMPOSED.implements(np.signbit)
def _signbit(x: Any) -> Any:
    return np.arctan2(x, -1.0) < 0  # also true for -0.0


@COMPOSED.implements(np.copysign)
def _copysign(x1: Any, x2: Any) -> Any:
    x1, x2 = _promoted(np.copysign, x1, x2)
    size = np.abs(x1)
    return np.where(np.signbit(x2), -size, size)


@COMPOSED.implements(np.heaviside)
def _heaviside(x1: Any, x2: Any) -> Any:
    x1, x2 = _promoted(np.heaviside, x1, x2)
    step = (x1 > 0).astype(x1.dtype)
    return np.where(x1 == 0, x2, np.where(np.isnan(x1), np.nan, step))


@COMPOSED.implements(np.isposinf)
def _isposinf(x: Any) -> Any:
    return x == np.inf


@COMPOSED.implements(np.isneginf)
def _isneginf(x: Any) -> Any:
    return x == -np.inf


@COMPOSED.implements(np.divmod)
def _divmod(a: Any, b: Any) -> Any:
    return a // b, a % b


@COMPOSED.implements(np.sinc)
def _sinc(x: Any) -> Any:
    # Near 0 the power series is used, because the quotient's derivatives would lose precision.
    angle = math.pi * x
    near = np.abs(angle) < 0.1
    far = np.where(near, 1, angle)
    square = np.where(near, angle, 0) ** 2
    series: Any = 1
    for k in (10, 8, 6, 4, 2):
        series = 1 - square / (k * (k + 1)) * series
    return np.where(near, series, np.sin(far) / far)


@COMPOSED.implements(np.nan_to_num)
def _nan_to_num(
    x: Any, copy: bool = True, nan: float = 0.0, posinf: Any = None, neginf: Any = None
) -> Any:
    if x.dtype.kind != "f":
        return x
    limits = np.finfo(x.dtype)
    largest = float(limits.max) if posinf is None else posinf
    smallest = float(limits.min) if neginf is None else neginf
    x = np.where(np.isnan(x), nan, x)
    return np.where(x == np.inf, largest, np.where(x == -np.inf, smallest, x))


# Tensors are real: the conjugate is the tensor itself, the imaginary part is 0.
@COMPOSED.implements(np.real, np.conjugate, np.real_if_close)
def _real(x: Any, tol: float = 100) -> Any:
    return x


@COMPOSED.implements(np.imag)
def _imag(x: Any) -> Any:
    return np.zeros_like(x)


@COMPOSED.implements(np.angle)
def _angle(z: Any, deg: bool = False) -> Any:
    half = np.where(np.arctan2(z, -1.0) < 0, 180 if deg else math.pi, 0)  # also for -0.0
    return np.where(np.isnan(z), np.nan, half).astype(
        np.result_type(common_dtype(z, 0), np.float16)
    )


@COMPOSED.implements(np.isreal)
def _isreal(x: Any) -> Any:
    return np.ones(np.shape(x), bool)


@COMPOSED.implements(np.iscomplex)
def _iscomplex(x: Any) -> Any:
    return np.zeros(np.shape(x), bool)


@COMPOSED.implements(np.isclose)
def _isclose(
    a: Any, b: Any, rtol: float = 1e-5, atol: float = 1e-8, equal_nan: bool = False
) -> Any:
    # Floats, because NumPy cannot subtract booleans, and unsigned differences wrap around.
    b = of_dtype(b, common_dtype(b, 1.0)) if hasattr(b, "dtype") else b * 1.0
    near = (a == b) | ((np.abs(a - b) <= atol + rtol * np.abs(b)) & np.isfinite(b))
    return near | (np.isnan(a) & np.isnan(b)) if equal_nan else near


@COMPOSED.implements(np.allclose)
def _allclose(
    a: Any, b: Any, rtol: float = 1e-5, atol: float = 1e-8, equal_nan: bool = False
) -> Any:
    return np.all(np.isclose(a, b, rtol=rtol, atol=atol, equal_nan=equal_nan))


@COMPOSED.implements(np.array_equal)
def _array_equal(a1: Any, a2: Any, equal_nan: bool = False) -> Any:
    if np.shape(a1) != np.shape(a2):
        return False
    same = np.equal(a1, a2)
    return np.all(same | (np.not_equal(a1, a1) & np.not_equal(a2, a2)) if equal_nan else same)


@COMPOSED.implements(np.array_equiv)
def _array_equiv(a1: Any, a2: Any) -> Any:
    try:
        np.broadcast_shapes(np.shape(a1), np.shape(a2))
    except ValueError:
        return False
    return np.all(np.equal(a1, a2))


@COMPOSED.implements(np.round, np.around)
def _round(a: Any, decimals: int = 0) -> Any:
    is_int = a.dtype.kind in "iu"
    if is_int and decimals >= 0:
        return a
    if decimals == 0:
        return np.rint(a)
    scale = 10.0 ** abs(decimals)
    if decimals > 0:
        return np.rint(a * scale) / scale
    rounded = np.rint(a / scale) * scale
    return of_dtype(rounded, a.dtype) if is_int else rounded


@COMPOSED.implements(np.meshgrid)
def _meshgrid(*xi: Any, indexing: str = "xy", sparse: bool = False, copy: bool = True) -> Any:
    rank = len(xi)
    grids = [
        np.reshape(x, [-1 if d == position else 1 for d in range(rank)])
        for position, x in enumerate(xi)
    ]
    if not sparse:
        sizes = tuple(np.size(x) for x in xi)
        grids = [np.broadcast_to(grid, sizes) for grid in grids]
    if indexing == "xy" and rank > 1:
        grids = [np.swapaxes(grid, 0, 1) for grid in grids]
    return tuple(grids)


@COMPOSED.implements(np.empty_like)
def _empty_like(prototype: Any, dtype: Any = None) -> Any:
    return np.zeros_like(prototype, dtype)


@COMPOSED.implements(np.broadcast_arrays)
def _broadcast_arrays(*args: Any, subok: bool = False) -> tuple[Any, ...]:
    shape = np.broadcast_shapes(*map(np.shape, args))
    return tuple(np.broadcast_to(x, shape) for x in args)


@COMPOSED.implements(np.kron)
def _kron(a: Any, b: Any) -> Any:
    rank = max(np.ndim(a), np.ndim(b))
    left, right = ((1,) * (rank - np.ndim(x)) + np.shape(x) for x in (a, b))
    a = np.reshape(a, [size for n in left for size in (n, 1)])
    b = np.reshape(b, [size for n in right for size in (1, n)])
    return np.reshape(a * b, tuple(n * m for n, m in zip(left, right, strict=True)))


@COMPOSED.implements(np.cross, np.linalg.cross)
def _cross(
    a: Any, b: Any, axisa: int = -1, axisb: int = -1, axisc: int = -1, axis: int | None = None
) -> Any:
    if axis is not None:
        axisa = axisb = axisc = axis
    a, b = np.moveaxis(a, axisa, -1), np.moveaxis(b, axisb, -1)
    if np.shape(a)[-1] != 3 or np.shape(b)[-1] != 3:
        raise ShapeError(
            "np.cross takes vectors of 3 entries, received shapes with "
            f"{np.shape(a)[-1]} and {np.shape(b)[-1]} along the axis"
        )
    parts = [a[..., i] * b[..., j] - a[..., j] * b[..., i] for i, j in ((1, 2), (2, 0), (0, 1))]
    return np.stack(parts, axis=axisc)


@COMPOSED.implements(np.flipud)
def _flipud(m: Any) -> Any:
    return np.flip(m, 0)


@COMPOSED.implements(np.fliplr)
def _fliplr(m: Any) -> Any:
    return np.flip(m, 1)


@COMPOSED.implements(np.rot90)
def _rot90(m: Any, k: int = 1, axes: tuple[int, int] = (0, 1)) -> Any:
    first, second = axes
    for _ in range(k % 4):
        m = np.swapaxes(np.flip(m, second), first, second)
    return m


@COMPOSED.implements(np.rollaxis)
def _rollaxis(a: Any, axis: int, start: int = 0) -> Any:
    return moved(np.rollaxis, a, axis, start)


@COMPOSED.implements(np.astype)
def _astype(x: Any, dtype: Any, /, *, copy: bool = True, device: Any = None) -> Any:
    return x.astype(dtype)
