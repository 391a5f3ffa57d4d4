"""
A digit that is changed against the network
===========================================

The gradient with respect to the *input* tells which pixels to change in order
to make the loss larger. A small step in the direction of its sign, the fast
gradient sign method, changes the network's mind.
"""

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

import chainrule as cr

X, y = load_digits(return_X_y=True)
X, X_test, y, y_test = train_test_split(
    X / 16, y, test_size=300, random_state=0
)


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
params, history = cr.minimize(
    loss, start, X, y, optimizer="adam", epochs=40, seed=0
)

# %%
# ``argnums=1`` asks for the gradient with respect to the second argument, the
# pixels. They go from 0 (paper) to 1 (ink), and stay between them.

slope = cr.grad(loss, argnums=1)(params, X_test, y_test)


def moved(step):
    return np.clip(X_test + step * np.sign(slope), 0, 1)


def predicted(X):
    return logits(params, X).argmax(axis=1)


# %%
# The first test digit whose class changes with a step of 0.1: before, the step,
# and after. Red pixels get more ink and blue ones less.

before, after = predicted(X_test), predicted(moved(0.1))
sample = np.flatnonzero((before == y_test) & (after != y_test))[0]
digit, step, attacked = (
    values[sample].reshape(8, 8)
    for values in (X_test, np.sign(slope), moved(0.1))
)

figure, panels = plt.subplots(1, 3, figsize=(8, 3.2), layout="constrained")
cr.plots.image(digit, f"seen as {before[sample]}", panels[0], vmin=0, vmax=1)
cr.plots.image(step, "the step", panels[1], cmap="RdBu_r", vmin=-2, vmax=2)
cr.plots.image(attacked, f"seen as {after[sample]}", panels[2], vmin=0, vmax=1)

# %%
# All test digits, moved by steps of several sizes.

steps = np.linspace(0, 0.3, 13)
accuracy = [np.mean(predicted(moved(step)) == y_test) for step in steps]
print(f"accuracy without a step: {accuracy[0]:.2f}")
print(f"accuracy with a step of {steps[-1]:.1f}: {accuracy[-1]:.2f}")

cr.plots.curves(
    {"": (steps, accuracy)},
    xlabel="size of the step, as a share of full ink",
    ylabel="test accuracy",
    ylim=(0, 1.02),
)
plt.show()
