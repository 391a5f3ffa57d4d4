"""Residual blocks of convolutions, each a layer with a shortcut."""

import keras
import numpy as np
from keras import layers


class ResidualBlock(layers.Layer):
    def __init__(self, filters, strides=1, activation="relu", **kwargs):
        super().__init__(**kwargs)
        self.activation = keras.activations.get(activation)
        self.main_layers = [
            layers.Conv2D(filters, 3, strides=strides, padding="same", use_bias=False),
            layers.BatchNormalization(),
            self.activation,
            layers.Conv2D(filters, 3, strides=1, padding="same", use_bias=False),
            layers.BatchNormalization(),
        ]
        self.skip_layers = []
        if strides > 1:
            self.skip_layers = [
                layers.Conv2D(filters, 1, strides=strides, padding="same", use_bias=False),
                layers.BatchNormalization(),
            ]

    def call(self, inputs):
        z = inputs
        for layer in self.main_layers:
            z = layer(z)
        skip = inputs
        for layer in self.skip_layers:
            skip = layer(skip)
        return self.activation(z + skip)


rng = np.random.default_rng(61)
x = rng.normal(size=(32, 8, 8, 2)).astype("float32")
y = rng.integers(0, 2, size=32)
model = keras.models.Sequential()
model.add(layers.Conv2D(4, 3, padding="same", use_bias=False, input_shape=[8, 8, 2]))
model.add(layers.BatchNormalization())
model.add(layers.Activation("relu"))
for filters, strides in [(4, 1), (8, 2)]:
    model.add(ResidualBlock(filters, strides))
model.add(layers.GlobalAvgPool2D())
model.add(layers.Dense(2, activation="softmax"))
model.compile(loss="sparse_categorical_crossentropy", optimizer="sgd", metrics=["accuracy"])
history = model.fit(x, y, epochs=2, batch_size=16, verbose=0)
weights = len(model.weights)
