"""Parquet files as groups of rows."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np

from chainrule._src.base.arrays import Array
from chainrule._src.base.errors import DataError, FileError
from chainrule._src.cluster.categories import Categories, distinct, is_text, one_hot
from chainrule._src.cluster.direct import BufferedRange, is_direct, read
from chainrule._src.cluster.group import BLOCK, DataGroup, Empty, Rows
from chainrule._src.data.tables.arrow import pyarrow

NEAR = 2**20  # bytes of a batch of rows
INDEX = ("__index_level_", "__null_dask_index__")  # column names of an index without a name
FILES = 4  # files whose metadata are cached
MANY = 64  # minimum rows of a batch per column: each column of a batch has a fixed cost
ROWS, LINE = 512, 16  # rows and columns that are copied at once


@dataclass(frozen=True)
class RowGroup:
    """A row group of a Parquet file as a reference: the file, with the time of its last change."""

    path: str
    written: int
    number: int
    rows: int
    features: tuple[str, ...]
    target: str | None
    weight: str | None
    inputs: tuple[Any, ...] = ()
    is_file: bool = True
    takes_a_core: bool = True
    texts: tuple[str, ...] = ()
    categories: Categories = ()

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the columns to learn from."""
        return self.features

    def read(self, *inputs: Any, empty: Empty = np.empty) -> Rows:
        """Return the columns side by side; a column of lists of length k counts as k columns."""
        encoded = dict(self.categories)
        others = [name for name in (self.target, self.weight) if name is not None]
        X: Any = np.empty((0, 0))
        more: list[list[Array]] = [[] for _ in others]
        at = 0
        about = self._about()
        with _opened(self._source(about, empty), about) as file:
            for batch in self._batches(file, [*self.features, *others]):
                parts = [
                    one_hot(batch.column(name), encoded[name])
                    if name in encoded
                    else _numbers(batch, name, self.path)
                    for name in self.features
                ]
                X = self._room(X, parts, empty)
                _lay(parts, X[at : at + len(batch)])
                at += len(batch)
                for name, column_parts in zip(others, more, strict=True):
                    column_parts.append(_column(batch, name, self.path))
        return X[:at], *(
            np.concatenate(column_parts) if column_parts else np.empty(0) for column_parts in more
        )

    def encoded(self, categories: Categories) -> RowGroup:
        """Return the group with categories of columns, which `read` encodes."""
        return replace(self, categories=categories)

    def distinct(self, *inputs: Any) -> dict[Any, set[str]]:
        """Return the distinct texts of each of the columns `texts`."""
        texts: dict[Any, set[str]] = {name: set() for name in self.texts}
        with _opened(self.path, self._about()) as file:
            for batch in self._batches(file, self.texts):
                for name in self.texts:
                    texts[name] |= distinct(batch.column(name))
        return texts

    def _about(self) -> Any:
        """Return the file's metadata.

        Raises
        ------
        FileError
            If the file cannot be read, or no longer has this row group.
        """
        try:
            about = _about(self.path, os.stat(self.path).st_mtime_ns)
        except OSError as error:
            raise FileError(f"{self.path} cannot be read: {error.strerror or error}") from error
        groups = range(about.num_row_groups)
        if self.number not in groups or about.row_group(self.number).num_rows != self.rows:
            raise FileError(
                f"{self.path} has no row group {self.number} of {self.rows} rows any more: data "
                "must stay"
            )
        return about

    def _source(self, about: Any, empty: Empty) -> Any:
        """Return the input for Arrow: the file's path, or a row group's bytes of a large file."""
        if not is_direct(self.path, self.written, os.path.getsize(self.path)):
            return self.path
        group = about.row_group(self.number)
        columns = [group.column(number) for number in range(group.num_columns)]
        start = min(c.dictionary_page_offset or c.data_page_offset for c in columns)
        size = sum(c.total_compressed_size for c in columns)
        return pyarrow().PythonFile(
            BufferedRange(read(self.path, start, size, empty, direct=True), start), "r"
        )

    def _batches(self, file: Any, names: Sequence[str]) -> Iterator[Any]:
        """Yield the rows of some columns in batches that fit into the processor's cache."""
        each = file.metadata.row_group(self.number).total_byte_size // max(self.rows, 1)
        rows = max(NEAR // max(each, 1), MANY * len(names))
        try:
            yield from file.iter_batches(rows, [self.number], list(names), use_threads=False)
        except Exception as error:  # Arrow's have no common class
            reason = " ".join(str(error).split())
            raise FileError(f"{self.path} cannot be read: {reason}") from error

    def _room(self, X: Any, parts: Sequence[Array], empty: Empty) -> Any:
        """Return an array for all rows whose dtype also holds ``parts``; it has X's rows so far."""
        width = sum(part.shape[1] for part in parts)
        if len(X) and X.shape[1] != width:
            raise DataError(
                f"{self.path}: lists must be of one length in all rows; row group {self.number} "
                f"begins with {X.shape[1]} columns and goes on with {width}"
            )
        dtype = np.result_type(*([X] if len(X) else []), *parts)
        if len(X) and X.dtype == dtype:
            return X
        room = empty((self.rows, width), dtype)
        if len(X):
            room[:] = X
        return room


@lru_cache(FILES)
def _about(path: str, written: int) -> Any:
    """Return a file's metadata from a cache: in a large file they take long to read."""
    with _opened(path) as file:
        return file.metadata


def _opened(path: Any, about: Any = None) -> Any:
    parquet = pyarrow("parquet")
    try:
        return parquet.ParquetFile(path, metadata=about, buffer_size=BLOCK)
    except Exception as error:  # Arrow's have no common class
        reason = " ".join(str(error).split())
        reason = f"its name does not end with .npy, and it is no Parquet file: {reason}"
        raise FileError(f"{path} cannot be read: {reason}") from error


def _lay(parts: Sequence[Array], target: Array) -> None:
    """Copy blocks of columns side by side into an array."""
    at = 0
    for are_several, some in groupby(parts, lambda part: part.shape[1] > 1):
        for block in some if are_several else _together(list(some)):
            for start in range(0, len(target), ROWS):
                rows = slice(start, start + ROWS)
                target[rows, at : at + block.shape[1]] = block[rows]
            at += block.shape[1]


def _together(columns: Sequence[Array]) -> Iterator[Array]:
    """Join single columns to blocks of `LINE`: copying with large strides is slow."""
    for start in range(0, len(columns), LINE):
        yield np.concatenate([part.T for part in columns[start : start + LINE]]).T


def _numbers(batch: Any, name: str, path: str) -> Array:
    """Return a column to learn from, shape (n, k)."""
    values = _column(batch, name, path)
    if values.dtype.kind not in "biuf":
        raise DataError(
            f"{path}: columns to learn from must be numbers, or lists of one length; {name} holds "
            f"{batch.schema.field(name).type}. tables.training_data makes numbers of other columns"
        )
    return values.reshape(len(batch), -1)


def _column(batch: Any, name: str, path: str) -> Array:
    """Return a column, shape (n,), or (n, k) where its values are lists of one length.

    A missing number, or truth, is NaN.
    """
    types = pyarrow("types")
    column = batch.column(name)
    if types.is_fixed_size_list(column.type):
        size = column.type.list_size
        values = column.values.slice(column.offset * size, len(column) * size)
    elif types.is_list(column.type) or types.is_large_list(column.type):
        lengths = np.diff(column.offsets.to_numpy())
        size = int(lengths.max(initial=0))
        if (lengths != size).any() and not column.null_count:
            raise DataError(
                f"{path}: lists must be of one length; those of {name} have {lengths.min()} to "
                f"{size} entries"
            )
        values = column.flatten()
    else:
        if types.is_boolean(column.type) and column.null_count:
            column = column.cast("float32")
        array: Array = column.to_numpy(zero_copy_only=False)
        return array
    if column.null_count:
        raise DataError(f"{path}: {name} has rows without a list: remove them first")
    flat: Array = values.to_numpy(zero_copy_only=False)
    return flat.reshape(len(column), size)


def row_groups(path: Path, target: Any, weight: Any) -> list[DataGroup]:
    """Return the row groups of a file, or of all files in a folder.

    Raises
    ------
    DataError, FileError
    """
    files = sorted(path.rglob("*.parquet")) if path.is_dir() else [path]
    if not files or not all(file.is_file() for file in files):
        raise FileError(
            f"{path}: there is no Parquet file; give the path of one, or of a folder of *.parquet "
            "files: neither a pattern nor a URL"
        )
    if not isinstance(target, str | None) or not isinstance(weight, str | None):
        raise DataError(
            f"fit: for {path} give y, and sample_weight if there is one, as the name of a column"
        )
    if target == weight and target is not None:
        raise DataError(f"fit: {target!r} cannot be both the target and the weights of samples")
    groups: list[DataGroup] = []
    features: tuple[str, ...] = ()
    for each in files:
        with _opened(each) as file:
            schema, about = file.schema_arrow, file.metadata
        _check_columns(each, path, schema.names)
        columns = _features(each, schema, target, weight)
        features = features or columns
        if sorted(columns) != sorted(features):
            raise DataError(f"{each} has other columns than {files[0]}")
        texts = tuple(name for name in features if is_text(schema.field(name).type))
        groups += [
            RowGroup(
                str(each), each.stat().st_mtime_ns, number, about.row_group(number).num_rows,
                features, target, weight, texts=texts,
            )
            for number in range(about.num_row_groups)
        ]  # fmt: skip
    return groups


def _features(file: Path, schema: Any, target: str | None, weight: str | None) -> tuple[str, ...]:
    """Return the columns of a file to learn from: all but target, weights and index."""
    names = schema.names
    for name in (target, weight):
        if name is not None and name not in names:
            raise DataError(f"{file}: there is no column {name!r}; there are {names[:50]}")
    left_out = {target, weight, *_index(schema)}
    columns = tuple(name for name in names if name not in left_out)
    if not columns:
        raise DataError(
            f"{file}: there is no column to learn from besides {names}; what pandas calls the "
            "index is none"
        )
    return columns


def _index(schema: Any) -> list[str]:
    """Return the columns that pandas or Dask wrote as an index: labels of rows."""
    about = schema.pandas_metadata or {}
    listed = [name for name in about.get("index_columns", ()) if isinstance(name, str)]
    return [*listed, *(name for name in schema.names if name.startswith(INDEX))]


def _check_columns(file: Path, path: Path, names: Sequence[str]) -> None:
    """Raise a DataError for equal names, or for columns that only folders name (Hive's way)."""
    if len(set(names)) < len(names):
        raise DataError(f"{file}: each column needs a name of its own; there are {names[:50]}")
    folders = file.relative_to(path).parent.parts if file != path else ()
    columns = [name.split("=")[0] for name in folders if "=" in name]
    missing = [name for name in columns if name not in names]
    if missing:
        raise DataError(
            f"fit: the files in {path} do not hold the columns {missing}, which the names of its "
            "folders tell; write it without partition_on (partition_cols), or give "
            "dask.dataframe.read_parquet(path), with numbers made of these columns"
        )
