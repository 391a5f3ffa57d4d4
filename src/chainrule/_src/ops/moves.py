"""Where the entries of a moved array come from, as the compiler's loops need to know.

A rule takes the index of an entry of the result, the shapes of the operands and of the result, and
the operation's parameters. An index is made of whole-number expressions (see `kernel`), which are
combined by Python's operators; sizes may hold the batch size.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from functools import reduce
from typing import Any

from chainrule._src.core.kernel import EntrySource, Index
from chainrule._src.ops.axes import axes_of


def product(sizes: Sequence[Any]) -> Any:
    """Return the product of sizes, one of which may hold the batch size."""
    total: Any = 1
    for size in sizes:
        total = total * size
    return total


def transpose(index: Index, shapes: Any, shape: Any, /, axes: Any) -> list[EntrySource]:
    """Axis ``d`` of the result is axis ``axes[d]`` of the operand."""
    return [EntrySource(0, tuple(index[axes.index(axis)] for axis in range(len(axes))))]


def reshape(index: Index, shapes: Any, shape: Any, /, **_: Any) -> list[EntrySource]:
    """Entries keep their order: groups of axes with equally many entries correspond."""
    source, found = list(shapes[0]), []
    if 0 in source:  # there is no entry to be found
        return [EntrySource(0, (0,) * len(source))]
    i, target = 0, 0
    while i < len(source):
        j, wanted = i + 1, source[i]
        start, here = target, 1
        while here != wanted or (target == start and wanted != 1):
            if _less(here, wanted):
                here, target = here * shape[target], target + 1
            else:
                wanted, j = wanted * source[j], j + 1
        found += _group(index[start:target], shape[start:target], source[i:j])
        i = j
    return [EntrySource(0, tuple(found))]


def _less(a: Any, b: Any) -> bool:
    """Whether a product of sizes is still short of another: the batch size counts as huge."""
    return bool(_large(a) < _large(b))


def _large(size: Any) -> int:
    return int(size) if isinstance(size, int) else int(size.at(10**9))


def _group(index: Index, shape: Any, source: Any) -> list[Any]:
    shape, index = list(shape), tuple(index)
    if [s for s in shape if s != 1] == [s for s in source if s != 1]:
        kept = iter(i for i, size in zip(index, shape, strict=True) if size != 1)
        return [next(kept) if size != 1 else 0 for size in source]
    place, found = flat(index, shape), []
    for axis, size in enumerate(source):
        stride = product(source[axis + 1 :])
        part = place if stride == 1 else place // stride
        found.append(0 if size == 1 else part if axis == 0 else part % size)
    return found


def flat(index: Sequence[Any], shape: Sequence[Any]) -> Any:
    """Return the number of an entry, counted in order."""
    place: Any = 0
    for i, size in zip(index, shape, strict=True):
        place = i + place * size
    return place


def broadcast(index: Index, shapes: Any, shape: Any, /, **_: Any) -> list[EntrySource]:
    """Axes correspond from the last backwards; one of size 1 is repeated."""
    return [EntrySource(0, aligned(index, shapes[0]))]


def aligned(index: Index, shape: Sequence[Any]) -> Index:
    """Return the index of an operand of ``shape`` that is broadcast."""
    last = index[len(index) - len(shape) :]
    return tuple(0 if size == 1 else i for i, size in zip(last, shape, strict=True))


def flip(index: Index, shapes: Any, shape: Any, /, axis: Any) -> list[EntrySource]:
    """Axes run backwards."""
    axes = axes_of(axis, len(shape))
    return [
        EntrySource(0, tuple(-1 - i + shape[d] if d in axes else i for d, i in enumerate(index)))
    ]


def roll(index: Index, shapes: Any, shape: Any, /, shift: Any, axis: Any) -> list[EntrySource]:
    """Entries move along axes and come in again on the other side."""
    if axis is None:
        size = product(shape)
        place = flat(index, shape)
        return [EntrySource(0, tuple(_group(((place - shift) % size,), [size], shape)))]
    moved = list(index)
    shifts = shift if isinstance(shift, tuple) else (shift,) * len(axes_of(axis, len(shape)))
    for d, by in zip(axis if isinstance(axis, tuple) else (axis,), shifts, strict=True):
        d %= len(shape)
        moved[d] = (moved[d] - by) % shape[d]
    return [EntrySource(0, tuple(moved))]


def tile(index: Index, shapes: Any, shape: Any, /, reps: Any) -> list[EntrySource]:
    """The whole array, repeated."""
    last = index[len(index) - len(shapes[0]) :]
    return [EntrySource(0, tuple(i % size for i, size in zip(last, shapes[0], strict=True)))]


def repeat(index: Index, shapes: Any, shape: Any, /, repeats: int, axis: int) -> list[EntrySource]:
    """Every entry, repeated."""
    axis %= len(index)
    return [EntrySource(0, tuple(i // repeats if d == axis else i for d, i in enumerate(index)))]


def triangle(inside: Callable[[Any, Any], Any]) -> Any:
    """The lower or upper triangle: columns ``inside`` what a row's number tells."""

    def rule(index: Index, shapes: Any, shape: Any, /, k: int) -> list[EntrySource]:
        return [EntrySource(0, index, inside(index[-1], index[-2] + k))]

    return rule


def pad(index: Index, shapes: Any, shape: Any, /, pad_width: Any, **_: Any) -> list[EntrySource]:
    """The array in the middle, a border around it."""
    inside, guards = [], []
    for i, (before, after), size in zip(index, pad_width, shapes[0], strict=True):
        place = i - before
        inside.append(place)
        guards += [place >= 0] * bool(before) + [place < size] * bool(after)
    return [EntrySource(0, tuple(inside), reduce(operator.and_, guards) if guards else None)]


def windows(index: Index, shapes: Any, shape: Any, /, axis: Any, **_: Any) -> list[EntrySource]:
    """The first axes tell where a window starts, the others the place in it."""
    rank = len(shapes[0])
    place = list(index[:rank])
    for d, offset in zip(axis, index[rank:], strict=True):
        place[d] = place[d] + offset
    return [EntrySource(0, tuple(place))]


def concatenate(index: Index, shapes: Any, shape: Any, /, axis: int) -> list[EntrySource]:
    """One operand after the other."""
    axis %= len(index)
    pieces, inside = [], index[axis]
    for operand, part in enumerate(shapes):
        place = (*index[:axis], inside, *index[axis + 1 :])
        last = operand == len(shapes) - 1
        pieces.append(EntrySource(operand, place, None if last else inside < part[axis]))
        inside = inside - part[axis]
    return pieces


def stack(index: Index, shapes: Any, shape: Any, /, axis: int) -> list[EntrySource]:
    """The operands side by side along a new axis."""
    axis %= len(index)
    place = (*index[:axis], *index[axis + 1 :])
    last = len(shapes) - 1
    return [
        EntrySource(operand, place, None if operand == last else index[axis] < operand + 1)
        for operand in range(len(shapes))
    ]
