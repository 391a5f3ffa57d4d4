"""The shapes of the selections that an index picks from an array."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

from chainrule._src.base.errors import CompileError
from chainrule._src.compile.lower.operations import shape_of
from chainrule._src.core.equations import Equation
from chainrule._src.ops.index import SLOT, assignments
from chainrule._src.trace.batch import Linear


def parts_of(equation: Equation) -> Iterator[Equation]:
    """Yield an equation for each assignment of a `Replacement`: of the value and its index."""
    operands, indices = equation.operands[1:], equation.params["indices"]
    for index, value, arrays in assignments(indices, operands):
        yield replace(equation, operands=(value, *arrays), params={"index": index})


def selection(equation: Equation, shape: Sequence[Any]) -> Sequence[Any]:
    """Return the shape of the selection of an index from an array of ``shape``.

    Raises
    ------
    CompileError
        If a size is not known.
    """
    sizes = known_sizes(equation, shape)
    if None in sizes:
        raise CompileError("a number is put along a slice of the samples")
    return sizes


def open_slices(equation: Equation, shape: Sequence[Any]) -> dict[int, slice]:
    """Return the slices whose length is not known, by the axis of the array."""
    sizes, arrays = known_sizes(equation, shape), list(equation.operands[1:])
    parts = spelled_out(equation.params["index"], len(shape))
    of_others, _ = split(tuple(range(len(sizes))), parts, arrays)
    unknown: dict[int, slice] = {}
    axis = 0
    for part in parts:
        size = sizes[next(of_others)] if part is None or isinstance(part, slice) else 0
        if isinstance(part, slice) and size is None:
            unknown[axis] = part
        axis += part is not None
    return unknown


def known_sizes(equation: Equation, shape: Sequence[Any]) -> list[Any]:
    """Return the shape of the selection of an index from an array of ``shape``.

    The size of a slice along the samples is that of the operand, which is written there. It is None
    if the operand has one entry for the whole slice.
    """
    arrays = equation.operands[1:]
    parts = spelled_out(equation.params["index"], len(shape))
    sizes: list[Any] = []
    axes = iter(shape)
    waiting = bool(arrays)
    for part in parts:
        if part is None:
            sizes.append(1)
            continue
        size = next(axes)
        if part is SLOT and waiting:
            sizes += broadcast(*(shape_of(array) for array in arrays))
            waiting = False
        elif isinstance(part, slice):
            sizes.append(_length(part, size))
    written = (None,) * len(sizes) + tuple(shape_of(equation.operands[0]))
    pairs = zip(sizes, written[len(written) - len(sizes) :], strict=True)
    return [other if size is None and other != 1 else size for size, other in pairs]


def _length(part: slice, size: Any) -> Any:
    """Return the number of entries of a slice; None along the samples."""
    if part == slice(None):
        return size
    ends = (part.start, part.stop, part.step)
    if not isinstance(size, int) or any(isinstance(end, Linear) for end in ends):
        return None
    return len(range(*part.indices(size)))


def broadcast(*shapes: Sequence[Any]) -> list[Any]:
    """Return the shape to which shapes broadcast; None is the number of samples."""
    rank = max(map(len, shapes))
    padded = [(1,) * (rank - len(shape)) + tuple(shape) for shape in shapes]
    return [next((s for s in sizes if s != 1), 1) for sizes in zip(*padded, strict=True)]


def spelled_out(index: Sequence[Any], rank: int) -> list[Any]:
    """Return an index with one part for every axis: the ellipsis is replaced by slices."""
    parts = list(index)
    n_axes = sum(part is not None and part is not Ellipsis for part in parts)
    where = parts.index(Ellipsis) if Ellipsis in parts else len(parts)
    parts[where : where + 1] = [slice(None)] * (rank - n_axes)
    return parts


def split(
    index: tuple[Any, ...], parts: list[Any], arrays: list[Any]
) -> tuple[Iterator[Any], tuple[Any, ...]]:
    """Split a result's index into the parts of the other axes and the parts of the index arrays.

    As in NumPy, the axes of the index arrays are at the position of the first array, or in front if
    the arrays are not adjacent.
    """
    if not arrays:
        return iter(index), ()
    rank = max(len(shape_of(array)) for array in arrays)
    picks = [i for i, part in enumerate(parts) if part is SLOT or isinstance(part, int)]
    together = picks == list(range(picks[0], picks[-1] + 1))
    start = picks[0] if together else 0
    return iter([*index[:start], *index[start + rank :]]), index[start : start + rank]
