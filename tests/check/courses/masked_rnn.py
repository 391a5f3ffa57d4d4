"""A recurrent classifier of padded sequences: a mask carries the state over the padding."""

import numpy as np
from tests.check.collection import Run, Wrong


def run_forward(p, x, mask):
    N, T, _ = x.shape
    h = np.zeros((N, p["Wh"].shape[0]))
    hs, cand = [h], []
    for t in range(T):
        m = mask[:, t : t + 1]
        new = np.tanh(x[:, t] @ p["Wx"] + h @ p["Wh"] + p["b"])
        h = m * new + (1 - m) * h
        cand.append(new)
        hs.append(h)
    return hs, cand, h @ p["Wo"] + p["bo"]


def loss(p, x, mask, y):
    logits = run_forward(p, x, mask)[2][:, 0]
    return np.mean(np.log(1 + np.exp(logits)) - y * logits)


def gradients(p, x, mask, y):
    hs, cand, logits = run_forward(p, x, mask)
    N, T, _ = x.shape
    prob = 1 / (1 + np.exp(-logits))
    dlogits = (prob - y[:, None]) / N
    grads = {k: np.zeros_like(v) for k, v in p.items()}
    grads["Wo"] = hs[-1].T @ dlogits
    grads["bo"] = dlogits.sum(axis=0)
    dh = dlogits @ p["Wo"].T
    for t in reversed(range(T)):
        m = mask[:, t : t + 1]
        dnew = dh * m
        da = dnew * (1 - cand[t] ** 2)
        grads["Wx"] += x[:, t].T @ da
        grads["Wh"] += hs[t].T @ da
        grads["b"] += da.sum(axis=0)
        dh = da @ p["Wh"].T + dh * (1 - m)
    return grads


def problem(rng, N=5, T=4, D=3, H=4):
    p = {
        "Wx": rng.normal(size=(D, H)),
        "Wh": rng.normal(size=(H, H)) * 0.7,
        "b": rng.normal(size=H) * 0.3,
        "Wo": rng.normal(size=(H, 1)),
        "bo": rng.normal(size=1),
    }
    lengths = np.array([T, 2, 3, T, 1] * (N // 5 + 1))[:N]
    mask = (np.arange(T)[None, :] < lengths[:, None]).astype(float)
    return p, rng.normal(size=(N, T, D)), mask, rng.integers(0, 2, N).astype(float)


RUNS = {"rnn": Run("loss", "gradients", problem, {"N": 60, "T": 10, "D": 8, "H": 16})}


def wrong(right, bad, said, *also):
    return Wrong("gradients", right, bad, said, "rnn", also)


WRONG = [
    wrong("dnew = dh * m", "dnew = dh", r"mask|\bm\b|factor"),
    wrong(
        'da @ p["Wh"].T + dh * (1 - m)', 'da @ p["Wh"].T', r"path|term|1 - m|missing|left out|mask"
    ),
    wrong('da @ p["Wh"].T + dh * (1 - m)', 'da @ p["Wh"].T + dh', r"1 - m|factor|mask|\bm\b"),
    wrong("hs[t].T @ da", "hs[t + 1].T @ da", r"hs\[t\]|index|t \+ 1|previous|off by one"),
    wrong("+ dh * (1 - m)", "+ dh * m", r"1 - m|complement|mask|share"),
    wrong(
        '        dh = da @ p["Wh"].T + dh * (1 - m)\n',
        "",
        r"missing|left out|path|back in time|Wh|dh",
    ),
    wrong(
        'grads["b"] += da.sum(axis=0)',
        'grads["b"] = da.sum(axis=0)',
        r"\+=|accumul|overwrit|sum|add|term",
    ),
    wrong("/ N\n", "\n", r"average|divid|\bN\b|number of samples"),
    wrong("reversed(range(T))", "range(T)", r"revers|order|backward|last"),
    wrong(
        'dh = dlogits @ p["Wo"].T',
        'dh = (dlogits @ p["Wo"].T) * (1 - hs[-1] ** 2)',
        r"tanh|derivative|twice|too (much|often)|once|extra|factor|slope",
    ),
]
