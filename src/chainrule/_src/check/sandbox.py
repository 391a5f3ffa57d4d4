"""A sandbox for a learner's code: no output, bounded time, and all changes are undone."""

from __future__ import annotations

import contextlib
import ctypes
import gc
import sys
import threading
import time
import warnings
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import numpy as np

from chainrule._src.base.forks import lock
from chainrule._src.check.reach import Restore, random_states, reachable, restoring

alone = lock()  # one check at a time: functions and streams are shared


class TooLong(BaseException):
    """A run exceeded its time limit; a BaseException, which ``except Exception`` does not catch."""


FAILURES = (Exception, SystemExit, TooLong)  # anything that a changed program may raise


class _Muted:
    """A stream that drops the output of one thread and passes on that of all other threads."""

    def __init__(self, stream: Any) -> None:
        self._stream, self._thread = stream, threading.get_ident()

    def write(self, text: str) -> int:
        if threading.get_ident() == self._thread:
            return len(text)
        return int(self._stream.write(text) or 0)

    def flush(self) -> None:
        if threading.get_ident() != self._thread:
            self._stream.flush()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Context manager: mute this thread's output and warnings, restore NumPy's random state.

    Only one thread at a time can be in this context; others wait.
    """
    with alone, warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        state = np.random.get_state()  # noqa: NPY002  # what a learner's code may draw from
        collects = gc.isenabled()
        gc.disable()  # the time limit must not interrupt callbacks of the garbage collector
        streams = sys.stdout, sys.stderr
        sys.stdout, sys.stderr = _Muted(streams[0]), _Muted(streams[1])
        try:
            yield
        finally:
            sys.stdout, sys.stderr = streams
            if collects:
                gc.enable()
            np.random.set_state(state)  # noqa: NPY002


class Sandbox:
    """Runs a function with a time limit, and restores the state of objects after each run.

    Parameters
    ----------
    objects : iterable
        Functions, and objects that they may change: their content is restored.
    seconds : float
        Time limit of a run; an attribute that may be set between runs.
    """

    def __init__(self, objects: Iterable[Any], seconds: float) -> None:
        self.seconds = seconds
        self._thread = threading.get_ident()
        self._lock = threading.Lock()
        self._end: float | None = None
        self._fired = False
        self._over = threading.Event()
        self._seen: set[int] = set()
        self._restores: list[Restore] = random_states(())
        self.keep(objects)

    def __enter__(self) -> Sandbox:
        threading.Thread(target=self._watch, daemon=True).start()
        return self

    def __exit__(self, *error: object) -> None:
        self._over.set()

    def keep(self, objects: Iterable[Any]) -> None:
        """Take snapshots of more objects, which are restored after each run."""
        restores = map(restoring, reachable(objects, self._seen))
        self._restores += [restore for restore in restores if restore is not None]

    def run(self, call: Callable[[], Any]) -> Any:
        """Return the result of a call.

        Raises
        ------
        TooLong
            If it takes too long.
        """
        try:
            return self._bounded(call)
        finally:
            with self._lock:  # the limit may have passed just after the call
                self._end = None
            self._put_back()

    def _bounded(self, call: Callable[[], Any]) -> Any:
        with self._lock:
            self._end, self._fired = time.perf_counter() + self.seconds, False
        try:
            return call()
        finally:
            with self._lock:
                self._end = None
            if self._fired:  # an exception may be pending still: raise it here
                with contextlib.suppress(TooLong):
                    for _ in range(10):
                        time.sleep(0.001)

    def _watch(self) -> None:
        while not self._over.wait(0.02):
            with self._lock:
                if self._end is not None and time.perf_counter() > self._end:
                    self._fired = True
                    self._end += 0.05  # raise it again, in case a destructor caught it
                    ctypes.pythonapi.PyThreadState_SetAsyncExc(
                        ctypes.c_ulong(self._thread), ctypes.py_object(TooLong)
                    )

    def _put_back(self) -> None:
        for restore in self._restores:
            restore()
