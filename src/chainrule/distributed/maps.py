"""Rows of ``.npy`` files and other memory maps, read without mapping them."""

from __future__ import annotations

import math
import mmap
import os
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

from chainrule.distributed.group import BLOCK, Empty
from chainrule.errors import FileError
from chainrule.native import memory
from chainrule.validation import Array

SHARE = 0.5  # of the memory: of larger files the system's cache holds little until the next epoch
PAGE = mmap.PAGESIZE
DIRECT = getattr(os, "O_DIRECT", 0)  # reads past the cache; 0 on systems that do not


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
        return math.prod(self.shape) * np.dtype(self.dtype).itemsize

    @property
    def is_direct(self) -> bool:
        """Whether it is read past the system's cache, by the disk alone.

        To bring pages into memory and to let go of others takes the system as much of a processor
        as a small network takes to train on them.
        """
        aligned = self.offset % np.dtype(self.dtype).itemsize == 0
        return aligned and self.nbytes > SHARE * memory() and _allows(self.path, self.written)

    def rows(self, start: int, stop: int, empty: Empty = np.empty) -> Array:
        """Return some rows, read without mapping: pages of a map count as this process's memory."""
        each = self.nbytes // max(len(self), 1)
        read = _past_the_cache if self.is_direct else _through_the_cache
        try:
            found = read(self.path, self.offset + start * each, (stop - start) * each, empty)
        except OSError as error:
            raise FileError(f"{self.path} cannot be read: {error.strerror or error}") from error
        if len(found) < (stop - start) * each:
            raise FileError(f"{self.path} ends before row {stop}: it became shorter")
        return found.view(self.dtype).reshape(stop - start, *self.shape[1:])


@lru_cache
def _allows(path: str, written: int) -> bool:
    """Whether a file can be read past the cache: not every file system knows how."""
    try:
        os.close(os.open(path, os.O_RDONLY | DIRECT))
    except OSError:
        return False
    return bool(DIRECT)


def _through_the_cache(path: str, start: int, size: int, empty: Empty) -> Array:
    """Return bytes of a file, fewer where it ends."""
    found: Any = empty((size,), np.uint8)
    done = 0
    with open(path, "rb", buffering=0) as file:
        file.seek(start)
        while done < size:
            count = file.readinto(found[done : done + BLOCK])
            if not count:
                break
            done += count
    rows: Array = found[:done]
    return rows


def _past_the_cache(path: str, start: int, size: int, empty: Empty) -> Array:
    """Return the same; whole pages are read to where pages begin, as the system asks for."""
    ahead = start % PAGE
    pages = -(-(ahead + size) // PAGE)
    room: Any = empty(((pages + 1) * PAGE,), np.uint8)
    begin = -room.ctypes.data % PAGE
    room = room[begin : begin + pages * PAGE]
    done = 0
    file = os.open(path, os.O_RDONLY | DIRECT)
    try:
        while done < len(room):
            count = os.preadv(file, [room[done:]], start - ahead + done)
            done += count
            if count == 0 or count % PAGE:  # the file's end
                break
    finally:
        os.close(file)
    rows: Array = room[ahead : min(done, ahead + size)]
    return rows
