"""NumPy functions written in terms of other NumPy functions, so they need no gradient rule."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from chainrule._src.base.errors import ShapeError, TraceError
from chainrule._src.core.elementwise import WHERE, of_dtype
from chainrule._src.core.primitive import Family
from chainrule._src.core.weak import common_dtype
from chainrule._src.ops.axes import axis_of
from chainrule._src.ops.joining import stacked
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


@COMPOSED.implements(np.logaddexp2)
def _logaddexp2(a: Any, b: Any) -> Any:
    kinds = (type(x) if type(x) in (int, float) else common_dtype(x) for x in (a, b))
    dtype = np.logaddexp2.resolve_dtypes((*kinds, None))[-1]
    wide = np.result_type(dtype, np.float32)
    a, b = (of_dtype(x, wide) if hasattr(x, "dtype") else x for x in (a, b))
    result = np.logaddexp(a * math.log(2), b * math.log(2)) / math.log(2)
    return of_dtype(result, dtype)


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


@COMPOSED.implements(np.select)
def _select(condlist: Sequence[Any], choicelist: Sequence[Any], default: Any = 0) -> Any:
    if len(condlist) != len(choicelist) or not condlist:
        raise ShapeError(
            "np.select takes as many conditions as choices, at least one, received "
            f"{len(condlist)} and {len(choicelist)}"
        )
    chosen, dtype = default, common_dtype(*choicelist, default)
    for condition, choice in list(zip(condlist, choicelist, strict=True))[::-1]:
        chosen = of_dtype(np.where(condition, choice, chosen), dtype)
    return chosen


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


@COMPOSED.implements(np.polyval)
def _polyval(p: Any, x: Any) -> Any:
    p = stacked(p) if isinstance(p, list | tuple) else p
    y: Any = np.zeros_like(x)
    for coefficient in p:
        y = y * x + coefficient
    return y


@COMPOSED.implements(np.trapezoid)
def _trapezoid(y: Any, x: Any = None, dx: Any = 1.0, axis: int = -1) -> Any:
    if np.ndim(x) == 1:
        x = np.reshape(x, (-1,) + (1,) * (np.ndim(y) - 1 - axis % np.ndim(y)))
    width = dx if x is None else np.diff(x, axis=axis if np.ndim(x) == np.ndim(y) else 0)
    return np.sum(width * (_part(y, axis, 1, None) + _part(y, axis, None, -1)) / 2, axis=axis)


@COMPOSED.implements(np.convolve)
def _convolve(a: Any, v: Any, mode: str = "full") -> Any:
    a, v = np.atleast_1d(a), np.atleast_1d(v)
    if np.size(v) > np.size(a):
        a, v = v, a
    size = np.size(v)
    around = {"full": (size - 1, size - 1), "same": (size // 2, (size - 1) // 2), "valid": (0, 0)}
    windows = np.lib.stride_tricks.sliding_window_view(np.pad(a, around[mode]), size)
    return windows @ np.flip(v)


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


@COMPOSED.implements(np.linspace)
def _linspace(
    start: Any, stop: Any, num: int = 50, endpoint: bool = True, retstep: bool = False,
    *, axis: int = 0,
) -> Any:  # fmt: skip
    dtype = common_dtype(start, stop, 1.0)
    start, stop = (of_dtype(x, dtype) if hasattr(x, "dtype") else x for x in (start, stop))
    parts = num - 1 if endpoint else num
    span = stop - start
    step = span / parts if parts > 0 else span * np.nan
    shares = np.arange(num) / max(parts, 1)
    shares = np.reshape(shares, (num,) + (1,) * np.ndim(span)).astype(span.dtype)
    points = start + shares * span
    if axis != 0:
        points = np.moveaxis(points, 0, axis)
    return (points, step) if retstep else points


@COMPOSED.implements(np.diff)
def _diff(a: Any, n: int = 1, axis: int = -1, prepend: Any = None, append: Any = None) -> Any:
    if n and (prepend is not None or append is not None):
        parts = [_along(prepend, a, axis), a, _along(append, a, axis)]
        a = np.concatenate([part for part in parts if part is not None], axis=axis)
    for _ in range(n):
        later, before = _part(a, axis, 1, None), _part(a, axis, None, -1)
        a = later != before if a.dtype.kind == "b" else later - before
    return a


def _part(a: Any, axis: int, start: int | None, stop: int | None, step: int | None = None) -> Any:
    """Return the entries of a slice along an axis."""
    return a[(*(slice(None),) * axis_of(axis, a), slice(start, stop, step))]


def _along(value: Any, a: Any, axis: int) -> Any:
    """Return a single number as one more entry along an axis; arrays unchanged."""
    if value is None or np.ndim(value):
        return value
    shape = list(np.shape(a))
    shape[axis] = 1
    return np.broadcast_to(value, tuple(shape))


@COMPOSED.implements(np.gradient)
def _gradient(f: Any, *varargs: Any, axis: Any = None, edge_order: int = 1) -> Any:
    ndim = np.ndim(f)
    axes = np.lib.array_utils.normalize_axis_tuple(range(ndim) if axis is None else axis, ndim)
    spacings = varargs * len(axes) if len(varargs) == 1 else varargs or (1.0,) * len(axes)
    if len(spacings) != len(axes):
        raise ShapeError(
            f"np.gradient takes one spacing, or one for each of {len(axes)} axes, received "
            f"{len(varargs)}"
        )
    if any(np.ndim(spacing) for spacing in spacings):
        raise TraceError("np.gradient of a tensor takes one number as spacing, no coordinates")
    f = of_dtype(f, np.float64) if f.dtype.kind in "iu" else f
    slopes = [_slope(f, h, d, edge_order) for d, h in zip(axes, spacings, strict=True)]
    return slopes[0] if len(slopes) == 1 else tuple(slopes)


def _slope(f: Any, h: Any, axis: int, edge_order: int) -> Any:
    """Return central differences along an axis, with one-sided differences at both ends."""
    if np.shape(f)[axis] < edge_order + 1:
        raise ShapeError(
            f"np.gradient needs at least {edge_order + 1} entries along an axis, received "
            f"{np.shape(f)[axis]}"
        )
    inside = (_part(f, axis, 2, None) - _part(f, axis, None, -2)) / (2 * h)
    if edge_order == 1:
        first = (_part(f, axis, 1, 2) - _part(f, axis, 0, 1)) / h
        last = (_part(f, axis, -1, None) - _part(f, axis, -2, -1)) / h
    else:
        a, b, c = (_part(f, axis, i, i + 1) for i in range(3))
        first = (-3 * a + 4 * b - c) / (2 * h)
        size = np.shape(f)[axis]
        a, b, c = (_part(f, axis, size - i, size - i + 1) for i in (1, 2, 3))
        last = (3 * a - 4 * b + c) / (2 * h)
    return np.concatenate([first, inside, last], axis=axis)


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
