"""
A siamese network: are these two digits the same?
=================================================

One network looks at two pictures, one after the other: the same layers, with
the same weights. It shall put equal digits near one another, and different ones
apart. What it learns is a map of digits.
"""

import matplotlib.pyplot as plt
import numpy as np

import chainrule as cr
from chainrule import keras
from chainrule.keras import layers, ops

keras.utils.set_random_seed(0)
digits = cr.data.load_digits()
images = digits.X_train.astype("float32")

# %%
# Pairs: half of them of the same digit.

rng = np.random.default_rng(0)
one = rng.integers(len(images), size=3000)
other = rng.integers(len(images), size=3000)
by_digit = [np.flatnonzero(digits.y_train == digit) for digit in range(10)]
other[::2] = [rng.choice(by_digit[digits.y_train[i]]) for i in one[::2]]
differ = (digits.y_train[one] != digits.y_train[other]).astype("float32")

# %%
# The model calls the base twice. The loss pulls equal digits together and
# pushes others apart until their distance is 1 (Hadsell, Chopra and LeCun,
# 2006).

base = keras.Sequential([
    layers.Input((64,)), layers.Dense(64, activation="relu"), layers.Dense(2),
])  # fmt: skip


def distance(points):
    a, b = points
    square = ops.sum(ops.square(a - b), axis=1, keepdims=True)
    return ops.sqrt(square + 1e-6)


def contrastive(differ, far):
    near = ops.square(ops.maximum(1 - far, 0))
    return ops.mean((1 - differ) * ops.square(far) + differ * near)


first, second = layers.Input((64,)), layers.Input((64,))
apart = layers.Lambda(distance, output_shape=(1,))([base(first), base(second)])
model = keras.Model([first, second], apart)
model.compile(keras.optimizers.Adam(0.003), contrastive)
history = model.fit(
    [images[one], images[other]], differ[:, None], epochs=30, batch_size=64,
    verbose=0,
)  # fmt: skip
losses = history.history["loss"]
print(f"loss {losses[0]:.3f} → {losses[-1]:.3f}")

# %%
# The map of digits that were not seen in training.

places = base.predict(digits.X_test.astype("float32"), verbose=0)
figure, axes = plt.subplots(figsize=(7, 5), layout="constrained")
picture = axes.scatter(*places.T, c=digits.y_test, cmap="tab10", s=14)
axes.set(xlabel="first coordinate", ylabel="second coordinate")
figure.colorbar(picture, label="digit")
plt.show()
