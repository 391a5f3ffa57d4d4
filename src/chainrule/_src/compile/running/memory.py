"""The memory of a kernel: the carry of its updates, and all other arrays that it works on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from chainrule._src.base.errors import ShapeError
from chainrule._src.compile.running.form import ArraySpec, Form
from chainrule._src.core.equations import at
from chainrule._src.core.trees import Path, leaves, map_leaves

ALIGNED = 64  # bytes


class Carry:
    """The parameters and the state of an optimizer, which updates change, in one block of memory.

    Parameters
    ----------
    specs : sequence of ArraySpec
    n : int
        The batch size, in case that shapes depend on it.

    Attributes
    ----------
    arrays : dict of str to ndarray
        The arrays in memory by name.
    """

    def __init__(self, specs: Sequence[ArraySpec], n: int) -> None:
        self._block, self.arrays = laid_out(specs, n)
        # Views with the axes of the leaves, by path.
        self._views: dict[Path, Any] = {
            spec.content: self.arrays[spec.name].transpose(np.argsort(spec.order).astype(int))
            for spec in specs
        }

    @property
    def size(self) -> int:
        """The number of bytes."""
        return int(self._block.nbytes)

    def copy(self, into: Any = None) -> Any:
        """Return a copy of the block. It is written into ``into`` if that is an array."""
        if into is None:
            return self._block.copy()
        np.copyto(into, self._block)
        return into

    def restore(self, block: Any) -> None:
        """Overwrite the block with one that `copy` returned."""
        np.copyto(self._block, block)

    def read(self, key: str, part: Any) -> Any:
        """Return a copy of one part, as a tree with the structure of ``part``.

        Leaves that the kernel does not use are those of ``part``.
        """
        pairs = self._pairs(key, part)
        copies = iter([leaf if view is None else view.copy() for leaf, view in pairs])
        return map_leaves(lambda _: next(copies), part)

    def write(self, key: str, part: Any) -> None:
        """Overwrite one part."""
        for leaf, view in self._pairs(key, part):
            if view is not None:
                view[...] = leaf

    def _pairs(self, key: str, part: Any) -> list[tuple[Any, Any]]:
        """Return pairs of a leaf and its view; an unused leaf has no view."""
        return [(leaf, self._views.get(path)) for path, leaf in leaves(part, ("carry", key))]


class KernelMemory:
    """The arrays of a kernel: carry, constants, data and temporary arrays.

    Parameters
    ----------
    form : Form
    carry : Carry
    threads : int
        The number of threads, each of which has some arrays of its own.
    capacity : int
        The largest batch size.

    Attributes
    ----------
    rows : int
        The number of samples of the data.
    """

    def __init__(self, form: Form, carry: Carry, threads: int, capacity: int) -> None:
        self.form, self.rows = form, 0
        self._threads = threads
        self._data = [(i, spec) for i, spec in enumerate(form.places) if spec.role == "data"]
        self._bound_to: Any = None
        self._arrays: dict[str, Any] = {
            spec.name: np.ascontiguousarray(np.transpose(spec.content, spec.order))
            if spec.role == "constant"
            else None
            for spec in form.places
        }
        self._arrays |= carry.arrays
        self.make_room(capacity)

    def make_room(self, capacity: int) -> None:
        """Allocate the temporary arrays of an update for batches of up to ``capacity`` samples."""
        specs = [spec for spec in self.form.places if spec.role == "temporary"]
        self._arrays |= laid_out(specs, capacity)[1]
        per_thread = [spec for spec in specs if spec.own]
        others = (laid_out(per_thread, capacity)[1] for _ in range(self._threads - 1))
        self._own: list[dict[str, Any]] = [{}, *others]
        self.capacity = capacity

    def of_threads(self) -> list[list[Any]]:
        """Return the arrays of each thread, in the order of the kernel's arguments."""
        return [[*(self._arrays | arrays).values()] for arrays in self._own]

    @property
    def bytes(self) -> int:
        """The bytes of memory in use.

        Arrays that each thread owns count once, since a thread uses only the part of its samples.
        """
        return sum(array.nbytes for array in self._arrays.values() if array is not None)

    def bind(self, data: Any) -> bool:
        """Set the arrays that samples are read from; return false if they are the same as before.

        Their shapes must agree with the recorded ones, except for the number of samples.
        """
        if self._bound_to is data:  # no copies were made
            return False
        is_view, self._bound_to = True, data
        data = dict(leaves(dict(zip(self.form.names, data, strict=True))))
        for _, spec in self._data:
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
        self.rows = next((len(leaf) for leaf in data.values()), 0)
        return True

    def release(self) -> None:
        """Drop the references to the data."""
        self._bound_to = None
        self._arrays |= {spec.name: np.zeros(0) for _, spec in self._data}

    def data(self) -> list[tuple[int, Any]]:
        """Return the arrays of samples, with their positions among the kernel's arrays."""
        return [(i, self._arrays[spec.name]) for i, spec in self._data]


def aligned(shape: tuple[int, ...], dtype: Any) -> Any:
    """Return zeros whose memory is aligned to a cache line, so that no vector crosses two lines."""
    size = int(np.prod(shape)) * dtype.itemsize
    room = np.zeros(size + ALIGNED, np.uint8)
    first = -room.ctypes.data % ALIGNED
    return room[first : first + size].view(dtype).reshape(shape)


def laid_out(specs: Sequence[ArraySpec], n: int) -> tuple[Any, dict[str, Any]]:
    """Return one block of memory, and the arrays in this block by name.

    One block is copied in one step, and the system can map it in large pages.
    """
    shapes = [at(spec.sizes, n) for spec in specs]
    sizes = [int(np.prod(s)) * spec.dtype.itemsize for s, spec in zip(shapes, specs, strict=True)]
    starts = np.cumsum([0, *(-(-size // ALIGNED) * ALIGNED for size in sizes)])
    block = aligned((int(starts[-1]),), np.dtype(np.uint8))
    arrays = {}
    for spec, shape, start, size in zip(specs, shapes, starts, sizes, strict=False):
        arrays[spec.name] = block[start : start + size].view(spec.dtype).reshape(shape)
    return block, arrays
