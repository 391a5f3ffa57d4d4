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
    return DIRECT != 0


def through_the_cache(path: str, start: int, size: int, empty: Empty) -> Any:
    """Return bytes of a file, fewer where it ends."""
    found: Any = empty((size,), np.uint8)
    return found[: _fill(found, path, start, BLOCK)]


def past_the_cache(path: str, start: int, size: int, empty: Empty) -> Any:
    """Return the same; whole pages are read to where pages begin, as the system asks for."""
    ahead = start % PAGE
    pages = -(-(ahead + size) // PAGE)
    room: Any = empty(((pages + 1) * PAGE,), np.uint8)
    begin = -room.ctypes.data % PAGE
    room = room[begin : begin + pages * PAGE]
    done = _fill(room, path, start - ahead, len(room), DIRECT)
    return room[ahead : min(done, ahead + size)]


def _fill(room: Any, path: str, start: int, block: int, flags: int = 0) -> int:
    """Read a file into ``room``, a block at a time; return how many bytes there were."""
    done = 0
    with open(
        path, "rb", buffering=0, opener=lambda name, mode: os.open(name, mode | flags)
    ) as file:
        file.seek(start)
        while done < len(room):
            count = file.readinto(room[done : done + block]) or 0
            done += count
            if count == 0 or (flags and count % PAGE):  # the file's end: no page begins behind it
                break
    return done


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
