"""Sources of moved entries: rules that map the index of a result's entry to an operand's index.

The compiler's loops call them. A rule takes the index of an entry of the result, the shapes of the
operands and of the result, and the operation's parameters. An index is made of whole-number
expressions (see `kernel`), which are combined by Python's operators; sizes may depend on the batch
size.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from functools import reduce
from typing import Any

from chainrule._src.core.kernel import EntrySource, Index
from chainrule._src.ops.axes import axes_of


def product(sizes: Sequence[Any]) -> Any:
    """Return the product of sizes, one of which may depend on the batch size."""
    total: Any = 1
    for size in sizes:
        total = total * size
    return total


def transpose(index: Index, shapes: Any, shape: Any, /, axes: Any) -> list[EntrySource]:
    """Axis ``d`` of the result is axis ``axes[d]`` of the operand."""
    return [EntrySource(0, tuple(index[axes.index(axis)] for axis in range(len(axes))))]


def reshape(index: Index, shapes: Any, shape: Any, /, **_: Any) -> list[EntrySource]:
    """Entries keep their order: groups of axes with equal numbers of entries correspond."""
    source, source_index = list(shapes[0]), []
    if 0 in source:  # the array is empty
        return [EntrySource(0, (0,) * len(source))]
    i, target = 0, 0
    while i < len(source):
        j, source_size = i + 1, source[i]
        start, target_size = target, 1
        while target_size != source_size or (target == start and source_size != 1):
            if _less(target_size, source_size):
                target_size, target = target_size * shape[target], target + 1
            else:
                source_size, j = source_size * source[j], j + 1
        source_index += _group(index[start:target], shape[start:target], source[i:j])
        i = j
    return [EntrySource(0, tuple(source_index))]


def _less(a: Any, b: Any) -> bool:
    """Return true if a product of sizes is smaller, with a huge number as the batch size."""
    return bool(_large(a) < _large(b))


def _large(size: Any) -> int:
    return int(size) if isinstance(size, int) else int(size.at(10**9))


def _group(index: Index, shape: Any, source: Any) -> list[Any]:
    shape, index = list(shape), tuple(index)
    if [s for s in shape if s != 1] == [s for s in source if s != 1]:
        longer = iter(i for i, size in zip(index, shape, strict=True) if size != 1)
        return [next(longer) if size != 1 else 0 for size in source]
    position, parts = flat(index, shape), []
    for axis, size in enumerate(source):
        stride = product(source[axis + 1 :])
        part = position if stride == 1 else position // stride
        parts.append(0 if size == 1 else part if axis == 0 else part % size)
    return parts


def flat(index: Sequence[Any], shape: Sequence[Any]) -> Any:
    """Return the position of an entry in C order."""
    position: Any = 0
    for i, size in zip(index, shape, strict=True):
        position = i + position * size
    return position


def broadcast(index: Index, shapes: Any, shape: Any, /, **_: Any) -> list[EntrySource]:
    """Axes correspond from the last one backwards; an axis of size 1 is repeated."""
    return [EntrySource(0, aligned(index, shapes[0]))]


def aligned(index: Index, shape: Sequence[Any]) -> Index:
    """Return the index into an operand of ``shape`` that is broadcast to the result."""
    last = index[len(index) - len(shape) :]
    return tuple(0 if size == 1 else i for i, size in zip(last, shape, strict=True))


def flip(index: Index, shapes: Any, shape: Any, /, axis: Any) -> list[EntrySource]:
    """Axes are reversed."""
    axes = axes_of(axis, len(shape))
    return [
        EntrySource(0, tuple(-1 - i + shape[d] if d in axes else i for d, i in enumerate(index)))
    ]


def roll(index: Index, shapes: Any, shape: Any, /, shift: Any, axis: Any) -> list[EntrySource]:
    """Entries are shifted along axes; those shifted out at one end enter at the other end."""
    if axis is None:
        size = product(shape)
        position = flat(index, shape)
        return [EntrySource(0, tuple(_group(((position - shift) % size,), [size], shape)))]
    moved = list(index)
    shifts = shift if isinstance(shift, tuple) else (shift,) * len(axes_of(axis, len(shape)))
    for d, by in zip(axis if isinstance(axis, tuple) else (axis,), shifts, strict=True):
        d %= len(shape)
        moved[d] = (moved[d] - by) % shape[d]
    return [EntrySource(0, tuple(moved))]


def tile(index: Index, shapes: Any, shape: Any, /, reps: Any) -> list[EntrySource]:
    """The whole array is repeated."""
    last = index[len(index) - len(shapes[0]) :]
    return [EntrySource(0, tuple(i % size for i, size in zip(last, shapes[0], strict=True)))]


def repeat(index: Index, shapes: Any, shape: Any, /, repeats: int, axis: int) -> list[EntrySource]:
    """Each entry is repeated."""
    axis %= len(index)
    return [EntrySource(0, tuple(i // repeats if d == axis else i for d, i in enumerate(index)))]


def triangle(inside: Callable[[Any, Any], Any]) -> Any:
    """Return the rule of a triangle: ``inside(column, row + k)`` is true inside the triangle."""

    def rule(index: Index, shapes: Any, shape: Any, /, k: int) -> list[EntrySource]:
        return [EntrySource(0, index, inside(index[-1], index[-2] + k))]

    return rule


def pad(index: Index, shapes: Any, shape: Any, /, pad_width: Any, **_: Any) -> list[EntrySource]:
    """The array is in the middle, with a border around the array."""
    inside, guards = [], []
    for i, (before, after), size in zip(index, pad_width, shapes[0], strict=True):
        shifted = i - before
        inside.append(shifted)
        guards += [shifted >= 0] * bool(before) + [shifted < size] * bool(after)
    return [EntrySource(0, tuple(inside), reduce(operator.and_, guards) if guards else None)]


def windows(index: Index, shapes: Any, shape: Any, /, axis: Any, **_: Any) -> list[EntrySource]:
    """The first axes are the position of a window, the others the position within the window."""
    rank = len(shapes[0])
    position = list(index[:rank])
    for d, offset in zip(axis, index[rank:], strict=True):
        position[d] = position[d] + offset
    return [EntrySource(0, tuple(position))]


def concatenate(index: Index, shapes: Any, shape: Any, /, axis: int) -> list[EntrySource]:
    """One operand follows another along an axis."""
    axis %= len(index)
    pieces, inside = [], index[axis]
    for operand, part in enumerate(shapes):
        source = (*index[:axis], inside, *index[axis + 1 :])
        last = operand == len(shapes) - 1
        pieces.append(EntrySource(operand, source, None if last else inside < part[axis]))
        inside = inside - part[axis]
    return pieces


def stack(index: Index, shapes: Any, shape: Any, /, axis: int) -> list[EntrySource]:
    """The operands are side by side along a new axis."""
    axis %= len(index)
    source = (*index[:axis], *index[axis + 1 :])
    last = len(shapes) - 1
    return [
        EntrySource(operand, source, None if operand == last else index[axis] < operand + 1)
        for operand in range(len(shapes))
    ]
