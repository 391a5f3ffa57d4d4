"""Convolutions entry by entry, by columns, and the padding filled by hand."""

import numpy as np

from tests.programs.program import Program


def problem(rng):
    params = {"w": rng.normal(size=(3, 2, 3, 3)) * 0.4, "b": rng.normal(size=3)}
    return params, rng.normal(size=(2, 2, 2, 4)), rng.normal(size=(2, 3, 2, 4))


def padded(x, pad):
    N, C, H, W = x.shape
    x_pad = np.zeros((N, C, H + 2 * pad, W + 2 * pad))
    x_pad[:, :, pad : pad + H, pad : pad + W] = x
    return x_pad


def conv_forward(x, w, b, pad=1):
    N, _, H, W = x.shape
    F, _, HH, WW = w.shape
    x_pad = padded(x, pad)
    out = np.zeros((N, F, H + 2 * pad - HH + 1, W + 2 * pad - WW + 1))
    for n in range(N):
        for f in range(F):
            for i in range(out.shape[2]):
                for j in range(out.shape[3]):
                    window = x_pad[n, :, i : i + HH, j : j + WW]
                    out[n, f, i, j] = np.sum(window * w[f]) + b[f]
    return out, (x_pad, w, pad)


def conv_backward(dout, cache):
    x_pad, w, _ = cache
    dw, db = np.zeros_like(w), np.zeros(len(w))
    for n in range(dout.shape[0]):
        for f in range(dout.shape[1]):
            for i in range(dout.shape[2]):
                for j in range(dout.shape[3]):
                    window = x_pad[n, :, i : i + w.shape[2], j : j + w.shape[3]]
                    dw[f] += window * dout[n, f, i, j]
                    db[f] += dout[n, f, i, j]
    return dw, db


def loops_loss(params, x, dout):
    out, _ = conv_forward(x, params["w"], params["b"])
    return np.sum(out * dout)


def loops_gradients(params, x, dout):
    _, cache = conv_forward(x, params["w"], params["b"])
    dw, db = conv_backward(dout, cache)
    return {"w": dw, "b": db}


def im2col(x, size):
    N, C, H, W = x.shape
    out_h, out_w = H - size + 1, W - size + 1
    cols = np.empty((N * out_h * out_w, C * size * size))
    row = 0
    for n in range(N):
        for i in range(out_h):
            for j in range(out_w):
                cols[row] = x[n, :, i : i + size, j : j + size].ravel()
                row += 1
    return cols


def col2im(cols, shape, size):
    N, C, H, W = shape
    x = np.zeros(shape)
    row = 0
    for n in range(N):
        for i in range(H - size + 1):
            for j in range(W - size + 1):
                x[n, :, i : i + size, j : j + size] += cols[row].reshape(C, size, size)
                row += 1
    return x


def columns_loss(x, w, t):
    scores = im2col(x, 3).dot(w)
    hidden = np.tanh(scores)
    return 0.5 * np.sum((hidden - t) ** 2)


def columns_gradients(x, w, t):
    hidden = np.tanh(im2col(x, 3).dot(w))
    dcols = ((hidden - t) * (1 - hidden**2)).dot(w.T)
    return col2im(dcols, x.shape, 3)


def columns_problem(rng):
    return rng.normal(size=(2, 2, 4, 4)), rng.normal(size=(18, 3)) * 0.3, rng.normal(size=(8, 3))


def pool_forward(x, size=2):
    N, C, H, W = x.shape
    out = np.zeros((N, C, H // size, W // size))
    for i in range(H // size):
        for j in range(W // size):
            window = x[:, :, i * size : (i + 1) * size, j * size : (j + 1) * size]
            out[:, :, i, j] = np.max(window, axis=(2, 3))
    return out


def pool_backward(dout, x, size=2):
    dx = np.zeros_like(x)
    N, C, H, W = dout.shape
    for n in range(N):
        for c in range(C):
            for i in range(H):
                for j in range(W):
                    rows, cols = slice(i * size, (i + 1) * size), slice(j * size, (j + 1) * size)
                    window = x[n, c, rows, cols]
                    dx[n, c, rows, cols] = (window == window.max()) * dout[n, c, i, j]
    return dx


def pool_loss(x, dout):
    return np.sum(pool_forward(x) * dout)


def pool_gradients(x, dout):
    return pool_backward(dout, x)


def pool_problem(rng):
    return rng.normal(size=(2, 2, 4, 6)), rng.normal(size=(2, 2, 2, 3))


def average_loss(x, dout):
    """Pooling by the average of each window, the windows added into the place."""
    out = np.zeros(dout.shape)
    for i in range(2):
        for j in range(2):
            out += x[:, :, i::2, j::2] / 4
    return (out * dout).sum()


def average_gradients(x, dout):
    dx = np.empty(x.shape)
    for i in range(2):
        for j in range(2):
            dx[:, :, i::2, j::2] = dout / 4
    return dx


PROGRAMS = {
    "loops": Program(loops_loss, loops_gradients, problem),
    "columns": Program(columns_loss, columns_gradients, columns_problem),
    "largest of a window": Program(pool_loss, pool_gradients, pool_problem),
    "average of a window": Program(average_loss, average_gradients, pool_problem),
}
