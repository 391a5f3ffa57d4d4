"""
An autoencoder puts digits on a plane
=====================================

An autoencoder learns to repeat its input through a narrow layer. Here the
narrow layer has two units, so every digit becomes a point of the plane, without
any label.
"""

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits

import chainrule as cr

X, y = load_digits(return_X_y=True)
X = (X / 16).astype("float32")

encoder = cr.Sequential(
    [cr.layers.Dense(64, activation="tanh"), cr.layers.Dense(2)], seed=0
)
decoder = cr.Sequential(
    [
        cr.layers.Dense(64, activation="tanh"),
        cr.layers.Dense(64, activation="sigmoid"),
    ],
    seed=1,
)
model = cr.Sequential([encoder, decoder])
model.compile(cr.optimizers.Adam(0.005), "mse")
history = model.fit(X, X, epochs=40, batch_size=64, verbose=0, seed=0)
print(
    f"squared error of a pixel: {history.loss[0]:.3f} → {history.loss[-1]:.3f}"
)

# %%
# The encoder alone gives the points. The colours are the labels, which the
# network never saw: many digits of one kind lie together, because they look
# alike.

codes = encoder.predict(X, verbose=0)
figure, axes = plt.subplots(figsize=(7, 5.5), layout="constrained")
points = axes.scatter(*codes.T, c=y, cmap="tab10", vmin=-0.5, vmax=9.5, s=8)
for digit in range(10):
    middle = np.median(codes[y == digit], axis=0)
    axes.text(
        *middle,
        digit,
        fontsize=15,
        weight="bold",
        ha="center",
        va="center",
        bbox={
            "facecolor": "white",
            "alpha": 0.8,
            "edgecolor": "none",
            "pad": 1.5,
        },
    )
figure.colorbar(points, ticks=range(10), label="digit")
cr.plots.finish(
    axes, xlabel="first unit of the narrow layer", ylabel="second unit"
)

# %%
# The decoder paints a digit from two numbers. The lower row is what remains of
# the upper one.

reconstructions = model.predict(X[:10], verbose=0)
figure, grid = plt.subplots(2, 10, figsize=(8.5, 2.1), layout="constrained")
for column in range(10):
    cr.plots.image(X[column].reshape(8, 8), ax=grid[0, column])
    cr.plots.image(reconstructions[column].reshape(8, 8), ax=grid[1, column])
grid[0, 0].set_ylabel("digit")
grid[1, 0].set_ylabel("from two\nnumbers")
plt.show()
