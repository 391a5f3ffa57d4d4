"""
The Hessian's eigenvalues along training
========================================

The largest eigenvalue of the Hessian, the sharpness, limits the learning rate:
on a parabola, gradient descent diverges where it exceeds 2 divided by the rate.
A network can leave such a place by itself.
"""

import matplotlib.pyplot as plt
import numpy as np

import chainrule as cr

BLUE, ORANGE, *_ = cr.plots.COLOURS

rng = np.random.default_rng(0)
X = np.linspace(-1, 1, 20)[:, None]
y = np.sin(4 * X[:, 0])
UNITS = 12


def loss(weights, X, y):
    into, bias, out = np.split(weights, 3)
    return np.mean((np.tanh(X * into + bias) @ out - y) ** 2)


# %%
# All weights are one vector of 36 numbers, so ``cr.hessian`` is a matrix of 36
# × 36. Gradient descent takes all samples in every update.

value_and_gradient = cr.jit(cr.value_and_grad(loss))
hessian = cr.jit(cr.hessian(loss))
rate, updates = 0.25, 2400
weights = rng.normal(size=3 * UNITS) * np.repeat([2, 1, 0.3], UNITS)
losses, moments, spectra = [], [], []
for update in range(updates):
    value, gradient = value_and_gradient(weights, X, y)
    losses.append(value)
    if update % 20 == 0:
        moments.append(update)
        spectra.append(np.linalg.eigvalsh(hessian(weights, X, y)))
    weights = weights - rate * gradient
spectra = np.array(spectra)

# %%
# The sharpness grows beyond the edge, the dashed line, and the loss rises
# steeply. Gradient descent is thrown to another place, which is less curved,
# and learns on from there, just below the edge. Few directions are curved at
# all: of 36 eigenvalues most are close to zero.

print(f"loss {losses[0]:.3f} → {losses[-1]:.4f}")
assert spectra[:, -1].max() > 2 / rate > spectra[-1, -1] - 0.1
print(
    f"edge {2 / rate:.1f}, largest eigenvalue at the end {spectra[-1, -1]:.1f}"
)
flat = np.sum(np.abs(spectra[-1]) < 0.01 * spectra[-1, -1])
print(f"{flat} of 36 eigenvalues are below a hundredth of it")
figure, (left, right) = plt.subplots(
    1, 2, figsize=(8.5, 3.7), layout="constrained"
)
cr.plots.curves(
    {"": (range(updates), losses)},
    xlabel="update",
    ylabel="mean squared error",
    yscale="log",
    ax=left,
)
right.plot(moments, spectra[:, -6:], linewidth=1.6, color=BLUE)
right.axhline(2 / rate, color=ORANGE, linestyle="--", label="2 ÷ learning rate")
right.legend(frameon=False)
cr.plots.finish(right, xlabel="update", ylabel="the six largest eigenvalues")
plt.show()
