"""A tanh recurrent network of five steps, one answer at each step, softmax, cross-entropy."""

import numpy as np
from tests.check.collection import Wrong


def problem(rng):
    params = {
        "Wxh": rng.normal(size=(4, 3)) * 0.6,
        "Whh": rng.normal(size=(4, 4)) * 0.6,
        "Why": rng.normal(size=(3, 4)) * 0.8,
        "bh": rng.normal(size=4) * 0.3,
        "by": rng.normal(size=3) * 0.2,
    }
    X = rng.normal(size=(5, 6, 3))  # time, sample, feature
    Y = rng.integers(0, 3, size=(5, 6))
    h0 = rng.normal(size=(6, 4)) * 0.4
    return params, X, Y, h0


def softmax(s):
    e = np.exp(s - s.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


def loss(params, X, Y, h0):
    h = h0
    n = X.shape[1]
    total = 0.0
    for t in range(5):
        h = np.tanh(X[t] @ params["Wxh"].T + h @ params["Whh"].T + params["bh"])
        p = softmax(h @ params["Why"].T + params["by"])
        total = total - np.sum(np.log(p[np.arange(n), Y[t]]))
    return total / n


def characters(params, X, Y, h0):
    """One sequence at a time, as for characters; sums over the steps."""
    Wxh, Whh, Why = params["Wxh"], params["Whh"], params["Why"]
    bh, by = params["bh"], params["by"]
    dWxh, dWhh, dWhy = np.zeros_like(Wxh), np.zeros_like(Whh), np.zeros_like(Why)
    dbh, dby = np.zeros_like(bh), np.zeros_like(by)
    steps, n = X.shape[:2]
    for k in range(n):
        xs, hs, ps = {}, {-1: np.copy(h0[k])}, {}
        for t in range(steps):
            xs[t] = X[t, k]
            hs[t] = np.tanh(np.dot(Wxh, xs[t]) + np.dot(Whh, hs[t - 1]) + bh)
            ps[t] = softmax(np.dot(Why, hs[t]) + by)
        dhnext = np.zeros_like(hs[0])
        for t in reversed(range(steps)):
            dy = np.copy(ps[t])
            dy[Y[t, k]] -= 1
            dWhy += np.outer(dy, hs[t])
            dby += dy
            dh = np.dot(Why.T, dy) + dhnext
            dhraw = (1 - hs[t] * hs[t]) * dh
            dbh += dhraw
            dWxh += np.outer(dhraw, xs[t])
            dWhh += np.outer(dhraw, hs[t - 1])
            dhnext = np.dot(Whh.T, dhraw)
    grads = {"Wxh": dWxh, "Whh": dWhh, "Why": dWhy, "bh": dbh, "by": dby}
    for name in grads:
        grads[name] /= n
    return grads


def batches(params, X, Y, h0):
    T, B = Y.shape
    W, R, V = params["Wxh"].T, params["Whh"].T, params["Why"].T
    hidden, out = [h0], []
    for x in X:
        hidden.append(np.tanh(x @ W + hidden[-1] @ R + params["bh"]))
        out.append(softmax(hidden[-1] @ V + params["by"]))
    gW, gR, gV = 0, 0, 0
    gb, gc = 0, 0
    carry = np.zeros((B, 4))
    for t in range(T - 1, -1, -1):
        e = (out[t] - np.eye(3)[Y[t]]) / B
        gV = gV + hidden[t + 1].T @ e
        gc = gc + e.sum(axis=0)
        d_h = e @ V.T + carry
        d_a = d_h * (1.0 - hidden[t + 1] ** 2)
        gW = gW + X[t].T @ d_a
        gR = gR + hidden[t].T @ d_a
        gb = gb + d_a.sum(axis=0)
        carry = d_a @ R.T
    return {"Wxh": gW.T, "Whh": gR.T, "Why": gV.T, "bh": gb, "by": gc}


class Cell:
    """The recurrent cell, which keeps what it needs and collects its gradients."""

    def __init__(self, Wx, Wh, b):
        self.Wx, self.Wh, self.b = Wx, Wh, b
        self.gWx, self.gWh, self.gb = np.zeros_like(Wx), np.zeros_like(Wh), np.zeros_like(b)
        self.tape = []

    def forward(self, x, h):
        new = np.tanh(x @ self.Wx.T + h @ self.Wh.T + self.b)
        self.tape.append((x, h, new))
        return new

    def backward(self, grad):
        x, h, new = self.tape.pop()
        grad = grad * (1 - new**2)
        self.gWx += grad.T @ x
        self.gWh += grad.T @ h
        self.gb += grad.sum(0)
        return grad @ self.Wh


def cells(params, X, Y, h0):
    cell = Cell(params["Wxh"], params["Whh"], params["bh"])
    Hs = []
    h = h0
    for t in range(len(X)):
        h = cell.forward(X[t], h)
        Hs.append(h)
    H = np.stack(Hs)
    delta = softmax(H @ params["Why"].T + params["by"])
    tt, nn = np.indices(Y.shape)
    delta[tt, nn, Y] -= 1
    delta /= Y.shape[1]
    dH = delta @ params["Why"]
    dnext = 0.0
    for t in range(len(X))[::-1]:
        dnext = cell.backward(dH[t] + dnext)
    return {
        "Wxh": cell.gWx,
        "Whh": cell.gWh,
        "Why": np.tensordot(delta, H, axes=([0, 1], [0, 1])),
        "bh": cell.gb,
        "by": delta.sum(axis=(0, 1)),
    }


def pairs(params, X, Y, h0):
    """For each answer its own way back through all the steps before it."""
    Wx, Wh, Wy, bh, by = params.values()
    T, n = Y.shape
    h = np.empty((T + 1, n, len(bh)))
    h[0] = h0
    for t in range(1, T + 1):
        h[t] = np.tanh(X[t - 1] @ Wx.T + h[t - 1] @ Wh.T + bh)
    g = [np.zeros_like(p) for p in (Wx, Wh, Wy, bh, by)]
    for t in range(1, T + 1):
        err = softmax(h[t] @ Wy.T + by)
        err[np.arange(n), Y[t - 1]] -= 1
        err = err / n
        g[2] += err.T @ h[t]
        g[4] += err.sum(0)
        back = (err @ Wy) * (1 - h[t] ** 2)
        for s in range(t, 0, -1):
            g[0] += back.T @ X[s - 1]
            g[1] += back.T @ h[s - 1]
            g[3] += back.sum(0)
            back = (back @ Wh) * (1 - h[s - 1] ** 2)
    return dict(zip(params, g, strict=True))


WRONG = [
    Wrong(
        "characters",
        "dh = np.dot(Why.T, dy) + dhnext",
        "dh = np.dot(Why.T, dy)",
        "next|dhnext|step|time|later",
    ),
    Wrong(
        "characters",
        "dh = np.dot(Why.T, dy) + dhnext",
        "dh = np.dot(Why.T, dy) - dhnext",
        "sign|minus|negat",
    ),
    Wrong(
        "characters",
        "dhraw = (1 - hs[t] * hs[t]) * dh",
        "dhraw = (1 - hs[t] * hs[t]) * dhnext",
        r"\bdh\b|dhnext|output|answer|Why",
    ),
    Wrong("characters", "(1 - hs[t] * hs[t]) * dh", "dh", "derivative|slope|1 - "),
    Wrong(
        "characters",
        "dhnext = np.dot(Whh.T, dhraw)",
        "dhnext = np.dot(Whh, dhraw)",
        r"transpose|\.T",
    ),
    Wrong(
        "characters",
        "dhnext = np.dot(Whh.T, dhraw)",
        "dhnext = np.dot(Whh.T, dh)",
        r"derivative|dhraw|\bdh\b|slope",
    ),
    Wrong(
        "characters",
        "dWhh += np.outer(dhraw, hs[t - 1])",
        "dWhh += np.outer(dhraw, hs[t])",
        r"t - 1|previous|step|state",
    ),
    Wrong(
        "characters",
        "dWhh += np.outer(dhraw, hs[t - 1])",
        "dWhh += np.outer(hs[t - 1], dhraw)",
        r"transpose|swap|order|\.T",
    ),
    Wrong("characters", "dby += dy", "dby += ps[t]", "label|one.?hot|ps|target|dy"),
    Wrong("characters", "dbh += dhraw", "dbh = dhraw", r"\+=|accumul|overwrit|add|sum"),
    Wrong(
        "characters",
        "        grads[name] /= n\n",
        "        grads[name] /= n * steps\n",
        "average|mean|divi|factor|steps",
    ),
    Wrong(
        "characters",
        "    for name in grads:\n        grads[name] /= n\n",
        "",
        "average|mean|divide",
    ),
    Wrong(
        "characters",
        "    for name in grads:\n",
        "    for name in grads:\n        np.clip(grads[name], -0.1, 0.1, out=grads[name])\n",
        "clip",
    ),
    Wrong("batches", "        carry = d_a @ R.T\n", "        carry = d_a @ R\n", r"transpose|\.T"),
    Wrong(
        "batches",
        "        carry = d_a @ R.T\n",
        "        carry += d_a @ R.T\n",
        r"\+=|add|accumul|twice|once",
    ),
    Wrong("batches", "        carry = d_a @ R.T\n", "", "carry|step|time|later|next"),
    Wrong(
        "batches",
        "gR = gR + hidden[t].T @ d_a",
        "gR = gR + hidden[t + 1].T @ d_a",
        r"previous|\[t\]|off by one|step|state",
    ),
    Wrong(
        "batches",
        "gV = gV + hidden[t + 1].T @ e",
        "gV = gV + hidden[t].T @ e",
        r"t \+ 1|off by one|step|state",
    ),
    Wrong("batches", "np.eye(3)[Y[t]]", "np.eye(3)[Y[t - 1]]", r"Y\[t\]|label|target|step|index"),
    Wrong(
        "batches",
        "(1.0 - hidden[t + 1] ** 2)",
        "hidden[t + 1] * (1.0 - hidden[t + 1])",
        "sigmoid|tanh|derivative",
    ),
    Wrong(
        "batches", "range(T - 1, -1, -1)", "range(T - 1, 0, -1)", "first|range|off by one|step|time"
    ),
    Wrong(
        "batches",
        "gb = gb + d_a.sum(axis=0)",
        "gb = gb + d_h.sum(axis=0)",
        "derivative|d_a|d_h|slope",
    ),
    Wrong(
        "batches",
        "    hidden, out = [h0], []\n",
        "    hidden, out = [np.zeros((B, 4))], []\n",
        "h0|initial|start|zero",
    ),
    Wrong(
        "batches",
        ("[Y[t]]) / B", "e @ V.T + carry"),
        ("[Y[t]])", "e @ V.T"),
        ("average|mean|divide", "carry|step|time|later|next"),
    ),
    Wrong(
        "Cell",
        "self.gWh += grad.T @ h",
        "self.gWh += grad.T @ new",
        r"\bh\b|new|previous|state",
        run="cells",
    ),
    Wrong(
        "Cell",
        "        return grad @ self.Wh\n",
        "        return grad @ self.Wh.T\n",
        r"transpose|\.T",
        run="cells",
    ),
    Wrong(
        "Cell",
        "self.gWx += grad.T @ x",
        "self.gWx = grad.T @ x",
        r"\+=|accumul|overwrit|add",
        run="cells",
    ),
    Wrong(
        "Cell",
        "        grad = grad * (1 - new**2)\n",
        "        grad = grad * (1 - h**2)\n",
        r"new|\bh\b|previous|state|derivative",
        run="cells",
    ),
    Wrong(
        "Cell", "self.tape.pop()", "self.tape.pop(0)", "order|revers|last|backward|pop", run="cells"
    ),
    Wrong("cells", "cell.backward(dH[t] + dnext)", "cell.backward(dH[t])", "next|step|time|later"),
    Wrong(
        "cells",
        "cell.backward(dH[t] + dnext)",
        "cell.backward(dH[-1] + dnext)",
        r"dH\[t\]|last|index|step",
    ),
    Wrong("cells", "range(len(X))[::-1]", "range(len(X))", "revers|order|backward|time"),
    Wrong(
        "cells",
        'dH = delta @ params["Why"]',
        'dH = delta @ params["Why"] * (1 - H**2)',
        "twice|derivative|double",
    ),
    Wrong("cells", "delta /= Y.shape[1]", "delta /= Y.size", "average|mean|divi|factor|size|step"),
    Wrong("cells", "delta.sum(axis=(0, 1))", "delta.sum(axis=0)", "axis|sum|batch"),
    Wrong(
        "pairs",
        "            g[1] += back.T @ h[s - 1]\n",
        "            g[1] += back.T @ h[t - 1]\n",
        r"h\[s - 1\]|\bs\b|index|step|state",
    ),
    Wrong(
        "pairs", "range(t, 0, -1)", "range(t, max(t - 2, 0), -1)", "truncat|step|range|time|through"
    ),
    Wrong("pairs", "range(t, 0, -1)", "range(t, 1, -1)", "first|range|off by one|step"),
    Wrong(
        "pairs",
        "back = (back @ Wh) * (1 - h[s - 1] ** 2)",
        "back = (back @ Wh) * (1 - h[s] ** 2)",
        r"s - 1|off by one|step|state|derivative",
    ),
    Wrong(
        "pairs",
        "back = (back @ Wh) * (1 - h[s - 1] ** 2)",
        "back = back @ Wh",
        r"derivative|slope|1 - ",
    ),
    Wrong(
        "pairs",
        ("back = (err @ Wy) * (1 - h[t] ** 2)", "g[4] += err.sum(0)"),
        ("back = err @ Wy", "g[4] = err.sum(0)"),
        (r"derivative|slope|1 - ", r"\+=|accumul|overwrit|add|sum"),
    ),
    Wrong(
        "characters",
        ("(1 - hs[t] * hs[t]) * dh", "dWhh += np.outer(dhraw, hs[t - 1])"),
        ("(1 - hs[t]) * dh", "dWhh += np.outer(dhraw, hs[t])"),
        (r"square|\* hs|derivative", r"t - 1|previous|step|state"),
    ),
    Wrong(
        "cells",
        ("delta /= Y.shape[1]", "cell.backward(dH[t] + dnext)"),
        ("delta /= 1", "cell.backward(dH[t])"),
        ("average|mean|divi", "next|step|time|later"),
    ),
]
