"""Sliding windows: convolutions and poolings are recognised in a program, and written.

In NumPy a convolution is a contraction of strided windows with a kernel. ONNX has one operation for
it, with samples on the first axis and channels on the second: ``NCHW``.
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

Producers = Mapping[Any, Equation]


def _unknown(*_: Any, **__: Any) -> Any:
    raise NotImplementedError


CONVOLUTION = Primitive("convolution", _unknown)
POOLING = Primitive("pooling", _unknown)


def with_convolutions(program: Program) -> Program:
    """Replace convolutions and poolings by one equation each, and drop unused equations."""
    producers = {equation.output: equation for equation in program.equations}
    used = {leaf for _, leaf in leaves(program.result) if isinstance(leaf, Variable)}
    equations = []
    for equation in reversed(program.equations):
        if equation.output in used:
            equation = (
                _convolution(equation, producers) or _pooling(equation, producers) or equation
            )
            used.update(equation.variables)
            equations.append(equation)
    return Program(
        program.arguments, equations[::-1], program.result, program.batch, program.general
    )


@dataclass
class Windows:
    """Sliding windows of an array, with strides.

    Attributes
    ----------
    source : Variable
    axes : list of int
        The axes of the source along which windows slide.
    sizes, strides, dilations, before, after : list of int
        One number per axis; ``before`` and ``after`` are the padding of the source.
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
        """Return the attributes of an ONNX node: kernel shape, strides, dilations, padding."""
        return {
            "kernel_shape": self.sizes,
            "strides": self.strides,
            "dilations": self.dilations,
            "pads": [*self.before, *self.after],
        }


def _windows(operand: Any, producers: Producers) -> Windows | None:
    """Recognise an operand as sliding windows; None if it is something else."""
    equation, index = producers.get(operand) if isinstance(operand, Variable) else None, None
    if equation is not None and equation.primitive.name == "getitem":
        if len(equation.operands) > 1:
            return None
        index = equation.params["index"]
        equation = producers.get(equation.operands[0])
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
    """Return the steps of an index whose slices start at 0 and have no stop, else None."""
    steps = []
    for part in parts_of(index, (), len(shape)):
        if not isinstance(part, slice) or part.start not in (None, 0) or part.stop is not None:
            return None
        steps.append(1 if part.step is None else part.step)
    return steps if all(step > 0 for step in steps) else None


def _padded(windows: Windows, producers: Producers, fill: float, most: Sequence[int]) -> Windows:
    """Absorb a padding of the source with ``fill``, up to ``most`` entries, into the windows."""
    equation = producers.get(windows.source)
    if equation is None or equation.primitive.name != "pad":
        return windows
    widths = equation.params["pad_width"]
    fits = all(max(widths[axis]) <= size for axis, size in zip(windows.axes, most, strict=True))
    if not fits or any(widths[axis] != (0, 0) for axis in windows.others):
        return windows
    if equation.params["constant_values"] != fill:
        return windows
    before, after = ([widths[axis][side] for axis in windows.axes] for side in (0, 1))
    return replace(windows, source=equation.operands[0], before=before, after=after)


def _convolution(equation: Equation, producers: Producers) -> Equation | None:
    """Recognise a contraction of windows with a kernel as a convolution, else return None.

    The sum runs over the entries of a window and over one more axis, the channels. The kernel has
    one axis that is not summed, the filters. The remaining axis of the source has the samples.
    """
    kernel = equation.primitive.kernel
    if not isinstance(kernel, Contraction) or len(equation.operands) != 2:
        return None
    ranks = tuple(len(shape_of(operand)) for operand in equation.operands)
    terms, out = kernel.subscripts(ranks, **equation.params).split("->")
    for side, (source_letters, kernel_letters) in enumerate(
        (terms.split(","), terms.split(",")[::-1])
    ):
        windows = _windows(equation.operands[side], producers)
        if (
            windows is None
            or len(windows.others) != 2
            or len({*source_letters}) < len(source_letters)
        ):
            continue
        inside = [*source_letters[len(source_letters) - len(windows.axes) :]]
        channels = [axis for axis in windows.others if source_letters[axis] in kernel_letters]
        filter_letters = [letter for letter in kernel_letters if letter not in source_letters]
        samples = [axis for axis in windows.others if axis not in channels]
        if len(channels) != 1 or len(filter_letters) != 1 or len(kernel_letters) != len(inside) + 2:
            continue
        result = [
            source_letters[samples[0]],
            filter_letters[0],
            *(source_letters[axis] for axis in windows.axes),
        ]
        inner = [filter_letters[0], source_letters[channels[0]], *inside]
        if sorted(result) != sorted(out) or sorted(inner) != sorted(kernel_letters):
            continue
        sizes = dict(zip(kernel_letters, shape_of(equation.operands[1 - side]), strict=True))
        depth = shape_of(windows.source)[channels[0]]
        if [sizes[letter] for letter in inner[1:]] != [depth, *windows.sizes]:
            continue  # an axis of size 1 is repeated
        windows = _padded(windows, producers, 0, [2**31] * len(windows.axes))
        params = {
            "windows": windows,
            "source_axes": [*samples, *channels, *windows.axes],
            "kernel_axes": [kernel_letters.index(letter) for letter in inner],
            "axes": [result.index(letter) for letter in out],
        }
        operands = (windows.source, equation.operands[1 - side])
        return Equation(equation.output, CONVOLUTION, operands, params)
    return None


def _pooling(equation: Equation, producers: Producers) -> Equation | None:
    """Recognise the maximum or mean over windows as a pooling, else return None."""
    name = equation.primitive.name
    if name not in ("max", "mean") or equation.params["keepdims"]:
        return None
    windows = _windows(equation.operands[0], producers)
    rank = len(shape_of(equation.operands[0]))
    if windows is None or len(windows.others) != 2 or equation.output.dtype.kind != "f":
        return None
    inside = list(range(rank - len(windows.axes), rank))
    if sorted(axes_of(equation.params["axis"], rank)) != inside:
        return None
    if name == "mean" and max(windows.dilations) > 1:
        return None
    fill = 0 if name == "mean" else -math.inf
    padded = _padded(windows, producers, fill, [size - 1 for size in windows.sizes])
    if name == "mean" or padded.before == padded.after:  # onnx's evaluator errs on other maxima
        windows = padded
    return Equation(
        equation.output, POOLING, (windows.source,), {"windows": windows, "average": name == "mean"}
    )


def _write_convolution(g: Graph, e: Equation) -> str:
    x, kernel = (g.value(operand, e.output.dtype) for operand in e.operands)
    x = transposed(g, x, e.params["source_axes"])
    kernel = transposed(g, kernel, e.params["kernel_axes"])
    convolved = g.node("Conv", x, kernel, **e.params["windows"].attributes())
    return transposed(g, convolved, e.params["axes"])


def _write_pooling(g: Graph, e: Equation) -> str:
    windows = e.params["windows"]
    order = [*windows.others, *windows.axes]
    attributes = windows.attributes()
    if e.params["average"]:
        del attributes["dilations"]
        op, attributes["count_include_pad"] = "AveragePool", 1
    else:
        op = "MaxPool"
    x = transposed(g, g.value(e.operands[0]), order)
    pooled = g.node(op, x, **attributes)
    return transposed(g, pooled, [order.index(axis) for axis in range(len(order))])


def _write_windows(g: Graph, e: Equation) -> str:
    """Write other windows: along each axis, gather the positions that a window covers."""
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
    """Write overlap-add of windows: the entries at each offset are padded, then added."""
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
