"""The steps of a batch as methods, which a class of the user may override, in NumPy."""

from __future__ import annotations

from collections.abc import Mapping
from inspect import signature
from typing import Any

import numpy as np

from chainrule._src.base.errors import DataError
from chainrule._src.base.handles import values_of
from chainrule._src.compile.running.engines import NumpyEngine, rows_in
from chainrule._src.core.transforms import value_and_grad
from chainrule._src.nn.callbacks import Logs
from chainrule._src.nn.layers.hooks import check_step
from chainrule._src.nn.layers.surroundings import within
from chainrule._src.nn.metrics.base import plain
from chainrule._src.nn.network.compiled import Compiled
from chainrule._src.nn.network.network import constant
from chainrule._src.nn.network.outputs import AddedLosses, unmasked
from chainrule._src.nn.training.supply import Batches, Samples
from chainrule._src.nn.training.trainer import Run, Sums


class Stepped(Compiled):
    """A compiled model with the steps of a batch; `fit` calls those that a class overrides.

    The others run as recorded programs, with the same numbers.
    """

    _loss_now: Any = None  # while a recorded step computes the loss of a batch

    # The loss

    def compute_loss(
        self, x: Any = None, y: Any = None, y_pred: Any = None, sample_weight: Any = None,
        training: bool = True,
    ) -> Any:  # fmt: skip
        """Return the loss of a batch; a class of your own may compute another, in NumPy."""
        loss, extra = self._loss_now or (self.live_objective.loss, self.losses)
        y_pred = self.flat_outputs(y_pred)
        if self._loss_now is None:
            reductions = getattr(loss, "reductions", loss.reduction)
            sample_weight = unmasked(sample_weight, self._mask, reductions)
        if isinstance(loss, AddedLosses) and not extra:
            raise DataError(
                f"{self}: the model was compiled without a loss, and none of its layers adds one; "
                "write compile(optimizer, loss='mse'), or the name of another loss"
            )
        with within(None):  # the loss may call other models
            value = loss(y, y_pred, sample_weight)
        for more in extra:
            value = value + more
        return value

    def loss_of(
        self, loss: Any, x: Any, y: Any, y_pred: Any, weight: Any, extra: list[Any], context: Any
    ) -> Any:
        """Return the loss that `compute_loss` computes, which may call the model's layers."""
        self._loss_now = loss, extra
        try:
            with within(context):
                return self._loss(context.training, x=x, y=y, y_pred=y_pred, sample_weight=weight)
        finally:
            self._loss_now = None

    def _loss(self, training: bool, **batch: Any) -> Any:
        takes_training = "training" in signature(type(self).compute_loss).parameters
        return self.compute_loss(**batch, **({"training": training} if takes_training else {}))

    @property
    def losses(self) -> list[Any]:
        """Penalties of the weights and losses that layers added, in the present call."""
        return super().losses if self._loss_now is None else self._loss_now[1]

    # Steps

    def train_step(self, data: Any) -> Logs:
        """Make one update with a batch, and return the scores of the epoch so far.

        A class of your own may override the method: `fit` then calls it for every batch, with the
        arrays of the batch, and reports what it returns. See the guide to Keras.

        Parameters
        ----------
        data : tuple of ndarray
            ``(x, y)`` or ``(x, y, sample_weight)``; x alone if `fit` was called without y.

        Returns
        -------
        dict of str to float
        """
        variables = self.trainable_variables
        step = value_and_grad(lambda _: self._loss_of_batch(data, True), has_aux=True)
        (loss, batch), gradients = step(variables)
        self.optimizer.apply(gradients, variables)
        return self._scores_of_batch(loss, batch)

    def test_step(self, data: Any) -> Logs:
        """Return the scores so far, with a batch; `evaluate` calls the method of a class."""
        return self._scores_of_batch(*self._loss_of_batch(data, False))

    def _loss_of_batch(self, data: Any, training: bool) -> tuple[Any, Any]:
        """Return the loss, and samples, targets, outputs and weights."""
        x, y, weight = (*data, None)[:3] if isinstance(data, tuple) else (data, None, None)
        y_pred = self(x, training=training)
        return self._loss(training, x=x, y=y, y_pred=y_pred, sample_weight=weight), (
            x, y, y_pred, weight,
        )  # fmt: skip

    def _scores_of_batch(self, loss: Any, batch: Any) -> Logs:
        self._loss_tracker.update_state(loss, sample_weight=rows_in(batch))
        return self.compute_metrics(*batch)

    def compute_metrics(self, x: Any, y: Any, y_pred: Any, sample_weight: Any = None) -> Logs:
        """Update the metrics of `compile` with a batch, and return the values of all metrics."""
        y_pred, objective = self.flat_outputs(y_pred), self.live_objective
        for _, metric, data in objective.metric_arguments(y_pred, self._mask, y, sample_weight):
            metric.update_state(*data)
        return self.get_metrics_result()

    def get_metrics_result(self) -> Logs:
        """Return the values of all metrics by name."""
        return _flat({name: metric.result() for name, metric in self.live_metrics()})


def run_of_steps(model: Any, supply: Samples | Batches, training: bool) -> Run:
    """Return a run of `Stepped.train_step` or `test_step` of a class that overrides the method.

    The carry is the model itself: its weights, and the state of its optimizer.
    """
    name = "train_step" if training else "test_step"
    check_step(type(model), name)
    step = getattr(model, name)
    network, applied = model.network, getattr(model.optimizer, "applied", {})

    def update(carry: Any, *batch: Any) -> tuple[Any, Any]:
        network.take({**carry["params"], **carry["layers"]})
        applied.update(carry["state"])
        n_before = carry["metrics"]["batches"]
        if not n_before:
            model.reset_metrics()
        scores = step(batch if len(batch) > 1 else batch[0])
        if not isinstance(scores, Mapping):
            raise DataError(
                f"{model}: a step must return a dict of scores by name, such as "
                f"self.compute_metrics(x, y, y_pred), received {scores!r}"
            )
        logs = _flat(scores)
        model.forget_tensors()
        loss = logs.get("loss", 0.0) if training else 0.0  # scores may be NaN
        return loss, {
            "params": network.params, "layers": network.state, "state": dict(applied),
            "metrics": {"batches": n_before + 1, "scores": logs},
        }  # fmt: skip

    state = model.optimizer_state or {}
    carry = {"params": network.params, "layers": network.state, "state": state}
    sums = Sums({"batches": 0, "scores": {}}, lambda state: _flat(state["scores"]))
    engine = NumpyEngine(update, {**carry, "metrics": sums.zero}, supply.first, model.dtype)
    return StepRun(engine, supply, sums)


class StepRun(Run):
    """A run whose scores are those that its step returned last, without any other loss."""

    def logs(self, outcome: Any, epoch: int = 0) -> Logs:
        """Return the scores after the last batch."""
        return self._scores()


def _flat(scores: Mapping[str, Any]) -> Logs:
    """Return scores as plain numbers, without nested dicts."""
    flat: Logs = {}
    for name, value in scores.items():
        if isinstance(value, Mapping):
            flat |= _flat(value)
        else:
            flat[str(name)] = plain(np.asarray(constant(values_of(value))))
    return flat
