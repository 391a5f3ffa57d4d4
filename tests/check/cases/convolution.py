"""Two small convolutions with ReLU, max pooling, a dense layer, softmax, cross-entropy."""

import numpy as np
from tests.check.collection import Wrong


def problem(rng):
    pattern = np.array([[[0.9, -0.6], [-0.5, 0.7]], [[-0.7, 0.5], [0.9, -0.4]]])
    params = {
        "K1": rng.normal(size=(2, 2)) * 0.8,
        "c1": rng.normal(size=1) * 0.1 + 0.3,
        "K2": pattern + rng.normal(size=(2, 2, 2)) * 0.2,  # two filters
        "c2": rng.normal(size=2) * 0.1 - 0.4,
        "W": rng.normal(size=(8, 3)) * 0.6,
        "b": rng.normal(size=3) * 0.2,
    }
    images = rng.normal(size=(6, 6, 6))
    labels = rng.integers(0, 3, 6)
    return params, images, labels


def softmax(s):
    e = np.exp(s - s.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)


def loss(params, images, labels):
    n = len(images)
    K1, K2 = params["K1"], params["K2"]
    z1 = params["c1"]
    for i in range(2):
        for j in range(2):
            z1 = z1 + K1[i, j] * images[:, i : i + 5, j : j + 5]
    h1 = np.maximum(z1, 0)
    maps = []
    for f in range(2):
        z2 = params["c2"][f]
        for i in range(2):
            for j in range(2):
                z2 = z2 + K2[f, i, j] * h1[:, i : i + 4, j : j + 4]
        maps.append(z2)
    h2 = np.maximum(np.stack(maps, axis=1), 0)
    pooled = h2.reshape(n, 2, 2, 2, 2, 2).max(axis=(3, 5))
    p = softmax(pooled.reshape(n, -1) @ params["W"] + params["b"])
    return -np.mean(np.log(p[np.arange(n), labels]))


def pixels(params, images, labels):
    """Pixel by pixel, image by image."""
    K1, K2, W = params["K1"], params["K2"], params["W"]
    dK1, dc1 = np.zeros((2, 2)), np.zeros(1)
    dK2, dc2 = np.zeros((2, 2, 2)), np.zeros(2)
    dW, db = np.zeros((8, 3)), np.zeros(3)
    for image, label in zip(images, labels, strict=True):
        # forward
        z1 = np.zeros((5, 5))
        for r in range(5):
            for c in range(5):
                z1[r, c] = np.sum(image[r : r + 2, c : c + 2] * K1) + params["c1"][0]
        h1 = np.maximum(z1, 0)
        z2 = np.zeros((2, 4, 4))
        for f in range(2):
            for r in range(4):
                for c in range(4):
                    z2[f, r, c] = np.sum(h1[r : r + 2, c : c + 2] * K2[f]) + params["c2"][f]
        h2 = np.maximum(z2, 0)
        pool = np.zeros((2, 2, 2))
        where = {}
        for f in range(2):
            for r in range(2):
                for c in range(2):
                    window = h2[f, 2 * r : 2 * r + 2, 2 * c : 2 * c + 2]
                    k, m = np.unravel_index(np.argmax(window), window.shape)
                    pool[f, r, c] = window[k, m]
                    where[f, r, c] = (2 * r + k, 2 * c + m)
        flat = pool.ravel()
        q = softmax((flat @ W + params["b"])[None])[0]
        # backward
        ds = q.copy()
        ds[label] -= 1
        ds /= len(images)
        dW += np.outer(flat, ds)
        db += ds
        dpool = (W @ ds).reshape(2, 2, 2)
        dh2 = np.zeros((2, 4, 4))
        for (f, r, c), (k, m) in where.items():
            dh2[f, k, m] += dpool[f, r, c]
        dz2 = dh2 * (z2 > 0)
        dh1 = np.zeros((5, 5))
        for f in range(2):
            for r in range(4):
                for c in range(4):
                    dK2[f] += dz2[f, r, c] * h1[r : r + 2, c : c + 2]
                    dc2[f] += dz2[f, r, c]
                    dh1[r : r + 2, c : c + 2] += dz2[f, r, c] * K2[f]
        dz1 = dh1 * (z1 > 0)
        for r in range(5):
            for c in range(5):
                dK1 += dz1[r, c] * image[r : r + 2, c : c + 2]
        dc1 += dz1.sum()
    return {"K1": dK1, "c1": dc1, "K2": dK2, "c2": dc2, "W": dW, "b": db}


def im2col(x, size):
    """One row for each window of the images, n * out * out rows."""
    n, height, width = x.shape
    rows = []
    for k in range(n):
        for r in range(height - size + 1):
            for c in range(width - size + 1):
                rows.append(x[k, r : r + size, c : c + size].reshape(-1))
    return np.array(rows)


def col2im(cols, shape, size):
    n, height, width = shape
    x = np.zeros(shape)
    row = 0
    for k in range(n):
        for r in range(height - size + 1):
            for c in range(width - size + 1):
                x[k, r : r + size, c : c + size] += cols[row].reshape(size, size)
                row += 1
    return x


def matrices(params, images, labels):
    """The convolutions are matrix products of im2col."""
    n = images.shape[0]
    F2 = params["K2"].reshape(2, 4)
    cols1 = im2col(images, 2)
    out1 = cols1 @ params["K1"].ravel() + params["c1"]
    a1 = np.maximum(0, out1)
    cols2 = im2col(a1.reshape(n, 5, 5), 2)
    out2 = cols2 @ F2.T + params["c2"]
    a2 = np.maximum(0, out2).reshape(n, 4, 4, 2).transpose(0, 3, 1, 2)
    windows = a2.reshape(n, 2, 2, 2, 2, 2).transpose(0, 1, 2, 4, 3, 5).reshape(n, 8, 4)
    best = windows.argmax(axis=2)
    features = np.take_along_axis(windows, best[:, :, None], axis=2)[:, :, 0]
    prob = softmax(features @ params["W"] + params["b"])

    dscore = (prob - np.eye(3)[labels]) / n
    dfeatures = dscore @ params["W"].T
    dwindows = np.zeros((n, 8, 4))
    np.put_along_axis(dwindows, best[:, :, None], dfeatures[:, :, None], axis=2)
    da2 = dwindows.reshape(n, 2, 2, 2, 2, 2).transpose(0, 1, 2, 4, 3, 5).reshape(n, 2, 4, 4)
    dout2 = da2.transpose(0, 2, 3, 1).reshape(-1, 2) * (out2 > 0)
    dF2 = dout2.T @ cols2
    dcols2 = dout2 @ F2
    da1 = col2im(dcols2, (n, 5, 5), 2)
    dout1 = da1.ravel() * (out1 > 0)
    return {
        "K1": (cols1.T @ dout1).reshape(2, 2),
        "c1": np.array([dout1.sum()]),
        "K2": dF2.reshape(2, 2, 2),
        "c2": dout2.sum(axis=0),
        "W": features.T @ dscore,
        "b": dscore.sum(axis=0),
    }


def correlate(x, k):
    """Valid cross-correlation of the last two axes of x with the kernel k."""
    height = x.shape[1] - k.shape[0] + 1
    width = x.shape[2] - k.shape[1] + 1
    out = np.zeros((len(x), height, width))
    for i in range(k.shape[0]):
        for j in range(k.shape[1]):
            out += k[i, j] * x[:, i : i + height, j : j + width]
    return out


def full(x, k):
    """Full convolution: padded, with the kernel turned by 180 degrees."""
    p, q = k.shape[0] - 1, k.shape[1] - 1
    return correlate(np.pad(x, ((0, 0), (p, p), (q, q))), k[::-1, ::-1])


def shifted(params, images, labels):
    """Kernels in loops, images and pixels at once; the maximum by comparing."""
    n = len(images)
    K1, c1, K2, c2, W, b = params.values()
    z1 = correlate(images, K1) + c1
    h1 = z1 * (z1 > 0)
    z2 = np.stack([correlate(h1, K2[f]) + c2[f] for f in range(2)], axis=1)
    h2 = np.maximum(z2, 0)
    blocks = h2.reshape(n, 2, 2, 2, 2, 2)
    top = blocks.max(axis=(3, 5), keepdims=True)
    v = top.reshape(n, 8)
    q = softmax(v @ W + b)
    q[np.arange(n), labels] -= 1.0
    g = q / n
    gW, gb = v.T @ g, g.sum(0)
    gv = (g @ W.T).reshape(top.shape)
    # where all of a window is zero the derivative of ReLU stops what passes
    gh2 = (gv * (blocks == top)).reshape(h2.shape)
    gz2 = gh2 * (z2 > 0)
    gc2 = gz2.sum(axis=(0, 2, 3))
    gK2 = np.zeros_like(K2)
    gh1 = np.zeros_like(h1)
    for f in range(2):
        for i in range(2):
            for j in range(2):
                gK2[f, i, j] = np.sum(gz2[:, f] * h1[:, i : i + 4, j : j + 4])
        gh1 += full(gz2[:, f], K2[f])
    gz1 = np.where(z1 > 0, gh1, 0)
    gK1 = np.array(
        [[np.sum(gz1 * images[:, i : i + 5, j : j + 5]) for j in range(2)] for i in range(2)]
    )
    return dict(zip(params, (gK1, gz1.sum(keepdims=True).ravel(), gK2, gc2, gW, gb), strict=True))


def views(params, images, labels):
    """Windows as views, products as einsum."""
    n = len(images)
    wins1 = np.lib.stride_tricks.sliding_window_view(images, (2, 2), axis=(1, 2))
    pre1 = np.einsum("nrcij,ij->nrc", wins1, params["K1"]) + params["c1"]
    act1 = np.maximum(pre1, 0)
    wins2 = np.lib.stride_tricks.sliding_window_view(act1, (2, 2), axis=(1, 2))
    pre2 = np.einsum("nrcij,fij->nfrc", wins2, params["K2"]) + params["c2"][:, None, None]
    act2 = np.maximum(pre2, 0)
    pooled = np.zeros((n, 2, 2, 2))
    mask = np.zeros_like(act2)
    for r in range(0, 4, 2):
        for c in range(0, 4, 2):
            part = act2[:, :, r : r + 2, c : c + 2]
            biggest = part.max(axis=(2, 3), keepdims=True)
            pooled[:, :, r // 2, c // 2] = biggest[:, :, 0, 0]
            mask[:, :, r : r + 2, c : c + 2] = part == biggest
    vec = pooled.reshape(n, -1)
    delta = softmax(vec @ params["W"] + params["b"])
    delta[np.arange(n), labels] -= 1
    delta /= n
    up = (delta @ params["W"].T).reshape(n, 2, 2, 2).repeat(2, axis=2).repeat(2, axis=3)
    delta2 = up * mask * (pre2 > 0)
    padded = np.pad(delta2, ((0, 0), (0, 0), (1, 1), (1, 1)))
    back = np.lib.stride_tricks.sliding_window_view(padded, (2, 2), axis=(2, 3))
    turned = params["K2"][:, ::-1, ::-1]
    delta1 = np.einsum("nfrcij,fij->nrc", back, turned) * (pre1 > 0)
    grads = {}
    grads["W"] = np.einsum("nk,nc->kc", vec, delta)
    grads["b"] = delta.sum(axis=0)
    grads["K2"] = np.einsum("nfrc,nrcij->fij", delta2, wins2)
    grads["c2"] = np.einsum("nfrc->f", delta2)
    grads["K1"] = np.einsum("nrc,nrcij->ij", delta1, wins1)
    grads["c1"] = delta1.sum().reshape(1)
    return grads


WRONG = [
    Wrong("pixels", "        ds /= len(images)\n", "", "average|mean|divide"),
    Wrong("pixels", "ds[label] -= 1", "ds[label] += 1", "sign|minus|negat|subtract|-= 1|label"),
    Wrong(
        "pixels",
        "dW += np.outer(flat, ds)",
        "dW = np.outer(flat, ds)",
        r"\+=|accumul|overwrit|last|add",
    ),
    Wrong("pixels", "dz2 = dh2 * (z2 > 0)", "dz2 = dh2", "derivative|mask|slope|relu"),
    Wrong(
        "pixels",
        "dh1[r : r + 2, c : c + 2] += dz2",
        "dh1[r : r + 2, c : c + 2] = dz2",
        r"\+=|accumul|overwrit|overlap|add",
    ),
    Wrong(
        "pixels",
        "dz2[f, r, c] * K2[f]",
        "dz2[f, r, c] * K2[f][::-1, ::-1]",
        "flip|turn|revers|rotat|180|kernel",
    ),
    Wrong("pixels", "dz2[f, r, c] * K2[f]", "dz2[f, r, c] * K2[f].T", r"transpose|\.T"),
    Wrong("pixels", "dz2[f, r, c] * K2[f]", "dz2[f, r, c] * K2[0]", r"filter|K2\[f\]|index|kernel"),
    Wrong(
        "pixels",
        "dz1 = dh1 * (z1 > 0)",
        "dz1 = dh1 * (z1 < 0)",
        "derivative|mask|slope|relu|<|compar",
    ),
    Wrong("pixels", "dc1 += dz1.sum()", "dc1 += dz1.mean()", "mean|sum|average"),
    Wrong(
        "pixels",
        "dK1 += dz1[r, c] * image[r : r + 2, c : c + 2]",
        "dK1 += dh1[r, c] * image[r : r + 2, c : c + 2]",
        "derivative|mask|slope|dz1|dh1|relu",
    ),
    Wrong(
        "pixels",
        "dh2[f, k, m] += dpool[f, r, c]",
        "dh2[f, 2 * r, 2 * c] += dpool[f, r, c]",
        "pool|argmax|maxim|index|position|corner",
    ),
    Wrong(
        "pixels",
        "for r in range(4):\n                for c in range(4):\n                    dK2",
        "for r in range(3):\n                for c in range(4):\n                    dK2",
        "range|off by one|row|last|loop|pixel",
    ),
    Wrong(
        "pixels",
        ("        dc1 += dz1.sum()\n", "dz2 = dh2 * (z2 > 0)"),
        ("    dc1 += dz1.sum()\n", "dz2 = dh2 * (dh2 > 0)"),
        ("indent|last|loop|accumul|sum|all|image", "derivative|mask|slope|relu|z2"),
    ),
    Wrong(
        "col2im", "+= cols[row]", "= cols[row]", r"\+=|accumul|overwrit|overlap|add", run="matrices"
    ),
    Wrong(
        "col2im",
        "cols[row].reshape(size, size)",
        "cols[row].reshape(size, size).T",
        r"transpose|\.T",
        run="matrices",
    ),
    Wrong(
        "col2im",
        "cols[row].reshape(size, size)",
        "cols[row][::-1].reshape(size, size)",
        "flip|turn|revers|order|180",
        run="matrices",
    ),
    Wrong("matrices", "np.eye(3)[labels]) / n", "np.eye(3)[labels])", "average|mean|divide"),
    Wrong(
        "matrices",
        "dcols2 = dout2 @ F2",
        "dcols2 = dout2 @ F2[:, ::-1]",
        "flip|revers|turn|180|order",
    ),
    Wrong(
        "matrices",
        "dout1 = da1.ravel() * (out1 > 0)",
        "dout1 = da1.ravel() * out1",
        r"derivative|mask|slope|> ?0|relu",
    ),
    Wrong(
        "matrices",
        "dout1 = da1.ravel() * (out1 > 0)",
        "dout1 = da1.ravel()",
        "derivative|mask|slope|relu",
    ),
    Wrong("matrices", '"c2": dout2.sum(axis=0)', '"c2": dout2.sum(axis=1)', "axis|sum"),
    Wrong(
        "matrices",
        ".reshape(-1, 2) * (out2 > 0)",
        ".reshape(-1, 2) * (out2 >= 0) * 2",
        r"factor|\b2\b|twice|double",
    ),
    Wrong(
        "matrices",
        '"W": features.T @ dscore',
        '"W": dscore.T @ features',
        r"transpose|\.T|order|swap",
    ),
    Wrong(
        "matrices",
        "da2.transpose(0, 2, 3, 1).reshape(-1, 2)",
        "da2.reshape(-1, 2)",
        "transpose|axis|axes|reshape|order",
    ),
    Wrong(
        "matrices",
        '"c1": np.array([dout1.sum()])',
        '"c1": np.array([da1.sum()])',
        "derivative|mask|dout1|da1|slope|relu",
    ),
    Wrong(
        "matrices",
        "dF2 = dout2.T @ cols2",
        "dF2 = dout2.T @ cols2 / 16",
        r"average|mean|divi|factor|16|pixel|position",
    ),
    Wrong("full", "k[::-1, ::-1]", "k", "flip|turn|revers|rotat|180|convol", run="shifted"),
    Wrong(
        "full", "k[::-1, ::-1]", "k[::-1]", "flip|turn|revers|rotat|180|axis|convol", run="shifted"
    ),
    Wrong("shifted", "gv * (blocks == top)", "gv * np.ones_like(blocks)", "pool|mask|max|where"),
    Wrong(
        "shifted",
        "gv * (blocks == top)",
        "gv * np.ones_like(blocks) / 4",
        "pool|mask|max|average|where",
    ),
    Wrong("shifted", "gh1 += full", "gh1 = full", r"\+=|accumul|overwrit|filter|add"),
    Wrong(
        "shifted",
        "np.where(z1 > 0, gh1, 0)",
        "np.where(gh1 > 0, gh1, 0)",
        r"z1|gh1|mask|derivative|pre-activation",
    ),
    Wrong("shifted", "g = q / n\n", "g = q / 3\n", r"average|mean|divide|\bn\b|factor"),
    Wrong("shifted", "gz2.sum(axis=(0, 2, 3))", "gz2.sum(axis=(2, 3))", "axis|sum|batch|sample"),
    Wrong(
        "shifted", "gz2.sum(axis=(0, 2, 3))", "gz2.sum(axis=0)[:, 0, 0]", "axis|sum|pixel|position"
    ),
    Wrong("shifted", "gz2[:, f] * h1[:, i", "gz2[:, f] * z1[:, i", "h1|z1|activation"),
    Wrong(
        "shifted",
        "gz2[:, f] * h1[:, i : i + 4, j : j + 4]",
        "gz2[:, f] * h1[:, j : j + 4, i : i + 4]",
        "transpose|swap|order|index|axes",
    ),
    Wrong("views", "    delta /= n\n", "    delta /= n * n\n", "average|mean|divide|twice"),
    Wrong(
        "views",
        'turned = params["K2"][:, ::-1, ::-1]',
        'turned = params["K2"]',
        "flip|turn|revers|rotat|180",
    ),
    Wrong("views", "up * mask * (pre2 > 0)", "up * (pre2 > 0)", "pool|mask|max"),
    Wrong("views", "turned) * (pre1 > 0)", "turned)", "derivative|mask|slope|relu"),
    Wrong(
        "views",
        '"nfrc,nrcij->fij", delta2, wins2',
        '"nfrc,nrcij->fji", delta2, wins2',
        "transpose|einsum|swap|index|order",
    ),
    Wrong(
        "views",
        'np.einsum("nrc,nrcij->ij", delta1, wins1)',
        'np.einsum("nrc,nrcij->ij", delta1, wins1) / n',
        "average|mean|divi|twice",
    ),
    Wrong(
        "views",
        ('grads["b"] = delta.sum(axis=0)', "turned) * (pre1 > 0)"),
        ('grads["b"] = delta.mean(axis=0)', "turned) * (pre1 > 0) * act1"),
        ("average|mean|sum|divi", "act1|derivative|mask|slope|relu"),
    ),
    Wrong(
        "shifted",
        ("np.where(z1 > 0, gh1, 0)", "g = q / n\n"),
        ("gh1.copy()", "g = q\n"),
        ("derivative|mask|slope|relu", "average|mean|divide"),
    ),
    Wrong(
        "matrices",
        ('"c2": dout2.sum(axis=0)', "dout1 = da1.ravel() * (out1 > 0)"),
        ('"c2": dout2.mean(axis=0)', "dout1 = da1.ravel()"),
        ("mean|sum|average|divi", "derivative|mask|slope|relu"),
    ),
]
