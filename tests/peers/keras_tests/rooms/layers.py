"""Layers whose weights can be assigned to, as variables, and which take arrays of any kind."""

from types import SimpleNamespace

import numpy as np
from tests.peers.keras_tests.adapting import with_arrays
from tests.peers.keras_tests.imports import Room

from chainrule import layers
from chainrule.layers import Layer

MODULES = ("elu", "leaky_relu", "prelu", "relu", "softmax")  # that tests import by their names


class Assignable(np.ndarray):
    """A weight with a method of Keras's variables."""

    def assign(self, values):
        self[...] = values


def add_weight(self, *args, _made=Layer.add_weight, **kwargs):
    values = _made(self, *args, **kwargs).view(Assignable)
    self._new[-1] = (values, *self._new[-1][1:])
    return values


@with_arrays
def call(self, *args, _called=Layer.__call__, **kwargs):
    given = args or (kwargs.pop("inputs"),)
    return _called(self, *given, **kwargs)


PATCHES = {Layer: {"__call__": call, "add_weight": add_weight}}
room = Room("layers", {**vars(layers), **dict.fromkeys(MODULES, SimpleNamespace(**vars(layers)))})
