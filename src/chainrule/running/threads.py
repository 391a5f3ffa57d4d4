"""Who works on what: threads that share an update, and BLAS kept to one thread meanwhile."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

_lock = threading.Lock()
_runs = 0
_limits: Any = None


def cores() -> int:
    """Return how many cores may be used: ``CHAINRULE_NUM_THREADS``, or all there are."""
    named = os.environ.get("CHAINRULE_NUM_THREADS", "")
    if named.isdecimal() and int(named) > 0:
        return int(named)
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


@contextmanager
def running() -> Iterator[int]:
    """Keep BLAS to one thread while kernels run; yields how many runs there are, this included."""
    global _runs, _limits
    with _lock:
        _runs += 1
        count = _runs
        if count == 1:
            _limits = _blas().limit(limits=1, user_api="blas")
    try:
        yield count
    finally:
        with _lock:
            _runs -= 1
            if _runs == 0:
                _limits.restore_original_limits()
                _limits = None


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


_controller: Any = None


def _blas() -> Any:
    global _controller
    if _controller is None:
        from threadpoolctl import ThreadpoolController

        _controller = ThreadpoolController()
    return _controller
