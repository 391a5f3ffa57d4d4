"""Two branches that meet: a graph, not a chain."""

import keras
from keras import layers

inputs = keras.Input(shape=(8,))
a = layers.Dense(4, activation="relu")(inputs)
b = layers.Dense(4, activation="tanh")(inputs)
outputs = layers.Dense(1)(layers.concatenate([a, b]))
model = keras.Model(inputs=inputs, outputs=outputs)
model.compile("adam", "mse")
