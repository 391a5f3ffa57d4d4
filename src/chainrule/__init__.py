"""chainrule: write NumPy, read the gradient, train at native speed.

Importing it loads NumPy alone; ``chainrule.lab`` and its pictures load when first used.
"""

from __future__ import annotations

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
    ClusterError,
    CompileError,
    DataError,
    DivergenceError,
    ExportError,
    FileError,
    InterruptedWarning,
    MissingDependencyError,
    OptionError,
    OutOfRangeError,
    ReadOnlyError,
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
    erf,
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
from chainrule.interrupts import load
from chainrule.program import Program, trace
from chainrule.recurrence import scan

if TYPE_CHECKING:
    from chainrule.batching import vmap
    from chainrule.checking import (
        GradientReport,
        check_gradients,
        check_loss,
        explain_difference,
    )
    from chainrule.estimators import (
        DaskMLPClassifier,
        DaskMLPRegressor,
        MLPClassifier,
        MLPRegressor,
        RealMLPClassifier,
        RealMLPRegressor,
        SoftmaxRegression,
    )
    from chainrule.onnx import export_onnx, onnx_model
    from chainrule.running.jit import jit
    from chainrule.sequential.from_keras import from_keras
    from chainrule.sequential.model import Sequential, load_model
    from chainrule.sweeps.dimensions import integers, log, uniform
    from chainrule.sweeps.search_cv import SweepCV
    from chainrule.sweeps.sweep import sweep
    from chainrule.teaching import check
    from chainrule.training.minimize import minimize
    from chainrule.training.source import source

__version__ = "0.1.0"

__all__ = [
    "ACTIVATIONS",
    "EPSILON",
    "ChainruleError",
    "ClusterError",
    "CompileError",
    "DaskMLPClassifier",
    "DaskMLPRegressor",
    "DataError",
    "DivergenceError",
    "ExportError",
    "FileError",
    "GradientReport",
    "InterruptedWarning",
    "MLPClassifier",
    "MLPRegressor",
    "MissingDependencyError",
    "OptionError",
    "OutOfRangeError",
    "Program",
    "ReadOnlyError",
    "RealMLPClassifier",
    "RealMLPRegressor",
    "Sequential",
    "ShapeError",
    "SoftmaxRegression",
    "SweepCV",
    "Tensor",
    "TraceError",
    "UnknownNameError",
    "accuracy",
    "check",
    "check_gradients",
    "check_loss",
    "delu",
    "drelu",
    "dsigmoid",
    "dsoftplus",
    "dtanh",
    "elu",
    "erf",
    "explain_difference",
    "export_onnx",
    "from_keras",
    "gelu",
    "grad",
    "hessian",
    "hvp",
    "integers",
    "jacobian",
    "jit",
    "load_model",
    "log",
    "log_softmax",
    "logsumexp",
    "minimize",
    "nll",
    "one_hot",
    "onnx_model",
    "relu",
    "scan",
    "sigmoid",
    "softmax",
    "softplus",
    "source",
    "stop_gradient",
    "sweep",
    "tanh",
    "trace",
    "uniform",
    "value_and_grad",
    "vjp",
    "vmap",
]

_ROOMS = (
    "activations",
    "autodiff",
    "batching",
    "callbacks",
    "checking",
    "constraints",
    "data",
    "distributed",
    "errors",
    "estimators",
    "functions",
    "initializers",
    "keras",
    "lab",
    "layers",
    "losses",
    "metrics",
    "ops",
    "optimizers",
    "plots",
    "preprocessing",
    "regularizers",
    "schedules",
    "sequential",
    "storage",
    "sweeps",
    "tables",
)


_LATER = {
    "GradientReport": "checking",
    "check": "teaching",
    "check_gradients": "checking",
    "check_loss": "checking",
    "explain_difference": "checking",
    "export_onnx": "onnx",
    "DaskMLPClassifier": "estimators",
    "DaskMLPRegressor": "estimators",
    "MLPClassifier": "estimators",
    "MLPRegressor": "estimators",
    "RealMLPClassifier": "estimators",
    "RealMLPRegressor": "estimators",
    "Sequential": "sequential",
    "SoftmaxRegression": "estimators",
    "SweepCV": "sweeps.search_cv",
    "from_keras": "sequential",
    "integers": "sweeps",
    "jit": "running.jit",
    "load_model": "sequential",
    "log": "sweeps",
    "minimize": "training",
    "onnx_model": "onnx",
    "source": "training",
    "sweep": "sweeps",
    "uniform": "sweeps",
    "vmap": "batching",
}  # functions whose room loads when they are first used


def __getattr__(name: str) -> Any:
    if name in _ROOMS:
        return load(f"chainrule.{name}")
    if name in _LATER:
        found = getattr(load(f"chainrule.{_LATER[name]}"), name)
        globals()[name] = found  # to be found at once the next time
        return found
    raise AttributeError(f"module 'chainrule' has no attribute {name!r}{_hint(name)}")


def _hint(name: str) -> str:
    import difflib  # takes a while to load, and is seldom needed

    wish, names = name.lower(), [*__all__, *_ROOMS]
    close = [n for n in names if wish.startswith(n) or n.startswith(wish)]
    close = close or difflib.get_close_matches(wish, names, n=1)
    return f": did you mean {' or '.join(close)}?" if close and not name.startswith("_") else ""


def __dir__() -> list[str]:
    return sorted({*globals(), *_ROOMS, *_LATER})
