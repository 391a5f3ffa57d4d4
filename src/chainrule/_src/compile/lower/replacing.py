"""Assignments to entries are lowered: in the array's own memory, unless its old content is needed.

The memory of an array belongs to the result from then on. Entries of the old array that are read
later, and expressions of them, are stored before.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import replace
from functools import partial
from typing import Any

from chainrule._src.compile.lower.elementwise import elementwise
from chainrule._src.compile.lower.lowering import Lowering, places
from chainrule._src.compile.lower.moving import add_to, picked_entry, scatter_to
from chainrule._src.compile.lower.nodes import BOOL, Buffer, Call, Expr, Select, whole
from chainrule._src.compile.lower.operations import shape_of
from chainrule._src.compile.lower.selections import known_sizes, open_slices, parts_of, spelled_out
from chainrule._src.compile.lower.statements import Store, nest
from chainrule._src.core.equations import Equation, Variable
from chainrule._src.core.kernel import Elementwise, Gather, Replacement
from chainrule._src.core.program import Program
from chainrule._src.ops.moves import aligned


def replaced(low: Lowering, equation: Equation, kernel: Replacement) -> None:
    """Lower assignments to entries: values are written into the array or into a copy."""
    output, buffer = equation.output, _changed(low, equation, equation.operands[0])
    for part in parts_of(equation):
        slices = open_slices(part, output.shape)
        value = part.operands[0]
        lengths = [_length(each, output.shape[axis]) for axis, each in slices.items()]
        remaining = iter(lengths)
        sizes = known_sizes(part, output.shape)
        picked = [next(remaining) if size is None else size for size in sizes]
        part = _along_all(part, slices, len(output.shape))
        axes = low.axes(picked)
        at = places(axes)
        index = list(picked_entry(low, part, output.shape, picked, at))
        entry = partial(low.entry, value, aligned(at, shape_of(value)), output.dtype)
        before, written = low.with_prelude(entry)
        for axis, which in slices.items():
            inside, index[axis] = _place(index[axis], which, whole(output.shape[axis]))
            written = Select(inside, written, buffer.at(index))
        store = Store(buffer.at(index), written)
        low.items += nest(low.in_memory_order([*before, store], axes), [*before, store])


def elementwise_or_added(low: Lowering, equation: Equation, kernel: Elementwise) -> None:
    """Lower an elementwise operation; scattered entries are added to the other array."""
    added = [v for v in equation.variables if v in low.scattered and v not in low.stored]
    if not added:
        elementwise(low, equation, kernel)
        return
    last = added[-1]
    (other,) = [v for v in equation.variables if v is not last]
    if other in added:
        scatter_to(low, other, low.scattered[other])
    add_to(low, _changed(low, equation, other), low.scattered[last])


def _changed(low: Lowering, equation: Equation, x: Any) -> Buffer:
    """Return the memory of a result that begins with the content of ``x``."""
    buffer = _memory_of(low, equation, x)
    if buffer is None:
        buffer = low.output(equation.output)
        low.fill(buffer, lambda index: low.entry(x, index, equation.output.dtype))
    return buffer


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


def _length(which: slice, size: Any) -> Any:
    """Return the number of turns of a loop along a slice: of its entries, if the axis is long."""
    ends = which.start or 0, which.stop
    if (which.step or 1) > 0 and all(isinstance(end, int) and end >= 0 for end in ends):
        return len(range(*ends, which.step or 1))
    return size


def _place(turn: Expr, which: slice, size: Expr) -> tuple[Expr, Expr]:
    """Return the test whether a turn is in a slice of an axis, and its index; 0 if it is not."""
    if isinstance(_length(which, size), int):
        index = turn * (which.step or 1) + (which.start or 0)
        return index < size, Select(index < size, index, whole(0))
    return _is_in(turn, which, size), turn


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


def _memory_of(low: Lowering, equation: Equation, x: Any) -> Buffer | None:
    """Let the result have the memory of the array, if that costs less than a copy of the array."""
    if not isinstance(x, Variable) or x not in low.owned:
        return None
    if not low.uses.is_last(x, equation):
        return None
    buffer = low.stored[x]
    readers = dict.fromkeys(low.readers.get(buffer, ()))
    pending = [v for v in readers if v not in low.stored and low.uses.is_open(v, equation)]
    deferred = [low.scattered[v].source for v in pending if v in low.scattered]
    of_itself = any(low.stored.get(v) is buffer for v in deferred if isinstance(v, Variable))
    if of_itself or (deferred and x.dtype.kind != "f"):  # which may be an index
        return None
    sources = [*(v for v in pending if v not in low.scattered), *deferred]
    sources = [v for v in sources if isinstance(v, Variable) and v not in low.stored]
    if sum(low.entries_of(v.shape) for v in sources) > low.entries_of(x.shape):
        return None
    for variable in sources:
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
