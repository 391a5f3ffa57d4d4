"""A tanh recurrent network of five steps, one answer at the end, softmax, cross-entropy."""

import numpy as np
from tests.check.collection import Wrong


def problem(rng):
    params = {
        "Wx": rng.normal(size=(3, 4)) * 0.6,
        "Wh": rng.normal(size=(4, 4)) * 0.6,
        "bh": rng.normal(size=4) * 0.3,
        "Wy": rng.normal(size=(4, 3)) * 0.8,
        "by": rng.normal(size=3) * 0.2,
    }
    X = rng.normal(size=(7, 5, 3))  # sample, time, feature
    y = rng.integers(0, 3, 7)
    return params, X, y


def softmax(s):
    e = np.exp(s - s.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


def loss(params, X, y):
    h = np.zeros((len(X), 4))
    for t in range(X.shape[1]):
        h = np.tanh(X[:, t] @ params["Wx"] + h @ params["Wh"] + params["bh"])
    p = softmax(h @ params["Wy"] + params["by"])
    return -np.mean(np.log(p[np.arange(len(y)), y]))


def states(params, X, y):
    """Batches; the hidden states in a dict with -1 for the start."""
    Wx, Wh, bh, Wy, by = (params[name] for name in ("Wx", "Wh", "bh", "Wy", "by"))
    n, T, _ = X.shape
    hs = {-1: np.zeros((n, Wh.shape[0]))}
    for t in range(T):
        hs[t] = np.tanh(X[:, t, :] @ Wx + hs[t - 1] @ Wh + bh)
    probs = softmax(hs[T - 1] @ Wy + by)
    dscores = probs
    dscores[np.arange(n), y] -= 1
    dscores /= n
    dWy = hs[T - 1].T @ dscores
    dby = dscores.sum(axis=0)
    dWx, dWh, dbh = np.zeros_like(Wx), np.zeros_like(Wh), np.zeros_like(bh)
    dh = dscores @ Wy.T
    for t in reversed(range(T)):
        dz = dh * (1 - hs[t] ** 2)
        dWx += X[:, t, :].T @ dz
        dWh += hs[t - 1].T @ dz
        dbh += dz.sum(axis=0)
        dh = dz @ Wh.T
    return {"Wx": dWx, "Wh": dWh, "bh": dbh, "Wy": dWy, "by": dby}


def sequences(params, X, y):
    """One sequence after the other, column vectors."""
    U, V, W = params["Wx"].T, params["Wh"].T, params["Wy"].T
    b, c = params["bh"].reshape(-1, 1), params["by"].reshape(-1, 1)
    dU, dV, dW = np.zeros(U.shape), np.zeros(V.shape), np.zeros(W.shape)
    db, dc = np.zeros(b.shape), np.zeros(c.shape)
    for k in range(len(X)):
        x = X[k]
        s = [np.zeros((4, 1))]
        for t in range(5):
            s.append(np.tanh(np.dot(U, x[t].reshape(-1, 1)) + np.dot(V, s[-1]) + b))
        o = np.dot(W, s[-1]) + c
        o = np.exp(o - np.max(o))
        yhat = o / np.sum(o)
        delta_o = yhat.copy()
        delta_o[y[k]] -= 1.0
        dW += np.outer(delta_o, s[-1])
        dc += delta_o
        delta_t = np.dot(W.T, delta_o) * (1 - s[-1] ** 2)
        for t in range(5, 0, -1):
            dU += np.outer(delta_t, x[t - 1])
            dV += np.outer(delta_t, s[t - 1])
            db += delta_t
            delta_t = np.dot(V.T, delta_t) * (1 - s[t - 1] ** 2)
    m = len(X)
    return {
        "Wx": dU.T / m,
        "Wh": dV.T / m,
        "bh": db.ravel() / m,
        "Wy": dW.T / m,
        "by": dc.ravel() / m,
    }


def step_forward(x, prev_h, Wx, Wh, b):
    next_h = np.tanh(x @ Wx + prev_h @ Wh + b)
    return next_h, (x, prev_h, Wx, Wh, next_h)


def step_backward(dnext_h, cache):
    x, prev_h, Wx, Wh, next_h = cache
    dtanh = (1 - next_h * next_h) * dnext_h
    dx = dtanh @ Wx.T
    dprev_h = dtanh @ Wh.T
    dWx = x.T @ dtanh
    dWh = prev_h.T @ dtanh
    db = np.sum(dtanh, axis=0)
    return dx, dprev_h, dWx, dWh, db


def steps(params, X, y):
    """A function for a step forward and one for a step backward, the caches in a list."""
    h = np.zeros((X.shape[0], params["Wh"].shape[0]))
    caches = []
    for t in range(X.shape[1]):
        h, cache = step_forward(X[:, t], h, params["Wx"], params["Wh"], params["bh"])
        caches.append(cache)
    q = softmax(h @ params["Wy"] + params["by"])
    onehot = np.eye(q.shape[1])[y]
    dout = (q - onehot) / len(y)
    grads = {"Wy": np.dot(h.T, dout), "by": np.sum(dout, 0)}
    for name in ("Wx", "Wh", "bh"):
        grads[name] = 0
    dh = np.dot(dout, params["Wy"].T)
    while caches:
        _, dh, gx, gh, gb = step_backward(dh, caches.pop())
        grads["Wx"] = grads["Wx"] + gx
        grads["Wh"] = grads["Wh"] + gh
        grads["bh"] = grads["bh"] + gb
    return {name: grads[name] for name in params}


def arrays(params, X, y):
    """All states and all deltas in one array each, the sums over time as einsum."""
    n, T, _ = X.shape
    k = params["bh"].size
    H = np.zeros((T + 1, n, k))
    for t in range(T):
        H[t + 1] = np.tanh(X[:, t] @ params["Wx"] + H[t] @ params["Wh"] + params["bh"])
    Q = softmax(H[T] @ params["Wy"] + params["by"])
    Y = np.zeros(Q.shape)
    Y[range(n), y] = 1
    E = Q - Y
    D = np.zeros((T, n, k))
    D[T - 1] = (E @ params["Wy"].T) * (1 - H[T] ** 2)
    for t in range(T - 2, -1, -1):
        D[t] = (D[t + 1] @ params["Wh"].T) * (1 - H[t + 1] ** 2)
    return {
        "Wx": np.einsum("nti,tnk->ik", X, D) / n,
        "Wh": np.einsum("tnj,tnk->jk", H[:-1], D) / n,
        "bh": D.sum(axis=(0, 1)) / n,
        "Wy": H[-1].T @ E / n,
        "by": E.mean(axis=0),
    }


WRONG = [
    Wrong("states", "    dscores /= n\n", "", "average|mean|divide"),
    Wrong("states", "dz = dh * (1 - hs[t] ** 2)", "dz = dh", r"derivative|slope|1 - "),
    Wrong("states", "(1 - hs[t] ** 2)", "(1 - hs[t])", r"square|\*\* ?2|derivative"),
    Wrong(
        "states",
        "(1 - hs[t] ** 2)",
        "(1 - hs[t - 1] ** 2)",
        r"hs\[t\]|step|previous|state|derivative",
    ),
    Wrong("states", "(1 - hs[t] ** 2)", "hs[t] * (1 - hs[t])", "sigmoid|tanh|derivative"),
    Wrong("states", "(1 - hs[t] ** 2)", "(1 + hs[t] ** 2)", "sign|minus|derivative"),
    Wrong("states", "hs[t - 1].T @ dz", "hs[t].T @ dz", r"t - 1|previous|step|state"),
    Wrong("states", "dWx += X", "dWx = X", r"\+=|accumul|overwrit|add|sum"),
    Wrong("states", "dbh += dz.sum(axis=0)", "dbh += dz.mean(axis=0)", "mean|sum|average|divide"),
    Wrong("states", "        dh = dz @ Wh.T\n", "        dh = dz @ Wh\n", r"transpose|\.T"),
    Wrong("states", "        dh = dz @ Wh.T\n", "", "Wh|step|time|previous|recurren"),
    Wrong(
        "states", "        dh = dz @ Wh.T\n", "        dh = dh @ Wh.T\n", "derivative|dz|dh|slope"
    ),
    Wrong(
        "states",
        "        dh = dz @ Wh.T\n",
        "        dh += dz @ Wh.T\n",
        r"\+=|add|accumul|twice|once",
    ),
    Wrong(
        "states",
        "for t in reversed(range(T)):",
        "for t in reversed(range(1, T)):",
        "step|first|range|off by one|time",
    ),
    Wrong(
        "states", "for t in reversed(range(T)):", "for t in range(T):", "revers|backward|order|time"
    ),
    Wrong(
        "states", "for t in reversed(range(T)):", "for t in [T - 1]:", "step|time|truncat|through"
    ),
    Wrong(
        "sequences",
        "delta_o[y[k]] -= 1.0",
        "delta_o[y[k]] += 1.0",
        "sign|minus|subtract|label|negat",
    ),
    Wrong(
        "sequences",
        "dV += np.outer(delta_t, s[t - 1])",
        "dV += np.outer(s[t - 1], delta_t)",
        r"transpose|swap|order|\.T",
    ),
    Wrong(
        "sequences",
        "np.outer(delta_t, x[t - 1])",
        "np.outer(delta_t, x[5 - t])",
        r"t - 1|index|step|revers|order",
    ),
    Wrong("sequences", "range(5, 0, -1)", "range(5, 1, -1)", "step|first|range|off by one|time"),
    Wrong(
        "sequences",
        "np.dot(V.T, delta_t) * (1 - s[t - 1] ** 2)",
        "np.dot(V.T, delta_t)",
        r"derivative|slope|1 - ",
    ),
    Wrong("sequences", "np.dot(V.T, delta_t) *", "np.dot(V, delta_t) *", r"transpose|\.T"),
    Wrong(
        "sequences",
        "delta_t = np.dot(W.T, delta_o) * (1 - s[-1] ** 2)",
        "delta_t = np.dot(W.T, delta_o)",
        r"derivative|slope|1 - ",
    ),
    Wrong("sequences", '"bh": db.ravel() / m', '"bh": db.ravel()', "average|mean|divide"),
    Wrong(
        "sequences",
        "            db += delta_t\n"
        "            delta_t = np.dot(V.T, delta_t) * (1 - s[t - 1] ** 2)\n",
        "            delta_t = np.dot(V.T, delta_t) * (1 - s[t - 1] ** 2)\n        db += delta_t\n",
        "indent|loop|step|time|accumul|db|order|before",
    ),
    Wrong(
        "sequences",
        ('"Wy": dW.T / m', "dc += delta_o"),
        ('"Wy": dW.T', "dc += yhat"),
        ("average|mean|divide", "label|delta_o|yhat|target|one.?hot"),
    ),
    Wrong(
        "step_backward",
        "dtanh = (1 - next_h * next_h) * dnext_h",
        "dtanh = (1 - np.tanh(next_h) ** 2) * dnext_h",
        "twice|tanh|derivative",
        run="steps",
    ),
    Wrong(
        "step_backward",
        "dWh = prev_h.T @ dtanh",
        "dWh = prev_h.T @ dnext_h",
        "derivative|dtanh|dnext_h|slope",
        run="steps",
    ),
    Wrong(
        "step_backward",
        "dprev_h = dtanh @ Wh.T",
        "dprev_h = dtanh * Wh[0]",
        "matrix|product|@|element|Wh",
        run="steps",
    ),
    Wrong("step_backward", "np.sum(dtanh, axis=0)", "np.sum(dtanh)", "axis|sum", run="steps"),
    Wrong(
        "step_backward",
        "np.sum(dtanh, axis=0)",
        "np.sum(dnext_h, axis=0)",
        "derivative|dtanh|dnext_h|slope",
        run="steps",
    ),
    Wrong("step_forward", "prev_h @ Wh + b)", "prev_h @ Wh)", r"\bb\b|bias|bh", run="steps"),
    Wrong("steps", "(q - onehot) / len(y)", "(onehot - q) / len(y)", "sign|minus|negat|order|swap"),
    Wrong(
        "steps",
        "(q - onehot) / len(y)",
        "(q - onehot) / q.size",
        r"average|mean|divide|len\(y\)|factor|\bn\b",
    ),
    Wrong(
        "steps",
        '        grads["Wh"] = grads["Wh"] + gh\n',
        '        grads["Wh"] = gh\n',
        r"\+|accumul|overwrit|sum|add",
    ),
    Wrong("steps", "grads[name] = 0", "grads[name] = 1", r"initial|zero|start|\b1\b|\b0\b"),
    Wrong("steps", "caches.pop()", "caches.pop(0)", r"revers|order|last|backward|pop\("),
    Wrong(
        "steps",
        '"Wy": np.dot(h.T, dout)',
        '"Wy": np.dot(caches[-1][1].T, dout)',
        "last|previous|state|step|h",
    ),
    Wrong("arrays", "H[:-1], D)", "H[1:], D)", r"previous|\[:-1\]|shift|off by one|step|state"),
    Wrong(
        "arrays",
        '@ params["Wh"].T) * (1 - H[t + 1] ** 2)',
        '@ params["Wh"].T) * (1 - H[t] ** 2)',
        r"t \+ 1|off by one|step|state|derivative",
    ),
    Wrong(
        "arrays", "range(T - 2, -1, -1)", "range(T - 2, 0, -1)", "range|first|off by one|step|time"
    ),
    Wrong(
        "arrays",
        'D[t] = (D[t + 1] @ params["Wh"].T)',
        'D[t] = (D[t + 1] @ params["Wh"])',
        r"transpose|\.T",
    ),
    Wrong(
        "arrays",
        'D[t] = (D[t + 1] @ params["Wh"].T)',
        'D[t] = (D[T - 1] @ params["Wh"].T)',
        r"t \+ 1|index|step|last",
    ),
    Wrong(
        "arrays",
        '(E @ params["Wy"].T) * (1 - H[T] ** 2)',
        '2 * (E @ params["Wy"].T) * (1 - H[T] ** 2)',
        r"factor|\b2\b|twice|double",
    ),
    Wrong("arrays", "D.sum(axis=(0, 1)) / n", "D.mean(axis=(0, 1))", "mean|sum|average|divi|time"),
    Wrong("arrays", "E.mean(axis=0)", "E.mean(axis=1)", "axis"),
    Wrong(
        "arrays",
        ("H[:-1], D) / n", '(E @ params["Wy"].T) * (1 - H[T] ** 2)'),
        ("H[:-1], D)", '(E @ params["Wy"].T)'),
        ("average|mean|divide", r"derivative|slope|1 - "),
    ),
    Wrong(
        "states",
        ("        dh = dz @ Wh.T\n", "    dby = dscores.sum(axis=0)"),
        ("        dh = dz @ Wh\n", "    dby = dscores.mean(axis=0)"),
        (r"transpose|\.T", "mean|sum|average|divi"),
    ),
    Wrong(
        "steps",
        ("(q - onehot) / len(y)", 'grads["Wx"] = grads["Wx"] + gx'),
        ("(q - onehot)", 'grads["Wx"] = gx'),
        ("average|mean|divide", r"\+|accumul|overwrit|sum|add"),
    ),
    Wrong(
        "sequences",
        ("dV += np.outer(delta_t, s[t - 1])", "range(5, 0, -1)"),
        ("dV += np.outer(delta_t, s[t])", "range(5, 1, -1)"),
        (r"t - 1|previous|step|state", "step|first|range|off by one|time"),
    ),
]
