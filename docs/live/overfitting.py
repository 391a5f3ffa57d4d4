"""Networks of more and more hidden units learn few points: the loss on others rises again."""

import json
from pathlib import Path

import numpy as np
from extensions.figures import COLOURS, axes, rounded, save, wave

import chainrule as cr

UNITS = 40


def network(params, X):
    """Return the heights of the curve at X."""
    return np.tanh(X @ params["W"] + params["b"]) @ params["v"] + params["c"]


def loss(params, X, y):
    """Return the mean squared error."""
    return np.mean((network(params, X) - y) ** 2)


def build(folder: Path) -> None:
    """Write the network and its data; draw the losses of training and of other points."""
    X, y = wave(14, seed=3, noise=0.4)
    other = wave(100, seed=4, noise=0.4)
    rng = np.random.default_rng(0)
    W = 8 * rng.normal(size=UNITS)
    params = {
        "W": W[None],
        "b": -W * rng.uniform(-1, 1, UNITS),
        "v": rng.normal(size=UNITS) / 10,
        "c": np.zeros(1),
    }
    params = {name: value.astype(np.float32) for name, value in params.items()}
    rule = cr.optimizers.Adam(0.01)
    cr.export_web(loss, params, X, y, path=folder / "net.mjs", optimizer=rule, predict=network)
    data = {"x": X, "y": y, "X_test": other[0], "y_test": other[1]}
    (folder / "data.json").write_text(json.dumps({k: rounded(v) for k, v in data.items()}))
    _, history = cr.minimize(
        loss, params, X, y, optimizer=rule, batch_size=14, epochs=1000, validation_data=other
    )
    figure, plot = axes()
    plot.loglog(history.loss, color=COLOURS[0], label="14 points of training")
    plot.loglog(history.val_loss, color=COLOURS[1], label="100 other points")
    plot.set(xlabel="epoch", ylabel="loss")
    plot.legend()
    save(figure, folder)
