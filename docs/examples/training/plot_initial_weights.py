"""
Why initial weights have a scale
================================

A signal goes through twenty layers. With weights that are too small it dies out
on its way; with weights that are too large all units saturate, and the gradient
grows from layer to layer on its way back. Glorot's scale avoids both.
"""

import matplotlib.pyplot as plt
import numpy as np

import chainrule as cr

rng = np.random.default_rng(0)
DEPTH, WIDTH = 20, 64
X = rng.normal(size=(200, WIDTH))
noise = rng.normal(size=(DEPTH, WIDTH, WIDTH))


def activations(weights, X):
    layers = []
    for W in weights:
        X = np.tanh(X @ W)
        layers.append(X)
    return layers


def loss(weights, X):
    return np.mean(activations(weights, X)[-1] ** 2)


# %%
# The standard deviation of a weight is a multiple of √(1 / 64), which is
# Glorot's scale for layers of 64 inputs and 64 outputs.

scales = {
    "a third of Glorot's": 1 / 3,
    "Glorot's": 1.0,
    "three times Glorot's": 3.0,
}
figure, (left, right) = plt.subplots(
    1, 2, figsize=(8.5, 3.7), layout="constrained"
)
for (name, scale), colour in zip(
    scales.items(), cr.plots.COLOURS, strict=False
):
    weights = list(noise * scale / np.sqrt(WIDTH))
    spread = [np.std(layer) for layer in activations(weights, X)]
    slopes = [np.linalg.norm(slope) for slope in cr.grad(loss)(weights, X)]
    left.semilogy(
        range(1, DEPTH + 1),
        spread,
        "o-",
        color=colour,
        label=name,
        markersize=4,
    )
    right.semilogy(
        range(1, DEPTH + 1),
        slopes,
        "o-",
        color=colour,
        label=name,
        markersize=4,
    )
    print(f"{name:21} spread {spread[-1]:.1e}, first gradient {slopes[0]:.1e}")
left.legend(frameon=False)
cr.plots.finish(left, xlabel="layer", ylabel="standard deviation of the units")
cr.plots.finish(right, xlabel="layer", ylabel="length of the weights' gradient")
left.set_xticks(range(0, 21, 5))
right.set_xticks(range(0, 21, 5))
plt.show()
