"""Apply a trained model to other data: open, predict and score."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np

from chainrule._src.base.arrays import Array
from chainrule._src.base.errors import DataError, FileError, OptionError, listed
from chainrule._src.data.preprocessing.digests import KnownRows
from chainrule._src.data.preprocessing.values import (
    Chunk,
    Column,
    missing,
    quote,
    quoted,
    time_texts,
)
from chainrule._src.data.tables import Table, open_table
from chainrule._src.data.tables.arrow import numbers, pyarrow
from chainrule._src.nn.sequential import Sequential, load_model
from chainrule._src.tabular.recipes.scores import Scores, new_scores

# Maximum numbers of features, of probabilities and of rows per chunk.
FEATURES, CELLS, CHUNK = 2**24, 2**20, 2**14


def load(path: str) -> Sequential:
    """Load the model in a file.

    Raises
    ------
    FileError
        If the file cannot be read.
    """
    if not os.path.lexists(path):
        raise FileError(f"{path} does not exist; chainrule train DATA -o {path} writes a model")
    return load_model(path)


def open_model(path: str, threshold: float | None = None) -> Sequential:
    """Load a model that has a preprocessor for tables.

    Parameters
    ----------
    path : str
    threshold : float, optional
        With two classes, the probability above which the second is predicted; by default the
        model's threshold.

    Raises
    ------
    OptionError
        If the threshold is not between 0 and 1.
    FileError
        If the file cannot be read, or holds a model without preprocessing or with another number
        of features.
    """
    model = load(path)
    preprocessor = model.preprocessor
    if preprocessor is None:
        raise FileError(
            f"{path} holds no preprocessing, so the model cannot read tables; train it with "
            "chainrule train, or set its preprocessor before saving it"
        )
    expected = preprocessor.target.outputs
    outputs = {(None, expected), (None, 1 if len(preprocessor.target.classes) == 2 else expected)}
    if not model.built or model.layers[0].input_shape != (None, preprocessor.width):
        raise FileError(f"{path}: the model does not take its preprocessing's features")
    if model.output_shape not in outputs:
        raise FileError(f"{path}: the model's outputs are not those of its target")
    if threshold is not None:
        if not 0 < threshold < 1:
            raise OptionError("threshold", f"must lie between 0 and 1, received {threshold:g}")
        preprocessor.set_threshold(threshold)
    return model


def open_data(
    model: Sequential,
    source: Any,
    target: str | None = None,
    *,
    ids: Iterable[str] = (),
    encoding: str = "utf-8",
) -> tuple[Table, list[str]]:
    """Open data with the columns of a model's training; return the table and notes.

    Parameters
    ----------
    model : Sequential
    source : str, path or frame
    target : str, optional
        The column of true values, if there is one.
    ids : iterable of str
        Columns that are copied to the output, as texts if training did not use them.
    encoding : str, default "utf-8"

    Raises
    ------
    DataError
        If a column is missing or of another kind.
    OptionError
        If a column of ``ids`` is missing, or the target is missing or one of the model's features.
    """
    preprocessor = model.preprocessor
    like = list(preprocessor.columns)
    if target in {column.name for column in like}:
        raise OptionError(
            "target",
            f"{target!r} is what the model learns from; it predicts {preprocessor.target.name!r}: "
            "name the column that holds its true values",
        )
    if target is not None:
        like.append(replace(preprocessor.target_column, name=target))
    used = {column.name for column in like}
    like += [Column(name, "category") for name in ids if name not in used]
    table = open_table(source, like=like, encoding=encoding)
    columns = [column for column in table.columns if column.name != target]
    names = {column.name for column in columns}
    for name in ids:
        if name not in names:
            raise OptionError(
                "id", f"{table.name} has no column {name!r} of numbers, texts or times"
            )
    if target is not None and len(columns) == len(table.columns):
        raise OptionError(
            "target",
            f"{source} has no column {target!r} to compare predictions with; name another, or "
            f"predict only. Columns: {listed(c.name for c in columns)}",
        )
    try:
        notes = preprocessor.compare(columns)
    except DataError as error:
        raise DataError(f"{source}: {error}") from error
    carried = f"not looked at, as training did not have them: {quoted(ids)}"
    unread = set(map(quote, names - used - {*ids}))
    table_notes = [note for note in table.notes if _named(note) not in unread]
    return table, [*table_notes, *(note for note in notes if note != carried)]


def _named(note: str) -> str:
    """Return the quoted name of the column that a note is about."""
    match = re.match(r"column ('.*?'|\".*?\")(?=[ :])", note)
    return "" if match is None else match[1]


def probabilities(model: Sequential, features: Array) -> Array:
    """Return the output for features: a column per class, shape (n, k), or (n, 1)."""
    output = model.predict(features)  # in batches that stay in the cache
    if model.preprocessor.target.classes and output.shape[1] == 1:
        return np.hstack([1 - output, output])
    return output


def unseen(model: Sequential) -> list[str]:
    """Return notes on values that training did not have."""
    notes: list[str] = model.preprocessor.unseen_notes()
    return notes


def _chunk_rows(preprocessor: Any) -> int:
    """Return the number of rows per chunk."""
    probabilities = len(preprocessor.target.classes) + 1
    most: int = FEATURES // preprocessor.width
    return max(1, min(CHUNK, CELLS // probabilities, most))


def labelled_chunks(model: Sequential, table: Table, target: str) -> Iterator[tuple[Array, Array]]:
    """Yield features and encoded targets of the rows whose target is not missing."""
    preprocessor, start = model.preprocessor, 0
    names, size = [*(c.name for c in preprocessor.columns), target], _chunk_rows(preprocessor)
    for chunk in table.chunks(size, names):
        labelled = np.flatnonzero(~missing(chunk[target]))
        rows, start = labelled + start, start + len(chunk[target])
        is_complete = len(labelled) == len(chunk[target])
        part = chunk if is_complete else {n: values[labelled] for n, values in chunk.items()}
        if len(labelled):
            yield preprocessor.transform(part), preprocessor.target.encode(part[target], rows)


def score(
    model: Sequential,
    table: Table,
    target: str,
    report: Callable[[int], Any] = lambda rows: None,
    known_rows: KnownRows | None = None,
) -> Scores:
    """Return the scores of a model's predictions for a table, in one pass.

    Parameters
    ----------
    model : Sequential
    table : Table
    target : str
        The column of true values.
    report : callable
        Called with the number of rows of every chunk, after it is scored.
    known_rows : KnownRows, optional
        Counts the rows that the model was trained on.

    Raises
    ------
    DataError
        If no row has a true value, or one is of a class that training did not have.
    """
    scores = new_scores(model.preprocessor.target)
    for features, y in labelled_chunks(model, table, target):
        scores.add(y, probabilities(model, features))
        if known_rows is not None:
            known_rows.add(features, y)
        report(len(y))
    if not scores.rows:
        raise DataError(f"{table.name}: no row has a value of {target!r}")
    return scores


def output_names(model: Sequential, every_class: bool) -> list[str]:
    """Return the names of the columns that `predictions` adds to the copied columns."""
    target = model.preprocessor.target
    ends = ["low", "high"] if target.interval else []
    if target.classes and every_class:
        return ["prediction", *ends, *(f"probability of {name}" for name in target.classes)]
    return ["prediction", *ends, *(["probability"] if target.classes else [])]


def predictions(
    model: Sequential,
    table: Table,
    every_class: bool,
    report: Callable[[int], Any],
    ids: Iterable[str] = (),
) -> Iterator[Chunk]:
    """Yield predictions as columns, in chunks of some thousands of rows.

    The columns are ``prediction`` and, for classes, ``probability``, that of the prediction; or
    ``probability of A`` and so on, for every class. For a quantity with an interval, ``low`` and
    ``high`` follow.

    Parameters
    ----------
    model : Sequential
    table : Table
    every_class : bool
    report : callable
        Called with the number of rows of every chunk, after it is consumed.
    ids : iterable of str
        Columns that are copied to the front in the types of the source: the texts of a CSV file,
        Arrow's arrays of a Parquet file. `as_texts` converts them to texts.
    """
    target, ids = model.preprocessor.target, list(dict.fromkeys(ids))
    names = output_names(model, every_class)
    rows = _chunk_rows(model.preprocessor)
    take = _stored(table, ids, rows)
    for chunk in table.chunks(rows, [*(c.name for c in model.preprocessor.columns), *ids]):
        output = probabilities(model, model.preprocessor.transform(chunk))
        columns = [_decoded(target, output)]
        if target.interval:
            columns.extend(map(target.decode, target.bounds(output)))
        if target.classes and every_class:
            columns.extend(output.T)
        elif target.classes:
            columns.append(output[np.arange(len(output)), target.codes(output)])
        yield {**take(chunk, len(output)), **dict(zip(names, columns, strict=True))}
        report(len(output))


def _stored(table: Table, names: list[str], rows: int) -> Callable[[Chunk, int], Chunk]:
    """Return a function of a chunk and its length that returns the chunk's copied columns.

    The columns have the types of the source; they come from the chunk itself if the source stores
    the same values.
    """
    batches = table.stored(rows, names) if names else None
    if batches is None:
        return lambda chunk, count: {name: _carried(chunk[name]) for name in names}
    pa, batches_ahead = pyarrow(), list[Any]()

    def take(chunk: Chunk, count: int) -> Chunk:
        while sum(map(len, batches_ahead)) < count:
            batch = next(batches, None)
            if batch is None:
                raise DataError(f"{table.name} changed while it was read; try again")
            batches_ahead.append(batch)
        table_ahead = pa.Table.from_batches(batches_ahead)
        batches_ahead[:] = table_ahead.slice(count).to_batches()
        rows_now = table_ahead.slice(0, count)
        return {name: rows_now.column(i).combine_chunks() for i, name in enumerate(names)}

    return take


def _carried(values: Array) -> Array:
    """Prepare a column for writing: whole numbers become integers, times become texts."""
    if values.dtype.kind == "M":
        values = time_texts(values)
    if values.dtype == object:
        return np.array(["" if value is None else value for value in values], dtype=object)
    is_integer = np.isfinite(values).all() and (values == np.trunc(values)).all()
    return (
        values.astype(np.int64) if is_integer and np.abs(values).max(initial=0) < 2**53 else values
    )


def as_texts(values: Any) -> Array:
    """Convert a copied column to texts, with all digits; missing values become empty."""
    if isinstance(values, np.ndarray):
        texts = ["" if value != value else str(value) for value in values.tolist()]
    else:
        texts = _arrow_texts(values).to_pylist()
    return np.array(texts, dtype=object)


def _arrow_texts(values: Any) -> Any:
    compute, pa, types = pyarrow("compute"), pyarrow(), pyarrow("types")
    if types.is_dictionary(values.type):
        values = values.dictionary_decode()
    if types.is_duration(values.type):
        values = pa.array(numbers(values))
    if types.is_floating(values.type):
        values = compute.if_else(compute.is_nan(values), None, values)
    texts = compute.cast(values, pa.string())
    if types.is_temporal(values.type):  # without zeros behind the seconds
        texts = compute.replace_substring_regex(texts, r"\.0+([-+Z].*)?$", r"\1")
    return compute.fill_null(texts, "")


def _decoded(target: Any, output: Array) -> Array:
    """Decode predictions to names of classes or numbers."""
    decoded: Array = target.decode(output)
    if not target.classes or target.kind == "category":
        return decoded
    integers = np.array([int(name) for name in decoded])
    return integers.astype(np.float64) if integers.dtype == object else integers
