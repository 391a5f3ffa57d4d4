"""Reductions over axes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from chainrule._src.core.equations import Equation
from chainrule._src.export.onnx.graph import BOOL, INT64, Graph, Rule, count_of, shape_of


def reduced(g: Graph, op: str, x: str, axes: Sequence[int], keepdims: bool) -> str:
    """Add a reduction of a value over axes; without axes the value is unchanged."""
    if not axes:
        return x
    return g.node(op, x, g.sizes(axes), keepdims=int(keepdims))


def axes_of(axis: Any, ndim: int) -> list[int]:
    """Return NumPy's argument ``axis`` as a list of axes from 0 on."""
    if axis is None:
        return list(range(ndim))
    return [int(a) % ndim for a in (axis if isinstance(axis, tuple | list) else (axis,))]


def reduction(op: str, dtype: Any = None) -> Rule:
    """Return the rule of a reduction, computed in ``dtype`` or that of the result."""

    def rule(g: Graph, e: Equation) -> str:
        (operand,) = e.operands
        axes = axes_of(e.params["axis"], len(shape_of(operand)))
        x = g.value(operand, e.output.dtype if dtype is None else dtype)
        return reduced(g, op, x, axes, e.params["keepdims"])

    return rule


def _variance(g: Graph, e: Equation) -> str:
    (operand,) = e.operands
    shape, dtype = shape_of(operand), e.output.dtype
    axes, keepdims = axes_of(e.params["axis"], len(shape)), e.params["keepdims"]
    x = g.value(operand, dtype)
    centred = g.node("Sub", x, reduced(g, "ReduceMean", x, axes, True))
    squares = g.node("Mul", centred, centred)
    if not e.params["ddof"]:
        return reduced(g, "ReduceMean", squares, axes, keepdims)
    count = g.value(count_of([shape[axis] for axis in axes]), dtype)
    total = reduced(g, "ReduceSum", squares, axes, keepdims)
    return g.node("Div", total, g.node("Sub", count, g.constant(e.params["ddof"], dtype)))


def _best(op: str) -> Rule:
    """Return the rule of argmax or argmin; without an axis, in the flattened array."""

    def rule(g: Graph, e: Equation) -> str:
        x, axis = g.value(e.operands[0]), e.params["axis"]
        if axis is not None:
            return g.node(op, x, dtype=INT64, axis=axis, keepdims=int(e.params["keepdims"]))
        position = g.node(op, g.reshape(x, [-1]), dtype=INT64, axis=0, keepdims=0)
        return g.reshape(position, e.output.shape) if e.output.shape else position

    return rule


def _cumulative(g: Graph, e: Equation) -> str:
    x = g.value(e.operands[0], e.output.dtype)
    return g.node("CumSum", x, g.constant(e.params["axis"], INT64))


def _argsort(g: Graph, e: Equation) -> str:
    (operand,) = e.operands
    axis = e.params["axis"]
    size = g.sizes([shape_of(operand)[axis]])
    x = g.value(operand)
    return g.node("TopK", x, size, dtype=INT64, outputs=2, axis=axis, largest=0, sorted=1)


REDUCE: dict[str, Rule] = {
    "sum": reduction("ReduceSum"),
    "mean": reduction("ReduceMean"),
    "prod": reduction("ReduceProd"),
    "max": reduction("ReduceMax"),
    "min": reduction("ReduceMin"),
    "all": reduction("ReduceMin", BOOL),
    "any": reduction("ReduceMax", BOOL),
    "var": _variance,
    "std": lambda g, e: g.node("Sqrt", _variance(g, e)),
    "argmax": _best("ArgMax"),
    "argmin": _best("ArgMin"),
    "cumsum": _cumulative,
    "argsort": _argsort,
}
