"""A head of causal attention between an embedding and an output that share weights."""

import numpy as np

from tests.check.collection import Run, Wrong


def softmax(x):
    e = np.exp(x - np.max(x, axis=-1, keepdims=True))
    return e / np.sum(e, axis=-1, keepdims=True)


def forward(params, idx):
    wte, wpe = params["wte"], params["wpe"]
    B, T = idx.shape
    x = wte[idx] + wpe[:T]
    mu = x.mean(axis=-1, keepdims=True)
    xc = x - mu
    var = np.mean(xc**2, axis=-1, keepdims=True)
    rstd = 1.0 / np.sqrt(var + 1e-5)
    norm = xc * rstd
    ln = norm * params["g"] + params["s"]
    q, k, v = ln @ params["Wq"], ln @ params["Wk"], ln @ params["Wv"]
    att = q @ k.transpose(0, 2, 1) / np.sqrt(q.shape[-1])
    mask = np.tril(np.ones((T, T)))
    att = np.where(mask == 0, -1e9, att)
    p = softmax(att)
    y = p @ v
    res = x + y @ params["Wo"]
    logits = res @ wte.T
    return logits, (x, rstd, norm, ln, q, k, v, p, y, res)


def loss(params, idx, targets):
    logits, _ = forward(params, idx)
    B, T, V = logits.shape
    probs = softmax(logits).reshape(B * T, V)
    return -np.mean(np.log(probs[np.arange(B * T), targets.reshape(-1)]))


def backward(params, idx, targets):
    logits, cache = forward(params, idx)
    x, rstd, norm, ln, q, k, v, p, y, res = cache
    B, T, V = logits.shape
    C = x.shape[-1]
    wte = params["wte"]
    dlogits = softmax(logits)
    dlogits[np.arange(B)[:, None], np.arange(T), targets] -= 1
    dlogits /= B * T
    grads = {name: np.zeros_like(value) for name, value in params.items()}
    grads["wte"] += dlogits.reshape(-1, V).T @ res.reshape(-1, C)
    dres = dlogits @ wte
    grads["Wo"] += y.reshape(-1, y.shape[-1]).T @ dres.reshape(-1, C)
    dy = dres @ params["Wo"].T
    dp = dy @ v.transpose(0, 2, 1)
    dv = p.transpose(0, 2, 1) @ dy
    datt = p * (dp - np.sum(dp * p, axis=-1, keepdims=True))
    datt = datt / np.sqrt(q.shape[-1])
    dq = datt @ k
    dk = datt.transpose(0, 2, 1) @ q
    dln = np.zeros_like(ln)
    for name, d in (("Wq", dq), ("Wk", dk), ("Wv", dv)):
        grads[name] += ln.reshape(-1, C).T @ d.reshape(-1, d.shape[-1])
        dln += d @ params[name].T
    grads["g"] += np.sum(dln * norm, axis=(0, 1))
    grads["s"] += np.sum(dln, axis=(0, 1))
    dnorm = dln * params["g"]
    mean = dnorm.mean(axis=-1, keepdims=True)
    dx = rstd * (dnorm - mean - norm * (dnorm * norm).mean(axis=-1, keepdims=True))
    dx = dx + dres
    np.add.at(grads["wte"], idx, dx)
    grads["wpe"][:T] += dx.sum(axis=0)
    return grads


def problem(rng, B=2, T=3, V=5, C=4, H=3):
    shapes = {"wte": (V, C), "wpe": (T, C), "Wq": (C, H), "Wk": (C, H), "Wv": (C, H), "Wo": (H, C)}
    params = {name: rng.normal(size=shape) * 0.7 for name, shape in shapes.items()}
    params["g"] = 1 + rng.normal(size=C) * 0.2
    params["s"] = rng.normal(size=C) * 0.2
    return params, rng.integers(0, V, (B, T)), rng.integers(0, V, (B, T))


RUNS = {"head": Run("loss", "backward", problem, {"B": 8, "T": 16, "V": 30, "C": 16, "H": 8})}


def back(right, mistaken, said, *also):
    return Wrong("backward", right, mistaken, said, "head", also)


WRONG = [
    back("    datt = datt / np.sqrt(q.shape[-1])\n", "", r"sqrt|root|scale|factor|1 ?/ ?"),
    back(
        "datt = datt / np.sqrt(q.shape[-1])", "datt = datt / q.shape[-1]", r"sqrt|root|scale|factor"
    ),
    back(
        "p * (dp - np.sum(dp * p, axis=-1, keepdims=True))", "p * dp", r"softmax|sum|jacobian|term"
    ),
    back(
        "p * (dp - np.sum(dp * p, axis=-1, keepdims=True))",
        "p * (1 - p) * dp",
        r"softmax|sum|jacobian|diagonal",
    ),
    back(
        "np.sum(dp * p, axis=-1, keepdims=True)", "np.sum(dp * p, axis=1, keepdims=True)", r"axis"
    ),
    back(
        '    np.add.at(grads["wte"], idx, dx)\n',
        "",
        r"wte|embed|tied|path|missing|twice|shared",
        'grads["wte"] +=',
    ),
    back(
        '    grads["wte"] += dlogits.reshape(-1, V).T @ res.reshape(-1, C)\n',
        "",
        r"wte|output|tied|path|missing|shared",
        'np.add.at(grads["wte"]',
    ),
    back(
        'np.add.at(grads["wte"], idx, dx)',
        'grads["wte"][idx] += dx',
        r"add\.at|repeat|accumul|twice|once",
    ),
    back("dx = dx + dres", "dx = dx", r"dres|residual|skip|path|term|missing"),
    back("    dlogits /= B * T\n", "    dlogits /= B\n", r"\bT\b|average|divi|factor|number"),
    back("dk = datt.transpose(0, 2, 1) @ q", "dk = datt @ q", r"transpos"),
    back("dv = p.transpose(0, 2, 1) @ dy", "dv = p @ dy", r"transpos"),
    back("dp = dy @ v.transpose(0, 2, 1)", "dp = dy @ v", r"transpos"),
    back(
        " - norm * (dnorm * norm).mean(axis=-1, keepdims=True)",
        "",
        r"term|path|norm|variance|missing",
    ),
    back(
        "dnorm - mean - norm",
        "dnorm - norm",
        r"mean|term|path|missing",
    ),
    back('dnorm = dln * params["g"]', "dnorm = dln", r"\bg\b|gamma|scale|factor|params"),
    back(
        'grads["wpe"][:T] += dx.sum(axis=0)',
        'grads["wpe"][:T] += dx.mean(axis=0)',
        r"mean|sum|average",
    ),
    back(
        "        dln += d @ params[name].T\n",
        "        dln = d @ params[name].T\n",
        r"\+=|accumul|overwrit|add|sum",
    ),
]
