"""
Too small, right, too large: a map of learning rates
====================================================

The lab's network is trained with many learning rates and batch sizes. Too small
a rate learns little in the same time; too large a rate makes the loss jump or
grow.
"""

import matplotlib.pyplot as plt
import numpy as np

import chainrule as cr

digits = cr.data.load_digits()


def loss(params, X, y):
    hidden = cr.sigmoid(X @ params["W"] + params["b"])
    return cr.nll(
        cr.one_hot(10, y), cr.softmax(hidden @ params["V"] + params["c"])
    )


rng = np.random.default_rng(0)
start = {
    "W": rng.uniform(-0.1, 0.1, (64, 10)),
    "b": np.zeros(10),
    "V": rng.uniform(-0.1, 0.1, (10, 10)),
    "c": np.zeros(10),
}

# %%
# Every cell of the map is one training of ten epochs from the same start.

rates = [0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1, 3, 10, 30]
sizes = [1, 4, 16, 64, 256]
losses = np.empty((len(sizes), len(rates)))
for row, size in enumerate(sizes):
    for column, rate in enumerate(rates):
        params, history = cr.minimize(
            loss,
            start,
            digits.X_train,
            digits.y_train,
            optimizer=cr.optimizers.SGD(rate),
            batch_size=size,
            epochs=10,
            seed=0,
            engine="compiled",
        )
        losses[row, column] = loss(params, digits.X_test, digits.y_test)

# %%
# The best rate grows with the batch size, because the gradient of a larger
# batch is less noisy. The frame marks the least loss of all. Untrained, the
# network has a loss of 2.3.

best = np.unravel_index(losses.argmin(), losses.shape)
print(f"least loss {losses.min():.3f}:", end=" ")
print(f"batches of {sizes[best[0]]}, a rate of {rates[best[1]]}")
assert np.all(np.diff(losses.argmin(axis=1)) >= 0)
figure, axes = plt.subplots(figsize=(9, 4), layout="constrained")
cr.plots.heat_map(
    np.log10(losses),
    sizes,
    rates,
    xlabel="learning rate",
    ylabel="batch size",
    title="test loss after ten epochs",
    write=lambda value: f"{10**value:.2f}",
    cmap="viridis_r",
    mark=best,
    ax=axes,
)
plt.show()
