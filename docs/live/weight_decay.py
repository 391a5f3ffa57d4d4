"""A network with weight decay fits few points, from weak decay to strong."""

import json
from pathlib import Path

import numpy as np
from extensions.figures import COLOURS, axes, rounded, save, wave

import chainrule as cr

DEGREE = 12


def network(w, X):
    """Return a polynomial's heights; the columns of X are a place and the strength of the decay."""
    return _powers(X[:, 0]) @ w


def _powers(x):
    """Return Legendre's polynomials of x, a column each: they are of similar size."""
    columns = [np.ones_like(x), x]
    for n in range(1, DEGREE):
        columns.append(((2 * n + 1) * x * columns[n] - n * columns[n - 1]) / (n + 1))
    return np.stack(columns, axis=1)


def loss(w, X, y):
    """Return the mean squared error and the decay's penalty."""
    return np.mean((network(w, X) - y) ** 2) + np.mean(X[:, 1]) * np.sum(w**2)


def build(folder: Path) -> None:
    """Write the polynomial and its data; draw three fits."""
    x, y = wave(14, seed=3, noise=0.4)
    X = np.hstack([x, np.zeros_like(x)])
    w = np.zeros(DEGREE + 1, np.float32)
    rule = cr.optimizers.Adam(0.05)
    cr.export_web(loss, w, X, y, path=folder / "net.mjs", optimizer=rule, predict=network)
    (folder / "data.json").write_text(json.dumps({"x": rounded(x), "y": rounded(y)}))
    places = np.linspace(-1, 1, 200, dtype=np.float32)[:, None]
    figure, plot = axes()
    plot.plot(x, y, "o", color="gray")
    for strength, colour in zip((0, 0.01, 1), COLOURS, strict=True):
        X = np.hstack([x, np.full_like(x, strength)])
        fitted, _ = cr.minimize(loss, w, X, y, optimizer=rule, batch_size=14, epochs=3000)
        plot.plot(
            places, network(fitted, np.hstack([places, places])), color=colour, label=f"{strength}"
        )
    plot.set(xlabel="x", ylabel="y", ylim=(-2.2, 2.2))
    plot.legend(title="weight decay", ncols=3, loc="upper center")
    save(figure, folder)
