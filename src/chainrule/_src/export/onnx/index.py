"""Gather and scatter: entries at an index are read, or are added to zeros at an index."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from chainrule._src.base.errors import ExportError
from chainrule._src.core.equations import Equation, Variable, at
from chainrule._src.export.onnx.graph import INT64, Graph, Rule, shape_of
from chainrule._src.export.onnx.shape import sliced, squeezed, transposed, unsqueezed
from chainrule._src.ops.index import SLOT
from chainrule._src.trace.batch import depends_on_n


def _getitem(g: Graph, e: Equation) -> str:
    x, *arrays = e.operands
    parts = parts_of(e.params["index"], arrays, len(shape_of(x)))
    taking = [part for part in parts if part is not None]
    slices = {axis: part for axis, part in enumerate(taking) if isinstance(part, slice)}
    value = sliced(g, g.value(x), {a: s for a, s in slices.items() if s != slice(None)})
    if arrays:
        picks = {axis: part for axis, part in enumerate(taking) if axis not in slices}
        return _new_axes(g, _picked(g, value, picks, list(slices)), parts, picks)
    for axis, part in reversed(list(enumerate(taking))):
        if axis not in slices:
            value = g.node("Gather", value, g.number(part), axis=axis)
    remaining = [part for part in parts if part is None or isinstance(part, slice)]
    return unsqueezed(g, value, [i for i, part in enumerate(remaining) if part is None])


def parts_of(index: Sequence[Any], arrays: Sequence[Any], ndim: int) -> list[Any]:
    """Return one part per axis, and None for each new axis; masks become index arrays."""
    following = iter(arrays)
    parts: list[Any] = []
    for part in index:
        parts += _places(next(following)) if part is SLOT else [part]
    missing = ndim - sum(part is not None and part is not Ellipsis for part in parts)
    dots = next((i for i, part in enumerate(parts) if part is Ellipsis), len(parts))
    return parts[:dots] + [slice(None)] * missing + parts[dots + 1 :]


def _places(array: Any) -> list[Any]:
    """Return an index array unchanged, a mask as the index arrays of its true entries."""
    if array.dtype != np.bool_:
        return [array]
    if isinstance(array, Variable) or depends_on_n(array):
        raise ExportError("an index that is a mask of computed values has no form in ONNX")
    return list(np.nonzero(at(array, 0)))


def _picked(g: Graph, x: str, picks: dict[int, Any], others: Sequence[int]) -> str:
    """Gather along axes by index arrays; with several arrays, their axes come first."""
    if len(picks) == 1:
        ((axis, places),) = picks.items()
        return g.node("Gather", x, g.value(places, INT64), axis=axis)
    return g.node("GatherND", transposed(g, x, [*picks, *others]), _together(g, picks.values()))


def _together(g: Graph, picks: Any) -> str:
    """Broadcast index arrays against each other, and stack them along a new last axis."""
    shape = _broadcast([shape_of(part) for part in picks])
    columns = (
        unsqueezed(g, g.expand(g.value(part, INT64), shape_of(part), shape), [len(shape)])
        for part in picks
    )
    return g.node("Concat", *columns, axis=-1)


def _broadcast(shapes: Sequence[Sequence[Any]]) -> list[Any]:
    ndim = max(map(len, shapes))
    full = [[1] * (ndim - len(shape)) + list(shape) for shape in shapes]
    return [next((s for s in sizes if s != 1), 1) for sizes in zip(*full, strict=True)]


def _new_axes(g: Graph, value: str, parts: Sequence[Any], picks: dict[int, Any]) -> str:
    """Move the axes of index arrays to their positions in NumPy, and insert new axes."""
    ndim = len(_broadcast([shape_of(part) for part in picks.values()]))
    plain = [part is None or isinstance(part, slice) for part in parts]
    first = plain.index(False)
    last = len(plain) - 1 - plain[::-1].index(False)
    # If slices separate the arrays, their axes come first.
    position = 0 if any(plain[first:last]) else first
    plain_parts = [part for part, is_plain in zip(parts, plain, strict=True) if is_plain]
    before = sum(part is not None for part in plain_parts[:position])
    if len(picks) > 1:
        slices = len([part for part in plain_parts if part is not None])
        moved = list(range(ndim, ndim + slices))
        value = transposed(g, value, [*moved[:before], *range(ndim), *moved[before:]])
    layout = [*plain_parts[:position], *[...] * ndim, *plain_parts[position:]]
    return unsqueezed(g, value, [i for i, part in enumerate(layout) if part is None])


def _scatter(g: Graph, e: Equation) -> str:
    """Write a scatter: entries are added to zeros at the positions of an index."""
    entries, *arrays = e.operands
    shape, index = e.params["shape"], e.params["index"]
    computed = any(isinstance(array, Variable) or depends_on_n(array) for array in arrays)
    if not computed and not depends_on_n((shape, index)):
        return _put(g, e, _flat_places(index, arrays, shape))
    parts, count = parts_of(index, arrays, len(shape)), len(arrays)
    if not arrays:
        return _spread(g, e, parts)
    if parts[count:] != [slice(None)] * (len(shape) - count) or SLOT not in index[:1]:
        raise ExportError("adding up by computed arrays beside slices has no form in ONNX")
    rows, dtype = parts[:count], e.output.dtype
    full = [*_broadcast([shape_of(part) for part in rows]), *shape[count:]]
    values = g.expand(g.value(entries, dtype), shape_of(entries), full)
    return g.node("ScatterND", _zeros(g, shape, dtype), _together(g, rows), values, reduction="add")


def _spread(g: Graph, e: Equation, parts: Sequence[Any]) -> str:
    """Write a scatter at slices as a gather: each position takes its entry or a padded zero."""
    value, dtype, shape = e.operands[0], e.output.dtype, e.params["shape"]
    taking = [part for part in parts if part is not None]
    result, sizes = g.value(value, dtype), list(shape)
    if shape_of(value):
        remaining = [part for part in parts if part is None or isinstance(part, slice)]
        result = squeezed(g, result, [i for i, part in enumerate(remaining) if part is None])
        result = unsqueezed(g, result, [i for i, p in enumerate(taking) if not _is_slice(p)])
    sources = {}
    for axis, part in enumerate(taking):
        if part != slice(None):
            if depends_on_n((shape[axis], part)):
                raise ExportError("putting samples among others has no form in ONNX")
            places = np.atleast_1d(np.arange(shape[axis])[part])
            sources[axis] = np.full(shape[axis], len(places))
            sources[axis][places] = np.arange(len(places))
            sizes[axis] = len(places)
    result = g.expand(result, shape_of(value) and sizes, sizes)
    for axis, source in sources.items():
        after = [int(i == len(shape) + axis) for i in range(2 * len(shape))]
        padded = g.node("Pad", result, g.sizes(after), g.constant(0, dtype))
        result = g.node("Gather", padded, g.constant(source), axis=axis)
    return result


def _is_slice(part: Any) -> bool:
    return isinstance(part, slice)


def _flat_places(index: Sequence[Any], arrays: Sequence[Any], shape: Sequence[int]) -> Any:
    """Return the flat positions of the entries that an index selects."""
    following = iter(arrays)
    constant_index = tuple(at(next(following), 0) if part is SLOT else part for part in index)
    return np.arange(math.prod(shape)).reshape(shape)[constant_index]


def _put(g: Graph, e: Equation, places: Any) -> str:
    (entries, *_), dtype, shape = e.operands, e.output.dtype, e.params["shape"]
    values = g.expand(g.value(entries, dtype), shape_of(entries), places.shape)
    flat = g.node(
        "ScatterElements",
        _zeros(g, [math.prod(shape)], dtype),
        g.constant(places.ravel()),
        g.reshape(values, [-1]),
        reduction="add",
    )
    return g.reshape(flat, shape)


def _zeros(g: Graph, shape: Sequence[Any], dtype: Any) -> str:
    return g.node("Expand", g.constant(0, dtype), g.sizes(shape))


INDEX: dict[str, Rule] = {"getitem": _getitem, "scatter": _scatter}
