"""A context manager that restores a model after an error or an interruption."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from chainrule._src.base.interrupts import deferred
from chainrule._src.nn.layers.tracking import family

CHANGING = ("rng", "history", "stop_training", "optimizer_state", "training_data")


@contextmanager
def unchanged_on_error(model: Any, counts: Callable[[], bool] = lambda: True) -> Iterator[None]:
    """Restore a model, with weights and random generator, if the body raises an error.

    ``counts`` is called after the error; if it returns false, nothing is restored.
    """
    before = {name: vars(model)[name] for name in CHANGING if name in vars(model)}
    random = model.rng.bit_generator.state
    optimizer = getattr(getattr(model, "optimizer", None), "__dict__", {})
    rate = optimizer.get("learning_rate")  # a number or a schedule
    fresh = [each for layer in model.layers for each in family(layer) if not each.built]
    weights = model.network.weights if model.built else {}
    try:
        yield
    except BaseException:
        if not counts():
            raise
        with deferred():
            vars(model).update(before)
            model.rng.bit_generator.state = random
            if rate is not None:
                optimizer["learning_rate"] = rate
            for layer in fresh:
                layer.built = False
            if weights:
                model.network.take(weights)
        raise
