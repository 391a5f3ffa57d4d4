"""An autoencoder describes a digit by two numbers."""

import json
from pathlib import Path

import numpy as np
from extensions.figures import axes, save

import chainrule as cr

SHOWN = 150


def encode(params, X):
    """Return two numbers for each digit, between -1 and 1."""
    h = np.tanh(X @ params["W_1"] + params["b_1"])
    return np.tanh(h @ params["W_2"] + params["b_2"])


def decode(params, code):
    """Return the 64 pixels for two numbers."""
    h = np.tanh(code @ params["W_3"] + params["b_3"])
    return cr.sigmoid(h @ params["W_4"] + params["b_4"])


def loss(params, X):
    """Return the mean squared error of what is decoded from the codes."""
    return np.mean((decode(params, encode(params, X)) - X) ** 2)


def decoded_error(params, X, y):
    """Return the mean squared error of pixels y that are decoded from the codes X."""
    return np.mean((decode(params, X) - y) ** 2)


def build(folder: Path) -> None:
    """Train it; write its decoder and some digits' codes; draw both."""
    digits = cr.data.load_digits()
    X = digits.images.reshape(-1, 64).astype(np.float32) / 16
    rng = np.random.default_rng(0)
    sizes = [(64, 32), (32, 2), (2, 32), (32, 64)]
    params = {f"b_{k + 1}": np.zeros(out, np.float32) for k, (_, out) in enumerate(sizes)}
    for k, (into, out) in enumerate(sizes):
        weights = rng.normal(size=(into, out)) / np.sqrt(into)
        params[f"W_{k + 1}"] = weights.astype(np.float32)
    rule = cr.optimizers.Adam(0.005)
    params, _ = cr.minimize(loss, params, X, optimizer=rule, batch_size=32, epochs=150, seed=0)
    half = {name: params[name].astype(np.float16).astype(np.float32) for name in params}
    decoder = {name: half[name] for name in ("W_3", "b_3", "W_4", "b_4")}
    codes = encode(params, X)
    cr.export_web(
        decoded_error, decoder, codes[:64], X[:64], path=folder / "net.mjs", optimizer=rule,
        predict=decode,
    )  # fmt: skip
    data = {
        "codes": np.round(codes[:SHOWN].ravel().astype(float), 2).tolist(),
        "labels": digits.target[:SHOWN].tolist(),
    }
    (folder / "data.json").write_text(json.dumps(data))
    figure, (plane, grid) = axes(2)
    for digit in range(10):
        plane.plot(*codes[:150][digits.target[:150] == digit].T, marker=f"${digit}$", ls="", ms=5)
    plane.set(xlabel="first number", ylabel="second number")
    values = np.linspace(-0.95, 0.95, 9, dtype=np.float32)
    pictures = decode(params, np.stack(np.meshgrid(values, values[::-1]), -1).reshape(-1, 2))
    grid.imshow(pictures.reshape(9, 9, 8, 8).swapaxes(1, 2).reshape(72, 72), cmap="gray_r")
    grid.set_title("what is decoded at 81 places")
    grid.set_axis_off()
    save(figure, folder)
