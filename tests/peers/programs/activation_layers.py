"""Activations as layers, as names, as functions, and one of one's own."""

import keras
import numpy as np
from keras import activations, layers, ops


def sine(x):
    return ops.sin(x) + 0.1 * x


rng = np.random.default_rng(43)
x = rng.normal(size=(50, 4)).astype("float32")
y = np.sin(x[:, :1]) + x[:, 1:2]
stacks = {
    "relu": [layers.Dense(8), layers.ReLU(max_value=1.0)],
    "leaky": [layers.Dense(8), layers.LeakyReLU(negative_slope=0.2)],
    "prelu": [layers.Dense(8), layers.PReLU(alpha_initializer="zeros")],
    "elu": [layers.Dense(8), layers.ELU(alpha=0.5)],
    "softmax": [layers.Dense(8), layers.Softmax()],
    "name": [layers.Dense(8), layers.Activation("silu")],
    "function": [layers.Dense(8, activation=activations.gelu)],
    "own": [layers.Dense(8, activation=sine)],
    "lambda": [layers.Dense(8, activation=lambda t: ops.tanh(t) * 2)],
    "ops": [layers.Dense(8), layers.Activation(ops.softplus)],
}
histories = {}
for name, stack in stacks.items():
    model = keras.Sequential([keras.Input((4,)), *stack, layers.Dense(1)])
    model.compile(optimizer=keras.optimizers.SGD(0.05), loss="mse")
    histories[name] = model.fit(x, y, epochs=2, batch_size=10, verbose=0).history["loss"]
slope = stacks["prelu"][1].get_weights()[0]
values = {
    name: np.array(getattr(activations, name)(x[:2]))
    for name in ["relu", "elu", "selu", "softplus", "softsign", "tanh", "sigmoid", "softmax"]
}
