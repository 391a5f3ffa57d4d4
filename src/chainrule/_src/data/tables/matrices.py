"""Turn tables into training arrays, in memory or, if they do not fit, in a temporary file."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from chainrule._src.base.arrays import Array
from chainrule._src.base.errors import DataError
from chainrule._src.base.packed import PackedRows
from chainrule._src.base.showing import Shown
from chainrule._src.base.validation import check_number, lookup
from chainrule._src.compile.native import memory
from chainrule._src.data.preprocessing import OneHot, Preprocessor, Target, split_rows
from chainrule._src.data.preprocessing.splitting import part_of_rows
from chainrule._src.data.preprocessing.values import Column, missing
from chainrule._src.data.tables.table import Table

LARGE = 2**28  # bytes; a larger matrix is packed where that saves half of them
WHOLE = "validation_split=0 (--validation 0)"  # the setting for no hold-out


@dataclass(frozen=True, repr=False)
class TrainingData(Shown):
    """The features and targets of a table, split into training and validation rows.

    Parameters
    ----------
    X_train, y_train : ndarray of float32, shape (n, d); of int32 or float32, shape (n,)
        Features and encoded target of the training rows. Large features are `PackedRows` if most
        are of categories, and a `numpy.memmap` if they do not fit into memory.
    X_val, y_val : ndarray, shapes (m, d) and (m,)
        Those of the validation rows; m is 0 if there is no hold-out.
    preprocessor : Preprocessor
        Fitted on the rows of training alone.
    unlabelled : int
        Number of rows that were left out because their target is missing.
    notes : tuple of str
        Notes for the user on how columns were taken, and on what is odd in the data.

    Examples
    --------
    >>> from chainrule._src.data.tables import open_table
    >>> data = training_data(open_table("iris"), validation_split=0.5)
    >>> data.X_train.shape, data.y_val.shape, data.unlabelled
    ((75, 4), (75,), 0)
    """

    X_train: Array
    y_train: Array
    X_val: Array
    y_val: Array
    preprocessor: Preprocessor
    unlabelled: int
    notes: tuple[str, ...] = ()


def training_data(
    table: Table,
    target: str | None = None,
    *,
    columns: Iterable[str] | None = None,
    preprocessor: Preprocessor | None = None,
    validation_split: float = 0.2,
    fold: tuple[int, int] | None = None,
    seed: int | np.random.Generator | None = 0,
    memory: float = 0.5,
) -> TrainingData:
    """Split a table, fit its preprocessing, and convert it to arrays.

    The table is read three times: for the target, for the rows of training, and to fill the
    arrays.

    Parameters
    ----------
    table : Table
    target : str, optional
        The column to predict; by default the table's own target. Rows in which it is missing are
        left out.
    columns : iterable of str, optional
        Columns to learn from; by default all other columns.
    preprocessor : Preprocessor, optional
        A preprocessor with other settings than the default; it is fitted here.
    validation_split : float, default 0.2
        Share of the rows to validate on, drawn at random, the same share of each class.
    fold : tuple of int, optional
        ``(i, k)``: validate on the i-th of k parts, counted from 0, instead of a share.
    seed : int, Generator or None, default 0
        Seed of the random split.
    memory : float, default 0.5
        Largest share of the machine's memory that the features may take; larger ones go to a
        temporary file.

    Returns
    -------
    TrainingData

    Raises
    ------
    DataError, UnknownNameError
        If nothing can be learned from the table.

    Examples
    --------
    >>> from chainrule._src.data.tables import open_table
    >>> data = training_data(open_table("iris"))
    >>> data.X_train.shape, data.X_val.shape, data.preprocessor.target.classes
    ((120, 4), (30, 4), ('setosa', 'versicolor', 'virginica'))
    """
    preprocessor = Preprocessor() if preprocessor is None else preprocessor
    name = _target_name(table, target)
    values, labelled = _target_values(table, name)
    full_target = Target.learn(name, values[labelled], preprocessor.task)
    codes = full_target.encode(values[labelled]) if full_target.classes else None
    groups = len(labelled) if codes is None else codes
    if fold is None:
        is_val = split_rows(groups, validation_split, seed, WHOLE)
    else:
        is_val = part_of_rows(groups, *fold, seed)
    train_rows, val_rows = labelled[~is_val], labelled[is_val]
    if len(train_rows) < 2:
        raise DataError(
            f"{table.name} has {len(labelled)} rows with a value of {name!r}, of which "
            f"{len(val_rows)} would be kept aside (--validation): too few to learn from"
        )
    names = [each.name for each in table.columns] if columns is None else [*columns, name]
    learned = Target.learn(name, values[train_rows], full_target.task)
    preprocessor.fit(_picked(table, train_rows, names), learned, table.columns)
    X_train, X_val = _fill(table, preprocessor, [train_rows, val_rows], memory)
    if codes is not None and learned.classes == full_target.classes:
        y_train, y_val = codes[~is_val], codes[is_val]
    else:
        encode = preprocessor.target.encode
        y_train, y_val = encode(values[train_rows]), encode(values[val_rows])
    return TrainingData(X_train, y_train, X_val, y_val, preprocessor, len(values) - len(labelled))


def load_arrays(
    table: Table, preprocessor: Preprocessor, *, memory: float = 0.5
) -> tuple[Array, Array]:
    """Convert a table to features and target with a fitted preprocessor.

    Rows without a value of the target are left out.

    Parameters
    ----------
    table : Table
        Opened with ``like=[*preprocessor.columns, preprocessor.target_column]``.
    preprocessor : Preprocessor
    memory : float, default 0.5
        As for `training_data`.

    Returns
    -------
    X : ndarray of float32, shape (n, d)
    y : ndarray of int32 or float32, shape (n,)

    Raises
    ------
    DataError, UnknownNameError
        If the columns are not those of training, or a class is a new one.

    Examples
    --------
    >>> from chainrule._src.data.tables import open_table
    >>> iris = open_table("iris")
    >>> X, y = load_arrays(iris, training_data(iris).preprocessor)
    >>> X.shape, np.bincount(y)
    ((150, 4), array([50, 50, 50]))
    """
    name = preprocessor.target.name
    lookup("column", name, {column.name: column for column in table.columns})
    preprocessor.compare(table.columns)
    values, labelled = _target_values(table, name)
    y = preprocessor.target.encode(values[labelled], labelled)
    return _fill(table, preprocessor, [labelled], memory)[0], y


def _target_name(table: Table, target: str | None) -> str:
    name = table.target if target is None else target
    columns: dict[str, Column] = {column.name: column for column in table.columns}
    if name is None:
        raise DataError(
            f"{table.name}: name the column that is to be predicted, one of {', '.join(columns)}"
        )
    lookup("target column", name, columns)
    return name


def _target_values(table: Table, name: str) -> tuple[Array, Array]:
    """Return the target's column, and the numbers of the rows that have a value."""
    values = np.concatenate([chunk[name] for chunk in table.chunks(columns=[name])])
    labelled = np.flatnonzero(~missing(values))
    if not len(labelled):
        raise DataError(f"{table.name}: no row has a value of {name!r}")
    return values, labelled


def _picked(table: Table, rows: Array, names: Iterable[str]) -> Iterator[dict[str, Array]]:
    """Yield the rows with these ascending numbers, chunk by chunk."""
    start = 0
    for chunk in table.chunks(columns=names):
        end = start + len(next(iter(chunk.values())))
        inside = rows[np.searchsorted(rows, start) : np.searchsorted(rows, end)] - start
        if len(inside) == end - start:
            yield chunk
        elif len(inside):
            yield {name: values[inside] for name, values in chunk.items()}
        start = end


def _fill(
    table: Table, preprocessor: Preprocessor, parts: list[Array], memory: float
) -> list[Array]:
    """Return a matrix of features for each list of row numbers in ``parts``."""
    share = check_number(memory, "memory", "training_data", low=0.0)
    total = sum(len(part) for part in parts)
    outs = _matrices([len(part) for part in parts], preprocessor, share)
    names = [column.name for column in preprocessor.columns]
    start, filled = 0, [0] * len(parts)
    for chunk in table.chunks(columns=names):
        features = preprocessor.transform(chunk)
        end = start + len(features)
        for i, (rows, out) in enumerate(zip(parts, outs, strict=True)):
            inside = rows[np.searchsorted(rows, start) : np.searchsorted(rows, end)] - start
            if isinstance(out, PackedRows):
                out.write(filled[i], features[inside])
            else:
                part = out[filled[i] : filled[i] + len(inside)]
                np.take(features, inside, axis=0, out=part, mode="clip")  # other modes copy twice
            filled[i] += len(inside)
        start = end
    if sum(filled) != total:
        raise DataError(f"{table.name} changed while it was read; try again")
    return outs


def _matrices(rows: list[int], preprocessor: Preprocessor, share: float) -> list[Any]:
    """Return uninitialised matrices, in temporary files if they exceed a share of memory."""
    width, needed = preprocessor.width, 4 * sum(rows) * preprocessor.width
    if needed > LARGE:
        groups = _one_hot(preprocessor)
        packed = [PackedRows(count, width, groups) for count in rows]
        if 2 * sum(matrix.nbytes for matrix in packed) <= needed:
            return packed
    if needed <= share * memory():
        return [np.empty((count, width), dtype=np.float32) for count in rows]
    folder = tempfile.gettempdir()
    free = shutil.disk_usage(folder).free
    if needed > free:
        raise DataError(
            f"the features take {needed / 2**30:.1f} GB, more than {share:.0%} of memory, and "
            f"{folder} has {free / 2**30:.1f} GB free; point TMPDIR to a larger disk"
        )
    return [_on_disk(count, width) for count in rows]


def _one_hot(preprocessor: Preprocessor) -> list[slice]:
    """Return the places of the features of each column of categories."""
    ends = np.cumsum([step.width for step in preprocessor.steps])
    steps = zip(preprocessor.steps, ends.tolist(), strict=True)
    return [slice(end - step.width, end) for step, end in steps if isinstance(step, OneHot)]


def _on_disk(rows: int, width: int) -> Array:
    """Return a matrix in a temporary file, which is deleted together with the matrix."""
    if not rows:
        return np.empty((0, width), dtype=np.float32)
    with tempfile.TemporaryFile() as file:
        return np.memmap(file, dtype=np.float32, mode="w+", shape=(rows, width))
