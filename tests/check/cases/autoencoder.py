"""An autoencoder with tied weights, sigmoid twice, binary cross-entropy."""

import numpy as np
from tests.check.collection import Wrong


def problem(rng):
    params = {
        "W": rng.normal(size=(6, 3)) * 0.8,
        "b": rng.normal(size=3) * 0.4,
        "c": rng.normal(size=6) * 0.4,
    }
    X = rng.uniform(0.05, 0.95, size=(8, 6))
    return (params, X)


def sigmoid(a):
    return 1 / (1 + np.exp(-a))


def sigmoid_prime(a):
    s = sigmoid(a)
    return s * (1 - s)


def loss(params, X):
    h = sigmoid(X @ params["W"] + params["b"])
    r = sigmoid(h @ params["W"].T + params["c"])
    return -np.mean(np.sum(X * np.log(r) + (1 - X) * np.log(1 - r), axis=1))


def plain(params, X):
    W, b, c = params["W"], params["b"], params["c"]
    n = len(X)
    z1 = X @ W + b
    h = sigmoid(z1)
    z2 = h @ W.T + c
    r = sigmoid(z2)
    d_z2 = (r - X) / n
    d_c = d_z2.sum(axis=0)
    d_W_decoder = d_z2.T @ h
    d_h = d_z2 @ W
    d_z1 = d_h * h * (1 - h)
    d_b = d_z1.sum(axis=0)
    d_W_encoder = X.T @ d_z1
    d_W = d_W_encoder + d_W_decoder
    return {"W": d_W, "b": d_b, "c": d_c}


def chained(params, X):
    """The derivative of the cross-entropy and that of the sigmoid apart."""
    W = params["W"]
    m = X.shape[0]
    grads = {"W": np.zeros_like(W), "b": np.zeros_like(params["b"]), "c": 0.0}
    net1 = np.dot(X, W) + params["b"]
    out1 = sigmoid(net1)
    net2 = np.dot(out1, W.T) + params["c"]
    out2 = sigmoid(net2)
    d_out2 = -X / out2 + (1 - X) / (1 - out2)
    d_out2 = d_out2 / m
    d_net2 = d_out2 * sigmoid_prime(net2)
    grads["c"] += np.sum(d_net2, axis=0)
    grads["W"] += np.dot(out1.T, d_net2).T
    d_out1 = np.dot(d_net2, W)
    d_net1 = d_out1 * sigmoid_prime(net1)
    grads["b"] += np.sum(d_net1, axis=0)
    grads["W"] += np.dot(X.T, d_net1)
    return grads


def elements(params, X):
    """Each sum in a loop of its own."""
    W, b, c = params["W"], params["b"], params["c"]
    visible, hidden = W.shape
    gW, gb, gc = np.zeros((visible, hidden)), np.zeros(hidden), np.zeros(visible)
    for x in X:
        h = [sigmoid(sum(x[i] * W[i, j] for i in range(visible)) + b[j]) for j in range(hidden)]
        r = [sigmoid(sum(h[j] * W[i, j] for j in range(hidden)) + c[i]) for i in range(visible)]
        delta_out = [r[i] - x[i] for i in range(visible)]
        delta_hid = []
        for j in range(hidden):
            error = 0.0
            for i in range(visible):
                error += delta_out[i] * W[i, j]
            delta_hid.append(error * h[j] * (1 - h[j]))
        for i in range(visible):
            gc[i] += delta_out[i] / len(X)
            for j in range(hidden):
                gW[i, j] += (delta_out[i] * h[j] + x[i] * delta_hid[j]) / len(X)
        for j in range(hidden):
            gb[j] += delta_hid[j] / len(X)
    return {"W": gW, "b": gb, "c": gc}


class Dense:
    def __init__(self, W, b):
        self.W, self.b = W, b

    def forward(self, x):
        self.x = x
        self.y = sigmoid(x @ self.W + self.b)
        return self.y

    def backward(self, dy):
        dz = dy * self.y * (1 - self.y)
        self.dW = self.x.T @ dz
        self.db = dz.sum(axis=0)
        return dz @ self.W.T


def dense(params, X):
    encoder = Dense(params["W"], params["b"])
    decoder = Dense(params["W"].T, params["c"])
    R = decoder.forward(encoder.forward(X))
    dR = (R - X) / (R * (1 - R))
    dR /= len(X)
    encoder.backward(decoder.backward(dR))
    return {"W": encoder.dW + decoder.dW.T, "b": encoder.db, "c": decoder.db}


def columns(params, X):
    """Samples in columns, einsum."""
    W = params["W"]
    x = X.T
    H = 1.0 / (1.0 + np.exp(-(W.T @ x + params["b"][:, None])))
    R = 1.0 / (1.0 + np.exp(-(W @ H + params["c"][:, None])))
    D2 = R - x
    D1 = np.einsum("ij,in->jn", W, D2) * (H - H**2)
    gW = np.einsum("in,jn->ij", D2, H) + np.einsum("in,jn->ij", x, D1)
    return {"W": gW / x.shape[1], "b": D1.mean(axis=1), "c": D2.mean(axis=1)}


WRONG = [
    Wrong(
        "plain",
        "d_W = d_W_encoder + d_W_decoder",
        "d_W = d_W_encoder",
        "decoder|tied|shared|both|second",
    ),
    Wrong(
        "plain",
        "d_W = d_W_encoder + d_W_decoder",
        "d_W = d_W_decoder",
        "encoder|tied|shared|both|first",
    ),
    Wrong(
        "plain",
        "d_W_encoder + d_W_decoder",
        "(d_W_encoder + d_W_decoder) / 2",
        r"factor|\b2\b|average|mean|half",
    ),
    Wrong("plain", "d_W_encoder + d_W_decoder", "d_W_encoder - d_W_decoder", "sign|minus|negat"),
    Wrong("plain", "d_W_encoder + d_W_decoder", "d_W_encoder * d_W_decoder", r"\+|sum|add|product"),
    Wrong("plain", "d_W_encoder + d_W_decoder", "(d_W_encoder + d_W_decoder).T", r"transpose|\.T"),
    Wrong("plain", "d_W_decoder = d_z2.T @ h", "d_W_decoder = d_z2.T @ z1", r"\bh\b|z1|activation"),
    Wrong("plain", "(r - X) / n", "(r - X)", "average|mean|divide"),
    Wrong("plain", "(r - X) / n", "(X - r) / n", "sign|minus|negat|order|swap"),
    Wrong(
        "plain",
        "(r - X) / n",
        "(r - X) * r * (1 - r) / n",
        "twice|derivative|cross-entropy|cancel|sigmoid|squared",
    ),
    Wrong("plain", "(r - X) / n", "(r - X) / X.size", "average|mean|divi|size|factor|6"),
    Wrong("plain", "d_z1 = d_h * h * (1 - h)", "d_z1 = d_h", r"derivative|slope|1 - h"),
    Wrong(
        "plain", "d_z1 = d_h * h * (1 - h)", "d_z1 = d_h * (1 - h**2)", "tanh|sigmoid|derivative"
    ),
    Wrong(
        "plain", "d_z1 = d_h * h * (1 - h)", "d_z1 = d_h * z1 * (1 - z1)", r"z1|\bh\b|derivative"
    ),
    Wrong("plain", "d_z1 = d_h * h * (1 - h)", "d_z1 = d_h * (1 - h)", r"\bh\b|derivative|factor"),
    Wrong(
        "plain", "d_W_encoder = X.T @ d_z1", "d_W_encoder = X.T @ d_h", r"d_z1|d_h|derivative|1 - h"
    ),
    Wrong("plain", "d_h = d_z2 @ W", "d_h = (r - X) @ W", "average|mean|divide|d_z2"),
    Wrong("plain", "d_b = d_z1.sum(axis=0)", "d_b = d_z1.sum(axis=1)", "axis"),
    Wrong("plain", "h @ W.T + c", "h @ W.T", r"bias|\bc\b"),
    Wrong(
        "plain",
        ("d_W_encoder + d_W_decoder", "d_c = d_z2.sum(axis=0)"),
        ("d_W_encoder", "d_c = d_z2.mean(axis=0)"),
        ("decoder|tied|shared|both|second", "mean|sum|average|divi"),
    ),
    Wrong(
        "sigmoid_prime", "s * (1 - s)", "a * (1 - a)", r"sigmoid|derivative|\bs\b", run="chained"
    ),
    Wrong("sigmoid_prime", "s * (1 - s)", "1 - s", r"derivative|s \*|factor", run="chained"),
    Wrong(
        "chained", "sigmoid_prime(net1)", "sigmoid_prime(out1)", "net1|out1|pre-activation|twice"
    ),
    Wrong(
        "chained", "sigmoid_prime(net2)", "sigmoid_prime(out2)", "net2|out2|pre-activation|twice"
    ),
    Wrong(
        "chained",
        "sigmoid_prime(net1)",
        "sigmoid_prime(net1) * sigmoid_prime(net1)",
        "twice|derivative|double",
    ),
    Wrong("chained", "-X / out2 + (1 - X)", "-X / out2 - (1 - X)", "sign|minus|negat"),
    Wrong(
        "chained",
        "-X / out2 + (1 - X) / (1 - out2)",
        "-X / out2",
        "1 - X|1 - out2|term|cross-entropy",
    ),
    Wrong(
        "chained",
        "-X / out2 + (1 - X) / (1 - out2)",
        "2 * (out2 - X)",
        "cross-entropy|squared|derivative|out2",
    ),
    Wrong("chained", "(1 - X) / (1 - out2)", "(1 - X) / out2", "1 - out2"),
    Wrong(
        "chained",
        'grads["W"] += np.dot(X.T, d_net1)',
        'grads["W"] = np.dot(X.T, d_net1)',
        r"\+=|accumul|overwrit|decoder|tied|shared|add",
    ),
    Wrong(
        "chained",
        "np.dot(out1.T, d_net2).T",
        "np.dot(out1.T, d_net2).reshape(6, 3)",
        r"transpose|\.T|reshape",
    ),
    Wrong("chained", '"W": np.zeros_like(W)', '"W": np.ones_like(W)', "initial|zero|start|ones"),
    Wrong("chained", '"W": np.zeros_like(W)', '"W": np.copy(W)', "initial|zero|start|copy"),
    Wrong("chained", "    d_out2 = d_out2 / m\n", "", "average|mean|divide"),
    Wrong(
        "chained",
        "d_net2 = d_out2 * sigmoid_prime(net2)",
        "d_net2 = d_out2",
        "derivative|slope|sigmoid",
    ),
    Wrong(
        "chained",
        ("np.dot(d_net2, W)", 'grads["b"] += np.sum(d_net1, axis=0)'),
        ("np.dot(d_out2, W)", 'grads["b"] += np.sum(d_out1, axis=0)'),
        ("d_net2|d_out2|derivative|slope", "d_net1|d_out1|derivative|slope"),
    ),
    Wrong(
        "elements",
        "error += delta_out[i] * W[i, j]",
        "error = delta_out[i] * W[i, j]",
        r"\+=|accumul|overwrit|add|last",
    ),
    Wrong(
        "elements",
        "error += delta_out[i] * W[i, j]",
        "error += delta_out[j] * W[i, j]",
        r"delta_out\[[ij]\]|index",
    ),
    Wrong(
        "elements",
        "delta_hid.append(error * h[j] * (1 - h[j]))",
        "delta_hid.append(error)",
        r"derivative|slope|1 - h",
    ),
    Wrong(
        "elements",
        "delta_hid.append(error * h[j] * (1 - h[j]))",
        "delta_hid.append(error * h[0] * (1 - h[0]))",
        r"h\[j\]|index|h\[0\]",
    ),
    Wrong(
        "elements",
        "        for i in range(visible):\n            gc",
        "        for i in range(1, visible):\n            gc",
        "range|first|off by one|start",
    ),
    Wrong(
        "elements",
        "delta_out[i] * h[j] + x[i] * delta_hid[j]",
        "x[i] * delta_hid[j]",
        "decoder|tied|shared|delta_out|both",
    ),
    Wrong(
        "elements",
        "delta_out[i] * h[j] + x[i] * delta_hid[j]",
        "delta_out[i] * h[j] + r[i] * delta_hid[j]",
        r"x\[i\]|r\[i\]|input",
    ),
    Wrong(
        "elements", "gb[j] += delta_hid[j] / len(X)", "gb[j] += delta_hid[j]", "average|mean|divide"
    ),
    Wrong("elements", "[r[i] - x[i] for", "[x[i] - r[i] for", "sign|minus|negat|order|swap"),
    Wrong(
        "Dense",
        "dz = dy * self.y * (1 - self.y)",
        "dz = dy * self.y",
        r"1 - |derivative|slope",
        run="dense",
    ),
    Wrong(
        "Dense",
        "        return dz @ self.W.T\n",
        "        return dy @ self.W.T\n",
        r"\bdz\b|\bdy\b|derivative|slope",
        run="dense",
    ),
    Wrong(
        "Dense",
        "self.db = dz.sum(axis=0)",
        "self.db = dz.mean(axis=0)",
        "mean|sum|average|divi",
        run="dense",
    ),
    Wrong(
        "dense", "encoder.dW + decoder.dW.T", "encoder.dW + encoder.dW", "decoder|tied|shared|twice"
    ),
    Wrong(
        "dense", "(R - X) / (R * (1 - R))", "R - X", r"1 - R|derivative|cross-entropy|squared|divi"
    ),
    Wrong(
        "dense",
        "    dR /= len(X)\n",
        "    dR /= X.shape[1]\n",
        r"len|shape|average|mean|divi|samples",
    ),
    Wrong("columns", "(H - H**2)", "(1 - H**2)", "tanh|sigmoid|derivative"),
    Wrong("columns", "(H - H**2)", "(H**2 - H)", "sign|minus|negat|order"),
    Wrong("columns", 'np.einsum("in,jn->ij", D2, H) + ', "", "decoder|tied|shared|both|D2"),
    Wrong("columns", ' + np.einsum("in,jn->ij", x, D1)', "", "encoder|tied|shared|both|D1"),
    Wrong("columns", '"in,jn->ij", x, D1', '"in,jn->ij", R, D1', r"\bx\b|\bR\b|input"),
    Wrong("columns", "gW / x.shape[1]", "gW / x.shape[0]", r"shape|average|mean|divi|samples"),
    Wrong("columns", "D1.mean(axis=1)", "D1.mean(axis=0)", "axis"),
    Wrong(
        "columns",
        ("D2.mean(axis=1)", " * (H - H**2)"),
        ("D2.sum(axis=1)", ""),
        ("mean|sum|average|divi", "derivative|slope|1 - H|sigmoid"),
    ),
    Wrong(
        "elements",
        ("error * h[j] * (1 - h[j])", "gc[i] += delta_out[i] / len(X)"),
        ("error", "gc[i] = delta_out[i] / len(X)"),
        (r"derivative|slope|1 - h", r"\+=|accumul|overwrit|add|last"),
    ),
    Wrong(
        "dense",
        ("encoder.dW + decoder.dW.T", "    dR /= len(X)\n"),
        ("encoder.dW", ""),
        ("decoder|tied|shared|both", "average|mean|divide"),
    ),
]
