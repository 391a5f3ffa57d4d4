"""Data as groups of rows that are read one at a time: of files, of arrays."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from chainrule.distributed.group import Empty, Group, Rows
from chainrule.distributed.maps import Map
from chainrule.distributed.parquet import row_groups
from chainrule.errors import DataError, FileError

GROUP_BYTES = 2**25  # of a group of rows, where the source does not say


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

    @property
    def takes_a_core(self) -> bool:
        """Whether reading them takes one."""
        return not (isinstance(self.arrays[0], Map) and self.arrays[0].is_direct)

    def read(self, *given: Any, empty: Empty = np.empty) -> Rows:
        """Return the rows."""
        return tuple(_rows(array, self.start, self.stop, empty) for array in self.arrays)


def _rows(array: Any, start: int, stop: int, empty: Empty) -> Any:
    if array is None:
        return None
    return array.rows(start, stop, empty) if isinstance(array, Map) else array[start:stop]


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
        return row_groups(Path(x).absolute(), y, weight)
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
