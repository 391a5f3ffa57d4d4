"""A kernel with the arrays that it works on."""

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
from chainrule._src.compile.running.form import Form, Place, load
from chainrule._src.core.equations import at
from chainrule._src.core.trees import Path, leaves, map_leaves

FIXED = 6  # arrays that every kernel takes first
ALIGNED = 64  # bytes
KEPT, MOST = 2**27, 64  # bytes of memory that waits for the next runs, and of how many

_lock = lock()
_kept: list[BoundKernel] = []  # with memory to use again, the latest last
_helped: WeakSet[BoundKernel] = WeakSet()  # with other threads at hand


class BoundKernel:
    """A training kernel, its carry and its memory.

    Parameters
    ----------
    form : Form
    function : NativeFunction
        Its machine code.
    capacity : int
        The largest batch that there is memory for; a larger one makes more.

    Attributes
    ----------
    size : int
        Bytes of the carry.
    threads : int
        How many may share the work.
    faulty : int
        The update that an index out of range has ended.
    totals : list of ndarray
        For each thread, the sum of the losses of each epoch.
    user : weakref.ref or None
        Who uses it; while there is nobody it may be taken.
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
        states = [place for place in form.places if place.role == "state"]
        self._carry, laid = _together(states, capacity)
        self.size = self._carry.nbytes
        self._arrays: dict[str, Any] = {
            place.name: np.ascontiguousarray(np.transpose(place.content, place.order))
            if place.role == "constant"
            else None
            for place in form.places
        }
        self._arrays |= laid
        self._make_room(capacity)
        self._places = _nested(
            {place.content: (laid[place.name], _turned(place)) for place in states}
        )
        self._rows = 0
        self._bound_to: Any = None

    @property
    def helpers(self) -> Any:
        """The other threads, where there are any: none in a child that was forked meanwhile."""
        return self._helpers

    @helpers.setter
    def helpers(self, helpers: Any) -> None:
        self._helpers = helpers
        if helpers:
            _helped.add(self)

    def _bound(self) -> list[Any]:
        """Return a call for each thread."""
        return [
            self.function.bound(
                [sizes, self._constants, self._fault, totals, self._order, self._meeting,
                 *(self._arrays | own).values()]
            )
            for sizes, totals, own in zip(self._sizes, self.totals, self._own, strict=True)
        ]  # fmt: skip

    def _make_room(self, capacity: int) -> None:
        """Make the arrays that hold what an update computes, for batches up to a size."""
        places = [place for place in self.form.places if place.role == "temporary"]
        self._arrays |= _together(places, capacity)[1]
        own = [place for place in places if place.own]
        others = (_together(own, capacity)[1] for _ in range(self.threads - 1))
        self._own: list[dict[str, Any]] = [{}, *others]
        self._capacity = capacity

    @property
    def is_free(self) -> bool:
        """Whether nobody uses it."""
        return self.user is None or self.user() is None

    @property
    def bytes(self) -> int:
        """How much memory it uses: of what is a thread's own, each uses its samples' part."""
        return sum(array.nbytes for array in self._arrays.values() if array is not None)

    def bind(self, data: Any) -> None:
        """Take the arrays that samples are read from; they must be like those recorded."""
        if self._bound_to is data:  # read where they lie
            return
        whole, self._bound_to = True, data
        data = dict(leaves(dict(zip(self.form.names, data, strict=True))))
        for place in self.form.places:
            if place.role != "data":
                continue
            leaf = data[place.content]
            if leaf.shape[1:] != place.sizes[1:]:
                raise ShapeError(
                    f"{place.name.removesuffix('_all')}: expected samples of shape "
                    f"{place.sizes[1:]}, received {leaf.shape[1:]}"
                )
            array = self._arrays[place.name] = np.ascontiguousarray(leaf, place.dtype)
            whole = whole and np.may_share_memory(array, leaf)
        if not whole:  # copies, which are old the next time
            self._bound_to = None
        self._rows = next((len(leaf) for leaf in data.values()), 0)
        self._point()

    def release(self) -> None:
        """Let go of the data."""
        self._bound_to = None
        nothing = np.zeros(0)
        self._arrays |= {place.name: nothing for place in self.form.places if place.role == "data"}
        self._point()

    def _point(self) -> None:
        """Let calls that there are find the data."""
        for call in self._calls or ():
            for i, place in enumerate(self.form.places, FIXED):
                if place.role == "data":
                    call.point(i, self._arrays[place.name])

    def take(self, orders: Any, batch_size: int) -> None:
        """Take an order of samples for each epoch."""
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
        """Run updates from the ``first`` on; return how many had a finite loss.

        How many threads share the work changes no bit.
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

    def state(self, into: Any = None) -> Any:
        """Return a copy of the carry, in memory that is given or new."""
        if into is None:
            return self._carry.copy()
        np.copyto(into, self._carry)
        return into

    def restore(self, state: Any) -> None:
        """Go back to a state."""
        np.copyto(self._carry, state)

    def read(self, key: str, part: Any) -> Any:
        """Return a part of the carry, in the structure of an old one."""
        found = iter([_copy(leaf, place) for leaf, place in self._pairs(key, part)])
        return map_leaves(lambda _: next(found), part)

    def write(self, key: str, part: Any) -> None:
        """Take a part of the carry."""
        for leaf, place in self._pairs(key, part):
            if place is not None:
                array, (order, _) = place
                array[...] = leaf if order is None else leaf.transpose(order)

    def _pairs(self, key: str, part: Any) -> list[tuple[Any, Any]]:
        """Return the leaves of a part of the carry and where they are, None if nothing reads it."""
        found: list[tuple[Any, Any]] = []
        _pair(part, self._places["carry"].get(key), found)
        return found


def _alone() -> None:
    """Go on in a child without the threads that stayed behind."""
    for kernel in _helped:
        kernel.helpers = None


in_child(_alone)


def _pair(tree: Any, places: Any, found: list[tuple[Any, Any]]) -> None:
    if isinstance(tree, (dict, list, tuple)):
        for key, branch in tree.items() if isinstance(tree, dict) else enumerate(tree):
            _pair(branch, None if places is None else places.get(key), found)
    elif tree is not None:
        found.append((tree, places))


def _copy(leaf: Any, place: Any) -> Any:
    """Return a copy of what is at a place; what nothing reads stays as it is."""
    if place is None:
        return leaf
    array, (_, back) = place
    return (array if back is None else array.transpose(back)).copy()


def aligned(shape: tuple[int, ...], dtype: Any) -> Any:
    """Return zeros that begin where a line of the cache begins: no vector lies across two."""
    size = int(np.prod(shape)) * dtype.itemsize
    room = np.zeros(size + ALIGNED, np.uint8)
    first = -room.ctypes.data % ALIGNED
    return room[first : first + size].view(dtype).reshape(shape)


def taken(form: Form, capacity: int, user: Any) -> BoundKernel:
    """Return a kernel with memory that nobody else uses, while ``user`` is there.

    What the last runs leave is used again: memory that is new to the process is slow at first.
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
    """Return what is found by paths as nested dicts, those of the carry among them."""
    found: dict[Any, Any] = {"carry": {}}
    for (*path, last), place in places.items():
        branch = found
        for part in path:
            branch = branch.setdefault(part, {})
        branch[last] = place
    return found


def _together(places: Sequence[Place], n: int) -> tuple[Any, dict[str, Any]]:
    """Return one block of memory and the arrays in it by their names.

    It is copied at once, and large enough that the system maps it in large pages.
    """
    shapes = [at(p.sizes, n) for p in places]
    sizes = [int(np.prod(s)) * p.dtype.itemsize for s, p in zip(shapes, places, strict=True)]
    starts = np.cumsum([0, *(-(-size // ALIGNED) * ALIGNED for size in sizes)])
    block = aligned((int(starts[-1]),), np.dtype(np.uint8))
    found = {}
    for place, shape, start, size in zip(places, shapes, starts, sizes, strict=False):
        found[place.name] = block[start : start + size].view(place.dtype).reshape(shape)
    return block, found


def _turned(place: Place) -> tuple[tuple[int, ...] | None, Any]:
    """Return the axes of a leaf as they lie, and how they are turned back; None if not at all."""
    if place.order == tuple(sorted(place.order)):
        return None, None
    return place.order, np.argsort(place.order)
