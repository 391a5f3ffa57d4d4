"""A dense layer by hand, and a network of such layers."""

import keras
import numpy as np
from keras import layers, ops


class Linear(layers.Layer):
    def __init__(self, units=32, **kwargs):
        super().__init__(**kwargs)
        self.units = units

    def build(self, input_shape):
        self.w = self.add_weight(
            shape=(input_shape[-1], self.units),
            initializer="random_normal",
            trainable=True,
        )
        self.b = self.add_weight(shape=(self.units,), initializer="zeros", trainable=True)

    def call(self, inputs):
        return ops.matmul(inputs, self.w) + self.b

    def get_config(self):
        config = super().get_config()
        config.update({"units": self.units})
        return config


x = ops.ones((2, 3))
layer = Linear(4)
y = layer(x)
number = len(layer.weights)
shapes = [tuple(w.shape) for w in layer.weights]
restored = Linear.from_config(layer.get_config())
units = restored.units

rng = np.random.default_rng(9)
data = rng.normal(size=(64, 6))
targets = (data.sum(axis=1) > 0).astype(int)
model = keras.Sequential([Linear(8), layers.ReLU(), Linear(1, name="head")])
model.compile("adam", keras.losses.BinaryCrossentropy(from_logits=True), metrics=["accuracy"])
history = model.fit(data, targets, epochs=4, batch_size=16, verbose=0)
head = model.get_layer("head").w
