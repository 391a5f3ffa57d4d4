"""Binary classification: one hidden tanh layer, a sigmoid output, binary cross-entropy."""

import numpy as np
from tests.check.collection import Wrong


def problem(rng):
    params = [
        rng.normal(size=(4, 5)) * 0.7,
        rng.normal(size=5) * 0.4,
        rng.normal(size=(5, 1)) * 0.9,
        rng.normal(size=1) * 0.4,
    ]
    X = rng.normal(size=(11, 4))
    y = rng.integers(0, 2, 11)
    return params, X, y


def sigmoid(z):
    return 1.0 / (1.0 + np.exp(-z))


def loss(params, X, y):
    W1, b1, W2, b2 = params
    p = sigmoid(np.tanh(X @ W1 + b1) @ W2 + b2)
    p = np.reshape(p, (-1,))
    return -np.mean(y * np.log(p) + (1 - y) * np.log(1 - p))


def plain(params, X, y):
    W1, b1, W2, b2 = params
    n = len(y)
    t = y.reshape(-1, 1)
    z1 = X @ W1 + b1
    h = np.tanh(z1)
    z2 = h @ W2 + b2
    p = sigmoid(z2)
    d_z2 = (p - t) / n
    d_W2 = h.T @ d_z2
    d_b2 = d_z2.sum(axis=0)
    d_h = d_z2 @ W2.T
    d_z1 = d_h * (1 - h**2)
    d_W1 = X.T @ d_z1
    d_b1 = d_z1.sum(axis=0)
    return [d_W1, d_b1, d_W2, d_b2]


def probabilities(params, X, y):
    """By the derivative with respect to the probability first."""
    W1, b1, W2, b2 = params
    Y = y[:, None]
    m = X.shape[0]
    A1 = np.tanh(X.dot(W1) + b1)
    A2 = sigmoid(A1.dot(W2) + b2)
    A2 = np.clip(A2, 1e-12, 1 - 1e-12)
    dA2 = -(np.divide(Y, A2) - np.divide(1 - Y, 1 - A2))
    dZ2 = dA2 * A2 * (1 - A2)
    dW2 = A1.T.dot(dZ2) / m
    db2 = np.sum(dZ2, axis=0) / m
    dA1 = dZ2.dot(W2.T)
    dZ1 = dA1 * (1 - A1 * A1)
    dW1 = X.T.dot(dZ1) / m
    db1 = np.sum(dZ1, axis=0) / m
    return [dW1, db1, dW2, db2]


def flat(params, X, y):
    """The output layer as a vector."""
    W1, b1, W2, b2 = params
    w = W2[:, 0]
    h = np.tanh(X @ W1 + b1)
    residual = sigmoid(h @ w + b2[0]) - y
    g = np.outer(residual, w) * (1 - h**2)
    return [
        X.T @ g / y.size,
        g.mean(axis=0),
        (residual @ h / y.size)[:, np.newaxis],
        np.array([residual.mean()]),
    ]


def columns(params, X, y):
    """Features by samples."""
    W1, b1, W2, b2 = params
    W1, b1, W2 = W1.T, b1[:, None], W2.T
    A0, Y = X.T, y[None, :]
    m = Y.shape[1]
    cache = {}
    cache["A1"] = np.tanh(np.dot(W1, A0) + b1)
    cache["A2"] = sigmoid(np.dot(W2, cache["A1"]) + b2)
    dZ2 = cache["A2"] - Y
    dW2 = np.dot(dZ2, cache["A1"].T) / m
    db2 = np.sum(dZ2, axis=1) / m
    dZ1 = np.dot(W2.T, dZ2) * (1 - np.power(cache["A1"], 2))
    dW1 = np.dot(dZ1, A0.T) / m
    db1 = np.sum(dZ1, axis=1) / m
    return [dW1.T, db1, dW2.T, db2]


def samples(params, X, y):
    W1, b1, W2, b2 = params
    gW1, gb1 = np.zeros(W1.shape), np.zeros(b1.shape)
    gW2, gb2 = np.zeros(W2.shape), np.zeros(b2.shape)
    for i in range(X.shape[0]):
        x = X[i : i + 1]
        h = np.tanh(x @ W1 + b1)
        p = sigmoid(h @ W2 + b2)
        d_z = p.copy()
        if y[i] == 1:
            d_z = -(1 - p)
        gW2 += h.T @ d_z
        gb2 += d_z[0]
        d_h = (d_z @ W2.T) * (1 - h**2)
        gW1 += x.T @ d_h
        gb1 += d_h[0]
    count = float(X.shape[0])
    return [gW1 / count, gb1 / count, gW2 / count, gb2 / count]


class LogisticNet:
    def __init__(self, params):
        self.W1, self.b1, self.W2, self.b2 = params

    def forward(self, X):
        self.X = X
        self.h = np.tanh(X @ self.W1 + self.b1)
        self.logits = self.h @ self.W2 + self.b2
        return self.logits[:, 0]

    def backward(self, upstream):
        delta = upstream[:, None]
        self.dW2 = self.h.T @ delta
        self.db2 = delta.sum(0)
        delta = delta @ self.W2.T
        delta *= 1 - self.h**2
        self.dW1 = self.X.T @ delta
        self.db1 = delta.sum(0)


def network(params, X, y):
    net = LogisticNet(params)
    logits = net.forward(X)
    signs = 2 * y - 1
    net.backward(-signs / (1 + np.exp(signs * logits)) / len(y))
    return [net.dW1, net.db1, net.dW2, net.db2]


MEAN = r"average|mean|divi"
SLOPE = r"derivative|slope|tanh|1 - h"

WRONG = [
    Wrong("plain", "(p - t) / n", "p - t", MEAN),
    Wrong("plain", "(p - t) / n", "(t - p) / n", r"sign|minus|negat|order|p - t"),
    Wrong(
        "plain",
        "(p - t) / n",
        "(p - t) * p * (1 - p) / n",
        r"sigmoid|twice|extra|already|p \* \(1 - p\)|derivative",
    ),
    Wrong("plain", "(p - t) / n", "(p - t) / X.size", r"average|mean|divi|size|number of"),
    Wrong("plain", "(p - t) / n", "(z2 - t) / n", r"z2|sigmoid|\bp\b|probab|activation"),
    Wrong(
        "plain", "(p - t) / n", "((p > 0.5) - t) / n", r"0\.5|threshold|round|probab|predict|\bp\b"
    ),
    Wrong(
        "plain",
        "y.reshape(-1, 1)",
        "y.reshape(-1, 1) * 2 - 1",
        r"label|\by\b|\bt\b|target|0 (and|or) 1|-1",
    ),
    Wrong("plain", "d_h * (1 - h**2)", "d_h", SLOPE),
    Wrong("plain", "d_h * (1 - h**2)", "d_h * h * (1 - h)", r"sigmoid|derivative|slope|tanh"),
    Wrong(
        "plain", "d_h * (1 - h**2)", "d_h * (1 - z1**2)", r"z1|\bh\b|derivative|slope|pre-?activ"
    ),
    Wrong("plain", "d_h * (1 - h**2)", "d_h * (1 + h**2)", r"sign|minus|derivative|slope"),
    Wrong("plain", "h.T @ d_z2", "z1.T @ d_z2", r"z1|\bh\b|activation|tanh"),
    Wrong("plain", "d_z2 @ W2.T", "t @ W2.T", r"\bt\b|d_z2|label|error|\(p - t\)"),
    Wrong("plain", "h = np.tanh(z1)", "h = sigmoid(z1)", r"tanh|sigmoid|forward|activation"),
    Wrong("plain", "h @ W2 + b2", "h @ W2 - b2", r"bias|b2|sign"),
    Wrong("plain", "X.T @ d_z1", "X.T @ d_h", r"d_z1|d_h|derivative|slope"),
    Wrong("plain", "d_z1.sum(axis=0)", "d_z1.sum(axis=1)", r"axis|axes"),
    Wrong(
        "probabilities", "-(np.divide(Y, A2) - np", "(np.divide(Y, A2) - np", r"sign|minus|negat"
    ),
    Wrong(
        "probabilities",
        "np.divide(Y, A2) - np.divide",
        "np.divide(Y, A2) + np.divide",
        r"sign|minus|negat",
    ),
    Wrong("probabilities", " - np.divide(1 - Y, 1 - A2)", "", r"1 - Y|term|left out|missing|path"),
    Wrong("probabilities", "dA2 * A2 * (1 - A2)", "dA2 * (1 - A2)", r"derivative|slope|sigmoid|A2"),
    Wrong(
        "probabilities", "dA2 * A2 * (1 - A2)", "dA2", r"derivative|slope|sigmoid|A2 \* \(1 - A2\)"
    ),
    Wrong(
        "probabilities",
        "dA2 * A2 * (1 - A2)",
        "dA2 * sigmoid(A2) * (1 - sigmoid(A2))",
        r"sigmoid|twice|derivative|slope",
    ),
    Wrong("probabilities", "np.clip(A2, 1e-12, 1 - 1e-12)", "np.clip(A2, 0.3, 0.7)", r"clip"),
    Wrong("probabilities", "dA1 * (1 - A1 * A1)", "dA1 * (1 - A2 * A2)", r"A1|A2|derivative|slope"),
    Wrong("probabilities", "    dZ1 = dA1", "    dZ1 = np.clip(dA1, -0.1, 0.1)", r"clip"),
    Wrong("probabilities", "X.T.dot(dZ1) / m", "X.T.dot(dZ1)", MEAN),
    Wrong(
        "probabilities",
        "np.sum(dZ1, axis=0) / m",
        "np.mean(dZ1, axis=0) / m",
        r"average|mean|divi|twice",
    ),
    Wrong("flat", "g.mean(axis=0)", "g.sum(axis=0)", MEAN),
    Wrong("flat", "g.mean(axis=0)", "g.mean()", r"axis|axes"),
    Wrong("flat", "np.outer(residual, w) * (1 - h**2)", "np.outer(residual, w)", SLOPE),
    Wrong(
        "flat", "np.outer(residual, w) * (1", "np.outer(y, w) * (1", r"residual|label|\by\b|error"
    ),
    Wrong("flat", "residual @ h / y.size", "y @ h / y.size", r"residual|label|\by\b|error"),
    Wrong("flat", " + b2[0]", "", r"bias|b2"),
    Wrong(
        "columns",
        "np.dot(W2.T, dZ2) * (1 - np",
        "np.dot(W2.T, dZ2) / m * (1 - np",
        r"average|mean|divi|twice|extra",
    ),
    Wrong(
        "columns", 'np.power(cache["A1"], 2)', 'cache["A1"]', r"square|power|derivative|slope|tanh"
    ),
    Wrong("columns", "np.sum(dZ1, axis=1) / m", "np.sum(dZ1, axis=0) / m", r"axis|axes"),
    Wrong("columns", "dW1.T, db1", "dW1, db1", r"transpose|\.T|shape"),
    Wrong(
        "columns",
        "db2 = np.sum(dZ2, axis=1) / m",
        "db2 = np.sum(dZ2, axis=1, keepdims=True) / m",
        r"shape|axis|axes|keepdims",
    ),
    Wrong("samples", "d_z = -(1 - p)", "d_z = 1 - p", r"sign|minus|negat"),
    Wrong("samples", "y[i] == 1", "y[i] == 0", r"label|condition|\by\b|== 1|swap"),
    Wrong(
        "samples",
        "d_z = p.copy()",
        "d_z = 1 - p.copy()",
        r"\bp\b|sign|class|label",
    ),
    Wrong("samples", "gW1 += x.T @ d_h", "gW1 = x.T @ d_h", r"\+=|accumul|last sample|add"),
    Wrong(
        "samples",
        "(d_z @ W2.T) * (1 - h**2)",
        "(d_z @ W2.T) * (1 - h)",
        r"square|\*\*|derivative|slope",
    ),
    Wrong("samples", "np.zeros(b1.shape)", "np.ones(b1.shape)", r"zero|initial|start"),
    Wrong("samples", "gb2 / count", "gb2", MEAN),
    Wrong(
        "LogisticNet",
        "        delta *= 1 - self.h**2\n",
        "",
        r"derivative|slope|tanh|1 - self\.h",
        run="network",
    ),
    Wrong(
        "LogisticNet",
        "delta *= 1 - self.h**2",
        "delta = 1 - self.h**2",
        r"\*=|chain|multipl|delta|overwrit",
        run="network",
    ),
    Wrong(
        "LogisticNet",
        "self.X.T @ delta",
        "self.h.T @ delta",
        r"self\.X|input|self\.h",
        run="network",
    ),
    Wrong("network", "-signs / (1 +", "signs / (1 +", r"sign|minus|negat"),
    Wrong("network", " / len(y)", "", MEAN),
    Wrong("network", "np.exp(signs * logits)", "np.exp(logits)", r"signs|label|exp"),
    Wrong("network", "np.exp(signs * logits)", "np.exp(-signs * logits)", r"sign|minus|negat"),
    Wrong(
        "plain",
        ("(p - t) / n", "d_h * (1 - h**2)"),
        ("p - t", "d_h * (1 - h)"),
        (MEAN, r"square|\*\*|derivative|slope"),
    ),
    Wrong(
        "plain",
        ("(p - t) / n", "d_z1.sum(axis=0)"),
        ("(t - p) / n", "d_z1.sum()"),
        (r"sign|minus|negat|order|p - t", r"axis|axes"),
    ),
    Wrong(
        "probabilities",
        ("dA2 * A2 * (1 - A2)", "X.T.dot(dZ1) / m"),
        ("dA2", "X.T.dot(dZ1)"),
        (r"derivative|slope|sigmoid|A2 \* \(1 - A2\)", MEAN),
    ),
    Wrong(
        "samples",
        ("gb1 += d_h[0]", "d_z = -(1 - p)"),
        ("gb1 = d_h[0]", "d_z = 1 - p"),
        (r"\+=|accumul|last sample|add", r"sign|minus|negat"),
    ),
]
