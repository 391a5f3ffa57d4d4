"""The softmax of a few scores at different temperatures."""

from pathlib import Path

import numpy as np
from extensions.figures import COLOURS, axes, save

import chainrule as cr

SCORES = np.array([2.0, 1.0, 0.2, -1.0], np.float32)


def network(z, X):
    """Return the probabilities at the temperatures X (n, 1)."""
    return cr.softmax(z / X)


def loss(z, X, y):
    """Return the cross-entropy of the classes y."""
    return -np.mean(np.sum(cr.one_hot(4, y) * cr.functions.log_softmax(z / X), axis=1))


def build(folder: Path) -> None:
    """Write the softmax with its gradient, and it at three temperatures."""
    T = np.array([[0.3], [1.0], [3.0]], np.float32)
    cr.export_web(loss, SCORES, T, np.array([0, 1, 2]), path=folder / "net.mjs", predict=network)
    figure, plots = axes(3, sharey=True)
    for plot, t, p in zip(plots, T[:, 0], network(SCORES, T), strict=True):
        plot.bar(["2", "1", "0.2", "−1"], p, color=COLOURS[0])
        plot.set(title=f"temperature {t:.1f}", xlabel="score", ylim=(0, 1))
    plots[0].set_ylabel("probability")
    save(figure, folder)
