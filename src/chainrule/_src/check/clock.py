"""Limits of time: the processor's time of this thread, and by the clock on the wall."""

from __future__ import annotations

import math
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import partial

WALL = 4.0  # seconds on the wall for one of the processor's: other programs use it, too
SHORT = 1e-3  # seconds for which a reading of a processor's clock holds: it is a system call


def thread_clock() -> Callable[[], float]:
    """Return a clock of this thread's processor time that other threads can read."""
    read: Callable[[], float] = time.process_time
    if sys.platform != "win32" and hasattr(time, "pthread_getcpuclockid"):
        read = partial(time.clock_gettime, time.pthread_getcpuclockid(threading.get_ident()))
    seconds, until = 0.0, -math.inf

    def clock() -> float:
        nonlocal seconds, until
        if time.monotonic() > until:
            seconds, until = read(), time.monotonic() + SHORT
        return seconds

    return clock


_around: ContextVar[Deadline | None] = ContextVar("_around", default=None)


class Deadline:
    """The end of a search, after some seconds of this thread's processor time.

    Time on the wall counts as well, `WALL` times as little: code may wait or sleep.

    Parameters
    ----------
    seconds : float
    within : Deadline, optional
        A deadline that ends this one, too; by default that of `at_most`.
    """

    def __init__(self, seconds: float, within: Deadline | None = None) -> None:
        self.within = within = within or _around.get()
        self._clock: Callable[[], float] = within._clock if within is not None else thread_clock()
        self._end, self._wall = self._clock() + seconds, time.monotonic() + WALL * seconds
        self.was_hit = False

    @property
    def left(self) -> float:
        """The seconds of processor time that are left; 0 if the deadline has passed."""
        remaining = min(self._end - self._clock(), (self._wall - time.monotonic()) / WALL)
        return max(0.0, remaining if self.within is None else min(remaining, self.within.left))

    @property
    def has_passed(self) -> bool:
        """True if no time is left; `was_hit` then says that the deadline ended the search."""
        passed = self.left <= 0
        self.was_hit |= passed
        if passed and self.within is not None:
            self.within.was_hit |= self.within.left <= 0
        return passed


def thread_seconds(call: Callable[[], object]) -> float:
    """Return the seconds of processor time that a call takes in this thread."""
    start = time.thread_time()
    call()
    return time.thread_time() - start


@contextmanager
def at_most(seconds: float) -> Iterator[None]:
    """Context manager in which all searches together end after some seconds of this thread."""
    before = _around.set(Deadline(seconds))
    try:
        yield
    finally:
        _around.reset(before)
