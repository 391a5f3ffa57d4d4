"""From Arrow's arrays to columns. pyarrow loads here, when a CSV or Parquet file is opened."""

from __future__ import annotations

import importlib
from typing import Any

import numpy as np

from chainrule.errors import MissingDependencyError
from chainrule.preprocessing.values import MISSING, clean_text
from chainrule.validation import Array


def pyarrow(part: str = "") -> Any:
    """Return pyarrow, or a part of it such as ``"csv"``.

    Raises
    ------
    MissingDependencyError
        If it is not installed.
    """
    try:
        return importlib.import_module(f"pyarrow.{part}" if part else "pyarrow")
    except ImportError as error:
        raise MissingDependencyError(
            "CSV and Parquet files need pyarrow: pip install 'chainrule[data]'"
        ) from error


def numbers(array: Any) -> Array:
    """Return numbers or booleans as float64, NaN for missing."""
    compute, pa = pyarrow("compute"), pyarrow()
    floats = compute.cast(array, pa.float64(), safe=False)
    return np.array(floats.to_numpy(zero_copy_only=False), dtype=np.float64)


def texts(array: Any) -> Array:
    """Return text as objects, None for missing; equal texts are one object."""
    encoded = array if hasattr(array, "dictionary") else array.dictionary_encode()
    names = [clean_text(text) for text in encoded.dictionary.to_pylist()] + [None]
    codes = encoded.indices.fill_null(len(names) - 1).to_numpy(zero_copy_only=False)
    found: Array = np.array(names, dtype=object)[codes]
    return found


def parsed(array: Any, decimal: str = ".") -> Any:
    """Return text as Arrow's float64, nulls for missing; None if it is not all numbers."""
    compute, pa = pyarrow("compute"), pyarrow()
    try:
        return compute.cast(array, pa.float64())
    except pa.ArrowInvalid:
        tidy = compute.utf8_trim_whitespace(array)
    if decimal != ".":
        tidy = compute.replace_substring(tidy, decimal, ".")
    gaps = compute.is_in(tidy, value_set=pa.array(sorted(MISSING)))
    try:
        return compute.cast(compute.if_else(gaps, None, tidy), pa.float64())
    except pa.ArrowInvalid:
        return None


def first_text(array: Any, decimal: str = ".") -> int:
    """Return the index of the first value that is no number, of which there is one."""
    low, high = 0, len(array)
    while high - low > 1:
        middle = (low + high) // 2
        fine = parsed(array.slice(low, middle - low), decimal) is not None
        low, high = (middle, high) if fine else (low, middle)
    return low
