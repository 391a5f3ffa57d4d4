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

from chainrule._src.cluster.group import Empty, Group, Rows
from chainrule._src.compile.running.threads import is_busy

KEPT = 2**28  # bytes of the cache of groups
ORDERS = 2**25  # bytes of the cache of shuffled orders
AT_WORK = 3  # groups that may be in use: the previous, the current and the next one


class Left(Enum):
    """The next use of a group: in the next round, in the next epoch, or never."""

    SOON = "soon"
    NEXT_EPOCH = "next epoch"
    NOTHING = "nothing"


class Asked(NamedTuple):
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
    group: Group
    given: Sequence[Any]
    made: Callable[[Rows, Empty], Rows]
    left: Left = Left.SOON

    @property
    def key(self) -> tuple[str, Group]:
        """The cache key: the run and the group."""
        return self.run, self.group


class Blocks:
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


class Read:
    """A group that a background thread reads.

    Attributes
    ----------
    future : Future
        The rows in the form that a step takes.
    blocks : list of ndarray
        The buffers that the rows use.
    """

    def __init__(self, asked: Asked, memory: Blocks) -> None:
        self.asked, self.memory = asked, memory
        self.future = Future[Rows]()
        self.blocks: list[Any] = []
        thread = threading.Thread(target=self._run, name="chainrule-reader", daemon=True)
        thread.start()
        if asked.group.takes_a_core:
            is_busy(thread)

    def _run(self) -> None:
        try:
            rows = self.asked.group.read(empty=self._empty)
            found = self.asked.made(rows, self._empty)
        except BaseException as error:  # the thread that waits for the future raises it
            self.future.set_exception(error)
            return
        used = [any(np.may_share_memory(block, p) for p in found) for block in self.blocks]
        self.memory.back([b for b, is_used in zip(self.blocks, used, strict=True) if not is_used])
        self.blocks = [b for b, is_used in zip(self.blocks, used, strict=True) if is_used]
        self.future.set_result(found)

    def _empty(self, shape: tuple[int, ...], dtype: Any) -> Any:
        """Return an uninitialised array in a buffer of the pool."""
        size = math.prod(shape) * np.dtype(dtype).itemsize
        self.blocks.append(self.memory.taken(size))
        return self.blocks[-1][:size].view(dtype).reshape(shape)


class Kept:
    """A cache, up to `KEPT` bytes, of converted rows of groups that are not in files.

    If it is full, a group whose rows of this epoch are used up may be evicted, but only for a group
    that the next round reads. Evicting the least recently used group would miss every time, because
    an epoch reads all groups in turn.
    """

    def __init__(self) -> None:
        self._found: dict[tuple[str, Group], Rows] = {}
        self._over: dict[tuple[str, Group], None] = {}  # used up in this epoch, the oldest first

    def rows(self, asked: Asked) -> Rows:
        """Return the rows of a group, from the cache if possible."""
        found = self._found.get(asked.key)
        if found is None:
            found = asked.made(asked.group.read(*asked.given), np.empty)
            self._keep(asked, found)
        self._over.pop(asked.key, None)
        if asked.key in self._found and asked.left is Left.NEXT_EPOCH:
            self._over[asked.key] = None
        elif asked.left is Left.NOTHING:
            self._found.pop(asked.key, None)
        return found

    def _keep(self, asked: Asked, rows: Rows) -> None:
        """Put rows into the cache if there is room."""
        for key in [key for key in self._found if key[0] != asked.run]:
            self._drop(key)
        left = KEPT - _bytes(rows) - sum(map(_bytes, self._found.values()))
        while left < 0 and self._over and asked.left is Left.SOON:
            left += _bytes(self._drop(next(iter(self._over))))
        if left >= 0:
            self._found[asked.key] = rows

    def _drop(self, key: tuple[str, Group]) -> Rows:
        self._over.pop(key, None)
        return self._found.pop(key)


def _bytes(rows: Rows) -> int:
    return sum(part.nbytes for part in rows)


class Orders:
    """A cache, up to `ORDERS` bytes, of the shuffled orders of groups that are partly used."""

    def __init__(self) -> None:
        self._found: dict[tuple[str, int, int], Any] = {}

    def of(self, key: tuple[str, int, int], made: Callable[[], Any], is_over: bool) -> Any:
        """Return the order of a group in an epoch of a run; if ``is_over``, drop it from the cache."""
        found = self._found.pop(key, None)
        found = made() if found is None else found
        if not is_over:
            self._found = {each: o for each, o in self._found.items() if each[0] == key[0]}
            if found.nbytes + sum(o.nbytes for o in self._found.values()) <= ORDERS:
                self._found[key] = found
        return found


class Reader:
    """Reads groups for one thread. Rows stay valid until the next but one `read`.

    Attributes
    ----------
    orders : Orders
    """

    def __init__(self) -> None:
        self._found: OrderedDict[tuple[str, Group], Read] = OrderedDict()
        self._memory, self._kept, self.orders = Blocks(), Kept(), Orders()

    def read(self, asked: Sequence[Asked]) -> Rows:
        """Return the rows of the first request, and prefetch the next file among the others."""
        first, *others = asked
        if not first.group.is_file:
            return self._kept.rows(first)
        found = self._begun(first)
        following = [each for each in others if each.key != first.key]
        if following and following[0].group.is_file:
            self._begun(following[0])
        try:
            rows = found.future.result()
        except BaseException:
            self.forget()
            raise
        self._let_go(_bytes(rows))
        return rows

    def _begun(self, asked: Asked) -> Read:
        if asked.key not in self._found:
            self._found[asked.key] = Read(asked, self._memory)
        self._found.move_to_end(asked.key)
        return self._found[asked.key]

    def _let_go(self, each: int) -> None:
        """Evict the oldest groups beyond `KEPT` bytes, but none in use; ``each``: bytes of a group."""
        while len(self._found) > AT_WORK and len(self._found) * each > KEPT:
            oldest = self._found.popitem(last=False)[1]
            if oldest.future.done():
                self._memory.back(oldest.blocks)

    def forget(self) -> None:
        """Clear all caches."""
        self._found.clear()
        self._memory, self._kept, self.orders = Blocks(), Kept(), Orders()


_here = threading.local()


def reader() -> Reader:
    """Return this thread's reader."""
    if not hasattr(_here, "reader"):
        _here.reader = Reader()
    found: Reader = _here.reader
    return found
