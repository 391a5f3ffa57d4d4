"""chainrule: write NumPy, read the gradient, train at native speed.

Importing it loads NumPy alone; ``chainrule.lab`` and its pictures load when first used.
"""

from __future__ import annotations

import importlib
from types import ModuleType

from chainrule.autodiff import (
    GradientReport,
    Tensor,
    check_gradients,
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
from chainrule.program import Program, source, trace

__version__ = "0.1.0"

__all__ = [
    "ACTIVATIONS",
    "EPSILON",
    "ChainruleError",
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
    "log_softmax",
    "logsumexp",
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
    "data",
    "errors",
    "functions",
    "initializers",
    "lab",
    "ops",
    "plots",
    "storage",
)


def __getattr__(name: str) -> ModuleType:
    if name in _ROOMS:
        return importlib.import_module(f"chainrule.{name}")
    raise AttributeError(f"module 'chainrule' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *_ROOMS})
