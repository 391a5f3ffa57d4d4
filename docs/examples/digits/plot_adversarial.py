"""
A digit that is changed against the network
===========================================

The gradient with respect to the *input* tells which pixels to change in order to make the loss
larger. A small step in the direction of its sign, the fast gradient sign method, changes the
network's mind.
"""

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

import chainrule as cr

X, y = load_digits(return_X_y=True)
X, X_test, y, y_test = train_test_split(X / 16, y, test_size=300, random_state=0)


def logits(params, X):
    return cr.relu(X @ params["W"] + params["b"]) @ params["V"] + params["c"]


def loss(params, X, y):
    return cr.nll(cr.one_hot(10, y), cr.softmax(logits(params, X)))


rng = np.random.default_rng(0)
start = {
    "W": rng.normal(size=(64, 32)) / 8,
    "b": np.zeros(32),
    "V": rng.normal(size=(32, 10)) / 6,
    "c": np.zeros(10),
}
params, history = cr.minimize(loss, start, X, y, optimizer="adam", epochs=40, seed=0)

# %%
# ``argnums=1`` asks for the gradient with respect to the second argument, the pixels. All test
# digits are moved at once, by steps of several sizes. Pixels go from 0 (paper) to 1 (ink), and
# stay between them.

slope = cr.grad(loss, argnums=1)(params, X_test, y_test)
steps = np.linspace(0, 0.3, 13)


def moved(step):
    return np.clip(X_test + step * np.sign(slope), 0, 1)


accuracy = [np.mean(logits(params, moved(step)).argmax(axis=1) == y_test) for step in steps]
print(
    f"accuracy {accuracy[0]:.2f} without a step, {accuracy[-1]:.2f} with a step of {steps[-1]:.1f}"
)

# %%
# On the right is the first digit whose class changes with a step of 0.1: before, the step, and
# after. In the step's direction, red pixels get more ink and blue ones less.

before = logits(params, X_test).argmax(axis=1)
after = logits(params, moved(0.1)).argmax(axis=1)
sample = np.flatnonzero((before == y_test) & (after != y_test))[0]

figure, axes = plt.subplots(
    1, 4, figsize=(11, 3.2), width_ratios=[2, 1, 1, 1], layout="constrained"
)
cr.plots.curves(
    {"": (steps, accuracy)},
    xlabel="size of the step, as a share of full ink",
    ylabel="test accuracy",
    ylim=(0, 1.02),
    ax=axes[0],
)
cr.plots.image(X_test[sample].reshape(8, 8), f"seen as {before[sample]}", axes[1])
cr.plots.image(np.sign(slope[sample]).reshape(8, 8), "the step's direction", axes[2], cmap="RdBu_r")
cr.plots.image(moved(0.1)[sample].reshape(8, 8), f"seen as {after[sample]}", axes[3])
plt.show()
