"""Validation now and then, in larger batches, on a few of them, from a loader."""

import keras
import numpy as np
from keras import layers

rng = np.random.default_rng(47)
x = rng.normal(size=(100, 4))
y = rng.integers(0, 2, size=(100, 1))


def compiled():
    model = keras.Sequential([layers.Dense(5, "tanh"), layers.Dense(1, "sigmoid")])
    model.compile("adam", "binary_crossentropy", metrics=["accuracy"])
    return model


now_and_then = compiled().fit(
    x, y, epochs=6, validation_split=0.3, validation_freq=2, validation_batch_size=50, verbose=0
)
chosen = compiled().fit(
    x, y, epochs=4, validation_data=(x[:30], y[:30]), validation_freq=[1, 4], verbose=0
)
model = compiled()
few = model.fit(
    x, y, epochs=1, validation_data=(x, y), validation_batch_size=10, validation_steps=3, verbose=0
)
late = model.fit(x, y, epochs=5, initial_epoch=3, steps_per_epoch=2, batch_size=25, verbose=0)
epochs = late.epoch
parameters = late.params["epochs"], late.params["steps"]
some = model.evaluate(x, y, batch_size=10, steps=4, verbose=0)
part = model.predict(x, batch_size=10, steps=2, verbose=0)
