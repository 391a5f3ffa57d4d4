"""An encoder with attention for sequences, as a graph with residual connections."""

import numpy as np
import keras
from keras import layers

rng = np.random.default_rng(8)
x = rng.normal(size=(32, 7, 3)).astype("float32")
y = rng.integers(0, 3, size=32)

inputs = keras.Input((7, 3))
h = inputs
for _ in range(2):
    a = layers.LayerNormalization(epsilon=1e-6)(h)
    a = layers.MultiHeadAttention(key_dim=4, num_heads=2)(a, a)
    h = h + a
    b = layers.LayerNormalization(epsilon=1e-6)(h)
    b = layers.Conv1D(filters=4, kernel_size=1, activation="relu")(b)
    h = h + layers.Conv1D(filters=3, kernel_size=1)(b)
h = layers.GlobalAveragePooling1D()(h)
outputs = layers.Dense(3, activation="softmax")(layers.Dense(6, activation="relu")(h))
model = keras.Model(inputs, outputs)
model.compile(
    loss="sparse_categorical_crossentropy",
    optimizer=keras.optimizers.Adam(1e-3),
    metrics=["sparse_categorical_accuracy"],
)
model.fit(x, y, epochs=2, batch_size=8, verbose=0, shuffle=False, validation_data=(x[:8], y[:8]))
chances = model.predict(x, verbose=0)
