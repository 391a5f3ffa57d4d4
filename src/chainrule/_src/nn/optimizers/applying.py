"""Optimizers that update variables in place: steps of one's own, as in Keras."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from chainrule._src.base.config import Configurable
from chainrule._src.base.errors import DataError


class Applicable(Configurable):
    """Base class of optimizers: the state of updates in place stays within the optimizer."""

    name: str
    init: Any
    update: Any
    applied: dict[str, Any]  # the state; changed in place, so that no attribute changes
    _done: list[int]

    def apply(self, gradients: Sequence[Any], trainable_variables: Sequence[Any]) -> None:
        """Update variables in place; the optimizer holds its state from call to call.

        Parameters
        ----------
        gradients : sequence of array
        trainable_variables : sequence of Variable
            In the order of the gradients, for instance ``model.trainable_variables``.

        Raises
        ------
        DataError
            If there is not one gradient for each variable.

        Examples
        --------
        >>> from chainrule import keras
        >>> w = keras.Variable([1.0, 2.0])
        >>> keras.optimizers.SGD(0.5).apply([np.array([1.0, 2.0])], [w])
        >>> w
        Variable([0.5 1. ], name='variable')
        """
        variables = {v.key or f"{v.name}_{i}": v for i, v in enumerate(trainable_variables)}
        if len(gradients) != len(variables):
            raise DataError(
                f"{self.name}.apply: expected a gradient for each of {len(variables)} variables, "
                f"received {len(gradients)}"
            )
        params = {key: variable.value for key, variable in variables.items()}
        before = state_for(self, params, self.applied)
        if "learning_rate" in before:  # which may have been set
            before["learning_rate"] = self.init({})["learning_rate"]
        new, state = self.update(params, dict(zip(params, gradients, strict=True)), before)
        for key, variable in variables.items():
            rule = variable.constraint
            variable.assign(new[key] if rule is None else rule(new[key]))
        for part, values in state.items():
            slots = self.applied.get(part)
            self.applied[part] = {**slots, **values} if isinstance(slots, dict) else values
        self._done[0] = int(state["iteration"])

    def apply_gradients(self, grads_and_vars: Iterable[tuple[Any, Any]]) -> None:
        """Update variables, in pairs of a gradient and its variable; see `apply`."""
        self.apply(*zip(*grads_and_vars, strict=True))


def state_for(optimizer: Any, params: Any, previous: Any) -> dict[str, Any]:
    """Return a previous state; parameters that are not in it, or had another shape, start anew."""

    def part_of(new: Any, old: Any) -> Any:
        if isinstance(new, dict):
            old = old if isinstance(old, dict) else {}
            return {key: part_of(part, old.get(key)) for key, part in new.items()}
        return new if old is None or np.shape(old) != np.shape(new) else old

    state: dict[str, Any] = part_of(optimizer.init(params), previous)
    return state
