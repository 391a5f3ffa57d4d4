"""Dependencies of single entries: the operation and the operands' entries behind each entry.

NumPy itself computes the positions of entries: an operation that only moves entries is applied to a
view of an array, and the strides and the offset of the resulting view give the positions.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from chainrule._src.base.arrays import Array
from chainrule._src.compile.lower.operations import letters_of, shape_of
from chainrule._src.compile.lower.selections import spelled_out, split
from chainrule._src.core.elementwise import ASTYPE
from chainrule._src.core.equations import Equation, Variable, at
from chainrule._src.core.kernel import (
    Contraction,
    Gather,
    Pieces,
    Reduction,
    Replacement,
    ResultItem,
)
from chainrule._src.ops.axes import axes_of
from chainrule._src.ops.index import GETITEM, SCATTER, SLOT, are_distinct
from chainrule._src.ops.shape import BROADCAST_TO

LARGEST = 4096  # entries of a constant that is sent to the page
OPERATIONS = {  # the operations that the page implements, with its names for them
    **{name: name for name in (
        "add", "subtract", "multiply", "divide", "power", "negative", "reciprocal", "square",
        "sqrt", "cbrt", "abs", "sign", "floor", "ceil", "exp", "exp2", "expm1", "log", "log1p",
        "log2", "log10", "sin", "cos", "tan", "sinh", "cosh", "tanh", "arcsin", "arccos",
        "arctan", "arctan2", "sigmoid", "relu", "maximum", "minimum", "greater",
        "greater_equal", "less", "less_equal", "equal", "not_equal", "where", "logical_not", "at",
    )},
    "clip_low": "maximum", "clip_high": "minimum", "float_power": "power",
}  # fmt: skip
REDUCTIONS = {"sum", "prod", "max", "min"}
EXACT = {"float64", "int64", "bool"}  # other dtypes round on the way
Entry = dict[str, Any]
Groups = Sequence[tuple[int, ...]]  # for each axis, the operand's axes that it indexes


@dataclass(frozen=True)
class Location:
    """The positions of a value's entries, as a view of another value.

    Attributes
    ----------
    name : str
        Name of the base value, which contains the entries.
    base, view : ndarray
        An array with the base value's shape and one byte for each entry; the view of it.
    """

    name: str
    base: Array
    view: Array


class Entries:
    """Computes the dependencies of entries for equations, which must come in program order.

    Parameters
    ----------
    names : mapping of Variable to str
    visible : collection of Variable
        The values to which dependencies may refer. Any other value that only moves the entries of
        an operand (a transposed matrix, for example) is replaced by that operand.

    Attributes
    ----------
    moved : set of Variable
        The values that were replaced by their operands so far.
    """

    def __init__(self, names: Mapping[Variable, str], visible: Collection[Variable]) -> None:
        self.names, self.visible = names, visible
        self.moved: set[Variable] = set()
        self._locations: dict[Variable, Location] = {}

    def of(self, equation: Equation) -> Entry | None:
        """Return a description of the dependencies of each entry of an equation's output.

        Entry ``i`` is ``reduce`` over ``s`` of ``op`` of the operands' entries; in each operand the
        entry's number is ``offset`` plus ``strides`` times ``(i, s)``. If index arrays select the
        entry, the operand has ``picks``: for each index array another operand, whose entry times
        ``step`` is added (after ``size`` is added to a negative entry). None if the operation does
        not have this form.
        """
        kernel, output = equation.primitive.kernel, equation.output
        moved = self._moved(equation)
        if moved is not None:
            if output not in self.visible and not isinstance(kernel, ResultItem):
                self._locations[output] = moved
                self.moved.add(output)
            return _entry("copy", None, (), [_operand(moved, _aligned(output.shape, output.shape))])
        if isinstance(kernel, Gather):
            return self._picked(equation)
        if output.dtype.name not in EXACT:
            return None
        if equation.primitive is SCATTER:
            return self._scattered(equation)
        if isinstance(kernel, Replacement):
            return self._replaced(equation)
        if isinstance(kernel, Contraction):
            return self._product(equation, kernel)
        if isinstance(kernel, Reduction):
            return self._reduction(equation)
        op = OPERATIONS.get(equation.primitive.name)
        if op is None:
            return None
        operands = [self._aligned(operand, output.shape) for operand in equation.operands]
        return _entry(op, None, (), operands)

    def _moved(self, equation: Equation) -> Location | None:
        """Return the positions of an output's entries if the equation only moves its operand's."""
        primitive, output = equation.primitive, equation.output
        first, *others = equation.operands or (None,)
        if not isinstance(first, Variable) or others or 0 in output.shape:
            return None
        widens = primitive is ASTYPE and np.can_cast(first.dtype, output.dtype)
        if widens or primitive.text == "_0" or primitive.name == "positive":
            return self._location(first)
        if isinstance(primitive.kernel, ResultItem):
            return self._part(equation)
        if not isinstance(primitive.kernel, Pieces) and primitive not in (GETITEM, SCATTER):
            return None
        # Some operations copy a view, but not a complete array: then the operand is the base.
        for location in (self._location(first), self._whole(first)):
            view = _view(equation, location.view)
            if np.may_share_memory(view, location.base):
                return Location(location.name, location.base, view)
        return None

    def _part(self, equation: Equation) -> Location:
        """Return the positions of one result's entries among concatenated results."""
        (several,), number = equation.operands, equation.params["number"]
        location = self._whole(several)
        start = sum(math.prod(shape) for shape in several.shape[:number])
        shape = equation.output.shape
        entries = location.base[start : start + math.prod(shape)].reshape(shape)
        return Location(location.name, location.base, entries)

    def _location(self, variable: Variable) -> Location:
        if variable not in self._locations:
            self._locations[variable] = self._whole(variable)
        return self._locations[variable]

    def _whole(self, variable: Variable) -> Location:
        shape = variable.shape
        if shape and isinstance(shape[0], tuple):  # several results
            shape = (sum(map(math.prod, shape)),)
        base = np.empty(shape, np.int8)
        return Location(self.names[variable], base, base)

    def _reduction(self, equation: Equation) -> Entry | None:
        name, (operand,), params = equation.primitive.name, equation.operands, equation.params
        shape = shape_of(operand)
        gone = axes_of(params["axis"], len(shape))
        groups: list[tuple[int, ...]] = []
        for axis in range(len(shape)):
            if axis not in gone:
                groups.append((axis,))
            elif params["keepdims"]:
                groups.append(())
        along = [axis for axis in gone if shape[axis] != 1]
        all_groups = [*groups, *((axis,) for axis in along)]
        if name not in REDUCTIONS:
            return None
        return _entry("copy", name, [shape[a] for a in along], [self._operand(operand, all_groups)])

    def _product(self, equation: Equation, kernel: Contraction) -> Entry | None:
        terms, out, sizes = letters_of(equation, kernel)
        summed = [letter for letter in sizes if letter not in out and sizes[letter] != 1]
        operands = []
        for operand, term in zip(equation.operands, terms, strict=True):
            places = [tuple(i for i, c in enumerate(term) if c == x) for x in (*out, *summed)]
            operands.append(self._operand(operand, places))
        op = "multiply" if len(operands) > 1 else "copy"
        return _entry(op, "sum", [sizes[letter] for letter in summed], operands)

    def _picked(self, equation: Equation) -> Entry | None:
        first, *arrays = equation.operands
        kinds = {np.dtype(getattr(array, "dtype", np.int64)).kind for array in arrays}
        if not isinstance(first, Variable) or not kinds <= {"i", "u"}:
            return None
        location, rank = self._location(first), len(equation.output.shape)
        parts = spelled_out(equation.params["index"], len(first.shape))
        free_axes, of_arrays = split(tuple(range(rank)), parts, arrays)
        source, picks = _operand(location, [()] * rank), []
        axes = iter(zip(location.view.shape, location.view.strides, strict=True))
        for part in parts:
            if part is None:
                next(free_axes)
                continue
            size, step = next(axes)
            if part is SLOT:
                by = self._index(arrays.pop(0), of_arrays, rank)
                picks.append(by and {**by, "step": step, "size": size})
            elif isinstance(part, slice):
                begin, _, every = part.indices(size)
                source["strides"][next(free_axes)] = every * step
                source["offset"] += begin * step
            else:
                source["offset"] += (part + size if part < 0 else part) * step
        return _entry("copy", None, (), [{**source, "picks": picks} if all(picks) else None])

    def _scattered(self, equation: Equation) -> Entry | None:
        """Describe a scatter whose index is known and picks no entry twice.

        Or by one index array along one axis; all other axes are complete:
        ``at(number, index, position, size)`` is the number if the index equals the position, and
        otherwise 0; a negative index counts from ``size``.
        """
        (first, *arrays), shape = equation.operands, equation.output.shape
        constant = _constant_index(equation.params["index"], arrays)
        if constant is not None and are_distinct(arrays):
            return self._written(constant, first, 0.0, shape)
        lengths = np.broadcast_shapes(*map(shape_of, arrays))
        parts = spelled_out(equation.params["index"], len(shape))
        rank = len(lengths) + sum(part is None or isinstance(part, slice) for part in parts)
        free_axes, of_arrays = split(tuple(range(rank)), parts, arrays)
        groups = [
            (next(free_axes),) if part is None or isinstance(part, slice) else () for part in parts
        ]
        pairs = [
            (part, group) for part, group in zip(parts, groups, strict=True) if part is not None
        ]
        axis = _only_indexed_axis([part for part, _ in pairs], shape)
        if axis is None or len(shape_of(first)) not in (0, rank):
            return None
        index = arrays[sum(part is SLOT for part, _ in pairs[:axis])]
        if np.dtype(getattr(index, "dtype", float)).kind not in "iu":
            return None
        along = [k for k, length in enumerate(lengths) if length != 1]
        before = len(lengths) - len(shape_of(index))
        by = [() for _ in shape] + [(k - before,) if k >= before else () for k in along]
        position = [(0,) if i == axis else () for i in range(len(by))]
        number = [*(group for _, group in pairs), *((of_arrays[k],) for k in along)]
        size = shape[axis]
        sources = ((first, number), (index, by), (np.arange(size), position), (size, by))
        operands = [self._operand(operand, groups) for operand, groups in sources]
        return _entry("at", "sum", [lengths[k] for k in along], operands)

    def _replaced(self, equation: Equation) -> Entry | None:
        """Describe a single assignment at an index that is known."""
        x, value, *arrays = equation.operands
        index, *others = equation.params["indices"]
        constant = None if others else _constant_index(index, arrays)
        return (
            None if constant is None else self._written(constant, value, x, equation.output.shape)
        )

    def _written(self, index: Any, value: Any, x: Any, shape: Sequence[int]) -> Entry | None:
        """Describe each entry of an array ``x`` with a value in the entries at an index."""
        is_written = np.zeros(shape)
        is_written[index] = 1
        if isinstance(value, Variable) and 0 not in value.shape:
            written = self._numbered(value, index, shape)
        else:
            constant = np.zeros(shape)
            constant[index] = 0 if isinstance(value, Variable) else at(value, 1)
            written = self._aligned(constant, shape)
        operands = [self._aligned(is_written, shape), written, self._aligned(x, shape)]
        return _entry("where", None, (), operands)

    def _numbered(self, value: Variable, index: Any, shape: Sequence[int]) -> Entry | None:
        """Return a value that is written at an index, with the number of each entry's origin."""
        location = self._location(value)
        strides = [
            step if size != 1 else 0
            for size, step in zip(location.view.shape, location.view.strides, strict=True)
        ]
        places = np.tensordot(strides, np.indices(value.shape), 1).astype(int)
        numbers = np.zeros(shape, int)
        numbers[index] = places + _start(location.view) - _start(location.base)
        by = self._aligned(numbers, shape)
        source = {"name": location.name, "offset": 0, "strides": [0] * len(shape)}
        return by and {**source, "picks": [{**by, "step": 1, "size": location.base.size}]}

    def _index(self, array: Any, of_arrays: Sequence[int], rank: int) -> Entry | None:
        """Return an index array as an operand, which is aligned to the last of ``of_arrays``."""
        axes = range(len(shape_of(array)))
        along = dict(zip(of_arrays[len(of_arrays) - len(axes) :], axes, strict=True))
        groups = [(along[axis],) if axis in along else () for axis in range(rank)]
        return self._operand(array, groups)

    def _aligned(self, operand: Any, shape: Sequence[int]) -> Entry | None:
        return self._operand(operand, _aligned(shape_of(operand), shape))

    def _operand(self, operand: Any, groups: Groups) -> Entry | None:
        if isinstance(operand, Variable):
            return _operand(self._location(operand), groups)
        array = np.asarray(at(operand, 1)).astype(float)
        if array.size and (array == array.flat[0]).all():
            array = np.asarray(array.flat[0])
        if array.size > LARGEST:
            return None
        if not array.ndim:
            return {"value": float(array), "offset": 0, "strides": [0] * len(groups)}
        base = np.empty(array.shape, np.int8)
        constant = _operand(Location("", base, base), groups)
        del constant["name"]
        return {"value": array.ravel().tolist(), **constant}


def _constant_index(index: Sequence[Any], arrays: Sequence[Any]) -> Any:
    """Return an index with its arrays, or None if arrays are computed."""
    following = iter(arrays)
    if any(isinstance(array, Variable) for array in arrays):
        return None
    return tuple(at(next(following), 1) if part is SLOT else part for part in index)


def _view(equation: Equation, view: Array) -> Array:
    """Apply an operation that moves entries to a view; the result is a view where possible."""
    primitive, params = equation.primitive, equation.params
    if primitive is BROADCAST_TO:
        return np.broadcast_to(view, params["shape"])
    if primitive is SCATTER:
        parts = (
            part for part in spelled_out(params["index"], len(params["shape"])) if part is not None
        )
        complete = all(map(_is_whole, parts, params["shape"]))
        return np.reshape(view, params["shape"]) if complete else np.empty(0, np.int8)
    if primitive is GETITEM:
        index = params["index"]
        has_rest = any(part is Ellipsis for part in index)
        result: Array = view[index if has_rest else (*index, ...)]
        return result
    return np.asarray(primitive.value(view, **params))


def _only_indexed_axis(parts: Sequence[Any], shape: Sequence[int]) -> int | None:
    """Return the axis that an index array selects from, if it is one and others are complete."""
    sized = list(zip(parts, shape, strict=True))
    chosen = [axis for axis, (part, size) in enumerate(sized) if part is SLOT and size != 1]
    complete = all(part is SLOT or _is_whole(part, size) for part, size in sized)
    return chosen[0] if complete and len(chosen) == 1 else None


def _is_whole(part: Any, size: int) -> bool:
    """Return true if a part of an index selects all of an axis."""
    if isinstance(part, slice):
        return part.indices(size) == (0, size, 1)
    return part is not SLOT and size == 1


def _aligned(shape: Sequence[int], out_shape: Sequence[int]) -> Groups:
    """Return the axes of an operand that is broadcast to the output's shape."""
    rank = len(shape)
    return [(axis,) if axis >= 0 else () for axis in range(rank - len(out_shape), rank)]


def _operand(location: Location, groups: Groups) -> Entry:
    shape, strides, base = location.view.shape, location.view.strides, location.base
    steps = [sum(strides[axis] for axis in group if shape[axis] != 1) for group in groups]
    return {"name": location.name, "offset": _start(location.view) - _start(base), "strides": steps}


def _start(array: Array) -> int:
    return int(array.__array_interface__["data"][0])


def _entry(
    op: str, reduce: str | None, axes: Sequence[int], operands: Iterable[Any]
) -> Entry | None:
    all_operands = list(operands)
    if any(operand is None for operand in all_operands):
        return None
    return {
        "op": op,
        "reduce": reduce if axes else None,
        "axes": list(axes),
        "operands": all_operands,
    }
