"""chainrule: write NumPy, read the gradient, train at native speed.

Importing it loads NumPy alone; ``chainrule.lab`` and its pictures load when first used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

# These add their operations and what they provide to lower wings.
from chainrule._src import blackboard, cluster, export, ops, text
from chainrule._src.base.errors import (
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
from chainrule._src.base.interrupts import load
from chainrule._src.base.version import __version__
from chainrule._src.core.program import Program
from chainrule._src.core.tensor import Tensor
from chainrule._src.core.transforms import (
    grad,
    hessian,
    hvp,
    jacobian,
    stop_gradient,
    value_and_grad,
    vjp,
)
from chainrule._src.nn.functions import (
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
from chainrule._src.trace.recurrence import scan
from chainrule._src.trace.tracing import trace

if TYPE_CHECKING:
    from chainrule._src.check import GradientReport, check_gradients, check_loss, explain_difference
    from chainrule._src.compile.running.jit import jit
    from chainrule._src.export.from_keras import from_keras
    from chainrule._src.export.onnx import export_onnx, onnx_model
    from chainrule._src.nn.sequential.model import Sequential, load_model
    from chainrule._src.nn.training.minimize import minimize
    from chainrule._src.nn.training.source import source
    from chainrule._src.sweeps.dimensions import integers, log, uniform
    from chainrule._src.sweeps.search_cv import SweepCV
    from chainrule._src.sweeps.sweep import sweep
    from chainrule._src.tabular.estimators import (
        DaskMLPClassifier,
        DaskMLPRegressor,
        MLPClassifier,
        MLPRegressor,
        RealMLPClassifier,
        RealMLPRegressor,
        SoftmaxRegression,
    )
    from chainrule._src.teach import check
    from chainrule._src.trace.batching import vmap

del blackboard, cluster, export, ops, text

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
    "__version__",
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

_MODULES = (
    "accel",
    "activations",
    "callbacks",
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
    "onnx",
    "optimizers",
    "plots",
    "preprocessing",
    "regularizers",
    "schedules",
    "storage",
    "sweeps",
    "tables",
)


_LATER = {
    "GradientReport": "check",
    "check": "teach",
    "check_gradients": "check",
    "check_loss": "check",
    "explain_difference": "check",
    "export_onnx": "export.onnx",
    "DaskMLPClassifier": "tabular.estimators",
    "DaskMLPRegressor": "tabular.estimators",
    "MLPClassifier": "tabular.estimators",
    "MLPRegressor": "tabular.estimators",
    "RealMLPClassifier": "tabular.estimators",
    "RealMLPRegressor": "tabular.estimators",
    "Sequential": "nn.sequential",
    "SoftmaxRegression": "tabular.estimators",
    "SweepCV": "sweeps.search_cv",
    "from_keras": "export.from_keras",
    "integers": "sweeps",
    "jit": "compile.running.jit",
    "load_model": "nn.sequential",
    "log": "sweeps",
    "minimize": "nn.training",
    "onnx_model": "export.onnx",
    "source": "nn.training",
    "sweep": "sweeps",
    "uniform": "sweeps",
    "vmap": "trace.batching",
}  # names whose wing loads when they are first used


def __getattr__(name: str) -> Any:
    if name in _MODULES:
        return load(f"chainrule.{name}")
    if name in _LATER:
        found = getattr(load(f"chainrule._src.{_LATER[name]}"), name)
        globals()[name] = found  # to be found at once the next time
        return found
    raise AttributeError(f"module 'chainrule' has no attribute {name!r}{_hint(name)}")


def _hint(name: str) -> str:
    import difflib  # takes a while to load, and is seldom needed

    wish, names = name.lower(), [*__all__, *_MODULES]
    close = [n for n in names if wish.startswith(n) or n.startswith(wish)]
    close = close or difflib.get_close_matches(wish, names, n=1)
    return f": did you mean {' or '.join(close)}?" if close and not name.startswith("_") else ""


def __dir__() -> list[str]:
    return sorted({*globals(), *_MODULES, *_LATER})
