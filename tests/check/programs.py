"""Right gradients at real sizes, as courses write them: none of them may be accused.

Each program takes a random generator and returns a loss, its gradient by hand, and arguments.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import numpy as np

Program = tuple[Callable[..., Any], Callable[..., Any], tuple[Any, ...]]
PROGRAMS: dict[str, Callable[[np.random.Generator], Program]] = {}


def program(make: Callable[[np.random.Generator], Program]) -> Any:
    PROGRAMS[make.__name__] = make
    return make


def softmax_rows(scores):
    shifted = scores - scores.max(axis=1, keepdims=True)
    p = np.exp(shifted)
    p /= p.sum(axis=1, keepdims=True)
    return p


@program
def two_layer_net(rng):
    """Scores, softmax and both penalties; the probabilities are changed in place."""

    def forward(params, X):
        hidden = np.maximum(0, X.dot(params["W1"]) + params["b1"])
        return hidden, hidden.dot(params["W2"]) + params["b2"]

    def loss(params, X, y, reg):
        _, scores = forward(params, X)
        p = softmax_rows(scores)
        data_loss = -np.log(np.array([p[i, y[i]] for i in range(len(y))], dtype=float)).mean()
        return float(data_loss + reg * sum(np.sum(params[k] ** 2) for k in ("W1", "W2")))

    def gradients(params, X, y, reg):
        hidden, scores = forward(params, X)
        dscores = softmax_rows(scores)
        dscores[np.arange(len(y)), y] -= 1
        dscores /= len(y)
        dhidden = dscores.dot(params["W2"].T)
        dhidden[hidden <= 0] = 0
        return {
            "W1": X.T.dot(dhidden) + 2 * reg * params["W1"], "b1": dhidden.sum(axis=0),
            "W2": hidden.T.dot(dscores) + 2 * reg * params["W2"], "b2": dscores.sum(axis=0),
        }  # fmt: skip

    params = {
        "W1": 1e-1 * rng.normal(size=(40, 50)), "b1": np.zeros(50),
        "W2": 1e-1 * rng.normal(size=(50, 10)), "b2": np.zeros(10),
    }  # fmt: skip
    return loss, gradients, (params, rng.normal(size=(200, 40)), rng.integers(0, 10, 200), 0.05)


@program
def digits_network(rng):
    """784-100-10 with sigmoids and 1,000 samples of pixels between 0 and 1."""

    def forward(params, X):
        h = 1 / (1 + np.exp(-(X @ params["W_h"] + params["b_h"])))
        return h, softmax_rows(h @ params["W_o"] + params["b_o"])

    def loss(params, X, y):
        return float(-np.mean(np.log(forward(params, X)[1][np.arange(len(y)), y])))

    def gradients(params, X, y):
        h, p = forward(params, X)
        d_o = p.copy()
        d_o[np.arange(len(y)), y] -= 1
        d_o /= len(y)
        d_h = d_o @ params["W_o"].T * h * (1 - h)
        return {"W_h": X.T @ d_h, "b_h": d_h.sum(0), "W_o": h.T @ d_o, "b_o": d_o.sum(0)}

    params = {
        "W_h": rng.normal(size=(784, 100)) / 28, "b_h": np.zeros(100),
        "W_o": rng.normal(size=(100, 10)) / 10, "b_o": np.zeros(10),
    }  # fmt: skip
    X = rng.random((1000, 784)) * (rng.random((1000, 784)) < 0.2)
    return loss, gradients, (params, X, rng.integers(0, 10, 1000))


@program
def bytes_as_pixels(rng):
    """784-50-10 with relus on pixels from 0 to 255, which no step leaves without a kink."""

    def loss(params, X, y):
        h = np.maximum(0, X @ params["W1"] + params["b1"])
        z = h @ params["W2"] + params["b2"]
        z = z - z.max(axis=1, keepdims=True)
        return np.mean(np.log(np.exp(z).sum(axis=1)) - z[np.arange(len(y)), y])

    def gradients(params, X, y):
        h = np.maximum(0, X @ params["W1"] + params["b1"])
        d = softmax_rows(h @ params["W2"] + params["b2"])
        d[np.arange(len(y)), y] -= 1
        d /= len(y)
        d_h = d @ params["W2"].T * (h > 0)
        return {"W1": X.T @ d_h, "b1": d_h.sum(0), "W2": h.T @ d, "b2": d.sum(0)}

    params = {
        "W1": 1e-3 * rng.normal(size=(784, 50)), "b1": np.zeros(50),
        "W2": 1e-1 * rng.normal(size=(50, 10)), "b2": np.zeros(10),
    }  # fmt: skip
    X = rng.integers(0, 256, (1000, 784)).astype(float)
    return loss, gradients, (params, X, rng.integers(0, 10, 1000))


@program
def svm_loops(rng):
    """The hinge loss of all wrong classes, two loops that no tensor can pass."""

    def loss(W, X, y, reg):
        total = 0.0
        for i in range(X.shape[0]):
            scores = np.asarray(X[i].dot(W), dtype=float)
            for j in range(W.shape[1]):
                if j != y[i]:
                    margin = scores[j] - scores[y[i]] + 1
                    if margin > 0:
                        total += margin
        return total / X.shape[0] + reg * np.sum(np.asarray(W, dtype=float) ** 2)

    def gradients(W, X, y, reg):
        dW = np.zeros(W.shape)
        for i in range(X.shape[0]):
            scores = X[i].dot(W)
            for j in range(W.shape[1]):
                if j != y[i] and scores[j] - scores[y[i]] + 1 > 0:
                    dW[:, j] += X[i]
                    dW[:, y[i]] -= X[i]
        return dW / X.shape[0] + 2 * reg * W

    W = 0.3 * rng.normal(size=(30, 10))
    return loss, gradients, (W, rng.normal(size=(100, 30)), rng.integers(0, 10, 100), 5e-3)


@program
def svm_vectorised(rng):
    def loss(W, X, y, reg):
        scores = np.asarray(X.dot(W), dtype=float)
        margins = np.maximum(0, scores - scores[np.arange(len(y)), y][:, None] + 1)
        margins[np.arange(len(y)), y] = 0
        return margins.sum() / len(y) + reg * np.sum(np.asarray(W, dtype=float) ** 2)

    def gradients(W, X, y, reg):
        scores = X.dot(W)
        margins = np.maximum(0, scores - scores[np.arange(len(y)), y][:, None] + 1)
        margins[np.arange(len(y)), y] = 0
        counts = (margins > 0).astype(float)
        counts[np.arange(len(y)), y] = -counts.sum(axis=1)
        return X.T.dot(counts) / len(y) + 2 * reg * W

    W = 0.1 * rng.normal(size=(100, 10))
    return loss, gradients, (W, rng.normal(size=(500, 100)), rng.integers(0, 10, 500), 1e-3)


@program
def convolution_and_pool(rng):
    """A convolution in loops, relu, 2 x 2 pooling and a linear layer."""

    def forward(params, X):
        F, _, H, W = params["w"].shape
        N, _, height, width = X.shape
        out = np.zeros((N, F, height - H + 1, width - W + 1))
        for i in range(out.shape[2]):
            for j in range(out.shape[3]):
                patch = X[:, None, :, i : i + H, j : j + W]
                out[:, :, i, j] = (patch * params["w"]).sum(axis=(2, 3, 4)) + params["b"]
        a = np.maximum(0, out)
        pooled = np.zeros((N, F, out.shape[2] // 2, out.shape[3] // 2))
        for i in range(pooled.shape[2]):
            for j in range(pooled.shape[3]):
                pooled[:, :, i, j] = a[:, :, 2 * i : 2 * i + 2, 2 * j : 2 * j + 2].max(axis=(2, 3))
        return out, a, pooled, pooled.reshape(N, -1) @ params["V"]

    def loss(params, X, T):
        return 0.5 * np.sum((forward(params, X)[3] - T) ** 2) / len(X)

    def gradients(params, X, T):
        out, a, pooled, scores = forward(params, X)
        _, _, H, W = params["w"].shape
        d_scores = (scores - T) / len(X)
        d_pooled = (d_scores @ params["V"].T).reshape(pooled.shape)
        d_out = np.zeros(out.shape)
        for i in range(pooled.shape[2]):
            for j in range(pooled.shape[3]):
                window = a[:, :, 2 * i : 2 * i + 2, 2 * j : 2 * j + 2]
                mask = window == pooled[:, :, i, j][:, :, None, None]
                share = mask * d_pooled[:, :, i, j][:, :, None, None]
                d_out[:, :, 2 * i : 2 * i + 2, 2 * j : 2 * j + 2] += share
        d_out[out <= 0] = 0
        d_w = np.zeros(params["w"].shape)
        for i in range(out.shape[2]):
            for j in range(out.shape[3]):
                patch = X[:, None, :, i : i + H, j : j + W]
                d_w += (patch * d_out[:, :, i, j][:, :, None, None, None]).sum(axis=0)
        V = pooled.reshape(len(X), -1).T @ d_scores
        return {"w": d_w, "b": d_out.sum(axis=(0, 2, 3)), "V": V}

    params = {"w": rng.normal(size=(3, 2, 3, 3)), "b": 0.1 * rng.normal(size=3),
              "V": rng.normal(size=(27, 4)) / 5}  # fmt: skip
    return loss, gradients, (params, rng.normal(size=(10, 2, 8, 8)), rng.normal(size=(10, 4)))


@program
def characters(rng):
    """A recurrent network over one-hot characters, with dictionaries of steps."""

    def forward(p, inputs, targets):
        xs, hs, ps, total = {}, {-1: np.zeros((p["Wxh"].shape[0], 1))}, {}, 0.0
        for t in range(len(inputs)):
            xs[t] = np.zeros((p["Wxh"].shape[1], 1))
            xs[t][inputs[t]] = 1
            hs[t] = np.tanh(np.dot(p["Wxh"], xs[t]) + np.dot(p["Whh"], hs[t - 1]) + p["bh"])
            y = np.dot(p["Why"], hs[t]) + p["by"]
            ps[t] = np.exp(y) / np.sum(np.exp(y))
            total += -np.log(ps[t][targets[t], 0])
        return xs, hs, ps, total

    def loss(p, inputs, targets):
        return forward(p, inputs, targets)[3]

    def gradients(p, inputs, targets):
        xs, hs, ps, _ = forward(p, inputs, targets)
        d = {k: np.zeros_like(v) for k, v in p.items()}
        dhnext = np.zeros_like(hs[0])
        for t in reversed(range(len(inputs))):
            dy = np.copy(ps[t])
            dy[targets[t]] -= 1
            d["Why"] += np.dot(dy, hs[t].T)
            d["by"] += dy
            dh = np.dot(p["Why"].T, dy) + dhnext
            draw = (1 - hs[t] * hs[t]) * dh
            d["bh"] += draw
            d["Wxh"] += np.dot(draw, xs[t].T)
            d["Whh"] += np.dot(draw, hs[t - 1].T)
            dhnext = np.dot(p["Whh"].T, draw)
        return d

    size, hidden = 27, 60
    p = {"Wxh": 0.1 * rng.normal(size=(hidden, size)), "Whh": 0.1 * rng.normal(size=(hidden,) * 2),
         "Why": 0.1 * rng.normal(size=(size, hidden)), "bh": np.zeros((hidden, 1)),
         "by": np.zeros((size, 1))}  # fmt: skip
    text = [int(c) for c in rng.integers(0, size, 26)]
    return loss, gradients, (p, text[:-1], text[1:])


@program
def lstm(rng):
    """A long short-term memory, its states written into an array."""

    def forward(p, x):
        N, T, _ = x.shape
        H = p["Wh"].shape[0]
        h, c, caches, hs = np.zeros((N, H)), np.zeros((N, H)), [], np.zeros((N, T, H))
        for t in range(T):
            a = x[:, t].dot(p["Wx"]) + h.dot(p["Wh"]) + p["b"]
            i, f, o = (1 / (1 + np.exp(-a[:, k * H : (k + 1) * H])) for k in range(3))
            g = np.tanh(a[:, 3 * H :])
            new = f * c + i * g
            caches.append((x[:, t], h, c, i, f, o, g, new))
            c, h = new, o * np.tanh(new)
            hs[:, t] = h
        return hs, caches

    def loss(p, x, weights):
        return np.sum(forward(p, x)[0] * weights)

    def gradients(p, x, weights):
        _, caches = forward(p, x)
        d = {k: np.zeros_like(v) for k, v in p.items()}
        dh_next = dc_next = 0
        for t in reversed(range(x.shape[1])):
            xt, h, c, i, f, o, g, new = caches[t]
            dh = weights[:, t] + dh_next
            dc = dh * o * (1 - np.tanh(new) ** 2) + dc_next
            da = np.hstack([dc * g * i * (1 - i), dc * c * f * (1 - f),
                            dh * np.tanh(new) * o * (1 - o), dc * i * (1 - g * g)])  # fmt: skip
            d["Wx"] += xt.T.dot(da)
            d["Wh"] += h.T.dot(da)
            d["b"] += da.sum(axis=0)
            dh_next, dc_next = da.dot(p["Wh"].T), dc * f
        return d

    p = {"Wx": rng.normal(size=(5, 24)) / 3, "Wh": rng.normal(size=(6, 24)) / 3,
         "b": rng.normal(size=24) / 3}  # fmt: skip
    return loss, gradients, (p, rng.normal(size=(4, 6, 5)), rng.normal(size=(4, 6, 6)))


@program
def pairs_of_columns(rng):
    """A network over a list of (x, y) pairs of columns, lists of weights and biases."""

    def sigmoid(z):
        return 1 / (1 + np.exp(-z))

    def loss(params, data):
        total = 0.0
        for x, y in data:
            a = x
            for w, b in zip(params["weights"], params["biases"], strict=True):
                a = sigmoid(np.dot(w, a) + b)
            total += 0.5 * np.sum((a - y) ** 2)
        return total / len(data)

    def one(params, x, y):
        activations, zs = [x], []
        for w, b in zip(params["weights"], params["biases"], strict=True):
            zs.append(np.dot(w, activations[-1]) + b)
            activations.append(sigmoid(zs[-1]))
        delta = (activations[-1] - y) * activations[-1] * (1 - activations[-1])
        nabla_b, nabla_w = [delta], [np.dot(delta, activations[-2].T)]
        for k in range(2, len(zs) + 1):
            s = activations[-k] * (1 - activations[-k])
            delta = np.dot(params["weights"][-k + 1].T, delta) * s
            nabla_b.insert(0, delta)
            nabla_w.insert(0, np.dot(delta, activations[-k - 1].T))
        return nabla_w, nabla_b

    def gradients(params, data):
        total_w = [np.zeros(w.shape) for w in params["weights"]]
        total_b = [np.zeros(b.shape) for b in params["biases"]]
        for x, y in data:
            nabla_w, nabla_b = one(params, x, y)
            total_w = [a + b for a, b in zip(total_w, nabla_w, strict=True)]
            total_b = [a + b for a, b in zip(total_b, nabla_b, strict=True)]
        return {"weights": [w / len(data) for w in total_w],
                "biases": [b / len(data) for b in total_b]}  # fmt: skip

    sizes = [50, 20, 10]
    params = {
        "weights": [rng.normal(size=(b, a)) / 5 for a, b in itertools.pairwise(sizes)],
        "biases": [rng.normal(size=(b, 1)) for b in sizes[1:]],
    }
    data = [(rng.random((50, 1)), np.eye(10)[:, [rng.integers(10)]]) for _ in range(40)]
    return loss, gradients, (params, data)


@program
def logistic_loop(rng):
    """Logistic regression, sample by sample in pure Python."""

    def loss(p, X, y):
        total = 0.0
        for i in range(len(X)):
            z = sum(float(p["w"][j]) * X[i][j] for j in range(len(X[i]))) + float(p["b"])
            a = 1 / (1 + np.exp(-z))
            total -= y[i] * np.log(a) + (1 - y[i]) * np.log(1 - a)
        return total / len(X)

    def gradients(p, X, y):
        dw, db = np.zeros(len(p["w"])), 0.0
        for i in range(len(X)):
            a = 1 / (1 + np.exp(-(np.dot(p["w"], X[i]) + p["b"])))
            for j in range(len(dw)):
                dw[j] += (a - y[i]) * X[i][j]
            db += a - y[i]
        return {"w": dw / len(X), "b": db / len(X)}

    p = {"w": rng.normal(size=6), "b": 0.3}
    return loss, gradients, (p, rng.normal(size=(60, 6)), rng.integers(0, 2, 60))
