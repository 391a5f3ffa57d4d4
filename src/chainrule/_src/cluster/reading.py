"""Prefetching of groups: the next group is read while the current one trains; and caches."""

from __future__ import annotations

import math
import threading
from collections import OrderedDict
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from enum import Enum
from typing import Any, NamedTuple

import numpy as np

from chainrule._src.cluster.group import DataGroup, Empty, Rows
from chainrule._src.compile.running.threads import is_busy

KEPT = 2**28  # bytes of the cache of groups
ORDERS = 2**25  # bytes of the cache of shuffled orders
AT_WORK = 3  # groups that may be in use: the previous, the current and the next one


class NextUse(Enum):
    """The next use of a group: in the next round, in the next epoch, or never."""

    SOON = "soon"
    NEXT_EPOCH = "next epoch"
    NOTHING = "nothing"


class ReadRequest(NamedTuple):
    """A request to read a group.

    Attributes
    ----------
    run : str
        Unique id of the run that trains on the group.
    group : DataGroup
    inputs : sequence
        Arguments of the group's `read`.
    convert : callable
        ``convert(rows, empty)`` returns the rows in the form that a step takes; ``empty`` allocates
        its arrays.
    next_use : NextUse
    """

    run: str
    group: DataGroup
    inputs: Sequence[Any]
    convert: Callable[[Rows, Empty], Rows]
    next_use: NextUse = NextUse.SOON

    @property
    def key(self) -> tuple[str, DataGroup]:
        """The cache key: the run and the group."""
        return self.run, self.group


class MemoryPool:
    """A pool of buffers for reading: pages that are new to a process are slow at first use."""

    def __init__(self) -> None:
        self._spare: list[Any] = []
        self._lock = threading.Lock()

    def taken(self, size: int) -> Any:
        """Return a buffer of at least ``size`` bytes."""
        with self._lock:
            fit = [n for n, block in enumerate(self._spare) if size <= block.nbytes <= 2 * size]
            if fit:
                return self._spare.pop(min(fit, key=lambda n: self._spare[n].nbytes))
        return np.empty(size, np.uint8)

    def back(self, blocks: Sequence[Any]) -> None:
        """Return buffers to the pool."""
        with self._lock:
            self._spare += blocks
            del self._spare[: -2 * AT_WORK]


class PendingRead:
    """A group that a background thread reads.

    Attributes
    ----------
    future : Future
        The rows in the form that a step takes.
    blocks : list of ndarray
        The buffers that the rows use.
    """

    def __init__(self, request: ReadRequest, memory: MemoryPool) -> None:
        self.request, self.memory = request, memory
        self.future = Future[Rows]()
        self.blocks: list[Any] = []
        thread = threading.Thread(target=self._run, name="chainrule-reader", daemon=True)
        thread.start()
        if request.group.takes_a_core:
            is_busy(thread)

    def _run(self) -> None:
        try:
            raw = self.request.group.read(empty=self._empty)
            rows = self.request.convert(raw, self._empty)
        except BaseException as error:  # the thread that waits for the future raises it
            self.future.set_exception(error)
            return
        used = [any(np.may_share_memory(block, p) for p in rows) for block in self.blocks]
        self.memory.back([b for b, is_used in zip(self.blocks, used, strict=True) if not is_used])
        self.blocks = [b for b, is_used in zip(self.blocks, used, strict=True) if is_used]
        self.future.set_result(rows)

    def _empty(self, shape: tuple[int, ...], dtype: Any) -> Any:
        """Return an uninitialised array in a buffer of the pool."""
        size = math.prod(shape) * np.dtype(dtype).itemsize
        self.blocks.append(self.memory.taken(size))
        return self.blocks[-1][:size].view(dtype).reshape(shape)


class RowCache:
    """A cache, up to `KEPT` bytes, of converted rows of groups that are not in files.

    If it is full, a group whose rows of this epoch are used up may be evicted, but only for a group
    that the next round reads. Evicting the least recently used group would miss every time, because
    an epoch reads all groups in turn.
    """

    def __init__(self) -> None:
        self._rows: dict[tuple[str, DataGroup], Rows] = {}
        # Groups whose rows of this epoch are used up, the oldest first.
        self._over: dict[tuple[str, DataGroup], None] = {}

    def rows(self, request: ReadRequest) -> Rows:
        """Return the rows of a group, from the cache if possible."""
        rows = self._rows.get(request.key)
        if rows is None:
            rows = request.convert(request.group.read(*request.inputs), np.empty)
            self._keep(request, rows)
        self._over.pop(request.key, None)
        if request.key in self._rows and request.next_use is NextUse.NEXT_EPOCH:
            self._over[request.key] = None
        elif request.next_use is NextUse.NOTHING:
            self._rows.pop(request.key, None)
        return rows

    def _keep(self, request: ReadRequest, rows: Rows) -> None:
        """Put rows into the cache if there is room."""
        for key in [key for key in self._rows if key[0] != request.run]:
            self._drop(key)
        room = KEPT - _bytes(rows) - sum(map(_bytes, self._rows.values()))
        while room < 0 and self._over and request.next_use is NextUse.SOON:
            room += _bytes(self._drop(next(iter(self._over))))
        if room >= 0:
            self._rows[request.key] = rows

    def _drop(self, key: tuple[str, DataGroup]) -> Rows:
        self._over.pop(key, None)
        return self._rows.pop(key)


def _bytes(rows: Rows) -> int:
    return sum(part.nbytes for part in rows)


class OrderCache:
    """A cache, up to `ORDERS` bytes, of the shuffled orders of groups that are partly used."""

    def __init__(self) -> None:
        self._orders: dict[tuple[str, int, int], Any] = {}

    def of(self, key: tuple[str, int, int], compute: Callable[[], Any], is_over: bool) -> Any:
        """Return the order of a group in an epoch of a run; it is not cached if ``is_over``."""
        order = self._orders.pop(key, None)
        order = compute() if order is None else order
        if not is_over:
            self._orders = {each: o for each, o in self._orders.items() if each[0] == key[0]}
            if order.nbytes + sum(o.nbytes for o in self._orders.values()) <= ORDERS:
                self._orders[key] = order
        return order


class GroupReader:
    """Reads groups for one thread. Rows stay valid until the next but one `read`.

    Attributes
    ----------
    orders : Orders
    """

    def __init__(self) -> None:
        self._reads: OrderedDict[tuple[str, DataGroup], PendingRead] = OrderedDict()
        self._memory, self._cache, self.orders = MemoryPool(), RowCache(), OrderCache()

    def read(self, requests: Sequence[ReadRequest]) -> Rows:
        """Return the rows of the first request, and prefetch the second if it is a file."""
        first, *others = requests
        if not first.group.is_file:
            return self._cache.rows(first)
        pending = self._begun(first)
        following = [each for each in others if each.key != first.key]
        if following and following[0].group.is_file:
            self._begun(following[0])
        try:
            rows = pending.future.result()
        except BaseException:
            self.forget()
            raise
        self._let_go(_bytes(rows))
        return rows

    def _begun(self, request: ReadRequest) -> PendingRead:
        if request.key not in self._reads:
            self._reads[request.key] = PendingRead(request, self._memory)
        self._reads.move_to_end(request.key)
        return self._reads[request.key]

    def _let_go(self, each: int) -> None:
        """Evict the oldest groups beyond `KEPT` bytes, none in use; ``each``: bytes of a group."""
        while len(self._reads) > AT_WORK and len(self._reads) * each > KEPT:
            oldest = self._reads.popitem(last=False)[1]
            if oldest.future.done():
                self._memory.back(oldest.blocks)

    def forget(self) -> None:
        """Clear all caches."""
        self._reads.clear()
        self._memory, self._cache, self.orders = MemoryPool(), RowCache(), OrderCache()


_here = threading.local()


def reader() -> GroupReader:
    """Return this thread's reader."""
    if not hasattr(_here, "reader"):
        _here.reader = GroupReader()
    thread_reader: GroupReader = _here.reader
    return thread_reader
