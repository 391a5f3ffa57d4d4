"""A regularizer, a constraint and an initializer of one's own."""

import keras
import numpy as np
from keras import ops


class Orthogonality(keras.regularizers.Regularizer):
    def __init__(self, factor=0.01):
        self.factor = factor

    def __call__(self, x):
        gram = ops.matmul(ops.transpose(x), x)
        return self.factor * ops.sum(ops.square(gram - ops.eye(x.shape[1])))

    def get_config(self):
        return {"factor": self.factor}


class CentredColumns(keras.constraints.Constraint):
    def __call__(self, w):
        return w - ops.mean(w, axis=0, keepdims=True)


class Ramp(keras.initializers.Initializer):
    def __init__(self, scale):
        self.scale = scale

    def __call__(self, shape, dtype=None):
        size = int(np.prod(shape))
        return ops.reshape(ops.linspace(-self.scale, self.scale, size), shape)

    def get_config(self):
        return {"scale": self.scale}


def small_weights(w):
    return 0.001 * ops.sum(ops.abs(w))


x = np.random.RandomState(7).randn(48, 6).astype("float32")
y = x[:, :2] ** 2
model = keras.Sequential(
    [
        keras.layers.Dense(4, "tanh", kernel_initializer=Ramp(0.5),
                           kernel_regularizer=Orthogonality(0.05)),
        keras.layers.Dense(3, "tanh", kernel_constraint=CentredColumns(),
                           kernel_regularizer=small_weights),
        keras.layers.Dense(2, kernel_initializer=keras.initializers.Constant(0.1)),
    ]
)  # fmt: skip
model.compile("sgd", "mse")
history = model.fit(x, y, epochs=4, batch_size=12, verbose=0)
means = model.layers[1].get_weights()[0].mean(axis=0)
