"""Layers one after the other, as a pure function of their weights."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from chainrule.errors import DataError
from chainrule.layers import Layer
from chainrule.layers.tracking import Held, held

Weights = dict[str, Any]


class Network:
    """Built layers, and where their weights are.

    Weights go by names such as ``dense_kernel``: the layer's and the attribute's.

    Parameters
    ----------
    layers : sequence of Layer
    trainable : bool, default True
        False leaves all weights as they are.

    Attributes
    ----------
    places : dict of str to Held
        Where every weight is.
    """

    def __init__(self, layers: Sequence[Layer], trainable: bool = True) -> None:
        self.layers, self.trainable = list(layers), trainable
        self.places: dict[str, Held] = {}
        self._names: list[dict[str, str]] = []  # for each layer: what the model calls its weights
        for layer in self.layers:
            found = held(layer)
            self._names.append({f"{layer.name}_{name}": name for name in found})
            for name, place in found.items():
                whole = f"{layer.name}_{name}"
                if whole in self.places:
                    raise DataError(f"{layer}: two weights are called {whole}; rename a layer")
                self.places[whole] = place

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
            name: place.read()
            for name, place in self.places.items()
            if (self.trainable and place.is_trained) is trained
        }

    def take(self, weights: Mapping[str, Any]) -> None:
        """Give the layers these weights."""
        for name, value in weights.items():
            self.places[name].write(value)

    def apply(self, params: Weights, state: Weights, X: Any, training: bool) -> tuple[Any, Weights]:
        """Return the output and the new state."""
        weights, new = {**params, **state}, dict(state)
        floats = next((w.dtype for w in weights.values() if w.dtype.kind == "f"), X.dtype)
        y = X if self.layers[0].integers or floats == X.dtype else X.astype(floats)
        for layer, names in zip(self.layers, self._names, strict=True):
            twin = layer.bound({name: weights[whole] for whole, name in names.items()})
            y = twin.run(y, training)
            after = twin.weights
            for whole, name in names.items():
                if whole in state:
                    new[whole] = _as_before(after[name], state[whole])
        return y, new

    def penalty(self, params: Weights) -> Any:
        """Return what the size of the weights adds to the loss; None if nothing."""
        costs = [
            place.about.regularizer(params[name])
            for name, place in self.places.items()
            if name in params and place.about.regularizer is not None
        ]
        return sum(costs[1:], costs[0]) if costs else None


def _as_before(value: Any, old: Any) -> Any:
    """Return a new state in the dtype of the old one."""
    value = value if hasattr(value, "dtype") else np.asarray(value)
    return value if value.dtype == old.dtype else value.astype(old.dtype)
