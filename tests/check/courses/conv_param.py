"""Convolution with stride and padding, batch norm over places, pooling by argmax."""

import numpy as np
from tests.check.collection import Run, Wrong


def conv_forward(x, w, b, conv_param):
    stride, pad = conv_param["stride"], conv_param["pad"]
    N, C, H, W = x.shape
    F, _, HH, WW = w.shape
    x_pad = np.pad(x, ((0, 0), (0, 0), (pad, pad), (pad, pad)))
    H_out = (H + 2 * pad - HH) // stride + 1
    W_out = (W + 2 * pad - WW) // stride + 1
    out = np.zeros((N, F, H_out, W_out))
    w_row = w.reshape(F, -1)
    for i in range(H_out):
        for j in range(W_out):
            h0, w0 = i * stride, j * stride
            patch = x_pad[:, :, h0 : h0 + HH, w0 : w0 + WW].reshape(N, -1)
            out[:, :, i, j] = patch @ w_row.T + b
    return out, (x, w, conv_param)


def conv_backward(dout, cache):
    x, w, conv_param = cache
    stride, pad = conv_param["stride"], conv_param["pad"]
    F, C, HH, WW = w.shape
    N, _, H, W = x.shape
    _, _, H_out, W_out = dout.shape
    x_pad = np.pad(x, ((0, 0), (0, 0), (pad, pad), (pad, pad)))
    dx_pad = np.zeros(x_pad.shape)
    dw_row = np.zeros((F, C * HH * WW))
    w_row = w.reshape(F, -1)
    for i in range(H_out):
        for j in range(W_out):
            h0, w0 = i * stride, j * stride
            patch = x_pad[:, :, h0 : h0 + HH, w0 : w0 + WW].reshape(N, -1)
            d = dout[:, :, i, j]
            dw_row += d.T @ patch
            dpatch = (d @ w_row).reshape(N, C, HH, WW)
            dx_pad[:, :, h0 : h0 + HH, w0 : w0 + WW] += dpatch
    dx = dx_pad[:, :, pad : pad + H, pad : pad + W]
    db = dout.sum(axis=(0, 2, 3))
    return dx, dw_row.reshape(w.shape), db


def spatial_batchnorm_forward(x, gamma, beta, eps=1e-5):
    N, C, H, W = x.shape
    flat = x.transpose(0, 2, 3, 1).reshape(-1, C)
    mu = flat.mean(axis=0)
    var = flat.var(axis=0)
    xhat = (flat - mu) / np.sqrt(var + eps)
    out = gamma * xhat + beta
    return out.reshape(N, H, W, C).transpose(0, 3, 1, 2), (xhat, gamma, var + eps)


def spatial_batchnorm_backward(dout, cache):
    xhat, gamma, v = cache
    N, C, H, W = dout.shape
    M = N * H * W
    d = dout.transpose(0, 2, 3, 1).reshape(M, C)
    dbeta = d.sum(axis=0)
    dgamma = np.sum(d * xhat, axis=0)
    dx = gamma / (M * np.sqrt(v)) * (M * d - dbeta - xhat * dgamma)
    return dx.reshape(N, H, W, C).transpose(0, 3, 1, 2), dgamma, dbeta


def pool_forward(x, size):
    N, C, H, W = x.shape
    out = np.zeros((N, C, H // size, W // size))
    where = np.zeros(out.shape, dtype=int)
    for i in range(H // size):
        for j in range(W // size):
            window = x[:, :, i * size : (i + 1) * size, j * size : (j + 1) * size].reshape(N, C, -1)
            out[:, :, i, j] = window.max(axis=2)
            where[:, :, i, j] = window.argmax(axis=2)
    return out, (x.shape, size, where)


def pool_backward(dout, cache):
    shape, size, where = cache
    dx = np.zeros(shape)
    N, C, H_out, W_out = dout.shape
    for n in range(N):
        for c in range(C):
            for i in range(H_out):
                for j in range(W_out):
                    r, s = np.unravel_index(where[n, c, i, j], (size, size))
                    dx[n, c, i * size + r, j * size + s] = dout[n, c, i, j]
    return dx


def model(params, x, y):
    a, conv_cache = conv_forward(x, params["W1"], params["b1"], {"stride": 1, "pad": 1})
    bn, bn_cache = spatial_batchnorm_forward(a, params["gamma"], params["beta"])
    r = np.maximum(bn, 0)
    p, pool_cache = pool_forward(r, 2)
    q, conv2_cache = conv_forward(p, params["W2"], params["b2"], {"stride": 2, "pad": 1})
    flat = q.reshape(len(x), -1)
    scores = flat @ params["W3"]
    shifted = scores - scores.max(axis=1, keepdims=True)
    log_probs = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    N = len(y)
    loss = -log_probs[np.arange(N), y].mean()

    grads = {}
    dscores = np.exp(log_probs)
    dscores[np.arange(N), y] -= 1
    dscores /= N
    grads["W3"] = flat.T @ dscores
    dq = (dscores @ params["W3"].T).reshape(q.shape)
    dp, grads["W2"], grads["b2"] = conv_backward(dq, conv2_cache)
    dr = pool_backward(dp, pool_cache)
    dbn = dr * (bn > 0)
    da, grads["gamma"], grads["beta"] = spatial_batchnorm_backward(dbn, bn_cache)
    _, grads["W1"], grads["b1"] = conv_backward(da, conv_cache)
    return loss, {name: grads[name] for name in params}


def loss(params, x, y):
    return model(params, x, y)[0]


def gradients(params, x, y):
    return model(params, x, y)[1]


def problem(rng, n=3, size=6, f=2, k=3):
    out = size // 4 + (1 if size % 4 else 0)
    params = {
        "W1": rng.normal(size=(f, 1, 3, 3)) * 0.5,
        "b1": rng.normal(size=f) * 0.2,
        "gamma": 1 + 0.3 * rng.normal(size=f),
        "beta": 0.3 * rng.normal(size=f),
        "W2": rng.normal(size=(f, f, 3, 3)) * 0.5,
        "b2": rng.normal(size=f) * 0.2,
        "W3": rng.normal(size=(f * out * out, k)),
    }
    return params, rng.normal(size=(n, 1, size, size)), rng.integers(0, k, n)


RUNS = {"net": Run("loss", "gradients", problem, {"n": 8, "size": 8, "f": 3})}


def wrong(style, right, mistaken, said, *also):
    return Wrong(style, right, mistaken, said, "net", also)


def conv(right, mistaken, said, *also):
    return wrong("conv_backward", right, mistaken, said, *also)


def norm(right, mistaken, said, *also):
    return wrong("spatial_batchnorm_backward", right, mistaken, said, *also)


PAD = r"pad|slice|crop|border|shift|off"
WRONG = [
    conv("dx_pad[:, :, pad : pad + H, pad : pad + W]", "dx_pad[:, :, :H, :W]", PAD),
    conv("h0, w0 = i * stride, j * stride", "h0, w0 = i, j", r"stride"),
    conv(
        "dx_pad[:, :, h0 : h0 + HH, w0 : w0 + WW] += dpatch",
        "dx_pad[:, :, h0 : h0 + HH, w0 : w0 + WW] = dpatch",
        r"\+=|accumul|overwrit|add|sum|term|left out",
    ),
    conv(
        "dw_row += d.T @ patch",
        "dw_row = d.T @ patch",
        r"\+=|accumul|overwrit|add|sum|last|term|left out",
    ),
    conv("dout.sum(axis=(0, 2, 3))", "dout.mean(axis=(0, 2, 3))", r"mean|sum|average"),
    conv(
        "dout.sum(axis=(0, 2, 3))",
        "dout.sum(axis=0)[:, 0, 0]",
        r"\(0, 2, 3\)|places|height|axes|wrong axis",
    ),
    conv(
        "(d @ w_row).reshape(N, C, HH, WW)",
        "(d @ w_row).reshape(N, C, WW, HH).transpose(0, 1, 3, 2)",
        r"transpos|order|axes|swap|reshape",
    ),
    norm("(M * d - dbeta", "(N * d - dbeta", r"\bM\b|\bN\b|number of|average|H \* W|divi|size"),
    norm("M * d - dbeta - xhat * dgamma", "M * d - dbeta", r"variance|path|term|dgamma|left out"),
    norm("M * d - dbeta - xhat * dgamma", "M * d - xhat * dgamma", r"mean|path|term|missing|dbeta"),
    norm("(M * np.sqrt(v))", "(M * v)", r"sqrt|root|power"),
    norm(
        "dgamma = np.sum(d * xhat, axis=0)",
        "dgamma = np.sum(d, axis=0)",
        r"xhat|factor|missing|normal",
    ),
    norm(
        "dout.transpose(0, 2, 3, 1).reshape(M, C)",
        "dout.reshape(M, C)",
        r"transpos|order|axes|reshape|channel",
    ),
    norm("gamma / (M", "1 / (M", r"gamma|scale|factor"),
    wrong(
        "pool_backward",
        "i * size + r, j * size + s",
        "i * size + s, j * size + r",
        r"swap|order|\br\b|\bs\b|row|column|transpos|index",
    ),
    wrong(
        "pool_backward",
        "(size, size))",
        '(size, size), order="F")',
        r"order|transpos|swap|row|column|unravel",
    ),
    wrong("model", "    dscores /= N\n", "", r"average|divi|mean|\bN\b"),
    wrong(
        "model",
        "dbn = dr * (bn > 0)",
        "dbn = dr * (dr > 0)",
        r"relu|slope|derivative|bn > 0|compar|mask|> 0",
    ),
    Wrong(
        "spatial_batchnorm_backward",
        ("dgamma = np.sum(d * xhat, axis=0)", "gamma / (M"),
        ("dgamma = np.sum(d, axis=0)", "1 / (M"),
        ("xhat|factor|missing|normal", "gamma|scale|factor"),
        "net",
    ),
    Wrong(
        "spatial_batchnorm_backward",
        ("(M * d - dbeta", "dout.transpose(0, 2, 3, 1).reshape(M, C)"),
        ("(N * d - dbeta", "dout.reshape(M, C)"),
        (r"\bM\b|\bN\b|number of|average|H \* W|divi|size", "transpos|order|axes|reshape|channel"),
        "net",
    ),
    Wrong(
        "spatial_batchnorm_backward",
        ("M * d - dbeta - xhat * dgamma", "dout.transpose(0, 2, 3, 1).reshape(M, C)"),
        ("M * d - dbeta", "dout.reshape(M, C)"),
        (r"variance|path|term|dgamma|left out", r"transpos|order|axes|reshape|channel"),
        "net",
    ),
]
