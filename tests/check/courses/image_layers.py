"""Convolution by columns, average pooling, layer and group normalisation, global pooling."""

import numpy as np

from tests.check.collection import Run, Wrong


def im2col(X, k):
    N, C, H, W = X.shape
    out_h, out_w = H - k + 1, W - k + 1
    col = np.zeros((N, C, k, k, out_h, out_w))
    for i in range(k):
        for j in range(k):
            col[:, :, i, j] = X[:, :, i : i + out_h, j : j + out_w]
    return col.transpose(0, 4, 5, 1, 2, 3).reshape(N * out_h * out_w, -1)


def col2im(col, shape, k):
    N, C, H, W = shape
    out_h, out_w = H - k + 1, W - k + 1
    col = col.reshape(N, out_h, out_w, C, k, k).transpose(0, 3, 4, 5, 1, 2)
    img = np.zeros(shape)
    for i in range(k):
        for j in range(k):
            img[:, :, i : i + out_h, j : j + out_w] += col[:, :, i, j]
    return img


class Convolution:
    def __init__(self, W, b):
        self.W, self.b = W, b

    def forward(self, x):
        FN, C, k, _ = self.W.shape
        N, _, H, W = x.shape
        self.x = x
        self.col = im2col(x, k)
        self.col_W = self.W.reshape(FN, -1).T
        out = np.dot(self.col, self.col_W) + self.b
        return out.reshape(N, H - k + 1, W - k + 1, FN).transpose(0, 3, 1, 2)

    def backward(self, dout):
        FN, C, k, _ = self.W.shape
        dout = dout.transpose(0, 2, 3, 1).reshape(-1, FN)
        self.db = np.sum(dout, axis=0)
        self.dW = np.dot(self.col.T, dout)
        self.dW = self.dW.transpose(1, 0).reshape(FN, C, k, k)
        dcol = np.dot(dout, self.col_W.T)
        return col2im(dcol, self.x.shape, k)


class GroupNorm:
    def __init__(self, gamma, beta, G, eps=1e-5):
        self.gamma, self.beta, self.G, self.eps = gamma, beta, G, eps

    def forward(self, x):
        N, C, H, W = x.shape
        groups = x.reshape(N, self.G, -1)
        self.mean = groups.mean(axis=2, keepdims=True)
        self.var = groups.var(axis=2, keepdims=True)
        self.x_norm = ((groups - self.mean) / np.sqrt(self.var + self.eps)).reshape(x.shape)
        return self.gamma * self.x_norm + self.beta

    def backward(self, dout):
        N, C, H, W = dout.shape
        self.dgamma = np.sum(dout * self.x_norm, axis=(0, 2, 3), keepdims=True)
        self.dbeta = np.sum(dout, axis=(0, 2, 3), keepdims=True)
        M = C // self.G * H * W
        dx_norm = (dout * self.gamma).reshape(N, self.G, M)
        x_norm = self.x_norm.reshape(N, self.G, M)
        total = (
            M * dx_norm
            - dx_norm.sum(axis=2, keepdims=True)
            - x_norm * (dx_norm * x_norm).sum(axis=2, keepdims=True)
        )
        dx = total / (M * np.sqrt(self.var + self.eps))
        return dx.reshape(dout.shape)


class AvgPool:
    def __init__(self, size):
        self.size = size

    def forward(self, x):
        N, C, H, W = x.shape
        s = self.size
        self.shape = x.shape
        return x.reshape(N, C, H // s, s, W // s, s).mean(axis=(3, 5))

    def backward(self, dout):
        s = self.size
        dx = np.zeros(self.shape)
        for i in range(s):
            for j in range(s):
                dx[:, :, i::s, j::s] = dout / (s * s)
        return dx


class Swish:
    def forward(self, x):
        self.x = x
        self.sig = 1 / (1 + np.exp(-x))
        return x * self.sig

    def backward(self, dout):
        return dout * (self.sig + self.x * self.sig * (1 - self.sig))


def layers(params):
    return [
        Convolution(params["W1"], params["b1"]),
        GroupNorm(params["gamma"], params["beta"], 2),
        Swish(),
        AvgPool(2),
        Convolution(params["W2"], params["b2"]),
    ]


def loss(params, x, t):
    for layer in layers(params):
        x = layer.forward(x)
    return 0.5 * np.sum((x.mean(axis=(2, 3)) - t) ** 2) / len(t)


def gradients(params, x, t):
    stack = layers(params)
    for layer in stack:
        x = layer.forward(x)
    N, C, H, W = x.shape
    dout = (x.mean(axis=(2, 3)) - t) / N
    dout = np.repeat(np.repeat(dout[:, :, None, None], H, axis=2), W, axis=3) / (H * W)
    for layer in stack[::-1]:
        dout = layer.backward(dout)
    return {
        "W1": stack[0].dW,
        "b1": stack[0].db,
        "gamma": stack[1].dgamma,
        "beta": stack[1].dbeta,
        "W2": stack[4].dW,
        "b2": stack[4].db,
    }


def problem(rng, n=2, c=4, size=8):
    params = {
        "W1": rng.normal(size=(c, 1, 3, 3)) * 0.5,
        "b1": rng.normal(size=c) * 0.2,
        "gamma": 1 + rng.normal(size=(1, c, 1, 1)) * 0.3,
        "beta": rng.normal(size=(1, c, 1, 1)) * 0.3,
        "W2": rng.normal(size=(3, c, 2, 2)) * 0.5,
        "b2": rng.normal(size=3) * 0.2,
    }
    return params, rng.normal(size=(n, 1, size, size)), rng.normal(size=(n, 3))


RUNS = {"stack": Run("loss", "gradients", problem, {"n": 16, "size": 16})}


def wrong(style, right, mistaken, said, *also):
    return Wrong(style, right, mistaken, said, "stack", also)


WRONG = [
    wrong(
        "Convolution.backward",
        "self.dW.transpose(1, 0).reshape(FN, C, k, k)",
        "self.dW.reshape(FN, C, k, k)",
        r"transpos|order|reshape",
    ),
    wrong(
        "Convolution.backward",
        "dout.transpose(0, 2, 3, 1).reshape(-1, FN)",
        "dout.reshape(-1, FN)",
        r"transpos|order|axes|reshape",
    ),
    wrong(
        "Convolution.backward",
        "self.db = np.sum(dout, axis=0)",
        "self.db = np.mean(dout, axis=0)",
        r"mean|sum|average",
    ),
    wrong(
        "col2im",
        "img[:, :, i : i + out_h, j : j + out_w] += ",
        "img[:, :, i : i + out_h, j : j + out_w] = ",
        r"\+=|accumul|overwrit|add|sum",
    ),
    wrong(
        "GroupNorm.backward",
        " - x_norm * (dx_norm * x_norm).sum(axis=2, keepdims=True)",
        "",
        r"variance|term|path|missing|x_norm",
    ),
    wrong(
        "GroupNorm.backward",
        " - dx_norm.sum(axis=2, keepdims=True)",
        "",
        r"mean|term|path|missing|sum",
    ),
    wrong(
        "GroupNorm.backward",
        "total / (M * np.sqrt(self.var + self.eps))",
        "total / (M * (self.var + self.eps))",
        r"sqrt|root|power",
    ),
    wrong(
        "GroupNorm.backward", "(dout * self.gamma).reshape", "dout.reshape", r"gamma|scale|factor"
    ),
    wrong(
        "GroupNorm.backward",
        "np.sum(dout * self.x_norm, axis=(0, 2, 3), keepdims=True)",
        "np.sum(dout, axis=(0, 2, 3), keepdims=True) * self.x_norm.mean()",
        r"x_norm|order|mean|sum",
    ),
    wrong("AvgPool.backward", "dout / (s * s)", "dout", r"average|divi|s \* s|factor|mean"),
    wrong("AvgPool.backward", "dout / (s * s)", "dout / s", r"average|divi|s \* s|factor|square"),
    wrong(
        "Swish.backward",
        "self.sig + self.x * self.sig * (1 - self.sig)",
        "self.sig * (1 - self.sig)",
        r"swish|term|product|derivative|slope|self\.x|self\.sig",
    ),
    wrong(
        "Swish.backward",
        "self.sig + self.x * self.sig * (1 - self.sig)",
        "self.sig + self.sig * (1 - self.sig)",
        r"self\.x|factor|derivative|slope",
    ),
    wrong("gradients", "axis=3) / (H * W)", "axis=3)", r"average|divi|H \* W|mean|factor"),
    wrong(
        "gradients",
        "(x.mean(axis=(2, 3)) - t) / N",
        "x.mean(axis=(2, 3)) - t",
        r"average|divi|\bN\b",
    ),
]
