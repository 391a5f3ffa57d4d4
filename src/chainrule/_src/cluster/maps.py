"""Reads rows of ``.npy`` files and other memory maps without mapping the files."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from chainrule._src.base.arrays import Array
from chainrule._src.base.errors import FileError
from chainrule._src.cluster.direct import is_direct, read
from chainrule._src.cluster.group import Empty


@dataclass(frozen=True)
class Map:
    """A memory map as a reference: its file, with the time of its last change."""

    path: str
    written: int
    dtype: str
    shape: tuple[int, ...]
    offset: int

    def __len__(self) -> int:
        return self.shape[0]

    @property
    def nbytes(self) -> int:
        """The size of the array in bytes."""
        return math.prod(self.shape) * np.dtype(self.dtype).itemsize

    @property
    def is_direct(self) -> bool:
        """True if the file is read with direct I/O."""
        aligned = self.offset % np.dtype(self.dtype).itemsize == 0
        return aligned and is_direct(self.path, self.written, self.nbytes)

    def rows(self, start: int, stop: int, empty: Empty = np.empty) -> Array:
        """Read some rows without mapping the file: mapped pages count as this process's memory."""
        each = self.nbytes // max(len(self), 1)
        begin, size = self.offset + start * each, (stop - start) * each
        data = read(self.path, begin, size, empty, self.is_direct)
        if len(data) < size:
            raise FileError(f"{self.path} ends before row {stop}: it became shorter")
        return data.view(self.dtype).reshape(stop - start, *self.shape[1:])
