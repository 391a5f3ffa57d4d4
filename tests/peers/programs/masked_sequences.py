"""Sequences of different lengths: padding that recurrent layers do not read."""

import keras
import numpy as np
from keras import layers

raw_inputs = [[7, 6, 1], [3, 8, 5, 5, 9], [2, 9, 1, 6, 12, 9]]
padded_inputs = keras.utils.pad_sequences(raw_inputs, padding="post")
embedding = layers.Embedding(input_dim=20, output_dim=4, mask_zero=True)
mask = np.array(embedding.compute_mask(padded_inputs))

rng = np.random.default_rng(31)
x = np.zeros((48, 9), "int32")
for row in x:
    length = rng.integers(3, 10)
    row[:length] = rng.integers(1, 20, size=length)
y = (x > 0).sum(axis=1) / 9

words = keras.Sequential([layers.Embedding(20, 4, mask_zero=True), layers.LSTM(6), layers.Dense(1)])
words.compile("adam", "mse", metrics=["mae"])
first = words.fit(x, y, epochs=3, batch_size=16, verbose=0)

values = np.where(x[..., None] > 0, x[..., None] / 20.0, -1.0).astype("float32")
numbers = keras.Sequential(
    [
        layers.Masking(mask_value=-1.0, input_shape=(9, 1)),
        layers.GRU(5, return_sequences=True),
        layers.SimpleRNN(4, activation="tanh"),
        layers.Dense(1, activation="sigmoid"),
    ]
)
numbers.compile("rmsprop", "mse")
second = numbers.fit(values, y, epochs=3, batch_size=16, verbose=0, validation_split=0.25)
longer = np.concatenate([values, np.full((48, 2, 1), -1.0, "float32")], axis=1)
averaged = keras.Sequential(
    [layers.Embedding(20, 3, mask_zero=True), layers.GlobalAveragePooling1D(), layers.Dense(1)]
)
averaged.compile("sgd", "mae")
third = averaged.fit(x, y, epochs=3, verbose=0)
