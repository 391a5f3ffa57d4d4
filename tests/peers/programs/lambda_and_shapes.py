"""Layers that change shapes, and small functions as layers."""

import keras
import numpy as np
from keras import layers, ops

x = np.arange(48, dtype="float32").reshape(4, 3, 4) / 48
model = keras.Sequential(
    [
        keras.Input((3, 4)),
        layers.Permute((2, 1)),
        layers.Lambda(lambda t: t * 2.0 - 1.0),
        layers.Reshape((2, 6)),
        layers.Dense(5, activation="relu"),
        layers.Flatten(),
        layers.RepeatVector(3),
        layers.Lambda(lambda t: ops.sum(t, axis=1), output_shape=(10,)),
        layers.Reshape((-1, 2)),
        layers.Softmax(axis=1),
        layers.Flatten(),
        layers.Dense(2),
    ]
)
shapes = [layer.output.shape[1:] for layer in model.layers]
shapes = [tuple(shape) for shape in shapes]
model.compile("adam", "mse")
history = model.fit(x, x[:, 0, :2], epochs=3, verbose=0)
out = model.predict(x, verbose=0)
cut = keras.Sequential([layers.Lambda(lambda t: t[:, -1, :]), layers.Dense(1)])
last = cut.predict(x, verbose=0)
scaled = layers.Rescaling(1 / 255, offset=-0.5)(np.array([[0.0, 255.0]], "float32"))
