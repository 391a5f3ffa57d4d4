"""Layers that hold other layers, in attributes and in lists."""

import keras
import numpy as np
from keras import layers


class Block(layers.Layer):
    def __init__(self, width, **kwargs):
        super().__init__(**kwargs)
        self.first = layers.Dense(width)
        self.second = layers.Dense(width)
        self.normal = layers.LayerNormalization()

    def call(self, inputs):
        x = self.first(inputs)
        x = keras.activations.relu(x)
        x = self.second(x)
        return self.normal(inputs + x)


class Tower(keras.layers.Layer):
    def __init__(self, depth, width):
        super().__init__()
        self.blocks = [Block(width) for _ in range(depth)]
        self.out = layers.Dense(1)

    def call(self, inputs):
        x = inputs
        for block in self.blocks:
            x = block(x)
        return self.out(x)


tower = Tower(2, 5)
y = tower(keras.ops.ones(shape=(3, 5)))
weights = len(tower.weights)
trainable = len(tower.trainable_weights)

rng = np.random.default_rng(0)
x = rng.normal(size=(60, 5)).astype("float32")
t = np.tanh(x[:, 0]) * x[:, 1]
model = keras.Sequential([keras.Input((5,)), Tower(2, 5)])
model.compile(optimizer=keras.optimizers.AdamW(0.01, weight_decay=0.004), loss="mse")
model.summary()
parameters = model.count_params()
history = model.fit(x, t, epochs=4, batch_size=20, verbose=0, validation_split=0.2)
prediction = model.predict(x[:5], verbose=0)
