"""The gradient of each layer in a deep network, with sigmoid, tanh and relu."""

from pathlib import Path

import numpy as np
from extensions.figures import COLOURS, axes, save

import chainrule as cr

DEPTH, WIDTH = 12, 16
FUNCTIONS = {"sigmoid": cr.sigmoid, "tanh": np.tanh, "relu": cr.relu}


def loss_with(f):
    """Return the loss of a network of `DEPTH` layers with the activation `f`."""

    def loss(params, X, y):
        h = X
        for k in range(DEPTH):
            h = f(h @ params["W"][k])
        return np.mean((np.mean(h, axis=1) - y) ** 2)

    return loss


def curve_of(f):
    """Return the activation itself, for its plot."""
    return lambda params, X: f(X[:, 0])


def build(folder: Path) -> None:
    """Write a network for each activation, and draw its gradients by layer."""
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(64, WIDTH)).astype(np.float32), rng.normal(size=64).astype(np.float32)
    W = (rng.normal(size=(DEPTH, WIDTH, WIDTH)) / np.sqrt(WIDTH)).astype(np.float32)
    figure, plot = axes()
    for (name, f), colour in zip(FUNCTIONS.items(), COLOURS, strict=True):
        loss, params = loss_with(f), {"W": np.zeros_like(W)}
        cr.export_web(loss, params, X, y, path=folder / f"{name}.mjs", predict=curve_of(f))
        params = {"W": W * np.float32(np.sqrt(2) if name == "relu" else 1)}
        gradient = cr.grad(loss)(params, X, y)["W"]
        sizes = np.sqrt(np.mean(gradient**2, axis=(1, 2)))
        plot.semilogy(range(1, DEPTH + 1), sizes, "o-", color=colour, label=name)
    plot.set(xlabel="layer", ylabel="size of the gradient")
    plot.legend()
    save(figure, folder)
