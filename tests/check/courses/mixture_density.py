"""Networks that say how sure they are: a variance for each row, a mixture, quantiles."""

import numpy as np
from tests.check.collection import Run, Wrong


class VarianceNet:
    def __init__(self, p):
        self.p = p

    def forward(self, X):
        p = self.p
        self.X = X
        self.h = np.tanh(X @ p["W"] + p["b"])
        self.mu = self.h @ p["w_mu"] + p["b_mu"]
        self.log_var = self.h @ p["w_var"] + p["b_var"]

    def nll(self, X, y):
        self.forward(X)
        return 0.5 * np.mean(self.log_var + (y - self.mu) ** 2 / np.exp(self.log_var))

    def backprop(self, X, y):
        self.forward(X)
        p, n = self.p, len(y)
        inv_var = np.exp(-self.log_var)
        resid = self.mu - y
        d_mu = resid * inv_var / n
        d_log_var = 0.5 * (1 - resid**2 * inv_var) / n
        d_h = np.outer(d_mu, p["w_mu"]) + np.outer(d_log_var, p["w_var"])
        d_z = d_h * (1 - self.h**2)
        return {
            "W": X.T @ d_z,
            "b": d_z.sum(axis=0),
            "w_mu": self.h.T @ d_mu,
            "b_mu": d_mu.sum(),
            "w_var": self.h.T @ d_log_var,
            "b_var": d_log_var.sum(),
        }


def variance_loss(p, X, y):
    return VarianceNet(p).nll(X, y)


def variance_grads(p, X, y):
    return VarianceNet(p).backprop(X, y)


def variance_problem(rng, n=7, d=3, h=4):
    p = {
        "W": rng.normal(size=(d, h)),
        "b": rng.normal(size=h) * 0.3,
        "w_mu": rng.normal(size=h),
        "b_mu": 0.3,
        "w_var": rng.normal(size=h) * 0.5,
        "b_var": -0.2,
    }
    return p, rng.normal(size=(n, d)), rng.normal(size=n)


def mixture(theta, x):
    """One number in; weights, means and widths of K bumps out."""
    h = np.tanh(x[:, None] * theta["w1"] + theta["b1"])
    out = h @ theta["w2"] + theta["b2"]
    a, mu, s = np.split(out, 3, axis=1)
    pi = np.exp(a) / np.exp(a).sum(axis=1, keepdims=True)
    return h, pi, mu, np.exp(s)


def mdn_loss(theta, x, y):
    _, pi, mu, sigma = mixture(theta, x)
    bumps = np.exp(-0.5 * ((y[:, None] - mu) / sigma) ** 2) / (sigma * np.sqrt(2 * np.pi))
    return -np.sum(np.log(np.sum(pi * bumps, axis=1)))


def mdn_grads(theta, x, y):
    h, pi, mu, sigma = mixture(theta, x)
    z = (y[:, None] - mu) / sigma
    bumps = np.exp(-0.5 * z**2) / (sigma * np.sqrt(2 * np.pi))
    joint = pi * bumps
    gamma = joint / joint.sum(axis=1, keepdims=True)
    da = pi - gamma
    dmu = -gamma * z / sigma
    ds = -gamma * (z**2 - 1)
    dout = np.concatenate([da, dmu, ds], axis=1)
    grads = {"w2": h.T @ dout, "b2": dout.sum(axis=0)}
    dz1 = (dout @ theta["w2"].T) * (1 - h * h)
    grads["w1"] = (x[:, None] * dz1).sum(axis=0)
    grads["b1"] = dz1.sum(axis=0)
    return {name: grads[name] for name in theta}


def mdn_problem(rng, n=6, h=4, k=2):
    theta = {
        "w1": rng.normal(size=h),
        "b1": rng.normal(size=h) * 0.5,
        "w2": rng.normal(size=(h, 3 * k)) * 0.5,
        "b2": rng.normal(size=3 * k) * 0.3,
    }
    return theta, rng.normal(size=n), rng.normal(size=n)


def pinball(w, X, y, taus):
    """One column of w for each quantile."""
    u = y[:, None] - X @ w
    return np.mean(np.maximum(taus * u, (taus - 1) * u))


def pinball_grad(w, X, y, taus):
    u = y[:, None] - X @ w
    du = np.where(u > 0, taus, taus - 1)
    du = du / u.size
    return -X.T @ du


def pinball_problem(rng, n=9, d=3):
    taus = np.array([0.1, 0.4, 0.9])
    return rng.normal(size=(d, 3)), rng.normal(size=(n, d)), rng.normal(size=n), taus


RUNS = {
    "variance": Run(
        "variance_loss", "variance_grads", variance_problem, {"n": 300, "d": 20, "h": 30}
    ),
    "mdn": Run("mdn_loss", "mdn_grads", mdn_problem, {"n": 200, "h": 20, "k": 5}),
    "quantiles": Run("pinball", "pinball_grad", pinball_problem, {"n": 300, "d": 20}),
}


def var(right, wrong, said, *also):
    return Wrong("VarianceNet.backprop", right, wrong, said, "variance", also)


def mdn(right, wrong, said, *also):
    return Wrong("mdn_grads", right, wrong, said, "mdn", also)


def pin(right, wrong, said, *also):
    return Wrong("pinball_grad", right, wrong, said, "quantiles", also)


SIGN = r"sign|minus|negat|order|swap"
TANH = r"tanh|derivative|slope|1 - |square"
WRONG = [
    var(
        "inv_var = np.exp(-self.log_var)",
        "inv_var = np.exp(self.log_var)",
        SIGN + r"|divi|inverse|recip",
    ),
    var("resid = self.mu - y", "resid = y - self.mu", SIGN, "d_mu = "),
    var("d_mu = resid * inv_var / n", "d_mu = resid / n", r"inv_var|variance|factor|missing|divi"),
    var(
        "0.5 * (1 - resid**2 * inv_var)",
        "0.5 * (1 - resid * inv_var)",
        r"square|\*\* ?2|resid|power",
    ),
    var("0.5 * (1 - resid**2 * inv_var)", "0.5 * (1 + resid**2 * inv_var)", SIGN + r"|\+"),
    var(
        "0.5 * (1 - resid**2 * inv_var)",
        "0.5 * (1 - resid**2 * inv_var**2)",
        r"square|\*\* ?2|power|inv_var|twice",
    ),
    var(
        "0.5 * (1 - resid**2 * inv_var)",
        "(1 - resid**2 * inv_var)",
        r"factor|\b2\b|half|0\.5|twice",
    ),
    var(
        ' + np.outer(d_log_var, p["w_var"])', "", r"path|term|missing|left out|w_var|d_log_var|var"
    ),
    var("(1 - self.h**2)", "(1 - self.h) ** 2", TANH),
    var(
        '"b_var": d_log_var.sum()',
        '"b_var": d_log_var.sum() * self.p["b_var"]',
        r"b_var|factor|multipl",
    ),
    mdn("da = pi - gamma", "da = gamma - pi", SIGN),
    mdn("da = pi - gamma", "da = -gamma", r"\bpi\b|softmax|term|missing|left out"),
    mdn("dmu = -gamma * z / sigma", "dmu = -gamma * z", r"sigma|divi|factor"),
    mdn(
        "dmu = -gamma * z / sigma",
        "dmu = gamma * z / sigma",
        SIGN,
        "dout = np.conc",
        "z = (y[:, None]",
    ),
    mdn(
        "ds = -gamma * (z**2 - 1)",
        "ds = -gamma * z**2",
        r"- 1|term|missing|sigma|left out|constant",
    ),
    mdn(
        "ds = -gamma * (z**2 - 1)",
        "ds = -gamma * (z**2 - 1) / sigma",
        r"sigma|exp|divi|factor|chain",
    ),
    mdn("joint.sum(axis=1, keepdims=True)", "joint.sum(axis=0, keepdims=True)", r"axis|row|column"),
    mdn(
        "np.concatenate([da, dmu, ds], axis=1)",
        "np.concatenate([da, ds, dmu], axis=1)",
        r"order|swap|dmu|ds",
    ),
    pin(
        "np.where(u > 0, taus, taus - 1)",
        "np.where(u > 0, taus - 1, taus)",
        SIGN + r"|> 0|where|branch|side",
    ),
    pin("du = du / u.size", "du = du / len(u)", r"size|len|average|number of|mean"),
    pin("return -X.T @ du", "return X.T @ du", SIGN),
    var(
        ("d_log_var = 0.5 * (1 - resid**2 * inv_var) / n", "(1 - self.h**2)"),
        ("d_log_var = 0.5 * (1 - resid**2 * inv_var)", "(1 - self.h)"),
        (r"average|divi|mean|\bn\b", TANH),
    ),
    Wrong(
        "VarianceNet.backprop",
        ("0.5 * (1 - resid**2 * inv_var)", "(1 - self.h**2)"),
        ("0.5 * (1 - resid * inv_var)", "(1 - self.h) ** 2"),
        (r"square|\*\* ?2|resid|power", "tanh|derivative|slope|1 - |square"),
        "variance",
    ),
    Wrong(
        "VarianceNet.backprop",
        ("0.5 * (1 - resid**2 * inv_var)", ' + np.outer(d_log_var, p["w_var"])'),
        ("0.5 * (1 - resid**2 * inv_var**2)", ""),
        (r"square|\*\* ?2|power|inv_var|twice", "path|term|missing|left out|w_var|d_log_var|var"),
        "variance",
    ),
    var(
        "        d_z = d_h * (1 - self.h**2)\n",
        "        self.h **= 2\n        d_z = d_h * (1 - self.h)\n",
        r"in place|alias|copy|same array|overwrit|changed",
    ),
]
