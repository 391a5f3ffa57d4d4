"""The history of a carry: copies of it, and the updates since each copy, to undo updates."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from chainrule._src.compile.running.bound import BoundKernel
from chainrule._src.core.trees import leaves, map_leaves

SHARE = 64  # copies take at most one part in 64 of the time
LONGEST = 20.0  # seconds between copies, at most, since the updates between may run again
HEAVY = 2**24  # bytes of data to keep between copies, or the carry's bytes if these are more


@dataclass(eq=False, repr=False)
class UpdateRange:
    """A range of updates that were run: ``count`` updates, beginning with number ``first``."""

    data: Any
    orders: Any
    batch_size: int
    first: int
    count: int

    def goes_on_in(self, other: UpdateRange) -> bool:
        """Return true if ``other`` begins where this range of updates ends."""
        same = other.data is self.data and other.orders is self.orders
        return same and other.first == self.first + self.count


@dataclass(eq=False, repr=False)
class _Write:
    """A write of a part of the carry between updates."""

    key: str
    part: Any


@dataclass(eq=False, repr=False)
class _Mark:
    """A copy of the carry, and the updates and writes since."""

    state: Any
    steps: list[UpdateRange | _Write] = field(default_factory=list)
    weight: int = 0  # bytes of the data that the steps refer to

    @property
    def last(self) -> int | None:
        """The index of the last step that is a range of updates, or None."""
        indices = (
            i for i in reversed(range(len(self.steps))) if isinstance(self.steps[i], UpdateRange)
        )
        return next(indices, None)


class Trail:
    """The history of a kernel's carry.

    To restore an earlier carry, the updates since the last copy are run again and give the same
    bits. The older of two copies is kept until there is an update after the newer copy.

    Parameters
    ----------
    kernel : BoundKernel

    Attributes
    ----------
    due : bool
        True if a copy must be taken before the next update.
    """

    def __init__(self, kernel: BoundKernel) -> None:
        self._kernel = kernel
        self._marks: list[_Mark] = []
        self._most = max(kernel.carry.size, HEAVY)
        self._cost = self._taken = 0.0
        self.due = True

    def begin(self) -> None:
        """Copy the carry before updates, if a copy is due."""
        now = time.perf_counter()
        waited = now - self._taken > min(SHARE * self._cost, LONGEST)
        if not (self.due or waited or self._marks[-1].weight > self._most):
            return
        old = None
        if self._marks and self._marks[-1].last is None:
            old = self._marks.pop().state
        elif len(self._marks) > 1:
            old = self._marks.pop(0).state
        self._marks.append(_Mark(self._kernel.carry.copy(old)))
        self._taken, self.due = time.perf_counter(), False
        self._cost = self._taken - now

    def ran(self, run: UpdateRange, weight: int) -> None:
        """Record updates of the kernel; ``weight`` is the bytes of data kept for them alone."""
        mark = self._marks[-1]
        last = mark.steps[-1] if mark.steps else None
        if isinstance(last, UpdateRange) and last.goes_on_in(run):
            last.count += run.count
        else:
            mark.steps.append(run)
            mark.weight += run.orders.nbytes + weight

    def wrote(self, key: str, part: Any) -> None:
        """Record a write of a part of the carry."""
        if not self._marks or bytes_of(part) * SHARE > self._kernel.carry.size:
            self.due = True
        else:
            self._marks[-1].steps.append(_Write(key, map_leaves(np.array, part)))

    def forget(self) -> None:
        """Delete the history, so that `back` cannot go back before the current carry."""
        self._marks, self.due = self._marks[:1], True
        for mark in self._marks:
            mark.steps, mark.weight = [], 0

    def back(self) -> None:
        """Restore the carry before the last update; if there is none, replay all recorded steps."""
        while len(self._marks) > 1 and self._marks[-1].last is None:
            self._marks.pop()
        if not self._marks or self._marks[-1].last is None:
            self.again()
            return
        mark = self._marks[-1]
        assert mark.last is not None
        del mark.steps[mark.last + 1 :]
        run = mark.steps[-1]
        assert isinstance(run, UpdateRange)
        run.count -= 1
        self.again()
        if run.count == 0:
            mark.steps.pop()

    def again(self) -> None:
        """Restore the carry after all recorded steps."""
        if not self._marks:
            return
        kernel, mark = self._kernel, self._marks[-1]
        kernel.carry.restore(mark.state)
        for step in mark.steps:
            if isinstance(step, _Write):
                kernel.carry.write(step.key, step.part)
            else:
                kernel.bind(step.data)
                kernel.take(step.orders, step.batch_size)
                kernel.run(step.first, step.count)


def bytes_of(tree: Any) -> int:
    """Return the number of bytes of a tree's arrays."""
    return sum(np.asarray(leaf).nbytes for _, leaf in leaves(tree))
