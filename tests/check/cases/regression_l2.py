"""Regression: one hidden tanh layer, mean squared error over all outputs, L2 on the weights."""

import numpy as np
from tests.check.collection import Wrong


def problem(rng):
    W1 = rng.normal(size=(3, 5)) * 0.6
    b1 = rng.normal(size=5) * 0.4
    W2 = rng.normal(size=(5, 2)) * 0.6
    b2 = rng.normal(size=2) * 0.4
    X = rng.normal(size=(9, 3))
    Y = rng.normal(size=(9, 2))
    return (W1, b1, W2, b2), X, Y, 0.3


def loss(params, X, Y, lam):
    W1, b1, W2, b2 = params
    h = np.tanh(X @ W1 + b1)
    pred = h @ W2 + b2
    mse = np.mean((pred - Y) ** 2)
    return mse + lam * (np.sum(W1**2) + np.sum(W2**2))


def plain(params, X, Y, lam):
    W1, b1, W2, b2 = params
    z = X @ W1 + b1
    h = np.tanh(z)
    pred = h @ W2 + b2
    d_pred = 2 * (pred - Y) / Y.size
    d_W2 = h.T @ d_pred + 2 * lam * W2
    d_b2 = d_pred.sum(axis=0)
    d_h = d_pred @ W2.T
    d_z = d_h * (1 - h**2)
    d_W1 = X.T @ d_z + 2 * lam * W1
    d_b1 = d_z.sum(axis=0)
    return d_W1, d_b1, d_W2, d_b2


def tanh_backward(d_out, z):
    return d_out * (1 - np.tanh(z) ** 2)


def mse_backward(pred, target):
    n, k = pred.shape
    return (pred - target) * 2 / (n * k)


def helpers(params, X, Y, lam):
    W1, b1, W2, b2 = params
    z1 = np.dot(X, W1) + b1
    a1 = np.tanh(z1)
    z2 = np.dot(a1, W2) + b2
    delta2 = mse_backward(z2, Y)
    delta1 = tanh_backward(np.dot(delta2, W2.T), z1)
    dW2 = np.dot(a1.T, delta2)
    dW1 = np.dot(X.T, delta1)
    dW2 += 2 * lam * W2
    dW1 += 2 * lam * W1
    return dW1, delta1.sum(0), dW2, delta2.sum(0)


def samples(params, X, Y, lam):
    W1, b1, W2, b2 = params
    gW1, gb1, gW2, gb2 = (np.zeros_like(p) for p in params)
    for x, t in zip(X, Y, strict=True):
        h = np.tanh(x @ W1 + b1)
        e = h @ W2 + b2 - t
        gW2 += np.outer(h, e)
        gb2 += e
        back = W2 @ e
        gh = back - back * h * h
        gW1 += np.outer(x, gh)
        gb1 += gh
    scale = 2 / (len(X) * Y.shape[1])
    return (
        scale * gW1 + 2 * lam * W1,
        scale * gb1,
        scale * gW2 + 2 * lam * W2,
        scale * gb2,
    )


def columns(params, X, Y, lam):
    W1, b1, W2, b2 = [p.T if p.ndim == 2 else p[:, np.newaxis] for p in params]
    m = X.shape[0]
    A0, T = X.T, Y.T
    A1 = np.tanh(W1 @ A0 + b1)
    A2 = W2 @ A1 + b2
    dA2 = (A2 - T) / m
    dW2 = dA2 @ A1.T + 2 * lam * W2
    db2 = np.sum(dA2, axis=1)
    dZ1 = (W2.T @ dA2) / np.cosh(W1 @ A0 + b1) ** 2
    dW1 = dZ1 @ A0.T + 2 * lam * W1
    db1 = np.sum(dZ1, axis=1)
    return dW1.T, db1, dW2.T, db2


class Linear:
    def __init__(self, weights, bias, decay):
        self.weights, self.bias, self.decay = weights, bias, decay

    def __call__(self, inputs):
        self.inputs = inputs
        return inputs @ self.weights + self.bias

    def backward(self, grad):
        self.grad_weights = self.inputs.T @ grad + 2 * self.decay * self.weights
        self.grad_bias = np.ones(len(grad)) @ grad
        return grad @ self.weights.T


def classes(params, X, Y, lam):
    first = Linear(params[0], params[1], lam)
    second = Linear(params[2], params[3], lam)
    hidden = np.tanh(first(X))
    residual = second(hidden) - Y
    grad = second.backward(2 * residual / residual.size)
    first.backward(grad * (1 - hidden) * (1 + hidden))
    return first.grad_weights, first.grad_bias, second.grad_weights, second.grad_bias


def elements(params, X, Y, lam):
    W1, b1, W2, b2 = params
    n, d = X.shape
    k, m = W2.shape[1], W2.shape[0]
    dW1, dW2 = 2 * lam * W1, 2 * lam * W2
    db1, db2 = np.zeros(m), np.zeros(k)
    H = np.tanh(X @ W1 + b1)
    P = H @ W2 + b2
    for i in range(n):
        for o in range(k):
            g = 2 * (P[i, o] - Y[i, o]) / (n * k)
            db2[o] += g
            for u in range(m):
                dW2[u, o] += g * H[i, u]
                s = g * W2[u, o] * (1 - H[i, u] ** 2)
                db1[u] += s
                for f in range(d):
                    dW1[f, u] += s * X[i, f]
    return dW1, db1, dW2, db2


WRONG = [
    Wrong(
        "plain",
        "2 * (pred - Y) / Y.size",
        "2 * (pred - Y) / len(Y)",
        r"average|mean|divi|size|factor|\b2\b",
    ),
    Wrong(
        "plain", "2 * (pred - Y) / Y.size", "(pred - Y) / Y.size", r"factor|\b2\b|half|square|doubl"
    ),
    Wrong("plain", "2 * (pred - Y) / Y.size", "2 * (pred - Y)", r"average|mean|divi"),
    Wrong(
        "plain",
        "2 * (pred - Y) / Y.size",
        "2 * (Y - pred) / Y.size",
        r"sign|minus|negat|order|pred - Y",
    ),
    Wrong(
        "plain",
        "2 * (pred - Y) / Y.size",
        "2 * (pred - Y) ** 2 / Y.size",
        r"square|derivative|\*\* ?2|power",
    ),
    Wrong("plain", "2 * (pred - Y) / Y.size", "2 * (h @ W2 - Y) / Y.size", r"bias|b2|pred"),
    Wrong("plain", " + 2 * lam * W2", "", r"regulari|L2|lam|penalty|decay"),
    Wrong("plain", " + 2 * lam * W1", " + lam * W1", r"regulari|L2|lam|penalty|decay|factor|half"),
    Wrong("plain", " + 2 * lam * W1", " - 2 * lam * W1", r"sign|minus|negat"),
    Wrong(
        "plain",
        " + 2 * lam * W1",
        " + 2 * lam * W1**2",
        r"regulari|L2|lam|penalty|decay|square|derivative",
    ),
    Wrong(
        "plain", " + 2 * lam * W1", " + 2 * lam * np.sum(W1)", r"regulari|L2|lam|penalty|decay|sum"
    ),
    Wrong(
        "plain",
        "d_b1 = d_z.sum(axis=0)",
        "d_b1 = d_z.sum(axis=0) + 2 * lam * b1",
        r"regulari|L2|lam|penalty|decay|bias",
    ),
    Wrong("plain", "d_h * (1 - h**2)", "d_h", r"derivative|slope|tanh|1 - h"),
    Wrong(
        "plain", "d_h * (1 - h**2)", "d_h * (1 - z**2)", r"\bz\b|\bh\b|derivative|slope|pre-?activ"
    ),
    Wrong(
        "plain",
        "d_h * (1 - h**2)",
        "d_h * (1 - np.tanh(h) ** 2)",
        r"tanh|twice|derivative|slope|\bz\b",
    ),
    Wrong("plain", "d_h * (1 - h**2)", "d_h * (1 - h)", r"square|\*\*|derivative|slope"),
    Wrong("plain", "d_h * (1 - h**2)", "d_h * h * (1 - h)", r"sigmoid|derivative|slope|tanh"),
    Wrong(
        "plain", "d_h * (1 - h**2)", "d_h * (1 - h**2) ** 2", r"twice|doubl|square|derivative|slope"
    ),
    Wrong(
        "plain",
        "d_W1, d_b1, d_W2, d_b2",
        "d_W2, d_b2, d_W1, d_b1",
        r"swap|exchang|order|shape|d_W1|d_W2",
    ),
    Wrong(
        "mse_backward",
        "(pred - target) * 2 / (n * k)",
        "(pred - target) / n / k",
        r"factor|\b2\b|half|doubl",
        run="helpers",
    ),
    Wrong("mse_backward", "(n * k)", "n", r"average|mean|divi|factor|\bk\b|size", run="helpers"),
    Wrong(
        "tanh_backward",
        "1 - np.tanh(z) ** 2",
        "1 - np.tanh(z)",
        r"square|\*\*|derivative|slope|tanh",
        run="helpers",
    ),
    Wrong(
        "tanh_backward",
        "d_out * (1 - np.tanh(z) ** 2)",
        "1 - np.tanh(z) ** 2",
        r"d_out|chain|multipl|missing",
        run="helpers",
    ),
    Wrong("helpers", "W2.T), z1)", "W2.T), a1)", r"z1|a1|twice|pre-?activ|derivative"),
    Wrong(
        "helpers", "dW1 += 2 * lam * W1", "dW1 = 2 * lam * W1", r"\+=|accumul|overwrit|add|replac"
    ),
    Wrong(
        "helpers", "dW1 += 2 * lam * W1", "dW1 += 2 * lam * dW1", r"W1|dW1|regulari|L2|lam|penalty"
    ),
    Wrong("helpers", "    dW2 += 2 * lam * W2\n", "", r"regulari|L2|lam|penalty|decay"),
    Wrong(
        "helpers",
        "return dW1, delta1",
        "return dW1.T, delta1",
        r"transpose|order|operand|swap|shape",
    ),
    Wrong(
        "samples", "back - back * h * h", "back - back * h", r"derivative|slope|square|h \* h|tanh"
    ),
    Wrong(
        "samples",
        "back - back * h * h",
        "back + back * h * h",
        r"sign|minus|negat|derivative|slope",
    ),
    Wrong("samples", "W2 @ e\n", "W2 @ (e + t)\n", r"error|\be\b|target|\bt\b"),
    Wrong("samples", "gb1 += gh", "gb1 += back", r"\bgh\b|back|derivative|slope"),
    Wrong(
        "samples", "gW2 += np.outer(h, e)", "gW2 = np.outer(h, e)", r"\+=|accumul|last sample|add"
    ),
    Wrong(
        "samples",
        "2 / (len(X) * Y.shape[1])",
        "1 / (len(X) * Y.shape[1])",
        r"factor|\b2\b|half|doubl",
    ),
    Wrong("samples", "        scale * gb1,", "        gb1,", r"scale|average|mean|divi|factor"),
    Wrong(
        "samples",
        "scale * gW1 + 2 * lam * W1",
        "scale * (gW1 + 2 * lam * W1)",
        r"scale|regulari|L2|lam|penalty|average|mean|parenthes|bracket|divi",
    ),
    Wrong(
        "columns",
        "/ np.cosh(W1 @ A0 + b1) ** 2",
        "/ np.cosh(W1 @ A0 + b1)",
        r"square|\*\*|derivative|slope|cosh|tanh",
    ),
    Wrong("columns", "/ np.cosh(W1 @ A0 + b1) ** 2", "/ np.cosh(W1 @ A0) ** 2", r"bias|b1"),
    Wrong(
        "columns",
        "/ np.cosh(W1 @ A0 + b1) ** 2",
        "* np.cosh(W1 @ A0 + b1) ** 2",
        r"divi|cosh|derivative|slope|tanh",
    ),
    Wrong("columns", "(A2 - T) / m", "(A2 - T) / (2 * m)", r"factor|\b2\b|half|average|mean|doubl"),
    Wrong("columns", "db1 = np.sum(dZ1, axis=1)", "db1 = np.sum(dZ1, axis=0)", r"axis|axes"),
    Wrong("columns", "dW2 = dA2 @ A1.T", "dW2 = dA2 @ A1.T / m", r"average|mean|divi|twice|extra"),
    Wrong(
        "Linear",
        "2 * self.decay * self.weights",
        "self.decay * self.weights",
        r"regulari|L2|decay|penalty|factor|\b2\b|half",
        run="classes",
    ),
    Wrong(
        "Linear",
        "self.inputs.T @ grad + 2",
        "self.inputs.T @ grad / len(grad) + 2",
        r"average|mean|divi|twice|extra",
        run="classes",
    ),
    Wrong(
        "classes",
        "(1 - hidden) * (1 + hidden)",
        "(1 - hidden) * hidden",
        r"sigmoid|derivative|slope|tanh|1 \+ hidden",
    ),
    Wrong("classes", "2 * residual / residual.size", "residual", r"average|mean|divi|factor|\b2\b"),
    Wrong("elements", "(1 - H[i, u] ** 2)", "(1 - H[i, u])", r"square|\*\*|derivative|slope"),
    Wrong("elements", "db1[u] += s", "db1[u] = s", r"\+=|accumul|last|add"),
    Wrong(
        "elements",
        "dW1, dW2 = 2 * lam * W1, 2 * lam * W2",
        "dW1, dW2 = 2 * lam * W1, np.zeros_like(W2)",
        r"regulari|L2|lam|penalty|decay|W2",
    ),
    Wrong(
        "elements",
        "for f in range(d)",
        "for f in range(1, d)",
        r"first|range|off by one|left out|skip|feature|row",
    ),
    Wrong(
        "plain",
        (" + 2 * lam * W2", "d_h * (1 - h**2)"),
        ("", "d_h"),
        (r"regulari|L2|lam|penalty|decay", r"derivative|slope|tanh|1 - h"),
    ),
    Wrong(
        "plain",
        ("2 * (pred - Y) / Y.size", "d_b1 = d_z.sum(axis=0)"),
        ("2 * (Y - pred) / Y.size", "d_b1 = d_z.sum(axis=1)"),
        (r"sign|minus|negat|order|pred - Y", r"axis|axes"),
    ),
    Wrong(
        "helpers",
        ("W2.T), z1)", "    dW1 += 2 * lam * W1\n"),
        ("W2.T), a1)", ""),
        (r"z1|a1|twice|pre-?activ|derivative", r"regulari|L2|lam|penalty|decay"),
    ),
    Wrong(
        "columns",
        ("(A2 - T) / m", "2 * lam * W1"),
        ("A2 - T", "lam * W1"),
        (r"average|mean|divi", r"regulari|L2|lam|penalty|decay|factor|half"),
    ),
    Wrong(
        "samples",
        ("gb2 += e", "back - back * h * h"),
        ("gb2 = e", "back"),
        (r"\+=|accumul|last sample|add", r"derivative|slope|tanh|h \* h"),
    ),
]
