"""Convert frames, and arrays of any types, to the matrix that a network trains on."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any, Self

import numpy as np
from sklearn.utils.validation import validate_data

from chainrule._src.base.arrays import Array
from chainrule._src.base.errors import DataError
from chainrule._src.data.preprocessing import Preprocessor
from chainrule._src.data.preprocessing.values import as_array, is_categorical, is_missing

TARGET = "(target)"  # a preprocessor needs a target; its values do not matter here
FEWEST = 2  # samples to learn from


class Frames:
    """Encoder of frames of pandas, Polars or PyArrow, and of arrays.

    Attributes
    ----------
    preprocessor : Preprocessor
        The preprocessing of each column.
    """

    def __init__(self) -> None:
        self.preprocessor = Preprocessor(task="regression")
        self.names: list[str] = []
        self._named = False

    def fit(self, X: Any) -> Self:
        """Learn the preprocessing of each column."""
        columns = columns_of(X)
        self.names = list(columns)
        self._named = is_frame(X) and all(isinstance(name, str) for name in names_of(X))
        rows = len(next(iter(columns.values()), ()))
        self.preprocessor.fit([{**columns, TARGET: np.arange(rows, dtype=float)}], TARGET)
        return self

    def transform(self, X: Any) -> Array:
        """Return the features as a float32 matrix."""
        columns = columns_of(X)
        if not is_frame(X):
            columns = dict(zip(self.names, columns.values(), strict=True))
        return self.preprocessor.transform(columns)

    def tell(self, model: Any) -> None:
        """Set a model's attributes ``n_features_in_`` and ``feature_names_in_``."""
        model.n_features_in_ = len(self.names)
        if self._named:
            model.feature_names_in_ = np.array(self.names, dtype=object)


def is_frame(X: Any) -> bool:
    """Return true if samples have columns with names."""
    return hasattr(X, "columns")


def checked(model: Any, X: Any, reset: bool) -> Any:
    """Return samples: a frame unchanged, anything else as an array validated by scikit-learn.

    ``reset`` is true if ``model`` is going to learn from the samples.

    Raises
    ------
    ValueError, TypeError
        As for other estimators of scikit-learn.
    DataError
        If a frame has too few rows, or is lazy and has not been collected.
    """
    fewest = FEWEST if reset else 1
    if hasattr(X, "collect") and not hasattr(X, "__len__"):
        raise DataError(f"X is a {type(X).__name__}, which has no rows yet; give X.collect()")
    if is_frame(X):
        if reset:
            validate_data(model, X, skip_check_array=True)  # refuses names of mixed types
        _check_rows(model, X, fewest)
        return X
    if isinstance(X, list | tuple) and np.asarray(X, object).ndim == 2:
        plain = np.asarray(X)
        X = np.asarray(X, object) if plain.dtype.kind in "US" else plain  # numbers stay numbers
    X = validate_data(model, X, reset=reset, dtype=None, ensure_all_finite="allow-nan")
    _check_rows(model, X, fewest)
    return X


def _check_rows(model: Any, X: Any, fewest: int) -> None:
    if len(X) < fewest:
        raise DataError(f"n_samples = {len(X)}: {type(model).__name__} needs {fewest} at least")


def columns_of(X: Any) -> dict[str, Any]:
    """Return columns by name; the columns of an array are named ``x0``, ``x1`` and so on.

    Examples
    --------
    >>> columns_of([[1, "a"], [2, None]])
    {'x0': [1, 2], 'x1': ['a', None]}
    """
    if not hasattr(X, "columns"):
        if isinstance(X, np.ndarray) and X.dtype != object:
            return {f"x{j}": column for j, column in enumerate(X.T)}
        return {f"x{j}": _present(column) for j, column in enumerate(zip(*X, strict=True))}
    names = names_of(X)
    texts = [str(name) for name in names]
    if not texts:
        raise DataError("X has no columns")
    (text, times), *_ = Counter(texts).most_common(1)
    if times > 1:
        raise DataError(f"X has {times} columns of the name {text!r}; give each its own")
    return {text: _values(X[name]) for text, name in zip(texts, names, strict=True)}


def names_of(X: Any) -> list[Any]:
    """Return the names of a frame's columns, of any type."""
    return list(X.column_names if hasattr(X, "column_names") else X.columns)


def _values(column: Any) -> Any:
    """Return a column's values: numbers as an array, others as a list with None for missing."""
    if is_categorical(column):
        return as_array(column)
    if hasattr(column, "to_pylist"):  # PyArrow
        return column.to_pylist()
    values = column.to_numpy()
    return values if values.dtype != object else _present(values.tolist())


def _present(values: Iterable[Any]) -> list[Any]:
    return [None if is_missing(value) else value for value in values]
