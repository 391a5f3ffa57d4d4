"""Layers one after the other, as a pure function of their weights."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from chainrule.errors import DataError
from chainrule.layers import Layer

Weights = dict[str, Any]


class Network:
    """Built layers, and where their weights are.

    Weights go by names such as ``dense_kernel``: the layer's and the attribute's.

    Parameters
    ----------
    layers : sequence of Layer

    Attributes
    ----------
    places : dict of str to (Layer, str)
        The layer and the attribute of every weight.
    """

    def __init__(self, layers: Sequence[Layer]) -> None:
        self.layers = list(layers)
        self.places: dict[str, tuple[Layer, str]] = {}
        for layer in self.layers:
            for attribute in layer.weights:
                name = f"{layer.name}_{attribute}"
                if name in self.places:
                    raise DataError(f"{layer}: two weights are called {name}; rename a layer")
                self.places[name] = (layer, attribute)

    @property
    def params(self) -> Weights:
        """The weights that are trained."""
        return self._weights(True)

    @property
    def state(self) -> Weights:
        """The others: moving averages, what dropout draws from, frozen weights."""
        return self._weights(False)

    @property
    def weights(self) -> Weights:
        """All weights."""
        return {**self.params, **self.state}

    def _weights(self, trained: bool) -> Weights:
        return {
            name: getattr(layer, attribute)
            for name, (layer, attribute) in self.places.items()
            if layer.is_trained(attribute) is trained
        }

    def take(self, weights: Mapping[str, Any]) -> None:
        """Give the layers these weights."""
        for name, value in weights.items():
            layer, attribute = self.places[name]
            setattr(layer, attribute, value)

    def apply(self, params: Weights, state: Weights, X: Any, training: bool) -> tuple[Any, Weights]:
        """Return the output and the new state."""
        weights, new = {**params, **state}, dict(state)
        floats = next((w.dtype for w in weights.values() if w.dtype.kind == "f"), None)
        y = X if self.layers[0].integers or floats in (None, X.dtype) else X.astype(floats)
        for layer in self.layers:
            mine = [(name, at) for name, (owner, at) in self.places.items() if owner is layer]
            twin = layer.bound({attribute: weights[name] for name, attribute in mine})
            y = twin.run(y, training)
            for name, attribute in mine:
                if name in state:
                    new[name] = _as_before(getattr(twin, attribute), state[name])
        return y, new

    def penalty(self, params: Weights) -> Any:
        """Return what the size of the weights adds to the loss; None if nothing."""
        costs = [
            layer.regularizer_of(attribute)(params[name])
            for name, (layer, attribute) in self.places.items()
            if name in params and layer.regularizer_of(attribute) is not None
        ]
        return sum(costs[1:], costs[0]) if costs else None


def _as_before(value: Any, old: Any) -> Any:
    """Return a new state in the dtype of the old one."""
    value = value if hasattr(value, "dtype") else np.asarray(value)
    return value if value.dtype == old.dtype else value.astype(old.dtype)
