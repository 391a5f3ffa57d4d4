r"""Update rules, as plain NumPy code: they are traced into the program like the loss.

Names, arguments, defaults and formulas are Keras's. An optimizer of your own is one class::

    class Signs(Optimizer):
        slots = ("momentum",)

        def step(self, w, g, learning_rate, t, momentum):
            update = np.sign(0.9 * momentum + 0.1 * g)
            return w - learning_rate * update, {"momentum": 0.99 * momentum + 0.01 * g}
"""

from __future__ import annotations

from typing import Any, NoReturn

from chainrule._src.base.config import described, plain
from chainrule._src.base.errors import DataError
from chainrule._src.nn import schedules
from chainrule._src.nn.optimizers.adaptive import Adadelta, Adafactor, Adagrad, Ftrl, RMSprop
from chainrule._src.nn.optimizers.moments import Adam, Adamax, AdamW, Lamb, Nadam, ScheduleFreeAdamW
from chainrule._src.nn.optimizers.momentum import SGD, Lion
from chainrule._src.nn.optimizers.optimizer import Optimizer, Schedule, count, schedule_of
from chainrule._src.nn.optimizers.orthogonal import Muon
from chainrule._src.nn.optimizers.variable import OptimizerVariable as Variable
from chainrule._src.nn.schedules import (
    CosineDecay,
    CosineDecayRestarts,
    CosineLog,
    ExponentialDecay,
    FlatCosine,
    InverseTimeDecay,
    LearningRateSchedule,
    PiecewiseConstantDecay,
    PolynomialDecay,
)

__all__ = [
    "OPTIMIZERS", "SGD", "Adadelta", "Adafactor", "Adagrad", "Adam", "AdamW", "Adamax",
    "CosineDecay", "CosineDecayRestarts", "CosineLog", "ExponentialDecay", "FlatCosine", "Ftrl",
    "InverseTimeDecay", "Lamb", "LearningRateSchedule", "Lion", "Muon", "Nadam", "Optimizer",
    "PiecewiseConstantDecay", "PolynomialDecay", "RMSprop", "Schedule", "ScheduleFreeAdamW",
    "Variable", "count", "deserialize", "get", "schedule_of", "schedules", "serialize",
]  # fmt: skip

OPTIMIZERS: dict[str, type[Optimizer]] = {
    "sgd": SGD, "rmsprop": RMSprop, "adam": Adam, "adamw": AdamW, "adagrad": Adagrad,
    "adadelta": Adadelta, "adamax": Adamax, "nadam": Nadam, "lion": Lion, "lamb": Lamb,
    "ftrl": Ftrl, "adafactor": Adafactor, "schedulefreeadamw": ScheduleFreeAdamW, "muon": Muon,
}  # fmt: skip
"""Each optimizer by its name."""


def get(optimizer: Any, where: str = "optimizers.get") -> Optimizer:
    """Return an optimizer.

    Parameters
    ----------
    optimizer : str, dict or Optimizer
        A name gives an optimizer with default arguments, a dict is a description; an
        object of your own must have ``init`` and ``update``.
    where : str
        Name of the calling function, for error messages.

    Returns
    -------
    Optimizer

    Raises
    ------
    UnknownNameError, DataError
        If the optimizer is none of these.

    Examples
    --------
    >>> get({"class_name": "SGD", "config": {"learning_rate": 0.1}})
    SGD(learning_rate=0.1)
    """
    is_class = isinstance(optimizer, type)
    rule: Any = optimizer if is_class else described("optimizer", optimizer, OPTIMIZERS, Optimizer)
    if is_class or not all(callable(getattr(rule, n, None)) for n in ("init", "update")):
        hint = f"; call the class, as in {optimizer.__name__}()" if is_class else ""
        raise DataError(
            f"{where}: optimizer must be a name ({', '.join(OPTIMIZERS)}) or an object with init "
            f"and update, received {optimizer!r}{hint}"
        )
    return rule  # type: ignore[no-any-return]


serialize, deserialize = plain, get


REFUSED = {
    "LossScaleOptimizer": "losses need no scale in float32 and float64, there is no float16",
    "MultiOptimizer": "one optimizer trains all layers that are trainable",
}
"""Keras's optimizers that this package does not have, with advice what to write instead."""


def __getattr__(name: str) -> NoReturn:
    advice = f"; {REFUSED[name]}" if name in REFUSED else ""
    raise AttributeError(f"chainrule.optimizers has no {name!r}{advice}")
