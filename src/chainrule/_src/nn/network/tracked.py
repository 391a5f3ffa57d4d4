"""Metrics in the attributes of a model, which its methods update."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any

import numpy as np

from chainrule._src.base.handles import values_of
from chainrule._src.nn.layers.tracking import Holder, family, parts
from chainrule._src.nn.metrics.base import Metric


def metrics_within(model: Holder) -> list[Metric]:
    """Return the metrics in the attributes of a model and of its layers, each once."""
    values = (value for layer in family(model) for _, value in parts(layer))
    return list({id(value): value for value in values if isinstance(value, Metric)}.values())


class TrackedMetrics:
    """The metrics that a model's own methods update: their states are part of a step's carry.

    Parameters
    ----------
    metrics : sequence of Metric
    reset : callable
        Function that resets the metrics.
    """

    def __init__(self, metrics: Sequence[Metric], reset: Callable[[], Any]) -> None:
        self.metrics = {metric.name: metric for metric in metrics}
        self._reset = reset

    def present(self) -> dict[str, Any]:
        """Return the present states by name."""
        return {name: metric.own_state() for name, metric in self.metrics.items()}

    def reset(self) -> dict[str, Any]:
        """Return the states after a reset; the metrics themselves are unchanged."""
        with self.holding(None):
            self._reset()
            return self.present()

    @contextmanager
    def holding(self, states: Mapping[str, Any] | None) -> Iterator[None]:
        """Context manager: within it the metrics have these states, at the end those of before."""
        with ExitStack() as stack:
            for name, state in {**self.present(), **(states or {})}.items():
                stack.enter_context(self.metrics[name].with_state(state))
            yield

    def zero(self, reset: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, Any]:
        """Return the states before the first batch, of those metrics that a batch changes.

        Sums begin as zeros of the shapes that they have after a batch.
        """
        return {
            name: [
                {key: np.zeros_like(part) for key, part in new.items()}
                if isinstance(new, dict) else old
                for old, new in zip(reset[name], states, strict=True)
            ]
            for name, states in after.items()
            if any(new is not old for old, new in zip(reset[name], states, strict=True))
        }  # fmt: skip

    def results(self, states: Mapping[str, Any]) -> dict[str, Any]:
        """Return the values of metrics by name."""
        with self.holding(states):
            return {name: values_of(self.metrics[name].result()) for name in states}
