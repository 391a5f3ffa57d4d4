"""Reads bytes of a file, either through the page cache or with direct I/O.

If a file is larger than half the memory, little of it is still in the page cache at the next epoch.
Filling the cache and evicting pages from it takes about as much processor time as training a small
network on the data.
"""

from __future__ import annotations

import mmap
import os
from functools import lru_cache
from typing import Any

import numpy as np

from chainrule._src.base.arrays import Array
from chainrule._src.base.errors import FileError
from chainrule._src.cluster.group import BLOCK, Empty
from chainrule._src.compile.native import memory

SHARE = 0.5  # of the memory; a larger file is read with direct I/O
PAGE = mmap.PAGESIZE
DIRECT = getattr(os, "O_DIRECT", 0)  # 0 on systems without direct I/O


def is_direct(path: str, written: int, size: int) -> bool:
    """Return true if a file of this size is read with direct I/O."""
    return size > SHARE * memory() and _allows(path, written)


def read(path: str, start: int, size: int, empty: Empty, direct: bool) -> Array:
    """Return ``size`` bytes of a file, fewer at its end; if ``direct``, with direct I/O.

    Raises
    ------
    FileError
    """
    way = past_the_cache if direct else through_the_cache
    try:
        content: Array = way(path, start, size, empty)
    except OSError as error:
        raise FileError(f"{path} cannot be read: {error.strerror or error}") from error
    return content


@lru_cache
def _allows(path: str, written: int) -> bool:
    """Return true if the file system of a file supports direct I/O."""
    try:
        past_the_cache(path, 0, PAGE, np.empty)
    except OSError:
        return False
    return DIRECT != 0


def through_the_cache(path: str, start: int, size: int, empty: Empty) -> Any:
    """Return ``size`` bytes of a file, fewer at its end, through the page cache."""
    buffer: Any = empty((size,), np.uint8)
    return buffer[: _fill(buffer, path, start, BLOCK)]


def past_the_cache(path: str, start: int, size: int, empty: Empty) -> Any:
    """Return ``size`` bytes of a file, fewer at its end, with direct I/O.

    Direct I/O needs whole pages, and a buffer that is aligned to a page.
    """
    ahead = start % PAGE
    pages = -(-(ahead + size) // PAGE)
    buffer: Any = empty(((pages + 1) * PAGE,), np.uint8)
    begin = -buffer.ctypes.data % PAGE
    buffer = buffer[begin : begin + pages * PAGE]
    count = _fill(buffer, path, start - ahead, len(buffer), DIRECT)
    return buffer[ahead : min(count, ahead + size)]


def _fill(buffer: Any, path: str, start: int, block: int, flags: int = 0) -> int:
    """Read a file into ``room``, a block at a time; return the number of bytes."""
    total = 0
    with open(
        path, "rb", buffering=0, opener=lambda name, mode: os.open(name, mode | flags)
    ) as file:
        file.seek(start)
        while total < len(buffer):
            count = file.readinto(buffer[total : total + block]) or 0
            total += count
            if count == 0 or (flags and count % PAGE):  # the end of the file
                break
    return total


class BufferedRange:
    """A file object that holds one range of a file's bytes in memory, and fails elsewhere.

    Parameters
    ----------
    buffer : ndarray of uint8
        The bytes of the range.
    start : int
        Offset of the first byte in the file. The file seems to end after the last byte.
    """

    closed = False

    def __init__(self, buffer: Any, start: int) -> None:
        self._buffer, self._start, self._at = buffer, start, start

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Move to a position in the file."""
        end = self._start + len(self._buffer)
        self._at = offset + {os.SEEK_SET: 0, os.SEEK_CUR: self._at, os.SEEK_END: end}[whence]
        return self._at

    def tell(self) -> int:
        """Return the position in the file."""
        return self._at

    def read(self, size: int) -> memoryview:
        """Return ``size`` bytes without a copy."""
        begin = self._at - self._start
        if not 0 <= begin <= begin + size <= len(self._buffer):
            raise OSError(f"bytes {self._at} to {self._at + size} of the file were not read")
        self._at += size
        return memoryview(self._buffer[begin : begin + size])

    def close(self) -> None:
        """Do nothing; file objects need this method."""
