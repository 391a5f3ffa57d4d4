"""Samples that weigh more, in training and in validation, and classes that do."""

import keras
import numpy as np

rng = np.random.default_rng(4)
x = rng.normal(size=(100, 5))
y = rng.integers(0, 4, size=100)
weight = np.ones(shape=(len(y),))
weight[y == 2] = 2.0


def compiled():
    model = keras.Sequential(
        [keras.Input((5,)), keras.layers.Dense(8, activation="relu"), keras.layers.Dense(4)]
    )
    model.compile(
        optimizer=keras.optimizers.SGD(0.1),
        loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=["accuracy"],
        weighted_metrics=["sparse_categorical_accuracy"],
    )
    return model


model = compiled()
first = model.fit(
    x[:80], y[:80], sample_weight=weight[:80], epochs=3, batch_size=20, verbose=0,
    validation_data=(x[80:], y[80:], weight[80:]),
)  # fmt: skip
plain = model.evaluate(x, y, verbose=0)
weighted = model.evaluate(x, y, sample_weight=weight, verbose=0)

model = compiled()
second = model.fit(x, y, class_weight={0: 1.0, 1: 1.0, 2: 3.0, 3: 0.5}, epochs=2, verbose=0)
