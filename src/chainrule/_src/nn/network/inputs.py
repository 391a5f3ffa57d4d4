"""Checks of a model's input: samples, targets, weights."""

from __future__ import annotations

import os
import warnings
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from chainrule._src.base.arrays import as_numbers
from chainrule._src.base.errors import DataError, OutOfRangeError, ShapeError
from chainrule._src.base.packed import is_read_by_rows
from chainrule._src.base.validation import check_finite, check_number
from chainrule._src.compile.running.engines import rows_in
from chainrule._src.core.trees import leaves, map_leaves
from chainrule._src.data.preprocessing.splitting import boundary_of_last
from chainrule._src.nn import activations
from chainrule._src.nn.layers.given import ranked
from chainrule._src.nn.layers.layer import Layer
from chainrule._src.nn.losses import SparseCategoricalCrossentropy
from chainrule._src.nn.network.outputs import AddedLosses
from chainrule._src.ops.index import IN_RANGE

Data = tuple[Any, ...]


def comes_in_parts(x: Any) -> bool:
    """Return true if ``x`` is a file, several files, a folder or a Dask collection."""
    return isinstance(x, str | os.PathLike) or hasattr(x, "__dask_graph__") or are_paths(x)


def are_paths(x: Any) -> bool:
    """Return true if ``x`` is a list of texts or paths, which may be several files."""
    return bool(isinstance(x, list | tuple) and x) and all(
        isinstance(part, str | os.PathLike) for part in x
    )


def checked_x(x: Any, layers: Sequence[Layer], where: str) -> Any:
    """Return samples as an array that fits a model's first layer, without reading rows on disk."""
    first = layers[0] if layers else None
    if x is None:
        raise DataError(f"{where}: x is missing; give an array with a sample a row")
    x = _alone(x, 2)
    array = x if is_read_by_rows(x) else as_numbers(x, "x", where)
    if first is not None and first.built and array.ndim > 0:
        array = ranked(array, first.input_shape)
    if array.ndim < 2 - _takes_numbers(first) or len(array) == 0:
        hint = "; give x[np.newaxis] for one sample" if array.ndim == 1 else ""
        raise ShapeError(
            f"{where}: x must hold a sample a row, at least one, received shape {array.shape}{hint}"
        )
    if first is not None and first.built:
        try:
            first.check_fit(array.shape)
        except ShapeError as error:
            raise ShapeError(f"{where}: {error}") from None
    _check_finite(array, "x", where)
    if first is not None and not is_read_by_rows(array):
        first.check(array)
    return array


def _takes_numbers(first: Layer | None) -> bool:
    """Return true if a sample may be one number: a word for `Embedding`, or for a `call`."""
    return first is None or first.integers or (first.built and len(first.input_shape) == 1)


def checked_data(
    X: Any, y: Any, weight: Any, class_weight: Any, loss: Any, where: str
) -> Data:  # fmt: skip
    """Return ``(x, y)`` or ``(x, y, weight)`` as arrays of equally many rows; x is checked."""
    y = _alone(y, 1)
    if y is None and isinstance(loss, AddedLosses):
        y = np.zeros(rows_in(X), np.float32)
    if y is None:
        raise DataError(f"{where}: y is missing; give the targets, one a sample")
    try:
        Y = y if isinstance(y, np.memmap) else as_numbers(y, "y", where)
    except DataError as error:
        raise DataError(
            f"{error}; number classes with np.unique(y, return_inverse=True)[1]"
        ) from error
    if Y.ndim == 0 or len(Y) != rows_in(X):
        raise ShapeError(
            f"{where}: x and y must hold equally many samples, received shapes "
            f"{' and '.join(str(part.shape) for _, part in leaves((X, Y)))}"
        )
    _check_finite(Y, "y", where)
    if isinstance(loss, SparseCategoricalCrossentropy):
        Y = _as_integers(Y, where)
    W = sample_weights(Y, weight, class_weight, where)
    return (X, Y) if W is None else (X, Y, W)


def _alone(x: Any, axes: int) -> Any:
    """Return the array of a list that holds one array, as Keras takes a model's one input."""
    is_one = type(x) in (list, tuple) and len(x) == 1 and isinstance(x[0], np.ndarray)
    return x[0] if is_one and x[0].ndim >= axes else x


def sample_weights(y: Any, weight: Any, class_weight: Any, where: str) -> Any:
    """Return a weight for every sample, or None."""
    if weight is not None:
        weight = as_numbers(weight, "sample_weight", where).astype(np.float64)
        if weight.ndim == 2 and weight.shape[1] == 1:
            weight = weight[:, 0]
        if weight.ndim == 0 or weight.shape != y.shape[: weight.ndim]:
            raise ShapeError(
                f"{where}: sample_weight must have a number a sample, shape ({len(y)},), or one a "
                f"step, received {weight.shape}"
            )
        if not (np.isfinite(weight).all() and (weight >= 0).all()):
            raise DataError(f"{where}: sample_weight must be finite and at least 0")
    if class_weight is None:
        return weight
    weights = _of_classes(y, class_weight, where)
    return weights if weight is None else weight * weights


def _of_classes(y: Any, class_weight: Any, where: str) -> Any:
    if not isinstance(class_weight, Mapping):
        raise DataError(
            f"{where}: class_weight must be a dict from class to weight, received {class_weight!r}"
        )
    is_one_hot = y.ndim > 1 and y.shape[-1] > 1
    if y.ndim > 2 or (is_one_hot and not ((y == 0) | (y == 1)).all()):
        raise DataError(
            f"{where}: class_weight needs a class a sample, a number or a one-hot row, received y "
            f"of shape {y.shape}; give sample_weight"
        )
    labels = np.argmax(y, axis=-1) if is_one_hot else np.ravel(y)
    weights = np.ones(len(labels))
    for label, weight in class_weight.items():
        if isinstance(label, bool) or not isinstance(label, int | np.integer):
            raise DataError(f"{where}: class_weight has the class {label!r}, which is no number")
        weights[labels == label] = check_number(weight, f"class_weight[{label}]", where)
    return weights


def _as_integers(y: Any, where: str) -> Any:
    """Return labels as integers."""
    if y.dtype.kind == "f":
        labels = np.asarray(y).astype(np.int64)
        if not np.array_equal(labels, y):
            raise DataError(f"{where}: labels must be whole numbers, received {y.ravel()[:3]} …")
        return labels
    return y


def _check_finite(array: Any, name: str, where: str) -> None:
    """Raise an error for NaN or infinity in an array; rows on disk are not read."""
    if array.dtype.kind == "f" and not is_read_by_rows(array):
        check_finite(array, name, where)


def split(data: Data, share: float, where: str) -> tuple[Data, Data]:
    """Split data into the first samples and a share of the last ones for validation, as Keras."""
    boundary = boundary_of_last(rows_in(data), share, where)
    first, last = slice(boundary), slice(boundary, None)
    return map_leaves(lambda part: part[first], data), map_leaves(lambda part: part[last], data)


def check_labels_fit(y: Any, outputs: int, loss: Any, where: str) -> None:
    """Raise an error for class numbers without an output."""
    if not isinstance(loss, SparseCategoricalCrossentropy) or isinstance(y, np.memmap):
        return
    ignored = getattr(loss, "ignore_class", None)
    labels = y if ignored is None else np.where(y == ignored, 0, y)
    units = "one output" if outputs == 1 else f"{outputs} outputs"
    what = f"{where}: labels, for the {units} of the last layer,"
    try:
        IN_RANGE(labels, size=outputs, what=what)
    except OutOfRangeError as error:
        advice = (
            "one output with two classes takes binary_crossentropy" if outputs == 1
            else f"number classes from 0, or give the last layer {int(np.max(labels)) + 1} units"
        )  # fmt: skip
        raise OutOfRangeError(error.message, error.row, advice) from None


def warn_of_last(layer: Any, outputs: int, loss: Any) -> None:
    """Warn of a last layer whose activation does not go with the loss."""
    activation, from_logits = getattr(layer, "activation", None), getattr(loss, "from_logits", None)
    message = None
    if outputs == 1 and activation is activations.softmax:
        message = (
            f"the softmax of one unit ({layer.name}) is 1 for every sample, so that nothing is "
            "learned; for two classes use activation='sigmoid' with binary_crossentropy"
        )
    elif from_logits and activation in (activations.softmax, activations.sigmoid):
        message = (
            f"{loss.name} has from_logits=True, but {layer.name} gives probabilities; leave out "
            "from_logits=True, or the activation"
        )
    if message:
        warnings.warn(message, stacklevel=5)
