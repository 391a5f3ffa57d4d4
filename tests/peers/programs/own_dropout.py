"""Dropout and noise by hand, with keras.random. Random outcomes."""

import keras
import numpy as np
from keras import layers, ops


class MyDropout(layers.Layer):
    def __init__(self, rate, name=None):
        super().__init__(name=name)
        self.rate = rate
        self.seed_generator = keras.random.SeedGenerator(1337)

    def call(self, inputs, training=None):
        if training:
            return keras.random.dropout(inputs, self.rate, seed=self.seed_generator)
        return inputs


class Jitter(layers.Layer):
    def __init__(self, stddev=0.05, **kwargs):
        super().__init__(**kwargs)
        self.stddev = stddev
        self.seed_generator = keras.random.SeedGenerator(0)

    def call(self, inputs, training=False):
        if not training:
            return inputs
        shape = ops.shape(inputs)
        return inputs + keras.random.normal(shape, stddev=self.stddev, seed=self.seed_generator)


x = np.random.default_rng(0).random((100, 8))
y = x @ np.ones((8, 2))
model = keras.Sequential([Jitter(), layers.Dense(16, "relu"), MyDropout(0.3), layers.Dense(2)])
model.compile(optimizer=keras.optimizers.SGD(learning_rate=0.01), loss="mse")
history = model.fit(x, y, batch_size=25, epochs=2, verbose=0)
steady = bool(np.all(model.predict(x, verbose=0) == model.predict(x, verbose=0)))
drawn = keras.random.uniform((3, 2), seed=1)
