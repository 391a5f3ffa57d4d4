"""
Class weights for a rare class
==============================

One sample in twenty-five is a fault. A classifier that counts all mistakes
alike misses many of them; class weights make a missed fault as dear as the many
good samples.
"""

import matplotlib.pyplot as plt
import numpy as np
from sklearn.metrics import precision_score, recall_score

import chainrule as cr

BLUE, ORANGE, *_ = cr.plots.COLOURS

rng = np.random.default_rng(0)


def samples(n):
    y = (rng.random(n) < 0.04).astype(int)
    X = (
        rng.normal(size=(n, 2)) * np.where(y, 0.6, 1)[:, None]
        + np.where(y, 1.5, 0)[:, None]
    )
    return X, y


X, y = samples(2000)
X_test, y_test = samples(5000)

# %%
# ``class_weight="balanced"`` weighs each class by the inverse of its frequency.

models = {
    weight: cr.estimators.MLPClassifier(
        (16,),
        activation="tanh",
        class_weight=weight,
        learning_rate_init=0.01,
        random_state=0,
    ).fit(X, y)
    for weight in [None, "balanced"]
}
recalls = []
for weight, model in models.items():
    predicted = model.predict(X_test)
    recalls.append(recall_score(y_test, predicted))
    precision = precision_score(y_test, predicted, zero_division=0)
    print(
        f"{weight or 'equal weights'}: {recalls[-1]:.0%} of the faults found, ",
        end="",
    )
    print(f"{precision:.0%} of the alarms are faults")
assert recalls[1] > recalls[0]

# %%
# The shaded area is where a model calls an alarm. With balanced weights it is
# larger: more faults are found, and more good samples are called faults. Which
# of the two is worse is not for the network to say.

across, up = np.meshgrid(np.linspace(-3.5, 4, 100), np.linspace(-3.5, 4, 100))
grid = np.column_stack([across.ravel(), up.ravel()])
figure, panels = plt.subplots(
    1, 2, figsize=(8.5, 4.2), layout="constrained", sharey=True
)
for axes, (weight, model) in zip(panels, models.items(), strict=True):
    alarm = model.predict_proba(grid)[:, 1].reshape(across.shape)
    axes.contourf(across, up, alarm, [0.5, 1], colors=[ORANGE], alpha=0.25)
    axes.contour(across, up, alarm, [0.5], colors=[ORANGE], linewidths=2)
    axes.plot(*X[y == 0].T, ".", color=BLUE, markersize=3, label="good")
    axes.plot(*X[y == 1].T, "^", color=ORANGE, markersize=6, label="fault")
    cr.plots.finish(
        axes, title=f"class_weight={weight!r}", xlabel="first measurement"
    )
panels[0].set_ylabel("second measurement")
panels[0].legend(loc="lower left")
plt.show()
