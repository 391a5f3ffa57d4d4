"""A network of few hidden units separates two moons."""

import json
from pathlib import Path

import numpy as np
from extensions.figures import COLOURS, axes, moons, rounded, save

import chainrule as cr

UNITS = 16


def score(params, X):
    """Return the log-odds of class 1."""
    return np.tanh(X @ params["W"] + params["b"]) @ params["v"] + params["c"]


def network(params, X):
    """Return the probability of class 1."""
    return cr.sigmoid(score(params, X))


def loss(params, X, y):
    """Return the mean cross-entropy."""
    z = score(params, X)
    return np.mean(np.logaddexp(0, z) - y * z)


def build(folder: Path) -> None:
    """Write the network and its data, and draw what it learns with one, three and eight units."""
    X, y = moons(160)
    rng = np.random.default_rng(4)
    params = {
        "W": 1.5 * rng.normal(size=(2, UNITS)),
        "b": rng.normal(size=UNITS) / 2,
        "v": rng.normal(size=UNITS) / 2,
        "c": np.zeros(1),
    }
    params = {name: value.astype(np.float32) for name, value in params.items()}
    rule = cr.optimizers.Adam(0.02)
    cr.export_web(loss, params, X, y, path=folder / "net.mjs", optimizer=rule, predict=network)
    (folder / "data.json").write_text(json.dumps({"X": rounded(X), "y": y.tolist()}))
    figure, plots = axes(3, sharey=True)
    across, up = np.meshgrid(np.linspace(-2.2, 2.2, 30), np.linspace(-1.6, 1.6, 30))
    grid = np.stack([across.ravel(), up.ravel()], axis=1).astype(np.float32)
    for plot, units in zip(plots, (1, 3, 8), strict=True):
        few = {name: value[..., :units] for name, value in params.items()}
        few, _ = cr.minimize(loss, few, X, y, optimizer=rule, batch_size=32, epochs=200, seed=0)
        p = network(few, grid).reshape(across.shape)
        plot.imshow(
            p, cmap="PuOr_r", alpha=0.6, origin="lower", extent=(-2.2, 2.2, -1.6, 1.6),
            aspect="auto",
        )  # fmt: skip
        for label, colour in enumerate(COLOURS[:2]):
            plot.plot(*X[:80][y[:80] == label].T, ".", color=colour, ms=4)
        plot.set_title("1 hidden unit" if units == 1 else f"{units} hidden units")
    save(figure, folder)
