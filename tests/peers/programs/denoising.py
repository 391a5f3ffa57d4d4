"""A denoising network with noise, dropout of whole channels, and noise shapes. Random outcomes."""

import keras
import numpy as np
from keras import layers

rng = np.random.default_rng(3)
x = rng.normal(size=(60, 12, 4)).astype("float32")
model = keras.Sequential(
    [
        keras.Input(shape=(12, 4)),
        layers.GaussianNoise(0.1),
        layers.Conv1D(8, 3, padding="same", activation="relu"),
        layers.SpatialDropout1D(0.2),
        layers.Dropout(0.2, noise_shape=(None, 1, 8), seed=3),
        layers.Conv1D(4, 3, padding="same"),
    ]
)
model.compile("adam", "mse", metrics=["mae"])
history = model.fit(x, x, epochs=2, batch_size=20, verbose=0, validation_split=0.2)
quiet = np.abs(model.predict(x, verbose=0) - model.predict(x, verbose=0)).max() == 0
restored = model.predict(x, verbose=0)
images = layers.SpatialDropout2D(0.5)(np.ones((2, 3, 3, 4), "float32"), training=True)
gaussian = layers.GaussianDropout(0.3)(np.ones((2, 5), "float32"), training=True)
