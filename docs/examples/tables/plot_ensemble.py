"""
An ensemble shows where nothing was measured
============================================

Networks that differ in their initial weights alone agree where there is data
and differ where there is none. Their mean errs less than they do, and their
spread warns. ``cr.vmap`` trains twenty of them side by side.
"""

import matplotlib.pyplot as plt
import numpy as np

import chainrule as cr

BLUE, ORANGE, *_, GREY = cr.plots.COLOURS

rng = np.random.default_rng(0)
X = np.concatenate([rng.uniform(-4, -1, 40), rng.uniform(1.5, 4, 40)])
y = np.sin(1.5 * X) + rng.normal(0, 0.25, len(X))

MEMBERS, UNITS = 20, 40
start = {
    "W": rng.normal(size=(MEMBERS, UNITS)) * 1.5,
    "b": rng.normal(size=(MEMBERS, UNITS)) * 3,
    "v": rng.normal(size=(MEMBERS, UNITS)) / 6,
}

# %%
# The functions are written for one network. ``vmap`` makes them functions of
# twenty: of each parameter, the first axis has an entry for each member.


def predict(params, X):
    return np.tanh(X[:, None] * params["W"] + params["b"]) @ params["v"]


predict_all = cr.vmap(predict, in_axes=(0, None))


def loss(params, X, y):
    return np.mean(np.sum((predict_all(params, X) - y) ** 2, axis=0))


params, history = cr.minimize(
    loss,
    start,
    X,
    y,
    optimizer=cr.optimizers.Adam(0.01),
    batch_size=80,
    epochs=1000,
    seed=0,
)

# %%
# Between the two groups of points and beside them, where nothing was measured,
# the members go apart.

line = np.linspace(-5, 5, 200)
truth = np.sin(1.5 * line)
predictions = predict_all(params, line)
near_data = (line > -4) & (line < -1) | (line > 1.5) & (line < 4)
mean, spread = predictions.mean(axis=0), predictions.std(axis=0)
error_of_members = np.sqrt(np.mean((predictions - truth)[:, near_data] ** 2))
error_of_mean = np.sqrt(np.mean((mean - truth)[near_data] ** 2))
print(f"error {error_of_members:.3f}; of the mean {error_of_mean:.3f}")
beside, within = spread[~near_data].mean(), spread[near_data].mean()
print(f"spread {within:.2f} near data, {beside:.2f} elsewhere")
assert error_of_mean < error_of_members
assert beside > 2 * within

figure, axes = plt.subplots(figsize=(8, 4.4), layout="constrained")
axes.plot(line, predictions.T, color=GREY, linewidth=0.8, alpha=0.7)
axes.plot([], [], color=GREY, label="members")
axes.plot(line, mean, color=BLUE, linewidth=2.5, label="their mean")
axes.plot(line, truth, "k--", linewidth=1, label="truth")
axes.plot(X, y, "o", color=ORANGE, markersize=4, label="measurements")
axes.legend(frameon=False, ncols=4, loc="lower center")
cr.plots.finish(axes, xlabel="x", ylabel="y", ylim=(-2, 1.8))
plt.show()
