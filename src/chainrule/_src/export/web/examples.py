"""Samples inside a page: examples to look at, and the data that it trains on."""

from __future__ import annotations

from typing import Any

import numpy as np

from chainrule._src.base.arrays import Array
from chainrule._src.base.errors import DataError
from chainrule._src.data.datasets import load_digits
from chainrule._src.data.preprocessing.columns import OneHot
from chainrule._src.data.preprocessing.fitting import as_kind
from chainrule._src.data.preprocessing.ranks import Ranks
from chainrule._src.data.preprocessing.steps import Step
from chainrule._src.data.preprocessing.values import column_values
from chainrule._src.export.in_use import InUse
from chainrule._src.export.web.inputs import Part, number_part
from chainrule._src.nn.network.compiled import Compiled
from chainrule._src.nn.network.inputs import check_labels_fit, checked_data, checked_x

SHOWN = 24  # examples in a page that does not train
LEVELS = 256  # that a byte tells apart
KNOWN = 0.6  # share of the digits that a network recognises if its input has this scale


def checked_examples(examples: Any, used: InUse, training: bool) -> tuple[Any, Any] | None:
    """Return examples as ``(X, y)`` with checked shapes; y may be None.

    X is an array, or a dict of columns. Without examples, they are the digits if the model
    recognises these.
    """
    if examples is None:
        return None if used.steps else _digits(used.model)
    if not isinstance(examples, tuple | list) or len(examples) != 2:
        raise DataError("export: examples must be a pair (X, y); y may be None in a page that does "
                        "not train")  # fmt: skip
    X, y = examples
    if training and y is None:
        raise DataError("export: examples=(X, y) needs y in a page that trains")
    if used.steps:
        return _table(X, y, used)
    model = used.model
    X = checked_x(X, model.layers, "export")
    if y is None:
        return _floats(X, model), None
    X, y = checked_data(X, y, None, None, model.loss, "export")
    check_labels_fit(y, model.network.last.output_shape[-1] or 1, model.loss, "export")
    return _floats(X, model), y


def _floats(X: Any, model: Compiled) -> Any:
    return X.astype(model.dtype) if X.dtype.kind == "f" else X


def _table(X: Any, y: Any, used: InUse) -> tuple[dict[str, Array], Any]:
    """Return the columns as the numbers that the page's kernels take."""
    absent = [step.name for step in used.steps if step.name not in X]
    if absent:
        raise DataError(f"export: examples have no column {absent[0]!r}")
    columns = {step.name: column_values(X[step.name], step.name, "export") for step in used.steps}
    coded = {step.name: _coded(step, as_kind(columns[step.name], step)) for step in used.steps}
    target, usable = used.preprocessor.target, np.ones(len(next(iter(coded.values()))), bool)
    if y is not None:
        is_quantity = target.task == "regression"
        y = column_values(y, target.name, "export") if is_quantity else target.encode(y)
    lengths = {len(column) for column in (*coded.values(), *(() if y is None else (y,)))}
    if lengths != {len(usable)} or not len(usable):
        raise DataError("export: the examples' columns and y must hold equally many rows")
    for step in used.steps:
        if isinstance(step, OneHot | Ranks):
            usable &= coded[step.name] >= 0
    return {name: column[usable] for name, column in coded.items()}, y if y is None else y[usable]


def _coded(step: Step, values: Array) -> Array:
    """Return a column as numbers; -1 marks a text that the page cannot represent."""
    if isinstance(step, OneHot | Ranks):
        other = len(step.categories) if step.other else -1
        return np.array([step.codes.get(value, other) for value in values.tolist()], np.int32)
    if values.dtype.kind == "M":
        return values.astype(np.int64)
    return values


def _digits(model: Compiled) -> tuple[Array, Array] | None:
    """Return scikit-learn's digits on the scale that the model was trained with, if any."""
    shape, outputs = model.network.first.input_shape[1:], model.network.last.output_shape
    if shape not in ((64,), (8, 8), (8, 8, 1)) or outputs[1:] != (10,):
        return None
    digits = load_digits()
    ink = digits.images.reshape(-1, 64)
    versions = [ink / 16, ink, (ink - digits.mean) / digits.scale]
    samples = [each.astype(model.dtype).reshape(-1, *shape) for each in versions]
    shares = [np.mean(np.argmax(model.predict(X, verbose=0), 1) == digits.target) for X in samples]
    best = int(np.argmax(shares))
    return (samples[best], digits.target) if shares[best] >= KNOWN else None


def with_examples(
    parts: list[Part], X: Any, names: list[str] | None
) -> tuple[list[Part], dict[str, Array]]:
    """Return the parts with ranges and typical values of data, and those that are arrays."""
    if isinstance(X, dict):
        if len(parts) == 1 and parts[0].get("names"):  # pixels by column
            return parts, {}
        return [_seen(part, X[part["name"]]) for part in parts], {}
    if parts[0]["kind"] == "number":
        columns = X.reshape(len(X), -1).T
        named = names if names is not None and len(names) == len(parts) else None
        return [
            _seen(part | ({"name": named[i]} if named else {}), columns[i])
            for i, part in enumerate(parts)
        ], {}
    flat = X.reshape(len(X), -1)
    low, high = flat.min(0), flat.max(0)
    if parts[0]["kind"] == "sequence" or np.ptp(low) == 0:  # every pixel is blank in some picture
        low, high = np.full_like(low, low.min()), np.full_like(high, high.max())
    arrays = {"low": low, "high": high, "typical": flat.mean(0)}
    return parts, {name: array.astype(np.float32) for name, array in arrays.items()}


def _seen(part: Part, values: Array) -> Part:
    """Return a part of a table with the range and the typical value of data."""
    if part["kind"] == "category":
        counts = np.bincount(values[values >= 0], minlength=1)
        return part | {"typical": int(np.argmax(counts))}
    if part["kind"] == "time":
        return part | {"typical": int(np.median(values[values > np.iinfo(np.int64).min]))}
    if part["kind"] != "number":
        return part
    present = values[~np.isnan(values)].astype(np.float64)
    if not len(present) or not np.ptp(present):
        return part
    integers = bool((present == np.trunc(present)).all())
    ends = float(present.min()), float(present.max())
    more = number_part(float(np.median(present)), float(present.std()), *ends, integers)
    return part | more


def example_arrays(X: Any, y: Any, training: bool) -> dict[str, Array]:
    """Return the samples for a page, by their names in its content."""
    count = slice(None if training else SHOWN)
    if isinstance(X, dict):
        arrays = {f"X/{name}": column[count] for name, column in X.items()}
    else:
        arrays = _short(X[count].reshape(len(X[count]), -1))
    return arrays if y is None else {**arrays, "y": y[count]}


def _short(X: Array) -> dict[str, Array]:
    """Return an array as codes of a byte and their levels, for each column, if that is shorter.

    Pixels have few levels, also where each is standardised.
    """
    levels = [np.unique(X)]
    if len(levels[0]) > LEVELS:
        levels = [np.unique(column) for column in X.T]
    most = max(map(len, levels))
    if most > LEVELS or 2 * most * len(levels) > X.size:
        return {"X/": X}
    table = np.stack([np.resize(each, most) for each in levels])
    columns = X.T if len(levels) > 1 else [X]
    codes = [np.searchsorted(each, values) for each, values in zip(levels, columns, strict=True)]
    return {"levels": table, "codes": np.stack(codes, -1).reshape(X.shape).astype(np.uint8)}
