"""The functions of neural networks."""

from __future__ import annotations

import numpy as np

from chainrule._src.core.equations import Equation
from chainrule._src.export.onnx.graph import BOOL, FLOAT32, Graph, Rule, common_dtype, shape_of
from chainrule._src.export.onnx.reduce import reduced
from chainrule._src.export.onnx.shape import unsqueezed


def _relu(g: Graph, e: Equation) -> str:
    x = g.value(e.operands[0])
    if e.output.dtype.kind == "f":
        return g.node("Relu", x)
    return g.node("Max", x, g.constant(0, e.output.dtype))


def _softplus(g: Graph, e: Equation) -> str:
    if e.output.dtype == FLOAT32:
        return g.node("Softplus", g.value(e.operands[0], FLOAT32))
    # ONNX Runtime's overflows for other dtypes.
    return g.formula(lambda x: np.maximum(x, 0) + np.log1p(np.exp(-np.abs(x))), *e.operands)


def _along_axis(op: str) -> Rule:
    return lambda g, e: g.node(op, g.value(e.operands[0], e.output.dtype), axis=e.params["axis"])


def _logsumexp(g: Graph, e: Equation) -> str:
    x = g.value(e.operands[0], e.output.dtype)
    axis = e.params["axis"] % len(shape_of(e.operands[0]))
    return reduced(g, "ReduceLogSumExp", x, [axis], e.params["keepdims"])


def _one_hot(g: Graph, e: Equation) -> str:
    (y,), classes = e.operands, np.arange(e.params["n_classes"])
    dtype = common_dtype([y, classes])
    column = unsqueezed(g, g.value(y, dtype), [len(shape_of(y))])
    return g.node("Equal", column, g.constant(classes, dtype), dtype=BOOL)


NN: dict[str, Rule] = {
    "sigmoid": lambda g, e: g.node("Sigmoid", g.value(e.operands[0], e.output.dtype)),
    "relu": _relu,
    "softplus": _softplus,
    "softmax": _along_axis("Softmax"),
    "log_softmax": _along_axis("LogSoftmax"),
    "logsumexp": _logsumexp,
    "one_hot": _one_hot,
    "in_range": lambda g, e: g.value(e.operands[0], e.output.dtype),
}
