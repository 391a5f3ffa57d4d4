"""Batch normalisation before the ReLU of one hidden layer, softmax, cross-entropy."""

import numpy as np
from tests.check.collection import Wrong

EPS = 1e-5


def problem(rng):
    params = {
        "W1": rng.normal(size=(4, 5)) * 0.7,
        "gamma": rng.uniform(0.6, 1.6, size=5),
        "beta": rng.normal(size=5) * 0.3,
        "W2": rng.normal(size=(5, 3)) * 0.8,
        "b2": rng.normal(size=3) * 0.2,
    }
    X = rng.normal(size=(11, 4))
    y = rng.integers(0, 3, 11)
    return params, X, y


def softmax(s):
    e = np.exp(s - s.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)


def loss(params, X, y):
    z = X @ params["W1"]
    mu = z.mean(axis=0)
    var = np.mean((z - mu) ** 2, axis=0)
    z_hat = (z - mu) / np.sqrt(var + EPS)
    h = np.maximum(0, params["gamma"] * z_hat + params["beta"])
    p = softmax(h @ params["W2"] + params["b2"])
    return -np.mean(np.log(p[np.arange(len(y)), y]))


def staged(params, X, y):
    W1, gamma, beta = params["W1"], params["gamma"], params["beta"]
    W2, b2 = params["W2"], params["b2"]
    N = X.shape[0]
    # forward, in small steps
    z = X.dot(W1)
    mu = 1.0 / N * np.sum(z, axis=0)
    xmu = z - mu
    sq = xmu**2
    var = 1.0 / N * np.sum(sq, axis=0)
    sqrtvar = np.sqrt(var + EPS)
    ivar = 1.0 / sqrtvar
    xhat = xmu * ivar
    out = gamma * xhat + beta
    relu = np.maximum(out, 0)
    probs = softmax(relu.dot(W2) + b2)
    # softmax and the second layer
    dscores = probs.copy()
    dscores[np.arange(N), y] -= 1
    dscores /= N
    dW2 = relu.T.dot(dscores)
    db2 = np.sum(dscores, axis=0)
    drelu = dscores.dot(W2.T)
    dout = drelu.copy()
    dout[out <= 0] = 0
    # batch normalisation, step by step backwards
    dbeta = np.sum(dout, axis=0)
    dgamma = np.sum(dout * xhat, axis=0)
    dxhat = dout * gamma
    divar = np.sum(dxhat * xmu, axis=0)
    dxmu1 = dxhat * ivar
    dsqrtvar = -1.0 / (sqrtvar**2) * divar
    dvar = 0.5 * 1.0 / np.sqrt(var + EPS) * dsqrtvar
    dsq = 1.0 / N * np.ones_like(z) * dvar
    dxmu2 = 2 * xmu * dsq
    dx1 = dxmu1 + dxmu2
    dmu = -1 * np.sum(dx1, axis=0)
    dx2 = 1.0 / N * np.ones_like(z) * dmu
    dx = dx1 + dx2
    dW1 = X.T.dot(dx)
    return {"W1": dW1, "gamma": dgamma, "beta": dbeta, "W2": dW2, "b2": db2}


def short(params, X, y):
    n = len(X)
    z = X @ params["W1"]
    mean, std = z.mean(axis=0), np.sqrt(z.var(axis=0) + EPS)
    z_norm = (z - mean) / std
    a = params["gamma"] * z_norm + params["beta"]
    h = np.maximum(a, 0)
    q = softmax(h @ params["W2"] + params["b2"])
    d_s = (q - np.eye(3)[y]) / n
    d_a = (d_s @ params["W2"].T) * (a > 0)
    d_gamma = (d_a * z_norm).sum(axis=0)
    d_beta = d_a.sum(axis=0)
    d_z = params["gamma"] / (n * std) * (n * d_a - d_beta - z_norm * d_gamma)
    return {
        "W1": X.T @ d_z,
        "gamma": d_gamma,
        "beta": d_beta,
        "W2": h.T @ d_s,
        "b2": d_s.sum(axis=0),
    }


class Linear:
    def __init__(self, W, b=None):
        self.W, self.b = W, b

    def forward(self, x):
        self.x = x
        return x @ self.W if self.b is None else x @ self.W + self.b

    def backward(self, dout):
        self.dW = self.x.T @ dout
        self.db = dout.sum(axis=0)
        return dout @ self.W.T


class BatchNorm:
    def __init__(self, gamma, beta):
        self.gamma, self.beta = gamma, beta

    def forward(self, x):
        self.mean = np.mean(x, axis=0)
        self.var = np.var(x, axis=0)
        self.centred = x - self.mean
        self.x_hat = self.centred / np.sqrt(self.var + EPS)
        return self.gamma * self.x_hat + self.beta

    def backward(self, dout):
        m = dout.shape[0]
        self.dbeta = dout.sum(axis=0)
        self.dgamma = (dout * self.x_hat).sum(axis=0)
        dx_hat = dout * self.gamma
        dvar = np.sum(dx_hat * self.centred * -0.5 * (self.var + EPS) ** -1.5, axis=0)
        dmean = -np.sum(dx_hat / np.sqrt(self.var + EPS), axis=0)
        dmean += dvar * np.mean(-2 * self.centred, axis=0)
        dx = dx_hat / np.sqrt(self.var + EPS)
        dx += dvar * 2 * self.centred / m
        dx += dmean / m
        return dx


class ReLU:
    def forward(self, x):
        self.mask = x > 0
        return x * self.mask

    def backward(self, dout):
        return dout * self.mask


def classes(params, X, y):
    first, norm = Linear(params["W1"]), BatchNorm(params["gamma"], params["beta"])
    act, last = ReLU(), Linear(params["W2"], params["b2"])
    layers = [first, norm, act, last]
    x = X
    for layer in layers:
        x = layer.forward(x)
    grad = softmax(x)
    grad[range(len(y)), y] -= 1
    grad = grad / len(y)
    for layer in reversed(layers):
        grad = layer.backward(grad)
    return {
        "W1": first.dW,
        "gamma": norm.dgamma,
        "beta": norm.dbeta,
        "W2": last.dW,
        "b2": last.db,
    }


def units(params, X, y):
    """Each hidden unit has its own projection matrix: no mean and no scale pass through it."""
    W1, g, b, W2, b2 = (params[k] for k in ("W1", "gamma", "beta", "W2", "b2"))
    n, k = len(X), len(g)
    Z = X @ W1
    C = Z - Z.mean(0)
    S = (np.mean(C**2, 0) + EPS) ** 0.5
    Zh = C / S
    H = np.where(g * Zh + b > 0, g * Zh + b, 0.0)
    P = softmax(H @ W2 + b2)
    Y = np.zeros_like(P)
    Y[np.arange(n), y] = 1
    G = (P - Y) / n
    dH = np.einsum("nc,kc->nk", G, W2)
    dA = np.where(H > 0, dH, 0.0)
    dZ = np.empty_like(Z)
    dg = np.zeros(k)
    for j in range(k):
        u = Zh[:, j]
        J = np.eye(n) - 1 / n - np.outer(u, u) / n
        dZ[:, j] = g[j] / S[j] * (J @ dA[:, j])
        dg[j] = u @ dA[:, j]
    return {
        "W1": np.einsum("ni,nk->ik", X, dZ),
        "gamma": dg,
        "beta": np.einsum("nk->k", dA),
        "W2": np.einsum("nk,nc->kc", H, G),
        "b2": G.sum(0),
    }


def columns(params, X, y):
    """Features in rows, samples in columns."""
    A0 = X.T
    m = A0.shape[1]
    gamma = params["gamma"].reshape(-1, 1)
    beta = params["beta"].reshape(-1, 1)
    cache = {}
    cache["Z1"] = params["W1"].T @ A0
    cache["mu"] = np.mean(cache["Z1"], axis=1, keepdims=True)
    cache["sigma"] = np.sqrt(np.var(cache["Z1"], axis=1, keepdims=True) + EPS)
    cache["Zn"] = (cache["Z1"] - cache["mu"]) / cache["sigma"]
    cache["Zt"] = gamma * cache["Zn"] + beta
    cache["A1"] = np.maximum(0, cache["Zt"])
    Z2 = params["W2"].T @ cache["A1"] + params["b2"][:, None]
    A2 = softmax(Z2.T).T
    dZ2 = A2 - np.eye(3)[:, y]
    dW2 = 1 / m * (dZ2 @ cache["A1"].T)
    db2 = 1 / m * np.sum(dZ2, axis=1)
    dA1 = params["W2"] @ dZ2
    dZt = dA1 * (cache["Zt"] > 0)
    dgamma = np.sum(dZt * cache["Zn"], axis=1) / m
    dbeta = np.sum(dZt, axis=1) / m
    dZn = dZt * gamma
    dZ1 = dZn - np.mean(dZn, axis=1, keepdims=True)
    dZ1 -= cache["Zn"] * np.mean(dZn * cache["Zn"], axis=1, keepdims=True)
    dZ1 /= cache["sigma"]
    dW1 = 1 / m * (dZ1 @ A0.T)
    return {"W1": dW1.T, "gamma": dgamma, "beta": dbeta, "W2": dW2.T, "b2": db2}


WRONG = [
    Wrong("staged", "    dx = dx1 + dx2\n", "    dx = dx1\n", r"mean|dx2|\bmu\b"),
    Wrong("staged", "dx1 = dxmu1 + dxmu2", "dx1 = dxmu1", r"varian|dxmu2|\bvar\b|deviation"),
    Wrong("staged", "dxmu2 = 2 * xmu * dsq", "dxmu2 = xmu * dsq", r"factor|\b2\b|half|twice"),
    Wrong("staged", "dsqrtvar = -1.0 /", "dsqrtvar = 1.0 /", "sign|minus|negat"),
    Wrong("staged", "(sqrtvar**2)", "sqrtvar", r"square|power|\*\* ?2|derivative"),
    Wrong(
        "staged",
        "0.5 * 1.0 / np.sqrt(var + EPS)",
        "1.0 / np.sqrt(var + EPS)",
        r"factor|0\.5|half|\b2\b",
    ),
    Wrong("staged", "np.sum(dout, axis=0)", "np.sum(dout * gamma, axis=0)", "gamma"),
    Wrong(
        "staged",
        "np.sum(dout * xhat, axis=0)",
        "np.sum(dout * z, axis=0)",
        r"xhat|normali[sz]ed|\bz\b",
    ),
    Wrong("staged", "    dxhat = dout * gamma\n", "    dxhat = dout\n", "gamma|scale"),
    Wrong("staged", "    dout[out <= 0] = 0\n", "", "derivative|mask|slope"),
    Wrong("staged", "dout[out <= 0] = 0", "dout[z <= 0] = 0", r"\bz\b|\bout\b|mask|pre-activation"),
    Wrong("staged", "    dscores /= N\n", "", "average|mean|divide"),
    Wrong(
        "staged",
        "1.0 / N * np.ones_like(z) * dmu",
        "np.ones_like(z) * dmu",
        "average|mean|divide|factor",
    ),
    Wrong("staged", "-1 * np.sum(dx1, axis=0)", "-1 * np.sum(dx1)", r"axis|sum"),
    Wrong(
        "staged",
        ("dsq = 1.0 / N * np.ones_like(z)", "relu.T.dot(dscores)"),
        ("dsq = np.ones_like(z)", "out.T.dot(dscores)"),
        ("average|mean|divide|factor", r"relu|\bout\b|activation"),
    ),
    Wrong("short", "n * d_a - d_beta - z_norm", "n * d_a - z_norm", r"mean|d_beta|\bmu\b"),
    Wrong("short", " - z_norm * d_gamma)", ")", r"varian|d_gamma|z_norm|deviation|\bstd\b"),
    Wrong("short", "- z_norm * d_gamma)", "+ z_norm * d_gamma)", "sign|minus|negat"),
    Wrong("short", "- z_norm * d_gamma)", "- z * d_gamma)", r"z_norm|normali[sz]ed|\bz\b"),
    Wrong("short", "/ (n * std)", "/ std", "average|mean|divide|factor"),
    Wrong("short", 'params["gamma"] / (n * std)', "1 / (n * std)", "gamma|scale"),
    Wrong("short", "/ (n * std)", "/ (n * std**2)", r"std|square|power|varian|deviation|twice"),
    Wrong("short", "(a > 0)", "(z_norm > 0)", r"\ba\b|z_norm|mask|pre-activation"),
    Wrong("short", '"W2": h.T @ d_s', '"W2": a.T @ d_s', r"\bh\b|\ba\b|activation|relu"),
    Wrong(
        "short", "z.var(axis=0) + EPS", "z.var(axis=0, ddof=1) + EPS", r"varian|ddof|std|forward"
    ),
    Wrong("short", '+ params["beta"]', '- params["beta"]', "beta|forward|sign"),
    Wrong(
        "short",
        ("np.eye(3)[y]) / n", "d_beta = d_a.sum(axis=0)"),
        ("np.eye(3)[y])", "d_beta = d_a.mean(axis=0)"),
        ("average|mean|divide", "average|mean|sum|divide|factor"),
    ),
    Wrong(
        "Linear",
        "self.db = dout.sum(axis=0)",
        "self.db = dout.mean(axis=0)",
        "mean|sum|average|divide",
        run="classes",
    ),
    Wrong(
        "Linear",
        "self.x.T @ dout",
        "self.x.T @ dout / len(dout)",
        "average|mean|divi|twice",
        run="classes",
    ),
    Wrong(
        "BatchNorm", "** -1.5", "** -0.5", r"power|1\.5|exponent|varian|derivative", run="classes"
    ),
    Wrong("BatchNorm", "* -0.5 * (self", "* 0.5 * (self", "sign|minus|negat", run="classes"),
    Wrong("BatchNorm", "        dx += dmean / m\n", "", r"mean|\bmu\b", run="classes"),
    Wrong(
        "BatchNorm",
        "        dx += dvar * 2 * self.centred / m\n",
        "",
        r"varian|dvar|\bvar\b",
        run="classes",
    ),
    Wrong(
        "BatchNorm",
        "dx += dvar * 2",
        "dx = dvar * 2",
        r"\+=|add|accumul|overwrit|sum",
        run="classes",
    ),
    Wrong(
        "ReLU",
        "        return dout * self.mask",
        "        return dout",
        "derivative|mask|slope",
        run="classes",
    ),
    Wrong("classes", "    grad = grad / len(y)\n", "", "average|mean|divide"),
    Wrong("units", "- np.outer(u, u) / n", "- np.outer(u, u)", "average|mean|divide|factor"),
    Wrong("units", "- np.outer(u, u) / n", "", "varian|outer|deviation|scale"),
    Wrong("units", "np.eye(n) - 1 / n -", "np.eye(n) -", "mean"),
    Wrong("units", "g[j] / S[j] * (", "g[j] * (", r"\bS\b|deviation|divide|std|sigma"),
    Wrong("units", "g[j] / S[j] * (", "g[0] / S[j] * (", r"\bg\b|gamma|index|g\[j\]"),
    Wrong("units", "Y[np.arange(n), y] = 1", "Y[:, y] = 1", r"one.?hot|label|Y\b|target"),
    Wrong(
        "units",
        "for j in range(k)",
        "for j in range(k - 1)",
        r"off by one|range|last|k - 1|column|unit",
    ),
    Wrong(
        "columns",
        "dZ1 = dZn - np.mean(dZn, axis=1, keepdims=True)",
        "dZ1 = dZn.copy()",
        r"mean|\bmu\b",
    ),
    Wrong("columns", '    dZ1 /= cache["sigma"]\n', "", "sigma|deviation|divide|std"),
    Wrong(
        "columns",
        '    dZ1 -= cache["Zn"] * np.mean(dZn * cache["Zn"], axis=1, keepdims=True)\n',
        "",
        "varian|Zn|sigma|deviation",
    ),
    Wrong("columns", "dW1 = 1 / m * (dZ1 @ A0.T)", "dW1 = dZ1 @ A0.T", "average|mean|divide"),
    Wrong(
        "columns", 'dZt * cache["Zn"], axis=1', 'dZt * cache["Zt"], axis=1', "Zn|Zt|normali[sz]ed"
    ),
    Wrong(
        "columns",
        "dbeta = np.sum(dZt, axis=1) / m",
        "dbeta = np.sum(dZt, axis=1)",
        "average|mean|divide",
    ),
    Wrong(
        "columns",
        ('dZt = dA1 * (cache["Zt"] > 0)', "db2 = 1 / m * np.sum(dZ2, axis=1)"),
        ("dZt = dA1", "db2 = np.sum(dZ2, axis=1)"),
        ("derivative|mask|slope", "average|mean|divide"),
    ),
    Wrong(
        "staged",
        ("    dxhat = dout * gamma\n", "dsqrtvar = -1.0 /"),
        ("    dxhat = dout\n", "dsqrtvar = 1.0 /"),
        ("gamma|scale", "sign|minus|negat"),
    ),
    Wrong(
        "units",
        ("np.eye(n) - 1 / n -", 'np.einsum("ni,nk->ik", X, dZ)'),
        ("np.eye(n) -", 'np.einsum("ni,nk->ik", X, dA)'),
        ("mean", "dZ|dA|normali[sz]"),
    ),
]
