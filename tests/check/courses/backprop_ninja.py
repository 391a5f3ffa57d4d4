"""Every line of a character model backward by hand: embedding, batch norm, tanh, cross-entropy."""

import numpy as np

from tests.check.collection import Run, Wrong


def forward(p, Xb, Yb):
    n = Xb.shape[0]
    emb = p["C"][Xb]
    embcat = emb.reshape(n, -1)
    hprebn = embcat @ p["W1"] + p["b1"]
    bnmeani = 1 / n * hprebn.sum(0, keepdims=True)
    bndiff = hprebn - bnmeani
    bndiff2 = bndiff**2
    bnvar = 1 / (n - 1) * bndiff2.sum(0, keepdims=True)
    bnvar_inv = (bnvar + 1e-5) ** -0.5
    bnraw = bndiff * bnvar_inv
    hpreact = p["bngain"] * bnraw + p["bnbias"]
    h = np.tanh(hpreact)
    logits = h @ p["W2"] + p["b2"]
    logit_maxes = logits.max(1, keepdims=True)
    norm_logits = logits - logit_maxes
    counts = np.exp(norm_logits)
    counts_sum = counts.sum(1, keepdims=True)
    counts_sum_inv = counts_sum**-1
    probs = counts * counts_sum_inv
    logprobs = np.log(probs)
    loss = -logprobs[range(n), Yb].mean()
    return loss, (
        emb,
        embcat,
        bndiff,
        bnvar,
        bnvar_inv,
        bnraw,
        h,
        counts,
        counts_sum,
        counts_sum_inv,
        probs,
        logprobs,
    )


def loss(p, Xb, Yb):
    return forward(p, Xb, Yb)[0]


def backward(p, Xb, Yb):
    n = Xb.shape[0]
    _, cache = forward(p, Xb, Yb)
    (
        emb,
        embcat,
        bndiff,
        bnvar,
        bnvar_inv,
        bnraw,
        h,
        counts,
        counts_sum,
        counts_sum_inv,
        probs,
        logprobs,
    ) = cache
    dlogprobs = np.zeros_like(logprobs)
    dlogprobs[range(n), Yb] = -1.0 / n
    dprobs = (1.0 / probs) * dlogprobs
    dcounts_sum_inv = (counts * dprobs).sum(1, keepdims=True)
    dcounts = counts_sum_inv * dprobs
    dcounts_sum = (-(counts_sum**-2)) * dcounts_sum_inv
    dcounts = dcounts + np.ones_like(counts) * dcounts_sum
    dnorm_logits = counts * dcounts
    dlogits = dnorm_logits.copy()
    dh = dlogits @ p["W2"].T
    dW2 = h.T @ dlogits
    db2 = dlogits.sum(0)
    dhpreact = (1.0 - h**2) * dh
    dbngain = (bnraw * dhpreact).sum(0, keepdims=True)
    dbnraw = p["bngain"] * dhpreact
    dbnbias = dhpreact.sum(0, keepdims=True)
    dbndiff = bnvar_inv * dbnraw
    dbnvar_inv = (bndiff * dbnraw).sum(0, keepdims=True)
    dbnvar = (-0.5 * (bnvar + 1e-5) ** -1.5) * dbnvar_inv
    dbndiff2 = (1.0 / (n - 1)) * np.ones_like(bndiff) * dbnvar
    dbndiff = dbndiff + (2 * bndiff) * dbndiff2
    dhprebn = dbndiff.copy()
    dbnmeani = (-dbndiff).sum(0)
    dhprebn += 1.0 / n * (np.ones_like(dhprebn) * dbnmeani)
    dembcat = dhprebn @ p["W1"].T
    dW1 = embcat.T @ dhprebn
    db1 = dhprebn.sum(0)
    demb = dembcat.reshape(emb.shape)
    dC = np.zeros_like(p["C"])
    for k in range(Xb.shape[0]):
        for j in range(Xb.shape[1]):
            ix = Xb[k, j]
            dC[ix] += demb[k, j]
    return {
        "C": dC,
        "W1": dW1,
        "b1": db1,
        "bngain": dbngain,
        "bnbias": dbnbias,
        "W2": dW2,
        "b2": db2,
    }


def problem(rng, n=6, vocab=5, block=2, d=2, h=4):
    p = {
        "C": rng.normal(size=(vocab, d)),
        "W1": rng.normal(size=(block * d, h)) * 0.6,
        "b1": rng.normal(size=h) * 0.1,
        "bngain": 1 + rng.normal(size=(1, h)) * 0.2,
        "bnbias": rng.normal(size=(1, h)) * 0.2,
        "W2": rng.normal(size=(h, vocab)) * 0.6,
        "b2": rng.normal(size=vocab) * 0.2,
    }
    return p, rng.integers(0, vocab, (n, block)), rng.integers(0, vocab, n)


RUNS = {
    "mlp": Run("loss", "backward", problem, {"n": 32, "vocab": 27, "block": 3, "d": 10, "h": 64})
}


def back(right, mistaken, said, *also):
    return Wrong("backward", right, mistaken, said, "mlp", also)


WRONG = [
    back(
        "dlogprobs[range(n), Yb] = -1.0 / n", "dlogprobs[range(n), Yb] = -1.0", r"average|divi|/ n"
    ),
    back(
        "dlogprobs[range(n), Yb] = -1.0 / n",
        "dlogprobs[range(n), Yb] = 1.0 / n",
        r"sign|minus|negat",
    ),
    back(
        "dprobs = (1.0 / probs) * dlogprobs",
        "dprobs = probs * dlogprobs",
        r"1\.0 / probs|log|divi|invers|derivative",
    ),
    back("(-(counts_sum**-2))", "(-(counts_sum**-1))", r"-2|square|power|expon"),
    back("(-(counts_sum**-2))", "(counts_sum**-2)", r"sign|minus|negat"),
    back(
        "    dcounts = dcounts + np.ones_like(counts) * dcounts_sum\n",
        "",
        r"path|term|missing|left out|counts_sum|softmax",
    ),
    back("dnorm_logits = counts * dcounts", "dnorm_logits = dcounts", r"counts|exp|derivative"),
    back("(1.0 - h**2) * dh", "(1.0 - h) * dh", r"square|\*\* ?2|tanh|derivative"),
    back(
        "dbnvar = (-0.5 * (bnvar + 1e-5) ** -1.5)",
        "dbnvar = (-0.5 * (bnvar + 1e-5) ** -0.5)",
        r"1\.5|0\.5|power|expon",
    ),
    back(
        "(1.0 / (n - 1)) * np.ones_like(bndiff)",
        "(1.0 / n) * np.ones_like(bndiff)",
        r"n - 1|Bessel|divi|average|sample",
    ),
    back(
        "    dbndiff = dbndiff + (2 * bndiff) * dbndiff2\n",
        "",
        r"path|term|missing|variance|dbndiff2|left out",
    ),
    back(
        "    dhprebn += 1.0 / n * (np.ones_like(dhprebn) * dbnmeani)\n",
        "",
        r"path|term|missing|mean|dbnmeani|left out",
    ),
    back("dbnmeani = (-dbndiff).sum(0)", "dbnmeani = dbndiff.sum(0)", r"sign|minus|negat"),
    back("dC[ix] += demb[k, j]", "dC[ix] = demb[k, j]", r"\+=|accumul|overwrit|add|sum"),
    back('dbnraw = p["bngain"] * dhpreact', "dbnraw = dhpreact", r"bngain|gain|gamma|factor"),
    back(
        "(bnraw * dhpreact).sum(0, keepdims=True)",
        "(bnraw * dh).sum(0, keepdims=True)",
        r"dhpreact|\bdh\b|tanh|derivative",
    ),
    back("dW2 = h.T @ dlogits", "dW2 = h.T @ probs", r"dlogits|probs"),
    back("(2 * bndiff) * dbndiff2", "bndiff * dbndiff2", r"factor|\b2\b|square|twice"),
    back(
        ("(1.0 - h**2) * dh", "(1.0 / (n - 1)) * np.ones_like(bndiff)"),
        ("(1.0 - h) * dh", "(1.0 / n) * np.ones_like(bndiff)"),
        (r"square|\*\* ?2|tanh|derivative", r"n - 1|Bessel|divi|average"),
    ),
]
