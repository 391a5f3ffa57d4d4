"""The way back to a carry that is lost: copies of it, and what was run since."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from chainrule._src.compile.running.bound import BoundKernel
from chainrule._src.core.trees import leaves, map_leaves

SHARE = 64  # a copy takes at most this part of the time
LONGEST = 20.0  # seconds between copies, which may have to be run again
HEAVY = 2**24  # bytes that are kept between copies, or those of the carry if it has more


@dataclass(eq=False, repr=False)
class Run:
    """Updates that were run: of these data in these orders, so many from the first on."""

    data: Any
    orders: Any
    batch_size: int
    first: int
    count: int

    def goes_on_in(self, other: Run) -> bool:
        """Whether another goes on where this one ends."""
        same = other.data is self.data and other.orders is self.orders
        return same and other.first == self.first + self.count


@dataclass(eq=False, repr=False)
class _Write:
    """A part of the carry that was written in between."""

    key: str
    part: Any


@dataclass(eq=False, repr=False)
class _Mark:
    """A copy of the carry, and what was done since."""

    state: Any
    steps: list[Run | _Write] = field(default_factory=list)
    weight: int = 0  # bytes that are kept for the steps

    @property
    def last(self) -> int | None:
        """The number of the last step that made updates."""
        found = (i for i in reversed(range(len(self.steps))) if isinstance(self.steps[i], Run))
        return next(found, None)


class Trail:
    """Where a kernel's carry comes from.

    Updates are run again from the last copy on, bit for bit, where the carry after one of them is
    asked for. Of two copies the older one is kept until there is an update after the newer one.

    Parameters
    ----------
    kernel : BoundKernel

    Attributes
    ----------
    due : bool
        Whether a copy must be taken before the next update.
    """

    def __init__(self, kernel: BoundKernel) -> None:
        self._kernel = kernel
        self._marks: list[_Mark] = []
        self._most = max(kernel.size, HEAVY)
        self._cost = self._taken = 0.0
        self.due = True

    def begin(self) -> None:
        """Take a copy before updates, where it is time for one."""
        now = time.perf_counter()
        waited = now - self._taken > min(SHARE * self._cost, LONGEST)
        if not (self.due or waited or self._marks[-1].weight > self._most):
            return
        old = None
        if self._marks and self._marks[-1].last is None:
            old = self._marks.pop().state
        elif len(self._marks) > 1:
            old = self._marks.pop(0).state
        self._marks.append(_Mark(self._kernel.state(old)))
        self._taken, self.due = time.perf_counter(), False
        self._cost = self._taken - now

    def ran(self, run: Run, weight: int) -> None:
        """Note updates of the kernel; ``weight`` is how many bytes are kept for it alone."""
        mark = self._marks[-1]
        last = mark.steps[-1] if mark.steps else None
        if isinstance(last, Run) and last.goes_on_in(run):
            last.count += run.count
        else:
            mark.steps.append(run)
            mark.weight += run.orders.nbytes + weight

    def wrote(self, key: str, part: Any) -> None:
        """Note that a part of the carry was written."""
        if not self._marks or bytes_of(part) * SHARE > self._kernel.size:
            self.due = True
        else:
            self._marks[-1].steps.append(_Write(key, map_leaves(np.array, part)))

    def forget(self) -> None:
        """Let there be no way back before the next update."""
        self._marks, self.due = self._marks[:1], True
        for mark in self._marks:
            mark.steps, mark.weight = [], 0

    def back(self) -> None:
        """Let the carry be what it was before the last update, if there was one."""
        while len(self._marks) > 1 and self._marks[-1].last is None:
            self._marks.pop()
        if not self._marks or self._marks[-1].last is None:
            self.again()
            return
        mark = self._marks[-1]
        assert mark.last is not None
        del mark.steps[mark.last + 1 :]
        run = mark.steps[-1]
        assert isinstance(run, Run)
        run.count -= 1
        self.again()
        if run.count == 0:
            mark.steps.pop()

    def again(self) -> None:
        """Let the carry be what it was after all that was noted."""
        if not self._marks:
            return
        kernel, mark = self._kernel, self._marks[-1]
        kernel.restore(mark.state)
        for step in mark.steps:
            if isinstance(step, _Write):
                kernel.write(step.key, step.part)
            else:
                kernel.bind(step.data)
                kernel.take(step.orders, step.batch_size)
                kernel.run(step.first, step.count)


def bytes_of(tree: Any) -> int:
    """Return how much memory the arrays of a tree take."""
    return sum(np.asarray(leaf).nbytes for _, leaf in leaves(tree))
