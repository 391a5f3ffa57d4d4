"""Seeds, initializers with seeds, and a split of the data."""

import random

import keras
import numpy as np
from keras import initializers, layers

keras.utils.set_random_seed(812)
numbers = np.random.rand(3)
also = random.random()
x = np.random.normal(size=(50, 4)).astype("float32")
y = np.random.randint(0, 2, size=50)
print(x[:2], y[:2])

model = keras.Sequential(
    [
        layers.Dense(6, kernel_initializer=initializers.GlorotUniform(seed=1), activation="relu"),
        layers.Dense(
            6,
            kernel_initializer=initializers.RandomUniform(minval=-0.1, maxval=0.1, seed=2),
            bias_initializer=initializers.Constant(0.01),
            activation="relu",
        ),
        layers.Dense(
            4, kernel_initializer=initializers.Orthogonal(gain=1.0), bias_initializer="ones"
        ),
        layers.Dense(1, kernel_initializer=initializers.HeNormal(), activation="sigmoid"),
    ]
)
model.compile(optimizer="adam", loss="binary_crossentropy", metrics=["accuracy"])
history = model.fit(x, y, epochs=2, verbose=0)
ones = initializers.Ones()(shape=(2, 2))
eye = initializers.Identity()(shape=(3, 3))
spread = initializers.TruncatedNormal(stddev=0.05)(shape=(40, 40))
within = bool(np.abs(np.array(spread)).max() <= 10)
