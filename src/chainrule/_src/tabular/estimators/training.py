"""Decide if chainrule or scikit-learn's own loop trains and predicts."""

from __future__ import annotations

from importlib.util import find_spec
from typing import Any

from scipy.sparse import issparse
from sklearn.neural_network._multilayer_perceptron import BaseMultilayerPerceptron

from chainrule._src.base.arrays import Array
from chainrule._src.tabular.estimators.cost import is_short
from chainrule._src.tabular.estimators.forward import forward, is_plain
from chainrule._src.tabular.estimators.predicting import compiled_output

HIDDEN = ("identity", "logistic", "tanh", "relu")
_OWN = (  # the methods of scikit-learn's training loop
    "_backprop", "_forward_pass", "_compute_loss_grad", "_loss_grad_lbfgs",
)  # fmt: skip


def obstacle(model: Any, X: Any, sizes: list[int], incremental: bool) -> str | None:
    """Return the reason why scikit-learn's own loop must train a network, or None."""
    overridden = [
        n for n in _OWN if getattr(type(model), n) is not getattr(BaseMultilayerPerceptron, n)
    ]
    if overridden:
        return f"{type(model).__name__} overrides {overridden[0]}"
    if issparse(X):
        return "X is sparse"
    if find_spec("llvmlite") is None:
        return "llvmlite is not installed"
    if is_short(model, X.shape[0], sizes, incremental):
        return "it is done sooner than compiling would be"
    return None


def engine_of(model: Any, X: Any, sizes: list[int], incremental: bool) -> str | None:
    """Return the engine that trains a network, or None for scikit-learn's own loop."""
    if model.engine == "auto":
        return "compiled" if obstacle(model, X, sizes, incremental) is None else None
    return None if issparse(X) else str(model.engine)


def dense(X: Any) -> Any:
    """Return samples as a dense array."""
    return X.toarray() if issparse(X) else X


def output(model: Any, X: Any, check_input: bool) -> Array | None:
    """Return the output of a network, or None if the samples need scikit-learn's validation."""
    if not is_plain(model, X) if check_input else issparse(X):
        return None
    outputs = compiled_output(model, X)
    if outputs is not None:
        return outputs
    return forward(X, model.coefs_, model.intercepts_, model.activation, model.out_activation_)
