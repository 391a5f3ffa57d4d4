"""scikit-learn's L-BFGS, which is SciPy's, with a compiled loss and gradient."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from chainrule._src.base.arrays import Array
from chainrule._src.base.errors import CompileError, TraceError
from chainrule._src.compile.running.jit import jit
from chainrule._src.core.transforms import value_and_grad
from chainrule._src.tabular.estimators.objective import MLPObjective


@contextmanager
def compiled(model: Any, X: Array, Y: Array, weight: Any) -> Iterator[None]:
    """Context manager in which a model computes its loss and gradient in compiled code."""
    parts = (X, Y) if weight is None else (X, Y, weight)
    data = [np.asarray(part, np.float64) for part in parts]
    objective = MLPObjective(model.activation, model.out_activation_)
    alpha, undefined = np.float64(model.alpha), objective.undefined(Y)
    loss = jit(value_and_grad(objective, has_aux=True))

    def loss_and_gradient(packed: Array, *_: Any) -> tuple[np.float64, Array]:
        model._unpack(np.asarray(packed, np.float64))
        params = {"coefs": list(model.coefs_), "intercepts": list(model.intercepts_)}
        (_, reported), gradients = loss(params, alpha, *data)
        each = [gradient.ravel() for gradient in (*gradients["coefs"], *gradients["intercepts"])]
        return np.float64(reported + undefined), np.concatenate(each)

    double = [W.astype(np.float64) for W in (*model.coefs_, *model.intercepts_)]
    layers = len(model.coefs_)
    try:
        loss({"coefs": double[:layers], "intercepts": double[layers:]}, alpha, *data)
        model._loss_grad_lbfgs = loss_and_gradient
    except (CompileError, TraceError):  # scikit-learn's own function stays
        pass
    try:
        yield
    finally:
        vars(model).pop("_loss_grad_lbfgs", None)
