"""Python's garbage collector, kept from going through all that a process holds."""

from __future__ import annotations

import gc
import threading
from collections.abc import Iterator
from contextlib import contextmanager

NEVER = 2**31 - 1  # collections of younger objects before one of all

_lock = threading.Lock()
_usual: list[tuple[int, int, int]] = []  # thresholds to go back to, one for each who is within


@contextmanager
def young_alone() -> Iterator[None]:
    """Have young objects collected alone.

    A step that is recorded and compiled makes many objects that stay, and many that refer to one
    another for a moment. The former let the collector go through everything that was ever imported,
    which takes an eighth of the time and finds nothing; the latter it finds among the young.
    """
    with _lock:
        _usual.append(_usual[-1] if _usual else gc.get_threshold())
        gc.set_threshold(*_usual[-1][:2], NEVER)
    try:
        yield
    finally:
        with _lock:
            usual = _usual.pop()
            if not _usual:
                gc.set_threshold(*usual)
