"""A block with several heads in einsum: layer norm, causal attention, residual paths, a relu net."""

import numpy as np
from tests.check.collection import Run, Wrong


def layernorm(x, g, b, eps=1e-5):
    mu = x.mean(-1, keepdims=True)
    rstd = 1 / np.sqrt(x.var(-1, keepdims=True) + eps)
    xhat = (x - mu) * rstd
    return g * xhat + b, (xhat, rstd, g)


def layernorm_backward(dy, cache):
    xhat, rstd, g = cache
    dg = np.einsum("btd,btd->d", dy, xhat)
    db = np.einsum("btd->d", dy)
    dxhat = dy * g
    m1 = dxhat.mean(-1, keepdims=True)
    m2 = (dxhat * xhat).mean(-1, keepdims=True)
    dx = rstd * (dxhat - m1 - xhat * m2)
    return dx, dg, db


def attention(x, wq, wk, wv, wo):
    """wq, wk, wv: (heads, d, k); wo: (heads, k, d)."""
    q = np.einsum("btd,hdk->bhtk", x, wq)
    k = np.einsum("btd,hdk->bhtk", x, wk)
    v = np.einsum("btd,hdk->bhtk", x, wv)
    T = x.shape[1]
    s = np.einsum("bhik,bhjk->bhij", q, k) / np.sqrt(wq.shape[-1])
    s = np.where(np.tril(np.ones((T, T))) > 0, s, -np.inf)
    a = np.exp(s - s.max(-1, keepdims=True))
    a = a / a.sum(-1, keepdims=True)
    o = np.einsum("bhij,bhjk->bhik", a, v)
    y = np.einsum("bhik,hkd->bid", o, wo)
    return y, (x, q, k, v, a, o)


def attention_backward(dy, cache, wq, wk, wv, wo):
    x, q, k, v, a, o = cache
    dwo = np.einsum("bid,bhik->hkd", dy, o)
    do = np.einsum("bid,hkd->bhik", dy, wo)
    da = np.einsum("bhik,bhjk->bhij", do, v)
    dv = np.einsum("bhij,bhik->bhjk", a, do)
    ds = a * (da - np.sum(da * a, axis=-1, keepdims=True))
    ds = ds / np.sqrt(wq.shape[-1])
    dq = np.einsum("bhij,bhjk->bhik", ds, k)
    dk = np.einsum("bhij,bhik->bhjk", ds, q)
    dwq = np.einsum("btd,bhtk->hdk", x, dq)
    dwk = np.einsum("btd,bhtk->hdk", x, dk)
    dwv = np.einsum("btd,bhtk->hdk", x, dv)
    dx = np.einsum("bhtk,hdk->btd", dq, wq)
    dx += np.einsum("bhtk,hdk->btd", dk, wk)
    dx += np.einsum("bhtk,hdk->btd", dv, wv)
    return dx, dwq, dwk, dwv, dwo


def block(p, x):
    n1, c1 = layernorm(x, p["g1"], p["b1"])
    att, c2 = attention(n1, p["wq"], p["wk"], p["wv"], p["wo"])
    x1 = x + att
    n2, c3 = layernorm(x1, p["g2"], p["b2"])
    hid = n2 @ p["w1"]
    act = np.maximum(hid, 0)
    x2 = x1 + act @ p["w2"]
    return x2, (c1, c2, c3, n2, hid, act)


def loss(p, emb, target):
    return np.mean((block(p, emb @ p["win"])[0] - target) ** 2)


def gradients(p, emb, target):
    out, (c1, c2, c3, n2, hid, act) = block(p, emb @ p["win"])
    g = {}
    dx2 = 2 * (out - target) / out.size
    g["w2"] = np.einsum("bth,btd->hd", act, dx2)
    dact = dx2 @ p["w2"].T
    dhid = dact * (hid > 0)
    g["w1"] = np.einsum("btd,bth->dh", n2, dhid)
    dn2 = dhid @ p["w1"].T
    dx1, g["g2"], g["b2"] = layernorm_backward(dn2, c3)
    dx1 = dx1 + dx2
    datt, g["wq"], g["wk"], g["wv"], g["wo"] = attention_backward(
        dx1, c2, p["wq"], p["wk"], p["wv"], p["wo"]
    )
    dx, g["g1"], g["b1"] = layernorm_backward(datt, c1)
    dx = dx + dx1
    g["win"] = np.einsum("bte,btd->ed", emb, dx)
    return g


def problem(rng, b=2, t=3, e=3, d=4, h=2, k=3, hidden=5):
    shapes = {
        "win": (e, d),
        "wq": (h, d, k),
        "wk": (h, d, k),
        "wv": (h, d, k),
        "wo": (h, k, d),
        "w1": (d, hidden),
        "w2": (hidden, d),
    }
    p = {name: rng.normal(size=shape) * 0.6 for name, shape in shapes.items()}
    for name in ("g1", "g2"):
        p[name] = 1 + 0.3 * rng.normal(size=d)
    for name in ("b1", "b2"):
        p[name] = 0.3 * rng.normal(size=d)
    return p, rng.normal(size=(b, t, e)), rng.normal(size=(b, t, d))


RUNS = {
    "block": Run(
        "loss",
        "gradients",
        problem,
        {"b": 4, "t": 12, "e": 16, "d": 24, "h": 3, "k": 8, "hidden": 48},
    )
}


def norm(right, wrong, said, *also):
    return Wrong("layernorm_backward", right, wrong, said, "block", also)


def att(right, wrong, said, *also):
    return Wrong("attention_backward", right, wrong, said, "block", also)


def whole(right, wrong, said, *also):
    return Wrong("gradients", right, wrong, said, "block", also)


PATH = r"path|residual|skip|missing|left out|term|dx2|dx1"
SOFT = r"softmax|jacobian|sum|term|row"
WRONG = [
    norm("dxhat - m1 - xhat * m2", "dxhat - m1", r"variance|term|path|missing|m2|xhat"),
    norm("dxhat - m1 - xhat * m2", "dxhat - xhat * m2", r"mean|term|path|missing|m1"),
    norm("dxhat = dy * g", "dxhat = dy", r"\bg\b|gain|gamma|scale|factor|missing"),
    norm(
        "(dxhat * xhat).mean(-1, keepdims=True)",
        "(dxhat * xhat).sum(-1, keepdims=True)",
        r"mean|average|sum",
    ),
    norm(
        'np.einsum("btd,btd->d", dy, xhat)',
        'np.einsum("btd,btd->d", dy, g * xhat)',
        r"\bg\b|xhat|factor|gain|gamma",
    ),
    att("    ds = ds / np.sqrt(wq.shape[-1])\n", "", r"sqrt|root|scale|factor|shape"),
    att(
        "ds = ds / np.sqrt(wq.shape[-1])",
        "ds = ds / np.sqrt(wq.shape[1])",
        r"shape|sqrt|scale|axis|width",
    ),
    att("axis=-1, keepdims=True", "axis=-2, keepdims=True", r"axis|softmax|row|column"),
    att("a * (da - np.sum(da * a, axis=-1, keepdims=True))", "a * (1 - a) * da", SOFT + "|1 - a"),
    att('"bhij,bhik->bhjk", a, do', '"bhji,bhik->bhjk", a, do', r"transpos|order|ind|swap|bhij"),
    att('"bhij,bhik->bhjk", ds, q', '"bhij,bhjk->bhik", ds, q', r"transpos|order|ind|swap|bhij"),
    att(
        'dk = np.einsum("bhij,bhik->bhjk", ds, q)',
        'dk = np.einsum("bhij,bhik->bhjk", ds, k)',
        r"\bq\b|\bk\b|quer|key",
    ),
    att(
        '    dx += np.einsum("bhtk,hdk->btd", dv, wv)\n',
        "",
        r"path|value|missing|term|left out|dv|wv",
    ),
    att(
        'dx += np.einsum("bhtk,hdk->btd", dk, wk)',
        'dx = np.einsum("bhtk,hdk->btd", dk, wk)',
        r"\+=|accumul|overwrit|path|term|add|sum|term|left out",
    ),
    whole("    dx1 = dx1 + dx2\n", "", PATH),
    whole("    dx = dx + dx1\n", "", PATH),
    whole("dact * (hid > 0)", "dact * (dact > 0)", r"relu|hid|dact|slope|derivative"),
    whole(
        "2 * (out - target) / out.size",
        "2 * (out - target) / len(out)",
        r"size|len|average|number of|mean",
    ),
    whole(
        ("    dx1 = dx1 + dx2\n", "dact * (hid > 0)"),
        ("", "dact"),
        (PATH, r"relu|slope|derivative|hid > 0"),
    ),
    Wrong(
        "attention_backward",
        ("    ds = ds / np.sqrt(wq.shape[-1])\n", 'dx += np.einsum("bhtk,hdk->btd", dk, wk)'),
        ("", 'dx = np.einsum("bhtk,hdk->btd", dk, wk)'),
        (r"sqrt|root|scale|factor|shape", r"\+=|accumul|overwrit|path|term|add|sum|term|left out"),
        "block",
    ),
    Wrong(
        "attention_backward",
        ("ds = ds / np.sqrt(wq.shape[-1])", "a * (da - np.sum(da * a, axis=-1, keepdims=True))"),
        ("ds = ds / np.sqrt(wq.shape[1])", "a * (1 - a) * da"),
        ("shape|sqrt|scale|axis|width", "softmax|jacobian|sum|term|row|1 - a"),
        "block",
    ),
]
