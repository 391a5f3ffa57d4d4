"""Callbacks that steer a run: its learning rate, its end."""

from __future__ import annotations

import inspect
from collections.abc import Callable

import numpy as np

from chainrule._src.base.arguments import Flag
from chainrule._src.base.errors import DivergenceError
from chainrule._src.base.validation import check_number
from chainrule._src.nn.callbacks.callback import Callback, Logs, Verbose, check_function
from chainrule._src.nn.callbacks.monitor import check_settable


class LearningRateScheduler(Callback):
    """Sets the learning rate before every epoch, and adds it to the scores as ``learning_rate``.

    Parameters
    ----------
    schedule : callable
        Called with the epoch, counted from 0, and the present rate; returns the new rate.
    verbose : int, default 0
        If 1, a line with the rate is printed before every epoch.

    Raises
    ------
    DataError
        If ``schedule`` cannot be called with one or two arguments, or returns no number of at
        least 0.
    ReadOnlyError
        If the optimizer has a learning rate schedule already.

    Examples
    --------
    >>> import chainrule as cr
    >>> model = cr.Sequential([cr.layers.Dense(1)])
    >>> model.compile(cr.optimizers.SGD(0.4), loss="mse")
    >>> halve = LearningRateScheduler(lambda epoch, rate: rate / 2)
    >>> history = model.fit([[1.0]], [[1.0]], epochs=3, callbacks=[halve], verbose=0)
    >>> history.learning_rate
    [0.2, 0.1, 0.05]
    """

    def __init__(self, schedule: Callable[..., float], verbose: Verbose = 0) -> None:
        self._takes_epoch_only = callable(schedule) and _arguments(schedule) == 1
        check_function(
            schedule, 1 if self._takes_epoch_only else 2, "schedule", "LearningRateScheduler"
        )
        self.schedule, self.verbose = schedule, verbose

    def on_train_begin(self, logs: Logs | None = None) -> None:
        """Raise an error if the optimizer has a learning rate schedule already."""
        check_settable(self.model.optimizer, "LearningRateScheduler")

    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None:
        """Set the learning rate of this epoch."""
        optimizer = self.model.optimizer
        arguments = (epoch,) if self._takes_epoch_only else (epoch, float(optimizer.learning_rate))
        rate = self.schedule(*arguments)
        rate = rate.item() if np.ndim(rate) == 0 and hasattr(rate, "item") else rate
        optimizer.learning_rate = check_number(rate, "the schedule's rate", "LearningRateScheduler")
        if self.verbose:
            print(f"Epoch {epoch + 1}: the learning rate is now {optimizer.learning_rate:g}")

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        """Add the learning rate to the scores."""
        if logs is not None:
            logs["learning_rate"] = float(self.model.optimizer.learning_rate)


class TerminateOnNaN(Callback):
    """Ends training without an error if the loss turns NaN or infinite; the last good weights stay.

    Parameters
    ----------
    raise_error : bool, default False
        If true, a `DivergenceError` is raised, as without this callback.

    Raises
    ------
    DataError
        If ``raise_error`` is no bool.

    Examples
    --------
    >>> import chainrule as cr
    >>> model = cr.Sequential([cr.layers.Dense(1)])
    >>> model.compile(cr.optimizers.SGD(1e30), loss="mse")
    >>> history = model.fit(
    ...     [[1.0]], [[2.0]], epochs=9, callbacks=[TerminateOnNaN()], verbose=0
    ... )  # doctest: +ELLIPSIS
    Training ends: ...
    """

    def __init__(self, raise_error: Flag = False) -> None:
        self.raise_error = raise_error

    def on_divergence(self, error: DivergenceError) -> bool:
        """Print the error, and let training end without an exception."""
        if not self.raise_error:
            print(f"Training ends: {error}")
        return not self.raise_error


def _arguments(function: Callable[..., float]) -> int:
    """Return the number of positional arguments of a function, 2 if it has no signature."""
    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):
        return 2
    kinds = [p for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    return len(kinds)
