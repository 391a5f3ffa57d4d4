"""Threads that share an update, and which run has them."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import contextmanager
from weakref import WeakSet

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
