"""
How noisy is the gradient of a batch?
=====================================

The gradient of a batch is an estimate of the gradient of all samples. Its error
falls with the square root of the batch size: four times the work for half the
noise.
"""

import matplotlib.pyplot as plt
import numpy as np

import chainrule as cr

BLUE, ORANGE, *_ = cr.plots.COLOURS

digits = cr.data.load_digits()
X, y = digits.X_train.astype(float), digits.y_train


def loss(W, X, y):
    return cr.nll(cr.one_hot(10, y), cr.softmax(X @ W))


W, history = cr.minimize(loss, np.zeros((64, 10)), X, y, epochs=2, seed=0)

# %%
# The gradient of all samples is the truth. For each batch size, 200 batches are
# drawn, and the error is the distance from the truth, as a share of its length.

gradient = cr.grad(loss)
truth = gradient(W, X, y)
rng = np.random.default_rng(0)
sizes = 2 ** np.arange(9)
errors = np.empty((len(sizes), 200))
for row, size in enumerate(sizes):
    for column in range(200):
        batch = rng.integers(0, len(X), size)
        errors[row, column] = np.linalg.norm(
            gradient(W, X[batch], y[batch]) - truth
        )
errors /= np.linalg.norm(truth)

# %%
# On logarithmic axes, the law of the square root is a straight line. With a
# single sample the error is several times as large as the gradient itself, and
# training works all the same: errors of many updates cancel out.

typical = np.sqrt(np.mean(errors**2, axis=1))
slope = np.polyfit(np.log(sizes), np.log(typical), 1)[0]
print(f"the error falls with the power {slope:.2f} of the batch size")
assert abs(slope + 0.5) < 0.05
assert typical[0] > 2

figure, axes = plt.subplots(figsize=(7, 4.2), layout="constrained")
axes.loglog(np.repeat(sizes, 200), errors.ravel(), ".", color=BLUE, alpha=0.15)
axes.loglog(
    sizes,
    typical,
    "o-",
    color=ORANGE,
    linewidth=2,
    label="root of the mean square",
)
axes.loglog(
    sizes,
    typical[0] / np.sqrt(sizes),
    "k--",
    linewidth=1,
    label="1 / √(batch size)",
)
axes.legend(frameon=False)
cr.plots.finish(
    axes, xlabel="samples in a batch", ylabel="error ÷ length of the gradient"
)
axes.set_xticks(sizes, sizes)
plt.show()
