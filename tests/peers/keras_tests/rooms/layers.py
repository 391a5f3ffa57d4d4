"""Layers whose weights can be assigned to, as variables, and which take arrays of any kind."""

import inspect
from types import SimpleNamespace

import numpy as np
from tests.peers.keras_tests.adapting import with_arrays
from tests.peers.keras_tests.imports import Room

from chainrule import layers
from chainrule.keras import layers as as_keras
from chainrule.layers import Layer

MERGES = ("add", "subtract", "multiply", "average", "maximum", "minimum", "concatenate", "dot")
MODULES = ("elu", "leaky_relu", "prelu", "relu", "softmax")  # that tests import by their names


class Assignable(np.ndarray):
    """A weight with a method of Keras's variables."""

    def assign(self, values):
        self[...] = values

    @property
    def value(self):
        return self


def add_weight(self, *args, _made=Layer.add_weight, **kwargs):
    values = _made(self, *args, **kwargs).view(Assignable)
    self._new[-1] = (values, *self._new[-1][1:])
    return values


@with_arrays
def call(self, *args, _called=Layer.__call__, **kwargs):
    given = args or (kwargs.pop("inputs"),)
    return _called(self, *given, **kwargs)


PATCHES = {Layer: {"__call__": call, "add_weight": add_weight}}
names = {name: thing for name, thing in vars(layers).items() if not inspect.ismodule(thing)}
names |= {name: getattr(as_keras, name) for name in ("Input", "InputLayer", *MERGES)}
room = Room("layers", {**names, **dict.fromkeys(MODULES, SimpleNamespace(**names))})
