"""
A U-net finds the disc in the noise
===================================

A U-net makes a picture small, so that it sees the whole, and large again, with
connections across, so that it keeps the details (Ronneberger, Fischer and Brox,
2015). Here it says of each pixel whether it belongs to a disc.
"""

import matplotlib.pyplot as plt
import numpy as np

from chainrule import keras
from chainrule.keras import layers

keras.utils.set_random_seed(0)
SIZE = 32

# %%
# Discs of a random place and size, in noise that is as strong as they are.

rng = np.random.default_rng(0)
row, column = np.mgrid[:SIZE, :SIZE]
centres, radii = rng.uniform(8, 24, size=(140, 2)), rng.uniform(4, 9, size=140)
masks = np.stack([
    (row - y) ** 2 + (column - x) ** 2 < radius**2
    for (y, x), radius in zip(centres, radii, strict=True)
]).astype("float32")[..., None]  # fmt: skip
images = (masks + rng.normal(size=masks.shape)).astype("float32")

# %%
# The model: two steps down, two steps up, two connections across.


def convolved(x, filters):
    return layers.Conv2D(filters, 3, padding="same", activation="relu")(x)


def enlarged(x, across, filters):
    x = layers.Concatenate()([layers.UpSampling2D()(x), across])
    return convolved(x, filters)


inputs = keras.Input((SIZE, SIZE, 1))
whole = convolved(inputs, 8)
half = convolved(layers.MaxPooling2D()(whole), 16)
quarter = convolved(layers.MaxPooling2D()(half), 16)
up = enlarged(enlarged(quarter, half, 16), whole, 8)
outputs = layers.Conv2D(1, 1, activation="sigmoid")(up)
model = keras.Model(inputs, outputs)
model.compile(
    keras.optimizers.Adam(0.01), "binary_crossentropy", metrics=["accuracy"]
)
history = model.fit(
    images[:120], masks[:120], epochs=8, batch_size=10, verbose=0,
    validation_data=(images[120:], masks[120:]),
)  # fmt: skip
print(f"pixels that are right: {history.history['val_accuracy'][-1]:.1%}")

# %%
# Three pictures that were not seen in training: what the network is given, what
# it says, and what is right.

shown = slice(120, 123)
answers = model.predict(images[shown], verbose=0)
rows = {"noise": images[shown], "answer": answers, "disc": masks[shown]}
figure, grid = plt.subplots(3, 3, figsize=(6, 6), layout="constrained")
for axes, (name, pictures) in zip(grid, rows.items(), strict=True):
    for ax, picture in zip(axes, pictures, strict=True):
        ax.imshow(picture[..., 0], cmap="gray", vmin=0, vmax=1)
        ax.set(xticks=[], yticks=[])
    axes[0].set_ylabel(name)
plt.show()
