"""
A Gaussian process that finds its own scales
============================================

The marginal likelihood of a Gaussian process needs a Cholesky factor and a
linear system; both can be differentiated. So the length scale and the noise
follow from the data by gradient descent.
"""

import matplotlib.pyplot as plt
import numpy as np

import chainrule as cr

BLUE, ORANGE, *_ = cr.plots.COLOURS

rng = np.random.default_rng(1)
x = np.sort(rng.uniform(0, 10, 30))
y = np.sin(x) + rng.normal(0, 0.2, 30)


def kernel(scales, a, b):
    length, height = np.exp(scales[0]), np.exp(scales[1])
    return height**2 * np.exp(-(((a[:, None] - b) / length) ** 2) / 2)


# %%
# The negative logarithm of the likelihood of all observations. ``scales`` holds
# the logarithms of length, height and noise.


def loss(scales, x, y):
    noise = np.exp(scales[2])
    K = kernel(scales, x, x) + noise**2 * np.eye(len(x))
    factor = np.linalg.cholesky(K)
    whitened = np.linalg.solve(factor, y)
    return whitened @ whitened / 2 + np.sum(np.log(np.diag(factor)))


value_and_gradient = cr.value_and_grad(loss)
optimizer = cr.optimizers.Adam(0.05)
first = scales = np.log([0.2, 1.0, 1.0])
state = optimizer.init(scales)
values = []
for _ in range(200):
    value, slope = value_and_gradient(scales, x, y)
    values.append(value)
    scales, state = optimizer.update(scales, slope, state)
length, height, noise = np.exp(scales)
print(f"length {length:.2f}, height {height:.2f}")
print(f"noise {noise:.2f}; the data were made with 0.2")
assert values[-1] < values[0]
assert 0.1 < noise < 0.3

# %%
# With the first scales, an observation tells only of the points right beside
# it. With the scales that were found, it follows the sine, and its band is wide
# where there are no points.


def posterior(scales, line):
    K = kernel(scales, x, x) + np.exp(scales[2]) ** 2 * np.eye(len(x))
    across = kernel(scales, line, x)
    mean = across @ np.linalg.solve(K, y)
    variance = np.exp(scales[1]) ** 2 - np.sum(
        across * np.linalg.solve(K, across.T).T, axis=1
    )
    return mean, np.sqrt(variance)


line = np.linspace(-1, 11, 200)
figure, panels = plt.subplots(
    1, 2, figsize=(8.5, 3.7), layout="constrained", sharey=True
)
for axes, (title, values) in zip(
    panels,
    {"first scales": first, "fitted scales": scales}.items(),
    strict=True,
):
    mean, deviation = posterior(values, line)
    axes.fill_between(
        line,
        mean - 2 * deviation,
        mean + 2 * deviation,
        color=BLUE,
        alpha=0.25,
        label="± two standard deviations",
    )
    axes.plot(line, mean, color=BLUE, linewidth=2, label="mean")
    axes.plot(x, y, "o", color=ORANGE, markersize=4, label="observations")
    cr.plots.finish(axes, title=title, xlabel="x")
panels[0].set_ylabel("y")
panels[1].legend(frameon=False, loc="upper center", fontsize=9)
plt.show()
