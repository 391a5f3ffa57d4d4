"""Sums of parts as one array: what the gradients of slices are put together to."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from chainrule.ops import NUMPY
from chainrule.ops.index import SCATTER
from chainrule.ops.joining import CONCATENATE
from chainrule.program.equations import Equation, Variable, needed_for

ADD: Any = NUMPY[np.add]


@dataclass(order=True, frozen=True)
class Part:
    """Where an array that is zero elsewhere has entries along an axis, and those."""

    axis: int
    start: int
    stop: int
    entries: Variable = field(compare=False)


def joined(equations: Sequence[Equation], results: Iterable[Any]) -> list[Equation]:
    """Return equations whose sums of slices that fill an array are one concatenation each."""
    parts: dict[Any, list[Part]] = {}
    found, several = [], False
    for e in equations:
        if e.primitive is SCATTER:
            parts[e.output] = _put(e)
        elif e.primitive is ADD:
            both = [parts.get(v, []) if isinstance(v, Variable) else [] for v in e.operands]
            filling = parts[e.output] = sorted(both[0] + both[1]) if all(both) else []
            if filling and _fill(filling, e.output.shape):
                entries = tuple([part.entries for part in filling])
                e = Equation(e.output, CONCATENATE, entries, {"axis": filling[0].axis})
                several = True
        found.append(e)
    if not several:
        return found
    wanted = needed_for(list(results), found)
    return [e for e in found if e.output in wanted]


def _put(e: Equation) -> list[Part]:
    """Return where entries are put, if that is a slice along one axis."""
    entries, index, shape = e.operands[0], e.params["index"], e.output.shape
    plain = len(e.operands) == 1 and isinstance(entries, Variable)
    if not plain or not all(isinstance(part, slice) and part.step is None for part in index):
        return []
    spans = [part.indices(size) for part, size in zip(index, shape, strict=False)]
    cut = [axis for axis, span in enumerate(spans) if span != (0, shape[axis], 1)]
    if len(cut) != 1 or entries.dtype != e.output.dtype or len(entries.shape) != len(shape):
        return []
    start, stop, _ = spans[cut[0]]
    return [Part(cut[0], start, stop, entries)]


def _fill(parts: Sequence[Part], shape: tuple[int, ...]) -> bool:
    """Whether parts lie side by side, and nothing is left between them."""
    axis, end = parts[0].axis, 0
    for part in parts:
        if part.axis != axis or part.start != end or part.entries.shape[axis] != part.stop - end:
            return False
        end = part.stop
    return end == shape[axis]
