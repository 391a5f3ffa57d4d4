"""Operations that move entries and keep their values."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from chainrule._src.core.equations import Equation
from chainrule._src.export.onnx.graph import INT64, Graph, Rule, count_of, shape_of
from chainrule._src.export.onnx.reduce import axes_of

LARGEST, SMALLEST = 2**63 - 1, -(2**63)


def _reshape(g: Graph, e: Equation) -> str:
    return g.reshape(g.value(e.operands[0]), e.output.shape)


def unsqueezed(g: Graph, x: str, axes: Sequence[int]) -> str:
    """Add axes of size 1 to a value."""
    return g.node("Unsqueeze", x, g.sizes(axes)) if axes else x


def squeezed(g: Graph, x: str, axes: Sequence[int]) -> str:
    """Remove axes of size 1 from a value."""
    return g.node("Squeeze", x, g.sizes(axes)) if axes else x


def transposed(g: Graph, x: str, axes: Sequence[int]) -> str:
    """Permute the axes of a value."""
    in_order = list(axes) == list(range(len(axes)))
    return x if in_order else g.node("Transpose", x, perm=list(axes))


def sliced(g: Graph, x: str, parts: dict[int, slice]) -> str:
    """Slice a value along axes.

    If a step is negative, the axis is reversed first and then sliced with a positive step: only
    there does ONNX clamp a start in front of the axis as NumPy does.
    """
    backwards = [axis for axis, part in parts.items() if (part.step or 1) < 0]
    if backwards:
        starts, stops, steps = (g.sizes([n] * len(backwards)) for n in (LARGEST, SMALLEST, -1))
        x = g.node("Slice", x, starts, stops, g.sizes(backwards), steps)
    ends = {axis: _ends(part) for axis, part in parts.items()}
    ends = {axis: each for axis, each in ends.items() if each != (0, LARGEST, 1)}
    if not ends:
        return x
    starts, stops, steps = (g.sizes(column) for column in zip(*ends.values(), strict=True))
    return g.node("Slice", x, starts, stops, g.sizes(list(ends)), steps)


def _ends(part: slice) -> tuple[Any, Any, int]:
    """Return the start, the stop and the positive step; of the reversed axis for negative steps."""
    start, stop, step = part.start, part.stop, part.step or 1
    if step < 0:
        start, stop = (None if end is None else -1 - end for end in (start, stop))
    return 0 if start is None else start, LARGEST if stop is None else stop, abs(step)


def _expand_dims(g: Graph, e: Equation) -> str:
    axes = axes_of(e.params["axis"], len(e.output.shape))
    return unsqueezed(g, g.value(e.operands[0]), axes)


def _squeeze(g: Graph, e: Equation) -> str:
    (operand,), axis = e.operands, e.params["axis"]
    shape = shape_of(operand)
    axes = [i for i, s in enumerate(shape) if s == 1] if axis is None else axes_of(axis, len(shape))
    return squeezed(g, g.value(operand), axes)


def _broadcast_to(g: Graph, e: Equation) -> str:
    (operand,) = e.operands
    return g.expand(g.value(operand), shape_of(operand), e.output.shape)


def _flip(g: Graph, e: Equation) -> str:
    axes = axes_of(e.params["axis"], len(e.output.shape))
    return sliced(g, g.value(e.operands[0]), {axis: slice(None, None, -1) for axis in axes})


def _roll(g: Graph, e: Equation) -> str:
    x, shape = g.value(e.operands[0]), e.output.shape
    shift, axis = e.params["shift"], e.params["axis"]
    if axis is None:
        return g.reshape(_rolled(g, g.reshape(x, [-1]), 0, shift, count_of(shape)), shape)
    axes = axes_of(axis, len(shape))
    shifts = shift if isinstance(shift, tuple) else (shift,) * len(axes)
    for along, by in zip(axes, shifts, strict=True):
        x = _rolled(g, x, along, by, shape[along])
    return x


def _rolled(g: Graph, x: str, axis: int, by: Any, size: Any) -> str:
    """Roll a value along an axis: its last ``by`` modulo size entries come first."""
    start = g.node("Mod", g.sizes([by * -1]), g.sizes([size]))
    steps = g.sizes([axis]), g.sizes([1])
    last = g.node("Slice", x, start, g.sizes([LARGEST]), *steps)
    first = g.node("Slice", x, g.sizes([0]), start, *steps)
    return g.node("Concat", last, first, axis=axis)


def _tile(g: Graph, e: Equation) -> str:
    (operand,), reps = e.operands, e.params["reps"]
    ndim = len(e.output.shape)
    x = unsqueezed(g, g.value(operand), range(ndim - len(shape_of(operand))))
    return g.node("Tile", x, g.sizes((1,) * (ndim - len(reps)) + tuple(reps)))


def _repeat(g: Graph, e: Equation) -> str:
    (operand,), repeats = e.operands, e.params["repeats"]
    ndim = len(shape_of(operand))
    axis = e.params["axis"] % ndim
    x = unsqueezed(g, g.value(operand), [axis + 1])
    sizes = [repeats if i == axis + 1 else 1 for i in range(ndim + 1)]
    return g.reshape(g.node("Expand", x, g.sizes(sizes)), e.output.shape)


def _triangle(upper: int) -> Rule:
    return lambda g, e: g.node(
        "Trilu", g.value(e.operands[0]), g.constant(e.params["k"], INT64), upper=upper
    )


def _pad(g: Graph, e: Equation) -> str:
    before, after = zip(*e.params["pad_width"], strict=True)
    fill = g.value(e.params["constant_values"], e.output.dtype)
    return g.node("Pad", g.value(e.operands[0]), g.sizes([*before, *after]), fill)


def _concatenate(g: Graph, e: Equation) -> str:
    parts = (g.value(operand, e.output.dtype) for operand in e.operands)
    return g.node("Concat", *parts, axis=e.params["axis"])


def _stack(g: Graph, e: Equation) -> str:
    axis = e.params["axis"] % len(e.output.shape)
    parts = (unsqueezed(g, g.value(o, e.output.dtype), [axis]) for o in e.operands)
    return g.node("Concat", *parts, axis=axis)


SHAPE: dict[str, Rule] = {
    "reshape": _reshape,
    "expand_dims": _expand_dims,
    "squeeze": _squeeze,
    "transpose": lambda g, e: transposed(g, g.value(e.operands[0]), e.params["axes"]),
    "broadcast_to": _broadcast_to,
    "flip": _flip,
    "roll": _roll,
    "tile": _tile,
    "repeat": _repeat,
    "tril": _triangle(0),
    "triu": _triangle(1),
    "pad": _pad,
    "concatenate": _concatenate,
    "stack": _stack,
}
