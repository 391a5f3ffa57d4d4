"""Threads that share an update: how many, and which run has them."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any
from weakref import WeakSet

TURN = 0.05  # seconds between looks at the keyboard
TRIAL = 0.002  # seconds that a pace is measured for
AGAIN = 1.0  # seconds between trials: processors and their other guests change

_lock = threading.Lock()
_runs: WeakSet[object] = WeakSet()


def cores() -> int:
    """Return how many cores may be used: all there are, but as many as the environment says.

    ``CHAINRULE_NUM_THREADS`` is asked, then ``OMP_NUM_THREADS``, by which joblib shares out the
    cores among its processes.
    """
    for name in ("CHAINRULE_NUM_THREADS", "OMP_NUM_THREADS"):
        named = os.environ.get(name, "")
        if named.isdecimal() and int(named) > 0:
            return int(named)
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


@contextmanager
def running(run: object) -> Iterator[bool]:
    """Count a run while it runs; yields whether it is the only one.

    One that an interrupt has kept from saying that it is over counts until it is collected.
    """
    with _lock:
        alone = not _runs
        _runs.add(run)
    try:
        yield alone
    finally:
        _runs.discard(run)


@contextmanager
def helpers(count: int) -> Iterator[Executor | None]:
    """Start so many threads to share work with; yields None where the system allows no more.

    They are started here: one that was missing later would be waited for.
    """
    ready = threading.Barrier(count + 1)
    with ThreadPoolExecutor(count, "chainrule") as pool:
        try:
            for _ in range(count):
                pool.submit(ready.wait)
            ready.wait()
        except RuntimeError:  # of a thread that cannot be started
            ready.abort()
            pool.shutdown(cancel_futures=True)
            yield None
        else:
            yield pool


def one_for_products() -> Any:
    """Have NumPy's matrix products made by one thread; as a context, until it ends.

    Threads of its library wait for one another without sleeping: where others want the cores, as a
    browser does, products that are shared out take many times as long. Nor do their last bits
    depend on how many cores there are.
    """
    from threadpoolctl import threadpool_limits

    return threadpool_limits(1, "blas")


class Paces:
    """How long updates take with one thread and with several.

    Whether others help depends on the machine, on how far apart its cores are and who else is
    there: it is tried, now and then.
    """

    def __init__(self) -> None:
        self._known: dict[tuple[int, int], float] = {}  # by the threads and the batch size
        self._tried: dict[tuple[int, int], float] = {}  # when

    def plan(self, most: int, batch_size: int) -> tuple[int, int]:
        """Return with how many threads to run next, and how many updates."""
        keys = [(threads, batch_size) for threads in sorted({1, most})]
        due = time.perf_counter() - AGAIN
        late = (key for key in keys if len(keys) > 1 and self._tried.get(key, due) <= due)
        chosen = next(late, None)
        key = chosen or min(keys, key=lambda key: self._known.get(key, 0.0))
        pace = self._known.get(key)
        seconds = TURN if chosen is None else TRIAL
        return key[0], 1 if pace is None else max(1, int(seconds / pace))

    def took(self, seconds: float, count: int, threads: int, batch_size: int) -> None:
        """Note how long so many updates took."""
        pace, key = seconds / count, (threads, batch_size)
        if key in self._known:  # the first one waits for memory
            self._tried[key] = time.perf_counter()
        if count > 1 or pace < self._known.get(key, pace + 1):  # a single one may be held up
            self._known[key] = pace
