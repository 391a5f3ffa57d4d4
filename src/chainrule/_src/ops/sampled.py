"""Functions of samples: sums, differences, slopes, products of neighbours, interpolation."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from chainrule._src.base.errors import ShapeError, TraceError
from chainrule._src.core.elementwise import of_dtype
from chainrule._src.core.primitive import Family
from chainrule._src.core.weak import common_dtype
from chainrule._src.ops.joining import as_array, stacked
from chainrule._src.ops.selecting import part as _part

SAMPLED = Family()


@SAMPLED.implements(np.trapezoid)
def _trapezoid(y: Any, x: Any = None, dx: Any = 1.0, axis: int = -1) -> Any:
    if np.ndim(x) == 1:
        x = np.reshape(x, (-1,) + (1,) * (np.ndim(y) - 1 - axis % np.ndim(y)))
    width = dx if x is None else np.diff(x, axis=axis if np.ndim(x) == np.ndim(y) else 0)
    return np.sum(width * (_part(y, axis, 1, None) + _part(y, axis, None, -1)) / 2, axis=axis)


@SAMPLED.implements(np.convolve)
def _convolve(a: Any, v: Any, mode: str = "full") -> Any:
    a, v = np.atleast_1d(a), np.atleast_1d(v)
    if np.size(v) > np.size(a):
        a, v = v, a
    size = np.size(v)
    around = {"full": (size - 1, size - 1), "same": (size // 2, (size - 1) // 2), "valid": (0, 0)}
    windows = np.lib.stride_tricks.sliding_window_view(np.pad(a, around[mode]), size)
    return windows @ np.flip(v)


@SAMPLED.implements(np.linspace)
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


@SAMPLED.implements(np.diff)
def _diff(a: Any, n: int = 1, axis: int = -1, prepend: Any = None, append: Any = None) -> Any:
    if n and (prepend is not None or append is not None):
        parts = [_along(prepend, a, axis), a, _along(append, a, axis)]
        a = np.concatenate([part for part in parts if part is not None], axis=axis)
    for _ in range(n):
        later, before = _part(a, axis, 1, None), _part(a, axis, None, -1)
        a = later != before if a.dtype.kind == "b" else later - before
    return a


def _along(value: Any, a: Any, axis: int) -> Any:
    """Return a single number as one more entry along an axis; arrays unchanged."""
    if value is None or np.ndim(value):
        return value
    shape = list(np.shape(a))
    shape[axis] = 1
    return np.broadcast_to(value, tuple(shape))


@SAMPLED.implements(np.gradient)
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


@SAMPLED.implements(np.correlate)
def _correlate(a: Any, v: Any, mode: Any = "valid") -> Any:
    a, v = np.atleast_1d(stacked(a)), np.atleast_1d(stacked(v))
    if np.size(v) > np.size(a):
        return np.flip(np.correlate(v, a, mode))
    return np.convolve(a, np.flip(v), mode)


@SAMPLED.implements(np.ediff1d)
def _ediff1d(ary: Any, to_end: Any = None, to_begin: Any = None) -> Any:
    steps = np.diff(np.ravel(ary))
    ends = [None if x is None else np.ravel(stacked(x)) for x in (to_begin, to_end)]
    pieces = [x for x in (ends[0], steps, ends[1]) if x is not None]
    return of_dtype(np.concatenate(pieces), steps.dtype)


@SAMPLED.implements(np.geomspace)
def _geomspace(
    start: Any, stop: Any, num: int = 50, endpoint: bool = True, dtype: Any = None, axis: int = 0
) -> Any:
    dtype = common_dtype(start, stop, np.zeros(1)) if dtype is None else np.dtype(dtype)
    start, stop = (of_dtype(as_array(x), np.float64) for x in (start, stop))
    share = np.reshape(
        np.linspace(0.0, 1.0, num, endpoint), (num,) + (1,) * np.ndim(np.add(start, stop))
    )
    points = start * (stop / start) ** share
    points = points if axis == 0 else np.moveaxis(points, 0, axis)
    return of_dtype(points, dtype)


@SAMPLED.implements(np.logspace)
def _logspace(
    start: Any, stop: Any, num: int = 50, endpoint: bool = True, base: Any = 10.0,
    dtype: Any = None, axis: int = 0,
) -> Any:  # fmt: skip
    powers = base ** np.linspace(start, stop, num, endpoint)
    powers = powers if axis == 0 else np.moveaxis(powers, 0, axis)
    return powers if dtype is None else powers.astype(dtype)


@SAMPLED.implements(np.interp)
def _interp(
    x: Any, xp: Any, fp: Any, left: Any = None, right: Any = None, period: Any = None
) -> Any:
    x, xp, fp = (of_dtype(as_array(a), np.float64) for a in (x, xp, fp))
    if np.ndim(xp) != 1 or np.shape(fp) != np.shape(xp) or not np.size(xp):
        raise ShapeError(
            "np.interp: xp and fp must have one axis of the same length, received shapes "
            f"{np.shape(xp)} and {np.shape(fp)}"
        )
    if period is not None:
        period = abs(period)
        x, xp, left, right = x % period, xp % period, None, None
        order = np.argsort(xp)
        xp, fp = (np.take_along_axis(a, order, 0) for a in (xp, fp))
        xp = np.concatenate([xp[-1:] - period, xp, xp[:1] + period])
        fp = np.concatenate([fp[-1:], fp, fp[:1]])
    first, last = fp[0], fp[-1]
    if np.size(xp) == 1:
        xp, fp = np.concatenate([xp, xp + 1]), np.concatenate([fp, fp])
    points = np.clip(np.ravel(x), xp[0], xp[-1])
    below = np.sum(np.expand_dims(points, 1) >= xp[1:-1], axis=1)
    rise, run, low, start = (
        np.take_along_axis(a, below, 0) for a in (np.diff(fp), np.diff(xp), fp, xp)
    )
    between = np.reshape(rise / run * (points - start) + low, np.shape(x))
    between = np.where(x < xp[0], first if left is None else left, between)
    return np.where(x > xp[-1], last if right is None else right, between)


@SAMPLED.implements(np.unwrap)
def _unwrap(p: Any, discont: Any = None, axis: int = -1, *, period: float = 2 * math.pi) -> Any:
    if not np.shape(p)[axis]:
        return p
    step = np.diff(p, axis=axis)
    half = period / 2
    turned = (step + half) % period - half
    turned = np.where((turned == -half) & (step > 0), half, turned)
    least = half if discont is None else max(discont, half)
    turns = np.where(np.abs(step) < least, 0, turned - step)
    others = _part(p, axis, 1, None) + np.cumsum(turns, axis=axis)
    return np.concatenate([_part(p, axis, None, 1), others], axis=axis)
