r"""Update rules, as plain NumPy code: they are traced into the program like the loss.

Names, arguments, defaults and formulas are Keras's. An optimizer of your own is one class::

    class Signs(Optimizer):
        slots = ("momentum",)

        def step(self, w, g, learning_rate, t, momentum):
            update = np.sign(0.9 * momentum + 0.1 * g)
            return w - learning_rate * update, {"momentum": 0.99 * momentum + 0.01 * g}
"""

from __future__ import annotations

from chainrule.errors import DataError
from chainrule.optimizers.adaptive import Adadelta, Adagrad, Ftrl, RMSprop
from chainrule.optimizers.moments import Adam, Adamax, AdamW, Lamb, Nadam
from chainrule.optimizers.momentum import SGD, Lion
from chainrule.optimizers.optimizer import Optimizer, Schedule, count, schedule_of
from chainrule.optimizers.variable import Variable
from chainrule.schedules import (
    CosineDecay,
    CosineDecayRestarts,
    ExponentialDecay,
    InverseTimeDecay,
    LearningRateSchedule,
    PiecewiseConstantDecay,
    PolynomialDecay,
)
from chainrule.validation import lookup

__all__ = [
    "OPTIMIZERS", "SGD", "Adadelta", "Adagrad", "Adam", "AdamW", "Adamax", "CosineDecay",
    "CosineDecayRestarts", "ExponentialDecay", "Ftrl", "InverseTimeDecay", "Lamb",
    "LearningRateSchedule", "Lion", "Nadam", "Optimizer", "PiecewiseConstantDecay",
    "PolynomialDecay", "RMSprop", "Schedule", "Variable", "count", "get",
    "schedule_of",
]  # fmt: skip

OPTIMIZERS: dict[str, type[Optimizer]] = {
    "sgd": SGD, "rmsprop": RMSprop, "adam": Adam, "adamw": AdamW, "adagrad": Adagrad,
    "adadelta": Adadelta, "adamax": Adamax, "nadam": Nadam, "lion": Lion, "lamb": Lamb,
    "ftrl": Ftrl,
}  # fmt: skip
"""Each optimizer by its name."""


def get(optimizer: str | Optimizer, where: str) -> Optimizer:
    """Return an optimizer, by name with its default arguments."""
    if isinstance(optimizer, str):
        return lookup("optimizer", optimizer.lower(), OPTIMIZERS)()
    is_made = not isinstance(optimizer, type)
    if not is_made or not all(callable(getattr(optimizer, n, None)) for n in ("init", "update")):
        raise DataError(
            f"{where}: optimizer must be a name ({', '.join(OPTIMIZERS)}) or an object with init "
            f"and update, received {optimizer!r}"
        )
    return optimizer
