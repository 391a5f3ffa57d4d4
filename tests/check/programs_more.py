"""More right gradients at real sizes: layers, norms, attention, models with a state."""

from __future__ import annotations

import itertools

import numpy as np
from tests.check.programs import program, softmax_rows


@program
def batch_norm(rng):
    def forward(p, x):
        mu, var = x.mean(axis=0), x.var(axis=0)
        normal = (x - mu) / np.sqrt(var + 1e-5)
        return normal, np.sqrt(var + 1e-5), p["gamma"] * normal + p["beta"]

    def loss(p, x, T):
        out = forward(p, np.asarray(x @ p["W"], dtype=float))[2]
        return np.mean(np.maximum(0, out) * T)

    def gradients(p, x, T):
        z = x @ p["W"]
        normal, spread, out = forward(p, z)
        d = T / T.size * (out > 0)
        d_normal = d * p["gamma"]
        d_z = (d_normal - d_normal.mean(axis=0)
               - normal * (d_normal * normal).mean(axis=0)) / spread  # fmt: skip
        return {"W": x.T @ d_z, "gamma": (d * normal).sum(axis=0), "beta": d.sum(axis=0)}

    p = {"W": rng.normal(size=(10, 20)), "gamma": rng.normal(size=20), "beta": rng.normal(size=20)}
    return loss, gradients, (p, rng.normal(size=(50, 10)), rng.normal(size=(50, 20)))


@program
def dropout_drawn_anew(rng):
    """A mask from NumPy's global state: the loss changes from call to call."""

    def forward(p, X):
        h = np.maximum(0, X @ p["W1"])
        mask = (np.random.rand(*h.shape) < 0.8) / 0.8  # noqa: NPY002
        return h, mask, (h * mask) @ p["W2"]

    def loss(p, X, T):
        return np.mean((forward(p, X)[2] - T) ** 2)

    def gradients(p, X, T):
        h, mask, out = forward(p, X)
        d = 2 * (out - T) / T.size
        return {"W1": X.T @ (d @ p["W2"].T * mask * (h > 0)), "W2": (h * mask).T @ d}

    p = {"W1": rng.normal(size=(12, 50)) / 4, "W2": rng.normal(size=(50, 3)) / 4}
    return loss, gradients, (p, rng.normal(size=(30, 12)), rng.normal(size=(30, 3)))


@program
def deep_relus(rng):
    """Five layers of 50 relus, biases at zero."""

    def loss(p, X, T):
        h = X
        for k in range(5):
            h = np.maximum(h @ p[f"W{k}"] + p[f"b{k}"], 0) if k < 4 else h @ p[f"W{k}"] + p[f"b{k}"]
        return float(np.mean(np.asarray(h - T, dtype=float) ** 2))

    def gradients(p, X, T):
        hs = [X]
        for k in range(5):
            z = hs[-1] @ p[f"W{k}"] + p[f"b{k}"]
            hs.append(np.maximum(z, 0) if k < 4 else z)
        d, grads = 2 * (hs[-1] - T) / T.size, {}
        for k in reversed(range(5)):
            grads[f"W{k}"], grads[f"b{k}"] = hs[k].T @ d, d.sum(axis=0)
            d = d @ p[f"W{k}"].T * (hs[k] > 0)
        return grads

    sizes = [20, 50, 50, 50, 50, 4]
    p = {f"W{k}": rng.normal(size=s) * np.sqrt(2 / s[0]) for k, s in
         enumerate(itertools.pairwise(sizes))}  # fmt: skip
    p |= {f"b{k}": np.zeros(size) for k, size in enumerate(sizes[1:])}
    return loss, gradients, (p, rng.normal(size=(100, 20)), rng.normal(size=(100, 4)))


@program
def attention(rng):
    def forward(p, x):
        q, k, v = x @ p["Q"], x @ p["K"], x @ p["V"]
        a = softmax_rows(q @ k.T / np.sqrt(q.shape[1]))
        return q, k, v, a, a @ v

    def loss(p, x, T):
        return np.mean((forward(p, x)[4] - T) ** 2)

    def gradients(p, x, T):
        q, k, v, a, out = forward(p, x)
        d = 2 * (out - T) / T.size
        d_a = d @ v.T
        d_s = a * (d_a - (d_a * a).sum(axis=1, keepdims=True)) / np.sqrt(q.shape[1])
        return {"Q": x.T @ (d_s @ k), "K": x.T @ (d_s.T @ q), "V": x.T @ (a.T @ d)}

    p = {name: rng.normal(size=(16, 8)) / 3 for name in "QKV"}
    return loss, gradients, (p, rng.normal(size=(12, 16)), rng.normal(size=(12, 8)))


@program
def embedding(rng):
    """Words looked up in a table; a word that occurs twice adds up."""

    def loss(p, words, y):
        scores = p["E"][words].mean(axis=1) @ p["W"]
        scores = scores - scores.max(axis=1, keepdims=True)
        return np.mean(np.log(np.exp(scores).sum(axis=1)) - scores[np.arange(len(y)), y])

    def gradients(p, words, y):
        mean = p["E"][words].mean(axis=1)
        d = softmax_rows(mean @ p["W"])
        d[np.arange(len(y)), y] -= 1
        d /= len(y)
        d_mean, d_E = d @ p["W"].T, np.zeros_like(p["E"])
        for i in range(len(words)):
            for word in words[i]:
                d_E[word] += d_mean[i] / words.shape[1]
        return {"E": d_E, "W": mean.T @ d}

    p = {"E": rng.normal(size=(200, 16)), "W": rng.normal(size=(16, 4))}
    return loss, gradients, (p, rng.integers(0, 200, (30, 7)), rng.integers(0, 4, 30))


@program
def absolute_errors(rng):
    """The mean absolute error with an L1 penalty: kinks in the loss itself."""

    def loss(p, X, y):
        return np.mean(np.abs(X @ p["w"] + p["b"] - y)) + 0.01 * np.abs(p["w"]).sum()

    def gradients(p, X, y):
        s = np.sign(X @ p["w"] + p["b"] - y)
        return {"w": X.T @ s / len(y) + 0.01 * np.sign(p["w"]), "b": s.mean()}

    p = {"w": rng.normal(size=20), "b": 0.1}
    return loss, gradients, (p, rng.normal(size=(1000, 20)), rng.normal(size=1000))


@program
def leaky_maxout(rng):
    """A leaky relu and the larger of two linear maps."""

    def loss(p, X, T):
        z = X @ p["A"]
        h = np.where(z > 0, z, 0.1 * z)
        return np.sum(np.maximum(h @ p["B"], h @ p["C"]) * T) / len(X)

    def gradients(p, X, T):
        z = X @ p["A"]
        h = np.where(z > 0, z, 0.1 * z)
        b, c = h @ p["B"], h @ p["C"]
        d_b, d_c = T / len(X) * (b > c), T / len(X) * (b <= c)
        d_z = (d_b @ p["B"].T + d_c @ p["C"].T) * np.where(z > 0, 1, 0.1)
        return {"A": X.T @ d_z, "B": h.T @ d_b, "C": h.T @ d_c}

    p = {"A": rng.normal(size=(10, 30)), "B": rng.normal(size=(30, 5)),
         "C": rng.normal(size=(30, 5))}  # fmt: skip
    return loss, gradients, (p, rng.normal(size=(300, 10)), rng.normal(size=(300, 5)))


@program
def single_precision(rng):
    """The lab's softmax regression in float32."""

    def loss(p, X, y):
        z = X @ p["W"] + p["b"]
        z = z - z.max(axis=1, keepdims=True)
        return np.mean(np.log(np.exp(z).sum(axis=1)) - z[np.arange(len(y)), y])

    def gradients(p, X, y):
        d = softmax_rows(X @ p["W"] + p["b"])
        d[np.arange(len(y)), y] -= 1
        return {"W": X.T @ d / len(y), "b": d.mean(axis=0)}

    p = {"W": rng.normal(size=(64, 10)).astype(np.float32), "b": np.zeros(10, np.float32)}
    X = rng.normal(size=(500, 64)).astype(np.float32)
    return loss, gradients, (p, X, rng.integers(0, 10, 500))


@program
def object_of_layers(rng):
    """Layers as objects that keep what their backward pass needs."""

    class Affine:
        def forward(self, x, W, b):
            self.x, self.W = x, W
            return np.asarray(x @ W + b, dtype=float)

        def backward(self, d):
            return d @ self.W.T, self.x.T @ d, d.sum(axis=0)

    class Relu:
        def forward(self, x):
            self.mask = x <= 0
            out = x.copy()
            out[self.mask] = 0
            return out

        def backward(self, d):
            d[self.mask] = 0
            return d

    one, relu, two = Affine(), Relu(), Affine()

    def predict(p, X):
        return two.forward(relu.forward(one.forward(X, p["W1"], p["b1"])), p["W2"], p["b2"])

    def loss(p, X, t):
        y = softmax_rows(predict(p, X))
        return -np.sum(np.log(y[np.arange(len(t)), t] + 1e-7)) / len(t)

    def gradients(p, X, t):
        d = softmax_rows(predict(p, X))
        d[np.arange(len(t)), t] -= 1
        d, W2, b2 = two.backward(d / len(t))
        _, W1, b1 = one.backward(relu.backward(d))
        return {"W1": W1, "b1": b1, "W2": W2, "b2": b2}

    p = {"W1": 0.1 * rng.normal(size=(50, 50)), "b1": np.zeros(50),
         "W2": 0.1 * rng.normal(size=(50, 10)), "b2": np.zeros(10)}  # fmt: skip
    return loss, gradients, (p, rng.normal(size=(200, 50)), rng.integers(0, 10, 200))


@program
def autoencoder(rng):
    """Tied weights: both paths into one matrix."""

    def loss(p, X):
        h = np.tanh(X @ p["W"] + p["b"])
        return np.mean(np.sum((h @ p["W"].T + p["c"] - X) ** 2, axis=1))

    def gradients(p, X):
        h = np.tanh(X @ p["W"] + p["b"])
        d = 2 * (h @ p["W"].T + p["c"] - X) / len(X)
        d_z = d @ p["W"] * (1 - h**2)
        return {"W": X.T @ d_z + d.T @ h, "b": d_z.sum(axis=0), "c": d.sum(axis=0)}

    p = {"W": rng.normal(size=(64, 16)) / 8, "b": np.zeros(16), "c": np.zeros(64)}
    return loss, gradients, (p, rng.random((200, 64)))
