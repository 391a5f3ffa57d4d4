"""Moved, indexed and scattered arrays: entries are read and written without copies."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from chainrule._src.base.errors import CompileError
from chainrule._src.compile.lower.lowering import Axes, Lowering, places
from chainrule._src.compile.lower.nodes import (
    BOOL,
    WHOLE,
    Buffer,
    Call,
    Const,
    Expr,
    Index,
    Select,
    cast,
    parts_of,
    whole,
)
from chainrule._src.compile.lower.numbers import FIXED
from chainrule._src.compile.lower.operations import shape_of
from chainrule._src.compile.lower.selections import selection, spelled_out, split
from chainrule._src.compile.lower.statements import Accumulate, Store, nest
from chainrule._src.core.equations import Equation, Filled, Variable, at, constant
from chainrule._src.core.kernel import Checked, EntrySource, Gather, Pieces, Scatter
from chainrule._src.ops.index import SLOT
from chainrule._src.ops.moves import aligned, concatenate
from chainrule._src.trace.batch import Linear


@dataclass(eq=False, repr=False)
class Scattered:
    """A scatter operation: the source operand, the shape of its loops, and the target index."""

    source: Any
    shape: Sequence[Any]
    target: Callable[[Index], Index]


def moved(low: Lowering, equation: Equation, kernel: Pieces) -> None:
    """Lower an operation that moves entries but does not change their values."""
    output = equation.output
    shapes = [shape_of(operand) for operand in equation.operands]
    fill = equation.params[kernel.fill] if isinstance(kernel.fill, str) else kernel.fill
    for operand in equation.operands if kernel.again else ():
        low.ready(operand)
    if kernel.rule is concatenate and low.uses.is_read_often(output) and _laid(low, equation):
        return

    def pieces(index: Index) -> Sequence[EntrySource]:
        return kernel.rule(index, shapes, output.shape, **equation.params)

    def entry(index: Index) -> Expr:
        return _choice(low, equation, pieces(index), fill)

    def view(index: Index) -> tuple[Any, Index] | None:
        first, *others = pieces(index)
        return None if others or first.guard else (equation.operands[first.operand], _index(first))

    low.move(output, equation.operands, entry, view)


def _laid(low: Lowering, equation: Equation) -> bool:
    """Emit the loops of a concatenation; return false if an array's start is not constant."""
    output, axis = equation.output, equation.params["axis"] % len(equation.output.shape)
    sizes = [shape_of(operand)[axis] for operand in equation.operands]
    if not all(isinstance(size, int) for size in sizes):
        return False
    buffer, start = low.output(output), 0
    for operand, size in zip(equation.operands, sizes, strict=True):
        axes = low.axes(shape_of(operand))
        index = places(axes)
        target = buffer.at((*index[:axis], index[axis] + start, *index[axis + 1 :]))
        before, value = low.with_prelude(partial(low.entry, operand, index, output.dtype))
        low.items += nest([axes[a] for a in buffer.order], [*before, Store(target, value)])
        start += size
    return True


def gathered(low: Lowering, equation: Equation, kernel: Gather) -> None:
    """Lower an operation that selects entries by an index."""
    shape, picked = shape_of(equation.operands[0]), equation.output.shape

    def entry(index: Index) -> Expr:
        source = picked_entry(low, equation, shape, picked, index)
        return low.entry(equation.operands[0], source, equation.output.dtype)

    def view(index: Index) -> tuple[Any, Index] | None:
        if any(isinstance(array, Variable) for array in equation.operands[1:]):
            return None
        return equation.operands[0], picked_entry(low, equation, shape, picked, index)

    low.move(equation.output, equation.operands, entry, view)


def checked(low: Lowering, equation: Equation, kernel: Checked) -> None:
    """Lower the check that entries are valid indices of an axis."""
    (operand,), size, what = equation.operands, equation.params["size"], equation.params["what"]
    low.checks.append(f"{what} must be whole numbers from 0 to {size - 1}")
    number = len(low.checks)

    def entry(index: Index) -> Expr:
        value = low.entry(operand, index)
        position = (
            cast(value, WHOLE) if value.dtype == BOOL else value
        )  # False and True are 0 and 1
        return cast(_check(low, "within", position, size, number), value.dtype)

    low.define(equation.output, equation.operands, entry)


def _check(low: Lowering, name: str, value: Expr, size: Any, number: int) -> Expr:
    return Call(name, (value, whole(size), FIXED["fault"], Const(number)), value.dtype)


def scattered(low: Lowering, equation: Equation, kernel: Scatter) -> None:
    """Lower the gradient of a move or an index: entries are added at their original location.

    An array that is scattered again, or added to another one, is not stored: its entries go
    directly to the final location.
    """
    output = equation.output
    how = _spread(low, equation, kernel)
    is_added = low.uses.is_added(output) and _is_part(low, equation, how)
    if is_added or low.uses.scatters_again(output):
        low.scattered[output] = how
        low.note_readers(output, equation.operands)
        return
    scatter_to(low, output, how)


def _is_part(low: Lowering, equation: Equation, how: Scattered) -> bool:
    """Return true if a scatter leaves out entries, and its index is in memory."""
    arrays = equation.operands[1:]
    if not arrays:
        axes = low.axes(how.shape)
        return not _covers(how.target(places(axes)), axes, equation.output.shape)
    in_memory = [low.view(array, places(low.axes(shape_of(array)))) for array in arrays]
    return None not in in_memory


def scatter_to(low: Lowering, output: Variable, how: Scattered) -> None:
    """Emit the loops of a scatter."""
    buffer = low.output(output)
    axes = low.axes(how.shape)
    index = places(axes)
    target: list[Expr] = []

    def value() -> Expr:
        target.extend(how.target(index))
        source = aligned(index, shape_of(how.source))  # a number is broadcast
        return low.entry(how.source, source, output.dtype)

    before, added = low.with_prelude(value)
    probe = Accumulate(buffer.at(target), added)
    loops = low.in_memory_order([*before, probe], axes)
    low.lie_along(buffer, tuple(target), loops)
    if _covers(target, axes, output.shape):
        low.items += nest(loops, [*before, Store(buffer.at(target), added)])
        return
    low.fill(buffer, lambda index: low.numbers.of(0, output.dtype))
    low.items += nest(loops, [*before, Accumulate(buffer.at(target), added)])


def add_to(low: Lowering, buffer: Buffer, how: Scattered) -> None:
    """Emit the loops that add the entries of a scatter to an array."""
    axes = low.axes(how.shape)
    index = places(axes)
    source = aligned(index, shape_of(how.source))
    before, added = low.with_prelude(lambda: low.entry(how.source, source, buffer.dtype))
    leaf = [*before, *low.leaf(lambda: Accumulate(buffer.at(how.target(index)), added))]
    low.items += nest(low.in_memory_order(leaf, axes), leaf)


def _covers(target: Sequence[Expr], axes: Axes, shape: Sequence[Any]) -> bool:
    """Return true if the loops write every entry exactly once."""
    sizes = {variable: size for variable, size in axes if size != 1}
    for part, extent in zip(target, shape, strict=True):
        const, terms = parts_of(part)
        reached: Any = 1
        for variable, factor in sorted(terms, key=lambda term: term[1]):
            if factor != reached or variable not in sizes:
                return False
            size = sizes.pop(variable)
            reached = size if factor == 1 else factor * size
        if const or reached != extent:
            return False
    return not sizes


def _spread(low: Lowering, equation: Equation, kernel: Scatter) -> Scattered:
    """Return a scatter operation; if its operand is a scatter too, return their composition."""
    operand, shape = equation.operands[0], equation.output.shape

    def target(index: Index) -> Index:
        if kernel.undoes is None:
            picked = _picked_shape(equation, shape)
            return picked_entry(low, equation, shape, picked, index)
        (piece,) = kernel.undoes(index, [shape], shape_of(operand), **equation.params)
        return _index(piece)

    before = low.scattered.get(operand) if isinstance(operand, Variable) else None
    if before is None:
        picked = _picked_shape(equation, shape) if kernel.undoes is None else shape_of(operand)
        return Scattered(operand, picked, target)
    return Scattered(before.source, before.shape, lambda index: target(before.target(index)))


def _index(piece: EntrySource) -> Index:
    """Return the source index of a piece, in which numbers of the rule become expressions."""
    return tuple([whole(part) for part in piece.index])


def _choice(low: Lowering, equation: Equation, pieces: Sequence[EntrySource], fill: Any) -> Expr:
    """Return a selection of the first piece whose guard is true."""
    dtype = equation.output.dtype
    choice = None if pieces[-1].guard is None else low.numbers.of(fill, dtype)
    for piece in reversed(pieces):
        part = low.entry(equation.operands[piece.operand], _index(piece), dtype)
        if piece.guard is None or piece.guard is True or choice is None:
            choice = part
        elif piece.guard is not False:
            choice = Select(piece.guard, part, choice)
    assert choice is not None
    return choice


def picked_entry(
    low: Lowering, equation: Equation, shape: Sequence[Any], picked: Sequence[Any], index: Index
) -> Index:
    """Return the index in an array of ``shape`` of an entry of the selection ``picked``."""
    arrays = list(equation.operands[1:])
    parts = spelled_out(equation.params["index"], len(shape))
    of_others, of_arrays = split(index, parts, arrays)
    lengths, _ = split(tuple(picked), parts, arrays)
    location: list[Expr] = []
    for part in parts:
        if part is None:
            next(of_others)
            next(lengths)
            continue
        size = shape[len(location)]
        if isinstance(part, slice):
            location.append(_sliced(next(of_others), part, size, next(lengths)))
        elif part is SLOT:
            location.append(_looked_up(low, equation, arrays.pop(0), of_arrays, size))
        else:
            location.append(
                whole(part) if isinstance(part, Linear) or part >= 0 else part + whole(size)
            )
    return tuple(location)


def _picked_shape(equation: Equation, shape: Sequence[Any]) -> Sequence[Any]:
    """Return the shape of the selection that a scatter writes: its operand's, unless a number."""
    return shape_of(equation.operands[0]) or selection(equation, shape)


def _looked_up(low: Lowering, equation: Equation, array: Any, index: Index, size: Any) -> Expr:
    """Return an entry of an index array, with negative indices wrapped and the range checked."""
    dtype = np.asarray(array).dtype if isinstance(array, list) else array.dtype
    if dtype.kind not in "iu":
        raise CompileError(
            f"{equation.primitive.name}: the index is a mask, so the shape depends on values"
        )
    if isinstance(array, np.ndarray | Filled) and isinstance(size, int):
        array = np.asarray(at(array, 0))
        array = constant(np.where(array < 0, array + size, array))
    position = cast(low.entry(array, aligned(index, shape_of(array)), WHOLE), WHOLE)
    is_fixed = not isinstance(array, Variable)
    if is_fixed and (isinstance(size, int) or np.min(np.asarray(at(array, 0)), initial=0) >= 0):
        return position
    what = equation.output.name or equation.primitive.name
    low.checks.append(f"{what}: an index is out of range for an axis of size {size}")
    return _check(low, "wrap", position, size, len(low.checks))


def _sliced(index: Expr, part: slice, size: Any, length: Any) -> Expr:
    """Return the source index of the entry ``index`` of a slice with ``length`` entries."""
    step = 1 if part.step is None else int(part.step)
    if isinstance(size, int) and not isinstance(part.start, Linear):
        return index * step + slice(part.start, None, step).indices(size)[0]
    end = whole(0) if step > 0 else whole(size) - 1  # the end of the axis at which slices begin
    if part.start is None:
        return index * step + end
    start = whole(part.start)
    if isinstance(part.start, Linear):
        start = Select(_less(start, whole(0)), start + whole(size), start)
    elif part.start < 0:
        start = start + whole(size)
    if isinstance(part.start, int) and (part.start < 0) != (step > 0):
        return index * step + start  # if it is outside of the axis, the slice is empty
    if isinstance(part.start, int) and part.stop is None and abs(step) == 1:
        begins_outside = isinstance(length, Linear) and length.slope > 0
        return index * step + (end if begins_outside else start)
    # The length does not tell: X[-7:1] has one entry for all sizes up to 7.
    is_outside = _less(start, end) if step > 0 else _less(end, start)
    return index * step + Select(is_outside, end, start)


def _less(a: Expr, b: Expr) -> Expr:
    return Call("lt", (a, b), BOOL)
