"""
Dropout against overfitting
===========================

A large network learns 800 digits by heart, also those whose label is random,
here four in ten. Dropout sets a random half of the hidden units to zero in
every update, so that no unit can rely on another.
"""

import matplotlib.pyplot as plt
import numpy as np

import chainrule as cr

digits = cr.data.load_digits()
X, y = digits.X_train[:800], digits.y_train[:800].copy()
rng = np.random.default_rng(0)
noisy = rng.choice(800, 320, replace=False)
y[noisy] = rng.integers(0, 10, 320)


def fitted(rate):
    model = cr.Sequential(
        [
            cr.layers.Dense(128, activation="relu"),
            cr.layers.Dropout(rate),
            cr.layers.Dense(10, activation="softmax"),
        ],
        seed=0,
    )
    model.compile(
        cr.optimizers.Adam(0.003),
        "sparse_categorical_crossentropy",
        ["accuracy"],
    )
    test = (digits.X_test, digits.y_test)
    return model.fit(X, y, epochs=60, validation_data=test, verbose=0, seed=0)


# %%
# The dashed lines are losses on the digits of training, the solid ones on
# unseen digits. In training a network with dropout is worse, because half of it
# is missing; on unseen digits it is better.

figure, axes = plt.subplots(figsize=(7, 4.2), layout="constrained")
ends = {}
for rate, colour in zip([0.0, 0.5], cr.plots.COLOURS, strict=False):
    history = fitted(rate)
    label = f"dropout {rate:.0%}"
    axes.semilogy(
        history.val_loss,
        color=colour,
        linewidth=2,
        label=f"{label}, unseen digits",
    )
    axes.semilogy(
        history.loss,
        "--",
        color=colour,
        linewidth=1.5,
        label=f"{label}, training",
    )
    ends[rate] = history.val_loss[-1]
    print(f"{label}: training loss {history.loss[-1]:.2f}, ", end="")
    print(f"loss on unseen digits {ends[rate]:.2f}")
assert ends[0.5] < ends[0.0] - 0.1
axes.legend(frameon=False, loc="lower left")
cr.plots.finish(axes, xlabel="epoch", ylabel="cross-entropy loss")
plt.show()
