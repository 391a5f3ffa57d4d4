"""Threads that share an update: how many, and which run has them."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any
from weakref import WeakSet

from chainrule._src.base.extras import needs
from chainrule._src.base.forks import in_child, lock
from chainrule._src.compile.native import cores

PATIENCE = 0.05  # seconds that a thread waits for its turn
TURN = 0.05  # seconds between looks at the keyboard
TRIAL = 0.002  # seconds that a pace is measured for, and between looks at who else is there
TOGETHER = 0.01  # seconds for several: those that slept take half a millisecond to be there
TRIALS, LATEST = 3, 5  # how many are needed for a choice, and how many count
AGAIN = 0.25  # seconds between trials, at least: processors and their other guests change
RARELY = 50  # times as long as a trial took
CLEARLY = 1.3  # times as long as with several, which one thread is not tried for again soon
SELDOM = 8  # times as long until then: where several become slow, that is seen at once

_lock = lock()
_turn = lock(reentrant=False)
_mine = threading.local()
_runs: WeakSet[object] = WeakSet()
_busy: WeakSet[threading.Thread] = WeakSet()


def _alone() -> None:
    """Forget, in a child, the turn that is taken and the runs of threads that stayed behind."""
    _mine.turn = False
    _runs.clear()


in_child(_alone)


@contextmanager
def in_turn() -> Iterator[None]:
    """Let one thread at a time do what comes before machine code, which ends its turn.

    Where the interpreter's lock alone decides, threads that train fall into step: each lets go of
    it while samples are shuffled, the other begins its own run then, both come back from machine
    code at the same moment, and wait for each other again. Who has waited for `PATIENCE` goes on:
    the loss may itself wait for another thread.
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
    """Let the next thread begin, if this one has its turn."""
    if getattr(_mine, "turn", False):
        _mine.turn = False
        _turn.release()


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


def is_busy(thread: threading.Thread) -> None:
    """Let runs leave a core to a thread until it ends: it prepares what they take next."""
    with _lock:
        _busy.add(thread)


def free(most: int) -> int:
    """Return how many threads may share an update now, of so many.

    They wait for each other: a core that another thread takes from one is lost to all.
    """
    with _lock:
        others = sum(thread.is_alive() for thread in _busy)
    return max(1, min(most, cores() - others)) if others else most


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


@contextmanager
def sharing(run: object, count: int) -> Iterator[Executor | None]:
    """Count a run, with so many threads to share its work with if it is the only one."""
    with running(run) as alone:
        if count and alone:
            with helpers(count) as pool:
                yield pool
        else:
            yield None


def shared_out(work: Callable[[Any], Any], things: Iterable[Any], count: int) -> None:
    """Do some work for each thing; so many other threads help if no run has them."""
    rest = iter(things)

    def take() -> None:
        for thing in rest:
            work(thing)

    with sharing(take, count) as pool:
        others = [pool.submit(take) for _ in range(count)] if pool else []
        try:
            take()
        finally:
            deque(rest, 0)  # after an error or an interrupt, nothing is left to the others
    for other in others:
        other.result()


def one_for_products() -> Any:
    """Have NumPy's matrix products made by one thread; as a context, until it ends.

    Threads of its library wait for one another without sleeping: where others want the cores, as a
    browser does, products that are shared out take many times as long. Nor do their last bits
    depend on how many cores there are.
    """
    with needs("the blackboard", "blackboard", "threadpoolctl"):
        from threadpoolctl import threadpool_limits

    return threadpool_limits(1, "blas")


class Paces:
    """How long updates take with one thread and with several.

    Whether others help depends on the machine, on how far apart its cores are and who else is
    there: it is tried, now and then. What delays an update for a moment (memory that is new, a
    processor that wakes up) only adds, so of the latest times the shortest counts.
    """

    def __init__(self) -> None:
        # By the threads and the batch size.
        self._latest: dict[tuple[int, int], deque[float]] = {}
        self._due: dict[tuple[int, int], float] = {}  # when they are tried again

    def plan(self, most: int, batch_size: int, longest: float = TURN) -> tuple[int, int]:
        """Return with how many threads to run next, and how many updates."""
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
        """Note how long so many updates took."""
        key = threads, batch_size
        times = self._latest.setdefault(key, deque(maxlen=LATEST))
        times.append(seconds / count)
        if len(times) >= TRIALS:
            self._rest(key)
        alone = 1, batch_size
        # The first update of all finds code and memory cold.
        known = len(self._times(alone)) > 1 and alone not in self._due
        if known and self._is_clear(alone):
            self._rest(alone)

    def _is_clear(self, alone: tuple[int, int]) -> bool:
        """Whether one thread takes much longer than several."""
        best = min(min(times) for key, times in self._latest.items() if key[1] == alone[1])
        return min(self._times(alone)) > CLEARLY * best

    def _rest(self, key: tuple[int, int]) -> None:
        seconds = max(AGAIN, RARELY * self._latest[key][-1])
        seldom = SELDOM if key[0] == 1 and self._is_clear(key) else 1
        self._due[key] = time.perf_counter() + seldom * seconds

    def _times(self, key: tuple[int, int]) -> Sequence[float]:
        return self._latest.get(key, ())
