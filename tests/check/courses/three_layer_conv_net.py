"""Convolution and pooling entry by entry, then one affine layer; images of a few pixels."""

import numpy as np
from tests.check.collection import Run, Wrong


def conv_forward_naive(x, w, b, conv_param):
    stride, pad = conv_param["stride"], conv_param["pad"]
    N, C, H, W = x.shape
    F, C, HH, WW = w.shape
    x_pad = np.pad(x, ((0, 0), (0, 0), (pad, pad), (pad, pad)), mode="constant")
    H_out = 1 + (H + 2 * pad - HH) // stride
    W_out = 1 + (W + 2 * pad - WW) // stride
    out = np.zeros((N, F, H_out, W_out))
    for n in range(N):
        for f in range(F):
            for i in range(H_out):
                for j in range(W_out):
                    window = x_pad[n, :, i * stride : i * stride + HH, j * stride : j * stride + WW]
                    out[n, f, i, j] = np.sum(window * w[f]) + b[f]
    return out, (x, w, b, conv_param)


def conv_backward_naive(dout, cache):
    x, w, b, conv_param = cache
    stride, pad = conv_param["stride"], conv_param["pad"]
    N, C, H, W = x.shape
    F, C, HH, WW = w.shape
    N, F, H_out, W_out = dout.shape
    x_pad = np.pad(x, ((0, 0), (0, 0), (pad, pad), (pad, pad)), mode="constant")
    dx_pad = np.zeros_like(x_pad)
    dw = np.zeros_like(w)
    db = np.sum(dout, axis=(0, 2, 3))
    for n in range(N):
        for f in range(F):
            for i in range(H_out):
                for j in range(W_out):
                    rows = slice(i * stride, i * stride + HH)
                    cols = slice(j * stride, j * stride + WW)
                    dw[f] += x_pad[n, :, rows, cols] * dout[n, f, i, j]
                    dx_pad[n, :, rows, cols] += w[f] * dout[n, f, i, j]
    dx = dx_pad[:, :, pad : pad + H, pad : pad + W]
    return dx, dw, db


def max_pool_forward_naive(x, pool_param):
    HH, WW, stride = pool_param["pool_height"], pool_param["pool_width"], pool_param["stride"]
    N, C, H, W = x.shape
    H_out = 1 + (H - HH) // stride
    W_out = 1 + (W - WW) // stride
    out = np.zeros((N, C, H_out, W_out))
    for i in range(H_out):
        for j in range(W_out):
            window = x[:, :, i * stride : i * stride + HH, j * stride : j * stride + WW]
            out[:, :, i, j] = np.max(window, axis=(2, 3))
    return out, (x, pool_param)


def max_pool_backward_naive(dout, cache):
    x, pool_param = cache
    HH, WW, stride = pool_param["pool_height"], pool_param["pool_width"], pool_param["stride"]
    N, C, H_out, W_out = dout.shape
    dx = np.zeros_like(x)
    for n in range(N):
        for c in range(C):
            for i in range(H_out):
                for j in range(W_out):
                    hs, ws = i * stride, j * stride
                    window = x[n, c, hs : hs + HH, ws : ws + WW]
                    mask = window == np.max(window)
                    dx[n, c, hs : hs + HH, ws : ws + WW] += dout[n, c, i, j] * mask
    return dx


def softmax_loss(x, y):
    probs = np.exp(x - np.max(x, axis=1, keepdims=True))
    probs /= np.sum(probs, axis=1, keepdims=True)
    N = x.shape[0]
    loss = -np.sum(np.log(probs[np.arange(N), y])) / N
    dx = probs.copy()
    dx[np.arange(N), y] -= 1
    dx /= N
    return loss, dx


class ConvNet:
    """Two convolutions with a relu and a pool between them, so that the first hears of all."""

    def __init__(self, params):
        self.params = params

    def loss(self, X, y):
        W1, b1 = self.params["W1"], self.params["b1"]
        W2, b2 = self.params["W2"], self.params["b2"]
        W3, b3 = self.params["W3"], self.params["b3"]
        conv_param = {"stride": 1, "pad": 1}
        pool_param = {"pool_height": 2, "pool_width": 2, "stride": 2}
        a1, conv1 = conv_forward_naive(X, W1, b1, conv_param)
        r1 = np.maximum(0, a1)
        p1, pool1 = max_pool_forward_naive(r1, pool_param)
        a2, conv2 = conv_forward_naive(p1, W2, b2, conv_param)
        r2 = np.maximum(0, a2)
        scores = r2.reshape(len(X), -1).dot(W3) + b3
        loss, dscores = softmax_loss(scores, y)
        grads = {}
        grads["W3"] = r2.reshape(len(X), -1).T.dot(dscores)
        grads["b3"] = dscores.sum(axis=0)
        dr2 = dscores.dot(W3.T).reshape(r2.shape)
        da2 = dr2 * (a2 > 0)
        dp1, grads["W2"], grads["b2"] = conv_backward_naive(da2, conv2)
        dr1 = max_pool_backward_naive(dp1, pool1)
        da1 = dr1 * (a1 > 0)
        dx, grads["W1"], grads["b1"] = conv_backward_naive(da1, conv1)
        return loss, grads


def problem(rng, n=3, size=4, f=2):
    params = {
        "W1": rng.normal(size=(f, 1, 3, 3)) * 0.5,
        "b1": rng.normal(size=f) * 0.2 + 0.3,
        "W2": rng.normal(size=(f, f, 3, 3)) * 0.4,
        "b2": rng.normal(size=f) * 0.2 + 0.3,
        "W3": rng.normal(size=(f * (size // 2) ** 2, 3)) * 0.4,
        "b3": rng.normal(size=3) * 0.2,
    }
    return params, rng.normal(size=(n, 1, size, size)), rng.integers(0, 3, n)


def loss(params, X, y):
    return ConvNet(params).loss(X, y)[0]


def gradients(params, X, y):
    return ConvNet(params).loss(X, y)[1]


RUNS = {"net": Run("loss", "gradients", problem, {"n": 5, "size": 6, "f": 3})}


def conv(right, wrong, said, *also):
    return Wrong("conv_backward_naive", right, wrong, said, "net", also)


def pool(right, wrong, said, *also):
    return Wrong("max_pool_backward_naive", right, wrong, said, "net", also)


def net(right, wrong, said, *also):
    return Wrong("ConvNet.loss", right, wrong, said, "net", also)


MASK = r"mask|maxim|largest|window|pool"
RELU = r"relu|slope|derivative|a[12] > 0|> 0"

WRONG = [
    conv("dw[f] += ", "dw[f] = ", r"\+=|accumul|overwrit|add|sum"),
    conv(
        "dx_pad[n, :, rows, cols] += ",
        "dx_pad[n, :, rows, cols] = ",
        r"\+=|accumul|overwrit|add|sum",
    ),
    conv(
        "w[f] * dout[n, f, i, j]",
        "w[f, :, ::-1, ::-1] * dout[n, f, i, j]",
        r"flip|revers|::-1|w\[f\]|order",
    ),
    conv(
        "w[f] * dout[n, f, i, j]",
        "w[f] * dout[n, f, j, i]",
        r"\bi, j|j, i|index|order|transpos|swap",
    ),
    conv("np.sum(dout, axis=(0, 2, 3))", "np.mean(dout, axis=(0, 2, 3))", r"mean|sum|average"),
    conv(
        "np.sum(dout, axis=(0, 2, 3))",
        "np.sum(dout[:, :, 0, 0], axis=0)",
        r"axis|sum|0, 0|entries|position",
    ),
    conv(
        "dx_pad[:, :, pad : pad + H, pad : pad + W]",
        "dx_pad[:, :, :H, :W]",
        r"pad|slice|offset|border|crop",
    ),
    conv(
        "x_pad[n, :, rows, cols] * dout[n, f, i, j]",
        "x_pad[n, :, rows, cols] * dout[n, f, i, j] / N",
        r"average|divi|\bN\b|twice",
    ),
    pool("dout[n, c, i, j] * mask", "dout[n, c, i, j] / (HH * WW)", MASK + "|average"),
    pool("dout[n, c, i, j] * mask", "dout[n, c, i, j]", MASK + "|missing"),
    pool("dout[n, c, i, j] * mask", "dout[n, c, i, j] * window", MASK),
    pool(
        "mask = window == np.max(window)", "mask = window == np.max(x[n, c])", MASK + r"|x\[n, c\]"
    ),
    pool("mask = window == np.max(window)", "mask = window != np.max(window)", MASK + "|==|!="),
    pool("mask = window == np.max(window)", "mask = window == np.min(window)", MASK + "|min|max"),
    pool("mask = window == np.max(window)", "mask = window > 0", MASK + "|==|> 0"),
    net("da2 = dr2 * (a2 > 0)", "da2 = dr2", RELU),
    net("da1 = dr1 * (a1 > 0)", "da1 = dr1 * (dr1 > 0)", RELU),
    net("da1 = dr1 * (a1 > 0)", "da1 = dr1 * r1", RELU),
    net("conv_backward_naive(da1, conv1)", "conv_backward_naive(dr1, conv1)", RELU + "|da1|dr1"),
    net(
        "max_pool_backward_naive(dp1, pool1)",
        "np.repeat(np.repeat(dp1, 2, axis=2), 2, axis=3)",
        MASK + "|repeat",
    ),
    Wrong("softmax_loss", "    dx /= N\n", "", r"average|mean|divi", "net"),
    Wrong(
        "softmax_loss",
        "dx[np.arange(N), y] -= 1",
        "dx[np.arange(N), y] += 1",
        r"sign|minus|subtract|-=|label",
        "net",
    ),
]
