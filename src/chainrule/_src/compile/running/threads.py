"""Threads that share the work of an update: their number, and the run that uses the threads."""

from __future__ import annotations

import functools
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any
from weakref import WeakSet

from chainrule._src.base.extras import needs
from chainrule._src.base.forks import in_child, lock
from chainrule._src.base.interrupts import deferred, load
from chainrule._src.compile.native import cores

if TYPE_CHECKING:
    from concurrent.futures import Executor

PATIENCE = 0.05  # seconds that a thread waits for its turn
TURN = 0.05  # seconds between looks at the keyboard
TRIAL = 0.002  # seconds of a trial of one thread, and between looks for other busy threads
TOGETHER = 0.01  # seconds of a trial of several threads: to wake them takes half a millisecond
TRIALS, LATEST = 3, 5  # trials before a choice, and the number of latest trials that count
AGAIN = 0.25  # seconds between trials, at least, since the load of the machine changes
RARELY = 50  # trials are apart by at least this many times their own length
CLEARLY = 1.3  # one thread is clearly slower than several from this ratio of times on
SELDOM = 8  # one thread is measured only in every eighth trial once it is clearly slower

_lock = lock()
_turn = lock(reentrant=False)
_mine = threading.local()
_runs: WeakSet[object] = WeakSet()
_busy: WeakSet[threading.Thread] = WeakSet()
_limiting = 0  # the number of threads within `products_on_one_thread`
_limit: Any = None  # threadpoolctl's, while there are such threads


def _alone() -> None:
    """Reset this module in a forked child process, where the other threads do not exist."""
    global _limiting
    _mine.turn, _limiting = False, 0
    _runs.clear()


in_child(_alone)


@contextmanager
def in_turn() -> Iterator[None]:
    """Let one thread at a time run the Python code before machine code, which ends the turn.

    With the interpreter's lock alone, threads that train run in lockstep: one releases the lock
    while it shuffles samples, the other begins its own run then, both return from machine code at
    the same moment, and wait for each other again. A thread waits at most `PATIENCE` seconds,
    because the loss may itself wait for another thread.
    """
    if getattr(_mine, "turn", False):
        yield
        return
    _mine.turn = _turn.acquire(timeout=PATIENCE)
    try:
        yield
    finally:
        end_turn()


def end_turn() -> None:
    """Release the turn, if this thread holds the turn."""
    if getattr(_mine, "turn", False):
        _mine.turn = False
        _turn.release()


@contextmanager
def running(run: object) -> Iterator[bool]:
    """Register a run while it runs; yields true if no other run is registered.

    If an interrupt prevents the end of the registration, the garbage collector ends it.
    """
    with _lock:
        alone = not _runs
        _runs.add(run)
    try:
        yield alone
    finally:
        _runs.discard(run)


def is_busy(thread: threading.Thread) -> None:
    """Reserve a core for a thread until it ends, for example one that prepares the next batches."""
    with _lock:
        _busy.add(thread)


def free(most: int) -> int:
    """Return the number of threads that may share an update now, at most ``most``.

    The threads wait for each other, so if one of them has no core of its own, all are delayed.
    """
    with _lock:
        others = sum(thread.is_alive() for thread in _busy)
    return max(1, min(most, cores() - others)) if others else most


@contextmanager
def helpers(count: int) -> Iterator[Executor | None]:
    """Start ``count`` helper threads; yields their pool, or None if they cannot be started.

    All are started now, because a thread that is missing later would block the others.
    """
    with deferred():
        from concurrent.futures import ThreadPoolExecutor
    ready = threading.Barrier(count + 1)
    with ThreadPoolExecutor(count, "chainrule") as pool:
        try:
            for _ in range(count):
                pool.submit(ready.wait)
            ready.wait()
        except RuntimeError:  # a thread cannot be started
            ready.abort()
            pool.shutdown(cancel_futures=True)
            yield None
        else:
            yield pool


@contextmanager
def sharing(run: object, count: int) -> Iterator[Executor | None]:
    """Register a run; yields a pool of ``count`` helper threads, or None if other runs exist."""
    with running(run) as alone:
        if count and alone:
            with helpers(count) as pool:
                yield pool
        else:
            yield None


def shared_out(work: Callable[[Any], Any], items: Iterable[Any], count: int) -> None:
    """Call ``work`` for each item. Up to ``count`` helper threads share the calls.

    There are no helper threads while other runs exist.
    """
    remaining = iter(items)

    def take() -> None:
        for item in remaining:
            work(item)

    with sharing(take, count) as pool:
        others = [pool.submit(take) for _ in range(count)] if pool else []
        try:
            take()
        finally:
            deque(remaining, 0)  # after an error or an interrupt, the other threads must stop
    for other in others:
        other.result()


def one_for_products() -> Any:
    """Limit NumPy's matrix products to one thread, as a call or as a context manager.

    BLAS threads wait for one another without sleeping. If other programs, for example a browser,
    use the cores, a product with several threads takes many times as long. With one thread, the
    last bits do not depend on the number of cores.
    """
    with needs("the blackboard", "blackboard", "threadpoolctl"):
        from threadpoolctl import threadpool_limits

    return threadpool_limits(1, "blas")


@functools.cache
def _blas() -> Any:
    """Return a controller of the libraries of matrix products, or None without threadpoolctl."""
    if find_spec("threadpoolctl") is None:
        return None
    return load("threadpoolctl").ThreadpoolController().select(user_api="blas")


@contextmanager
def products_on_one_thread() -> Iterator[None]:
    """Limit each of NumPy's matrix products to one thread, if threadpoolctl is installed.

    Several threads may be within this context; the last one to leave it ends the limit.
    """
    global _limiting, _limit
    blas = _blas()
    with _lock:
        if blas is not None and not _limiting:
            _limit = blas.limit(limits=1)
        _limiting += 1
    try:
        yield
    finally:
        with _lock:
            _limiting -= 1
            if blas is not None and not _limiting:
                _limit.restore_original_limits()


class Paces:
    """The measured times of updates with one thread and with several.

    The speedup by more threads depends on the machine and on its load. So it is measured now and
    then. Short delays (new memory, a processor that wakes up) only make an update slower, so the
    shortest of the latest times counts.
    """

    def __init__(self) -> None:
        # The keys are pairs of number of threads and batch size.
        self._latest: dict[tuple[int, int], deque[float]] = {}
        self._due: dict[tuple[int, int], float] = {}  # the time of the next trial

    def plan(self, most: int, batch_size: int, longest: float = TURN) -> tuple[int, int]:
        """Return the number of threads for the next call, and its number of updates."""
        keys = [(threads, batch_size) for threads in sorted({1, most}, reverse=True)]
        now = time.perf_counter()
        late = [key for key in keys if len(keys) > 1 and self._due.get(key, now) <= now]
        if late:
            key = min(late, key=lambda key: len(self._times(key)))
            seconds = TRIAL if key[0] == 1 else TOGETHER
        else:
            seconds, key = longest, min(keys, key=lambda key: min(self._times(key), default=0.0))
        times = self._times(key)
        return key[0], max(1, int(seconds / min(times))) if times else 1

    def took(self, seconds: float, count: int, threads: int, batch_size: int) -> None:
        """Record the time of ``count`` updates."""
        key = threads, batch_size
        times = self._latest.setdefault(key, deque(maxlen=LATEST))
        times.append(seconds / count)
        if len(times) >= TRIALS:
            self._rest(key)
        alone = 1, batch_size
        # The very first update is slow, since code and memory are not in the cache.
        is_measured = len(self._times(alone)) > 1 and alone not in self._due
        if is_measured and self._is_clear(alone):
            self._rest(alone)

    def _is_clear(self, alone: tuple[int, int]) -> bool:
        """Return true if one thread is clearly slower than several."""
        best = min(min(times) for key, times in self._latest.items() if key[1] == alone[1])
        return min(self._times(alone)) > CLEARLY * best

    def _rest(self, key: tuple[int, int]) -> None:
        seconds = max(AGAIN, RARELY * self._latest[key][-1])
        seldom = SELDOM if key[0] == 1 and self._is_clear(key) else 1
        self._due[key] = time.perf_counter() + seldom * seconds

    def _times(self, key: tuple[int, int]) -> Sequence[float]:
        return self._latest.get(key, ())
