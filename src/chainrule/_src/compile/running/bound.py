"""A kernel bound to the arrays that it reads and writes."""

from __future__ import annotations

from typing import Any
from weakref import WeakSet, ref

import numpy as np

from chainrule._src.base.errors import OutOfRangeError
from chainrule._src.base.forks import in_child, lock
from chainrule._src.base.interrupts import deferred
from chainrule._src.compile.native import cores
from chainrule._src.compile.running.form import Form, load
from chainrule._src.compile.running.memory import Carry, KernelMemory

FIXED = 6  # arrays that every kernel takes first
KEPT, MOST = 2**27, 64  # limits of the pool of idle kernels: bytes of memory, number of kernels

_lock = lock()
_kept: list[BoundKernel] = []  # the pool of kernels with memory to use again, the latest last
_all: WeakSet[BoundKernel] = WeakSet()


class BoundKernel:
    """A training kernel, its carry and its memory.

    Parameters
    ----------
    form : Form
    function : NativeFunction
        The machine code of the kernel.
    capacity : int
        The largest batch size that memory is allocated for. A larger batch allocates new memory.

    Attributes
    ----------
    carry : Carry
    memory : KernelMemory
    threads : int
        The largest number of threads that may share the work.
    helpers : Executor or None
        The pool of helper threads. A forked child process has none.
    faulty : int
        The number of the update that stopped because an index was out of range.
    totals : list of ndarray
        For each thread, the sum of the losses of each epoch.
    user : weakref.ref or None
        The engine that uses the kernel. While there is none, another engine may take the kernel.
    """

    def __init__(self, form: Form, function: Any, capacity: int) -> None:
        self.form, self.function = form, function
        self.threads = min(cores(), form.threads)
        self.user: Any = None
        self.helpers: Any = None
        self._calls: Any = None
        self._sizes = [np.zeros(8, np.int64) for _ in range(self.threads)]
        self._fault, self._meeting = np.zeros(1, np.int64), np.zeros(2, np.int64)
        self._constants = np.array([*form.constants, 0.0])
        self._order = np.zeros(0, np.int64)
        self.totals = [np.zeros(1) for _ in range(self.threads)]
        states = [spec for spec in form.places if spec.role == "state"]
        self.carry = Carry(states, capacity)
        self.memory = KernelMemory(form, self.carry, self.threads, capacity)
        _all.add(self)

    @property
    def is_free(self) -> bool:
        """True if no engine uses this kernel."""
        return self.user is None or self.user() is None

    @property
    def updates(self) -> int:
        """The number of updates of an epoch."""
        return int(-(-self.orders.shape[1] // self.batch_size))

    def bind(self, data: Any) -> None:
        """Set the arrays that samples are read from."""
        if self.memory.bind(data):
            self._point()

    def release(self) -> None:
        """Drop the references to the data."""
        self.memory.release()
        self._point()

    def _point(self) -> None:
        """Update the data pointers of the existing calls."""
        for call in self._calls or ():
            for i, array in self.memory.data():
                call.point(FIXED + i, array)

    def take(self, orders: Any, batch_size: int) -> None:
        """Set the order of samples for each epoch, and the batch size."""
        self.orders, self.batch_size = orders, batch_size
        if batch_size > self.memory.capacity:
            self.memory.make_room(batch_size)
            self._calls = None
        if orders.size > len(self._order):
            self._order, self._calls = np.zeros(orders.size, np.int64), None
        self._order[: orders.size].reshape(orders.shape)[...] = orders
        if len(orders) > len(self.totals[0]):
            self.totals, self._calls = [np.zeros(len(orders)) for _ in self.totals], None
        for totals in self.totals:
            totals[:] = 0

    def run(self, first: int, count: int, threads: int = 1) -> int:
        """Run ``count`` updates, beginning with number ``first``.

        Returns the number of updates with a finite loss. The number of threads does not change any
        bit of the result.
        """
        if self._calls is None:
            per_thread = zip(self._sizes, self.totals, self.memory.of_threads(), strict=True)
            self._calls = [
                self.function.bound([
                    sizes, self._constants, self._fault, totals, self._order, self._meeting, *arrays
                ])
                for sizes, totals, arrays in per_thread
            ]  # fmt: skip
        for thread, sizes in enumerate(self._sizes):
            sizes[:] = (
                *divmod(first, self.updates), count, self.batch_size, self.orders.shape[1],
                self.memory.rows, thread, threads,
            )  # fmt: skip
        self._meeting[:] = 0
        completed: int = self._together(threads) if threads > 1 else self._calls[0]()
        if self._fault[0]:
            number, self._fault[0] = int(self._fault[0]), 0
            self.faulty = first + completed
            raise OutOfRangeError(self.form.checks[number - 1])
        return completed

    def _together(self, threads: int) -> int:
        """Run the calls of all threads, and wait for each of them even after an error."""
        others: list[Any] = []
        with deferred():
            from concurrent.futures import wait

            try:
                for call in self._calls[1:threads]:
                    others.append(self.helpers.submit(call))
                completed: int = self._calls[0]()
            except BaseException:
                self._meeting[1] = 1  # a thread could not be started: tell the others not to wait
                raise
            finally:
                wait(others)
        return completed


def _alone() -> None:
    """Drop the helper threads in a forked child process, where they do not exist."""
    for kernel in _all:
        kernel.helpers = None


in_child(_alone)


def reserved_kernel(form: Form, capacity: int, user: Any) -> BoundKernel:
    """Return a kernel whose memory is reserved as long as the object ``user`` exists.

    Memory of earlier runs is reused, because the first access to new memory is slow.
    """
    function, threads = load(form), min(cores(), form.threads)
    with _lock:
        for kernel in _kept:
            same = kernel.form is form and kernel.function is function
            if same and kernel.threads == threads and kernel.is_free:
                kernel.user = ref(user)
                _kept.remove(kernel)
                _kept.append(kernel)
                return kernel
    kernel = BoundKernel(form, function, capacity)
    kernel.user = ref(user)
    if kernel.memory.bytes > KEPT:
        return kernel
    with _lock:
        _kept.append(kernel)
        while len(_kept) > MOST or sum(kernel.memory.bytes for kernel in _kept) > KEPT:
            del _kept[0]
    return kernel
