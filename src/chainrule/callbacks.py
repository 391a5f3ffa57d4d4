"""What watches a training run, epoch by epoch."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from chainrule.errors import DataError


@dataclass
class History:
    """Scores before training (epoch 0) and after every epoch.

    Attributes
    ----------
    epoch : list of int
    history : dict of str to list of float
        One list a score, aligned with ``epoch``. A score can also be read as an attribute:
        ``history.loss`` is ``history.history["loss"]``.

    Examples
    --------
    >>> history = History()
    >>> history.append(0, {"loss": 2.3})
    >>> history.append(1, {"loss": 0.4})
    >>> history.loss
    [2.3, 0.4]
    """

    epoch: list[int] = field(default_factory=list)
    history: dict[str, list[float]] = field(default_factory=dict)

    def append(self, epoch: int, scores: dict[str, float]) -> None:
        """Add one epoch's scores."""
        self.epoch.append(epoch)
        for name, score in scores.items():
            self.history.setdefault(name, []).append(score)

    def __getattr__(self, name: str) -> list[float]:
        history = self.__dict__.get("history", {})
        if name in history:
            scores: list[float] = history[name]
            return scores
        raise AttributeError(f"the history has no {name!r}; it holds {', '.join(history)}")


class Callback:
    """Called at the start and the end of training and of every epoch; override what you need.

    Attributes
    ----------
    model : object
        What is trained: it has ``params``, ``learning_rate`` (which may be set), ``stop_training``
        (set it to True to end after this epoch) and ``history``.
    """

    model: Any = None

    def set_model(self, model: Any) -> None:
        """Take what is trained."""
        self.model = model

    def on_train_begin(self) -> None:
        """Act before the first epoch."""

    def on_epoch_begin(self, epoch: int) -> None:
        """Act before an epoch, counted from 0."""

    def on_epoch_end(self, epoch: int, logs: dict[str, float]) -> None:
        """Act after an epoch, with its scores."""

    def on_train_end(self) -> None:
        """Act after the last epoch."""


class LambdaCallback(Callback):
    """A plain function of the epoch and its scores; training ends when it returns True."""

    def __init__(self, function: Callable[[int, dict[str, float]], Any]) -> None:
        self.function = function

    def on_epoch_end(self, epoch: int, logs: dict[str, float]) -> None:
        """Call the function."""
        if self.function(epoch, logs) is True:
            self.model.stop_training = True


def as_callback(thing: Any, where: str) -> Callback:
    """Return a callback as it is, a plain function as one."""
    if isinstance(thing, Callback):
        return thing
    if callable(thing) and not isinstance(thing, type):
        return LambdaCallback(thing)
    raise DataError(f"{where}: a callback must be a Callback or a function, received {thing!r}")
