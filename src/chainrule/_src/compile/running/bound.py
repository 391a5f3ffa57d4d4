"""A kernel bound to the arrays that it reads and writes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import wait
from typing import Any
from weakref import WeakSet, ref

import numpy as np

from chainrule._src.base.errors import OutOfRangeError, ShapeError
from chainrule._src.base.forks import in_child, lock
from chainrule._src.base.interrupts import deferred
from chainrule._src.compile.native import cores
from chainrule._src.compile.running.form import ArraySpec, Form, load
from chainrule._src.core.equations import at
from chainrule._src.core.trees import Path, leaves, map_leaves

FIXED = 6  # arrays that every kernel takes first
ALIGNED = 64  # bytes
KEPT, MOST = 2**27, 64  # limits of the pool of idle kernels: bytes of memory, number of kernels

_lock = lock()
_kept: list[BoundKernel] = []  # the pool of kernels with memory to use again, the latest last
_helped: WeakSet[BoundKernel] = WeakSet()  # kernels that have helper threads


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
    size : int
        The number of bytes of the carry.
    threads : int
        The largest number of threads that may share the work.
    faulty : int
        The number of the update that stopped because an index was out of range.
    totals : list of ndarray
        For each thread, the sum of the losses of each epoch.
    user : weakref.ref or None
        The engine that uses the kernel. While there is none, another engine may take the kernel.
    """

    def __init__(self, form: Form, function: Any, capacity: int) -> None:
        self.form = form
        self._helpers: Any = None
        self.threads = min(cores(), form.threads)
        self.function = function
        self.user: Any = None
        self._calls: Any = None
        self._sizes = [np.zeros(8, np.int64) for _ in range(self.threads)]
        self._fault, self._meeting = np.zeros(1, np.int64), np.zeros(2, np.int64)
        self._constants = np.array([*form.constants, 0.0])
        self._order = np.zeros(0, np.int64)
        self.totals = [np.zeros(1) for _ in range(self.threads)]
        states = [spec for spec in form.places if spec.role == "state"]
        self._carry, laid = _together(states, capacity)
        self.size = self._carry.nbytes
        self._arrays: dict[str, Any] = {
            spec.name: np.ascontiguousarray(np.transpose(spec.content, spec.order))
            if spec.role == "constant"
            else None
            for spec in form.places
        }
        self._arrays |= laid
        self._make_room(capacity)
        self._places = _nested({spec.content: (laid[spec.name], _turned(spec)) for spec in states})
        self._rows = 0
        self._bound_to: Any = None

    @property
    def helpers(self) -> Any:
        """The pool of helper threads, or None. A forked child process has none."""
        return self._helpers

    @helpers.setter
    def helpers(self, helpers: Any) -> None:
        self._helpers = helpers
        if helpers:
            _helped.add(self)

    def _bound(self) -> list[Any]:
        """Return one callable for each thread, bound to the thread's arrays."""
        return [
            self.function.bound(
                [sizes, self._constants, self._fault, totals, self._order, self._meeting,
                 *(self._arrays | thread_arrays).values()]
            )
            for sizes, totals, thread_arrays in zip(
                self._sizes, self.totals, self._own, strict=True
            )
        ]  # fmt: skip

    def _make_room(self, capacity: int) -> None:
        """Allocate the temporary arrays of an update for batches of up to ``capacity`` samples."""
        places = [spec for spec in self.form.places if spec.role == "temporary"]
        self._arrays |= _together(places, capacity)[1]
        per_thread = [spec for spec in places if spec.own]
        others = (_together(per_thread, capacity)[1] for _ in range(self.threads - 1))
        self._own: list[dict[str, Any]] = [{}, *others]
        self._capacity = capacity

    @property
    def is_free(self) -> bool:
        """True if no engine uses this kernel."""
        return self.user is None or self.user() is None

    @property
    def bytes(self) -> int:
        """The bytes of memory in use.

        Arrays that each thread owns count once, since a thread uses only the part of its samples.
        """
        return sum(array.nbytes for array in self._arrays.values() if array is not None)

    def bind(self, data: Any) -> None:
        """Set the arrays that samples are read from.

        Their shapes must agree with the recorded ones, except for the number of samples.
        """
        if self._bound_to is data:  # no copies were made
            return
        is_view, self._bound_to = True, data
        data = dict(leaves(dict(zip(self.form.names, data, strict=True))))
        for spec in self.form.places:
            if spec.role != "data":
                continue
            leaf = data[spec.content]
            if leaf.shape[1:] != spec.sizes[1:]:
                raise ShapeError(
                    f"{spec.name.removesuffix('_all')}: expected samples of shape "
                    f"{spec.sizes[1:]}, received {leaf.shape[1:]}"
                )
            array = self._arrays[spec.name] = np.ascontiguousarray(leaf, spec.dtype)
            is_view = is_view and np.may_share_memory(array, leaf)
        if not is_view:  # a copy was made, which may be out of date at the next call
            self._bound_to = None
        self._rows = next((len(leaf) for leaf in data.values()), 0)
        self._point()

    def release(self) -> None:
        """Drop the references to the data."""
        self._bound_to = None
        nothing = np.zeros(0)
        self._arrays |= {spec.name: nothing for spec in self.form.places if spec.role == "data"}
        self._point()

    def _point(self) -> None:
        """Update the data pointers of the existing calls."""
        for call in self._calls or ():
            for i, spec in enumerate(self.form.places, FIXED):
                if spec.role == "data":
                    call.point(i, self._arrays[spec.name])

    def take(self, orders: Any, batch_size: int) -> None:
        """Set the order of samples for each epoch, and the batch size."""
        self.orders, self.batch_size = orders, batch_size
        self.updates = -(-orders.shape[1] // batch_size)
        if batch_size > self._capacity:
            self._make_room(batch_size)
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
            self._calls = self._bound()
        for thread, sizes in enumerate(self._sizes):
            sizes[:] = (
                *divmod(first, self.updates), count, self.batch_size, self.orders.shape[1],
                self._rows, thread, threads,
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

    def state(self, into: Any = None) -> Any:
        """Return a copy of the carry. It is written into ``into`` if that is an array."""
        if into is None:
            return self._carry.copy()
        np.copyto(into, self._carry)
        return into

    def restore(self, state: Any) -> None:
        """Set the carry to a copy that `state` returned."""
        np.copyto(self._carry, state)

    def read(self, key: str, part: Any) -> Any:
        """Return a copy of one part of the carry, as a tree with the structure of ``part``."""
        copies = iter([_copy(leaf, target) for leaf, target in self._pairs(key, part)])
        return map_leaves(lambda _: next(copies), part)

    def write(self, key: str, part: Any) -> None:
        """Overwrite one part of the carry."""
        for leaf, target in self._pairs(key, part):
            if target is not None:
                array, (order, _) = target
                array[...] = leaf if order is None else leaf.transpose(order)

    def _pairs(self, key: str, part: Any) -> list[tuple[Any, Any]]:
        """Return pairs of a leaf and its array in the kernel.

        Instead of the array there is None if the kernel does not use the leaf.
        """
        pairs: list[tuple[Any, Any]] = []
        _pair(part, self._places["carry"].get(key), pairs)
        return pairs


def _alone() -> None:
    """Drop the helper threads in a forked child process, where they do not exist."""
    for kernel in _helped:
        kernel.helpers = None


in_child(_alone)


def _pair(tree: Any, places: Any, pairs: list[tuple[Any, Any]]) -> None:
    if isinstance(tree, (dict, list, tuple)):
        for key, branch in tree.items() if isinstance(tree, dict) else enumerate(tree):
            _pair(branch, None if places is None else places.get(key), pairs)
    elif tree is not None:
        pairs.append((tree, places))


def _copy(leaf: Any, target: Any) -> Any:
    """Return a copy of a leaf's array; the leaf itself if the kernel has no array for the leaf."""
    if target is None:
        return leaf
    array, (_, back) = target
    return (array if back is None else array.transpose(back)).copy()


def aligned(shape: tuple[int, ...], dtype: Any) -> Any:
    """Return zeros whose memory is aligned to a cache line, so that no vector crosses two lines."""
    size = int(np.prod(shape)) * dtype.itemsize
    room = np.zeros(size + ALIGNED, np.uint8)
    first = -room.ctypes.data % ALIGNED
    return room[first : first + size].view(dtype).reshape(shape)


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
    if kernel.bytes > KEPT:
        return kernel
    with _lock:
        _kept.append(kernel)
        while len(_kept) > MOST or sum(kernel.bytes for kernel in _kept) > KEPT:
            del _kept[0]
    return kernel


def _nested(places: Mapping[Path, Any]) -> dict[Any, Any]:
    """Return a mapping by paths as nested dicts. The key "carry" is always present."""
    tree: dict[Any, Any] = {"carry": {}}
    for (*path, last), value in places.items():
        branch = tree
        for part in path:
            branch = branch.setdefault(part, {})
        branch[last] = value
    return tree


def _together(places: Sequence[ArraySpec], n: int) -> tuple[Any, dict[str, Any]]:
    """Return one block of memory, and the arrays in this block by name.

    One block is copied in one step, and the system can map it in large pages.
    """
    shapes = [at(p.sizes, n) for p in places]
    sizes = [int(np.prod(s)) * p.dtype.itemsize for s, p in zip(shapes, places, strict=True)]
    starts = np.cumsum([0, *(-(-size // ALIGNED) * ALIGNED for size in sizes)])
    block = aligned((int(starts[-1]),), np.dtype(np.uint8))
    arrays = {}
    for spec, shape, start, size in zip(places, shapes, starts, sizes, strict=False):
        arrays[spec.name] = block[start : start + size].view(spec.dtype).reshape(shape)
    return block, arrays


def _turned(spec: ArraySpec) -> tuple[tuple[int, ...] | None, Any]:
    """Return a leaf's axis order in memory and its inverse; twice None if not permuted."""
    if spec.order == tuple(sorted(spec.order)):
        return None, None
    return spec.order, np.argsort(spec.order)
