"""Three optimizers walk down the same valley."""

from pathlib import Path

import numpy as np
from extensions.figures import COLOURS, axes, save

import chainrule as cr

RULES = {
    "sgd": cr.optimizers.SGD(0.05),
    "momentum": cr.optimizers.SGD(0.05, momentum=0.9),
    "adam": cr.optimizers.Adam(0.05),
}
STEPS = 60


def loss(w, X):
    """Return the height at w; the last two columns of X are the curvatures of the valley."""
    return np.sum(np.mean(X, axis=0)[2:] * w**2) / 2


def height(w, X):
    """Return the heights at the places in the first two columns of X."""
    return np.sum(X[:, 2:] * X[:, :2] ** 2, axis=1) / 2


def build(folder: Path) -> None:
    """Write a module for each optimizer, and the three paths."""
    start = np.array([-2.5, 1.5], np.float32)
    X = np.array([[0, 0, 0.5, 12]], np.float32)
    figure, plot = axes()
    x, y = np.meshgrid(np.linspace(-3, 3, 60), np.linspace(-2, 2, 60))
    levels = [0.05, 0.3, 1, 2, 4, 8, 16]
    plot.contour(x, y, (X[0, 2] * x**2 + X[0, 3] * y**2) / 2, levels, colors="lightgray")
    for (name, rule), colour in zip(RULES.items(), COLOURS, strict=True):
        cr.export_web(
            loss,
            start,
            X,
            path=folder / f"{name}.mjs",
            optimizer=rule,
            batch_size=1,
            predict=height,
        )
        path, state = [start], rule.init(start)
        for _ in range(STEPS):
            w, state = rule.update(path[-1], cr.grad(loss)(path[-1], X), state)
            path.append(w)
        plot.plot(*np.transpose(path), ".-", color=colour, label=name)
    plot.set(xlabel="$w_1$", ylabel="$w_2$")
    plot.legend()
    save(figure, folder)
