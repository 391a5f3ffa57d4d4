"""Columns of text and of categories as features of 0 and 1."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from chainrule._src.base.arrays import Array
from chainrule._src.base.errors import DataError
from chainrule._src.data.preprocessing.targets import natural_order
from chainrule._src.data.tables.arrow import pyarrow

Categories = tuple[tuple[Any, tuple[str, ...]], ...]
"""Pairs of a column's name and its categories, in the order of the features."""
MOST = 1000  # categories of a column


def is_text(column: Any) -> bool:
    """Return true if a column of pandas, or a type of Arrow, holds texts or categories."""
    if hasattr(column, "dtype"):
        return bool(column.dtype.kind == "O")
    types = pyarrow("types")
    return bool(
        types.is_dictionary(column) or types.is_string(column) or types.is_large_string(column)
    )


def distinct(column: Any) -> set[str]:
    """Return the distinct texts of a column; missing ones are left out."""
    return {*_texts(column).unique().to_pylist()} - {None}


def merged(parts: Iterable[Mapping[Any, set[str]]]) -> Categories:
    """Return the categories of all parts.

    Raises
    ------
    DataError
        If a column has none, or more than `MOST`.
    """
    by_name: dict[Any, set[str]] = {}
    for part in parts:
        for name, texts in part.items():
            by_name.setdefault(name, set()).update(texts)
    for name, texts in by_name.items():
        if not 0 < len(texts) <= MOST:
            raise DataError(
                f"fit: column {name!r} holds {len(texts):,} different texts; columns of categories "
                f"may have 1 to {MOST:,}. Leave it out"
            )
    return tuple((n, tuple(sorted(texts, key=natural_order))) for n, texts in by_name.items())


def one_hot(column: Any, categories: tuple[str, ...]) -> Array:
    """Return a feature a category, shape (n, k); of a missing or new text all are 0."""
    pa, compute = pyarrow(), pyarrow("compute")
    indices = compute.index_in(_texts(column), value_set=pa.array(categories, pa.large_string()))
    codes = compute.fill_null(indices, -1).to_numpy(zero_copy_only=False)
    features = np.zeros((len(codes), len(categories)), np.float32)
    rows = np.flatnonzero(codes >= 0)
    features[rows, codes[rows]] = 1
    return features


def _texts(column: Any) -> Any:
    """Return a column of pandas or Arrow as an array of Arrow's texts; missing ones are null."""
    pa = pyarrow()
    if hasattr(column, "dtype"):
        if column.dtype == object:  # of values of any types
            column = column.map(str, na_action="ignore")
        column = pa.Array.from_pandas(column)
    if pa.types.is_dictionary(column.type):
        column = column.dictionary_decode()
    return pyarrow("compute").cast(column, pa.large_string())
