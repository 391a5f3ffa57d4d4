"""The lab's network learns the digits on the front page."""

import base64
import json
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

import chainrule as cr

SAMPLES, TESTS = 500, 100


def network(params, X):
    """Return the probabilities of the classes."""
    h = cr.sigmoid(X @ params["W_h"] + params["b_h"])
    return cr.softmax(h @ params["W_o"] + params["b_o"])


def loss(params, X, y):
    """Return the mean negative log likelihood."""
    h = cr.sigmoid(X @ params["W_h"] + params["b_h"])
    p = cr.softmax(h @ params["W_o"] + params["b_o"])
    return cr.nll(cr.one_hot(10, y), p)


def build(folder: Path) -> None:
    """Write the network, its gradient as text, digits, and the picture."""
    digits = cr.data.load_digits()
    images, labels = digits.images[: SAMPLES + TESTS], digits.target[: SAMPLES + TESTS]
    rng = np.random.default_rng(0)
    params = {
        "W_h": rng.normal(size=(64, 10)).astype(np.float32) / 4,
        "b_h": np.zeros(10, np.float32),
        "W_o": rng.normal(size=(10, 10)).astype(np.float32) / 3,
        "b_o": np.zeros(10, np.float32),
    }
    X, y = images.reshape(-1, 64).astype(np.float32) / 16, labels
    optimizer = cr.optimizers.SGD(0.3)
    cr.export_web(
        loss,
        params,
        X,
        y,
        path=folder / "net.mjs",
        optimizer=optimizer,
        batch_size=8,
        predict=network,
    )
    data = {
        "text": _text(params, X, y),
        "images": _packed(images),
        "labels": "".join(map(str, labels)),
        "samples": SAMPLES,
    }
    (folder / "data.json").write_text(json.dumps(data), encoding="utf-8")
    params, history = cr.minimize(
        loss, params, X[:SAMPLES], y[:SAMPLES], optimizer=optimizer, batch_size=8, epochs=15
    )
    _draw(X[SAMPLES:], y[SAMPLES:], network(params, X[SAMPLES:]), history.loss).savefig(
        folder / "picture.svg"
    )


def _text(params, X, y):
    """Return the lines of the loss and its gradient, in double precision as in NumPy."""
    doubles = {name: value.astype(float) for name, value in params.items()}
    return (
        cr.source(loss)(doubles, X.astype(float), y)
        .split("# forward")[1]
        .split("return")[0]
        .strip("\n")
    )


def _packed(images):
    """Return pixels from 0 to 15, two a byte."""
    pixels = np.minimum(images.reshape(-1, 2), 15).astype(np.uint8)
    return base64.b64encode(pixels[:, 0] * 16 + pixels[:, 1]).decode()


def _draw(X, y, p, losses):
    figure = Figure(figsize=(8, 3.2), layout="constrained")
    digit, bars, curve = figure.subplots(1, 3, width_ratios=(1, 2, 2))
    digit.imshow(X[0].reshape(8, 8), cmap="gray_r")
    digit.set_title(f"a digit that it has not seen: {y[0]}", fontsize=9)
    digit.set_axis_off()
    bars.bar(range(10), p[0])
    bars.set(xticks=range(10), ylim=(0, 1), xlabel="class", ylabel="probability")
    curve.plot(losses)
    curve.set(xlabel="epoch", ylabel="loss")
    return figure
