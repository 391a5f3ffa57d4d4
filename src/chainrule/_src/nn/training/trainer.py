"""Runs of training: epochs of updates, callbacks, and validation."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from chainrule._src.base.errors import DivergenceError, FileError, InterruptedWarning, TraceError
from chainrule._src.base.interrupts import deferred, immediate
from chainrule._src.base.registered import full_name
from chainrule._src.compile.running.engines import Engine, Outcome, rows_of
from chainrule._src.core.transforms import value_and_grad
from chainrule._src.core.trees import leaves, path_text
from chainrule._src.nn.callbacks import (
    QUIET,
    Callback,
    Logs,
    by_name,
    introduce,
    listens,
    runs_code_of_the_user,
    tell,
)
from chainrule._src.nn.callbacks.callback import BATCH_EVENTS
from chainrule._src.nn.optimizers import schedule_of
from chainrule._src.nn.training.supply import Batches, Samples


@dataclass
class Sums:
    """The sums of metrics that a step adds up, in the part ``metrics`` of its carry.

    Attributes
    ----------
    zero : tree of ndarray
        The sums at the start of an epoch.
    scores : callable
        Function of the sums that returns scores by name.
    """

    zero: Any = field(default_factory=dict)
    scores: Callable[[Any], Logs] = lambda sums: {}


@dataclass
class Run:
    """A step that runs over samples.

    Attributes
    ----------
    engine : Engine
    supply : Samples or Batches
    sums : Sums
    """

    engine: Engine
    supply: Samples | Batches
    sums: Sums = field(default_factory=Sums)

    def epochs(self, outcome: Outcome) -> None:
        """Run as many epochs as ``outcome.totals`` has entries."""
        if self.sums.zero:
            self.engine.write("metrics", self.sums.zero)
        self.supply.run(self.engine, outcome)

    def score(
        self,
        parts: Mapping[str, Any],
        callbacks: Sequence[Callback] = (),
        stops: Callable[[], bool] = lambda: False,
    ) -> Logs:
        """Return loss and scores of one pass, after writing ``parts`` into the carry.

        The pass ends after a batch for which ``stops`` returns true.
        """
        for key, part in parts.items():
            self.engine.write(key, part)
        each = listens(callbacks, "on_test_batch_begin", "on_test_batch_end")

        def watch(outcome: Outcome) -> None:
            tell(callbacks, "on_test_batch_end", outcome.updates - 1, by_name(self.logs(outcome)))
            if stops():
                raise _StopError
            if outcome.updates < self.supply.updates:
                tell(callbacks, "on_test_batch_begin", outcome.updates, {})

        outcome = Outcome(np.zeros(1), watch=watch if each else None, each=each)
        tell(callbacks, "on_test_begin", {})
        if each:
            tell(callbacks, "on_test_batch_begin", 0, {})
        with deferred(), self.engine.running(), suppress(_StopError):
            self.epochs(outcome)
        logs = self.logs(outcome)
        if outcome.fails:  # scores of an incomplete pass mean nothing
            logs = dict.fromkeys(logs, np.nan)
        tell(callbacks, "on_test_end", by_name(logs))
        return logs

    def logs(self, outcome: Outcome, epoch: int = 0) -> Logs:
        """Return the mean loss and the scores of an epoch, which may be incomplete."""
        samples = self.supply.seen(outcome.updates - epoch * self.supply.updates)
        return {"loss": float(outcome.totals[epoch]) / max(samples, 1), **self._scores()}

    def _scores(self) -> Logs:
        return self.sums.scores(self.engine.read("metrics")) if self.sums.zero else {}


class _StopError(Exception):
    """Raised when a callback ends training or scoring in the middle of an epoch."""


class Trainer:
    """Trains epoch by epoch, calls callbacks, and writes the history.

    Parameters
    ----------
    run : Run
        Run whose carry holds ``params`` and the optimizer's ``state``.
    model : object
        The callbacks' ``model``: it has ``optimizer``, ``history`` and ``stop_training``, and
        ``trained(engine)``, which copies the trained weights from the engine.
    loss : callable or None
        ``loss(params, *data)``, for the error message if the run diverges.
    where : str
        Name of the run in error messages.
    callbacks : sequence of Callback
    validation : Run or None
        Run that scores the validation data.
    parts : sequence of str
        Parts of the carry that are copied into the run of the validation.
    due : callable
        Function of the epoch, counted from 0, that returns true if a validation follows it.
    """

    def __init__(
        self,
        run: Run,
        model: Any,
        loss: Callable[..., Any] | None,
        where: str,
        callbacks: Sequence[Callback] = (),
        validation: Run | None = None,
        parts: Sequence[str] = ("params",),
        due: Callable[[int], bool] = lambda epoch: True,
    ) -> None:
        self.run, self.model, self.loss, self.where = run, model, loss, where
        self.callbacks, self.validation, self.parts, self.due = callbacks, validation, parts, due
        self.epoch = self._first = self._last = 0
        self._logs = Logs()
        self.ended_well = self._interrupted = False
        self._watched = bool(callbacks) or validation is not None or bool(run.sums.zero)
        self._each = listens(callbacks, *BATCH_EVENTS)
        self._is_quiet = all(type(callback) in QUIET for callback in callbacks)
        self._sees_weights = any(callback.sees_weights for callback in callbacks)
        self._rate = run.engine.read("state", "learning_rate")

    def train(
        self,
        epochs: int,
        first: int = 0,
        states: Sequence[dict[str, Any]] | None = None,
        verbose: int | str = 0,
    ) -> None:
        """Train from the epoch ``first``, counted from 0, up to ``epochs``.

        ``states`` are the callbacks' states of a run that is resumed. Ctrl-C ends
        training between two updates, or within a callback.
        """
        about = {"verbose": verbose, "epochs": epochs, "steps": self.run.supply.updates,
                 "samples": self.run.supply.samples, "engine": self.run.engine.name}  # fmt: skip
        introduce(self.callbacks, self.model, about)
        self.model.history.set_params(about)
        with deferred(late=self.interrupted):
            self._train(epochs, first, states)

    def _train(self, epochs: int, first: int, states: Sequence[dict[str, Any]] | None) -> None:
        self.epoch = self._first = first
        self._last = epochs
        begun: list[Callback] = []
        try:
            for callback in self.callbacks:
                with immediate():
                    callback.on_train_begin({})
                begun.append(callback)
            self._go_on(states or ())
            with self.run.engine.running():
                while self.epoch < epochs and not self.model.stop_training:
                    try:
                        self._epochs(1 if self._watched else epochs - self.epoch)
                    except KeyboardInterrupt:  # in a callback or a validation
                        self.interrupted()
            self._take_averages()
            self.ended_well = not self._interrupted
        finally:
            self.model.trained(self.run.engine)
            for callback in begun:
                try:
                    tell([callback], "on_train_end", self._logs)
                except KeyboardInterrupt:  # the others may have files to close
                    self.interrupted()

    def states(self) -> list[dict[str, Any]]:
        """Return the callbacks' states for a checkpoint, each with the name of its class."""
        return [{"class_name": full_name(type(c)), **c.get_state()} for c in self.callbacks]

    def _go_on(self, states: Sequence[Mapping[str, Any]]) -> None:
        """Restore the callbacks' states; callbacks without a saved state are skipped."""
        remaining = [dict(state) for state in states]
        for callback in self.callbacks:
            kinds = [state.get("class_name") for state in remaining]
            kind = full_name(type(callback))
            if kind not in kinds:
                continue
            try:
                callback.set_state(remaining.pop(kinds.index(kind)))
            except (LookupError, TypeError, ValueError, AttributeError) as error:
                raise FileError(
                    f"{self.where}: the checkpoint does not hold the state of {kind}: {error}"
                ) from error

    def _take_averages(self) -> None:
        """Replace the weights by their running averages if the optimizer has ``use_ema``."""
        engine, optimizer = self.run.engine, self.model.optimizer
        if getattr(optimizer, "use_ema", False) and not getattr(self.model, "updates_alone", False):
            params = engine.read("params"), engine.read("state")
            engine.write("params", optimizer.finalize_variable_values(*params))

    def _epochs(self, count: int) -> None:
        """Train one epoch, or up to ``count`` epochs in one call of the engine."""
        supply = self.run.supply
        tell(self.callbacks, "on_epoch_begin", self.epoch, {})
        if self._each:
            self._tell_batch("on_train_batch_begin", 0, {})
        self._renew_rate()
        outcome = Outcome(
            np.zeros(supply.together(count)), watch=self._watch(), each=self._each,
            alone=self._is_quiet,
        )  # fmt: skip
        interrupted = False
        try:
            self.run.epochs(outcome)
        except KeyboardInterrupt:
            interrupted = True
        except _StopError:  # a callback ends training and the epoch
            pass
        finished = len(outcome.totals)
        if outcome.fails or interrupted:
            finished = supply.finished(outcome.updates)
        logs = self._scored(outcome, finished)
        if outcome.fails:
            error = self._diverged(outcome.updates)
            heard = [callback.on_divergence(error) for callback in self.callbacks]
            if not any(heard):
                raise error
            self.model.stop_training, finished = True, 1
            outcome.totals[:] = np.nan
            logs = self._scored(outcome, finished)
        if self._watched and finished:
            if self._sees_weights:
                self.model.trained(self.run.engine)
            tell(self.callbacks, "on_epoch_end", self.epoch, logs)
            self._renew_rate()
            self._finish(logs)
            if listens(self.callbacks, "on_epoch_kept"):
                self.model.trained(self.run.engine)  # again: callbacks may have changed the weights
                tell(self.callbacks, "on_epoch_kept", self.epoch - 1, logs)
        if finished and not interrupted:
            self._check_recording()
        if interrupted:  # not earlier: a checkpoint must not save that training ended
            self.interrupted()

    def _check_recording(self) -> None:
        """Raise an error if a value that the loss reads has changed since the recording.

        A new recording takes milliseconds: it is made after 1, 2, 4, 8, … epochs and at the end.
        """
        n_done = self.epoch - self._first
        is_due = n_done & (n_done - 1) == 0 or self.epoch == self._last or self.model.stop_training
        may_change = any(map(runs_code_of_the_user, self.callbacks))
        if not is_due or not (may_change or isinstance(self.run.supply, Batches)):
            return
        if not self.run.engine.is_as_recorded(self.run.supply.batch_size):
            raise TraceError(
                f"{self.where}: by epoch {self.epoch} the loss does something else than when it "
                "was recorded, before the first epoch: a callback or the source of batches has "
                "changed a global or an attribute that the loss reads. Keep such a number among "
                f"the data or the parameters, or call {self.where} again for every value of it"
            )

    def _scored(self, outcome: Outcome, finished: int) -> Logs:
        """Return the last epoch's scores, with a validation; without callbacks, record all."""
        logs: Logs = {}
        if not self._watched and finished and not outcome.fails:
            means = outcome.totals[:finished] / max(self.run.supply.samples, 1)
            self.model.history.extend(self.epoch, {"loss": means.tolist()})
            self.epoch, self._logs = self.epoch + finished, {"loss": float(means[-1])}
            return self._logs
        for epoch in range(finished):
            logs = self.run.logs(outcome, epoch)
            if self.validation is not None and self.due(self.epoch):
                parts = {part: self.run.engine.read(part) for part in self.parts}
                scores = self.validation.score(parts, self.callbacks)
                logs |= {f"val_{name}": score for name, score in scores.items()}
            logs = by_name(logs)
            if not self._watched:
                self._finish(logs)
        return logs

    def interrupted(self) -> None:
        """End training with a warning; the weights trained so far stay."""
        self.model.stop_training = self._interrupted = True
        self.ended_well = False
        message = f"training was interrupted in epoch {self.epoch + 1}"
        warnings.warn(message, InterruptedWarning, stacklevel=4)

    def _finish(self, logs: Logs) -> None:
        """Add the scores to the history, unless the history is one of the callbacks."""
        history = self.model.history
        if not any(callback is history for callback in self.callbacks):
            history.append(self.epoch, logs)
        self.epoch, self._logs = self.epoch + 1, logs

    def _watch(self) -> Callable[[Outcome], None] | None:
        """Return the function that the engine calls within an epoch, or None."""
        if not self._each and not listens(self.callbacks, "on_progress"):
            return None

        def watch(outcome: Outcome) -> None:
            logs = by_name(self.run.logs(outcome))
            tell(self.callbacks, "on_progress", outcome.updates, logs)
            if self._each:
                self._tell_batch("on_train_batch_end", outcome.updates - 1, logs)
                if self.model.stop_training:
                    raise _StopError
                if outcome.updates < self.run.supply.updates:
                    self._tell_batch("on_train_batch_begin", outcome.updates, {})
            self._renew_rate()

        return watch

    def _tell_batch(self, event: str, batch: int, logs: Logs) -> None:
        """Call an event of a batch, after the model has the current weights."""
        self.model.trained(self.run.engine)
        tell(self.callbacks, event, batch, logs)

    def _renew_rate(self) -> None:
        """Write the optimizer's learning rate into the state if it was set meanwhile."""
        if self._rate is None or schedule_of(self.model.optimizer) is not None:
            return
        rate = np.float64(getattr(self.model.optimizer, "learning_rate", self._rate))
        if rate != self._rate:
            state = self.run.engine.read("state")
            self.run.engine.write("state", {**state, "learning_rate": rate})
            self._rate = rate

    def _diverged(self, updates: int) -> DivergenceError:
        """Return the error for a run whose loss diverged in an update."""
        engine, supply = self.run.engine, self.run.supply
        self.model.trained(engine)
        params, gradient = engine.read("params"), ""
        if self.loss is not None:
            batch = rows_of(supply.batch(updates), slice(None), None)
            with np.errstate(all="ignore"):
                sizes = {
                    path_text(("params", *path)): float(np.max(np.abs(leaf), initial=0))
                    for path, leaf in leaves(value_and_grad(self.loss)(params, *batch)[1])
                }
            largest = max(sizes, key=lambda path: np.nan_to_num(sizes[path], nan=np.inf))
            gradient = f"; the largest gradient before it was {sizes[largest]:.3g}, in {largest}"
        rate = rate_of(self.model.optimizer, engine.read("state"))
        return DivergenceError(
            f"{self.where}: the loss became NaN or infinite in epoch {self.epoch + 1}, batch "
            f"{updates % supply.updates + 1}, at learning rate {rate:g}{gradient}. Try a smaller "
            "learning rate or clipnorm; the last good parameters are this exception's .params",
            params,
            self.model.history,
        )


def rate_of(optimizer: Any, state: Mapping[str, Any]) -> float:
    """Return the learning rate of the next update."""
    if "learning_rate" in state:
        return float(state["learning_rate"])
    schedule = schedule_of(optimizer)
    return float(optimizer.learning_rate if schedule is None else schedule(state["iteration"]))
