"""Windows that slide over an array: convolutions and pooling found in a program, and written.

A convolution is written in NumPy as windows, every so many of them taken, times a kernel. ONNX has
one operation for that, which wants samples first, channels second: ``NCHW``.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from chainrule._src.core.equations import Equation, Variable
from chainrule._src.core.kernel import Contraction
from chainrule._src.core.primitive import Primitive
from chainrule._src.core.program import Program
from chainrule._src.core.trees import leaves
from chainrule._src.export.onnx.graph import INT64, Graph, Rule, shape_of
from chainrule._src.export.onnx.index import parts_of
from chainrule._src.export.onnx.reduce import axes_of
from chainrule._src.export.onnx.shape import transposed
from chainrule._src.trace.batch import Counted, Linear

Made = Mapping[Any, Equation]


def _unknown(*_: Any, **__: Any) -> Any:
    raise NotImplementedError


CONVOLUTION = Primitive("convolution", _unknown)
POOLING = Primitive("pooling", _unknown)


def with_convolutions(program: Program) -> Program:
    """Return the program with an equation for each convolution and pooling, and no unused ones."""
    made = {equation.output: equation for equation in program.equations}
    wanted = {leaf for _, leaf in leaves(program.result) if isinstance(leaf, Variable)}
    kept = []
    for equation in reversed(program.equations):
        if equation.output in wanted:
            equation = _convolution(equation, made) or _pooling(equation, made) or equation
            wanted.update(equation.variables)
            kept.append(equation)
    return Program(program.arguments, kept[::-1], program.result, program.batch, program.general)


@dataclass
class Windows:
    """Windows of an array, every so many of them.

    Attributes
    ----------
    source : Variable
    axes : list of int
        The axes of the source along which windows slide.
    sizes, strides, dilations, before, after : list of int
        One an axis; ``before`` and ``after`` tell how the source is padded.
    """

    source: Any
    axes: list[int]
    sizes: list[int]
    strides: list[int]
    dilations: list[int]
    before: list[int]
    after: list[int]

    @property
    def others(self) -> list[int]:
        """The axes of the source along which no window slides."""
        return [axis for axis in range(len(shape_of(self.source))) if axis not in self.axes]

    def attributes(self) -> dict[str, Any]:
        """Return what ONNX wants to know."""
        return {
            "kernel_shape": self.sizes,
            "strides": self.strides,
            "dilations": self.dilations,
            "pads": [*self.before, *self.after],
        }


def _windows(operand: Any, made: Made) -> Windows | None:
    """Return an operand as windows, if that is what it is."""
    equation, index = made.get(operand) if isinstance(operand, Variable) else None, None
    if equation is not None and equation.primitive.name == "getitem":
        if len(equation.operands) > 1:
            return None
        index = equation.params["index"]
        equation = made.get(equation.operands[0])
    if equation is None or equation.primitive.name != "windows":
        return None
    (source,), shape = equation.operands, equation.output.shape
    axes, sizes = list(equation.params["axis"]), list(equation.params["window_shape"])
    if len(set(axes)) < len(axes) or len(axes) > 3:
        return None
    steps = _steps(index or (), shape)
    if steps is None:
        return None
    dilations = steps[len(shape) - len(axes) :]
    plain = [s for axis, s in enumerate(steps[: -len(axes)]) if axis not in axes]
    fits = all((size - 1) % by == 0 for size, by in zip(sizes, dilations, strict=True))
    if any(step != 1 for step in plain) or not fits:
        return None
    sizes = [(size - 1) // by + 1 for size, by in zip(sizes, dilations, strict=True)]
    strides, none = [steps[axis] for axis in axes], [0] * len(axes)
    return Windows(source, axes, sizes, strides, dilations, none, none)


def _steps(index: Sequence[Any], shape: Sequence[Any]) -> list[int] | None:
    """Return the steps of an index that takes every so many from the first on, else None."""
    steps = []
    for part in parts_of(index, (), len(shape)):
        if not isinstance(part, slice) or part.start not in (None, 0) or part.stop is not None:
            return None
        steps.append(1 if part.step is None else part.step)
    return steps if all(step > 0 for step in steps) else None


def _padded(found: Windows, made: Made, fill: float, most: Sequence[int]) -> Windows:
    """Take in a padding of the source with ``fill``, along the windows' axes and not too wide."""
    equation = made.get(found.source)
    if equation is None or equation.primitive.name != "pad":
        return found
    widths = equation.params["pad_width"]
    fits = all(max(widths[axis]) <= size for axis, size in zip(found.axes, most, strict=True))
    if not fits or any(widths[axis] != (0, 0) for axis in found.others):
        return found
    if equation.params["constant_values"] != fill:
        return found
    before, after = ([widths[axis][side] for axis in found.axes] for side in (0, 1))
    return replace(found, source=equation.operands[0], before=before, after=after)


def _convolution(equation: Equation, made: Made) -> Equation | None:
    """Return a sum of windows times a kernel as a convolution, if it is one.

    Summed over are the windows' entries and one more axis, the channels; the kernel has one axis
    that is kept, the filters; the samples are the axis of the source that is left.
    """
    kernel = equation.primitive.kernel
    if not isinstance(kernel, Contraction) or len(equation.operands) != 2:
        return None
    ranks = tuple(len(shape_of(operand)) for operand in equation.operands)
    terms, out = kernel.subscripts(ranks, **equation.params).split("->")
    for side, (seen, filters) in enumerate((terms.split(","), terms.split(",")[::-1])):
        found = _windows(equation.operands[side], made)
        if found is None or len(found.others) != 2 or len({*seen}) < len(seen):
            continue
        inside = [*seen[len(seen) - len(found.axes) :]]
        channels = [axis for axis in found.others if seen[axis] in filters]
        kept = [letter for letter in filters if letter not in seen]
        samples = [axis for axis in found.others if axis not in channels]
        if len(channels) != 1 or len(kept) != 1 or len(filters) != len(inside) + 2:
            continue
        result = [seen[samples[0]], kept[0], *(seen[axis] for axis in found.axes)]
        inner = [kept[0], seen[channels[0]], *inside]
        if sorted(result) != sorted(out) or sorted(inner) != sorted(filters):
            continue
        sizes = dict(zip(filters, shape_of(equation.operands[1 - side]), strict=True))
        depth = shape_of(found.source)[channels[0]]
        if [sizes[letter] for letter in inner[1:]] != [depth, *found.sizes]:
            continue  # an axis of size 1 is repeated
        found = _padded(found, made, 0, [2**31] * len(found.axes))
        params = {
            "windows": found,
            "source_axes": [*samples, *channels, *found.axes],
            "kernel_axes": [filters.index(letter) for letter in inner],
            "axes": [result.index(letter) for letter in out],
        }
        operands = (found.source, equation.operands[1 - side])
        return Equation(equation.output, CONVOLUTION, operands, params)
    return None


def _pooling(equation: Equation, made: Made) -> Equation | None:
    """Return the maximum or mean of all entries of windows as a pooling, if it is one."""
    name = equation.primitive.name
    if name not in ("max", "mean") or equation.params["keepdims"]:
        return None
    found = _windows(equation.operands[0], made)
    rank = len(shape_of(equation.operands[0]))
    if found is None or len(found.others) != 2 or equation.output.dtype.kind != "f":
        return None
    inside = list(range(rank - len(found.axes), rank))
    if sorted(axes_of(equation.params["axis"], rank)) != inside:
        return None
    if name == "mean" and max(found.dilations) > 1:
        return None
    fill = 0 if name == "mean" else -math.inf
    padded = _padded(found, made, fill, [size - 1 for size in found.sizes])
    if name == "mean" or padded.before == padded.after:  # onnx's evaluator errs on other maxima
        found = padded
    return Equation(
        equation.output, POOLING, (found.source,), {"windows": found, "average": name == "mean"}
    )


def _write_convolution(g: Graph, e: Equation) -> str:
    x, kernel = (g.value(operand, e.output.dtype) for operand in e.operands)
    x = transposed(g, x, e.params["source_axes"])
    kernel = transposed(g, kernel, e.params["kernel_axes"])
    made = g.node("Conv", x, kernel, **e.params["windows"].attributes())
    return transposed(g, made, e.params["axes"])


def _write_pooling(g: Graph, e: Equation) -> str:
    found = e.params["windows"]
    order = [*found.others, *found.axes]
    attributes = found.attributes()
    if e.params["average"]:
        del attributes["dilations"]
        op, attributes["count_include_pad"] = "AveragePool", 1
    else:
        op = "MaxPool"
    x = transposed(g, g.value(e.operands[0]), order)
    made = g.node(op, x, **attributes)
    return transposed(g, made, [order.index(axis) for axis in range(len(order))])


def _write_windows(g: Graph, e: Equation) -> str:
    """Windows anywhere else: each axis gathered by the places that windows cover."""
    (operand,) = e.operands
    value, sizes = g.value(operand), list(shape_of(operand))
    rank = len(sizes)
    for axis, width in zip(e.params["axis"], e.params["window_shape"], strict=True):
        sizes[axis] = _less(sizes[axis], width - 1)
        starts = g.value(Counted((sizes[axis], 1), INT64))
        places = g.node("Add", starts, g.constant(np.arange(width)))
        value = g.node("Gather", value, places, axis=axis)
        order = [i for i in range(rank + 1) if i != axis + 1]
        value, rank = transposed(g, value, [*order, axis + 1]), rank + 1
    return value


def _write_fold(g: Graph, e: Equation) -> str:
    """Windows added up: the entries of each place in a window, padded to where they lie."""
    (operand,) = e.operands
    axes, rank = e.params["axis"], len(e.output.shape)
    sizes = shape_of(operand)[rank:]
    value, total = g.value(operand), ""
    for offset in np.ndindex(*sizes):
        pads = np.zeros((2, rank), int)
        entries = value
        for axis, by, size in reversed(list(zip(axes, offset, sizes, strict=True))):
            pads[:, axis] += by, size - 1 - by
            entries = g.node("Gather", entries, g.number(by), axis=-1)
        part = g.node("Pad", entries, g.sizes(pads.ravel().tolist()))
        total = g.node("Add", total, part) if total else part
    return total


def _less(size: Any, by: int) -> Any:
    return Linear(size.offset - by, size.slope) if isinstance(size, Linear) else size - by


WINDOWS: dict[str, Rule] = {
    "convolution": _write_convolution,
    "pooling": _write_pooling,
    "windows": _write_windows,
    "fold": _write_fold,
}
