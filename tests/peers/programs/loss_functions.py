"""Losses and metrics that are plain functions, some of them made by other functions."""

import keras
import numpy as np
from keras import layers, ops


def own_mse(y_true, y_pred):
    return ops.mean(ops.square(y_true - y_pred), axis=-1)


def quantile(q):
    def loss(y_true, y_pred):
        error = y_true - y_pred
        return ops.mean(ops.maximum(q * error, (q - 1) * error), axis=-1)

    return loss


def log_cosh(y_true, y_pred):
    error = y_pred - y_true
    return ops.mean(error + ops.softplus(-2.0 * error) - ops.log(2.0), axis=-1)


def largest_error(y_true, y_pred):
    return ops.max(ops.abs(y_true - y_pred), axis=-1)


def root_error(y_true, y_pred):
    return ops.sqrt(ops.mean(ops.square(y_pred - y_true)))


rng = np.random.default_rng(8)
x = rng.uniform(-2, 2, size=(70, 2)).astype("float32")
y = np.column_stack([x[:, 0] * x[:, 1], x[:, 0]]).astype("float32")
histories = {}
for name, loss in [("mse", own_mse), ("low", quantile(0.1)), ("high", quantile(0.9)),
                   ("log_cosh", log_cosh)]:  # fmt: skip
    model = keras.Sequential([layers.Dense(16, activation="tanh"), layers.Dense(2)])
    model.compile(
        optimizer=keras.optimizers.Adam(0.01), loss=loss, metrics=[largest_error, root_error]
    )
    history = model.fit(x, y, epochs=3, batch_size=14, verbose=0, validation_split=0.2)
    histories[name] = history.history
