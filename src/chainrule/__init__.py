"""chainrule: write NumPy, read the gradient, train at native speed.

Importing it loads NumPy alone; ``chainrule.lab`` and its pictures load when first used.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from chainrule.autodiff import (
    Tensor,
    grad,
    hessian,
    hvp,
    jacobian,
    stop_gradient,
    value_and_grad,
    vjp,
)
from chainrule.errors import (
    ChainruleError,
    CompileError,
    DataError,
    DivergenceError,
    FileError,
    MissingDependencyError,
    ShapeError,
    TraceError,
    UnknownNameError,
)
from chainrule.functions import (
    ACTIVATIONS,
    EPSILON,
    accuracy,
    delu,
    drelu,
    dsigmoid,
    dsoftplus,
    dtanh,
    elu,
    gelu,
    log_softmax,
    logsumexp,
    nll,
    one_hot,
    relu,
    sigmoid,
    softmax,
    softplus,
    tanh,
)
from chainrule.program import Program, trace

if TYPE_CHECKING:
    from chainrule.autodiff import GradientReport, check_gradients
    from chainrule.program.jit import jit
    from chainrule.training import minimize, source

__version__ = "0.1.0"

__all__ = [
    "ACTIVATIONS",
    "EPSILON",
    "ChainruleError",
    "CompileError",
    "DataError",
    "DivergenceError",
    "FileError",
    "GradientReport",
    "MissingDependencyError",
    "Program",
    "ShapeError",
    "Tensor",
    "TraceError",
    "UnknownNameError",
    "accuracy",
    "check_gradients",
    "delu",
    "drelu",
    "dsigmoid",
    "dsoftplus",
    "dtanh",
    "elu",
    "gelu",
    "grad",
    "hessian",
    "hvp",
    "jacobian",
    "jit",
    "log_softmax",
    "logsumexp",
    "minimize",
    "nll",
    "one_hot",
    "relu",
    "sigmoid",
    "softmax",
    "softplus",
    "source",
    "stop_gradient",
    "tanh",
    "trace",
    "value_and_grad",
    "vjp",
]

_ROOMS = (
    "autodiff",
    "callbacks",
    "data",
    "errors",
    "functions",
    "initializers",
    "lab",
    "losses",
    "metrics",
    "ops",
    "optimizers",
    "plots",
    "storage",
)


_LATER = {
    "GradientReport": "autodiff",
    "check_gradients": "autodiff",
    "jit": "program.jit",
    "minimize": "training",
    "source": "training",
}  # functions whose room loads when they are first used


def __getattr__(name: str) -> Any:
    if name in _ROOMS:
        return importlib.import_module(f"chainrule.{name}")
    if name in _LATER:
        return getattr(importlib.import_module(f"chainrule.{_LATER[name]}"), name)
    raise AttributeError(f"module 'chainrule' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *_ROOMS, *_LATER})
