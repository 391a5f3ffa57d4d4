"""
A variational autoencoder draws digits
======================================

An autoencoder writes a picture as two numbers and draws it again. A variational
one writes two intervals and takes a point of them by chance, so that points
nearby mean pictures alike (Kingma and Welling, 2014). From a point that no
picture had, it draws a new one.
"""

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits

from chainrule import keras
from chainrule.keras import layers, ops

keras.utils.set_random_seed(0)
images = (load_digits().data / 16).astype("float32")

# %%
# A layer takes a point by chance. It adds to the loss how far its intervals are
# from the normal distribution.


class Sampling(layers.Layer):
    def __init__(self, **options):
        super().__init__(**options)
        self.seed_generator = keras.random.SeedGenerator(0)

    def call(self, inputs):
        mean, log_variance = inputs
        deviation = ops.exp(log_variance / 2)
        divergence = 1 + log_variance - ops.square(mean) - deviation**2
        self.add_loss(-0.5 * ops.mean(ops.sum(divergence, axis=1)) / 64)
        noise = keras.random.normal(ops.shape(mean), seed=self.seed_generator)
        return mean + deviation * noise


# %%
# Encoder and decoder are models, and the autoencoder is a model of the two.

inputs = keras.Input((64,))
h = layers.Dense(64, activation="relu")(inputs)
mean = layers.Dense(2, name="mean")(h)
log_variance = layers.Dense(2, name="log_variance")(h)
encoder = keras.Model(inputs, [mean, Sampling()([mean, log_variance])])

point = keras.Input((2,))
h = layers.Dense(64, activation="relu")(point)
decoder = keras.Model(point, layers.Dense(64, activation="sigmoid")(h))

model = keras.Model(inputs, decoder(encoder(inputs)[1]))
model.compile(keras.optimizers.Adam(0.003), "binary_crossentropy")
history = model.fit(images, images, epochs=40, batch_size=64, verbose=0)
losses = history.history["loss"]
print(f"loss {losses[0]:.3f} → {losses[-1]:.3f}")

# %%
# What the decoder draws from the points of a square.

ends = np.linspace(-1.6, 1.6, 9)
points = np.array([(x, y) for y in ends[::-1] for x in ends]).astype("float32")
drawn = decoder.predict(points, verbose=0).reshape(9, 9, 8, 8)
figure, axes = plt.subplots(figsize=(5, 5), layout="constrained")
axes.imshow(
    drawn.transpose(0, 2, 1, 3).reshape(72, 72), cmap="gray",
    extent=(-1.8, 1.8, -1.8, 1.8),
)  # fmt: skip
axes.set(xlabel="first number", ylabel="second number")
plt.show()
