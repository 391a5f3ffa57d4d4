"""Groups read ahead: the next one while the present one trains."""

from __future__ import annotations

import math
import threading
from collections import OrderedDict
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from typing import Any, NamedTuple

import numpy as np

from chainrule.distributed.group import Empty, Group, Rows
from chainrule.running.threads import is_busy

KEPT = 2**28  # bytes of groups at hand, from which a round may have taken some rows only
AT_WORK = 3  # groups that may be in use: the one before, the present one, the next


class Asked(NamedTuple):
    """A group to read.

    Attributes
    ----------
    job : str
        The name of what trains on it.
    group : Group
    given : sequence
        What reading it takes.
    made : callable
        Makes what a step takes of the rows that were read, in memory of such a function.
    """

    job: str
    group: Group
    given: Sequence[Any]
    made: Callable[[Rows, Empty], Rows]

    @property
    def key(self) -> tuple[str, Group]:
        """What tells it from others."""
        return self.job, self.group


class Blocks:
    """Memory that is read into, again and again: what is new to the process is slow at first."""

    def __init__(self) -> None:
        self._spare: list[Any] = []
        self._lock = threading.Lock()

    def taken(self, size: int) -> Any:
        """Return so many bytes, or some more."""
        with self._lock:
            fit = [n for n, block in enumerate(self._spare) if size <= block.nbytes <= 2 * size]
            if fit:
                return self._spare.pop(min(fit, key=lambda n: self._spare[n].nbytes))
        return np.empty(size, np.uint8)

    def back(self, blocks: Sequence[Any]) -> None:
        """Take them back."""
        with self._lock:
            self._spare += blocks
            del self._spare[: -2 * AT_WORK]


class Read:
    """A group, read in a thread that ends with it.

    Attributes
    ----------
    future : Future
        Of what a step takes.
    blocks : list of ndarray
        The memory that it lies in.
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
        except BaseException as error:  # the thread that asked raises it
            self.future.set_exception(error)
            return
        used = [any(np.may_share_memory(block, p) for p in found) for block in self.blocks]
        self.memory.back([b for b, is_used in zip(self.blocks, used, strict=True) if not is_used])
        self.blocks = [b for b, is_used in zip(self.blocks, used, strict=True) if is_used]
        self.future.set_result(found)

    def _empty(self, shape: tuple[int, ...], dtype: Any) -> Any:
        """Return an array in memory that is used again."""
        size = math.prod(shape) * np.dtype(dtype).itemsize
        self.blocks.append(self.memory.taken(size))
        return self.blocks[-1][:size].view(dtype).reshape(shape)


class Reader:
    """Reads groups for one thread. What it returns lasts until the next but one is asked for."""

    def __init__(self) -> None:
        self._found: OrderedDict[tuple[str, Group], Read] = OrderedDict()
        self._memory = Blocks()

    def read(self, asked: Sequence[Asked]) -> Rows:
        """Return the rows of the first group; begin with those of the next one."""
        first, *others = asked
        if not first.group.is_file:
            return first.made(first.group.read(*first.given), np.empty)
        found = self._begun(first)
        following = [each for each in others if each.key != first.key]
        if following and following[0].group.is_file:
            self._begun(following[0])
        try:
            rows = found.future.result()
        except BaseException:
            self.forget()
            raise
        self._let_go(sum(part.nbytes for part in rows))
        return rows

    def _begun(self, asked: Asked) -> Read:
        if asked.key not in self._found:
            self._found[asked.key] = Read(asked, self._memory)
        self._found.move_to_end(asked.key)
        return self._found[asked.key]

    def _let_go(self, each: int) -> None:
        """Keep no more than so many bytes, and what is in use."""
        while len(self._found) > AT_WORK and len(self._found) * each > KEPT:
            oldest = self._found.popitem(last=False)[1]
            if oldest.future.done():
                self._memory.back(oldest.blocks)

    def forget(self) -> None:
        """Let go of all."""
        self._found.clear()
        self._memory = Blocks()


_here = threading.local()


def reader() -> Reader:
    """Return this thread's."""
    if not hasattr(_here, "reader"):
        _here.reader = Reader()
    found: Reader = _here.reader
    return found
