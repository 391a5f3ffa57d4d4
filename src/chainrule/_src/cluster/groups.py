"""Data as groups of rows, which are read one at a time from files or arrays."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from chainrule._src.base.errors import DataError, FileError
from chainrule._src.cluster.categories import Categories, distinct
from chainrule._src.cluster.frames import names_of, values
from chainrule._src.cluster.group import DataGroup, Empty, Rows
from chainrule._src.cluster.maps import Map
from chainrule._src.cluster.parquet import row_groups
from chainrule._src.cluster.places import Cluster, dask, same
from chainrule._src.nn.network.inputs import are_paths

GROUP_BYTES = 2**25  # size of a group, unless the source has groups of its own


@dataclass(frozen=True, eq=False)
class MemoryArray:
    """An array in this process's memory, which is not sent to workers."""

    array: Any

    def __len__(self) -> int:
        return len(self.array)

    @property
    def nbytes(self) -> int:
        """The size of the array in bytes."""
        return int(self.array.nbytes)

    def rows(self, start: int, stop: int, empty: Empty = np.empty) -> Any:
        """Return the rows from ``start`` up to ``stop``, without a copy."""
        return self.array[start:stop]


@dataclass(frozen=True)
class FutureRows:
    """Rows that Dask passes to a task as an argument; ``key`` is their key in Dask's graph."""

    key: str


@dataclass(frozen=True)
class Slice:
    """Rows of arrays in memory, or of memory maps, which the reading process opens.

    A partition of Dask's collections is a slice too, whose arrays are all `FutureRows`.
    """

    arrays: tuple[MemoryArray | Map | FutureRows, ...]
    start: int
    stop: int
    inputs: tuple[Any, ...] = field(default=(), compare=False)
    names: tuple[Any, ...] = field(default=(), compare=False)
    texts: tuple[Any, ...] = field(default=(), compare=False)
    categories: Categories = field(default=(), compare=False)

    @property
    def rows(self) -> int:
        """The number of rows."""
        return self.stop - self.start

    @property
    def is_file(self) -> bool:
        """True if all arrays are memory maps."""
        return all(isinstance(array, Map) for array in self.arrays)

    @property
    def takes_a_core(self) -> bool:
        """True if reading keeps a core busy; false with direct I/O, which waits for the disk."""
        return not (isinstance(self.arrays[0], Map) and self.arrays[0].is_direct)

    def read(self, *inputs: Any, empty: Empty = np.empty) -> Rows:
        """Return the rows; lazy partitions of Dask's are computed in this process."""
        parts = iter(_computed(inputs))
        return tuple(
            values(next(parts), () if number else self.categories)
            if isinstance(each, FutureRows)
            else each.rows(self.start, self.stop, empty)
            for number, each in enumerate(self.arrays)
        )

    def encoded(self, categories: Categories) -> Slice:
        """Return the slice with categories of columns, which `read` encodes."""
        return replace(self, categories=categories)

    def distinct(self, *inputs: Any) -> dict[Any, set[str]]:
        """Return the distinct texts of each of the columns `texts`."""
        (frame,) = _computed(inputs[:1])
        return {name: distinct(frame[name]) for name in self.texts}

    def on(self, cluster: Cluster) -> Slice:
        """Send arrays in memory to a cluster, once; return a slice that only holds their keys."""
        arrays, inputs = list(self.arrays), list(self.inputs)
        for at, each in enumerate(arrays):
            if isinstance(each, MemoryArray):
                inputs.append(cluster.submit(same, each.rows(self.start, self.stop)))
                arrays[at] = FutureRows(inputs[-1].key)
        return replace(self, arrays=tuple(arrays), inputs=tuple(inputs))

    def __reduce__(self) -> Any:
        """Pickle without the inputs: Dask passes them to `read` separately."""
        names = self.names, self.texts, self.categories
        return Slice, (self.arrays, self.start, self.stop, (), *names)


def _computed(inputs: Any) -> Any:
    """Return inputs; lazy partitions of Dask's are computed in this process."""
    if any(hasattr(part, "__dask_graph__") for part in inputs):
        return dask().compute(*inputs, scheduler="synchronous")
    return inputs


def groups_of(x: Any, y: Any, weight: Any, parts: int) -> list[DataGroup]:
    """Return the groups of files or arrays.

    Parameters
    ----------
    x
        An array; the path of a ``.npy`` file, or of a Parquet file or a folder of such.
    y
        The same, or the column of a Parquet file; None for samples alone.
    weight
        The same, or None.
    parts : int
        Minimum number of groups, if the rows can be split anywhere.

    Raises
    ------
    DataError, FileError
        If the data cannot be read as described.
    """
    if isinstance(x, str | os.PathLike) and Path(x).suffix != ".npy":
        return row_groups(Path(x).absolute(), y, weight)
    if x is None:
        raise DataError("fit: x and y are needed: samples, and the targets, one a sample")
    arrays = tuple(None if each is None else _array(each) for each in (x, y, weight))
    X: Any = arrays[0]
    lengths = [len(array) for array in arrays if array is not None]
    if len(set(lengths)) > 1:
        raise DataError(f"x and y must hold equally many samples, received {lengths}")
    rows = len(X)
    largest = max(1, GROUP_BYTES // max(X.nbytes // max(rows, 1), 1))
    count = min(rows, max(-(-rows // largest), parts))
    edges = [rows * i // max(count, 1) for i in range(count + 1)]
    sources: Any = tuple(array for array in arrays if array is not None)
    names = names_of(x)
    return [Slice(sources, start, stop, names=names) for start, stop in pairwise(edges)]


def _array(source: Any) -> MemoryArray | Map:
    """Return an array in memory, or a reference to the file of a memory map."""
    if are_paths(source):
        raise DataError(
            f"fit: one path is expected, received {len(source)} texts; give that of a folder of "
            "*.parquet files, or of one file"
        )
    if isinstance(source, str) and Path(source).suffix != ".npy":
        raise DataError(
            f"fit: {source!r} can name a column only where x is a Parquet file, a folder of such "
            "or a frame of Dask's; give an array, or the path of a .npy file"
        )
    if isinstance(source, str | os.PathLike):
        try:
            source = np.load(source, mmap_mode="r")
        except (OSError, ValueError) as error:
            raise FileError(f"{source} cannot be read as a .npy file: {error}") from error
    if isinstance(source, np.memmap) and source.flags.c_contiguous and source.filename:
        base = source
        while isinstance(base.base, np.memmap):
            base = base.base
        inside = source.ctypes.data - base.ctypes.data
        name = str(Path(source.filename).absolute())
        return Map(
            name, os.stat(name).st_mtime_ns, source.dtype.str, source.shape, base.offset + inside
        )
    array = values(source)
    if array.ndim == 0:
        raise DataError("fit: x and y must hold a sample a row")
    return MemoryArray(array)


def dealt(groups: Sequence[DataGroup], shards: int) -> list[list[int]]:
    """Deal out groups to shards, by number: about equally many rows each, for any workers."""
    filled = sorted((n for n, g in enumerate(groups) if g.rows), key=lambda n: -groups[n].rows)
    by_shard: list[list[int]] = [[] for _ in range(min(shards, len(filled)))]
    loads = [0] * len(by_shard)
    for number in filled:
        least = loads.index(min(loads))
        by_shard[least].append(number)
        loads[least] += groups[number].rows
    return [sorted(numbers) for numbers in by_shard]
