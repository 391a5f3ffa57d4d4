"""A variational autoencoder: a layer adds the divergence; the noise is other in each library."""

import numpy as np
import keras
from keras import layers, ops

rng = np.random.default_rng(6)
x = rng.uniform(size=(40, 10)).astype("float32")


class Sampling(layers.Layer):
    def __init__(self, **options):
        super().__init__(**options)
        self.seed_generator = keras.random.SeedGenerator(1337)

    def call(self, inputs):
        mean, log_variance = inputs
        divergence = 1 + log_variance - ops.square(mean) - ops.exp(log_variance)
        self.add_loss(-0.5 * ops.mean(divergence))
        noise = keras.random.normal(shape=ops.shape(mean), seed=self.seed_generator)
        return mean + ops.exp(0.5 * log_variance) * noise


inputs = keras.Input((10,))
h = layers.Dense(8, activation="relu")(inputs)
mean, log_variance = layers.Dense(2, name="mean")(h), layers.Dense(2, name="log_variance")(h)
encoder = keras.Model(inputs, [mean, log_variance, Sampling()([mean, log_variance])])
code = keras.Input((2,))
decoder = keras.Model(code, layers.Dense(10, activation="sigmoid")(layers.Dense(8)(code)))
model = keras.Model(inputs, decoder(encoder(inputs)[2]))
model.compile("adam", "binary_crossentropy")
model.fit(x, x, epochs=2, batch_size=8, verbose=0, shuffle=False)
means, log_variances, _ = encoder.predict(x, verbose=0)
pictures = decoder.predict(np.zeros((3, 2), "float32"), verbose=0)
