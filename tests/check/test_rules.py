"""Mistakes that one rule each explains: the line is mended as it was before the exchange."""

import inspect
import linecache

import numpy as np
import pytest

import chainrule as cr

pytestmark = pytest.mark.usefixtures("processor_time")


def student_loss(params, X, y, nu):
    t = X @ params["w"] - y
    return np.sum((nu + 1) / 2 * np.log(1 + t**2 / nu))


def student(params, X, y, nu):
    t = X @ params["w"] - y
    d = (nu + 1) * t / (nu + t**2)
    return {"w": X.T @ d}


def cubic_loss(params, X, v):
    h = X @ params["w"]
    return np.sum((h + 0.3 * h**3) / np.sqrt(v))


def cubic(params, X, v):
    h = X @ params["w"]
    d = (1 + 0.3 * (3 * h**2)) / np.sqrt(v)
    return {"w": X.T @ d}


def masked_loss(params, X, seen):
    total = 0.0
    for i in range(len(X)):
        if seen[i] > 0.3:
            total += np.tanh(X[i] @ params["w"]) ** 2
    return total


def masked(params, X, seen):
    grad = np.zeros_like(params["w"])
    for i in range(len(X)):
        if seen[i] <= 0.3:
            continue
        h = np.tanh(X[i] @ params["w"])
        grad += 2 * h * (1 - h**2) * X[i]
    return {"w": grad}


def parts_loss(params, X):
    at, total = 0, 0.0
    for name in ("a", "b"):
        width = len(params[name])
        total += np.sum(np.tanh(X[:, at : at + width] * params[name]))
        at += width
    return total


def parts(params, X):
    at, grads = 0, {}
    for name in ("a", "b"):
        width = len(params[name])
        part = X[:, at : at + width]
        grads[name] = np.sum(part * (1 - np.tanh(part * params[name]) ** 2), axis=0)
        at += width
    return grads


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


def logistic_loss(params, X, y):
    p = sigmoid(X @ params["w"])
    return -np.mean(y * np.log(p) + (1 - y) * np.log(1 - p))


def logistic(params, X, y):
    z = X @ params["w"]
    d = (sigmoid(z) - y) / len(y)
    return {"w": X.T @ d}


def images_loss(params, X):
    h = np.tanh(X * params["a"])
    return np.sum(np.sin(h.transpose(0, 2, 3, 1).reshape(-1, 2) @ params["W"]))


def images(params, X):
    h = np.tanh(X * params["a"])
    rows = h.transpose(0, 2, 3, 1).reshape(-1, 2)
    d = np.cos(rows @ params["W"])
    d_h = (d @ params["W"].T).reshape(len(X), 3, 4, 2).transpose(0, 3, 1, 2)
    return {"W": rows.T @ d, "a": np.sum(d_h * (1 - h**2) * X, axis=0)}


def halves_loss(params, X):
    return np.sum(np.tanh(X @ params["W"])[:, :2] ** 2)


def halves(params, X):
    H, h = 2, np.tanh(X @ params["W"])
    d = np.zeros_like(h)
    d[:, :H] = 2 * h[:, :H]
    return {"W": X.T @ (d * (1 - h**2))}


def ridge_loss(params, X, y):
    w = params["w"]
    return 0.5 * np.sum((X @ w - y) ** 2) + 0.15 * np.sum(w[1:] ** 2)


def ridge(params, X, y):
    w = params["w"]
    g = X.T @ (X @ w - y)
    g[1:] += 0.3 * w[1:]
    return {"w": g}


def weighted_loss(params, X, y, c):
    return 0.5 * np.sum(c * (np.tanh(X @ params["w"]) - y) ** 2) / np.sum(c)


def weighted(params, X, y, c):
    grad = np.zeros_like(params["w"])
    for i in range(len(X)):
        h = np.tanh(X[i] @ params["w"])
        grad += c[i] * (h - y[i]) * (1 - h**2) * X[i]
    return {"w": grad / np.sum(c)}


def carried_loss(params, X, m):
    z = X @ params["W"]
    return np.sum((m * np.tanh(z) + (1 - m) * z) ** 2)


def carried(params, X, m):
    z = X @ params["W"]
    h = np.tanh(z)
    d = 2 * (m * h + (1 - m) * z)
    dz = d * m * (1 - h**2) + d * (1 - m)
    return {"W": X.T @ dz}


def scaled_loss(params, X):
    z = X @ params["W"]
    var = np.mean(z**2, axis=0)
    width = np.sqrt(var + 1)
    return np.sum(np.tanh(z / width))


def scaled(params, X):
    z = X @ params["W"]
    var = np.mean(z**2, axis=0)
    width = np.sqrt(var + 1)
    dq = 1 - np.tanh(z / width) ** 2
    dwidth = -np.sum(dq * z, axis=0) / width**2
    dvar = 0.5 / np.sqrt(var + 1) * dwidth
    dz = dq / width + 2 * z * dvar / len(z)
    return {"W": X.T @ dz}


MISTAKES = {
    "a part": (ridge, "g[1:] += 0.3 * w[1:]", "g += 0.3 * w"),
    "a weight": (weighted, "c[i] * (h", "(h"),
    "the loss's divisor": (weighted, "np.sum(c)", "len(X)"),
    "the other share": (carried, "d * (1 - m)", "d * m"),
    "a power before others": (scaled, "width**2", "width"),
    "a variable": (student, "(nu + t**2)", "(1 + t**2)"),
    "the factor of a power": (cubic, "0.3 * (3 * h**2)", "0.3 * h**2"),
    "a root": (cubic, "np.sqrt(v)", "v"),
    "a condition": (masked, "        if seen[i] <= 0.3:\n            continue\n", ""),
    "a position": (parts, "        at += width\n", ""),
    "a function": (logistic, "sigmoid(z) - y", "z - y"),
    "the order of axes": (images, "h.transpose(0, 2, 3, 1).reshape", "h.reshape"),
    "the first for the last": (halves, "2 * h[:, :H]", "2 * h[:, -H:]"),
    "a slice": (halves, "d[:, :H]", "d[:, -H:]"),
}  # fmt: skip


def data_of(function):
    rng = np.random.default_rng(0)
    X, w = rng.normal(size=(8, 3)), {"w": rng.normal(size=3)}
    return {
        student: (w, X, rng.normal(size=8), 3.5),
        cubic: (w, X, rng.uniform(0.5, 2, 8)),
        masked: (w, X, rng.uniform(size=8)),
        parts: ({"a": rng.normal(size=2), "b": rng.normal(size=3)}, rng.normal(size=(8, 5))),
        logistic: (w, X, 1.0 * rng.integers(0, 2, 8)),
        images: ({"W": rng.normal(size=(2, 5)), "a": rng.normal(size=(2, 3, 4))},
                 rng.normal(size=(5, 2, 3, 4))),
        halves: ({"W": rng.normal(size=(3, 5))}, X),
        ridge: (w, X, rng.normal(size=8)),
        weighted: (w, X, rng.normal(size=8), rng.uniform(0.5, 2, 8)),
        carried: ({"W": rng.normal(size=(3, 2))}, X, 1.0 * (rng.random((8, 1)) < 0.5)),
        scaled: ({"W": rng.normal(size=(3, 2))}, X),
    }[function]  # fmt: skip


@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake_is_mended_as_the_code_was(name):
    function, right, wrong = MISTAKES[name]
    text, file, names = inspect.getsource(function), f"<{name}>", dict(globals())
    assert text.count(right) == 1
    mistaken = text.replace(right, wrong)
    linecache.cache[file] = (len(mistaken), None, mistaken.splitlines(keepends=True), file)
    exec(compile(mistaken, file, "exec"), names)
    loss, data = globals()[f"{function.__name__}_loss"], data_of(function)
    assert cr.check_gradients(loss, function)(*data).passed
    first = cr.check_gradients(loss, names[function.__name__])(*data).diagnoses[0]
    mended = {"a condition": "if seen[i] > 0.3:", "a position": "(behind it)  at += width",
              "a function": "    d = (sigmoid(",
              "a weight": "grad += (h - y[i]) * (1 - h**2) * X[i] * c[i]"}  # fmt: skip
    expected = mended.get(name) or next(line for line in text.splitlines() if right in line)
    assert first.where.repaired.replace(" ", "").startswith(expected.replace(" ", ""))
