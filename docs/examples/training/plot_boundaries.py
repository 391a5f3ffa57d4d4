"""
A decision boundary while it is learned
=======================================

Two interleaving half moons cannot be told apart by a straight line. The
pictures show what a small network believes at several moments of its training.
"""

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import make_moons

import chainrule as cr

X, y = make_moons(300, noise=0.2, random_state=0)
model = cr.Sequential(
    [
        cr.layers.Dense(16, activation="tanh"),
        cr.layers.Dense(16, activation="tanh"),
        cr.layers.Dense(1, activation="sigmoid"),
    ],
    seed=0,
)
model.compile(cr.optimizers.Adam(0.01), "binary_crossentropy", ["accuracy"])

# %%
# ``fit`` goes on from where the model is, so that six calls make one training.
# After each of them the model is asked for every point of a grid.

across, up = np.meshgrid(np.linspace(-1.8, 2.8, 80), np.linspace(-1.3, 1.8, 60))
grid = np.column_stack([across.ravel(), up.ravel()])
pictures, epochs = {}, 0
for more in [1, 4, 10, 15, 30, 60]:
    history = model.fit(X, y[:, None], epochs=more, verbose=0)
    epochs += more
    probability = model.predict(grid, verbose=0).reshape(across.shape)
    pictures[epochs] = probability, history.history["accuracy"][-1]

# %%
# The black line is where both classes are equally likely. First it is nearly
# straight, then it bends around the tips of the moons.

figure, panels = plt.subplots(
    2, 3, figsize=(8.5, 5), layout="constrained", sharex=True, sharey=True
)
for axes, (epoch, (probability, accuracy)) in zip(
    panels.flat, pictures.items(), strict=True
):
    shade = axes.contourf(
        across, up, probability, np.linspace(0, 1, 11), cmap="PuOr", alpha=0.6
    )
    axes.contour(across, up, probability, [0.5], colors="black", linewidths=2)
    for moon, (marker, colour) in enumerate(
        [("o", "#b35806"), ("^", "#542788")]
    ):
        axes.plot(*X[y == moon].T, marker, color=colour, markersize=3.5)
    axes.set_title(f"epoch {epoch}: {accuracy:.0%} right")
figure.colorbar(
    shade, ax=panels, label="probability of the second moon", ticks=[0, 0.5, 1]
)
figure.supxlabel("first feature")
figure.supylabel("second feature")
plt.show()
