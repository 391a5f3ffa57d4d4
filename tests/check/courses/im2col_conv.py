"""A convolution as one matrix product over columns of patches, average pooling, a softmax."""

import numpy as np
from tests.check.collection import Run, Wrong


def im2col(x, k):
    N, C, H, W = x.shape
    out_h, out_w = H - k + 1, W - k + 1
    cols = np.zeros((N, C, k, k, out_h, out_w))
    for i in range(k):
        for j in range(k):
            cols[:, :, i, j] = x[:, :, i : i + out_h, j : j + out_w]
    return cols.transpose(0, 4, 5, 1, 2, 3).reshape(N * out_h * out_w, -1)


def col2im(cols, shape, k):
    N, C, H, W = shape
    out_h, out_w = H - k + 1, W - k + 1
    cols = cols.reshape(N, out_h, out_w, C, k, k).transpose(0, 3, 4, 5, 1, 2)
    x = np.zeros(shape)
    for i in range(k):
        for j in range(k):
            x[:, :, i : i + out_h, j : j + out_w] += cols[:, :, i, j]
    return x


def conv_forward(x, w, b):
    F, C, k, _ = w.shape
    N, _, H, W = x.shape
    cols = im2col(x, k)
    out = cols @ w.reshape(F, -1).T + b
    return out.reshape(N, H - k + 1, W - k + 1, F).transpose(0, 3, 1, 2), cols


def conv_backward(dout, x, w, cols):
    F, C, k, _ = w.shape
    d = dout.transpose(0, 2, 3, 1).reshape(-1, F)
    db = d.sum(axis=0)
    dw = (d.T @ cols).reshape(w.shape)
    dcols = d @ w.reshape(F, -1)
    return col2im(dcols, x.shape, k), dw, db


def model(p, x):
    a1, cols1 = conv_forward(x, p["w1"], p["b1"])
    h1 = np.maximum(a1, 0)
    a2, cols2 = conv_forward(h1, p["w2"], p["b2"])
    pooled = a2.mean(axis=(2, 3))
    return a1, cols1, h1, a2, cols2, pooled, pooled @ p["w3"]


def loss(p, x, y):
    scores = model(p, x)[-1]
    shifted = scores - scores.max(axis=1, keepdims=True)
    return np.mean(np.log(np.exp(shifted).sum(axis=1)) - shifted[np.arange(len(y)), y])


def gradients(p, x, y):
    a1, cols1, h1, a2, cols2, pooled, scores = model(p, x)
    e = np.exp(scores - scores.max(axis=1, keepdims=True))
    dscores = e / e.sum(axis=1, keepdims=True)
    dscores[np.arange(len(y)), y] -= 1
    dscores /= len(y)
    dw3 = pooled.T @ dscores
    dpooled = dscores @ p["w3"].T
    size = a2.shape[2] * a2.shape[3]
    da2 = np.ones(a2.shape) * dpooled[:, :, None, None] / size
    dh1, dw2, db2 = conv_backward(da2, h1, p["w2"], cols2)
    da1 = dh1 * (a1 > 0)
    _, dw1, db1 = conv_backward(da1, x, p["w1"], cols1)
    return {"w1": dw1, "b1": db1, "w2": dw2, "b2": db2, "w3": dw3}


def problem(rng, n=3, c=2, size=5, f=3, k=2, classes=3):
    p = {
        "w1": rng.normal(size=(f, c, k, k)) * 0.5,
        "b1": rng.normal(size=f) * 0.2,
        "w2": rng.normal(size=(f + 1, f, k, k)) * 0.5,
        "b2": rng.normal(size=f + 1) * 0.2,
        "w3": rng.normal(size=(f + 1, classes)),
    }
    return p, rng.normal(size=(n, c, size, size)), rng.integers(0, classes, n)


RUNS = {"net": Run("loss", "gradients", problem, {"n": 8, "size": 10, "f": 5, "classes": 5})}


def wrong(style, right, bad, said, *also):
    return Wrong(style, right, bad, said, "net", also)


WRONG = [
    wrong("col2im", "] += cols", "] = cols", r"\+=|overlap|accumul|overwrit|add|term"),
    wrong(
        "conv_backward",
        "dout.transpose(0, 2, 3, 1).reshape(-1, F)",
        "dout.reshape(-1, F)",
        r"transpose|order|axes",
    ),
    wrong("conv_backward", "d.sum(axis=0)", "d.mean(axis=0)", r"mean|sum|average"),
    wrong(
        "conv_backward",
        "dcols = d @ w.reshape(F, -1)",
        "dcols = d @ w[:, :, ::-1, ::-1].reshape(F, -1)",
        r"flip|revers|slice|wrong way|::",
    ),
    wrong(
        "gradients", "[:, :, None, None] / size", "[:, :, None, None]", r"size|divid|average|mean"
    ),
    wrong(
        "gradients",
        "[:, :, None, None] / size",
        "[:, :, None, None] / a2.shape[2]",
        r"size|divid|shape",
    ),
    wrong(
        "gradients", "da1 = dh1 * (a1 > 0)", "da1 = dh1", r"relu|a1|derivative|slope|mask|missing"
    ),
    wrong(
        "gradients",
        "da1 = dh1 * (a1 > 0)",
        "da1 = np.maximum(dh1, 0)",
        r"relu|a1|derivative|slope|mask",
    ),
    wrong(
        "gradients", "    dscores /= len(y)\n", "", r"average|divid|len|number", "dscores[np.arange"
    ),
    wrong(
        "col2im",
        ".transpose(0, 3, 4, 5, 1, 2)",
        ".transpose(0, 3, 5, 4, 1, 2)",
        r"transpose|order|axes",
    ),
]
