"""The error of a numerical derivative by its step, in single and double precision."""

from pathlib import Path

import numpy as np
from extensions.figures import COLOURS, axes, save

import chainrule as cr


def curve(w, X):
    """Return f(x) = sin(3 x) exp(x), at each x."""
    return np.sin(3 * X[:, 0]) * np.exp(X[:, 0])


def loss(w, X):
    """Return the mean of f(w); its gradient is the derivative."""
    return np.mean(curve(w, w + 0 * X))


def build(folder: Path) -> None:
    """Write the function with its gradient in both precisions, and draw the errors."""
    figure, plot = axes()
    for dtype, colour in ((np.float32, COLOURS[1]), (np.float64, COLOURS[0])):
        w, X = np.full(1, 0.6, dtype), np.zeros((1, 1), dtype)
        name = np.dtype(dtype).name
        cr.export_web(loss, w, X, path=folder / f"{name}.mjs", batch_size=4, predict=curve)
        h = np.logspace(-14 if dtype == np.float64 else -7, 0, 200).astype(dtype)[:, None]
        numeric = (curve(w, w + h) - curve(w, w - h)) / (2 * h[:, 0])
        exact = cr.grad(loss)(w.astype(float), X.astype(float))[0]
        plot.loglog(h, np.abs(numeric - exact) + 1e-17, color=colour, label=name)
    plot.set(xlabel="step", ylabel="error of the difference")
    plot.legend()
    save(figure, folder)
