"""Users and films: the product of two embeddings with a bias of each."""

import numpy as np
import keras
from keras import layers

rng = np.random.default_rng(4)
users, films = rng.integers(0, 12, size=80), rng.integers(0, 9, size=80)
ratings = rng.uniform(1, 5, size=80).astype("float32")

user, film = layers.Input((1,), name="user"), layers.Input((1,), name="film")
u = layers.Flatten()(layers.Embedding(12, 4, embeddings_regularizer="l2")(user))
f = layers.Flatten()(layers.Embedding(9, 4)(film))
bias = layers.Flatten()(layers.Embedding(9, 1)(film))
outputs = layers.Dot(axes=1)([u, f]) + bias
model = keras.Model([user, film], outputs)
model.compile("adam", "mse", metrics=["mae"])
model.fit(
    {"user": users, "film": films},
    ratings,
    epochs=3,
    batch_size=16,
    verbose=0,
    shuffle=False,
    validation_split=0.25,
)
guesses = model.predict([users, films], verbose=0)
