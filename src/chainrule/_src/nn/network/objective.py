"""A network's loss and metrics, as steps that are recorded as programs."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Sequence
from functools import cached_property
from typing import Any

import numpy as np

from chainrule._src.core.recording import sketching, tape
from chainrule._src.core.tensor import Tensor
from chainrule._src.core.transforms import value_and_grad
from chainrule._src.core.trees import map_leaves
from chainrule._src.nn.callbacks import Logs
from chainrule._src.nn.layers.surroundings import CallContext
from chainrule._src.nn.layers.tracking import free_name
from chainrule._src.nn.losses import Loss
from chainrule._src.nn.metrics.base import plain
from chainrule._src.nn.network.network import Network, NetworkOutput, Weights
from chainrule._src.nn.network.outputs import AddedLosses, LossOfOutput, OfOutput, unmasked
from chainrule._src.nn.network.tracked import TrackedMetrics
from chainrule._src.nn.training.trainer import Sums

Step = Callable[..., tuple[Any, Any]]


class Objective:
    """A network's loss and metrics.

    Parameters
    ----------
    network : Network
    loss : Loss
    metrics, weighted_metrics : sequence of Metric, OfOutput or LossOfOutput
        Metrics that ignore, and metrics that use, the sample weights.
    """

    def __init__(
        self,
        network: Network,
        loss: Loss,
        metrics: Sequence[Any],
        weighted_metrics: Sequence[Any] = (),
    ) -> None:
        self.network, self.loss = network, loss
        # Each metric by Keras's name; is it weighted, and of which output?
        self.named: dict[str, tuple[Any, bool, int | None]] = {}
        for each, weighted in (
            *((m, False) for m in metrics),
            *((m, True) for m in weighted_metrics),
        ):
            metric, index, prefix = each if isinstance(each, OfOutput) else (each, None, "")
            is_metric = weighted and not isinstance(metric, LossOfOutput)
            is_taken = is_metric and f"{prefix}{metric.name}" in self.named
            name = f"{prefix}{'weighted_' if is_taken else ''}{metric.name}"
            self.named[free_name(name, self.named)] = metric, weighted, index
        self._tracked = free_name("tracked", self.named)  # the key of their states

    @cached_property
    def tracked(self) -> TrackedMetrics:
        """The metrics that the model's own methods update."""
        tracked: TrackedMetrics = self.network.stack.tracked_metrics()
        return tracked

    def value(
        self, params: Weights, state: Weights, training: bool, X: Any, y: Any, weight: Any = None,
        tracked: Any = None,
    ) -> tuple[Any, tuple[Weights, Any, Any, Any]]:  # fmt: skip
        """Return the loss with penalties, and the new state, predictions and their mask.

        The last part are the new states of tracked metrics, from the states ``tracked``.
        """
        stack = self.network.stack

        def loss_of(output: Any, context: CallContext) -> Any:
            y_pred = stack.flat_outputs(output)
            reductions = getattr(self.loss, "reductions", self.loss.reduction)
            weighting = unmasked(weight, context.notes.mask_of(y_pred), reductions)
            penalty = self.network.penalty(params)
            extra = [*(() if penalty is None else (penalty,)), *context.notes.losses]
            twin: Any = context.outer
            return twin.loss_of(self.loss, X, y, y_pred, weighting, extra, context)

        with self.tracked.holding(tracked):
            result = self.network.apply(params, state, X, training, loss_of)
            updated = self.tracked.present()
        y_pred = stack.flat_outputs(result.output)
        return result.loss, (result.state, y_pred, result.mask, updated)

    def training_step(self, optimizer: Any) -> Step:
        """Return the step of training: maps parameters, states, sums and a batch to new ones."""
        self.network.stack.check_recorded()

        def step(carry: Any, *data: Any) -> tuple[Any, Any]:
            def loss(params: Weights) -> Any:
                return self._value_of_batch(params, carry, True, data)

            result, gradients = value_and_grad(loss, has_aux=True)(carry["params"])
            value, (layers, y_pred, mask, tracked) = result
            params, state = optimizer.update(carry["params"], gradients, carry["state"])
            params = self.network.constrained(params)
            sums = self._updated_sums(carry["metrics"], tracked, y_pred, mask, *data[1:])
            return value, {"params": params, "state": state, "layers": layers, "metrics": sums}

        return step

    def scoring_step(self) -> Step:
        """Return the step of scoring: no update, and layers behave as in prediction."""

        def step(carry: Any, *data: Any) -> tuple[Any, Any]:
            value, (layers, y_pred, mask, tracked) = self._value_of_batch(
                carry["params"], carry, False, data
            )
            sums = self._updated_sums(carry["metrics"], tracked, y_pred, mask, *data[1:])
            return value, {**carry, "layers": layers, "metrics": sums}

        return step

    def _value_of_batch(self, params: Weights, carry: Any, training: bool, data: Any) -> Any:
        X, y, weight = (*data, None)[:3]
        tracked = carry["metrics"].get(self._tracked)
        return self.value(params, carry["layers"], training, X, y, weight, tracked)

    def loss_of_params(self, params: Weights, X: Any, y: Any, weight: Any = None) -> Any:
        """Return the loss in training, with the current values of untrained weights."""
        return self.value(params, self.network.state, True, X, y, weight)[0]

    def plain_loss(self) -> Callable[..., Any]:
        """Return the loss in training as a function of weights, samples, targets and states."""

        def loss(params: Weights, X: Any, y: Any, state: Weights | None = None) -> Any:
            return self.value(params, state or {}, True, X, y)[0]

        return loss

    def states(self) -> tuple[Weights, ...]:
        """Return the state as a tuple of one, or no, argument for `plain_loss`."""
        state = self.network.state
        return (state,) if state else ()

    def _updated_sums(
        self, states: Any, tracked: Any, y_pred: Any, mask: Any, y: Any, weight: Any = None
    ) -> Any:
        """Return the states of all metrics after a batch."""
        sums = {
            name: metric.stateless_update_state(states[name], *data)
            for name, metric, data in self.metric_arguments(y_pred, mask, y, weight)
        }
        return {**sums, self._tracked: tracked} if self._tracked in states else sums

    def metric_arguments(self, y_pred: Any, mask: Any, y: Any, weight: Any) -> Iterator[Any]:
        """Yield the name of each metric, the metric, and the arguments of its update."""
        for name, (metric, weighted, index) in self.named.items():
            reductions = getattr(metric, "reductions", "sum")
            count = unmasked(weight if weighted else None, mask, reductions)
            data: tuple[Any, ...] = (y, y_pred) if count is None else (y, y_pred, count)
            if index is not None:
                every = (part[index] if isinstance(part, list | tuple) else part for part in data)
                data = tuple(part for part in every if part is not None)
            yield name, metric, data

    def sums(self, data: Any, training: bool = True) -> Sums:
        """Return the sums of the metrics, at zero, for such data."""
        rows = self.network.rows
        X, y, *weight = map_leaves(lambda part: np.asarray(part[:rows]), tuple(data))
        output = self._applied(X)
        for layer in output.unmasking:
            warnings.warn(
                f"{layer} does not support masks: the layers after it take all steps", stacklevel=4
            )
        y_pred, mask = map_leaves(
            lambda each: each.value if type(each) is Tensor else each,
            (self.network.stack.flat_outputs(output.output), output.mask),
        )
        of_tracked: dict[str, Any] = {}
        if self.tracked.metrics or isinstance(self.loss, AddedLosses):
            of_tracked = self._zero_of_tracked(training, X, y, *weight)
        updates = self.metric_arguments(y_pred, mask, y, weight[0] if weight else None)
        zero = {name: metric.zero(*example) for name, metric, example in updates}
        return Sums(zero | of_tracked, self.scores)

    def _zero_of_tracked(self, training: bool, *data: Any) -> dict[str, Any]:
        """Return the states, before the first batch, of the metrics that a batch updates."""
        X, y, weight = (*data, None)[:3]
        params, state = self.network.params, self.network.state
        reset = self.tracked.reset()
        with np.errstate(all="ignore"):
            *_, after = self.value(params, state, training, X, y, weight, reset)[1]
        zero = self.tracked.zero(reset, after)
        return {self._tracked: zero} if zero else {}

    def _applied(self, X: Any) -> NetworkOutput:
        """Return an output of the right shapes; its numbers do not matter.

        A recording skips NumPy's matrix products, which take long, and whose threads would still
        occupy a core when the first update begins.
        """
        arguments = {"params": self.network.params, "state": self.network.state, "X": X}

        def apply(params: Weights, state: Weights, X: Any) -> NetworkOutput:
            return self.network.apply(params, state, X, False)

        try:
            with np.errstate(all="ignore"), sketching():
                output: NetworkOutput = tape(apply, arguments, named=False).result
                return output
        except Exception:  # a network that cannot be recorded runs in NumPy
            return apply(**arguments)

    def scores(self, states: Any) -> Logs:
        """Return the metrics' values by name, as plain numbers."""
        return {name: plain(np.asarray(value)) for name, value in self.results(states).items()}

    def results(self, states: Any) -> dict[str, Any]:
        """Return the metrics' values by name; a metric may return several named values."""
        values: dict[str, Any] = self.tracked.results(states.get(self._tracked, {}))
        for name, (metric, *_) in self.named.items():
            value = metric.stateless_result(states[name])
            values |= value if isinstance(value, dict) else {name: value}
        return values
