"""Sums of slices that fill an array become one concatenation.

The gradients of an array's slices are zero-padded and added up; if the slices fill the array,
concatenating them is cheaper.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from chainrule._src.core.primitive import NUMPY
from chainrule._src.ops.index import SCATTER
from chainrule._src.ops.joining import CONCATENATE

ADD: Any = NUMPY[np.add]


@dataclass(order=True, frozen=True)
class FilledPart:
    """The non-zero entries of an array along an axis: from ``start`` to ``stop``."""

    axis: int
    start: int
    stop: int
    entries: Any = field(compare=False)


def filled(equations: Sequence[Any], results: Iterable[Any]) -> list[Any]:
    """Return a program's equations with such sums replaced by concatenations."""
    parts: dict[int, list[FilledPart]] = {}  # id of a variable → its parts, if it is a sum of parts
    new_equations, changed = [], False
    for e in equations:
        if e.primitive is SCATTER:
            parts[id(e.output)] = _put(e)
        elif e.primitive is ADD:
            both = [parts.get(id(operand), []) for operand in e.operands]
            filling = parts[id(e.output)] = sorted(both[0] + both[1]) if all(both) else []
            if filling and _fill(filling, e.output.shape):
                entries, axis = tuple([part.entries for part in filling]), filling[0].axis
                e = replace(e, primitive=CONCATENATE, operands=entries, params={"axis": axis})
                changed = True
        new_equations.append(e)
    return _needed(new_equations, results) if changed else new_equations


def _needed(equations: list[Any], results: Iterable[Any]) -> list[Any]:
    needed, used = {id(result) for result in results}, []
    for e in reversed(equations):
        if id(e.output) in needed:
            used.append(e)
            needed.update(map(id, e.operands))
    return used[::-1]


def _put(e: Any) -> list[FilledPart]:
    """Return the part that a `SCATTER` fills, if it is a slice along one axis; else no part."""
    entries, index, shape = e.operands[0], e.params["index"], e.output.shape
    plain = len(e.operands) == 1 and type(entries) is type(e.output)
    if not plain or not all(isinstance(part, slice) and part.step is None for part in index):
        return []
    spans = [part.indices(size) for part, size in zip(index, shape, strict=False)]
    cut = [axis for axis, span in enumerate(spans) if span != (0, shape[axis], 1)]
    if len(cut) != 1 or entries.dtype != e.output.dtype or len(entries.shape) != len(shape):
        return []
    start, stop, _ = spans[cut[0]]
    return [FilledPart(cut[0], start, stop, entries)]


def _fill(parts: Sequence[FilledPart], shape: tuple[int, ...]) -> bool:
    """Return true if the parts lie side by side and fill the shape without gaps."""
    axis, end = parts[0].axis, 0
    for part in parts:
        if part.axis != axis or part.start != end or part.entries.shape[axis] != part.stop - end:
            return False
        end = part.stop
    return end == shape[axis]
