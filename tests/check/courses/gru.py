"""A gated recurrent unit over a sequence of rows, the last state read by a linear layer."""

import numpy as np

from tests.check.collection import Run, Wrong


def sigmoid(x):
    return 1.0 / (1.0 + np.exp(-x))


class GRU:
    def __init__(self, params):
        self.p = params

    def forward(self, inputs):
        p = self.p
        T, _ = inputs.shape
        n = p["bz"].size
        self.inputs = inputs
        self.h = np.zeros((T + 1, n))
        self.z, self.r, self.hbar = np.zeros((T, n)), np.zeros((T, n)), np.zeros((T, n))
        for t in range(T):
            x = inputs[t]
            self.z[t] = sigmoid(x @ p["Wz"] + self.h[t - 1] @ p["Uz"] + p["bz"])
            self.r[t] = sigmoid(x @ p["Wr"] + self.h[t - 1] @ p["Ur"] + p["br"])
            self.hbar[t] = np.tanh(x @ p["Wh"] + (self.r[t] * self.h[t - 1]) @ p["Uh"] + p["bh"])
            self.h[t] = self.z[t] * self.h[t - 1] + (1 - self.z[t]) * self.hbar[t]
        return self.h[:-1] @ p["Wy"] + p["by"]

    def backward(self, dy):
        p = self.p
        T, n = len(dy), p["bz"].size
        grads = {k: np.zeros_like(v) for k, v in p.items()}
        dhnext = np.zeros(n)
        for t in reversed(range(T)):
            grads["Wy"] += np.outer(self.h[t], dy[t])
            grads["by"] += dy[t]
            dh = p["Wy"] @ dy[t] + dhnext
            dhbar = dh * (1 - self.z[t])
            dhbar_l = dhbar * (1 - self.hbar[t] ** 2)
            grads["Wh"] += np.outer(self.inputs[t], dhbar_l)
            grads["Uh"] += np.outer(self.r[t] * self.h[t - 1], dhbar_l)
            grads["bh"] += dhbar_l
            drhp = p["Uh"] @ dhbar_l
            dr = drhp * self.h[t - 1]
            dr_l = dr * self.r[t] * (1 - self.r[t])
            grads["Wr"] += np.outer(self.inputs[t], dr_l)
            grads["Ur"] += np.outer(self.h[t - 1], dr_l)
            grads["br"] += dr_l
            dz = dh * (self.h[t - 1] - self.hbar[t])
            dz_l = dz * self.z[t] * (1 - self.z[t])
            grads["Wz"] += np.outer(self.inputs[t], dz_l)
            grads["Uz"] += np.outer(self.h[t - 1], dz_l)
            grads["bz"] += dz_l
            dh_fz_inner = p["Uz"] @ dz_l
            dh_fz = dh * self.z[t]
            dh_fhh = drhp * self.r[t]
            dh_fr = p["Ur"] @ dr_l
            dhnext = dh_fz_inner + dh_fz + dh_fhh + dh_fr
        return grads


def loss(params, inputs, targets):
    return 0.5 * np.mean(np.sum((GRU(params).forward(inputs) - targets) ** 2, axis=1))


def gradients(params, inputs, targets):
    gru = GRU(params)
    out = gru.forward(inputs)
    return gru.backward((out - targets) / len(targets))


def problem(rng, T=4, d=2, n=3, c=2):
    params = {}
    for g in "zrh":
        params["W" + g] = rng.normal(size=(d, n)) * 0.7
        params["U" + g] = rng.normal(size=(n, n)) * 0.7
        params["b" + g] = rng.normal(size=n) * 0.3
    params["Wy"] = rng.normal(size=(n, c)) * 0.7
    params["by"] = rng.normal(size=c) * 0.3
    return params, rng.normal(size=(T, d)), rng.normal(size=(T, c))


RUNS = {"gru": Run("loss", "gradients", problem, {"T": 20, "d": 10, "n": 16, "c": 5})}


def back(right, mistaken, said, *also):
    return Wrong("GRU.backward", right, mistaken, said, "gru", also)


GATE = r"sigmoid|gate|derivative|slope|1 - "
PATH = r"path|term|missing|left out|next|step|time"
WRONG = [
    back('dh = p["Wy"] @ dy[t] + dhnext', 'dh = p["Wy"] @ dy[t]', PATH + "|dhnext"),
    back("dh_fz_inner + dh_fz + dh_fhh + dh_fr", "dh_fz_inner + dh_fhh + dh_fr", PATH + "|dh_fz"),
    back("dh_fz_inner + dh_fz + dh_fhh + dh_fr", "dh_fz_inner + dh_fz + dh_fr", PATH + "|dh_fhh"),
    back("dh_fz_inner + dh_fz + dh_fhh + dh_fr", "dh_fz + dh_fhh + dh_fr", PATH + "|dh_fz_inner"),
    back(
        "dz = dh * (self.h[t - 1] - self.hbar[t])",
        "dz = dh * (self.hbar[t] - self.h[t - 1])",
        r"sign|order|minus|swap|negat",
    ),
    back(
        "dz = dh * (self.h[t - 1] - self.hbar[t])",
        "dz = dh * self.h[t - 1]",
        r"hbar|term|missing|path",
    ),
    back("dhbar = dh * (1 - self.z[t])", "dhbar = dh * self.z[t]", r"1 - |\bz\b"),
    back(
        "dhbar * (1 - self.hbar[t] ** 2)",
        "dhbar * self.hbar[t] * (1 - self.hbar[t])",
        r"tanh|sigmoid|derivative|slope|square",
    ),
    back("dr = drhp * self.h[t - 1]", "dr = drhp * self.h[t]", r"t - 1|previous|\bh\b"),
    back(
        "np.outer(self.r[t] * self.h[t - 1], dhbar_l)",
        "np.outer(self.h[t - 1], dhbar_l)",
        r"self\.r|reset|gate",
    ),
    back(
        "dr_l = dr * self.r[t] * (1 - self.r[t])", "dr_l = dr * (1 - self.r[t])", GATE + r"|self\.r"
    ),
    back("dz_l = dz * self.z[t] * (1 - self.z[t])", "dz_l = dz", GATE),
    back('grads["Uz"] += np.outer', 'grads["Uz"] = np.outer', r"\+=|accumul|overwrit|add|sum"),
    back('drhp = p["Uh"] @ dhbar_l', 'drhp = p["Uh"].T @ dhbar_l', r"transpos|\.T"),
    Wrong(
        "gradients",
        "(out - targets) / len(targets)",
        "(out - targets) / targets.size",
        r"size|len|average|number of",
        "gru",
    ),
    Wrong(
        "gradients",
        "(out - targets) / len(targets)",
        "2 * (out - targets) / len(targets)",
        r"factor|\b2\b|twice",
        "gru",
    ),
    back(
        ("dh_fz_inner + dh_fz + dh_fhh + dh_fr", "dhbar * (1 - self.hbar[t] ** 2)"),
        ("dh_fz_inner + dh_fz + dh_fhh", "dhbar"),
        (PATH + "|dh_fr", r"tanh|derivative|slope"),
    ),
]
