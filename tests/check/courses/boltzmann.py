"""A restricted Boltzmann machine with its negative samples drawn; a pseudo-likelihood of spins."""

import numpy as np
from tests.check.collection import Run, Wrong


def sigmoid(x):
    return 1.0 / (1.0 + np.exp(-x))


class RBM:
    """v are rows of 0 and 1; free energy F(v) = -v.b - sum_j log(1 + exp(c_j + v.W_j))."""

    def __init__(self, params, decay=0.1):
        self.W, self.vbias, self.hbias = params
        self.decay = decay

    def free_energy(self, v):
        wx = v @ self.W + self.hbias
        return -v @ self.vbias - np.sum(np.log1p(np.exp(wx)), axis=1)

    def cost(self, v0, vk):
        gap = np.mean(self.free_energy(v0)) - np.mean(self.free_energy(vk))
        return gap + 0.5 * self.decay * np.sum(self.W**2)

    def contrastive_divergence(self, v0, vk):
        ph0 = sigmoid(v0 @ self.W + self.hbias)
        phk = sigmoid(vk @ self.W + self.hbias)
        n = v0.shape[0]
        positive = v0.T @ ph0
        negative = vk.T @ phk
        dW = -(positive - negative) / n
        dW += self.decay * self.W
        dvbias = -np.mean(v0 - vk, axis=0)
        dhbias = -np.mean(ph0 - phk, axis=0)
        return dW, dvbias, dhbias


def rbm_loss(params, v0, vk):
    return RBM(params).cost(v0, vk)


def rbm_grads(params, v0, vk):
    return RBM(params).contrastive_divergence(v0, vk)


def rbm_problem(rng, n=6, visible=5, hidden=3):
    params = (
        rng.normal(size=(visible, hidden)),
        rng.normal(size=visible) * 0.3,
        rng.normal(size=hidden) * 0.3,
    )
    v0 = rng.integers(0, 2, (n, visible)) * 1.0
    vk = rng.integers(0, 2, (n, visible)) * 1.0
    return params, v0, vk


def pseudo_likelihood(params, spins):
    """Each spin (-1 or 1) given all the others: couplings symmetric, none with itself."""
    J, field = params["J"], params["field"]
    S = (J + J.T) / 2
    S = S - np.diag(np.diag(S))
    total = 0.0
    for s in spins:
        for i in range(len(s)):
            local = field[i] + S[i] @ s
            total += np.log(1 + np.exp(-2 * s[i] * local))
    return total / len(spins)


def pseudo_gradient(params, spins):
    J, field = params["J"], params["field"]
    S = (J + J.T) / 2
    S = S - np.diag(np.diag(S))
    dS = np.zeros_like(S)
    dfield = np.zeros_like(field)
    for s in spins:
        for i in range(len(s)):
            local = field[i] + S[i] @ s
            p = sigmoid(-2 * s[i] * local)
            dlocal = -2 * s[i] * p
            dfield[i] += dlocal
            dS[i] += dlocal * s
    dS = dS / len(spins)
    dfield = dfield / len(spins)
    np.fill_diagonal(dS, 0)
    dJ = (dS + dS.T) / 2
    return {"J": dJ, "field": dfield}


def pseudo_problem(rng, n=5, d=4):
    params = {"J": rng.normal(size=(d, d)) * 0.5, "field": rng.normal(size=d) * 0.3}
    return params, rng.choice([-1.0, 1.0], (n, d))


RUNS = {
    "rbm": Run("rbm_loss", "rbm_grads", rbm_problem, {"n": 200, "visible": 64, "hidden": 30}),
    "spins": Run("pseudo_likelihood", "pseudo_gradient", pseudo_problem, {"n": 40, "d": 12}),
}


def rbm(right, wrong, said, *also):
    return Wrong("RBM.contrastive_divergence", right, wrong, said, "rbm", also)


def spins(right, wrong, said, *also):
    return Wrong("pseudo_gradient", right, wrong, said, "spins", also)


SIGN = r"sign|minus|negat|order|swap"
DECAY = r"decay|penal|regulari|self\.W|missing"
WRONG = [
    rbm("-(positive - negative) / n", "(positive - negative) / n", SIGN),
    rbm("-(positive - negative) / n", "-(positive + negative) / n", SIGN + r"|\+"),
    rbm("-(positive - negative) / n", "-(positive - negative)", r"average|divi|mean|\bn\b"),
    rbm("negative = vk.T @ phk", "negative = vk.T @ ph0", r"phk|ph0"),
    rbm("negative = vk.T @ phk", "negative = v0.T @ phk", r"\bvk\b|\bv0\b"),
    rbm(
        "phk = sigmoid(vk @ self.W + self.hbias)",
        "phk = vk @ self.W + self.hbias",
        r"sigmoid|missing|derivative|log",
    ),
    rbm(
        "ph0 = sigmoid(v0 @ self.W + self.hbias)",
        "ph0 = np.round(sigmoid(v0 @ self.W + self.hbias))",
        r"round|sampl|probabil|sigmoid|binar",
    ),
    rbm("        dW += self.decay * self.W\n", "", DECAY),
    rbm("dW += self.decay * self.W", "dW -= self.decay * self.W", DECAY + "|" + SIGN + r"|\+="),
    rbm("np.mean(v0 - vk, axis=0)", "np.sum(v0 - vk, axis=0)", r"average|mean|divi"),
    rbm(
        "-np.mean(ph0 - phk, axis=0)",
        "-np.mean(ph0 * (1 - ph0) - phk * (1 - phk), axis=0)",
        r"1 - ph|sigmoid|derivative|factor",
    ),
    spins("dlocal = -2 * s[i] * p", "dlocal = -s[i] * p", r"factor|\b2\b|twice|half"),
    spins("dlocal = -2 * s[i] * p", "dlocal = 2 * s[i] * p", SIGN),
    spins("sigmoid(-2 * s[i] * local)", "sigmoid(2 * s[i] * local)", SIGN + r"|1 - "),
    spins("dS[i] += dlocal * s", "dS[i] += dlocal * s[i]", r"s\[i\]|\bs\b|index|all|vector"),
    spins("dJ = (dS + dS.T) / 2", "dJ = dS", r"symmetr|transpos|\.T|dS"),
    spins("dJ = (dS + dS.T) / 2", "dJ = dS + dS.T", r"factor|\b2\b|twice|half|symmetr"),
    spins("    np.fill_diagonal(dS, 0)\n", "", r"diagonal|itself|mask"),
    spins("dlocal = -2 * s[i] * p", "dlocal = -2 * p", r"s\[i\]|factor|missing|chain"),
    rbm(
        ("-(positive - negative) / n", "-np.mean(ph0 - phk, axis=0)"),
        ("-(positive - negative)", "np.mean(ph0 - phk, axis=0)"),
        (r"average|divi|mean|\bn\b", SIGN),
    ),
    Wrong(
        "RBM.contrastive_divergence",
        ("negative = vk.T @ phk", "-np.mean(ph0 - phk, axis=0)"),
        ("negative = v0.T @ phk", "-np.mean(ph0 * (1 - ph0) - phk * (1 - phk), axis=0)"),
        (r"\bvk\b|\bv0\b", "1 - ph|sigmoid|derivative|factor"),
        "rbm",
    ),
    Wrong(
        "pseudo_gradient",
        ("dlocal = -2 * s[i] * p", "    np.fill_diagonal(dS, 0)\n"),
        ("dlocal = -s[i] * p", ""),
        (r"factor|\b2\b|twice|half", "diagonal|itself|zero|mask"),
        "spins",
    ),
]
