"""Layers one after the other, as a pure function of their weights."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np

from chainrule._src.core.tensor import Tensor
from chainrule._src.nn.layers import Layer
from chainrule._src.nn.layers.given import first_of, shapes_in
from chainrule._src.nn.layers.surroundings import CallContext, Notes, within
from chainrule._src.nn.layers.tracking import LayerVariable, family, members, variables_of

Weights = dict[str, Any]


class NetworkOutput(NamedTuple):
    """A network's output for a batch, with new states and losses.

    Attributes
    ----------
    output : array
    state : dict of str to array
        New values of the weights that are not trained.
    mask : array or None
        Mask of the steps of the output.
    losses : list
        Terms that layers add to the loss.
    unmasking : list of str
        Layers that received a mask but do not support masks.
    loss : number or None
        The loss of the batch, if `apply` was given a function that computes it.
    """

    output: Any
    state: Weights
    mask: Any
    losses: list[Any]
    unmasking: list[str]
    loss: Any = None


class Network:
    """A built stack of layers as a pure function of its weights.

    Weights have names such as ``dense_kernel``: the layer's name and the attribute's.

    Parameters
    ----------
    stack : Layer
        A layer that is a chain of ``layers``.

    Attributes
    ----------
    layers : list of Layer
    places : dict of str to LayerVariable
        The variable of every weight.
    """

    def __init__(self, stack: Any, layers: list[Layer]) -> None:
        self.stack, self.layers = stack, list(layers)
        self.places: dict[str, LayerVariable] = variables_of(stack)
        self._within = family(stack)

    @property
    def first(self) -> Any:
        """The layer that takes the input; the stack itself if no single layer does."""
        return next(iter(self.stack.entry), self.stack)

    @property
    def last(self) -> Any:
        """The layer that gives the output; the stack itself if no single layer does."""
        return self.stack.exit

    @property
    def stateful_layers(self) -> list[Any]:
        """The layers that pass states from one batch to the next."""
        return [layer for layer in self._within if getattr(layer, "stateful", False)]

    @property
    def is_stateful(self) -> bool:
        """True if a layer passes states from one batch to the next."""
        return bool(self.stateful_layers)

    @property
    def rows(self) -> int:
        """The number of samples of an example: the batch size if it is fixed, else 2."""
        return self.fixed_rows or 2

    @property
    def fixed_rows(self) -> int | None:
        """The batch size if it is fixed."""
        return shapes_in(self.stack.input_shape)[0][0]

    @property
    def params(self) -> Weights:
        """The weights that are trained."""
        return self._weights(True)

    @property
    def state(self) -> Weights:
        """The weights that are not trained: moving averages, states of dropout, frozen weights."""
        return self._weights(False)

    @property
    def weights(self) -> Weights:
        """All weights."""
        return {**self.params, **self.state}

    def _weights(self, trained: bool) -> Weights:
        return {
            name: variable.value
            for name, variable in self.places.items()
            if variable.trainable is trained
        }

    def take(self, weights: Mapping[str, Any]) -> None:
        """Set the layers' weights."""
        for name, value in weights.items():
            self.places[name].write(value)

    def apply(
        self, params: Weights, state: Weights, X: Any, training: bool,
        loss_of: Callable[[Any, CallContext], Any] | None = None,
    ) -> NetworkOutput:  # fmt: skip
        """Return the output, the new state, and the losses that layers added.

        ``loss_of`` is a function of the output and of the context, whose ``outer`` is the stack
        with these weights; it returns the loss.
        """
        weights = {**params, **state}
        usual = first_of(X).dtype
        floats = next((w.dtype for w in weights.values() if w.dtype.kind == "f"), usual)
        x = self.stack.in_dtype(X, floats)
        twin, notes = self.stack.bound(weights), Notes()
        with within(CallContext(twin, members(twin), training, notes=notes)) as context:
            y = twin.run(x, training)
        loss = None if loss_of is None else loss_of(y, context)
        after = twin.arrays
        new = {name: _as_before(after[name], old) for name, old in state.items()}
        mask = notes.mask_of(self.stack.flat_outputs(y))
        return NetworkOutput(y, new, mask, notes.losses, notes.unmasking, loss)

    def predicted(self, weights: Weights, X: Any) -> Any:
        """Return the output for samples, as a pure function of all weights."""
        return self.apply(weights, {}, X, False).output

    def penalty(self, params: Weights) -> Any:
        """Return the sum of all regularizers' penalties, or None without regularizers."""
        costs = [
            variable.about.regularizer(params[name])
            for name, variable in self.places.items()
            if name in params and variable.about.regularizer is not None
        ]
        return sum(costs[1:], costs[0]) if costs else None

    def constrained(self, params: Weights) -> Weights:
        """Return the weights with all constraints applied."""
        rules = {name: self.places[name].about.constraint for name in params}
        return {n: w if rules[n] is None else rules[n](w) for n, w in params.items()}


def constant(value: Any) -> Any:
    """Return the array, or other value, within tensors."""
    while type(value) is Tensor:
        value = value.value
    return value


def _as_before(value: Any, old: Any) -> Any:
    """Return a new state in the dtype of the old state."""
    value = value if hasattr(value, "dtype") else np.asarray(value)
    return value if value.dtype == old.dtype else value.astype(old.dtype)
