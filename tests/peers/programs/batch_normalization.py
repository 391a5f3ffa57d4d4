"""Normalization between layers: of batches, of samples, before or after the activation."""

import keras
import numpy as np
from keras import layers

rng = np.random.default_rng(19)
x = rng.normal(3, 5, size=(120, 6)).astype("float32")
y = rng.integers(0, 3, size=120)


def before():
    return [
        layers.Dense(10, use_bias=False),
        layers.BatchNormalization(),
        layers.Activation("relu"),
    ]


def after():
    return [layers.Dense(10, activation="relu"), layers.BatchNormalization(momentum=0.8)]


def of_samples():
    return [layers.Dense(10), layers.LayerNormalization(epsilon=1e-6), layers.ReLU()]


def plain():
    return [layers.BatchNormalization(center=False, scale=False), layers.Dense(10, "elu")]


histories = {}
for make in (before, after, of_samples, plain):
    model = keras.Sequential([*make(), layers.Dense(3, activation="softmax")])
    model.compile(
        optimizer=keras.optimizers.Adam(0.01),
        loss="sparse_categorical_crossentropy",
        metrics=["accuracy"],
    )
    history = model.fit(x, y, epochs=3, batch_size=40, validation_split=0.25, verbose=0)
    histories[make.__name__] = history.history
    counts = (len(model.trainable_weights), len(model.non_trainable_weights))
    histories[make.__name__ + " counts"] = counts
