"""Gradient descent on inputs as they are, and on normalised ones: the shape of the valley."""

import json
from pathlib import Path

import numpy as np
from extensions.figures import COLOURS, axes, rounded, save

import chainrule as cr

SAMPLES = 40


def loss(w, X, y):
    """Return the mean squared error of a line through the origin."""
    return np.mean((X @ w - y) ** 2)


def losses(weights, X):
    """Return the loss at each pair of weights, a row of X; the data are parameters."""
    predictions = X @ np.swapaxes(weights["data"][:, :2], 0, 1)
    return np.mean((predictions - weights["data"][:, 2]) ** 2, axis=1)


def build(folder: Path) -> None:
    """Write the regression and its data, and draw both valleys with the path of 20 steps."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(SAMPLES, 2)).astype(np.float32)
    y = (X @ [1.0, -0.8] + 0.2 * rng.normal(size=SAMPLES)).astype(np.float32)
    (folder / "data.json").write_text(json.dumps({"X": rounded(X), "y": rounded(y)}))
    w = np.zeros(2, np.float32)
    cr.export_web(loss, w, X, y, path=folder / "net.mjs", batch_size=SAMPLES)
    data = {"data": np.hstack([X, y[:, None]])}
    cr.export_web(
        lambda weights, X: np.mean(losses(weights, X)), data, X[:8],
        path=folder / "valley.mjs", predict=losses,
    )  # fmt: skip
    figure, plots = axes(2)
    for plot, factor, title in zip(plots, (4, 1), ("as they are", "normalised"), strict=True):
        inputs = X * np.array([1, factor], np.float32)
        a, b = np.meshgrid(np.linspace(-1, 3, 60), np.linspace(-2, 1, 60))
        z = np.mean((np.stack([a, b], -1) @ inputs.T - y) ** 2, axis=-1)
        plot.contour(a, b, z, [0.2, 0.5, 1, 2, 4, 8, 16, 32], colors="lightgray")
        path = [w]
        for _ in range(20):
            path.append(path[-1] - 0.9 / factor**2 * cr.grad(loss)(path[-1], inputs, y))
        plot.plot(*np.transpose(path), ".-", color=COLOURS[0])
        plot.set(title=f"inputs {title}", xlabel="$w_1$", ylabel="$w_2$")
    save(figure, folder)
