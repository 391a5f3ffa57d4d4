"""Bytes of a file, through the system's cache or past it.

Of a file that is larger than half the memory the cache holds little until the next epoch. To bring
pages into it and to let go of others takes the system as much of a processor as a small network
takes to train on them.
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

SHARE = 0.5  # of the memory, from which a file is read past the cache
PAGE = mmap.PAGESIZE
DIRECT = getattr(os, "O_DIRECT", 0)  # 0 on systems that do not


def is_direct(path: str, written: int, size: int) -> bool:
    """Whether a file of a size is read past the cache."""
    return size > SHARE * memory() and _allows(path, written)


def read(path: str, start: int, size: int, empty: Empty, direct: bool) -> Array:
    """Return bytes of a file, fewer where it ends; past the cache if ``direct``.

    Raises
    ------
    FileError
    """
    way = past_the_cache if direct else through_the_cache
    try:
        found: Array = way(path, start, size, empty)
    except OSError as error:
        raise FileError(f"{path} cannot be read: {error.strerror or error}") from error
    return found


@lru_cache
def _allows(path: str, written: int) -> bool:
    """Whether a file can be read so: not every file system knows how."""
    try:
        past_the_cache(path, 0, PAGE, np.empty)
    except OSError:
        return False
    return bool(DIRECT)


def through_the_cache(path: str, start: int, size: int, empty: Empty) -> Any:
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
    return found[:done]


def past_the_cache(path: str, start: int, size: int, empty: Empty) -> Any:
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
    return room[ahead : min(done, ahead + size)]


class Part:
    """Bytes of a file in memory as the file that they are of, for whoever reads there alone.

    Parameters
    ----------
    found : ndarray of uint8
    start : int
        Where in the file they begin. It seems to end where they do.
    """

    closed = False

    def __init__(self, found: Any, start: int) -> None:
        self._found, self._start, self._at = found, start, start

    def seek(self, place: int, whence: int = os.SEEK_SET) -> int:
        """Go to a place in the file."""
        end = self._start + len(self._found)
        self._at = place + {os.SEEK_SET: 0, os.SEEK_CUR: self._at, os.SEEK_END: end}[whence]
        return self._at

    def tell(self) -> int:
        """Return the place."""
        return self._at

    def read(self, size: int) -> memoryview:
        """Return so many bytes, without a copy."""
        begin = self._at - self._start
        if not 0 <= begin <= begin + size <= len(self._found):
            raise OSError(f"bytes {self._at} to {self._at + size} of the file were not read")
        self._at += size
        return memoryview(self._found[begin : begin + size])

    def close(self) -> None:
        """Let it be closed."""
