"""Functions of neural networks with gradient rules and stable formulas of their own."""

from __future__ import annotations

from typing import Any

import numpy as np

from chainrule._src.core.forms import of_first_entries
from chainrule._src.core.kernel import Composite, Elementwise
from chainrule._src.core.primitive import Family
from chainrule._src.ops.index import IN_RANGE

NN = Family()


def _sigmoid(x: Any) -> Any:
    y = np.negative(x)
    out = y if y.ndim else None  # in place: takes a third of the memory of 1 / (1 + np.exp(-x))
    with np.errstate(over="ignore"):  # if exp(-x) is infinite, the sigmoid is exactly 0
        y = np.exp(y, out=out)
    return np.divide(1, np.add(y, 1, out=out), out=out)


def _softmax(x: Any, axis: int) -> Any:
    exp = np.exp(x - x.max(axis=axis, keepdims=True))
    return exp / exp.sum(axis=axis, keepdims=True)


def _log_softmax(x: Any, axis: int) -> Any:
    shifted = x - x.max(axis=axis, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(axis=axis, keepdims=True))


def _logsumexp(x: Any, axis: int, keepdims: bool) -> Any:
    top = x.max(axis=axis, keepdims=True)
    y = top + np.log(np.exp(x - top).sum(axis=axis, keepdims=True))
    return y if keepdims else np.squeeze(y, axis=axis)


def _one_hot(y: Any, n_classes: int) -> Any:
    y = IN_RANGE(y, size=n_classes, what="one_hot: labels")
    return (np.expand_dims(y, -1) == np.arange(n_classes)).astype(np.float64)


def _kept(a: Any, axis: int, keepdims: bool) -> Any:
    return a if keepdims else np.expand_dims(a, axis)


SIGMOID = NN.add(
    "sigmoid",
    _sigmoid,
    (lambda g, y, x: g * y * (1 - y),),
    "1 / (1 + np.exp(-_0))",
    kernel=Elementwise("1 / (1 + np.exp(-_0))"),
)
RELU = NN.add(
    "relu",
    lambda x: np.maximum(x, 0),
    (lambda g, y, x: g * (y > 0),),
    "np.maximum(_0, 0)",
    kernel=Elementwise("0 if _0 < 0 else _0"),
)
SOFTPLUS = NN.add(
    "softplus",
    lambda x: np.logaddexp(x, 0),
    (lambda g, y, x: g * SIGMOID(x),),
    "np.logaddexp(_0, 0)",
    kernel=Composite(lambda x: np.maximum(x, 0) + np.log1p(np.exp(-np.abs(x)))),
    form=of_first_entries(lambda x: np.logaddexp(x, 0)),
)
SOFTMAX = NN.add(
    "softmax",
    _softmax,
    (lambda g, y, x, axis: y * (g - (g * y).sum(axis=axis, keepdims=True)),),
    "exp = np.exp(_0 - _0.max(axis=axis, keepdims=True))\n"
    "_y = exp / exp.sum(axis=axis, keepdims=True)",
    kernel=Composite(_softmax),
    form=of_first_entries(_softmax),
)
LOG_SOFTMAX = NN.add(
    "log_softmax",
    _log_softmax,
    (lambda g, y, x, axis: g - np.exp(y) * g.sum(axis=axis, keepdims=True),),
    "shifted = _0 - _0.max(axis=axis, keepdims=True)\n"
    "_y = shifted - np.log(np.exp(shifted).sum(axis=axis, keepdims=True))",
    kernel=Composite(_log_softmax, {"exp": _softmax}),  # exp occurs in the gradient
    form=of_first_entries(_log_softmax),
)
LOGSUMEXP = NN.add(
    "logsumexp",
    _logsumexp,
    (
        lambda g, y, x, axis, keepdims: (
            _kept(g, axis, keepdims) * np.exp(x - _kept(y, axis, keepdims))
        ),
    ),
    lambda shapes, axis, keepdims: (
        "top = _0.max(axis=axis, keepdims=True)\n"
        "_y = top + np.log(np.exp(_0 - top).sum(axis=axis, keepdims=True))"
        + ("" if keepdims else "\n_y = np.squeeze(_y, axis)")
    ),
    kernel=Composite(_logsumexp),
)
ONE_HOT = NN.add("one_hot", _one_hot, None, "np.eye(n_classes)[_0]", kernel=Composite(_one_hot))
