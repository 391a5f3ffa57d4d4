"""A small network learns two moons with the learning rate and the batch size that one chooses."""

import json
from pathlib import Path

import numpy as np
from extensions.figures import axes, moons, rounded, save

import chainrule as cr

EPOCHS = 30


def loss(params, X, y):
    """Return the mean cross-entropy of the two classes."""
    h = np.tanh(X @ params["W_h"] + params["b_h"])
    z = h @ params["w_o"] + params["b_o"]
    return np.mean(np.logaddexp(0, z) - y * z)


def build(folder: Path) -> None:
    """Write the network, its data, and the losses for three learning rates."""
    X, y = moons(200)
    rng = np.random.default_rng(1)
    params = {
        "W_h": rng.normal(size=(2, 12)).astype(np.float32),
        "b_h": np.zeros(12, np.float32),
        "w_o": rng.normal(size=12).astype(np.float32) / 3,
        "b_o": np.zeros(1, np.float32),
    }
    cr.export_web(loss, params, X, y, path=folder / "net.mjs", batch_size=16)
    (folder / "data.json").write_text(json.dumps({"X": rounded(X), "y": y.tolist()}))
    figure, plot = axes()
    for rate in (0.01, 0.1, 1.0):
        optimizer = cr.optimizers.SGD(rate)
        _, history = cr.minimize(
            loss, params, X, y, optimizer=optimizer, batch_size=16, epochs=EPOCHS, seed=0
        )
        plot.plot(range(1, EPOCHS + 1), history.loss, label=f"learning rate {rate}")
    plot.set(xlabel="epoch", ylabel="loss", yscale="log")
    plot.legend()
    save(figure, folder)
