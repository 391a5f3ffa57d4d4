"""A U-net: down, up, and a connection across."""

import numpy as np
import keras
from keras import layers

rng = np.random.default_rng(5)
images = rng.uniform(size=(12, 16, 16, 1)).astype("float32")
masks = (images > 0.5).astype("float32")

inputs = keras.Input((16, 16, 1))
a = layers.Conv2D(4, 3, padding="same", activation="relu")(inputs)
b = layers.MaxPooling2D()(a)
b = layers.Conv2D(6, 3, padding="same", activation="relu")(b)
c = layers.UpSampling2D()(b)
c = layers.Concatenate()([c, a])
c = layers.Conv2D(4, 3, padding="same", activation="relu")(c)
outputs = layers.Conv2D(1, 1, activation="sigmoid")(c)
model = keras.Model(inputs, outputs)
model.compile("adam", "binary_crossentropy", metrics=["accuracy"])
model.fit(images, masks, epochs=2, batch_size=4, verbose=0, shuffle=False)
drawn = model.predict(images[:2], verbose=0)
