"""Operations that order entries: sort, partition, quantile, median."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from chainrule._src.base.errors import DataError, TraceError
from chainrule._src.core.elementwise import of_dtype
from chainrule._src.core.kernel import SortedOrder
from chainrule._src.core.primitive import Family, Traced
from chainrule._src.core.weak import common_dtype
from chainrule._src.ops.reduce import one_axis

ORDERING = Family()
ARGSORT = ORDERING.add(
    "argsort",
    lambda x, axis: np.argsort(x, axis, kind="stable"),
    None,
    'np.argsort(_0, axis=axis, kind="stable")',
    kernel=SortedOrder(),
)
ARGPARTITION = ORDERING.add(
    "argpartition",
    lambda x, kth, axis: np.argpartition(x, kth, axis=axis),
    None,
    "np.argpartition(_0, kth, axis=axis)",
    kernel=None,
)


# Any kind of sorting algorithm gives the same entries; equal ones may differ in their order.
@ORDERING.implements(np.argsort)
def _argsort(a: Any, axis: int | None = -1, kind: Any = None, *, stable: bool | None = None) -> Any:
    a, axis = one_axis(a, axis)
    return ARGSORT(a, axis=axis)


@ORDERING.implements(np.sort)
def _sort(a: Any, axis: int | None = -1, kind: Any = None, *, stable: bool | None = None) -> Any:
    a, axis = (np.ravel(a), 0) if axis is None else (a, axis)
    return np.take_along_axis(a, np.argsort(a, axis=axis), axis=axis)


@ORDERING.implements(np.argpartition)
def _argpartition(a: Any, kth: Any, axis: int | None = -1) -> Any:
    a, axis = one_axis(a, axis)
    return ARGPARTITION(a, kth=kth, axis=axis)


@ORDERING.implements(np.partition)
def _partition(a: Any, kth: Any, axis: int | None = -1) -> Any:
    a, axis = (np.ravel(a), 0) if axis is None else (a, axis)
    return np.take_along_axis(a, np.argpartition(a, kth, axis=axis), axis=axis)


# Quantiles between two entries: the weight of the upper entry, from the fraction of the way.
_METHODS: dict[str, Any] = {
    "linear": lambda share: share,
    "lower": lambda share: 0.0,
    "higher": lambda share: 1.0 * (share > 0),
    "midpoint": lambda share: 0.5 * (share > 0),
}


@ORDERING.implements(np.quantile)
def _quantile(
    a: Any, q: Any, axis: Any = None, *, method: str = "linear", keepdims: bool = False
) -> Any:
    return _quantiles(_between, a, q, axis, method, keepdims)


def _quantiles(
    between: Callable[..., Any], a: Any, q: Any, axis: Any, method: str, keepdims: bool
) -> Any:
    """Return quantiles; ``between`` computes one from sorted entries along the last axis."""
    if isinstance(q, Traced):
        raise TraceError("np.quantile: q must be plain numbers; no gradient flows to it")
    if method not in _METHODS:
        raise TraceError(
            f"np.quantile of a tensor takes method {', '.join(_METHODS)}; received {method!r}"
        )
    shares = np.asarray(q, np.float64)
    if not ((shares >= 0) & (shares <= 1)).all():
        raise DataError(f"np.quantile: q must be from 0 to 1, received {q}")
    axes = np.lib.array_utils.normalize_axis_tuple(
        range(np.ndim(a)) if axis is None else axis, np.ndim(a)
    )
    others = [d for d in range(np.ndim(a)) if d not in axes]
    free = [np.shape(a)[d] for d in others]
    size = math.prod(np.shape(a)[d] for d in axes)
    if method not in ("lower", "higher") and a.dtype.kind != "b":
        # The dtype of a list or array takes part in type promotion, as in NumPy.
        by = q if type(q) is float else np.asarray(q)
        a = of_dtype(a, common_dtype(a, by)) if common_dtype(by).kind == "f" else a
    ordered = np.sort(np.reshape(np.transpose(a, (*others, *axes)), (*free, size)), axis=-1)
    result = np.reshape(
        np.stack([between(ordered, float(s), method) for s in shares.ravel()]),
        (*shares.shape, *free),
    )
    return np.expand_dims(result, tuple(d + shares.ndim for d in axes)) if keepdims else result


def _between(ordered: Any, share: float, method: str) -> Any:
    """Return the quantile of sorted entries along the last axis.

    NaN if there is no entry, or if an entry is NaN.
    """
    last = np.shape(ordered)[-1] - 1
    if last < 0:
        return np.sum(ordered, axis=-1) * np.nan
    below = int(share * last)
    upper = _METHODS[method](share * last - below)
    entry = ordered[..., below]
    if upper:
        entry = entry + (ordered[..., below + 1] - entry) * upper
    if ordered.dtype.kind != "f":
        return entry
    return np.where(np.isnan(ordered[..., last]), np.nan, entry)


def _between_numbers(ordered: Any, share: float, method: str) -> Any:
    """Return the quantile of sorted entries along the last axis, without those that are NaN."""
    if ordered.dtype.kind != "f" or not np.shape(ordered)[-1]:
        return _between(ordered, share, method)
    last = np.maximum(np.sum(~np.isnan(ordered), axis=-1, keepdims=True) - 1, 0)
    position = share * last
    below = np.floor(position)
    upper = of_dtype(_METHODS[method](position - below) + 0 * position, ordered.dtype)
    lower_entry, upper_entry = (
        np.take_along_axis(ordered, i.astype(int), axis=-1)
        for i in (below, np.minimum(below + 1, last))
    )
    return (lower_entry + (upper_entry - lower_entry) * upper)[..., 0]


@ORDERING.implements(np.nanquantile)
def _nanquantile(
    a: Any, q: Any, axis: Any = None, *, method: str = "linear", keepdims: bool = False
) -> Any:
    return _quantiles(_between_numbers, a, q, axis, method, keepdims)


def _of_hundred(quantile: Any) -> Any:
    """Return percentiles of a function of quantiles."""

    def percentile(
        a: Any, q: Any, axis: Any = None, *, method: str = "linear", keepdims: bool = False
    ) -> Any:
        plain = isinstance(q, Traced) or type(q) in (int, float)
        share = q / 100 if plain else np.true_divide(q, 100)
        return quantile(a, share, axis=axis, method=method, keepdims=keepdims)

    return percentile


ORDERING.lead(np.percentile, _of_hundred(np.quantile))
ORDERING.lead(np.nanpercentile, _of_hundred(np.nanquantile))


def _half(quantile: Any) -> Any:
    """Return medians of a function of quantiles."""

    def median(a: Any, axis: Any = None, *, keepdims: bool = False) -> Any:
        a = of_dtype(a, np.float64) if a.dtype.kind == "b" else a
        return quantile(a, 0.5, axis=axis, keepdims=keepdims)

    return median


ORDERING.lead(np.median, _half(np.quantile))
ORDERING.lead(np.nanmedian, _half(np.nanquantile))
