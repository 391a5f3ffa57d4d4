"""The weights of a layer, with Keras's names: to list, to read and to set."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from chainrule._src.base.arrays import Array
from chainrule._src.base.config import Configurable
from chainrule._src.nn.layers import tracking
from chainrule._src.nn.layers.tracking import Variable
from chainrule._src.nn.layers.weights import fitted


class Weighted(Configurable, tracking.Holder):
    """What has weights."""

    @property
    def variables(self) -> list[Variable]:
        """All weights and what dropout counts: a layer's own, then those of layers within."""
        return list(tracking.held(self).values())

    @property
    def weights(self) -> list[Variable]:
        """All weights, in Keras's order: of each layer the trained ones first."""
        return [variable for variable in self.variables if variable.counts]

    @property
    def trainable_weights(self) -> list[Variable]:
        """Those that are trained."""
        return [variable for variable in self.weights if variable.trainable]

    @property
    def non_trainable_weights(self) -> list[Variable]:
        """Those that are not."""
        return [variable for variable in self.weights if not variable.trainable]

    trainable_variables, non_trainable_variables = trainable_weights, non_trainable_weights

    @property
    def arrays(self) -> dict[str, Array]:
        """The values of all variables by name."""
        return {name: variable.value for name, variable in tracking.held(self).items()}

    @property
    def losses(self) -> list[Any]:
        """What it added to the loss, called by itself; what the sizes of the weights add now."""
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
            If one does not fit; then none is changed.
        """
        old = {name: v.value for name, v in tracking.held(self).items() if v.counts}
        self.take(fitted(old, weights, str(self)))

    def take(self, weights: Mapping[str, Any]) -> None:
        """Let variables, told by their names in `arrays`, have other values."""
        held = tracking.held(self)
        for name, values in weights.items():
            held[name].write(values)

    def count_params(self) -> int:
        """Return how many numbers the weights hold."""
        return sum(int(variable.value.size) for variable in self.weights)
