"""Rules of indexing: the mapped axis is sliced completely, or gets its own index array."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from chainrule._src.base.errors import TraceError
from chainrule._src.ops.index import ASSIGN, GETITEM, IN_RANGE, SCATTER, SLOT, assignments
from chainrule._src.trace.batching.call import MappedCall, Rule, one_by_one, spread
from chainrule._src.trace.batching.moving import elementwise

Index = tuple[Any, ...]


def _getitem(call: MappedCall) -> Any:
    x, *arrays = call.operands
    index = call.params["index"]
    if not any(call.mapped[1:]):
        return call.apply(x, *arrays, index=_with_all(index))
    if _holds_masks(call):
        return one_by_one(call)
    index, arrays, order = _indices(call, call.ranks[0], call.mapped[0])
    result = call.apply(x, *arrays, index=index)
    return result if order == (*range(len(order)),) else np.transpose(result, order)


def _scatter(call: MappedCall) -> Any:
    g, *arrays = call.operands
    index, rank = call.params["index"], len(call.shape)
    if not any(call.mapped[1:]):
        return call.apply(g, *arrays, index=_with_all(index), shape=call.full_shape)
    if _holds_masks(call):
        return one_by_one(call)
    index, arrays, order = _indices(call, rank, True)
    if call.ranks[0] != len(order) - 1:
        return one_by_one(call)
    g = g if call.mapped[0] else spread(g, call.size)
    g = np.transpose(g, tuple(int(i) for i in np.argsort(order)))
    return call.apply(g, *arrays, index=index, shape=call.full_shape)


def _assign(call: MappedCall) -> Any:
    indices, rank = call.params["indices"], len(call.shape)
    x = call.operands[0] if call.mapped[0] else spread(call.operands[0], call.size)
    values: list[Any] = []
    new_arrays: list[Any] = []
    new_indices: list[Index] = []
    aligned = zip(call.aligned()[1:], call.operands[1:], call.mapped[1:], strict=True)
    for index, (value, *_), picked_by in assignments(indices, [*aligned]):
        arrays, carries = [array for _, array, _ in picked_by], [mapped for *_, mapped in picked_by]
        if any(carries):
            operands, mapped, params = (x, *arrays), (True, *carries), {"index": index}
            part = replace(call, operands=operands, mapped=mapped, params=params)
            if _holds_masks(part):
                return one_by_one(call)
            index, arrays, order = _indices(part, rank, True)
            value = _in_order(value, order)
        else:
            index = _with_all(index)
        values.append(value)
        new_arrays += arrays
        new_indices.append(index)
    return call.apply(x, *values, *new_arrays, indices=tuple(new_indices))


def _in_order(value: Any, order: tuple[int, ...]) -> Any:
    """Return a value for a selection whose axes are not in order; `order` is that of `_indices`."""
    if not np.ndim(value):
        return value
    missing = len(order) - np.ndim(value)
    value = np.expand_dims(value, tuple(range(missing)))
    return np.transpose(value, [int(i) for i in np.argsort(order)])


def _with_all(index: Index) -> Index:
    """Return an index that leaves the additional last axis unchanged."""
    return (*index, slice(None)) if Ellipsis in index else index


def _holds_masks(call: MappedCall) -> bool:
    """Return true if entries are picked by masks; refuse masks that carry the mapped axis."""
    masks = [np.asarray(getattr(x, "value", x)).dtype.kind == "b" for x in call.operands[1:]]
    if any(mask and mapped for mask, mapped in zip(masks, call.mapped[1:], strict=True)):
        raise TraceError(
            "vmap: a mask that is computed chooses another number of entries for each example. "
            "Write np.where(mask, a, b), or multiply with the mask"
        )
    return any(masks) or any(isinstance(part, bool) for part in call.params["index"])


def _indices(call: MappedCall, rank: int, maps_x: bool) -> tuple[Index, list[Any], tuple[int, ...]]:
    """Return index and arrays for all positions at once, and the order of the result's axes.

    ``maps_x`` is true if the indexed array carries the mapped axis; then each position along the
    axis reads, or writes, its own slice.
    """
    index = _written_out(call.params["index"], rank)
    arrays = call.aligned()[1:]
    reach = max(call.ranks[1:])  # axes of the arrays together
    before = _start(index)
    if maps_x:
        index, arrays = (*index, SLOT), [*arrays, np.arange(call.size)]
    start = _start(index)
    plain = sum(isinstance(part, slice) or part is None for part in index)
    picked = range(start, start + reach + 1)
    others = [axis for axis in range(plain + reach + 1) if axis not in picked]
    return index, arrays, (*others[:before], *picked[:-1], *others[before:], picked[-1])


def _written_out(index: Index, rank: int) -> Index:
    """Return an index with one part for each axis."""
    n_axes = sum(part is not None and part is not Ellipsis for part in index)
    at = index.index(Ellipsis) if Ellipsis in index else len(index)
    return (*index[:at], *[slice(None)] * (rank - n_axes), *index[at + 1 :])


def _start(index: Index) -> int:
    """Return the axis of the result where the axes of index arrays begin, by NumPy's rule."""
    places = [i for i, part in enumerate(index) if part is SLOT or isinstance(part, int)]
    together = places == [*range(places[0], places[0] + len(places))]
    return places[0] if together else 0


RULES: dict[Any, Rule] = {
    GETITEM: _getitem,
    SCATTER: _scatter,
    ASSIGN: _assign,
    IN_RANGE: elementwise,
}
