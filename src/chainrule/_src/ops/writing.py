"""Tensors that are written into: assignments, and views that share what is written.

The nodes of a recording never change. A tensor that the user's code has written into stands for
another node from then on: `settled` returns that node, and every operation takes it as its operand.
A view stands for the part of the node that its base stands for. Assignments to entries are
collected and become one node when the array is read; an entry that is read alone is the value that
was assigned to it, so that a loop over ``h[t] = f(h[t - 1])`` takes no copies.
"""

from __future__ import annotations

import operator
from typing import Any

import numpy as np

from chainrule._src.base.errors import ShapeError, TraceError
from chainrule._src.base.handles import values_of
from chainrule._src.core.backward import passing
from chainrule._src.core.captured import Captured
from chainrule._src.core.elementwise import of_dtype
from chainrule._src.core.primitive import NUMPY, Family, Primitive, Traced
from chainrule._src.core.tensor import GROUND, Level, Tensor
from chainrule._src.ops.index import ASSIGN, GETITEM, getitem, parsed
from chainrule._src.ops.masks import chosen, mask_of
from chainrule._src.ops.shape import RESHAPE

WRITING = Family()

Index = tuple[Any, ...]


class Content:
    """The present content of a tensor's memory.

    Attributes
    ----------
    node : Tensor or ndarray
        The content before the pending assignments.
    pending : dict of tuple to tuple
        Assignments that are not in ``node`` yet: the index and the value, by the index with
        entries counted from 0. No two of them write the same entry.
    kind : tuple or None
        The index of all pending assignments, with ``int`` in the place of whole numbers.
    level : Level or None
        The inner recording whose tensors were written last.
    name : str or None
        The user's name of the array.
    owner : Fillable or None
        The array that the tensor stands for.
    version : int
        Of a base: the number of writes. Of a view: the version of its base that ``node`` shows.
    """

    __slots__ = ("kind", "level", "name", "node", "owner", "pending", "version")

    def __init__(self, node: Any, version: int = 0, name: str | None = None) -> None:
        self.node, self.version, self.name = node, version, name
        self.level: Level | None = None
        self.owner: Any = None
        self.pending: dict[Index, tuple[Index, Any]] = {}
        self.kind: Index | None = None

    def whole(self) -> Any:
        """Return the content as one node, with the pending assignments."""
        if self.pending:
            indices, values = zip(*self.pending.values(), strict=True)
            self.pending.clear()
            self.node = ASSIGN(self.node, *values, indices=indices)
            self.name_node()
        return self.node

    def name_node(self) -> None:
        """Give the node the name of the user's variable, if it is known."""
        if self.name is not None and type(self.node) is Tensor:
            self.node.name = self.name


def settled(tensor: Tensor) -> Any:
    """Return the node, or the array, that a tensor of the user's code stands for now."""
    if passing.backward:
        return tensor
    base, content = _base(tensor), tensor.content
    if base is tensor and content is not None:
        return content.whole()
    if _is_current(tensor, base):
        return tensor if content is None else content.node
    if tensor.primitive is GETITEM:
        node = read(tensor.base, tensor.params["index"])
    else:
        node = tensor.primitive(settled(tensor.base), **tensor.params)  # type: ignore[misc]
    name = None if content is None else content.name
    tensor.content = Content(node, base.content.version, name)
    tensor.content.name_node()
    return node


def _is_current(tensor: Tensor, base: Tensor) -> bool:
    """Return true if nothing was written into the base of a view since the view was computed."""
    version = 0 if tensor.content is None else tensor.content.version
    return base is tensor or version == _version(base)


def _version(base: Tensor) -> int:
    """Return the number of writes into the memory of a tensor that is no view."""
    return 0 if base.content is None else base.content.version


def named(tensor: Tensor, name: str) -> Any:
    """Note the user's name of a tensor; return the node that gets the name, or None.

    A node that does not exist yet gets the name later. It is not made for the name: recordings
    with and without names must have the same operations in the same order.
    """
    base, content = _base(tensor), tensor.content
    if content is None:
        if _is_current(tensor, base):
            return tensor
        content = tensor.content = Content(tensor.node(), 0)
    content.name = name
    is_made = not content.pending if base is tensor else _is_current(tensor, base)
    return content.node if is_made else None


def frozen(value: Any) -> Any:
    """Return the node that a value of the user's code stands for, safe from later writes."""
    if isinstance(value, np.ndarray):
        return np.array(value)
    if type(value) is not Tensor:
        return value
    node = settled(value)
    if node is value:
        base = _base(value)
        version = 0 if base is value else _version(base)
        value.content, value.level.writes = Content(value.node(), version), Writes
        node = value.content.node
    return node


def _base(tensor: Tensor) -> Tensor:
    """Return the tensor whose memory a view shows; the tensor itself if it is no view."""
    while tensor.base is not None:
        if tensor.primitive is RESHAPE and not _shares(tensor):
            return tensor
        tensor = tensor.base
    return tensor


def _shares(tensor: Tensor) -> bool:
    """Return true if a reshaped array is a view, as NumPy decides it by the order in memory."""

    def example(t: Tensor) -> Any:
        if t.base is None:
            return np.empty(t.shape, np.bool_)
        return t.primitive.value(example(t.base), **t.params)  # type: ignore[union-attr]

    before = example(tensor.base)
    return np.shares_memory(before, np.reshape(before, tensor.params["shape"])) or not before.size


def content_of(tensor: Tensor) -> Content:
    """Return the content of a tensor that is no view; operations use the content from now on."""
    if tensor.content is None:
        tensor.content = Content(tensor.node())
    tensor.level.writes = Writes
    content: Content = tensor.content
    return content


def copied(x: Any) -> Any:
    """Return a copy of a tensor, whose memory is separate."""
    return standing_for(frozen(x), x.level)


def standing_for(node: Any, level: Level) -> Tensor:
    """Return a tensor of the user's code with this content."""
    tensor = Tensor.made(node.value if type(node) is Tensor else node, level)
    content_of(tensor).node = node
    return tensor


def read(tensor: Tensor, index: Index) -> Any:
    """Return the node of the entries at an index without arrays."""
    content = tensor.content
    if content is not None and content.pending:  # so the tensor is no view
        key = _key(index, tensor.shape)
        if key in content.pending:
            value = content.pending[key][1]
            shape = np.empty(tensor.shape, bool)[index].shape
            return value if np.shape(value) == shape else np.broadcast_to(value, shape)
        if content.kind == _kind(key):
            return GETITEM(content.node, index=index)
    node = tensor.settled()
    return GETITEM(node.node() if node is tensor else node, index=index)  # later writes stay out


def _getitem(x: Any, index: Any) -> Any:
    """Return ``x[index]`` of the user's code, a view if the index holds no arrays."""
    if type(x) is not Tensor or x.level.writes is None or passing.backward:
        return getitem(x, index)
    fixed, arrays = parsed(index, x.shape)
    if arrays:
        return GETITEM(x, *arrays, index=fixed)
    node = read(x, fixed)
    if node.shape == () and Ellipsis not in fixed:  # NumPy copies a single entry
        return node
    return view(node, x, GETITEM, {"index": fixed})


def view(node: Any, base: Tensor, primitive: Primitive, params: dict[str, Any]) -> Tensor:
    """Return a tensor of the user's code that is a view of another one, with this content."""
    tensor = standing_for(node, base.level)
    tensor.base, tensor.primitive, tensor.params = base, primitive, params
    tensor.content.version = _version(_base(base))
    return tensor


class Writes:
    """The functions that operations call once tensors have been written into."""

    settle, view, named = staticmethod(settled), staticmethod(view), staticmethod(named)


NUMPY[operator.getitem] = _getitem


def _key(index: Index, shape: tuple[int, ...]) -> Index:
    """Return a comparable form of an index without arrays: entries are counted from 0."""
    index = index if index.count(Ellipsis) else (*index, Ellipsis)
    where = index.index(Ellipsis)
    n_axes = sum(part is not None for part in index) - 1
    all_axes = (slice(None),) * (len(shape) - n_axes)
    parts: list[Any] = []
    axes = iter(shape)
    for part in (*index[:where], *all_axes, *index[where + 1 :]):
        if part is None:
            parts.append(None)
            continue
        size = next(axes)
        if isinstance(part, slice):
            parts.append((slice, *part.indices(size)))
        else:
            parts.append(part + size if part < 0 else part)
    return tuple(parts)


def _kind(key: Index) -> Index:
    return tuple([int if type(part) is int else part for part in key])


def assign(tensor: Tensor, index: Any, value: Any) -> None:
    """Carry out ``tensor[index] = value``."""
    value = values_of(value)
    node = frozen(NUMPY[list](value))
    mask = mask_of(index, tensor.shape)
    everywhere = None if mask is None else chosen(tensor.settled(), mask, node)
    if everywhere is not None:
        write(tensor, (), [], everywhere)
        return
    fixed, arrays = parsed(index, tensor.shape)
    if not _is_own(tensor, fixed, arrays, value):  # as at the end of `t[i] += x`
        write(tensor, fixed, arrays, node)


NUMPY[operator.setitem] = assign


def _is_own(tensor: Tensor, index: Index, arrays: list[Any], value: Any) -> bool:
    if arrays or type(value) is not Tensor or value.base is not tensor:
        return False
    is_same = value.primitive is GETITEM and value.params["index"] == index
    return is_same and _base(value) is _base(tensor)


def write(tensor: Tensor, index: Index, arrays: list[Any], value: Any) -> None:
    """Write a node into the entries of a tensor, and into the tensor that it is a view of."""
    if tensor.level is GROUND and tensor.primitive is None and tensor.content is None:
        raise TraceError("a Tensor of your own cannot be written into: write into a copy of it")
    if _base(tensor) is not tensor:
        _write_view(tensor, index, arrays, value)
        return
    content = content_of(tensor)
    content.version += 1
    value = _fitting(value, tensor, index, arrays)
    if arrays:
        content.node = ASSIGN(content.whole(), value, *arrays, indices=(index,))
    elif _is_whole(index, tensor):
        content.pending.clear()
        content.node = value
    else:
        key = _key(index, tensor.shape)
        if content.pending and content.kind != _kind(key):
            content.whole()
        content.kind = _kind(key)
        content.pending.pop(key, None)  # the later of two assignments stands last
        content.pending[key] = index, value
    _note(content, tensor, value)


def _is_whole(index: Index, tensor: Tensor) -> bool:
    """Return true if an index without arrays picks all entries."""
    return _key(index, tensor.shape) == _key((), tensor.shape)


def _write_view(tensor: Tensor, index: Index, arrays: list[Any], value: Any) -> None:
    base, params = tensor.base, tensor.params
    outer = params["index"] if tensor.primitive is GETITEM else ()
    if tensor.primitive is GETITEM and all(type(part) is int for part in outer):
        write(base, (*outer, *index), arrays, value)
        return
    part = _fitting(value, tensor, index, arrays)
    if arrays or not _is_whole(index, tensor):
        part = ASSIGN(tensor.settled(), part, *arrays, indices=(index,))
    if tensor.primitive is GETITEM:
        write(base, outer, [], part)
    else:
        write(base, (), [], tensor.primitive.view(base, part, **params))  # type: ignore[union-attr, misc]
    name = None if tensor.content is None else tensor.content.name
    tensor.content = Content(part, _version(_base(tensor)), name)


def _fitting(value: Any, tensor: Tensor, index: Index, arrays: list[Any]) -> Any:
    """Return a value in the tensor's dtype, and of its shape if it fills the whole tensor."""
    if not isinstance(value, Traced) and np.ndim(value) == 0:
        value = tensor.dtype.type(value)  # as an entry of an array is read
    elif hasattr(value, "dtype"):
        value = of_dtype(value, tensor.dtype)
    rank = _rank(tensor, index, arrays)
    sizes = np.shape(value)
    if len(sizes) > rank and set(sizes[: len(sizes) - rank]) == {1}:  # NumPy drops these axes
        value = np.reshape(value, sizes[len(sizes) - rank :])
    if arrays:
        return value
    shape = np.empty(tensor.shape, bool)[index].shape
    try:
        np.broadcast_to(np.empty(np.shape(value), bool), shape)
    except ValueError:
        raise ShapeError(
            f"an array of shape {np.shape(value)} cannot be written into entries of shape {shape}"
        ) from None
    if shape != tensor.shape or np.shape(value) == shape:
        return value
    filled: Any = np.broadcast_to(value, shape)
    return filled if isinstance(value, Traced) else np.array(filled, tensor.dtype)


def _rank(tensor: Tensor, index: Index, arrays: list[Any]) -> int:
    """Return the number of axes of the entries at an index."""
    masks = [array.ndim for array in arrays if array.dtype.kind == "b"]
    picks = [np.ndim(array) for array in arrays if array.dtype.kind != "b"]
    numbers = sum(isinstance(part, int) for part in index)
    others = tensor.ndim - numbers - len(picks) - sum(masks) + index.count(None)
    return int(others + max([*picks, *[1 for _ in masks]], default=0))


def _note(content: Content, tensor: Tensor, value: Any) -> None:
    """Note that a value of an inner recording was written; the value must not outlive its level."""
    level = value.level if type(value) is Tensor else tensor.level
    if level.number > tensor.level.number and content.level is not level:
        content.level = level
        level.captured.contents.append(content)


def forget(captured: Captured) -> None:
    """Replace the tensors of a recording that has ended by their values."""
    for content in captured.contents:
        node = content.whole()
        while type(node) is Tensor and node.level.captured is captured:
            node = node.value
        content.node, content.level = node, None
        content.version += 1
        if content.owner is not None and type(node) is not Tensor:
            content.owner.tensor = None
            content.owner.plain[...] = node
    captured.contents.clear()


def in_place(tensor: Tensor, result: Any) -> Tensor:
    """Write the result of an operator, for example of ``t += x``, into the whole tensor."""
    if result.shape != tensor.shape:
        raise ValueError(
            f"non-broadcastable output operand with shape {tensor.shape} doesn't match the "
            f"broadcast shape {result.shape}"
        )
    if not np.can_cast(result.dtype, tensor.dtype, "same_kind"):
        raise TypeError(
            f"Cannot cast output from dtype('{result.dtype}') to dtype('{tensor.dtype}') with "
            "casting rule 'same_kind'"
        )
    write(tensor, (), [], frozen(result))
    return tensor


NUMPY[operator.iadd] = in_place


@WRITING.implements(np.copy)
def _copy(a: Any, order: str = "K", subok: bool = False) -> Any:
    return copied(a)
