"""chainrule: write NumPy, read the gradient, train at native speed.

Importing it loads NumPy alone; sub-packages and what belongs to them load when first used.
"""

from __future__ import annotations

import typing

# These wings add their operations, and what they provide for methods of lower wings.
from chainrule._src import blackboard, cluster, export, ops, text
from chainrule._src.base.errors import ChainruleError
from chainrule._src.base.interrupts import load as _load
from chainrule._src.base.registry import provides as _provides
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
from chainrule._src.nn.functions import accuracy, nll, one_hot, relu, sigmoid, softmax, tanh

if typing.TYPE_CHECKING:
    from chainrule import (
        accel,
        activations,
        callbacks,
        constraints,
        data,
        distributed,
        errors,
        estimators,
        functions,
        initializers,
        keras,
        lab,
        layers,
        losses,
        metrics,
        onnx,
        optimizers,
        plots,
        preprocessing,
        regularizers,
        schedules,
        storage,
        sweeps,
        tables,
    )
    from chainrule._src.check import check_gradients, check_loss, explain_difference
    from chainrule._src.compile.running.jit import jit
    from chainrule._src.export.from_keras import from_keras
    from chainrule._src.export.web.module import export_web
    from chainrule._src.nn.sequential import Sequential, load_model
    from chainrule._src.nn.training import minimize, source
    from chainrule._src.sweeps.sweep import sweep
    from chainrule._src.teach import check
    from chainrule._src.trace.batching import vmap
    from chainrule._src.trace.recurrence import scan
    from chainrule._src.trace.tracing import trace

__all__ = [
    "ChainruleError", "Program", "Sequential", "Tensor", "__version__", "accel", "accuracy",
    "activations", "callbacks", "check", "check_gradients", "check_loss", "constraints", "data",
    "distributed", "errors", "estimators", "explain_difference", "export_web", "from_keras",
    "functions", "grad",
    "hessian", "hvp", "initializers", "jacobian", "jit", "keras", "lab", "layers", "load_model",
    "losses", "metrics", "minimize", "nll", "one_hot", "onnx", "optimizers", "plots",
    "preprocessing", "regularizers", "relu", "scan", "schedules", "sigmoid", "softmax", "source",
    "stop_gradient", "storage", "sweep", "sweeps", "tables", "tanh", "trace", "value_and_grad",
    "vjp", "vmap",
]  # fmt: skip

_LATER = {  # names whose wing loads when they are first used
    "Sequential": "nn.sequential",
    "check": "teach",
    "check_gradients": "check",
    "check_loss": "check",
    "explain_difference": "check",
    "export_web": "export.web.module",
    "from_keras": "export.from_keras",
    "jit": "compile.running.jit",
    "load_model": "nn.sequential",
    "minimize": "nn.training",
    "scan": "trace.recurrence",
    "source": "nn.training",
    "sweep": "sweeps.sweep",
    "trace": "trace.tracing",
    "vmap": "trace.batching",
}
_FORMER = {  # names of earlier versions, and where their objects are now
    "integers": "sweeps.IntRange",
    "log": "sweeps.LogUniform",
    "uniform": "sweeps.Uniform",
}
_ROOMS = ("errors", "functions", "estimators", "onnx", "sweeps")  # whose names were here
del blackboard, cluster, export, ops, text


@_provides("functions of graphs")
def _functions_of_graphs() -> None:
    """Load the functions of `chainrule.keras.ops`, which graphs of layers may hold."""
    _load("chainrule.keras.ops")


@_provides("simplification of programs")
def _simplify(*program: typing.Any) -> typing.Any:
    """Load and apply the simplification, which takes the function's place in the registry."""
    return _load("chainrule._src.trace.simplifying").simplify(*program)


def __getattr__(name: str) -> typing.Any:
    if name in _LATER:
        value = getattr(_load(f"chainrule._src.{_LATER[name]}"), name)
        globals()[name] = value  # the next access finds it at once
        return value
    if name in __all__:
        return _load(f"chainrule.{name}")
    raise AttributeError(f"module 'chainrule' has no attribute {name!r}{_hint(name)}")


def _hint(name: str) -> str:
    if name.startswith("_"):  # tools ask every module for such names, and for many of them
        return ""

    import difflib  # takes a while to load, and is seldom needed

    there = next((room for room in _ROOMS if name in _load(f"chainrule.{room}").__all__), None)
    if there or name in _FORMER:
        return f": it is chainrule.{f'{there}.{name}' if there else _FORMER[name]}"
    wish = name.lower()
    close = [n for n in __all__ if wish.startswith(n) or n.startswith(wish)]
    close = close or difflib.get_close_matches(name, __all__, n=1)
    return f": did you mean {' or '.join(close)}?" if close else ""


def __dir__() -> list[str]:
    return __all__
