"""A trained model and the data that are put before it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from chainrule.cli.problems import UsageError, warn
from chainrule.errors import DataError, FileError
from chainrule.validation import Array

if TYPE_CHECKING:
    from chainrule.sequential import Sequential
    from chainrule.tables import Table


def load(path: str) -> Sequential:
    """Return the model in a file.

    Raises
    ------
    FileError
        If it cannot be read.
    """
    from chainrule.sequential import load_model

    if not os.path.lexists(path):
        raise FileError(f"{path} does not exist; chainrule train DATA -o {path} writes a model")
    return load_model(path)


def open_model(path: str) -> Sequential:
    """Return a model that reads tables.

    Raises
    ------
    FileError
        If the file cannot be read, or holds a model without preprocessing, or of another width.
    """
    model = load(path)
    preprocessor = model.preprocessor
    if preprocessor is None:
        raise FileError(
            f"{path} holds no preprocessing, so the model cannot read tables; train it with "
            "chainrule train, or set its preprocessor before saving it"
        )
    classes = len(preprocessor.target.classes)
    outputs = {(None, classes or 1), (None, 1 if classes == 2 else classes or 1)}
    if not model.built or model.layers[0].input_shape != (None, preprocessor.width):
        raise FileError(f"{path}: the model does not take its preprocessing's features")
    if model.output_shape not in outputs:
        raise FileError(f"{path}: the model's outputs are not those of its target")
    return model


def open_data(model: Sequential, source: str, target: str | None = None) -> Table:
    """Return data as a model's training had them; extra columns are told of.

    Parameters
    ----------
    model : Sequential
    source : str
    target : str, optional
        The column of true values, if they are needed.

    Raises
    ------
    DataError
        If a column is missing or of another kind.
    UsageError
        If it is the target's.
    """
    from chainrule.preprocessing.values import Column
    from chainrule.tables import open_table

    preprocessor = model.preprocessor
    like = list(preprocessor.columns)
    if target is not None:
        like.append(Column(target, preprocessor.target.kind))
    table = open_table(source, like=like)
    columns = [column for column in table.columns if column.name != target]
    if target is not None and len(columns) == len(table.columns):
        raise UsageError(
            f"{source} has no column {target!r} to compare predictions with; name it with "
            f"--target, or use chainrule predict. Columns: {', '.join(c.name for c in columns)}"
        )
    try:
        notes = preprocessor.compare(columns)
    except DataError as error:
        raise DataError(f"{source}: {error}") from error
    for note in (*table.notes, *notes):
        warn(note)
    return table


def probabilities(model: Sequential, features: Array) -> Array:
    """Return the output for features, for classes a column each; shape (n, k), or (n, 1)."""
    output = model.predict_on_batch(features)
    if model.preprocessor.target.classes and output.shape[1] == 1:
        return np.hstack([1 - output, output])
    return output


def tell_unseen(model: Sequential) -> None:
    """Say which values training did not have."""
    for name, count in model.preprocessor.unseen.items():
        values = "value" if count == 1 else "values"
        warn(f"column {name!r}: {count:,} {values} that training did not have")


def labelled_chunks(model: Sequential, table: Table, target: str) -> Iterator[tuple[Array, Array]]:
    """Yield features and encoded targets of the rows that have one, and nothing of others."""
    from chainrule.preprocessing.values import missing

    preprocessor, start = model.preprocessor, 0
    for chunk in table.chunks(columns=[*(c.name for c in preprocessor.columns), target]):
        here = np.flatnonzero(~missing(chunk[target]))
        rows, start = here + start, start + len(chunk[target])
        whole = len(here) == len(chunk[target])
        kept = chunk if whole else {n: values[here] for n, values in chunk.items()}
        if len(here):
            yield preprocessor.transform(kept), preprocessor.target.encode(kept[target], rows)
