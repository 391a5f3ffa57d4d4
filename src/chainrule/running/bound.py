"""A kernel with the arrays that it works on."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import wait
from typing import Any

import numpy as np

from chainrule.autodiff.trees import Path, leaves, map_leaves
from chainrule.compiler.kernels import Kernel
from chainrule.compiler.nodes import PARTS, Buffer
from chainrule.errors import OutOfRangeError, ShapeError
from chainrule.interrupts import deferred
from chainrule.native.code import load
from chainrule.program.batch import at
from chainrule.running.threads import cores

SHARED = 4  # parts of the work of an update that threads may share: how many do changes no bit


class BoundKernel:
    """A training kernel, its carry and its memory.

    Parameters
    ----------
    kernel : Kernel
    capacity : int
        The largest batch that there is memory for; a larger one makes more.

    Attributes
    ----------
    threads : int
        How many may share the work.
    helpers : Executor or None
        The other threads, where there are any.
    faulty : int
        The update that an index out of range has ended.
    totals : list of ndarray
        For each thread, the sum of the losses of each epoch.
    """

    def __init__(self, kernel: Kernel, capacity: int) -> None:
        self.kernel = kernel
        self.helpers: Any = None
        self.parts = SHARED if kernel.shared else 1
        self.threads = min(cores(), self.parts)
        self._function = load(kernel)
        self._calls: Any = None
        self._sizes = [np.zeros(9, np.int64) for _ in range(self.threads)]
        self._fault, self._meeting = np.zeros(1, np.int64), np.zeros(2, np.int64)
        self._constants = np.array([*kernel.constants, 0.0])
        self._order = np.zeros(0, np.int64)
        self.totals = [np.zeros(1) for _ in range(self.threads)]
        self._arrays: dict[str, Any] = {
            buffer.name: self._made(buffer, capacity) for buffer in kernel.pointed
        }
        self._capacity = capacity
        self._states = {b.content: b for b in kernel.pointed if b.role == "state"}
        self._rows = 0

    def _made(self, buffer: Buffer, capacity: int) -> Any:
        if buffer.role == "data":
            return None
        if buffer.role == "constant":
            return np.ascontiguousarray(np.transpose(buffer.content, buffer.order))
        sizes = (self.parts if size is PARTS else size for size in buffer.memory_shape)
        return np.zeros(at(tuple(sizes), capacity), buffer.dtype)

    def bind(self, data: Mapping[Path, Any]) -> None:
        """Take the arrays that samples are read from; they must be like those recorded."""
        for buffer in self.kernel.pointed:
            if buffer.role != "data":
                continue
            leaf = data[buffer.content]
            if leaf.shape[1:] != buffer.shape[1:]:
                raise ShapeError(
                    f"{buffer.name.removesuffix('_all')}: expected samples of shape "
                    f"{buffer.shape[1:]}, received {leaf.shape[1:]}"
                )
            self._arrays[buffer.name] = np.ascontiguousarray(leaf, buffer.dtype)
        self._rows = next((len(leaf) for leaf in data.values()), 0)
        self._calls = None

    def take(self, orders: Any, batch_size: int) -> None:
        """Take an order of samples for each epoch."""
        self.orders, self.batch_size = orders, batch_size
        self.updates = -(-orders.shape[1] // batch_size)
        if batch_size > self._capacity:
            self._capacity, self._calls = batch_size, None
            for buffer in self.kernel.pointed:
                if buffer.role == "temporary":
                    self._arrays[buffer.name] = self._made(buffer, batch_size)
        if orders.size > len(self._order):
            self._order, self._calls = np.zeros(orders.size, np.int64), None
        self._order[: orders.size] = orders.ravel()
        if len(orders) > len(self.totals[0]):
            self.totals, self._calls = [np.zeros(len(orders)) for _ in self.totals], None
        for totals in self.totals:
            totals[:] = 0

    def run(self, first: int, count: int, threads: int = 1) -> int:
        """Run updates from the ``first`` on; return how many had a finite loss.

        How many threads share the work changes no bit.
        """
        if self._calls is None:
            self._calls = [
                self._function.bound(
                    [sizes, self._constants, self._fault, totals, self._order, self._meeting,
                     *self._arrays.values()]
                )
                for sizes, totals in zip(self._sizes, self.totals, strict=True)
            ]  # fmt: skip
        for thread, sizes in enumerate(self._sizes):
            sizes[:] = (
                *divmod(first, self.updates), count, self.batch_size, self.orders.shape[1],
                self._rows, thread, threads, self.parts,
            )  # fmt: skip
        self._meeting[:] = 0
        completed: int = self._together(threads) if threads > 1 else self._calls[0]()
        if self._fault[0]:
            number, self._fault[0] = int(self._fault[0]), 0
            self.faulty = first + completed
            raise OutOfRangeError(self.kernel.checks[number - 1])
        return completed

    def _together(self, threads: int) -> int:
        """Let all threads run their parts; none is left behind, whatever happens."""
        others: list[Any] = []
        with deferred():
            try:
                for call in self._calls[1:threads]:
                    others.append(self.helpers.submit(call))
                completed: int = self._calls[0]()
            except BaseException:
                self._meeting[1] = 1  # a thread could not be started: nobody is to wait for it
                raise
            finally:
                wait(others)
        return completed

    def state(self) -> dict[str, Any]:
        """Return a copy of the carry as it lies in memory."""
        return {b.name: self._arrays[b.name].copy() for b in self._states.values()}

    def restore(self, state: dict[str, Any]) -> None:
        """Go back to a state."""
        for name, kept in state.items():
            self._arrays[name][...] = kept

    def read(self, key: str, part: Any) -> Any:
        """Return a part of the carry, in the structure of an old one."""
        found = dict(leaves({"carry": {key: part}}))
        for path, buffer in self._states.items():
            if path in found:
                lies = self._arrays[buffer.name]
                found[path] = np.transpose(lies, np.argsort(buffer.order)).copy()
        values = iter(found.values())
        return map_leaves(lambda _: next(values), part)

    def write(self, key: str, part: Any) -> None:
        """Take a part of the carry."""
        for path, leaf in leaves({"carry": {key: part}}):
            if path in self._states:
                buffer = self._states[path]
                self._arrays[buffer.name][...] = np.transpose(leaf, buffer.order)
