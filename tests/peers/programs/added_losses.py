"""Losses that layers add, and regularizers of what comes out of them."""

import keras
import numpy as np
from keras import layers, ops


class ActivityRegularization(layers.Layer):
    def __init__(self, rate=1e-2):
        super().__init__()
        self.rate = rate

    def call(self, inputs):
        self.add_loss(self.rate * ops.mean(ops.square(inputs)))
        return inputs


rng = np.random.default_rng(13)
x = rng.normal(size=(80, 10)).astype("float32")
y = rng.integers(0, 4, size=80)

model = keras.Sequential(
    [
        layers.Dense(16, activation="relu", name="first"),
        ActivityRegularization(0.1),
        layers.Dense(8, activation="relu", activity_regularizer="l2"),
        layers.Dense(4, activity_regularizer=keras.regularizers.L1(1e-3)),
    ]
)
model.compile(
    optimizer=keras.optimizers.RMSprop(learning_rate=1e-3),
    loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
    metrics=["accuracy"],
)
history = model.fit(x, y, batch_size=16, epochs=3, verbose=0, validation_split=0.2)
loss, accuracy = model.evaluate(x, y, verbose=0)

layer = ActivityRegularization()
nothing_yet = len(layer.losses)
out = layer(np.ones((2, 3), "float32"))
one = [float(value) for value in layer.losses]

penalised = layers.Dense(2, kernel_regularizer=keras.regularizers.L2(1e-2))
penalised(np.zeros((1, 2), "float32"))
penalty = float(sum(penalised.losses))
