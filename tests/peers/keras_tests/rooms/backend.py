"""Keras's trainer, which its tests mix with a layer: a model whose `call` is that layer's."""

from tests.peers.keras_tests.imports import Room
from tests.peers.keras_tests.rooms import random

from chainrule._src.nn.network.stack import Stack
from chainrule.keras import Model


class Trainer(Model):
    _hooks = ()  # what overrides `train_step` fails when it is used

    def __init__(self):
        if "_graph" not in vars(self):  # the layer's own arguments are set already
            self.rng = self._rng
            self._begin()
            self._attributes = frozenset(vars(self))

    def build(self, input_shape=None):
        if self._is_building:
            super(Stack, self).build(input_shape)
        else:
            super().build(input_shape)

    def call(self, *args, **options):
        return super(Stack, self).call(*args, **options)


trainers = Room("backend.jax", {"JAXTrainer": Trainer}, scaffolding=True)
room = Room("backend", {"random": random.room, "jax": trainers}, scaffolding=True)
