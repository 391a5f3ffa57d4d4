"""Reductions over axes: sum, mean, product, maximum, variance and more.

If several entries are the maximum (or minimum), they share the gradient equally. The slope of the
standard deviation of equal entries is 0.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from chainrule._src.base.errors import ShapeError, TraceError
from chainrule._src.core.elementwise import ASTYPE, of_dtype
from chainrule._src.core.forms import is_uniform, small
from chainrule._src.core.kernel import ArgExtremum, Composite, Kernel, Reduction, Scan
from chainrule._src.core.primitive import Family, Primitive, Rule
from chainrule._src.core.weak import common_dtype
from chainrule._src.ops.axes import axes_of, axis_of
from chainrule._src.ops.shape import BROADCAST_TO, EXPAND_DIMS

REDUCE = Family()
_add_reduce: Any = np.add.reduce


def _count(x: Any, axis: Any) -> int:
    if axis is None:
        return int(x.size)
    return math.prod([x.shape[a] for a in axes_of(axis, x.ndim)])


def _restore(g: Any, x: Any, axis: Any, keepdims: bool) -> Any:
    """Insert the axes of ``x`` that a reduction removed, each with size 1."""
    if keepdims or axis is None or x.ndim == 0:
        return g
    if axis == -1 or axis == x.ndim - 1:
        return EXPAND_DIMS(g, axis=-1)
    axes = axes_of(axis, x.ndim)
    if not axes:
        return g
    return EXPAND_DIMS(g, axis=axes if len(axes) > 1 else axes[0])


def _spread(g: Any, x: Any, axis: Any, keepdims: bool) -> Any:
    """Repeat the adjoint of a reduction over the entries of ``x`` that were reduced."""
    if x.shape == ():
        return g
    return BROADCAST_TO(_restore(g, x, axis, keepdims), shape=x.shape)


def _mean(x: Any, axis: Any, keepdims: bool) -> Any:
    if x.dtype.char not in "fd":
        return np.mean(x, axis=axis, keepdims=keepdims)
    # The same as np.mean, without the overhead of its Python code.
    total: Any = _add_reduce(x, axis=axis, keepdims=keepdims)
    return total / x.dtype.type(_count(x, axis))


def _share(g: Any, y: Any, x: Any, axis: Any, keepdims: bool) -> Any:
    hit = x == _restore(y, x, axis, keepdims)
    count = np.sum(hit, axis=axis, keepdims=True)
    g = _restore(g, x, axis, keepdims)
    return g * hit / ASTYPE(count, dtype=np.dtype(g.dtype).type)


def _prod(g: Any, y: Any, x: Any, axis: Any, keepdims: bool) -> Any:
    # The product of all other entries: exact for zeros, too, but of quadratic cost.
    axes = axes_of(axis, x.ndim)
    last = tuple(range(-len(axes), 0))
    moved = np.moveaxis(x, axes, last)
    size = _count(x, axis)
    flat = np.reshape(moved, (*moved.shape[: moved.ndim - len(axes)], size))
    others = np.where(np.eye(size, dtype=bool), 1, np.expand_dims(flat, -2))
    derivative = np.moveaxis(np.reshape(np.prod(others, axis=-1), moved.shape), last, axes)
    return _restore(g, x, axis, keepdims) * derivative


def _of_first_entries(value: Rule) -> Rule:
    """Return the form of a reduction: that of the first entries, repeated.

    Sums of masks and whole numbers are computed, since they may be used as counts.
    """

    def form(x: Any, axis: Any, keepdims: bool) -> Any:
        counts = x.dtype.kind != "f"
        if small([x]) or (counts and not is_uniform(x)):
            return value(x, axis=axis, keepdims=keepdims)
        axes = axes_of(axis, x.ndim)
        sizes = [1 if i in axes else size for i, size in enumerate(x.shape)]
        shape = [size for i, size in enumerate(sizes) if keepdims or i not in axes]
        part = [slice(None if counts and i in axes else 1) for i in range(x.ndim)]
        return np.broadcast_to(value(x[tuple(part)], axis=axis, keepdims=keepdims), shape)

    return form


def _sum(x: Any, axis: Any, keepdims: bool) -> Any:
    return _add_reduce(x, axis=axis, keepdims=keepdims)


SUM = REDUCE.add(
    "sum",
    _sum,
    (lambda g, y, x, axis, keepdims: _spread(g, x, axis, keepdims),),
    "np.sum(_0, axis=axis, keepdims=keepdims)",
    kernel=Reduction("_0 + _1", 0),
    form=_of_first_entries(_sum),
)


def _averaged(x: Any) -> Any:
    """Return the entries as a mean adds them: integers as float64, so that no sum overflows."""
    return x if common_dtype(x).kind == "f" else ASTYPE(x, dtype=np.float64)


MEAN = REDUCE.add(
    "mean",
    _mean,
    (lambda g, y, x, axis, keepdims: _spread(g / _count(x, axis), x, axis, keepdims),),
    "np.mean(_0, axis=axis, keepdims=keepdims)",
    kernel=Composite(
        lambda x, axis, keepdims: (
            np.sum(_averaged(x), axis=axis, keepdims=keepdims) / _count(x, axis)
        )
    ),
    form=_of_first_entries(_mean),
)


def _variance(x: Any, axis: Any, ddof: int, keepdims: bool) -> Any:
    centred = x - np.mean(x, axis=axis, keepdims=True)
    return np.sum(centred**2, axis=axis, keepdims=keepdims) / (_count(x, axis) - ddof)


def _over_freedom(number: int, x: Any, axis: Any, ddof: int) -> float:
    """Divide by the degrees of freedom; NaN if there are none, as for NumPy's variance."""
    freedom = _count(x, axis) - ddof
    return number / freedom if freedom > 0 else math.nan


def _plain(name: str, value: Any, rule: Any, kernel: Kernel) -> Primitive:
    rules = None if rule is None else (rule,)
    text = f"np.{name}(_0, axis=axis, keepdims=keepdims)"
    form = _of_first_entries(value) if isinstance(kernel, Reduction) else None
    return REDUCE.add(name, value, rules, text, kernel=kernel, form=form)


PROD = _plain("prod", np.prod, _prod, Reduction("_0 * _1", 1))
MAX = _plain("max", np.max, _share, Reduction("_1 if _0 < _1 or _1 != _1 else _0", -np.inf))
MIN = _plain("min", np.min, _share, Reduction("_1 if _0 > _1 or _1 != _1 else _0", np.inf))
VAR = REDUCE.add(
    "var",
    np.var,
    (
        lambda g, y, x, axis, ddof, keepdims: (
            _restore(g, x, axis, keepdims)
            * _over_freedom(2, x, axis, ddof)
            * (x - np.mean(x, axis=axis, keepdims=True))
        ),
    ),
    "np.var(_0, axis=axis, ddof=ddof, keepdims=keepdims)",
    kernel=Composite(_variance),
)
STD = REDUCE.add(
    "std",
    np.std,
    (
        lambda g, y, x, axis, ddof, keepdims: (
            _restore(g / np.where(y == 0, 1, y), x, axis, keepdims)
            * _over_freedom(1, x, axis, ddof)
            * (x - np.mean(x, axis=axis, keepdims=True))
        ),
    ),
    "np.std(_0, axis=axis, ddof=ddof, keepdims=keepdims)",
    kernel=Composite(lambda x, **how: np.sqrt(_variance(x, **how))),
)
CUMSUM = REDUCE.add(
    "cumsum",
    np.cumsum,
    (lambda g, y, x, axis: np.flip(np.cumsum(np.flip(g, axis), axis), axis),),
    "np.cumsum(_0, axis=axis)",
    kernel=Scan(),
)
ARGMAX = _plain("argmax", np.argmax, None, ArgExtremum("_1 > _0 or (_1 != _1 and _0 == _0)"))
ARGMIN = _plain("argmin", np.argmin, None, ArgExtremum("_1 < _0 or (_1 != _1 and _0 == _0)"))
ALL = _plain("all", np.all, None, Reduction("_0 and _1", True))
ANY = _plain("any", np.any, None, Reduction("_0 or _1", False))


_FOLDS: dict[Any, tuple[Primitive, Any, Any]] = {
    np.sum: (SUM, np.add, 0), np.prod: (PROD, np.multiply, 1), np.max: (MAX, np.maximum, None),
    np.min: (MIN, np.minimum, None), np.amax: (MAX, np.maximum, None),
    np.amin: (MIN, np.minimum, None), np.all: (ALL, None, True), np.any: (ANY, None, False),
}  # fmt: skip
"""NumPy function → primitive, the operation that it repeats, and its neutral element."""


def in_dtype(a: Any, dtype: Any) -> Any:
    """Return the entries in the dtype of a reduction, unless it is None."""
    return a if dtype is None else of_dtype(a, dtype)


def _beside(dtype: Any, start: Any) -> Any:
    """Return the start of a reduction in a form that does not change the dtype of the result."""
    if common_dtype(np.empty(0, dtype), start) == dtype:
        return start
    return of_dtype(start if hasattr(start, "dtype") else np.asarray(start), dtype)


def _fold(function: Any) -> Any:
    primitive, combine, neutral = _FOLDS[function]

    def reduce(
        a: Any, axis: Any = None, dtype: Any = None, *, keepdims: bool = False,
        initial: Any = None, where: Any = True,
    ) -> Any:  # fmt: skip
        a = in_dtype(a, dtype)
        if where is not True:
            if neutral is None and initial is None:
                raise TraceError(
                    f"np.{primitive.name} with where= needs initial=, the result where nothing is "
                    "chosen"
                )
            unchosen = _beside(common_dtype(a), initial) if neutral is None else neutral
            a = np.where(where, a, unchosen)
        if initial is None:
            return in_dtype(primitive(a, axis=axis, keepdims=bool(keepdims)), dtype)
        if _count(a, axis) == 0:  # no entries: the result is the start, in the result's shape
            nothing = SUM(a, axis=axis, keepdims=bool(keepdims))
            nothing = of_dtype(nothing, common_dtype(a)) if neutral is None else nothing
            return nothing + _beside(nothing.dtype, initial)
        result = in_dtype(primitive(a, axis=axis, keepdims=bool(keepdims)), dtype)
        return combine(result, _beside(result.dtype, initial))

    return reduce


for _function in _FOLDS:
    REDUCE.lead(_function, _fold(_function))


def _best(primitive: Primitive) -> Any:
    return lambda a, axis=None, *, keepdims=False: primitive(a, axis=axis, keepdims=bool(keepdims))


REDUCE.lead(np.argmax, _best(ARGMAX))
REDUCE.lead(np.argmin, _best(ARGMIN))


@REDUCE.implements(np.mean)
def _average_of(
    a: Any, axis: Any = None, dtype: Any = None, *, keepdims: bool = False, where: Any = True
) -> Any:
    a = in_dtype(a, dtype)
    if where is not True:
        total = np.sum(_averaged(a), axis=axis, keepdims=keepdims, where=where)
        return total / _chosen(a, where, axis, keepdims, total.dtype)
    if axis is not None and not np.ndim(a):  # only sums accept axes 0 and -1 of a single number
        np.lib.array_utils.normalize_axis_tuple(axis, 0, "np.mean")
    return MEAN(a, axis=axis, keepdims=bool(keepdims))


def _chosen(a: Any, where: Any, axis: Any, keepdims: bool, dtype: Any) -> Any:
    """Return the number of entries that ``where`` chooses, in the dtype of their sum."""
    chosen = np.broadcast_to(where, np.shape(a))
    return np.sum(chosen, axis=axis, keepdims=keepdims).astype(dtype)


def _spread_where(a: Any, axis: Any, ddof: int, keepdims: bool, where: Any) -> Any:
    """Return the variance of the entries that ``where`` chooses."""
    a = np.where(where, a, 0)  # other entries may be NaN, whose square has no gradient
    centred = a - np.mean(a, axis=axis, keepdims=True, where=where)
    squares = np.sum(centred**2, axis=axis, keepdims=keepdims, where=where)
    return squares / (_chosen(a, where, axis, keepdims, squares.dtype) - ddof)


@REDUCE.implements(np.var)
def _var(
    a: Any, axis: Any = None, dtype: Any = None, *, ddof: int = 0, keepdims: bool = False,
    where: Any = True,
) -> Any:  # fmt: skip
    a = in_dtype(a, dtype)
    if where is not True:
        return _spread_where(a, axis, ddof, keepdims, where)
    return VAR(a, axis=axis, ddof=ddof, keepdims=bool(keepdims))


@REDUCE.implements(np.std)
def _std(
    a: Any, axis: Any = None, dtype: Any = None, *, ddof: int = 0, keepdims: bool = False,
    where: Any = True,
) -> Any:  # fmt: skip
    a = in_dtype(a, dtype)
    if where is not True:
        return np.sqrt(_spread_where(a, axis, ddof, keepdims, where))
    return STD(a, axis=axis, ddof=ddof, keepdims=bool(keepdims))


def _numbers_alone(function: Any) -> Any:
    """Return a reduction that ignores NaN."""

    def reduce(a: Any, *args: Any, **options: Any) -> Any:
        if common_dtype(a).kind != "f":
            return function(a, *args, **options)
        return function(a, *args, where=~np.isnan(a), **options)

    return reduce


_FINITE: dict[Any, Any] = {
    np.nansum: np.sum, np.nanprod: np.prod, np.nanmean: np.mean, np.nanvar: np.var,
    np.nanstd: np.std,
}  # fmt: skip
for _function, _of_numbers in _FINITE.items():
    REDUCE.lead(_function, _numbers_alone(_of_numbers))


@REDUCE.implements(np.nanmax)
def _nanmax(a: Any, axis: Any = None, *, keepdims: bool = False) -> Any:
    if a.dtype.kind != "f" or not _count(a, axis):  # no entries: NumPy raises its error
        return np.max(a, axis=axis, keepdims=keepdims)
    largest = np.max(a, axis=axis, keepdims=keepdims, where=~np.isnan(a), initial=-np.inf)
    return np.where(np.all(np.isnan(a), axis=axis, keepdims=keepdims), np.nan, largest)


@REDUCE.implements(np.nanmin)
def _nanmin(a: Any, axis: Any = None, *, keepdims: bool = False) -> Any:
    if a.dtype.kind != "f" or not _count(a, axis):  # no entries: NumPy raises its error
        return np.min(a, axis=axis, keepdims=keepdims)
    smallest = np.min(a, axis=axis, keepdims=keepdims, where=~np.isnan(a), initial=np.inf)
    return np.where(np.all(np.isnan(a), axis=axis, keepdims=keepdims), np.nan, smallest)


@REDUCE.implements(np.count_nonzero)
def _count_nonzero(a: Any, axis: Any = None, *, keepdims: bool = False) -> Any:
    return np.sum(a != 0, axis=axis, keepdims=keepdims)


@REDUCE.implements(np.ptp)
def _ptp(a: Any, axis: Any = None, *, keepdims: bool = False) -> Any:
    return np.max(a, axis=axis, keepdims=keepdims) - np.min(a, axis=axis, keepdims=keepdims)


@REDUCE.implements(np.average)
def _average(
    a: Any, axis: Any = None, weights: Any = None, returned: bool = False, *, keepdims: bool = False
) -> Any:
    if weights is None:
        average, total = np.mean(a, axis=axis, keepdims=keepdims), _count(a, axis)
    else:
        if axis is not None:
            np.lib.array_utils.normalize_axis_tuple(axis, np.ndim(a), "np.average")
        weights = weights if hasattr(weights, "dtype") else np.asarray(weights)
        least = np.float16 if common_dtype(a).kind == "f" else np.float64
        weights = of_dtype(weights, np.result_type(common_dtype(a, weights), least))
        if np.shape(weights) == np.shape(a):
            total = np.sum(weights, axis=axis, keepdims=keepdims)
        elif isinstance(axis, int) and np.shape(weights) == (np.shape(a)[axis_of(axis, a)],):
            total = np.sum(weights)
            weights = np.reshape(weights, (-1,) + (1,) * (np.ndim(a) - 1 - axis_of(axis, a)))
        else:
            raise ShapeError(
                "np.average: weights must have the shape of the array or, with one axis, its "
                f"length, received shapes {np.shape(weights)} and {np.shape(a)}"
            )
        average = np.sum(a * weights, axis=axis, keepdims=keepdims) / total
    return (average, total + np.zeros_like(average)) if returned else average


@REDUCE.implements(np.cumsum)
def _cumsum(a: Any, axis: int | None = None, dtype: Any = None) -> Any:
    a, axis = one_axis(in_dtype(a, dtype), axis)
    return in_dtype(CUMSUM(a, axis=axis), dtype)


@REDUCE.implements(np.cumprod)
def _cumprod(a: Any, axis: int | None = None, dtype: Any = None) -> Any:
    # log n products, each of twice as many factors as the previous one. Nothing is divided, so the
    # gradient is also correct if factors are 0.
    a, axis = one_axis(in_dtype(a, dtype), axis)
    a = of_dtype(a, np.prod(np.ones(1, a.dtype), dtype=dtype).dtype)
    size, reach = np.shape(a)[axis], 1
    before = (slice(None),) * axis
    while reach < size:
        head, shifted = a[(*before, slice(reach))], a[(*before, slice(size - reach))]
        a = np.concatenate([head, a[(*before, slice(reach, None))] * shifted], axis=axis)
        reach *= 2
    return a


def one_axis(a: Any, axis: int | None) -> tuple[Any, int]:
    """Return the array and the axis to use; for None, the array as one axis, and axis 0."""
    if axis is None:
        return np.ravel(a), 0
    a = np.ravel(a) if np.ndim(a) == 0 else a
    return a, axis_of(axis, a)
