"""Data as groups of rows that are read one at a time: of files, of arrays."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from chainrule.errors import DataError, FileError, MissingDependencyError
from chainrule.validation import Array

GROUP_BYTES = 2**25  # of a group of rows, where the source does not say
Rows = tuple[Any, ...]  # samples, targets, weights: arrays


class Group(Protocol):
    """Rows that are read together."""

    @property
    def rows(self) -> int:
        """How many."""

    @property
    def given(self) -> tuple[Any, ...]:
        """What `read` takes, and may have to be computed before: parts of Dask's collections."""

    @property
    def is_file(self) -> bool:
        """Whether it pays to read it ahead, and to keep what was read."""

    def read(self, *given: Any) -> Rows:
        """Return samples, targets and, if there are any, their weights."""


@dataclass(frozen=True)
class Slice:
    """Rows of arrays in memory, or of memory maps, which are opened where they are read."""

    arrays: tuple[Any, ...]
    start: int
    stop: int
    given: tuple[Any, ...] = ()

    @property
    def rows(self) -> int:
        """How many."""
        return self.stop - self.start

    @property
    def is_file(self) -> bool:
        """Whether the arrays are maps."""
        return all(isinstance(array, Map | None) for array in self.arrays)

    def read(self, *given: Any) -> Rows:
        """Return the rows; those of a map are read from the file in one go."""
        return tuple(_rows(array, self.start, self.stop) for array in self.arrays)


@dataclass(frozen=True)
class Map:
    """A memory map, told by its file and when that was written."""

    path: str
    written: int
    dtype: str
    shape: tuple[int, ...]
    offset: int

    def __len__(self) -> int:
        return self.shape[0]

    @property
    def nbytes(self) -> int:
        """Its bytes."""
        return int(np.prod(self.shape)) * np.dtype(self.dtype).itemsize

    def rows(self, start: int, stop: int) -> Array:
        """Return some rows, read without mapping: pages of a map count as this process's memory."""
        dtype, count = np.dtype(self.dtype), int(np.prod(self.shape[1:]))
        try:
            found: Array = np.fromfile(
                self.path, dtype, (stop - start) * count,
                offset=self.offset + start * count * dtype.itemsize,
            )  # fmt: skip
        except OSError as error:
            raise FileError(f"{self.path} cannot be read: {error.strerror or error}") from error
        if len(found) != (stop - start) * count:
            raise FileError(f"{self.path} ends before row {stop}: it became shorter")
        return found.reshape(stop - start, *self.shape[1:])


def _rows(array: Any, start: int, stop: int) -> Any:
    if array is None:
        return None
    return array.rows(start, stop) if isinstance(array, Map) else array[start:stop]


@dataclass(frozen=True)
class RowGroup:
    """A row group of a Parquet file, told by the file and when that was written."""

    path: str
    written: int
    number: int
    rows: int
    features: tuple[str, ...]
    target: str
    weight: str | None
    given: tuple[Any, ...] = ()
    is_file: bool = True

    def read(self, *given: Any) -> Rows:
        """Return columns side by side; a column of lists of one length is several."""
        names = [*self.features, self.target, *([self.weight] if self.weight else [])]
        with _opened(self.path) as file:
            try:
                table = file.read_row_group(self.number, columns=names, use_threads=False)
            except Exception as error:
                reason = " ".join(str(error).split())
                raise FileError(f"{self.path} cannot be read: {reason}") from error
        X = _matrix(table.select(list(self.features)), self.path)
        more = [_column(table, name) for name in names[len(self.features) :]]
        return X, *more


def _opened(path: Any) -> Any:
    try:
        from pyarrow.parquet import ParquetFile
    except ImportError as error:
        raise MissingDependencyError(
            "Parquet files need pyarrow: pip install 'chainrule[data]'"
        ) from error
    try:
        return ParquetFile(path)
    except Exception as error:  # Arrow's have no common class
        reason = " ".join(str(error).split())
        raise FileError(f"{path} cannot be read as a Parquet file: {reason}") from error


def _matrix(table: Any, path: str) -> Array:
    table = table.combine_chunks()
    if any(hasattr(field.type, "list_size") for field in table.schema):
        parts = [_column(table, name) for name in table.column_names]
        wide = [part[:, np.newaxis] if part.ndim == 1 else part for part in parts]
        return wide[0] if len(wide) == 1 else np.concatenate(wide, axis=1)
    try:
        batch = table.to_batches()[0]
        return np.asarray(batch.to_tensor(null_to_nan=True))
    except Exception as error:
        kinds = ", ".join(f"{field.name}: {field.type}" for field in table.schema)
        raise DataError(
            f"{path}: columns to learn from must be numbers, or lists of one length; there are "
            f"{kinds[:500]}. tables.training_data makes numbers of other columns"
        ) from error


def _column(table: Any, name: str) -> Array:
    """Return a column, shape (n,), or (n, k) where its values are lists of one length."""
    column = table.column(name).combine_chunks()
    size = getattr(column.type, "list_size", None)
    if size is None:
        found: Array = column.to_numpy(zero_copy_only=False)
        return found
    flat: Array = column.flatten().to_numpy(zero_copy_only=False)
    return flat.reshape(-1, size)


def groups_of(x: Any, y: Any, weight: Any, parts: int) -> list[Group]:
    """Return the groups of files or arrays.

    Parameters
    ----------
    x
        An array; the path of a ``.npy`` file, or of a Parquet file or a folder of such.
    y
        The same, or the column of a Parquet file.
    weight
        The same, or None.
    parts : int
        Groups, at least, where the rows can be split anywhere.

    Raises
    ------
    DataError, FileError
        If that is not what is there.
    """
    if isinstance(x, str | os.PathLike) and Path(x).suffix != ".npy":
        return _of_parquet(Path(x).absolute(), y, weight)
    arrays = tuple(None if each is None else _array(each) for each in (x, y, weight))
    X: Any = arrays[0]
    if arrays[1] is None:
        raise DataError("fit: y is missing; give the targets, one a sample")
    lengths = {len(array) for array in arrays if array is not None}
    if len(lengths) > 1:
        raise DataError(f"fit: x and y must hold equally many samples, received {lengths}")
    rows = len(X)
    largest = max(1, GROUP_BYTES // max(X.nbytes // max(rows, 1), 1))
    count = min(rows, max(-(-rows // largest), parts))
    edges = [rows * i // max(count, 1) for i in range(count + 1)]
    kept = arrays if arrays[2] is not None else arrays[:2]
    return [Slice(kept, start, stop) for start, stop in pairwise(edges)]


def _array(given: Any) -> Any:
    """Return an array, or what tells its file."""
    if isinstance(given, str | os.PathLike):
        try:
            given = np.load(given, mmap_mode="r")
        except (OSError, ValueError) as error:
            raise FileError(f"{given} cannot be read as a .npy file: {error}") from error
    if isinstance(given, np.memmap) and given.flags.c_contiguous and given.filename:
        base = given
        while isinstance(base.base, np.memmap):
            base = base.base
        inside = given.ctypes.data - base.ctypes.data
        name = str(Path(given.filename).absolute())
        return Map(
            name, os.stat(name).st_mtime_ns, given.dtype.str, given.shape, base.offset + inside
        )
    array = np.asarray(given)
    if array.ndim == 0:
        raise DataError("fit: x and y must hold a sample a row")
    return array


def _of_parquet(path: Path, target: Any, weight: Any) -> list[Group]:
    files = sorted(path.rglob("*.parquet")) if path.is_dir() else [path]
    if not files or not all(file.is_file() for file in files):
        raise FileError(f"{path}: there is no Parquet file")
    if not isinstance(target, str) or not isinstance(weight, str | None):
        raise DataError(
            f"fit: for {path} give y, and sample_weight if there is one, as the name of a column"
        )
    found: list[Group] = []
    features: tuple[str, ...] = ()
    for each in files:
        with _opened(each) as file:
            names, about = file.schema_arrow.names, file.metadata
        for name in (target, weight):
            if name is not None and name not in names:
                raise DataError(f"{each}: there is no column {name!r}; there are {names[:50]}")
        own = tuple(name for name in names if name not in (target, weight))
        features = features or own
        if sorted(own) != sorted(features):
            raise DataError(f"{each} has other columns than {files[0]}")
        found += [
            RowGroup(
                str(each), each.stat().st_mtime_ns, number, about.row_group(number).num_rows,
                features, target, weight,
            )
            for number in range(about.num_row_groups)
        ]  # fmt: skip
    return found


def dealt(groups: Sequence[Group], shards: int) -> list[list[int]]:
    """Return the groups of each shard, by number: about equally many rows, whatever the workers."""
    filled = sorted((n for n, g in enumerate(groups) if g.rows), key=lambda n: -groups[n].rows)
    found: list[list[int]] = [[] for _ in range(min(shards, len(filled)))]
    held = [0] * len(found)
    for number in filled:
        least = held.index(min(held))
        found[least].append(number)
        held[least] += groups[number].rows
    return [sorted(numbers) for numbers in found]
