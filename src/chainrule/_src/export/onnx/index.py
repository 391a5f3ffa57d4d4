"""Entries at an index are read, are added to zeros, or are replaced in an array."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from chainrule._src.base.errors import ExportError
from chainrule._src.core.equations import Equation, Variable, at
from chainrule._src.export.onnx.graph import BOOL, INT64, Graph, Rule, shape_of
from chainrule._src.export.onnx.shape import sliced, transposed, unsqueezed
from chainrule._src.ops.index import SLOT, are_distinct, assignments
from chainrule._src.trace.batch import depends_on_n


def _getitem(g: Graph, e: Equation) -> str:
    x, *arrays = e.operands
    return _selected(g, g.value(x), len(shape_of(x)), e.params["index"], arrays)


def _selected(g: Graph, x: str, ndim: int, index: Sequence[Any], arrays: Sequence[Any]) -> str:
    """Read the entries at an index from a value with ``ndim`` axes."""
    parts = parts_of(index, arrays, ndim)
    taking = [part for part in parts if part is not None]
    slices = {axis: part for axis, part in enumerate(taking) if isinstance(part, slice)}
    value = sliced(g, x, {a: s for a, s in slices.items() if s != slice(None)})
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
    """Add entries to zeros, by their positions in the flat array."""
    (entries, *arrays), shape, dtype = e.operands, e.output.shape, e.output.dtype
    zeros = g.node("Expand", g.constant(0, dtype), g.sizes(shape))
    places, values = _flat(g, entries, zeros, e, e.params["index"], arrays)
    flat = g.reshape(zeros, [-1])
    return g.reshape(g.node("ScatterElements", flat, places, values, reduction="add"), shape)


def _assign(g: Graph, e: Equation) -> str:
    """Write assignments by the positions of their entries in the flat array."""
    x, *operands = e.operands
    indices, shape, dtype = e.params["indices"], e.output.shape, e.output.dtype
    array = g.value(x, dtype)
    is_distinct, parts = True, []
    for index, value, arrays in assignments(indices, operands):
        is_distinct = is_distinct and are_distinct([_of_two(a) for a in arrays])
        parts.append(_flat(g, value, array, e, index, arrays))
    places, values = (_joined(g, column) for column in zip(*parts, strict=True))
    flat = g.reshape(array, [-1])
    if is_distinct:
        return g.reshape(g.node("ScatterElements", flat, places, values), shape)
    return g.reshape(_last(g, flat, places, values), shape)


def _of_two(array: Any) -> Any:
    """Return an index array, or a variable, as it is for two samples."""
    if isinstance(array, Variable):
        return replace(array, shape=at(array.shape, 2))
    return at(array, 2)


def _last(g: Graph, flat: str, places: str, values: str) -> str:
    """Write values into a flat array; of values for one entry the last one stays, as in NumPy.

    ONNX leaves open which of them stays, so the largest number of a value is computed first.
    """
    numbers = g.node("Range", g.number(0), g.node("Size", places, dtype=INT64), g.number(1))
    none = g.node("Expand", g.constant(-1, INT64), g.node("Shape", flat, dtype=INT64))
    last = g.node("ScatterElements", none, places, numbers, reduction="max")
    is_written = g.node("GreaterOrEqual", last, g.number(0), dtype=BOOL)
    one_more = g.node("Concat", values, g.constant(np.zeros(1), g.dtypes[values]), axis=0)
    return g.node("Where", is_written, g.node("Gather", one_more, last, axis=0), flat)


def _joined(g: Graph, parts: Sequence[str]) -> str:
    return parts[0] if len(parts) == 1 else g.node("Concat", *parts, axis=0)


def _flat(
    g: Graph, value: Any, array: str, e: Equation, index: Sequence[Any], arrays: Sequence[Any]
) -> tuple[str, str]:
    """Return the positions, in the flat array, of the entries at an index, and their values."""
    shape = e.output.shape
    computed = any(isinstance(a, Variable) or depends_on_n(a) for a in arrays)
    if computed or depends_on_n((shape, index)):
        size = g.node("Size", array, dtype=INT64)
        count = g.reshape(g.node("Range", g.number(0), size, g.number(1)), shape)
        places = _selected(g, count, len(shape), index, arrays)
        sizes = g.node("Shape", places, dtype=INT64)
    else:
        constant_places = _flat_places(index, arrays, shape)
        places, sizes = g.constant(constant_places), g.sizes(constant_places.shape)
    values = g.node("Expand", g.value(value, e.output.dtype), sizes)
    return g.reshape(places, [-1]), g.reshape(values, [-1])


def _flat_places(index: Sequence[Any], arrays: Sequence[Any], shape: Sequence[int]) -> Any:
    """Return the flat positions of the entries that an index selects."""
    following = iter(arrays)
    constant_index = tuple(at(next(following), 0) if part is SLOT else part for part in index)
    return np.arange(math.prod(shape)).reshape(shape)[constant_index]


INDEX: dict[str, Rule] = {"getitem": _getitem, "scatter": _scatter, "assign": _assign}
