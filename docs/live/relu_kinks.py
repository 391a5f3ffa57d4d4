"""A network of a few relus fits a curve with straight pieces."""

import json
from pathlib import Path

import numpy as np
from extensions.figures import COLOURS, axes, rounded, save, wave

import chainrule as cr

UNITS = 12


def network(params, X):
    """Return the heights of the broken line at the places X."""
    return cr.relu(X @ params["W"] + params["b"]) @ params["v"] + params["c"]


def loss(params, X, y):
    """Return the mean squared error."""
    return np.mean((network(params, X) - y) ** 2)


def weights(units: int) -> dict:
    """Return weights with kinks from left to right; units beyond `units` have weight zero."""
    rng = np.random.default_rng(2)
    used = np.arange(UNITS) < units
    slopes = np.where(np.arange(UNITS) % 2, -2.0, 2.0) * used
    kinks = rng.permutation(np.linspace(-0.9, 0.9, UNITS))
    params = {
        "W": slopes[None],
        "b": -slopes * kinks,
        "v": 0.3 * rng.normal(size=UNITS) * used,
        "c": np.zeros(1),
    }
    return {name: value.astype(np.float32) for name, value in params.items()}


def build(folder: Path) -> None:
    """Write the network, its data, and the fit of six relus."""
    X, y = wave(60)
    rule = cr.optimizers.Adam(0.02)
    cr.export_web(
        loss, weights(UNITS), X, y, path=folder / "net.mjs", optimizer=rule, predict=network
    )
    (folder / "data.json").write_text(json.dumps({"x": rounded(X), "y": rounded(y)}))
    params, _ = cr.minimize(loss, weights(6), X, y, optimizer=rule, batch_size=60, epochs=600)
    places = np.linspace(-1, 1, 200, dtype=np.float32)[:, None]
    figure, plot = axes()
    plot.plot(X[:, 0], y, ".", color="gray", label="data")
    plot.plot(places[:, 0], network(params, places), color=COLOURS[0], label="six relus")
    kinks = -params["b"][:6] / params["W"][0, :6]
    plot.plot(kinks, np.full(6, -1.6), "^", color=COLOURS[1], label="kinks")
    plot.set(xlim=(-1.05, 1.05), ylim=(-1.7, 1.7), xlabel="x", ylabel="y")
    plot.legend(ncols=3, loc="upper center")
    save(figure, folder)
