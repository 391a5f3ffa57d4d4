"""Layers with weights that are not trained: they count what comes by."""

import keras
import numpy as np
from keras import ops


class RunningTotal(keras.layers.Layer):
    def __init__(self, input_dim):
        super().__init__()
        self.total = self.add_weight(initializer="zeros", shape=(input_dim,), trainable=False)

    def call(self, inputs):
        self.total.assign_add(ops.sum(inputs, axis=0))
        return self.total


x = ops.ones((2, 2))
counting = RunningTotal(2)
y = counting(x)
one = y.numpy() if hasattr(y, "numpy") else np.array(y)
y = counting(x)
two = np.array(y)
weights = len(counting.weights)
fixed = len(counting.non_trainable_weights)
trainable = counting.trainable_weights


class MovingMean(keras.layers.Layer):
    def __init__(self, momentum=0.9, **kwargs):
        super().__init__(**kwargs)
        self.momentum = momentum

    def build(self, input_shape):
        self.mean = self.add_weight(
            shape=(input_shape[-1],), initializer="zeros", trainable=False, name="mean"
        )

    def call(self, inputs, training=False):
        if training:
            batch = ops.mean(inputs, axis=0)
            self.mean.assign(self.mean * self.momentum + batch * (1 - self.momentum))
            return inputs - batch
        return inputs - self.mean


data = np.random.RandomState(0).normal(2, 1, size=(64, 3)).astype("float32")
model = keras.Sequential([keras.Input((3,)), MovingMean(), keras.layers.Dense(1)])
model.compile("sgd", "mse", metrics=["mae"])
history = model.fit(data, data.sum(axis=1), epochs=3, batch_size=16, verbose=0)
mean = model.layers[0].get_weights()[0]
