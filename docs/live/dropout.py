"""A network fits few noisy points, with and without dropout."""

import json
from pathlib import Path

import numpy as np
from extensions.figures import COLOURS, axes, rounded, save, wave

import chainrule as cr

UNITS = 40


def network(params, X):
    """Return heights; X holds a place, and for each hidden unit 0 or its factor."""
    h = cr.relu(X[:, :1] @ params["W"] + params["b"]) * X[:, 1:]
    return h @ params["v"] + params["c"]


def loss(params, X, y):
    """Return the mean squared error."""
    return np.mean((network(params, X) - y) ** 2)


def masks(rng, rows: int, rate: float) -> np.ndarray:
    """Return a row of factors for each sample: 0 with probability `rate`, else 1 / (1 - rate)."""
    return (rng.random((rows, UNITS)) >= rate).astype(np.float32) / np.float32(1 - rate)


def build(folder: Path) -> None:
    """Write the network and its data, and draw both fits."""
    x, y = wave(16, seed=3, noise=0.4)
    rng = np.random.default_rng(0)
    W = rng.choice([-4.0, 4.0], UNITS)
    params = {
        "W": W[None],
        "b": -W * rng.uniform(-1, 1, UNITS),
        "v": rng.normal(size=UNITS) / 10,
        "c": np.zeros(1),
    }
    params = {name: value.astype(np.float32) for name, value in params.items()}
    rule = cr.optimizers.Adam(0.01)
    X = np.hstack([x, masks(rng, 16, 0)])
    cr.export_web(loss, params, X, y, path=folder / "net.mjs", optimizer=rule, predict=network)
    (folder / "data.json").write_text(json.dumps({"x": rounded(x), "y": rounded(y)}))
    figure, plot = axes()
    places = np.linspace(-1, 1, 200, dtype=np.float32)[:, None]
    plot.plot(places, np.sin(4 * places), ":", color="gray", label="the wave without noise")
    plot.plot(x, y, "o", color="gray")
    for rate, colour in ((0, COLOURS[1]), (0.2, COLOURS[0])):
        copies = np.repeat(x, 100, axis=0)
        X = np.hstack([copies, masks(rng, len(copies), rate)])
        fitted, _ = cr.minimize(
            loss, params, X, np.repeat(y, 100), optimizer=rule, batch_size=16, epochs=20, seed=0
        )
        heights = network(fitted, np.hstack([places, masks(rng, 200, 0)]))
        plot.plot(places, heights, color=colour, label=f"dropout rate {rate}")
    plot.set(xlabel="x", ylabel="y", ylim=(-2.2, 2.2))
    plot.legend(ncols=3, fontsize=8)
    save(figure, folder)
