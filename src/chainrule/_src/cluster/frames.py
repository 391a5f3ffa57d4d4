"""Conversion of frames, of pandas or partitions of Dask's, to arrays of numbers."""

from __future__ import annotations

from typing import Any

import numpy as np

from chainrule._src.base.arrays import Array
from chainrule._src.base.errors import DataError
from chainrule._src.cluster.categories import Categories, is_text, one_hot


def values(part: Any, categories: Categories = ()) -> Array:
    """Return a frame, a series or an array as an array; missing numbers are NaN.

    A column with ``categories`` becomes a feature for each. For columns of mixed dtypes, and for
    pandas's own dtypes, NumPy alone would return objects.

    Raises
    ------
    DataError
        If a column of a frame holds no numbers.
    """
    if categories and hasattr(part, "columns"):
        encoded = dict(categories)
        blocks = [
            one_hot(part[name], encoded[name]) if name in encoded else values(part[[name]])
            for name in part.columns
        ]
        return np.concatenate(blocks, axis=1)
    array = np.asarray(part)
    if array.dtype != object or not hasattr(part, "iloc"):
        return array
    if not hasattr(part, "columns"):
        return array if part.dtype.kind not in "biuf" else _numbers(part)
    columns = [part.iloc[:, number] for number in range(part.shape[1])]
    for name, column in zip(part.columns, columns, strict=True):
        if column.dtype.kind not in "biuf":
            raise DataError(
                f"fit: columns to learn from must be numbers or booleans; {name!r} holds "
                f"{column.dtype}. Leave it out, or make numbers of it, such as "
                "dask.dataframe.get_dummies(x.categorize())"
            )
    return np.stack([_numbers(column) for column in columns], axis=1)


def _numbers(column: Any) -> Array:
    """Return a column of numbers or booleans as an array; missing entries are NaN."""
    if column.isna().any():
        array: Array = column.to_numpy(np.float64, na_value=np.nan)
        return array
    return np.asarray(column, getattr(column.dtype, "numpy_dtype", column.dtype))


def text_columns(x: Any) -> tuple[Any, ...]:
    """Return the names of a frame's columns that hold texts or categories."""
    like = getattr(x, "_meta", x)
    if not hasattr(like, "iloc") or not hasattr(like, "columns"):
        return ()
    return tuple(name for name in like.columns if is_text(like[name]))


def names_of(x: Any) -> tuple[Any, ...]:
    """Return the names of a frame's columns; ``()`` for anything else."""
    return tuple(getattr(x, "columns", ()))


def of_column(X: Any, names: tuple[Any, ...]) -> str:
    """Return the end of an error message that names the column of the first non-finite entry."""
    if X.ndim != 2 or X.dtype.kind != "f" or X.shape[1] != len(names):
        return ""
    bad = np.argwhere(~np.isfinite(X))
    return f" (column {names[bad[0, 1]]!r}; a missing value is NaN here)" if len(bad) else ""
