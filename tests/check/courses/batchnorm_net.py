"""A layer with batch normalisation before its relu, every step of the computation graph."""

import numpy as np
from tests.check.collection import Run, Wrong

EPS = 1e-5


def batchnorm_forward(x, gamma, beta):
    mu = x.mean(axis=0)
    xmu = x - mu
    var = np.mean(xmu**2, axis=0)
    sqrtvar = np.sqrt(var + EPS)
    ivar = 1.0 / sqrtvar
    xhat = xmu * ivar
    return gamma * xhat + beta, (xhat, gamma, xmu, ivar, sqrtvar, var)


def batchnorm_backward(dout, cache):
    xhat, gamma, xmu, ivar, sqrtvar, var = cache
    N, D = dout.shape
    dbeta = np.sum(dout, axis=0)
    dgamma = np.sum(dout * xhat, axis=0)
    dxhat = dout * gamma
    divar = np.sum(dxhat * xmu, axis=0)
    dxmu1 = dxhat * ivar
    dsqrtvar = -1.0 / (sqrtvar**2) * divar
    dvar = 0.5 / np.sqrt(var + EPS) * dsqrtvar
    dsq = np.ones((N, D)) / N * dvar
    dxmu2 = 2 * xmu * dsq
    dx1 = dxmu1 + dxmu2
    dmu = -np.sum(dxmu1 + dxmu2, axis=0)
    dx2 = np.ones((N, D)) / N * dmu
    return dx1 + dx2, dgamma, dbeta


def loss(p, X, T):
    out, _ = batchnorm_forward(X @ p["W1"], p["gamma"], p["beta"])
    scores = np.maximum(0, out) @ p["W2"] + p["b2"]
    return 0.5 * np.sum((scores - T) ** 2) / len(X)


def gradients(p, X, T):
    out, cache = batchnorm_forward(X @ p["W1"], p["gamma"], p["beta"])
    h = np.maximum(0, out)
    dscores = (h @ p["W2"] + p["b2"] - T) / len(X)
    dh = dscores @ p["W2"].T
    dout = dh * (h > 0)
    da, dgamma, dbeta = batchnorm_backward(dout, cache)
    return {
        "W1": X.T @ da,
        "gamma": dgamma,
        "beta": dbeta,
        "W2": h.T @ dscores,
        "b2": dscores.sum(axis=0),
    }


def problem(rng, n=6, d=4, h=5, k=2):
    p = {
        "W1": rng.normal(size=(d, h)),
        "gamma": rng.normal(size=h) + 1,
        "beta": rng.normal(size=h) * 0.5,
        "W2": rng.normal(size=(h, k)),
        "b2": rng.normal(size=k),
    }
    return p, rng.normal(size=(n, d)), rng.normal(size=(n, k))


RUNS = {"net": Run("loss", "gradients", problem, {"n": 200, "d": 30, "h": 40, "k": 3})}


def bn(right, bad, said, *also):
    return Wrong("batchnorm_backward", right, bad, said, "net", also)


PATH = r"path|term|missing|left out"
WRONG = [
    bn(
        "dgamma = np.sum(dout * xhat, axis=0)",
        "dgamma = np.sum(dout * xmu, axis=0)",
        "xhat|xmu|normal",
    ),
    bn("dxhat = dout * gamma", "dxhat = dout", "gamma|factor"),
    bn("-1.0 / (sqrtvar**2)", "-1.0 / sqrtvar", "\\*\\* ?2|power|square|factor|sqrtvar"),
    bn("-1.0 / (sqrtvar**2)", "1.0 / (sqrtvar**2)", "sign|minus|-"),
    bn("dvar = 0.5 / np.sqrt(var + EPS)", "dvar = 0.5 / (var + EPS)", "root|sqrt"),
    bn("dxmu2 = 2 * xmu * dsq", "dxmu2 = xmu * dsq", "factor|\\b2\\b|twice|half"),
    bn("dx1 = dxmu1 + dxmu2", "dx1 = dxmu1", PATH + "|dxmu2"),
    bn("return dx1 + dx2, dgamma, dbeta", "return dx1, dgamma, dbeta", PATH + "|dx2|mean"),
    bn(
        "dsq = np.ones((N, D)) / N * dvar",
        "dsq = np.ones((N, D)) * dvar",
        "\\bN\\b|average|divid|factor",
    ),
    bn("dbeta = np.sum(dout, axis=0)", "dbeta = np.mean(dout, axis=0)", "mean|sum|average"),
    Wrong(
        "gradients",
        "dout = dh * (h > 0)",
        "dout = dh * (dh > 0)",
        "relu|\\bh\\b|\\bdh\\b|mask|derivative|slope",
        "net",
    ),
    Wrong(
        "gradients",
        "dout = dh * (h > 0)",
        "dout = dh * (cache[0] > 0)",
        "relu|\\bh\\b|\\bout\\b|cache|mask|derivative|slope",
        "net",
    ),
]
