"""A small expression, its local derivatives, and the adjoint of each of its values."""

from pathlib import Path

import numpy as np
from extensions.figures import COLOURS, axes, save
from matplotlib.patches import FancyBboxPatch

import chainrule as cr

START = {"w": 0.8, "x": 1.5, "b": -0.4, "y": 0.2}


def values(p):
    """Return all values, up to the loss. The gradients of the zeros in them are the adjoints."""
    product = p["w"] * p["x"] + p["product"]
    z = product + p["b"] + p["z"]
    h = np.tanh(z) + p["h"]
    error = h - p["y"] + p["error"]
    return [product, z, h, error, error**2]


def network(p, X):
    """Return the values in a row; X is not used."""
    return np.concatenate(values(p)) + 0 * X


def loss(p, X):
    """Return the squared error."""
    return np.sum(values(p)[-1]) + 0 * np.sum(X)


def build(folder: Path) -> None:
    """Write the expression with its gradient, and draw both."""
    names = [*START, "product", "z", "h", "error"]
    p = {name: np.full(1, START.get(name, 0.0)) for name in names}
    X = np.zeros((1, 5))
    cr.export_web(loss, p, X, path=folder / "net.mjs", batch_size=4, predict=network)
    adjoints = {name: g[0] for name, g in cr.grad(loss)(p, X).items()} | {"loss": 1.0}
    forward = START | dict(
        zip(["product", "z", "h", "error", "loss"], network(p, X)[0], strict=True)
    )
    places = {"w": (0, 3), "x": (0, 2), "b": (0, 1), "y": (0, 0), "product": (1, 2.5), "z": (2, 2),
              "h": (3, 1.5), "error": (4, 1), "loss": (5, 1)}  # fmt: skip
    texts = {"product": "w · x", "z": "w x + b", "h": "tanh z", "error": "h − y", "loss": "error²"}
    edges = [
        "w product",
        "x product",
        "product z",
        "b z",
        "z h",
        "h error",
        "y error",
        "error loss",
    ]
    figure, plot = axes()
    for edge in edges:
        plot.plot(*np.transpose([places[name] for name in edge.split()]), color="gray", zorder=0)
    for name, (x, y) in places.items():
        box = FancyBboxPatch(
            (x - 0.33, y - 0.3), 0.66, 0.6, fc="white", ec="gray", boxstyle="round,pad=0.02"
        )
        plot.add_patch(box)
        plot.text(
            x, y + 0.12, f"{texts.get(name, name)} = {forward[name]:.3f}", ha="center", fontsize=7
        )
        plot.text(x, y - 0.2, f"{adjoints[name]:+.3f}", ha="center", fontsize=8, color=COLOURS[1])
    plot.set(xlim=(-0.5, 5.5), ylim=(-0.5, 3.5))
    plot.set_axis_off()
    save(figure, folder)
