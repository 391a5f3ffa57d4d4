"""What a network is trained for: its loss and metrics, as steps that are recorded as programs."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from chainrule._src.core.recording import sketching, tape
from chainrule._src.core.tensor import Tensor
from chainrule._src.core.transforms import value_and_grad
from chainrule._src.nn.callbacks import Logs
from chainrule._src.nn.layers.tracking import free_name
from chainrule._src.nn.losses import Loss
from chainrule._src.nn.losses.base import weight_of
from chainrule._src.nn.metrics import Metric
from chainrule._src.nn.metrics.base import plain
from chainrule._src.nn.network.network import Applied, Network, Weights
from chainrule._src.nn.training.trainer import Sums

Step = Callable[..., tuple[Any, Any]]


class Objective:
    """A network's loss and metrics.

    Parameters
    ----------
    network : Network
    loss : Loss
    metrics, weighted_metrics : sequence of Metric
        Without and with the samples' weights.
    """

    def __init__(
        self,
        network: Network,
        loss: Loss,
        metrics: Sequence[Metric],
        weighted_metrics: Sequence[Metric] = (),
    ) -> None:
        self.network, self.loss = network, loss
        self.named: dict[str, tuple[Metric, bool]] = {}  # with names as Keras gives them
        for metric in metrics:
            self.named[free_name(metric.name, self.named)] = metric, False
        for metric in weighted_metrics:
            name = f"weighted_{metric.name}" if metric.name in self.named else metric.name
            self.named[free_name(name, self.named)] = metric, True

    def value(
        self, params: Weights, state: Weights, training: bool, X: Any, y: Any, weight: Any = None
    ) -> tuple[Any, tuple[Weights, Any, Any]]:
        """Return the loss, penalties included, and new state, predictions and their mask."""
        found = self.network.apply(params, state, X, training)
        if found.mask is not None:
            weight = weight_of(found.mask, weight, self.loss.reduction)
        value = self.loss(y, found.output, weight)
        penalty = self.network.penalty(params)
        for more in (*(() if penalty is None else (penalty,)), *found.losses):
            value = value + more
        return value, (found.state, found.output, found.mask)

    def training_step(self, optimizer: Any) -> Step:
        """Return an update: new parameters, states and sums from old ones and a batch."""

        def step(carry: Any, *data: Any) -> tuple[Any, Any]:
            def loss(params: Weights) -> Any:
                return self.value(params, carry["layers"], True, *data)

            found, gradients = value_and_grad(loss, has_aux=True)(carry["params"])
            value, (layers, y_pred, mask) = found
            params, state = optimizer.update(carry["params"], gradients, carry["state"])
            params = self.network.constrained(params)
            sums = self._added(carry["metrics"], y_pred, mask, *data[1:])
            return value, {"params": params, "state": state, "layers": layers, "metrics": sums}

        return step

    def scoring_step(self) -> Step:
        """Return the same without an update, as a network is used after training."""

        def step(carry: Any, *data: Any) -> tuple[Any, Any]:
            value, (layers, *found) = self.value(carry["params"], carry["layers"], False, *data)
            sums = self._added(carry["metrics"], *found, *data[1:])
            return value, {**carry, "layers": layers, "metrics": sums}

        return step

    def loss_of_params(self, params: Weights, X: Any, y: Any, weight: Any = None) -> Any:
        """Return the loss in training, with the weights that are not trained as they are now."""
        return self.value(params, self.network.state, True, X, y, weight)[0]

    def plain_loss(self) -> Callable[..., Any]:
        """Return the loss in training as a function of weights, samples, targets and states."""

        def loss(params: Weights, X: Any, y: Any, state: Weights | None = None) -> Any:
            return self.value(params, state or {}, True, X, y)[0]

        return loss

    def states(self) -> tuple[Weights, ...]:
        """Return the last argument of `plain_loss`, where there is one."""
        state = self.network.state
        return (state,) if state else ()

    def _added(self, held: Any, y_pred: Any, mask: Any, y: Any, weight: Any = None) -> Any:
        """Return what the metrics hold after a batch."""
        return {
            name: metric.stateless_update_state(held[name], *data)
            for name, metric, data in self._given(y_pred, mask, y, weight)
        }

    def _given(self, y_pred: Any, mask: Any, y: Any, weight: Any) -> Iterator[Any]:
        """Yield each metric with its name and what it measures."""
        for name, (metric, weighted) in self.named.items():
            count = weight if weighted else None
            count = count if mask is None else weight_of(mask, count, "sum")
            yield name, metric, (y, y_pred) if count is None else (y, y_pred, count)

    def sums(self, data: Any) -> Sums:
        """Return what a run over such data adds up."""
        X, y, *weight = (np.asarray(part[: self.network.rows]) for part in data)
        found = self._applied(X)
        for layer in found.unmasking:
            warnings.warn(
                f"{layer} does not support masks: the layers after it take all steps", stacklevel=4
            )
        y_pred, mask = (each.value if type(each) is Tensor else each for each in found[:3:2])
        given = self._given(y_pred, mask, y, weight[0] if weight else None)
        return Sums({name: metric.zero(*example) for name, metric, example in given}, self.scores)

    def _applied(self, X: Any) -> Applied:
        """Return what the network gives, with numbers that do not matter where it can be recorded.

        Products of NumPy's would take long, and its library's threads go on to wait for more: they
        would have a core where an update begins.
        """
        given = {"params": self.network.params, "state": self.network.state, "X": X}

        def apply(params: Weights, state: Weights, X: Any) -> Applied:
            return self.network.apply(params, state, X, False)

        try:
            with np.errstate(all="ignore"), sketching():
                found: Applied = tape(apply, given, named=False).result
                return found
        except Exception:  # what cannot be recorded runs in NumPy
            return apply(**given)

    def scores(self, held: Any) -> Logs:
        """Return the metrics' values; one that gives several by name brings its names."""
        found: dict[str, Any] = {}
        for name, (metric, _) in self.named.items():
            value = metric.stateless_result(held[name])
            found |= value if isinstance(value, dict) else {name: value}
        return {name: plain(np.asarray(value)) for name, value in found.items()}
