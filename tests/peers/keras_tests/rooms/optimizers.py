"""Optimizers that hold their state and change variables, around chainrule's pure ones."""

import numpy as np
from tests.peers.keras_tests.adapting import as_numpy, calls_with_arrays
from tests.peers.keras_tests.imports import Room

from chainrule import optimizers, schedules
from chainrule.optimizers import Optimizer

finalize = Optimizer.finalize_variable_values


def names(variables):
    return {f"{v.name}/{i}": as_numpy(v) for i, v in enumerate(variables)}


class Stateful:
    """What Keras's optimizers have besides."""

    _params = None

    def build(self, variables):
        self._params = names(variables)
        self._held = self.init(self._params)

    @property
    def _state(self):
        return self._held if self._params is not None else self.init({})

    def apply_gradients(self, pairs):
        gradients, variables = zip(*pairs, strict=True)
        self.apply(gradients, variables)

    def apply(self, gradients, variables):
        if self._params is None:
            self.build(variables)
        params = names(variables)
        gradients = dict(zip(params, as_numpy(list(gradients)), strict=True))
        new, self._held = self.update(params, gradients, self._held)
        self._assign(variables, new)

    def _assign(self, variables, new):
        for variable, value in zip(variables, new.values(), strict=True):
            is_held = variable.constraint is None
            variable.assign(value if is_held else variable.constraint(value))

    def finalize_variable_values(self, variables, state=None):
        if state is not None:
            return finalize(self, variables, state)
        return self._assign(variables, finalize(self, names(variables), self._state))

    @property
    def variables(self):
        state = self._state
        first = [state[name] for name in ("iteration", "learning_rate") if name in state]
        return first + [leaf for slot in self.slots for leaf in state[slot].values()]

    @property
    def _iterations(self):
        return self._state["iteration"]

    @property
    def iterations(self):
        return self._iterations // (self.gradient_accumulation_steps or 1)

    @property
    def _accumulated_gradients(self):
        return list(self._state["accumulated"].values())

    @property
    def _model_variables_moving_average(self):
        return list(self._state["ema"].values())

    def _clip_gradients(self, gradients):
        gradients = [np.asarray(g) for g in gradients]
        return self._clipped(gradients, gradients)


room = Room(
    "optimizers", {**vars(optimizers), "schedules": Room("optimizers.schedules", vars(schedules))}
)
added = {name: thing for name, thing in vars(Stateful).items() if not name.startswith("__")}
PATCHES = {Optimizer: added, **calls_with_arrays(schedules, schedules.LearningRateSchedule)}
