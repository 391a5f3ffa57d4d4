"""Patches of images mixed across places and channels, in layers made of layers."""

import keras
import numpy as np
from keras import layers, ops


class Patches(layers.Layer):
    def __init__(self, size, **kwargs):
        super().__init__(**kwargs)
        self.size = size

    def call(self, images):
        batch, height, width, channels = ops.shape(images)
        n = height // self.size
        x = ops.reshape(images, (-1, n, self.size, width // self.size, self.size, channels))
        x = ops.transpose(x, (0, 1, 3, 2, 4, 5))
        return ops.reshape(x, (-1, n * (width // self.size), self.size * self.size * channels))


class Mixer(layers.Layer):
    def __init__(self, patches, width, hidden, **kwargs):
        super().__init__(**kwargs)
        self.across = keras.Sequential([layers.Dense(hidden, "gelu"), layers.Dense(patches)])
        self.within = keras.Sequential([layers.Dense(hidden, "gelu"), layers.Dense(width)])
        self.normalize = layers.LayerNormalization(epsilon=1e-6)

    def build(self, input_shape):
        return super().build(input_shape)

    def call(self, inputs):
        x = self.normalize(inputs)
        x = inputs + ops.transpose(self.across(ops.transpose(x, (0, 2, 1))), (0, 2, 1))
        return x + self.within(self.normalize(x))


rng = np.random.default_rng(59)
images = rng.uniform(size=(48, 8, 8, 1)).astype("float32")
labels = rng.integers(0, 3, size=48)
model = keras.Sequential(
    [
        keras.Input((8, 8, 1)),
        Patches(4),
        layers.Dense(8),
        Mixer(4, 8, 12),
        Mixer(4, 8, 12),
        layers.GlobalAveragePooling1D(),
        layers.Dense(3),
    ]
)
model.compile("adam", keras.losses.SparseCategoricalCrossentropy(from_logits=True), metrics=["acc"])
history = model.fit(images, labels, batch_size=16, epochs=2, verbose=0)
