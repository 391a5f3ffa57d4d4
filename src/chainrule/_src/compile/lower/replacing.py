"""Assignments to entries are lowered: in the array's own memory, unless its old content is needed.

The memory of an array belongs to the result from then on. Entries of the old array that are read
later, and expressions of them, are stored before.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import replace
from functools import partial
from typing import Any

from chainrule._src.compile.lower.lowering import Lowering, places
from chainrule._src.compile.lower.moving import picked_entry
from chainrule._src.compile.lower.nodes import BOOL, Buffer, Call, Expr, Select, whole
from chainrule._src.compile.lower.operations import shape_of
from chainrule._src.compile.lower.selections import open_slices, parts_of, selection, spelled_out
from chainrule._src.compile.lower.statements import Store, nest
from chainrule._src.core.equations import Equation, Variable
from chainrule._src.core.kernel import Gather, Replacement
from chainrule._src.core.program import Program
from chainrule._src.ops.moves import aligned


def replaced(low: Lowering, equation: Equation, kernel: Replacement) -> None:
    """Lower assignments to entries: each value is written into the array or into its copy."""
    output, x = equation.output, equation.operands[0]
    buffer = _memory_of(low, equation)
    if buffer is None:
        buffer = low.output(output)
        low.fill(buffer, lambda index: low.entry(x, index, output.dtype))
    for part in parts_of(equation):
        slices = open_slices(part, output.shape)
        part = _along_all(part, slices, len(output.shape))
        value, picked = part.operands[0], selection(part, output.shape)
        axes = low.axes(picked)
        at = places(axes)
        index = picked_entry(low, part, output.shape, picked, at)
        entry = partial(low.entry, value, aligned(at, shape_of(value)), output.dtype)
        before, written = low.with_prelude(entry)
        for axis, which in slices.items():
            inside = _is_in(index[axis], which, whole(output.shape[axis]))
            written = Select(inside, written, buffer.at(index))
        store = Store(buffer.at(index), written)
        low.items += nest(low.in_memory_order([*before, store], axes), [*before, store])


def _along_all(part: Equation, slices: Collection[int], rank: int) -> Equation:
    """Return an assignment with complete slices along some axes."""
    if not slices:
        return part
    new: list[Any] = []
    axis = 0
    for each in spelled_out(part.params["index"], rank):
        new.append(slice(None) if axis in slices and each is not None else each)
        axis += each is not None
    return replace(part, params={"index": tuple(new)})


def _is_in(i: Expr, which: slice, size: Expr) -> Expr:
    """Return the test whether an index is in a slice of an axis."""
    step = 1 if which.step is None else int(which.step)
    first, end = (_from_zero(part, size) for part in (which.start, which.stop))
    if step < 0:
        last = size - 1
        first = last if first is None else Select(last < first, last, first)
        inside = i <= first if end is None else (i <= first) & (end < i)
    else:
        first = whole(0) if first is None else Select(first < 0, whole(0), first)
        inside = i >= first if end is None else (i >= first) & (i < end)
    if abs(step) == 1:
        return inside
    return inside & Call("eq", ((i - first) % abs(step), whole(0)), BOOL)


def _from_zero(part: Any, size: Expr) -> Expr | None:
    """Return an end of a slice, counted from the begin of the axis."""
    if part is None:
        return None
    if isinstance(part, int):
        return whole(part) if part >= 0 else part + size
    return Select(whole(part) < 0, whole(part) + size, whole(part))


def _memory_of(low: Lowering, equation: Equation) -> Buffer | None:
    """Let the result have the memory of the array, if that costs less than a copy of the array."""
    x = equation.operands[0]
    if not isinstance(x, Variable) or x not in low.owned:
        return None
    if not low.uses.is_last(x, equation):
        return None
    buffer = low.stored[x]
    readers = [v for v in low.readers.get(buffer, ()) if low.uses.is_open(v, equation)]
    readers = [v for v in dict.fromkeys(readers) if v not in low.stored]
    size = sum(low.entries_of(v.shape) for v in readers)
    if size > low.entries_of(x.shape) or any(v in low.scattered for v in readers):
        return None
    for variable in readers:
        low.hold(variable)
    low.readers.pop(buffer, None)
    low.stored[equation.output] = buffer
    low.owned.add(equation.output)
    return buffer


def reads_first(program: Program) -> Program:
    """Move reads of an array's entries before the assignments to the array.

    Then the assignments are the last use of the array.
    """
    users: dict[Variable, list[Equation]] = {}
    for equation in program.equations:
        for variable in equation.variables:
            users.setdefault(variable, []).append(equation)
    pending = {e.output for e in program.equations}
    ordered: dict[Equation, None] = {}

    def add(equations: Iterable[Equation]) -> None:
        for equation in equations:
            ordered.setdefault(equation)
            pending.discard(equation.output)

    for equation in program.equations:
        if isinstance(equation.primitive.kernel, Replacement):
            x = equation.operands[0]
            reads = [e for e in users[x] if _reads(e)] if isinstance(x, Variable) else []
            add(e for e in reads if not any(v in pending for v in e.variables))
        add([equation])
    return replace(program, equations=list(ordered))


def _reads(equation: Equation) -> bool:
    return isinstance(equation.primitive.kernel, Gather)
