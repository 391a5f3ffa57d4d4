"""Activations and gradients of ten layers, by the size of their first weights."""

from pathlib import Path

import numpy as np
from extensions.figures import axes, save

import chainrule as cr

DEPTH, WIDTH = 10, 24


def hidden(params, X):
    """Return the activations of all layers, one behind the other."""
    h, layers = X, []
    for k in range(DEPTH):
        h = np.tanh(params["scale"] * (h @ params["W"][k]))
        layers.append(h)
    return layers


def network(params, X):
    """Return the activations of all layers in a row for each sample."""
    return np.concatenate(hidden(params, X), axis=1)


def loss(params, X, y):
    """Return the mean squared error of the last layer's mean."""
    return np.mean((np.mean(hidden(params, X)[-1], axis=1) - y) ** 2)


def build(folder: Path) -> None:
    """Write the network, and draw its activations for three scales."""
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(64, WIDTH)).astype(np.float32), rng.normal(size=64).astype(np.float32)
    W = (rng.normal(size=(DEPTH, WIDTH, WIDTH)) / np.sqrt(WIDTH)).astype(np.float32)
    params = {"W": np.round(W * 64) / 64, "scale": np.ones(1, np.float32)}
    cr.export_web(loss, params, X, y, path=folder / "net.mjs", predict=network)
    figure, plots = axes(3, sharey=True)
    for plot, scale in zip(plots, (0.4, 1.1, 4), strict=True):
        h = network({**params, "scale": np.array([scale], np.float32)}, X)
        layers = h.reshape(len(X), DEPTH, WIDTH).transpose(1, 0, 2).reshape(DEPTH, -1)
        counts = [np.histogram(layer, 25, (-1, 1))[0] / layer.size for layer in layers]
        plot.imshow(
            np.sqrt(counts).T, cmap="Blues", origin="lower", extent=(0.5, DEPTH + 0.5, -1, 1),
            aspect="auto", vmax=0.35,
        )  # fmt: skip
        plot.set(title=f"scale {scale}", xlabel="layer")
    plots[0].set_ylabel("activations")
    save(figure, folder)
