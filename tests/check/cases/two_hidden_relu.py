"""Two hidden ReLU layers, softmax, cross-entropy."""

import numpy as np
from tests.check.collection import Wrong


def problem(rng):
    params = {
        "W1": rng.normal(size=(4, 6)) * 0.6,
        "b1": rng.normal(size=6) * 0.4,
        "W2": rng.normal(size=(6, 6)) * 0.6,
        "b2": rng.normal(size=6) * 0.4,
        "W3": rng.normal(size=(6, 3)) * 0.6,
        "b3": rng.normal(size=3) * 0.4,
    }
    X = rng.normal(size=(12, 4))
    y = rng.integers(0, 3, 12)
    return params, X, y


def relu(z):
    return np.maximum(0, z)


def relu_prime(z):
    return (z > 0).astype(float)


def softmax(z):
    shifted = z - np.max(z, axis=1, keepdims=True)
    return np.exp(shifted) / np.sum(np.exp(shifted), axis=1, keepdims=True)


def loss(params, X, y):
    h1 = relu(X @ params["W1"] + params["b1"])
    h2 = relu(h1 @ params["W2"] + params["b2"])
    p = softmax(h2 @ params["W3"] + params["b3"])
    return -np.sum(np.log(p[np.arange(len(y)), y])) / len(y)


def plain(params, X, y):
    W1, b1 = params["W1"], params["b1"]
    W2, b2 = params["W2"], params["b2"]
    W3, b3 = params["W3"], params["b3"]
    n = len(X)
    z1 = X @ W1 + b1
    h1 = relu(z1)
    z2 = h1 @ W2 + b2
    h2 = relu(z2)
    z3 = h2 @ W3 + b3
    p = softmax(z3)

    d_z3 = p.copy()
    d_z3[np.arange(n), y] -= 1
    d_z3 /= n
    d_W3 = h2.T @ d_z3
    d_b3 = d_z3.sum(axis=0)
    d_h2 = d_z3 @ W3.T
    d_z2 = d_h2 * (z2 > 0)
    d_W2 = h1.T @ d_z2
    d_b2 = d_z2.sum(axis=0)
    d_h1 = d_z2 @ W2.T
    d_z1 = d_h1 * (z1 > 0)
    d_W1 = X.T @ d_z1
    d_b1 = d_z1.sum(axis=0)
    return {"W1": d_W1, "b1": d_b1, "W2": d_W2, "b2": d_b2, "W3": d_W3, "b3": d_b3}


def in_place(params, X, y):
    """As in a well-known course: the gradients of scores and hidden units, zeroed in place."""
    N = X.shape[0]
    hidden1 = np.maximum(0, np.dot(X, params["W1"]) + params["b1"])
    hidden2 = np.maximum(0, np.dot(hidden1, params["W2"]) + params["b2"])
    scores = np.dot(hidden2, params["W3"]) + params["b3"]
    exp_scores = np.exp(scores)
    probs = exp_scores / np.sum(exp_scores, axis=1, keepdims=True)

    grads = {}
    dscores = probs
    dscores[range(N), y] -= 1
    dscores /= N
    grads["W3"] = np.dot(hidden2.T, dscores)
    grads["b3"] = np.sum(dscores, axis=0)
    dhidden = np.dot(dscores, params["W3"].T)
    dhidden[hidden2 <= 0] = 0
    grads["W2"] = np.dot(hidden1.T, dhidden)
    grads["b2"] = np.sum(dhidden, axis=0)
    dhidden = np.dot(dhidden, params["W2"].T)
    dhidden[hidden1 <= 0] = 0
    grads["W1"] = np.dot(X.T, dhidden)
    grads["b1"] = np.sum(dhidden, axis=0)
    return grads


def affine_forward(x, w, b):
    out = x.dot(w) + b
    return out, (x, w, b)


def affine_backward(dout, cache):
    x, w, _ = cache
    dx = dout.dot(w.T)
    dw = x.T.dot(dout)
    db = dout.sum(axis=0)
    return dx, dw, db


def relu_forward(x):
    return np.maximum(0, x), x


def relu_backward(dout, cache):
    return np.where(cache > 0, dout, 0)


def softmax_loss(x, y):
    probs = softmax(x)
    n = x.shape[0]
    value = -np.sum(np.log(probs[np.arange(n), y])) / n
    dx = probs.copy()
    dx[np.arange(n), y] -= 1
    dx /= n
    return value, dx


def modular(params, X, y):
    grads = {}
    a1, fc_cache1 = affine_forward(X, params["W1"], params["b1"])
    r1, relu_cache1 = relu_forward(a1)
    a2, fc_cache2 = affine_forward(r1, params["W2"], params["b2"])
    r2, relu_cache2 = relu_forward(a2)
    scores, fc_cache3 = affine_forward(r2, params["W3"], params["b3"])
    _, dscores = softmax_loss(scores, y)
    dr2, grads["W3"], grads["b3"] = affine_backward(dscores, fc_cache3)
    da2 = relu_backward(dr2, relu_cache2)
    dr1, grads["W2"], grads["b2"] = affine_backward(da2, fc_cache2)
    da1 = relu_backward(dr1, relu_cache1)
    _, grads["W1"], grads["b1"] = affine_backward(da1, fc_cache1)
    return grads


def numbered(params, X, y):
    """A loop over the layers, by the numbers in their names."""
    L = len(params) // 2
    caches = {"A0": X}
    for i in range(1, L + 1):
        caches[f"Z{i}"] = caches[f"A{i - 1}"] @ params[f"W{i}"] + params[f"b{i}"]
        caches[f"A{i}"] = relu(caches[f"Z{i}"]) if i < L else softmax(caches[f"Z{i}"])
    m = X.shape[0]
    Y = np.eye(caches[f"A{L}"].shape[1])[y]
    dZ = caches[f"A{L}"] - Y
    grads = {}
    for i in range(L, 0, -1):
        grads[f"W{i}"] = caches[f"A{i - 1}"].T @ dZ / m
        grads[f"b{i}"] = dZ.sum(axis=0) / m
        if i > 1:
            dA = dZ @ params[f"W{i}"].T
            dZ = dA * relu_prime(caches[f"Z{i - 1}"])
    return grads


def samples(params, X, y):
    W1, b1, W2, b2, W3, b3 = params.values()
    n = len(X)
    out = {k: np.zeros(v.shape) for k, v in params.items()}
    for i in range(n):
        u = W1.T @ X[i] + b1
        a = np.where(u > 0, u, 0)
        v = W2.T @ a + b2
        c = np.where(v > 0, v, 0)
        w = W3.T @ c + b3
        g = np.exp(w) / np.exp(w).sum()
        g[y[i]] -= 1
        g = g / n
        out["W3"] += np.outer(c, g)
        out["b3"] += g
        g = (W3 @ g) * (v > 0)
        out["W2"] += np.outer(a, g)
        out["b2"] += g
        g = (W2 @ g) * (u > 0)
        out["W1"] += np.outer(X[i], g)
        out["b1"] += g
    return out


def masks(params, X, y):
    """Masks that are kept from the forward pass; the average at the end."""
    z1 = X @ params["W1"] + params["b1"]
    mask1 = np.where(z1 > 0, 1.0, 0.0)
    a1 = z1 * mask1
    z2 = a1 @ params["W2"] + params["b2"]
    mask2 = np.where(z2 > 0, 1.0, 0.0)
    a2 = z2 * mask2
    delta3 = softmax(a2 @ params["W3"] + params["b3"]) - (y[:, None] == np.arange(3))
    delta2 = np.einsum("nk,jk->nj", delta3, params["W3"]) * mask2
    delta1 = np.einsum("nk,jk->nj", delta2, params["W2"]) * mask1
    deltas, inputs = [delta1, delta2, delta3], [X, a1, a2]
    grads = {}
    for i, (delta, x) in enumerate(zip(deltas, inputs, strict=True), start=1):
        grads["W" + str(i)] = np.einsum("ni,nj->ij", x, delta) / len(X)
        grads["b" + str(i)] = np.mean(delta, axis=0)
    return grads


WRONG = [
    Wrong("plain", "d_z2 @ W2.T", "d_z2 @ W2", r"transpose|\.T"),
    Wrong(
        "plain", "    d_z1 = d_h1 * (z1 > 0)\n", "    d_z1 = d_h1\n", r"derivative|slope|mask|relu"
    ),
    Wrong("plain", "d_h1 * (z1 > 0)", "d_h1 * (z2 > 0)", r"z1|z2|mask"),
    Wrong("plain", "d_h2 * (z2 > 0)", "d_h2 * (z1 > 0)", r"z1|z2|mask"),
    Wrong("plain", "d_h2 * (z2 > 0)", "d_h2 * h2", r"derivative|slope|mask|relu|> 0"),
    Wrong("plain", "d_h2 * (z2 > 0)", "d_h2 * (z2 < 0)", r"> 0|sign|mask|derivative|relu|opposite"),
    Wrong("plain", "d_h2 * (z2 > 0)", "d_h2 * (d_h2 > 0)", r"z2|d_h2|mask|pre-?activ"),
    Wrong("plain", "d_h1 * (z1 > 0)", "np.maximum(0, d_h1)", r"z1|mask|derivative|relu"),
    Wrong(
        "plain", "d_h1 * (z1 > 0)", "d_h1 * h1 * (1 - h1)", r"sigmoid|derivative|slope|relu|mask"
    ),
    Wrong("plain", "h1.T @ d_z2", "z1.T @ d_z2", r"h1|z1|activation|relu"),
    Wrong("plain", "h1.T @ d_z2", "h2.T @ d_z2", r"h1|h2|input"),
    Wrong("plain", "h1.T @ d_z2", "d_z2.T @ h1", r"transpose|order|operand|swap"),
    Wrong("plain", "d_z2 @ W2.T", "d_h2 @ W2.T", r"d_z2|d_h2|mask|derivative"),
    Wrong("plain", "    d_z3 /= n\n", "", r"average|mean|divi"),
    Wrong(
        "plain",
        '"b1": d_b1, "W2": d_W2, "b2": d_b2',
        '"b1": d_b2, "W2": d_W2, "b2": d_b1',
        r"swap|exchang|d_b1|d_b2",
    ),
    Wrong("plain", "h1 = relu(z1)", "h1 = z1", r"relu|activation|forward|h1|missing"),
    Wrong("plain", "h1 @ W2 + b2", "h1 @ W2 + b1", r"b1|b2|bias"),
    Wrong(
        "plain",
        "d_z1.sum(axis=0)",
        "d_z1.sum(axis=0, keepdims=True)",
        r"shape|keepdims|axis",
    ),
    Wrong("in_place", "    dhidden[hidden2 <= 0] = 0\n", "", r"derivative|slope|mask|relu|hidden2"),
    Wrong("in_place", "dhidden[hidden1 <= 0]", "dhidden[hidden2 <= 0]", r"hidden1|hidden2|mask"),
    Wrong(
        "in_place",
        "dhidden[hidden1 <= 0] = 0",
        "dhidden[hidden1 > 0] = 0",
        r"<= 0|mask|derivative|relu|sign|opposite",
    ),
    Wrong(
        "in_place",
        "dhidden[hidden2 <= 0] = 0",
        "dhidden[dhidden <= 0] = 0",
        r"hidden2|mask|relu|derivative",
    ),
    Wrong(
        "in_place",
        'np.dot(dhidden, params["W2"].T)',
        'np.dot(dhidden, params["W2"])',
        r"transpose|\.T",
    ),
    Wrong(
        "in_place",
        '    dhidden = np.dot(dscores, params["W3"].T)\n',
        '    W3 = params["W3"] - 0.1 * grads["W3"]\n    dhidden = np.dot(dscores, W3.T)\n',
        r"updat|W3|stale|step|0\.1",
    ),
    Wrong("in_place", "    dscores[range(N), y] -= 1\n", "", r"label|one.?hot|target|missing|-= 1"),
    Wrong("in_place", "dscores /= N", "dscores /= N * 3", r"average|mean|divi|factor"),
    Wrong(
        "in_place",
        'grads["b2"] = np.sum(',
        'grads["b2"] = np.mean(',
        r"average|mean|divi|sum",
    ),
    Wrong(
        "affine_backward",
        "dout.dot(w.T)",
        "dout.dot(w.T) / len(x)",
        r"average|mean|divi|twice|extra|len",
        run="modular",
    ),
    Wrong(
        "affine_backward",
        "x.T.dot(dout)",
        "x.T.dot(dout) / len(x)",
        r"average|mean|divi|twice|extra|len",
        run="modular",
    ),
    Wrong(
        "affine_backward",
        "return dx, dw, db",
        "return dx, dw, dout",
        r"sum|axis|db|dout|shape",
        run="modular",
    ),
    Wrong("relu_backward", "cache > 0", "dout > 0", r"cache|dout|mask|input", run="modular"),
    Wrong(
        "relu_backward",
        "np.where(cache > 0, dout, 0)",
        "np.where(cache > 0, 1, 0)",
        r"dout|chain|multipl|missing",
        run="modular",
    ),
    Wrong(
        "relu_backward",
        "np.where(cache > 0, dout, 0)",
        "np.where(cache > 0, dout, 0.01 * dout)",
        r"leaky|slope|derivative|relu|0\.01|\b0\b",
        run="modular",
    ),
    Wrong("softmax_loss", "y] -= 1", "y] += 1", r"sign|minus|negat|subtract|-=", run="modular"),
    Wrong("softmax_loss", "    dx /= n\n", "", r"average|mean|divi", run="modular"),
    Wrong(
        "modular",
        "relu_backward(dr1, relu_cache1)",
        "relu_backward(dr1, relu_cache2)",
        r"cache|relu_cache1|mask",
    ),
    Wrong(
        "modular",
        "    da2 = relu_backward(dr2, relu_cache2)\n",
        "    da2 = dr2\n",
        r"derivative|slope|mask|relu",
    ),
    Wrong(
        "modular",
        "affine_backward(da2, fc_cache2)",
        "affine_backward(dr2, fc_cache2)",
        r"da2|dr2|derivative|mask|relu",
    ),
    Wrong(
        "relu_prime", "z > 0", "z >= 1", r"> 0|>= 1|threshold|derivative|relu|mask", run="numbered"
    ),
    Wrong(
        "relu_prime",
        "(z > 0).astype(float)",
        "np.maximum(0, z)",
        r"derivative|slope|relu|mask|> 0",
        run="numbered",
    ),
    Wrong(
        "numbered",
        'relu_prime(caches[f"Z{i - 1}"])',
        'caches[f"A{i - 1}"]',
        r"derivative|slope|relu|mask",
    ),
    Wrong(
        "numbered",
        'dA = dZ @ params[f"W{i}"].T',
        'dA = dZ @ params[f"W{i}"].T / m',
        r"average|mean|divi|twice|extra",
    ),
    Wrong("numbered", "dZ.sum(axis=0) / m", "dZ.sum(axis=0)", r"average|mean|divi"),
    Wrong(
        "numbered",
        'relu_prime(caches[f"Z{i - 1}"])',
        '(caches[f"Z{i - 1}"] >= 0.5)',
        r"0\.5|threshold|derivative|relu|mask|> 0",
    ),
    Wrong(
        "numbered",
        "if i < L else softmax",
        "if i < L - 1 else softmax",
        r"relu|softmax|L - 1|off by one|layer|activation|forward",
    ),
    Wrong("samples", "(W2 @ g) * (u > 0)", "(W2.T @ g) * (u > 0)", r"transpose|\.T"),
    Wrong("samples", "(W2 @ g) * (u > 0)", "W2 @ g", r"derivative|slope|mask|relu|> 0"),
    Wrong("samples", "(W3 @ g) * (v > 0)", "(W3 @ g) * (u > 0)", r"\bu\b|\bv\b|mask"),
    Wrong("samples", 'out["b2"] += g', 'out["b2"] = g', r"\+=|accumul|last sample|add"),
    Wrong("samples", "range(n)", "range(n - 1)", r"last|range|off by one|sample|left out|skip"),
    Wrong("masks", 'params["W2"]) * mask1', 'params["W2"]) * mask2', r"mask1|mask2"),
    Wrong(
        "masks", '"nk,jk->nj", delta2', '"nk,kj->nj", delta2', r"transpose|\.T|subscript|order|jk"
    ),
    Wrong("masks", "[X, a1, a2]", "[X, z1, z2]", r"a1|a2|z1|z2|activation|relu"),
    Wrong(
        "masks",
        "np.mean(delta, axis=0)",
        "np.sum(delta, axis=0)",
        r"average|mean|divi",
    ),
    Wrong(
        "plain",
        ("    d_z3 /= n\n", "d_z2 @ W2.T"),
        ("", "d_z2 @ W2"),
        (r"average|mean|divi", r"transpose|\.T"),
    ),
    Wrong(
        "plain",
        ("d_h1 * (z1 > 0)", "d_h2 * (z2 > 0)"),
        ("d_h1", "d_h2"),
        (r"derivative|slope|mask|relu", r"derivative|slope|mask|relu"),
    ),
    Wrong(
        "samples",
        ("(W2 @ g) * (u > 0)", 'out["W3"] += '),
        ("W2 @ g", 'out["W3"] = '),
        (r"derivative|slope|mask|relu|> 0", r"\+=|accumul|last sample|add"),
    ),
    Wrong(
        "in_place",
        ("dhidden[hidden1 <= 0]", "dscores[range(N), y] -= 1"),
        ("dhidden[hidden2 <= 0]", "dscores[range(N), y] += 1"),
        (r"hidden1|hidden2|mask", r"sign|minus|negat|subtract|-="),
    ),
    Wrong(
        "modular",
        ("    da2 = relu_backward(dr2, relu_cache2)\n", "relu_backward(dr1, relu_cache1)"),
        ("    da2 = dr2\n", "relu_backward(dr1, relu_cache2)"),
        (r"derivative|slope|mask|relu", r"cache|relu_cache1|mask"),
    ),
]
