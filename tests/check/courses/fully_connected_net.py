"""Modular layers with caches: affine, relu, batch normalisation in steps, dropout, softmax loss."""

import numpy as np
from tests.check.collection import Run, Wrong

REG = 0.1


def affine_forward(x, w, b):
    out = x.reshape(x.shape[0], -1).dot(w) + b
    cache = (x, w, b)
    return out, cache


def affine_backward(dout, cache):
    x, w, b = cache
    dx = dout.dot(w.T).reshape(x.shape)
    dw = x.reshape(x.shape[0], -1).T.dot(dout)
    db = np.sum(dout, axis=0)
    return dx, dw, db


def relu_forward(x):
    out = np.maximum(0, x)
    return out, x


def relu_backward(dout, cache):
    x = cache
    dx = dout * (x > 0)
    return dx


def batchnorm_forward(x, gamma, beta, bn_param):
    eps = bn_param.get("eps", 1e-5)
    momentum = bn_param.get("momentum", 0.9)
    N, D = x.shape
    running_mean = bn_param.get("running_mean", np.zeros(D))
    running_var = bn_param.get("running_var", np.zeros(D))
    mu = np.sum(x, axis=0) / N
    xmu = x - mu
    sq = xmu**2
    var = np.sum(sq, axis=0) / N
    sqrtvar = np.sqrt(var + eps)
    ivar = 1.0 / sqrtvar
    xhat = xmu * ivar
    gammax = gamma * xhat
    out = gammax + beta
    bn_param["running_mean"] = momentum * running_mean + (1 - momentum) * mu
    bn_param["running_var"] = momentum * running_var + (1 - momentum) * var
    cache = (xhat, gamma, xmu, ivar, sqrtvar, var, eps)
    return out, cache


def batchnorm_backward(dout, cache):
    xhat, gamma, xmu, ivar, sqrtvar, var, eps = cache
    N, D = dout.shape
    dbeta = np.sum(dout, axis=0)
    dgammax = dout
    dgamma = np.sum(dgammax * xhat, axis=0)
    dxhat = dgammax * gamma
    divar = np.sum(dxhat * xmu, axis=0)
    dxmu1 = dxhat * ivar
    dsqrtvar = -1.0 / (sqrtvar**2) * divar
    dvar = 0.5 * 1.0 / np.sqrt(var + eps) * dsqrtvar
    dsq = 1.0 / N * np.ones((N, D)) * dvar
    dxmu2 = 2 * xmu * dsq
    dx1 = dxmu1 + dxmu2
    dmu = -1 * np.sum(dxmu1 + dxmu2, axis=0)
    dx2 = 1.0 / N * np.ones((N, D)) * dmu
    dx = dx1 + dx2
    return dx, dgamma, dbeta


def batchnorm_backward_alt(dout, cache):
    xhat, gamma, xmu, ivar, sqrtvar, var, eps = cache
    N = dout.shape[0]
    dbeta = dout.sum(axis=0)
    dgamma = (dout * xhat).sum(axis=0)
    dxhat = dout * gamma
    dvar = np.sum(dxhat * xmu * -0.5 * (var + eps) ** -1.5, axis=0)
    dmean = np.sum(-dxhat * ivar, axis=0) + dvar * np.mean(-2 * xmu, axis=0)
    dx = dxhat * ivar + dvar * 2 * xmu / N + dmean / N
    return dx, dgamma, dbeta


def dropout_forward(x, dropout_param):
    p, seed = dropout_param["p"], dropout_param["seed"]
    rng = np.random.default_rng(seed)
    mask = (rng.random(x.shape) < p) / p
    out = x * mask
    return out, (dropout_param, mask)


def dropout_backward(dout, cache):
    dropout_param, mask = cache
    dx = dout * mask
    return dx


def softmax_loss(x, y):
    shifted = x - np.max(x, axis=1, keepdims=True)
    Z = np.sum(np.exp(shifted), axis=1, keepdims=True)
    log_probs = shifted - np.log(Z)
    probs = np.exp(log_probs)
    N = x.shape[0]
    loss = -np.sum(log_probs[np.arange(N), y]) / N
    dx = probs.copy()
    dx[np.arange(N), y] -= 1
    dx /= N
    return loss, dx


class FullyConnectedNet:
    def __init__(self, params, reg=0.0, dropout=None, alt=False):
        self.params, self.reg, self.dropout, self.alt = params, reg, dropout, alt

    def loss(self, X, y):
        p = self.params
        a1, affine1 = affine_forward(X, p["W1"], p["b1"])
        n1, norm1 = batchnorm_forward(a1, p["gamma1"], p["beta1"], {"mode": "train"})
        h1, relu1 = relu_forward(n1)
        if self.dropout:
            h1, drop1 = dropout_forward(h1, self.dropout)
        scores, affine2 = affine_forward(h1, p["W2"], p["b2"])
        loss, dscores = softmax_loss(scores, y)
        for name in ("W1", "W2"):
            loss += 0.5 * self.reg * np.sum(p[name] * p[name])
        grads = {}
        dh1, grads["W2"], grads["b2"] = affine_backward(dscores, affine2)
        if self.dropout:
            dh1 = dropout_backward(dh1, drop1)
        dn1 = relu_backward(dh1, relu1)
        backward = batchnorm_backward_alt if self.alt else batchnorm_backward
        da1, grads["gamma1"], grads["beta1"] = backward(dn1, norm1)
        dx, grads["W1"], grads["b1"] = affine_backward(da1, affine1)
        for name in ("W1", "W2"):
            grads[name] += self.reg * p[name]
        return loss, grads


DROPOUT = {"p": 0.7, "seed": 3, "mode": "train"}


def problem(rng, n=9, d=5, h=6, c=3):
    params = {
        "W1": rng.normal(size=(d, h)) / np.sqrt(d),
        "b1": rng.normal(size=h) * 0.3,
        "gamma1": 1 + rng.normal(size=h) * 0.3,
        "beta1": rng.normal(size=h) * 0.3,
        "W2": rng.normal(size=(h, c)) / np.sqrt(h),
        "b2": rng.normal(size=c) * 0.3,
    }
    return params, rng.normal(size=(n, d)), rng.integers(0, c, n)


def loss(params, X, y):
    return FullyConnectedNet(params, REG).loss(X, y)[0]


def gradients(params, X, y):
    return FullyConnectedNet(params, REG).loss(X, y)[1]


def alt_gradients(params, X, y):
    return FullyConnectedNet(params, REG, alt=True).loss(X, y)[1]


def dropout_loss(params, X, y):
    return FullyConnectedNet(params, REG, DROPOUT).loss(X, y)[0]


def dropout_gradients(params, X, y):
    return FullyConnectedNet(params, REG, DROPOUT).loss(X, y)[1]


BIG = {"n": 500, "d": 200, "h": 50, "c": 10}
RUNS = {
    "net": Run("loss", "gradients", problem, BIG),
    "alt": Run("loss", "alt_gradients", problem, BIG),
    "dropout": Run("dropout_loss", "dropout_gradients", problem, BIG),
}


def wrong(style, right, mistaken, said, *also, run="net"):
    return Wrong(style, right, mistaken, said, run, also)


AVERAGE = r"average|mean|divi|/ ?N"
RELU = r"relu|slope|derivative|x > 0|> 0"
PATH = r"path|missing|left out|term"

WRONG = [
    wrong(
        "affine_backward", "np.sum(dout, axis=0)", "np.mean(dout, axis=0)", r"mean|sum|average|divi"
    ),
    wrong("relu_backward", "dout * (x > 0)", "dout * (dout > 0)", RELU),
    wrong("relu_backward", "dout * (x > 0)", "dout * np.maximum(0, x)", RELU),
    wrong("relu_backward", "dout * (x > 0)", "dout", RELU),
    wrong("relu_backward", "dout * (x > 0)", "np.maximum(0, dout)", RELU),
    wrong("relu_backward", "dout * (x > 0)", "dout * x * (1 - x)", RELU + "|sigmoid"),
    wrong(
        "batchnorm_backward",
        "-1.0 / (sqrtvar**2)",
        "-1.0 / sqrtvar",
        r"square|\*\* ?2|power|sqrtvar",
    ),
    wrong(
        "batchnorm_backward", "-1.0 / (sqrtvar**2)", "1.0 / (sqrtvar**2)", r"sign|minus|-1|negat"
    ),
    wrong(
        "batchnorm_backward",
        "0.5 * 1.0 / np.sqrt(var + eps)",
        "1.0 / np.sqrt(var + eps)",
        r"factor|0\.5|half|\b2\b",
    ),
    wrong(
        "batchnorm_backward",
        "0.5 * 1.0 / np.sqrt(var + eps)",
        "0.5 * 1.0 / (var + eps)",
        r"sqrt|root|power",
    ),
    wrong("batchnorm_backward", "dx1 = dxmu1 + dxmu2", "dx1 = dxmu1", PATH + "|dxmu2"),
    wrong(
        "batchnorm_backward",
        "dmu = -1 * np.sum(dxmu1 + dxmu2, axis=0)",
        "dmu = np.sum(dxmu1 + dxmu2, axis=0)",
        r"sign|minus|-1|negat",
    ),
    wrong("batchnorm_backward", "dx = dx1 + dx2", "dx = dx1", PATH + "|dx2"),
    wrong(
        "batchnorm_backward",
        "dsq = 1.0 / N * np.ones((N, D)) * dvar",
        "dsq = np.ones((N, D)) * dvar",
        AVERAGE,
    ),
    wrong("batchnorm_backward", "2 * xmu * dsq", "xmu * dsq", r"factor|\b2\b|twice"),
    wrong("batchnorm_backward", "dxhat = dgammax * gamma", "dxhat = dgammax", r"gamma"),
    wrong(
        "batchnorm_backward",
        "np.sum(dgammax * xhat, axis=0)",
        "np.sum(dgammax * xmu, axis=0)",
        r"xhat|xmu",
    ),
    wrong(
        "batchnorm_backward",
        "1.0 / N * np.ones((N, D)) * dmu",
        "1.0 / D * np.ones((N, D)) * dmu",
        r"\bN\b|\bD\b|average|number of",
    ),
    wrong(
        "batchnorm_backward_alt",
        "* -0.5 * (var + eps) ** -1.5",
        "* -0.5 * (var + eps) ** -0.5",
        r"1\.5|0\.5|power|expon",
        run="alt",
    ),
    wrong(
        "batchnorm_backward_alt",
        "* -0.5 * (var + eps) ** -1.5",
        "* 0.5 * (var + eps) ** -1.5",
        r"sign|minus|-0\.5|negat",
        run="alt",
    ),
    wrong(
        "batchnorm_backward_alt",
        "dx = dxhat * ivar + dvar * 2 * xmu / N + dmean / N",
        "dx = dxhat * ivar + dmean / N",
        PATH + "|dvar|xmu",
        run="alt",
    ),
    wrong("batchnorm_backward_alt", " + dmean / N", " + dmean", AVERAGE + "|dmean", run="alt"),
    wrong(
        "batchnorm_backward_alt",
        "dvar * 2 * xmu / N",
        "dvar * 2 * xhat / N",
        r"xmu|xhat",
        run="alt",
    ),
    wrong(
        "batchnorm_backward_alt",
        "dxhat * ivar + dvar",
        "dxhat * var + dvar",
        r"ivar|\bvar\b",
        run="alt",
    ),
    wrong("dropout_backward", "dx = dout * mask", "dx = dout", r"mask|dropout", run="dropout"),
    wrong(
        "dropout_backward",
        "dx = dout * mask",
        "dx = dout * (mask > 0)",
        r"mask|scale|factor|> 0|keep|\bp\b",
        run="dropout",
    ),
    wrong(
        "dropout_backward",
        "dx = dout * mask",
        'rng = np.random.default_rng(dropout_param["seed"] + 1)\n    dx = dout * (rng.random(dout.shape) < dropout_param["p"]) / dropout_param["p"]',
        r"mask|anew|again|drawn|forward|seed",
        run="dropout",
    ),
    wrong(
        "dropout_backward",
        "dx = dout * mask",
        'dx = dout * mask * dropout_param["p"]',
        r"mask|scale|factor|\bp\b",
        run="dropout",
    ),
    wrong(
        "dropout_backward",
        "dx = dout * mask",
        'dx = dout * mask / dropout_param["p"]',
        r"mask|scale|factor|\bp\b|twice",
        run="dropout",
    ),
    wrong("softmax_loss", "    dx[np.arange(N), y] -= 1\n", "", r"label|subtract|-= 1|y\b"),
    wrong("softmax_loss", "    dx /= N\n", "", AVERAGE, run="dropout"),
    wrong(
        "FullyConnectedNet.loss",
        "grads[name] += self.reg * p[name]",
        "grads[name] += 2 * self.reg * p[name]",
        r"penal|regulari|reg\b|factor|\b2\b|twice",
    ),
    wrong(
        "FullyConnectedNet.loss",
        '        for name in ("W1", "W2"):\n            grads[name]',
        '        for name in ("W1",):\n            grads[name]',
        r"W2|penal|regulari|reg\b|missing",
    ),
    wrong(
        "FullyConnectedNet.loss", "dn1 = relu_backward(dh1, relu1)", "dn1 = dh1", RELU + "|relu1"
    ),
    wrong(
        "FullyConnectedNet.loss", "backward(dn1, norm1)", "backward(dh1, norm1)", r"dn1|dh1|" + RELU
    ),
    wrong(
        "FullyConnectedNet.loss",
        "affine_backward(da1, affine1)",
        "affine_backward(dn1, affine1)",
        r"da1|dn1|batch|norm",
    ),
]
