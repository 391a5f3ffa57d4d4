"""The weights of a layer, with Keras's names: to list, to read and to set."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from chainrule._src.base.arrays import Array
from chainrule._src.base.config import Configurable
from chainrule._src.nn.layers import tracking
from chainrule._src.nn.layers.tracking import LayerVariable
from chainrule._src.nn.layers.weights import fitted


class Weighted(Configurable, tracking.Holder):
    """Base class of objects with weights."""

    @property
    def variables(self) -> list[LayerVariable]:
        """All weights and random states: those of the layer, then those of its sublayers."""
        return list(tracking.variables_of(self).values())

    @property
    def weights(self) -> list[LayerVariable]:
        """All weights, in Keras's order: for each layer the trained weights first."""
        return [variable for variable in self.variables if variable.counts]

    @property
    def trainable_weights(self) -> list[LayerVariable]:
        """The weights that are trained."""
        return [variable for variable in self.weights if variable.trainable]

    @property
    def non_trainable_weights(self) -> list[LayerVariable]:
        """The weights that are not trained."""
        return [variable for variable in self.weights if not variable.trainable]

    trainable_variables, non_trainable_variables = trainable_weights, non_trainable_weights

    @property
    def arrays(self) -> dict[str, Array]:
        """The values of all variables by name."""
        return {name: variable.value for name, variable in tracking.variables_of(self).items()}

    @property
    def losses(self) -> list[Any]:
        """Losses that the last direct call added, and the present penalties of the weights."""
        return [*vars(self)["_added"]] + [
            variable.about.regularizer(variable.value)
            for variable in self.trainable_weights
            if variable.about.regularizer is not None
        ]

    def get_weights(self) -> list[Array]:
        """Return copies of the weights, in Keras's order."""
        return [variable.numpy() for variable in self.weights]

    def set_weights(self, weights: Sequence[Any]) -> None:
        """Set the weights, in the order of `get_weights`.

        Raises
        ------
        ShapeError, DataError
            If an array does not fit; then no weight is changed.
        """
        old = {name: v.value for name, v in tracking.variables_of(self).items() if v.counts}
        self.take(fitted(old, weights, str(self)))

    def take(self, weights: Mapping[str, Any]) -> None:
        """Set variables by their names in `arrays`."""
        variables = tracking.variables_of(self)
        for name, values in weights.items():
            variables[name].write(values)

    def count_params(self) -> int:
        """Return the number of entries of all weights."""
        return sum(int(variable.value.size) for variable in self.weights)
