"""
Is it right as often as it says?
================================

A network that was trained for long is too sure of itself. A reliability diagram
shows it, and one number, the temperature, cures it: it is fitted afterwards, by
``cr.minimize``.
"""

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import make_classification

import chainrule as cr

BLUE, ORANGE, *_, GREY = cr.plots.COLOURS

X, y = make_classification(
    4000,
    20,
    n_informative=8,
    n_classes=3,
    flip_y=0.15,
    class_sep=1.0,
    random_state=0,
)
train, validation, test = slice(0, 1000), slice(1000, 2000), slice(2000, 4000)
model = cr.Sequential(
    [cr.layers.Dense(64, activation="relu"), cr.layers.Dense(3)], seed=0
)
model.compile(
    cr.optimizers.Adam(0.01),
    cr.losses.SparseCategoricalCrossentropy(from_logits=True),
)
model.fit(X[train], y[train], epochs=40, verbose=0, seed=0)
logits = model.predict(X, verbose=0).astype(float)

# %%
# All logits are divided by the temperature, which leaves the order of the
# classes as it is. The temperature with the least loss on rows that were held
# back is the right one.


def loss(log_temperature, logits, y):
    return cr.nll(
        cr.one_hot(3, y), cr.softmax(logits / np.exp(log_temperature))
    )


fitted, history = cr.minimize(
    loss,
    np.zeros(()),
    logits[validation],
    y[validation],
    optimizer=cr.optimizers.Adam(0.05),
    epochs=20,
    seed=0,
)
temperature = np.exp(fitted)
print(f"temperature {temperature:.2f}")
assert temperature > 1.5

# %%
# Predictions are put into bins by their probability. A network whose
# probabilities are right lies on the diagonal: of what it says with 80 %, 80 %
# is right. Before, it is below, which means too sure.


def reliability(probabilities, bins):
    sure = probabilities.max(axis=1)
    right = probabilities.argmax(axis=1) == y[test]
    members = [
        np.digitize(sure, bins) == number for number in range(1, len(bins))
    ]
    filled = [rows for rows in members if rows.sum() >= 20]
    points = np.array(
        [(sure[rows].mean(), right[rows].mean()) for rows in filled]
    )
    shares = np.array([rows.mean() for rows in filled])
    return points, shares @ np.abs(points[:, 0] - points[:, 1])


bins = np.linspace(0.3, 1 + 1e-9, 9)
figure, axes = plt.subplots(figsize=(5.6, 5), layout="constrained")
axes.plot([0.3, 1], [0.3, 1], color=GREY, linewidth=1)
gaps = []
for name, divisor, colour in [
    ("trained", 1, ORANGE),
    ("with temperature", temperature, BLUE),
]:
    points, gap = reliability(cr.softmax(logits[test] / divisor), bins)
    gaps.append(gap)
    axes.plot(
        *points.T,
        "o-",
        color=colour,
        linewidth=2,
        label=f"{name}: mean gap {gap:.1%}",
    )
    print(f"{name}: mean gap {gap:.1%}")
assert gaps[1] < gaps[0] / 2
axes.legend(frameon=False, loc="upper left")
cr.plots.finish(
    axes,
    xlabel="probability of the predicted class",
    ylabel="share of right predictions",
)
plt.show()
