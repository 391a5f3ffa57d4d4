"""chainrule under Keras's names: ``from chainrule import keras`` in place of ``import keras``.

The namespace holds chainrule's own layers, losses and so on. Names of Keras without a counterpart
exist too; when such a name is used, an error says what to write instead.

Examples
--------
>>> from chainrule import keras
>>> model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(3, activation="softmax")])
>>> model.output_shape
(None, 3)
"""

from __future__ import annotations

import sys
from typing import Any

from chainrule import (
    activations,
    callbacks,
    constraints,
    initializers,
    losses,
    metrics,
    optimizers,
    regularizers,
    schedules,
)
from chainrule._src.base.variables import Variable
from chainrule._src.nn.initializers import Initializer
from chainrule._src.nn.layers import Layer
from chainrule._src.nn.layers.symbols import SymbolicTensor as KerasTensor
from chainrule._src.nn.losses import Loss
from chainrule._src.nn.metrics import Metric
from chainrule._src.nn.optimizers import Optimizer
from chainrule._src.nn.regularizers import Regularizer
from chainrule.keras import (
    backend,
    config,
    datasets,
    layers,
    models,
    ops,
    preprocessing,
    random,
    saving,
    utils,
)
from chainrule.keras.layers import Input
from chainrule.keras.left_out import LEFT_OUT_MODULES, left_out_module
from chainrule.keras.models import Functional, Model, Sequential

__version__ = "3.15.0"  # whose names, defaults and semantics these are

_SHARED = ("activations", "callbacks", "constraints", "initializers", "losses", "metrics",
           "optimizers", "regularizers")  # fmt: skip
for _name in _SHARED:  # so that ``from chainrule.keras.losses import …`` finds them
    sys.modules[f"{__name__}.{_name}"] = sys.modules[f"chainrule.{_name}"]
sys.modules[f"{__name__}.optimizers.schedules"] = schedules

__all__ = [
    "Functional", "Initializer", "Input", "KerasTensor", "Layer", "Loss", "Metric", "Model",
    "Optimizer", "Regularizer", "Sequential", "Variable", "activations", "applications", "backend",
    "callbacks", "config", "constraints", "datasets", "initializers", "layers", "losses",
    "metrics", "models", "ops", "optimizers", "preprocessing", "random", "regularizers",
    "saving", "utils",
]  # fmt: skip


for _name, _advice in LEFT_OUT_MODULES.items():
    sys.modules[f"{__name__}.{_name}"] = left_out_module(f"{__name__}.{_name}", _advice)
for _name in datasets.NAMES:
    sys.modules[f"{__name__}.datasets.{_name}"] = getattr(datasets, _name)
applications = sys.modules[f"{__name__}.applications"]
mixed_precision = sys.modules[f"{__name__}.mixed_precision"]


def version() -> str:
    """Return the version of Keras whose names these are.

    Returns
    -------
    str

    Examples
    --------
    >>> from chainrule import keras
    >>> keras.version()
    '3.15.0'
    """
    return __version__


def __getattr__(name: str) -> Any:
    raise AttributeError(
        f"chainrule.keras has no {name!r}; there are {', '.join(__all__)}. It is a minimal "
        "framework: chains and graphs of layers, and layers made of layers"
    )
