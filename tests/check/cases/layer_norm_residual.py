"""Two residual blocks (layer normalisation, tanh, a matrix), a linear output, squared error."""

import numpy as np
from tests.check.collection import Wrong

EPS = 1e-5


def problem(rng):
    params = {
        "W_in": rng.normal(size=(3, 5)) * 0.6,
        "gain1": rng.uniform(0.6, 1.5, size=5),
        "shift1": rng.normal(size=5) * 0.3,
        "W1": rng.normal(size=(5, 5)) * 0.5,
        "b1": rng.normal(size=5) * 0.2,
        "gain2": rng.uniform(0.6, 1.5, size=5),
        "shift2": rng.normal(size=5) * 0.3,
        "W2": rng.normal(size=(5, 5)) * 0.5,
        "b2": rng.normal(size=5) * 0.2,
        "W_out": rng.normal(size=(5, 2)) * 0.6,
    }
    X = rng.normal(size=(8, 3))
    T = rng.normal(size=(8, 2))
    return params, X, T


def normalise(x):
    mu = x.mean(axis=1, keepdims=True)
    return (x - mu) / np.sqrt(np.mean((x - mu) ** 2, axis=1, keepdims=True) + EPS)


def loss(params, X, T):
    x = X @ params["W_in"]
    for k in ("1", "2"):
        a = params["gain" + k] * normalise(x) + params["shift" + k]
        x = x + np.tanh(a @ params["W" + k] + params["b" + k])
    return np.mean(np.sum((x @ params["W_out"] - T) ** 2, axis=1)) / 2


def plain(params, X, T):
    """All steps written out."""
    W1, W2, W_out = params["W1"], params["W2"], params["W_out"]
    g1, g2 = params["gain1"], params["gain2"]
    N, D = len(X), len(g1)
    x0 = X @ params["W_in"]
    mu1 = np.mean(x0, axis=1, keepdims=True)
    std1 = np.sqrt(np.var(x0, axis=1, keepdims=True) + EPS)
    n1 = (x0 - mu1) / std1
    a1 = g1 * n1 + params["shift1"]
    t1 = np.tanh(a1 @ W1 + params["b1"])
    x1 = x0 + t1
    mu2 = np.mean(x1, axis=1, keepdims=True)
    std2 = np.sqrt(np.var(x1, axis=1, keepdims=True) + EPS)
    n2 = (x1 - mu2) / std2
    a2 = g2 * n2 + params["shift2"]
    t2 = np.tanh(a2 @ W2 + params["b2"])
    x2 = x1 + t2
    out = x2 @ W_out

    dout = (out - T) / N
    dW_out = x2.T @ dout
    dx2 = dout @ W_out.T
    dz2 = dx2 * (1 - t2**2)
    dW2 = a2.T @ dz2
    db2 = dz2.sum(axis=0)
    da2 = dz2 @ W2.T
    dg2 = np.sum(da2 * n2, axis=0)
    ds2 = np.sum(da2, axis=0)
    dn2 = da2 * g2
    dln2 = dn2 - np.mean(dn2, axis=1, keepdims=True) - n2 * np.mean(dn2 * n2, axis=1, keepdims=True)
    dx1 = dx2 + dln2 / std2
    dz1 = dx1 * (1 - t1**2)
    dW1 = a1.T @ dz1
    db1 = dz1.sum(axis=0)
    da1 = dz1 @ W1.T
    dg1 = np.sum(da1 * n1, axis=0)
    ds1 = np.sum(da1, axis=0)
    dn1 = da1 * g1
    sum1 = dn1.sum(axis=1, keepdims=True)
    sum2 = (dn1 * n1).sum(axis=1, keepdims=True)
    dx0 = dx1 + (D * dn1 - sum1 - n1 * sum2) / (D * std1)
    dW_in = X.T @ dx0
    return {
        "W_in": dW_in,
        "gain1": dg1,
        "shift1": ds1,
        "W1": dW1,
        "b1": db1,
        "gain2": dg2,
        "shift2": ds2,
        "W2": dW2,
        "b2": db2,
        "W_out": dW_out,
    }


def norm_forward(x, gain, shift):
    xt = x.T  # features in rows: the columns are normalised
    mean = np.mean(xt, axis=0)
    var = np.mean((xt - mean) ** 2, axis=0)
    inv = 1 / np.sqrt(var + EPS)
    normed = ((xt - mean) * inv).T
    return gain * normed + shift, (x, mean, inv, normed, gain)


def norm_backward(dout, cache):
    x, mean, inv, normed, gain = cache
    d = x.shape[1]
    dgain = np.sum(dout * normed, axis=0)
    dshift = np.sum(dout, axis=0)
    dnormed = (dout * gain).T
    centred = x.T - mean
    dvar = np.sum(dnormed * centred, axis=0) * (-0.5) * inv**3
    dmean = -inv * np.sum(dnormed, axis=0)
    dx = dnormed * inv + 2.0 / d * centred * dvar + dmean / d
    return dx.T, dgain, dshift


def layers(params, X, T):
    """A loop over the blocks, with a list of caches."""
    x = X @ params["W_in"]
    caches = []
    for k in (1, 2):
        a, cache = norm_forward(x, params[f"gain{k}"], params[f"shift{k}"])
        t = np.tanh(a @ params[f"W{k}"] + params[f"b{k}"])
        caches.append((a, t, cache))
        x = x + t
    grads = {}
    error = x @ params["W_out"] - T
    error /= X.shape[0]
    grads["W_out"] = x.T @ error
    dx = error @ params["W_out"].T
    for k in (2, 1):
        a, t, cache = caches[k - 1]
        dt = dx * (1 - t * t)
        grads[f"W{k}"] = a.T @ dt
        grads[f"b{k}"] = np.sum(dt, axis=0)
        da = dt @ params[f"W{k}"].T
        dbranch, grads[f"gain{k}"], grads[f"shift{k}"] = norm_backward(da, cache)
        dx = dx + dbranch
    grads["W_in"] = X.T @ dx
    return grads


class Block:
    def __init__(self, gain, shift, W, b):
        self.gain, self.shift, self.W, self.b = gain, shift, W, b

    def forward(self, x):
        self.centred = x - x.mean(-1, keepdims=True)
        self.sigma = np.sqrt((self.centred**2).mean(-1, keepdims=True) + EPS)
        self.unit = self.centred / self.sigma
        self.a = self.unit * self.gain + self.shift
        self.t = np.tanh(self.a @ self.W + self.b)
        return x + self.t

    def backward(self, up):
        dz = up * (1 - np.square(self.t))
        da = np.matmul(dz, self.W.T)
        self.grads = [(da * self.unit).sum(0), da.sum(0), np.matmul(self.a.T, dz), dz.sum(0)]
        du = da * self.gain
        through = du / self.sigma
        dsigma = -(du * self.centred).sum(-1, keepdims=True) / self.sigma**2
        through += dsigma * self.centred / (self.sigma * self.centred.shape[1])
        through -= through.mean(-1, keepdims=True)
        return up + through


def blocks(params, X, T):
    stack = [
        Block(params["gain1"], params["shift1"], params["W1"], params["b1"]),
        Block(params["gain2"], params["shift2"], params["W2"], params["b2"]),
    ]
    h = X @ params["W_in"]
    for block in stack:
        h = block.forward(h)
    diff = (h @ params["W_out"] - T) / len(T)
    result = {"W_out": np.matmul(h.T, diff)}
    up = np.matmul(diff, params["W_out"].T)
    for number, block in reversed(list(enumerate(stack, start=1))):
        up = block.backward(up)
        for name, value in zip(["gain", "shift", "W", "b"], block.grads, strict=True):
            result[name + str(number)] = value
    result["W_in"] = np.matmul(X.T, up)
    return result


def samples(params, X, T):
    """Sample by sample, with the matrix of derivatives of the normalisation."""
    p = params
    g = {name: np.zeros_like(value) for name, value in p.items()}
    for x, target in zip(X, T, strict=True):
        r0 = x @ p["W_in"]
        s0 = np.sqrt(r0.var() + EPS)
        u0 = (r0 - r0.mean()) / s0
        v0 = p["gain1"] * u0 + p["shift1"]
        w0 = np.tanh(v0 @ p["W1"] + p["b1"])
        r1 = r0 + w0
        s1 = np.sqrt(r1.var() + EPS)
        u1 = (r1 - r1.mean()) / s1
        v1 = p["gain2"] * u1 + p["shift2"]
        w1 = np.tanh(v1 @ p["W2"] + p["b2"])
        r2 = r1 + w1
        e = r2 @ p["W_out"] - target
        g["W_out"] += np.outer(r2, e)
        d2 = p["W_out"] @ e
        c1 = d2 * (1 - w1**2)
        g["W2"] += np.outer(v1, c1)
        g["b2"] += c1
        m1 = p["W2"] @ c1
        g["gain2"] += m1 * u1
        g["shift2"] += m1
        J1 = (np.eye(5) - 1 / 5 - np.outer(u1, u1) / 5) / s1
        d1 = d2 + J1 @ (m1 * p["gain2"])
        c0 = d1 * (1 - w0**2)
        g["W1"] += np.outer(v0, c0)
        g["b1"] += c0
        m0 = p["W1"] @ c0
        g["gain1"] += m0 * u0
        g["shift1"] += m0
        J0 = (np.eye(5) - 1 / 5 - np.outer(u0, u0) / 5) / s0
        d0 = d1 + J0 @ (m0 * p["gain1"])
        g["W_in"] += np.outer(x, d0)
    return {name: value / len(X) for name, value in g.items()}


WRONG = [
    Wrong(
        "plain",
        "dx1 = dx2 + dln2 / std2",
        "dx1 = dln2 / std2",
        "residual|skip|shortcut|dx2|identity",
    ),
    Wrong("plain", "dx1 = dx2 + dln2 / std2", "dx1 = dx2", "dln2|branch|normali[sz]|block"),
    Wrong("plain", "dx1 = dx2 + dln2 / std2", "dx1 = dx2 + dln2", "std2|deviation|divide"),
    Wrong("plain", "dx1 = dx2 + dln2 / std2", "dx1 = dx2 + dln2 / std1", "std[12]|deviation"),
    Wrong(
        "plain",
        "dx1 = dx2 + dln2 / std2",
        "dx1 = dx2 * dln2 / std2",
        r"residual|\+|add|product|multipl",
    ),
    Wrong("plain", "dx0 = dx1 + (D", "dx0 = dx2 + (D", "dx1|dx2"),
    Wrong("plain", "dx0 = dx1 + (D", "dx0 = (D", "residual|skip|shortcut|dx1|identity"),
    Wrong("plain", "(D * dn1 - sum1 - n1 * sum2)", "(D * dn1 - n1 * sum2)", "mean|sum1|mu1"),
    Wrong("plain", "(D * dn1 - sum1 - n1 * sum2)", "(D * dn1 - sum1)", "varian|sum2|deviation|std"),
    Wrong(
        "plain",
        "sum1 - n1 * sum2) / (D * std1)",
        "sum1 - n1 * sum2) / (N * std1)",
        r"\bD\b|\bN\b|features|divide|factor",
    ),
    Wrong(
        "plain",
        "sum1 = dn1.sum(axis=1, keepdims=True)",
        "sum1 = dn1.sum(axis=0, keepdims=True)",
        "axis|feature|sum",
    ),
    Wrong(
        "plain",
        "dn2 - np.mean(dn2, axis=1, keepdims=True)",
        "dn2 - np.mean(dn2, axis=0, keepdims=True)",
        "axis|feature|mean",
    ),
    Wrong(
        "plain",
        "dg2 = np.sum(da2 * n2, axis=0)",
        "dg2 = np.sum(da2 * a2, axis=0)",
        r"n2|a2|normali[sz]",
    ),
    Wrong("plain", "ds1 = np.sum(da1, axis=0)", "ds1 = np.sum(da1 * g1, axis=0)", "gain|g1"),
    Wrong("plain", "dn1 = da1 * g1", "dn1 = da1 * g2", "g1|g2|gain"),
    Wrong(
        "plain",
        "dz2 = dx2 * (1 - t2**2)",
        "dz2 = dx2 * (1 - x2**2)",
        r"\bt2|x2|derivative|residual",
    ),
    Wrong("plain", "dW2 = a2.T @ dz2", "dW2 = x1.T @ dz2", "a2|x1|normali[sz]|input"),
    Wrong("plain", "da2 = dz2 @ W2.T", "da2 = dz2 @ W2", r"transpose|\.T"),
    Wrong(
        "plain", "dout = (out - T) / N", "dout = 2 * (out - T) / N", r"factor|\b2\b|twice|double"
    ),
    Wrong(
        "plain",
        "dout = (out - T) / N",
        "dout = (out - T) / T.size",
        "average|mean|divi|factor|size",
    ),
    Wrong("plain", "dW_out = x2.T @ dout", "dW_out = t2.T @ dout", "x2|t2|residual|skip"),
    Wrong(
        "plain",
        ("dx1 = dx2 + dln2 / std2", "db1 = dz1.sum(axis=0)"),
        ("dx1 = dln2 / std2", "db1 = dz1.mean(axis=0)"),
        ("residual|skip|shortcut|dx2|identity", "mean|sum|average|divi"),
    ),
    Wrong(
        "norm_backward",
        "* (-0.5) * inv**3",
        "* (-0.5) * inv",
        r"power|inv|\*\* ?3|cube|varian|derivative",
        run="layers",
    ),
    Wrong("norm_backward", " + dmean / d\n", "\n", "mean", run="layers"),
    Wrong("norm_backward", "2.0 / d * centred * dvar + ", "", "varian|dvar", run="layers"),
    Wrong(
        "norm_backward",
        "2.0 / d * centred",
        "2.0 / len(x) * centred",
        r"\bd\b|len|feature|factor|divi",
        run="layers",
    ),
    Wrong(
        "norm_backward",
        "dgain = np.sum(dout * normed, axis=0)",
        "dgain = np.sum(dout * normed, axis=1)",
        "axis",
        run="layers",
    ),
    Wrong(
        "norm_backward",
        "dmean = -inv * np.sum",
        "dmean = inv * np.sum",
        "sign|minus|negat",
        run="layers",
    ),
    Wrong(
        "norm_forward",
        "return gain * normed + shift",
        "return gain * normed",
        "shift|bias",
        run="layers",
    ),
    Wrong(
        "layers",
        "        dx = dx + dbranch\n",
        "        dx = dbranch\n",
        r"residual|skip|shortcut|identity|\bdx\b",
    ),
    Wrong("layers", "        dx = dx + dbranch\n", "", "dbranch|branch|normali[sz]|block"),
    Wrong("layers", "    error /= X.shape[0]\n", "", "average|mean|divide"),
    Wrong("layers", "    for k in (2, 1):\n", "    for k in (1, 2):\n", "order|revers|backward"),
    Wrong(
        "layers",
        "    for k in (2, 1):\n",
        "    for k in (2, 1):\n        dx = dx * (1 - x**2)\n",
        "derivative|twice|extra|too (many|much)|remove|without",
    ),
    Wrong("layers", "dt = dx * (1 - t * t)", "dt = dx * (1 - t)", r"square|t \* t|derivative"),
    Wrong("layers", 'dt @ params[f"W{k}"].T', 'dt @ params["W1"].T', "W1|W2|weight"),
    Wrong(
        "Block",
        "        return up + through\n",
        "        return through\n",
        r"residual|skip|shortcut|identity|\bup\b",
        run="blocks",
    ),
    Wrong(
        "Block", "        through -= through.mean(-1, keepdims=True)\n", "", "mean", run="blocks"
    ),
    Wrong("Block", "dsigma = -(du", "dsigma = (du", "sign|minus|negat", run="blocks"),
    Wrong(
        "Block",
        "/ self.sigma**2\n",
        "/ self.sigma\n",
        r"sigma|square|power|deviation",
        run="blocks",
    ),
    Wrong("Block", "du = da * self.gain", "du = da", "gain|scale", run="blocks"),
    Wrong(
        "Block",
        "np.matmul(self.a.T, dz)",
        "np.matmul(self.unit.T, dz)",
        r"\ba\b|unit|gain|normali[sz]",
        run="blocks",
    ),
    Wrong("blocks", "- T) / len(T)", "- T)", "average|mean|divide"),
    Wrong(
        "blocks",
        'result["W_in"] = np.matmul(X.T, up)',
        'result["W_in"] = np.matmul(X.T, diff @ params["W_out"].T)',
        "up|block|residual|branch",
    ),
    Wrong("samples", "d1 = d2 + J1 @ (m1", "d1 = J1 @ (m1", "residual|skip|shortcut|d2|identity"),
    Wrong("samples", "d0 = d1 + J0 @ (m0", "d0 = d1 - J0 @ (m0", "sign|minus|negat"),
    Wrong(
        "samples",
        "(np.eye(5) - 1 / 5 - np.outer(u0, u0) / 5) / s0",
        "(np.eye(5) - np.outer(u0, u0) / 5) / s0",
        "mean",
    ),
    Wrong(
        "samples", "np.outer(u1, u1) / 5) / s1", "np.outer(r1, r1) / 5) / s1", r"u1|r1|normali[sz]"
    ),
    Wrong("samples", '(m0 * p["gain1"])', "m0", "gain|scale"),
    Wrong("samples", 'g["b2"] += c1', 'g["b2"] = c1', r"\+=|accumul|overwrit|add"),
    Wrong("samples", "value / len(X)", "value", "average|mean|divide"),
    Wrong(
        "samples",
        ('g["gain2"] += m1 * u1', 'd2 = p["W_out"] @ e'),
        ('g["gain2"] += m1', 'd2 = 2 * p["W_out"] @ e'),
        (r"u1|normali[sz]", r"factor|\b2\b|twice|double"),
    ),
    Wrong(
        "layers",
        ("        dx = dx + dbranch\n", "    error /= X.shape[0]\n"),
        ("        dx = dbranch\n", ""),
        (r"residual|skip|shortcut|identity|\bdx\b", "average|mean|divide"),
    ),
    Wrong(
        "plain",
        ("dz1 = dx1 * (1 - t1**2)", "dn2 = da2 * g2"),
        ("dz1 = dx1", "dn2 = da2"),
        ("derivative|slope|1 - ", "gain|g2|scale"),
    ),
    Wrong(
        "blocks",
        ("- T) / len(T)", '"W_in"] = np.matmul(X.T, up)'),
        ("- T)", '"W_in"] = np.matmul(up.T, X)'),
        ("average|mean|divide", r"transpose|\.T|order|swap"),
    ),
]
