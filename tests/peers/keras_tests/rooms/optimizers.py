"""Optimizers that hold their state and change variables, around chainrule's pure ones."""

import numpy as np
from tests.peers.keras_tests.adapting import as_numpy, calls_with_arrays
from tests.peers.keras_tests.imports import Room

from chainrule import optimizers, schedules
from chainrule._src.core.trees import leaves
from chainrule.optimizers import Optimizer

finalize = Optimizer.finalize_variable_values


class Stateful:
    """What Keras's optimizers have besides: variables are told apart by their places."""

    _held = None

    def build(self, variables):
        self._held = self.init(_tree(variables))

    def apply_gradients(self, pairs):
        gradients, variables = zip(*pairs, strict=True)
        self.apply(gradients, variables)

    def apply(self, gradients, variables):
        if self._held is None:
            self.build(variables)
        gradients = _tree(variables, as_numpy(list(gradients)))
        new, self._held = self.update(_tree(variables), gradients, self._held)
        optimizers.count(self, self._held)
        _assign(variables, new)

    def update_step(self, gradient, variable, learning_rate):
        w, g = as_numpy([variable, gradient])
        step, _ = self._rule((variable.name,), w)
        new, _ = step(
            w, g, learning_rate, 1.0, **{slot: self.start(slot, w) for slot in self.slots}
        )
        _assign([variable], [new])

    def zeropower_via_newtonschulz5(self, x, steps):
        return type(self)(ns_steps=steps)._orthogonal(np.asarray(x))

    def finalize_variable_values(self, variables, state=None):
        if state is not None:
            return finalize(self, variables, state)
        return _assign(variables, finalize(self, _tree(variables), self._state))

    @property
    def _state(self):
        return self.init([]) if self._held is None else self._held

    @property
    def variables(self):
        state = self._state
        first = [self._done[0], *([self.learning_rate] if "learning_rate" in state else [])]
        return first + [value for slot in self.slots for value in _values(state[slot])]

    @property
    def _iterations(self):
        return self._state["iteration"]

    @property
    def _accumulated_gradients(self):
        return _values(self._state["accumulated"])

    @property
    def _model_variables_moving_average(self):
        return _values(self._state["ema"])

    def _clip_gradients(self, gradients):
        gradients = [np.asarray(g) for g in gradients]
        return self._clipped(gradients, gradients)


def _tree(variables, values=None):
    values = as_numpy(list(variables)) if values is None else values
    return [{v.name: value} for v, value in zip(variables, values, strict=True)]


def _values(tree):
    return [value for _, value in leaves(tree)]


def _assign(variables, new):
    for variable, value in zip(variables, _values(new), strict=True):
        constraint = variable.constraint or (lambda w: w)
        variable.assign(constraint(value))


room = Room(
    "optimizers", {**vars(optimizers), "schedules": Room("optimizers.schedules", vars(schedules))}
)
added = {name: thing for name, thing in vars(Stateful).items() if not name.startswith("__")}
PATCHES = {Optimizer: added, **calls_with_arrays(schedules, schedules.LearningRateSchedule)}
