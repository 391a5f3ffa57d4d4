"""
A sweep over three settings
===========================

A hundred networks with random learning rates, sizes and shares of dropout.
Successive halving trains all of them for a few epochs, and lets the best third
go on, twice.
"""

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits

import chainrule as cr

X, y = load_digits(return_X_y=True)


def build(lr, hidden, dropout):
    model = cr.Sequential(
        [
            cr.layers.Dense(hidden, activation="relu"),
            cr.layers.Dropout(dropout),
            cr.layers.Dense(10, activation="softmax"),
        ]
    )
    model.compile(
        cr.optimizers.Adam(lr), "sparse_categorical_crossentropy", ["accuracy"]
    )
    return model


space = {
    "lr": cr.sweeps.LogUniform(1e-4, 1e-1),
    "hidden": [16, 64],
    "dropout": cr.sweeps.Uniform(0, 0.5),
}
result = cr.sweep(
    build,
    space,
    X / 16,
    y,
    models=100,
    halving=3,
    epochs=9,
    monitor="val_accuracy",
    verbose=0,
)
print(result.best.settings)
print(f"validation accuracy {result.best.score:.3f}")

# %%
# ``result.table`` has a row for each network. A dot's colour tells for how many
# epochs it was trained: those that were poor after one epoch got no more. The
# learning rate matters most.

table = result.table
rates, scores = (
    np.array(table["lr"], float),
    np.array(table["val_accuracy"], float),
)
epochs, hidden = np.array(table["epochs"], int), np.array(table["hidden"], int)
assert result.best.settings["hidden"] == 64
figure, axes = plt.subplots(figsize=(8, 4.4), layout="constrained")
for spent, colour in zip(
    np.unique(epochs), [cr.plots.COLOURS[i] for i in (5, 0, 1)], strict=True
):
    for units, marker in [(16, "o"), (64, "s")]:
        chosen = (epochs == spent) & (hidden == units)
        axes.semilogx(
            rates[chosen],
            scores[chosen],
            marker,
            color=colour,
            markersize=5 + units / 32,
            alpha=0.8,
        )
    axes.plot(
        [],
        [],
        "s",
        color=colour,
        label=f"trained for {spent} epoch{'s' if spent > 1 else ''}",
    )
axes.plot([], [], "ko", markersize=5, label="16 hidden units")
axes.plot([], [], "ks", markersize=7, label="64 hidden units")
axes.legend(frameon=False, loc="lower center")
cr.plots.finish(
    axes, xlabel="learning rate", ylabel="validation accuracy", ylim=(0, 1.02)
)
plt.show()
