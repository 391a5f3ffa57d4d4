"""Covariances, correlations, and running sums that ignore NaN."""

from __future__ import annotations

from typing import Any

import numpy as np

from chainrule._src.core.elementwise import of_dtype
from chainrule._src.core.primitive import Family
from chainrule._src.core.weak import common_dtype
from chainrule._src.ops.joining import stacked

STATISTICS = Family()


@STATISTICS.implements(np.cov)
def _cov(
    m: Any, y: Any = None, rowvar: bool = True, bias: bool = False, ddof: int | None = None,
    fweights: Any = None, aweights: Any = None, *, dtype: Any = None,
) -> Any:  # fmt: skip
    parts = [stacked(x) for x in (m, y) if x is not None]
    dtype = common_dtype(*parts, np.empty(0)) if dtype is None else dtype
    rows = [_as_rows(of_dtype(x, dtype), rowvar) for x in parts]
    x = np.concatenate(rows) if len(rows) > 1 else rows[0]
    ddof = int(not bias) if ddof is None else ddof
    weights, count = _weights(fweights, aweights, np.shape(x)[1], ddof)
    centred = x - np.expand_dims(np.average(x, axis=1, weights=weights), 1)
    weighted = centred if weights is None else centred * weights
    return np.squeeze(centred @ weighted.T / count)


def _as_rows(x: Any, rowvar: bool) -> Any:
    """Return a matrix with one row for each variable."""
    return np.atleast_2d(x) if rowvar or np.ndim(x) < 2 else x.T


def _weights(fweights: Any, aweights: Any, size: int, ddof: int) -> tuple[Any, Any]:
    """Return the weights of the samples, or None, and the number that their sum is divided by."""
    if fweights is None and aweights is None:
        return None, max(size - ddof, 0)
    weights: Any = 1.0
    for each in (fweights, aweights):
        weights = weights if each is None else weights * stacked(each)
    total = np.sum(weights)
    lost: Any = ddof
    if ddof and aweights is not None:
        lost = ddof * np.sum(weights * stacked(aweights)) / total
    return weights, total - lost


@STATISTICS.implements(np.corrcoef)
def _corrcoef(x: Any, y: Any = None, rowvar: bool = True, *, dtype: Any = None) -> Any:
    c = np.cov(x, y, rowvar, dtype=dtype)
    if not np.ndim(c):
        return c / c
    spread = np.sqrt(np.diag(c))
    return np.clip(c / np.expand_dims(spread, 1) / spread, -1, 1)


@STATISTICS.implements(np.nancumsum)
def _nancumsum(a: Any, axis: int | None = None, dtype: Any = None) -> Any:
    return np.cumsum(np.where(np.isnan(a), 0, a), axis=axis, dtype=dtype)


@STATISTICS.implements(np.nancumprod)
def _nancumprod(a: Any, axis: int | None = None, dtype: Any = None) -> Any:
    return np.cumprod(np.where(np.isnan(a), 1, a), axis=axis, dtype=dtype)


def _cumulative(function: Any, neutral: int) -> Any:
    def cumulative(
        x: Any, /, *, axis: int | None = None, dtype: Any = None, include_initial: bool = False
    ) -> Any:
        if axis is None:
            if np.ndim(x) != 1:
                raise ValueError(f"np.{function.__name__} of several axes needs axis=")
            axis = 0
        result = function(x, axis=axis, dtype=dtype)
        if not include_initial:
            return result
        shape = list(np.shape(result))
        shape[axis] = 1
        return np.concatenate([np.full(shape, neutral, result.dtype), result], axis=axis)

    return cumulative


if hasattr(np, "cumulative_sum"):  # since NumPy 2.1
    STATISTICS.lead(np.cumulative_sum, _cumulative(np.cumsum, 0))
    STATISTICS.lead(np.cumulative_prod, _cumulative(np.cumprod, 1))
