"""One head of softmax attention over five tokens, a linear output, mean squared error."""

import numpy as np
from tests.check.collection import Wrong


def problem(rng):
    params = {
        "Wq": rng.normal(size=(6, 3)) * 0.6,
        "Wk": rng.normal(size=(6, 3)) * 0.6,
        "Wv": rng.normal(size=(6, 4)) * 0.6,
        "Wo": rng.normal(size=(4, 2)) * 0.7,
        "bo": rng.normal(size=2) * 0.3,
    }
    X = rng.normal(size=(4, 5, 6))  # sequence, token, feature
    target = rng.normal(size=(4, 5, 2))
    return params, X, target


def softmax(s, axis=-1):
    e = np.exp(s - s.max(axis=axis, keepdims=True))
    return e / e.sum(axis=axis, keepdims=True)


def loss(params, X, target):
    Q, K, V = X @ params["Wq"], X @ params["Wk"], X @ params["Wv"]
    A = softmax(Q @ K.transpose(0, 2, 1) / np.sqrt(3))
    out = A @ V @ params["Wo"] + params["bo"]
    return np.mean((out - target) ** 2)


def batched(params, X, target):
    """All sequences at once."""
    Wq, Wk, Wv, Wo = params["Wq"], params["Wk"], params["Wv"], params["Wo"]
    scale = 1 / np.sqrt(Wq.shape[1])
    Q, K, V = X @ Wq, X @ Wk, X @ Wv
    scores = Q @ K.transpose(0, 2, 1) * scale
    A = softmax(scores)
    C = A @ V
    out = C @ Wo + params["bo"]
    dout = 2 * (out - target) / out.size
    dWo = np.sum(C.transpose(0, 2, 1) @ dout, axis=0)
    dbo = np.sum(dout, axis=(0, 1))
    dC = dout @ Wo.T
    dA = dC @ V.transpose(0, 2, 1)
    dV = A.transpose(0, 2, 1) @ dC
    dscores = A * (dA - np.sum(dA * A, axis=-1, keepdims=True))
    dscores = dscores * scale
    dQ = dscores @ K
    dK = dscores.transpose(0, 2, 1) @ Q
    XT = X.transpose(0, 2, 1)
    dWq = (XT @ dQ).sum(axis=0)
    dWk = (XT @ dK).sum(axis=0)
    dWv = (XT @ dV).sum(axis=0)
    return {"Wq": dWq, "Wk": dWk, "Wv": dWv, "Wo": dWo, "bo": dbo}


def sequences(params, X, target):
    """A loop over the sequences; the derivative of softmax row by row as a matrix."""
    grads = {name: np.zeros_like(p) for name, p in params.items()}
    d = params["Wk"].shape[1]
    for x, y in zip(X, target, strict=True):
        q = x.dot(params["Wq"])
        k = x.dot(params["Wk"])
        v = x.dot(params["Wv"])
        s = q.dot(k.T) / np.sqrt(d)
        a = softmax(s)
        c = a.dot(v)
        o = c.dot(params["Wo"]) + params["bo"]
        do = 2.0 * (o - y) / target.size
        grads["bo"] += do.sum(axis=0)
        grads["Wo"] += c.T.dot(do)
        dc = do.dot(params["Wo"].T)
        da = dc.dot(v.T)
        dv = a.T.dot(dc)
        ds = np.zeros_like(s)
        for i in range(len(s)):
            jacobian = np.diag(a[i]) - np.outer(a[i], a[i])
            ds[i] = jacobian.dot(da[i])
        ds /= np.sqrt(d)
        dq = ds.dot(k)
        dk = ds.T.dot(q)
        grads["Wq"] += x.T.dot(dq)
        grads["Wk"] += x.T.dot(dk)
        grads["Wv"] += x.T.dot(dv)
    return grads


def summed(params, X, target):
    """np.einsum throughout."""
    Wq, Wk, Wv, Wo, bo = (params[key] for key in ["Wq", "Wk", "Wv", "Wo", "bo"])
    q = np.einsum("bti,id->btd", X, Wq)
    k = np.einsum("bti,id->btd", X, Wk)
    v = np.einsum("bti,ie->bte", X, Wv)
    att = softmax(np.einsum("btd,bsd->bts", q, k) / 3**0.5)
    ctx = np.einsum("bts,bse->bte", att, v)
    g_out = (np.einsum("bte,eo->bto", ctx, Wo) + bo - target) * (2 / target.size)
    g_ctx = np.einsum("bto,eo->bte", g_out, Wo)
    g_att = np.einsum("bte,bse->bts", g_ctx, v)
    g_v = np.einsum("bts,bte->bse", att, g_ctx)
    inner = np.einsum("bts,bts->bt", g_att, att)
    g_s = att * (g_att - inner[..., None]) / 3**0.5
    g_q = np.einsum("bts,bsd->btd", g_s, k)
    g_k = np.einsum("bts,btd->bsd", g_s, q)
    return {
        "Wq": np.einsum("bti,btd->id", X, g_q),
        "Wk": np.einsum("bti,btd->id", X, g_k),
        "Wv": np.einsum("bsi,bse->ie", X, g_v),
        "Wo": np.einsum("bte,bto->eo", ctx, g_out),
        "bo": np.einsum("bto->o", g_out),
    }


def softmax_backward(grad, prob):
    """The derivative at prob = softmax(s), along the last axis."""
    weighted = prob * grad
    return weighted - prob * weighted.sum(axis=-1, keepdims=True)


class Projection:
    def __init__(self, W):
        self.W = W
        self.dW = np.zeros(W.shape)

    def __call__(self, x):
        self.x = x
        return x @ self.W

    def backward(self, grad):
        flat_x = self.x.reshape(-1, self.x.shape[-1])
        flat_grad = grad.reshape(-1, grad.shape[-1])
        self.dW += flat_x.T @ flat_grad
        return grad @ self.W.T


def objects(params, X, target):
    query, key, value, last = (Projection(params[w]) for w in ("Wq", "Wk", "Wv", "Wo"))
    root = np.sqrt(params["Wq"].shape[-1])
    q, k, v = query(X), key(X), value(X)
    weights = softmax(np.matmul(q, np.swapaxes(k, 1, 2)) / root)
    prediction = last(np.matmul(weights, v)) + params["bo"]
    residual = prediction - target
    grad = residual / (0.5 * residual.size)
    bias = grad.reshape(-1, 2).sum(axis=0)
    grad = last.backward(grad)
    grad_weights = np.matmul(grad, np.swapaxes(v, 1, 2))
    value.backward(np.matmul(np.swapaxes(weights, 1, 2), grad))
    grad_scores = softmax_backward(grad_weights, weights) / root
    query.backward(np.matmul(grad_scores, k))
    key.backward(np.matmul(np.swapaxes(grad_scores, 1, 2), q))
    return {"Wq": query.dW, "Wk": key.dW, "Wv": value.dW, "Wo": last.dW, "bo": bias}


def tokens(params, X, target):
    """Token by token: each asks all tokens of its sequence."""
    Wq, Wk, Wv, Wo, bo = params.values()
    dWq, dWk, dWv, dWo, dbo = (np.zeros_like(w) for w in params.values())
    B, L, _ = X.shape
    for b in range(B):
        keys = [x @ Wk for x in X[b]]
        values = [x @ Wv for x in X[b]]
        for t in range(L):
            query = X[b, t] @ Wq
            w = softmax(np.array([query @ key for key in keys]) / np.sqrt(3))
            mix = sum(w[s] * values[s] for s in range(L))
            err = 2 * (mix @ Wo + bo - target[b, t]) / (B * L * 2)
            dWo += np.outer(mix, err)
            dbo += err
            dmix = Wo @ err
            dw = np.array([dmix @ values[s] for s in range(L)])
            mean = w @ dw
            dquery = np.zeros(3)
            for s in range(L):
                dscore = w[s] * (dw[s] - mean) / np.sqrt(3)
                dquery += dscore * keys[s]
                dWk += np.outer(X[b, s], dscore * query)
                dWv += np.outer(X[b, s], w[s] * dmix)
            dWq += np.outer(X[b, t], dquery)
    return {"Wq": dWq, "Wk": dWk, "Wv": dWv, "Wo": dWo, "bo": dbo}


WRONG = [
    Wrong(
        "batched",
        "dout = 2 * (out - target) / out.size",
        "dout = (out - target) / out.size",
        r"factor|\b2\b|twice|half",
    ),
    Wrong("batched", "(out - target) / out.size", "(out - target)", "average|mean|divide"),
    Wrong(
        "batched",
        "(out - target) / out.size",
        "(out - target) / len(X)",
        "average|mean|divi|size|factor",
    ),
    Wrong("batched", "(out - target) /", "(target - out) /", "sign|minus|negat|order|swap"),
    Wrong("batched", "    dscores = dscores * scale\n", "", r"scale|sqrt|factor|divi"),
    Wrong(
        "batched",
        "    dscores = dscores * scale\n",
        "    dscores = dscores * scale * scale\n",
        r"scale|sqrt|factor|twice|divi",
    ),
    Wrong(
        "batched",
        "A * (dA - np.sum(dA * A, axis=-1, keepdims=True))",
        "A * dA",
        "softmax|sum|derivative",
    ),
    Wrong(
        "batched",
        "A * (dA - np.sum(dA * A, axis=-1, keepdims=True))",
        "A * (1 - A) * dA",
        "softmax|sigmoid|derivative|diagonal|jacobian",
    ),
    Wrong(
        "batched", "A * (dA - np.sum(dA * A, axis=-1, keepdims=True))", "dA", "softmax|derivative"
    ),
    Wrong(
        "batched",
        "np.sum(dA * A, axis=-1, keepdims=True)",
        "np.sum(dA * A, axis=1, keepdims=True)",
        "axis",
    ),
    Wrong(
        "batched",
        "np.sum(dA * A, axis=-1, keepdims=True)",
        "np.sum(dA, axis=-1, keepdims=True)",
        r"\bA\b|softmax|weight|derivative",
    ),
    Wrong(
        "batched",
        "np.sum(dA * A, axis=-1, keepdims=True)",
        "np.sum(dA * A, axis=-1, keepdims=True) / 5",
        r"mean|average|divi|factor|softmax",
    ),
    Wrong(
        "batched",
        "    dQ = dscores @ K\n",
        "    dQ = dscores.transpose(0, 2, 1) @ K\n",
        r"transpose|\.T|swapaxes",
    ),
    Wrong(
        "batched",
        "dK = dscores.transpose(0, 2, 1) @ Q",
        "dK = dscores @ Q",
        r"transpose|\.T|swapaxes",
    ),
    Wrong("batched", "    dQ = dscores @ K\n", "    dQ = dscores @ Q\n", r"\bK\b|\bQ\b"),
    Wrong("batched", "dV = A.transpose(0, 2, 1) @ dC", "dV = A @ dC", r"transpose|\.T|swapaxes"),
    Wrong(
        "batched",
        "dV = A.transpose(0, 2, 1) @ dC",
        "dV = scores.transpose(0, 2, 1) @ dC",
        r"softmax|scores|\bA\b",
    ),
    Wrong(
        "batched", "dA = dC @ V.transpose(0, 2, 1)", "dA = C @ V.transpose(0, 2, 1)", r"dC|\bC\b"
    ),
    Wrong("batched", "dWk = (XT @ dK).sum(axis=0)", "dWk = (XT @ dQ).sum(axis=0)", "dK|dQ"),
    Wrong(
        "batched",
        "dWv = (XT @ dV).sum(axis=0)",
        "dWv = (XT @ dV).mean(axis=0)",
        "mean|sum|average|divi",
    ),
    Wrong("batched", "np.sum(dout, axis=(0, 1))", "np.sum(dout, axis=0)", "axis|sum|token"),
    Wrong("batched", '{"Wq": dWq, "Wk": dWk,', '{"Wq": dWk, "Wk": dWq,', "swap|exchang|dWq|dWk"),
    Wrong(
        "batched",
        ("/ out.size", "    dscores = dscores * scale\n"),
        ("", ""),
        ("average|mean|divide", "scale|sqrt|factor|divi"),
    ),
    Wrong(
        "sequences",
        "np.diag(a[i]) - np.outer(a[i], a[i])",
        "np.diag(a[i]) + np.outer(a[i], a[i])",
        "sign|minus|negat",
    ),
    Wrong(
        "sequences",
        "np.diag(a[i]) - np.outer(a[i], a[i])",
        "np.diag(a[i])",
        "outer|softmax|jacobian|diagonal",
    ),
    Wrong(
        "sequences",
        "np.diag(a[i]) - np.outer(a[i], a[i])",
        "np.diag(s[i]) - np.outer(s[i], s[i])",
        r"softmax|\ba\b|\bs\b|a\[i\]",
    ),
    Wrong("sequences", "        ds /= np.sqrt(d)\n", "        ds /= d\n", "sqrt|root|scale|factor"),
    Wrong("sequences", "        ds /= np.sqrt(d)\n", "", "sqrt|root|scale|factor|divi"),
    Wrong("sequences", 'grads["Wv"] += x.T', 'grads["Wv"] = x.T', r"\+=|accumul|overwrit|add"),
    Wrong("sequences", "dv = a.T.dot(dc)", "dv = a.dot(dc)", r"transpose|\.T"),
    Wrong("sequences", "dq = ds.dot(k)", "dq = da.dot(k)", r"softmax|\bds\b|\bda\b|derivative"),
    Wrong("sequences", "range(len(s))", "range(len(s) - 1)", "range|last|off by one|row|token"),
    Wrong(
        "summed", "- inner[..., None]", "- inner[:, None]", "axis|keepdims|broadcast|None|inner|sum"
    ),
    Wrong("summed", " - inner[..., None])", ")", "inner|softmax|sum"),
    Wrong(
        "summed",
        '"bts,btd->bsd", g_s, q',
        '"bts,bsd->btd", g_s, q',
        "transpose|einsum|index|swap|order",
    ),
    Wrong(
        "summed",
        '"bts,bte->bse", att, g_ctx',
        '"bts,bse->bte", att, g_ctx',
        "transpose|einsum|index|swap|order",
    ),
    Wrong("summed", "/ 3**0.5\n    g_q", "\n    g_q", "sqrt|root|scale|factor|divi"),
    Wrong("summed", "(2 / target.size)", "(2 / len(target))", "average|mean|divi|size|factor"),
    Wrong(
        "summed",
        '"bte,bto->eo", ctx, g_out',
        '"bte,bto->eo", v, g_out',
        r"ctx|\bv\b|attention|context",
    ),
    Wrong(
        "summed",
        '"bte,bse->bts", g_ctx, v',
        '"bte,bse->bts", g_ctx, ctx',
        r"\bv\b|ctx|context|value",
    ),
    Wrong(
        "softmax_backward",
        "weighted - prob * weighted.sum",
        "weighted + prob * weighted.sum",
        "sign|minus|negat",
        run="objects",
    ),
    Wrong(
        "softmax_backward",
        "weighted - prob * weighted.sum(axis=-1, keepdims=True)",
        "weighted - weighted.sum(axis=-1, keepdims=True)",
        "prob|softmax|derivative",
        run="objects",
    ),
    Wrong(
        "softmax_backward",
        "weighted.sum(axis=-1, keepdims=True)",
        "weighted.mean(axis=-1, keepdims=True)",
        "mean|sum|average",
        run="objects",
    ),
    Wrong(
        "Projection",
        "self.dW += flat_x.T @ flat_grad",
        "self.dW = flat_grad.T @ flat_x",
        r"transpose|\.T|order|swap",
        run="objects",
    ),
    Wrong(
        "objects",
        "residual / (0.5 * residual.size)",
        "residual / (2 * residual.size)",
        r"factor|\b2\b|0\.5|\b4\b|half|quarter",
    ),
    Wrong(
        "objects",
        "softmax_backward(grad_weights, weights) / root",
        "softmax_backward(grad_weights, weights)",
        "sqrt|root|scale|factor|divi",
    ),
    Wrong(
        "objects",
        "softmax_backward(grad_weights, weights)",
        "softmax_backward(weights, grad_weights)",
        "order|swap|argument|softmax",
    ),
    Wrong(
        "objects",
        "np.matmul(np.swapaxes(grad_scores, 1, 2), q)",
        "np.matmul(np.swapaxes(grad_scores, 1, 2), k)",
        r"\bq\b|\bk\b",
    ),
    Wrong(
        "objects",
        "    key.backward(np.matmul(np.swapaxes(grad_scores, 1, 2), q))\n",
        "",
        "key|Wk|zero",
    ),
    Wrong(
        "objects",
        ("grad_weights, weights) / root", "np.matmul(np.swapaxes(weights, 1, 2), grad)"),
        ("grad_weights, weights)", "np.matmul(weights, grad)"),
        ("sqrt|root|scale|factor|divi", r"transpose|\.T|swapaxes"),
    ),
    Wrong("tokens", "w[s] * (dw[s] - mean)", "w[s] * dw[s]", "mean|softmax|derivative"),
    Wrong("tokens", "w[s] * (dw[s] - mean)", "(dw[s] - mean)", r"w\[s\]|softmax|derivative"),
    Wrong("tokens", "mean = w @ dw", "mean = dw.mean()", "mean|average|weight|w @ dw|softmax"),
    Wrong(
        "tokens",
        "np.outer(X[b, s], dscore * query)",
        "np.outer(X[b, t], dscore * query)",
        r"\bs\b|\bt\b|token|index",
    ),
    Wrong(
        "tokens",
        "np.outer(X[b, s], w[s] * dmix)",
        "np.outer(X[b, s], dmix)",
        r"w\[s\]|weight|attention",
    ),
    Wrong(
        "tokens",
        "dquery += dscore * keys[s]",
        "dquery = dscore * keys[s]",
        r"\+=|accumul|overwrit|add|last",
    ),
    Wrong("tokens", "dquery += dscore * keys[s]", "dquery += dscore * query", "key|query"),
    Wrong("tokens", "/ (B * L * 2)", "/ (B * L)", r"factor|\b2\b|average|mean|divi"),
    Wrong("tokens", "dmix = Wo @ err", "dmix = 2 * Wo @ err", r"factor|\b2\b|twice|double"),
    Wrong(
        "sequences",
        ("np.diag(a[i]) - np.outer(a[i], a[i])", "do = 2.0 * (o - y)"),
        ("np.diag(a[i])", "do = (o - y)"),
        ("outer|softmax|jacobian|diagonal", r"factor|\b2\b|twice|half"),
    ),
    Wrong(
        "batched",
        ("dK = dscores.transpose(0, 2, 1) @ Q", "np.sum(dout, axis=(0, 1))"),
        ("dK = dscores @ Q", "np.mean(dout, axis=(0, 1))"),
        (r"transpose|\.T|swapaxes", "mean|sum|average|divi"),
    ),
    Wrong(
        "tokens",
        ("w[s] * (dw[s] - mean) / np.sqrt(3)", "dbo += err"),
        ("w[s] * (dw[s] - mean)", "dbo = err"),
        ("sqrt|root|scale|factor|divi", r"\+=|accumul|overwrit|add|last"),
    ),
]
