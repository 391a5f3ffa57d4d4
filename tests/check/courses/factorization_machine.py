"""A factorisation machine for clicks, sample by sample; ranking of items from triples."""

import numpy as np
from tests.check.collection import Run, Wrong


def fm_score(x, w0, w, V):
    pairs = 0.0
    for f in range(V.shape[1]):
        s = np.dot(V[:, f], x)
        s_sq = np.dot(V[:, f] ** 2, x**2)
        pairs += 0.5 * (s**2 - s_sq)
    return w0 + np.dot(w, x) + pairs


def fm_loss(params, X, y, reg):
    """Labels are -1 and 1."""
    w0, w, V = params
    cost = 0.0
    for i in range(X.shape[0]):
        margin = y[i] * fm_score(X[i], w0, w, V)
        cost += np.log(1 + np.exp(-margin))
    return cost / X.shape[0] + reg * np.sum(w**2) + reg * np.sum(V**2)


def fm_grad(params, X, y, reg):
    w0, w, V = params
    m, n = X.shape
    k = V.shape[1]
    d0, dw, dV = 0.0, np.zeros(n), np.zeros((n, k))
    for i in range(m):
        x = X[i]
        score = fm_score(x, w0, w, V)
        dscore = -y[i] / (1 + np.exp(y[i] * score))
        d0 += dscore
        dw += dscore * x
        for f in range(k):
            s = np.dot(V[:, f], x)
            for j in range(n):
                dV[j, f] += dscore * (x[j] * s - V[j, f] * x[j] ** 2)
    d0 /= m
    dw = dw / m + 2 * reg * w
    dV = dV / m + 2 * reg * V
    return d0, dw, dV


def fm_problem(rng, m=6, n=4, k=3):
    params = 0.2, rng.normal(size=n) * 0.5, rng.normal(size=(n, k)) * 0.5
    X = rng.integers(0, 2, (m, n)) * 1.0
    X[:, -1] = rng.normal(size=m)
    return params, X, rng.choice([-1.0, 1.0], m), 0.05


class BPR:
    """Pairs of items: the one that was bought shall score higher."""

    def __init__(self, factors, lam=0.1):
        self.factors = factors
        self.lam = lam

    def _x_uij(self, u, i, j):
        P, Q, b = self.factors["P"], self.factors["Q"], self.factors["b"]
        return P[u] @ (Q[i] - Q[j]) + b[i] - b[j]

    def objective(self, triples):
        obj = 0
        for u, i, j in triples:
            obj -= np.log(1 / (1 + np.exp(-self._x_uij(u, i, j))))
        P, Q, b = self.factors["P"], self.factors["Q"], self.factors["b"]
        return obj + self.lam / 2 * (np.sum(P**2) + np.sum(Q**2) + np.sum(b**2))

    def gradient(self, triples):
        P, Q, b = self.factors["P"], self.factors["Q"], self.factors["b"]
        gP = self.lam * P
        gQ = self.lam * Q
        gb = self.lam * b
        for u, i, j in triples:
            x_uij = self._x_uij(u, i, j)
            sigma = 1 / (1 + np.exp(x_uij))
            gP[u] -= sigma * (Q[i] - Q[j])
            gQ[i] -= sigma * P[u]
            gQ[j] += sigma * P[u]
            gb[i] -= sigma
            gb[j] += sigma
        return {"P": gP, "Q": gQ, "b": gb}


def bpr_loss(factors, triples):
    return BPR(factors).objective(triples)


def bpr_gradient(factors, triples):
    return BPR(factors).gradient(triples)


def bpr_problem(rng, users=4, items=5, k=3, n=9):
    factors = {
        "P": rng.normal(size=(users, k)) * 0.6,
        "Q": rng.normal(size=(items, k)) * 0.6,
        "b": rng.normal(size=items) * 0.3,
    }
    triples = []
    for _ in range(n):
        i, j = rng.choice(items, 2, replace=False)
        triples.append((int(rng.integers(0, users)), int(i), int(j)))
    return factors, triples


RUNS = {
    "clicks": Run("fm_loss", "fm_grad", fm_problem, {"m": 20, "n": 12, "k": 4}),
    "triples": Run(
        "bpr_loss", "bpr_gradient", bpr_problem, {"users": 30, "items": 40, "k": 8, "n": 200}
    ),
}


def fm(right, wrong, said, *also):
    return Wrong("fm_grad", right, wrong, said, "clicks", also)


def bpr(right, wrong, said, *also):
    return Wrong("BPR.gradient", right, wrong, said, "triples", also)


SIGN = r"sign|minus|negat|order|swap|\+=|-="
PENALTY = r"penal|regulari|reg\b|lam\b|missing|decay"
WRONG = [
    fm("-y[i] / (1 + np.exp(y[i] * score))", "y[i] / (1 + np.exp(y[i] * score))", SIGN),
    fm("np.exp(y[i] * score)", "np.exp(-y[i] * score)", SIGN + "|1 - "),
    fm(
        "np.exp(y[i] * score)",
        "np.exp(score)",
        r"factor|margin|label|y\[i\] \* score|score \* y\[i\]",
    ),
    fm(
        "x[j] * s - V[j, f] * x[j] ** 2",
        "x[j] * s",
        r"square|term|missing|V\[j, f\]|itself|left out|path",
    ),
    fm("V[j, f] * x[j] ** 2", "V[j, f] * x[j]", r"square|\*\* ?2|power|x\[j\]"),
    fm("x[j] * s - V", "x[j] * s + V", SIGN + r"|\+"),
    fm("V[j, f] * x[j] ** 2", "V[j, f] ** 2 * x[j] ** 2", r"square|\*\* ?2|power|V\[j, f\]"),
    fm("s = np.dot(V[:, f], x)", "s = V[0, f] * x[0]", r"dot|sum|V\[:, f\]|\[0|first|all"),
    fm("    d0 /= m\n", "", r"average|divi|mean|\bm\b"),
    fm(
        "dw = dw / m + 2 * reg * w", "dw = (dw + 2 * reg * w) / m", PENALTY + r"|average|divi|\bm\b"
    ),
    fm("dV = dV / m + 2 * reg * V", "dV = dV / m + reg * V", PENALTY + r"|factor|\b2\b|half"),
    fm("d0 += dscore", "d0 = dscore", r"\+=|accumul|overwrit|add|sum|last|term|left out"),
    bpr("sigma = 1 / (1 + np.exp(x_uij))", "sigma = 1 / (1 + np.exp(-x_uij))", SIGN + "|1 - "),
    bpr(
        "            sigma = 1 / (1 + np.exp(x_uij))\n",
        "            sigma = 1 / (1 + np.exp(x_uij))\n            sigma = sigma * (1 - sigma)\n",
        r"sigmoid|derivative|slope|1 - |factor|too often|log",
    ),
    bpr("gP[u] -= sigma * (Q[i] - Q[j])", "gP[u] -= sigma * (Q[i] + Q[j])", SIGN + r"|\+"),
    bpr("gP[u] -= sigma * (Q[i] - Q[j])", "gP[u] -= sigma * Q[i]", r"Q\[j\]|term|missing|path"),
    bpr("gQ[j] += sigma * P[u]", "gQ[j] -= sigma * P[u]", SIGN),
    bpr("            gQ[j] += sigma * P[u]\n", "", r"Q\[j\]|gQ|missing|path|term|left out"),
    bpr("gP = self.lam * P", "gP = np.zeros_like(P)", PENALTY + r"|zero|0\.1"),
    bpr("gb = self.lam * b", "gb = 2 * self.lam * b", PENALTY + r"|factor|\b2\b|twice"),
    bpr("gb[j] += sigma", "gb[i] += sigma", r"\[i\]|\[j\]|index|cancel"),
    Wrong(
        "BPR.gradient",
        ("gP[u] -= sigma * (Q[i] - Q[j])", "gQ[j] += sigma * P[u]"),
        ("gP[u] -= sigma * (Q[i] + Q[j])", "gQ[j] -= sigma * P[u]"),
        (r"sign|minus|negat|order|swap|\+=|-=|\+", r"sign|minus|negat|order|swap|\+=|-="),
        "triples",
    ),
    Wrong(
        "fm_grad",
        ("-y[i] / (1 + np.exp(y[i] * score))", "V[j, f] * x[j] ** 2"),
        ("y[i] / (1 + np.exp(y[i] * score))", "V[j, f] * x[j]"),
        (r"sign|minus|negat|order|swap|\+=|-=", r"square|\*\* ?2|power|x\[j\]"),
        "clicks",
    ),
]
