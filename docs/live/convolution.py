"""Four filters slide over digits and learn to tell three classes."""

import base64
import json
from pathlib import Path

import numpy as np
from extensions.figures import axes, save

import chainrule as cr

FILTERS, CLASSES, SAMPLES = 4, (0, 1, 4, 7), 240


def maps(params, X):
    """Return the feature maps (n, 6, 6, filters): each filter, 3 x 3, at each place."""
    pixels = X.reshape(-1, 8, 8, 1)
    z = params["b_f"]
    for i in range(3):
        for j in range(3):
            z = z + pixels[:, i : i + 6, j : j + 6] * params["W_f"][i, j]
    return cr.relu(z)


def scores(params, h):
    """Return the scores of the classes; the maps are pooled to 3 x 3 before."""
    pooled = h.reshape(-1, 3, 2, 3, 2, FILTERS).max(axis=(2, 4))
    return pooled.reshape(-1, 9 * FILTERS) @ params["W_o"] + params["b_o"]


def network(params, X):
    """Return the classes' probabilities and then the feature maps, a row for each digit."""
    h = maps(params, X)
    p = cr.softmax(scores(params, h))
    return np.concatenate([p, h.reshape(-1, 36 * FILTERS)], axis=1)


def loss(params, X, y):
    """Return the mean cross-entropy."""
    return cr.nll(cr.one_hot(len(CLASSES), y), cr.softmax(scores(params, maps(params, X))))


def build(folder: Path) -> None:
    """Write the network and digits, and draw its maps of one digit once it is trained."""
    digits = cr.data.load_digits()
    chosen = np.flatnonzero(np.isin(digits.target, CLASSES))[:SAMPLES]
    pixels = np.minimum(digits.images[chosen].reshape(-1, 64), 15).astype(np.uint8)
    X, y = pixels.astype(np.float32) / 15, np.searchsorted(CLASSES, digits.target[chosen])
    rng = np.random.default_rng(0)
    params = {
        "W_f": rng.normal(size=(3, 3, FILTERS)) / 3,
        "b_f": np.zeros(FILTERS),
        "W_o": rng.normal(size=(9 * FILTERS, len(CLASSES))) / 6,
        "b_o": np.zeros(len(CLASSES)),
    }
    params = {name: value.astype(np.float32) for name, value in params.items()}
    rule = cr.optimizers.Adam(0.01)
    cr.export_web(
        loss, params, X, y, path=folder / "net.mjs", optimizer=rule, batch_size=16, predict=network
    )
    packed = base64.b64encode((pixels[:, ::2] << 4) | pixels[:, 1::2]).decode()
    data = {"images": packed, "labels": y.tolist(), "classes": CLASSES}
    (folder / "data.json").write_text(json.dumps(data))
    params, _ = cr.minimize(loss, params, X, y, optimizer=rule, batch_size=16, epochs=20, seed=0)
    figure, plots = axes(1 + 2 * FILTERS, width_ratios=[2] + [1, 2] * FILTERS)
    plots[0].imshow(X[1].reshape(8, 8), cmap="gray_r")
    plots[0].set_title("a digit", fontsize=9)
    h = maps(params, X[1:2])
    for k in range(FILTERS):
        size = np.abs(params["W_f"]).max()
        plots[1 + 2 * k].imshow(params["W_f"][..., k], cmap="PuOr", vmin=-size, vmax=size)
        plots[2 + 2 * k].imshow(h[0, ..., k], cmap="gray_r", vmin=0, vmax=h.max())
        plots[2 + 2 * k].set_title(f"map {k + 1}", fontsize=9)
    for plot in plots:
        plot.set_axis_off()
    save(figure, folder)
