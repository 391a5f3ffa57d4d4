"""Callbacks that act when a score gets better, or no longer does."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from typing import Any

import numpy as np

from chainrule._src.base.arguments import Count, Flag, Number, Real, Share
from chainrule._src.base.errors import DataError, ReadOnlyError
from chainrule._src.base.showing import snake_case
from chainrule._src.base.validation import lookup
from chainrule._src.nn.callbacks.callback import Callback, Logs, Verbose
from chainrule._src.nn.optimizers import schedule_of

MODES = {"auto": None, "min": np.less, "max": np.greater}
_HIGHER = ("acc", "auc", "precision", "recall", "f1", "fbeta", "r2", "iou", "true", "similarity")
_LOWER = ("loss", "error", "mse", "mae", "mape", "msle", "rmse", "bce", "entropy", "nll", "false",
          "huber", "hinge", "divergence", "poisson", "cosh", "norm")  # fmt: skip


class MonitorCallback(Callback):
    """Base class of callbacks that watch one score.

    Parameters
    ----------
    monitor : str, default "val_loss"
        Name of the score, as in the history.
    mode : {"auto", "min", "max"}
        ``"max"`` if a higher score is better; ``"auto"`` decides by the score's name, or by the
        class of the metric of that name.
    baseline : float, optional
        The first score must be better than this number.
    min_delta : float, default 0
        Smallest difference that counts as an improvement.

    Raises
    ------
    DataError
        If a number is not finite, or neither ``mode`` nor the score's name says if a higher score
        is better.

    Examples
    --------
    >>> callback = MonitorCallback("val_accuracy", min_delta=0.01)
    >>> callback.improves(0.92, 0.90), callback.improves(0.905, 0.90)
    (True, False)
    """

    # Attributes that a checkpoint keeps, with their values before the first epoch.
    changing: Mapping[str, Any] = {"best": None}

    def __init__(
        self,
        monitor: str = "val_loss",
        mode: str = "auto",
        baseline: Real | None = None,
        min_delta: Number = 0.0,
    ) -> None:
        where = type(self).__name__
        if not isinstance(monitor, str):
            raise DataError(f"{where}: monitor must be a score's name, received {monitor!r}")
        if isinstance(mode, str) and mode not in MODES:
            valid = ", ".join(MODES)
            warnings.warn(f"{where} mode {mode!r} is unknown, auto is taken; valid: {valid}",
                          stacklevel=3)  # fmt: skip
            mode = "auto"
        self.monitor, self.mode, self.min_delta, self.best = monitor, mode, min_delta, baseline
        self.monitor_op: Any = lookup("mode", mode, MODES) or better(monitor)

    def set_model(self, model: Any) -> None:
        """Set the model, and find out if a higher score is better."""
        super().set_model(model)
        name = self.monitor.removeprefix("val_")
        for metric in (m for metrics in getattr(model, "compiled_metrics", ()) for m in metrics):
            if self.monitor_op is None and getattr(metric, "name", None) == name:
                self.monitor_op = better(snake_case(type(metric).__name__))
        if self.monitor_op is None and model is not None:
            raise DataError(
                f"{type(self).__name__}: whether a higher {self.monitor!r} is better cannot be "
                "told; give mode='max' or 'min'"
            )

    def get_state(self) -> dict[str, Any]:
        """Return the attributes that change in training."""
        return {name: getattr(self, name) for name in self.changing}

    def _start(self) -> None:
        """Reset the state of an earlier run."""
        vars(self).update(self.changing)

    def score(self, logs: Logs | None) -> float | None:
        """Return the score, or None with a warning if it is missing in ``logs``."""
        score = (logs or {}).get(self.monitor)
        if score is None:
            names = ", ".join(logs or {})
            warnings.warn(
                f"{type(self).__name__}: there is no score {self.monitor!r}; there are {names}",
                stacklevel=2,
            )
        return score

    def improves(self, score: float, reference: float | None) -> bool:
        """Return true if a score is better than a reference score."""
        if reference is None:
            return True
        delta = self.min_delta if self.monitor_op(1, 0) else -self.min_delta
        return bool(self.monitor_op(score - delta, reference))


def better(monitor: str) -> Any:
    """Return `np.less` or `np.greater`, by the score's name; None if the name does not decide."""
    name = monitor.removeprefix("val_").lower()
    if any(part in name for part in _LOWER):
        return np.less
    return np.greater if any(part in name for part in _HIGHER) else None


def check_settable(optimizer: Any, where: str) -> None:
    """Raise an error if the learning rate comes from a schedule."""
    if schedule_of(optimizer) is not None:
        raise ReadOnlyError(f"{where}: the learning rate follows a schedule already")


class EarlyStopping(MonitorCallback):
    """Ends training when a score has not got better for some epochs.

    Parameters
    ----------
    monitor : str, default "val_loss"
        Name of the score, as in the history.
    min_delta : float, default 0
        Smallest difference that counts as an improvement.
    patience : int, default 0
        Number of epochs without an improvement after which training ends.
    verbose : int, default 0
        If 1, a line is printed when training stops.
    mode : {"auto", "min", "max"}
        As for `MonitorCallback`.
    baseline : float, optional
        Only an improvement beyond this score restarts the count of ``patience``.
    restore_best_weights : bool, default False
        If true, the model has the weights of its best epoch after training.
    start_from_epoch : int, default 0
        Number of first epochs that are ignored.

    Attributes
    ----------
    stopped_epoch : int
        The epoch that ended training, counted from 0; 0 if training ran to its end.

    Raises
    ------
    DataError
        If an argument has a wrong value, neither ``mode`` nor the score's name says if a higher
        score is better, or what is trained has no weights to restore.

    Examples
    --------
    With a learning rate of 0 the loss never gets better than after the first epoch:

    >>> import chainrule as cr
    >>> model = cr.Sequential([cr.layers.Dense(1)])
    >>> model.compile(cr.optimizers.SGD(0.0), loss="mse")
    >>> stop = EarlyStopping("loss", patience=2)
    >>> model.fit([[1.0]], [[1.0]], epochs=50, callbacks=[stop], verbose=0).epoch
    [0, 1, 2]
    """

    def __init__(
        self,
        monitor: str = "val_loss",
        min_delta: float = 0.0,
        patience: Count = 0,
        verbose: Verbose = 0,
        mode: str = "auto",
        baseline: Real | None = None,
        restore_best_weights: Flag = False,
        start_from_epoch: Count = 0,
    ) -> None:
        super().__init__(monitor, mode, min_delta=min_delta)
        self.patience, self.start_from_epoch, self.verbose = patience, start_from_epoch, verbose
        self.baseline, self.restore_best_weights = baseline, restore_best_weights
        self._start()

    changing: Mapping[str, Any] = {
        "best": None, "wait": 0, "stopped_epoch": 0, "best_epoch": 0, "best_weights": None,
    }  # fmt: skip

    @property
    def sees_weights(self) -> bool:  # type: ignore[override]
        """True if the best weights are stored."""
        return self.restore_best_weights

    wait: int
    stopped_epoch: int
    best_epoch: int
    best_weights: list[Any] | None

    def on_train_begin(self, logs: Logs | None = None) -> None:
        """Reset the state of an earlier run."""
        if self.restore_best_weights and not hasattr(self.model, "get_weights"):
            raise DataError("EarlyStopping: restore_best_weights needs a model with get_weights")
        self._start()

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        """Compare the score with the best; stop training after ``patience`` epochs."""
        score = self.score(logs)
        if score is None or epoch < self.start_from_epoch:
            return
        better = self.improves(score, self.best)
        if better:
            self.best, self.best_epoch = score, epoch
        if self.restore_best_weights and (better or self.best_weights is None):
            self.best_weights = self.model.get_weights()
        if better and (self.baseline is None or self.improves(score, self.baseline)):
            self.wait = 0
            return
        self.wait += 1
        if not better and self.wait >= self.patience and epoch > 0:
            self.stopped_epoch, self.model.stop_training = epoch, True

    def on_train_end(self, logs: Logs | None = None) -> None:
        """Restore the best weights."""
        if self.stopped_epoch and self.verbose:
            print(f"Epoch {self.stopped_epoch + 1}: {self.monitor} got no better; training ends")
        if self.best_weights is not None:
            self.model.set_weights(self.best_weights)


class BestWeights(MonitorCallback):
    """Restores the weights of the best epoch after training; of equal epochs the last.

    `EarlyStopping` with ``restore_best_weights`` takes the first one, and may end training sooner.

    Parameters
    ----------
    monitor : str, default "val_loss"
        Name of the score, as in the history.
    mode : {"auto", "min", "max"}
        As for `MonitorCallback`.

    Attributes
    ----------
    best : float
        The best score; ``best_epoch`` is its epoch, counted from 0.

    Raises
    ------
    DataError
        If neither ``mode`` nor the score's name says if a higher score is better, or what is
        trained is no model of layers.

    Examples
    --------
    The learning rate is so large that the loss grows, and the first epoch stays the best:

    >>> import chainrule as cr
    >>> model = cr.Sequential([cr.layers.Dense(1)])
    >>> model.compile(cr.optimizers.SGD(0.6), loss="mse")
    >>> best = BestWeights("loss")
    >>> history = model.fit([[1.0]], [[2.0]], epochs=4, callbacks=[best], verbose=0)
    >>> best.best_epoch, best.best == min(history.loss)
    (0, True)
    """

    def __init__(self, monitor: str = "val_loss", mode: str = "auto") -> None:
        super().__init__(monitor, mode)
        self.best_epoch, self.best_weights = 0, None

    changing: Mapping[str, Any] = {"best": None, "best_epoch": 0, "best_weights": None}
    sees_weights = False
    best_weights: dict[str, Any] | None

    def on_train_begin(self, logs: Logs | None = None) -> None:
        """Reset the state of an earlier run."""
        if not hasattr(self.model, "states"):
            raise DataError("BestWeights needs a model of layers")
        self._start()

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        """Store the weights if no earlier score was better."""
        score = self.score(logs)
        if score is not None and (score == self.best or self.improves(score, self.best)):
            self.best, self.best_epoch = score, epoch
            self.best_weights = {**self.model.params, **self.model.states}

    def on_train_end(self, logs: Logs | None = None) -> None:
        """Restore the weights of the best epoch."""
        if self.best_weights is not None:
            self.model.take(self.best_weights)


class ReduceLROnPlateau(MonitorCallback):
    """Lowers the learning rate when a score has not got better for some epochs.

    Parameters
    ----------
    monitor : str, default "val_loss"
        Name of the score, as in the history.
    factor : float, default 0.1
        Number below 1 by which the learning rate is multiplied.
    patience : int, default 10
        Number of epochs without an improvement after which the rate is lowered.
    verbose : int, default 0
        If 1, a line is printed when the rate is lowered.
    mode : {"auto", "min", "max"}
        As for `MonitorCallback`.
    min_delta : float, default 1e-4
        Smallest difference that counts as an improvement.
    cooldown : int, default 0
        Number of epochs after a reduction that are ignored.
    min_lr : float, default 0
        Lower bound of the learning rate.

    Raises
    ------
    DataError
        If an argument has a wrong value, or neither ``mode`` nor the score's name says if a higher
        score is better.
    ReadOnlyError
        If the optimizer has a learning rate schedule already.

    Examples
    --------
    No later loss is lower than the first by 100:

    >>> import chainrule as cr
    >>> model = cr.Sequential([cr.layers.Dense(1)])
    >>> model.compile(cr.optimizers.SGD(0.8), loss="mse")
    >>> reduce = ReduceLROnPlateau("loss", factor=0.5, patience=2, min_delta=100.0)
    >>> history = model.fit([[1.0]], [[2.0]], epochs=6, callbacks=[reduce], verbose=0)
    >>> history.learning_rate
    [0.8, 0.8, 0.8, 0.4, 0.4, 0.2]
    """

    def __init__(
        self,
        monitor: str = "val_loss",
        factor: Share = 0.1,
        patience: Count = 10,
        verbose: Verbose = 0,
        mode: str = "auto",
        min_delta: float = 1e-4,
        cooldown: Count = 0,
        min_lr: Number = 0.0,
    ) -> None:
        super().__init__(monitor, mode, min_delta=min_delta)
        self.factor, self.min_lr, self.verbose = factor, min_lr, verbose
        self.patience, self.cooldown = patience, cooldown
        self.wait = self.cooldown_counter = 0

    changing: Mapping[str, Any] = {"best": None, "wait": 0, "cooldown_counter": 0}

    def on_train_begin(self, logs: Logs | None = None) -> None:
        """Reset the state of an earlier run; raise an error if there is a schedule."""
        check_settable(self.model.optimizer, "ReduceLROnPlateau")
        self._start()

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        """Compare the score with the best; lower the rate after ``patience`` epochs."""
        if logs is not None:
            logs["learning_rate"] = float(self.model.optimizer.learning_rate)
        score = self.score(logs)
        if score is None:
            return
        if self.cooldown_counter:
            self.cooldown_counter -= 1
            self.wait = 0
        if self.improves(score, self.best):
            self.best, self.wait = score, 0
        elif not self.cooldown_counter:
            self.wait += 1
            if self.wait >= self.patience:
                self._lower(epoch)

    def _lower(self, epoch: int) -> None:
        optimizer = self.model.optimizer
        rate = float(optimizer.learning_rate)
        if rate > np.float32(self.min_lr):
            optimizer.learning_rate = max(rate * self.factor, self.min_lr)
            self.cooldown_counter, self.wait = self.cooldown, 0
            if self.verbose:
                print(f"Epoch {epoch + 1}: the learning rate is now {optimizer.learning_rate:g}")
