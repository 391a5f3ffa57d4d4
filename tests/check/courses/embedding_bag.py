"""Documents as the mean of their words' vectors, a softmax on top; rows added up by np.add.at."""

import numpy as np
from tests.check.collection import Run, Wrong


def forward(p, docs, lengths):
    vectors = p["E"][docs]
    keep = (np.arange(docs.shape[1]) < lengths[:, None])[:, :, None]
    bag = (vectors * keep).sum(axis=1) / lengths[:, None]
    hidden = np.tanh(bag @ p["W"] + p["b"])
    scores = hidden @ p["U"]
    e = np.exp(scores - scores.max(axis=1, keepdims=True))
    return bag, hidden, e / e.sum(axis=1, keepdims=True), keep


def loss(p, docs, lengths, labels):
    probs = forward(p, docs, lengths)[2]
    return -np.log(probs[np.arange(len(labels)), labels]).sum() / len(labels)


def gradients(p, docs, lengths, labels):
    bag, hidden, probs, keep = forward(p, docs, lengths)
    n = len(labels)
    dscores = probs.copy()
    dscores[np.arange(n), labels] -= 1
    dscores /= n
    dU = hidden.T @ dscores
    dhidden = dscores @ p["U"].T
    da = dhidden * (1 - hidden * hidden)
    dW = bag.T @ da
    db = da.sum(axis=0)
    dbag = da @ p["W"].T
    dvectors = (dbag / lengths[:, None])[:, None, :] * keep
    dE = np.zeros_like(p["E"])
    np.add.at(dE, docs, dvectors)
    return {"E": dE, "W": dW, "b": db, "U": dU}


def problem(rng, n=5, L=4, V=7, d=3, h=4, k=3):
    p = {
        "E": rng.normal(size=(V, d)),
        "W": rng.normal(size=(d, h)),
        "b": rng.normal(size=h) * 0.2,
        "U": rng.normal(size=(h, k)),
    }
    docs = rng.integers(0, V, (n, L))
    docs[0, 1] = docs[0, 0]
    lengths = np.array([L, 2, 3, L, 1] * (n // 5 + 1))[:n]
    return p, docs, lengths, rng.integers(0, k, n)


RUNS = {"bag": Run("loss", "gradients", problem, {"n": 50, "L": 12, "V": 40, "d": 10, "h": 20})}


def wrong(right, bad, said, *also):
    return Wrong("gradients", right, bad, said, "bag", also)


WRONG = [
    wrong("np.add.at(dE, docs, dvectors)", "dE[docs] += dvectors", r"add\.at|repeat|twice|several"),
    wrong(
        "np.add.at(dE, docs, dvectors)",
        "dE[docs] = dvectors",
        r"add\.at|repeat|several|overwrit|\+=",
    ),
    wrong(
        "(dbag / lengths[:, None])[:, None, :] * keep",
        "dbag[:, None, :] * keep",
        r"lengths|divid|mean|average",
    ),
    wrong("[:, None, :] * keep", "[:, None, :] * np.ones_like(keep)", r"keep|mask|factor"),
    wrong("dbag / lengths[:, None]", "dbag / docs.shape[1]", r"lengths|shape\[1\]|divid"),
    wrong("    dscores /= n\n", "", r"average|divid|\bn\b|number", "dscores[np.arange"),
    wrong("(1 - hidden * hidden)", "hidden * (1 - hidden)", r"tanh|sigmoid|derivative|slope"),
    wrong("dW = bag.T @ da", "dW = bag.T @ dhidden", r"\bda\b|dhidden|derivative|tanh"),
    wrong('dbag = da @ p["W"].T', 'dbag = dhidden @ p["W"].T', r"\bda\b|dhidden|derivative|tanh"),
    wrong(
        "dscores[np.arange(n), labels] -= 1",
        "dscores[labels] -= 1",
        r"arange|index|row|label|\bn\b",
    ),
]
