"""A transition parser: embedded windows, cubes, drawn dropout, smoothed and masked actions."""

import numpy as np
from tests.check.collection import Run, Wrong

SMOOTH, KEEP, L2 = 0.1, 0.8, 0.02


class ParserModel:
    def __init__(self, params, drop_mask):
        self.embed = params["embed"]
        self.W, self.b1 = params["W"], params["b1"]
        self.U, self.b2 = params["U"], params["b2"]
        self.drop_mask = drop_mask

    def embedding_lookup(self, w):
        n, n_features = w.shape
        return self.embed[w].reshape(n, n_features * self.embed.shape[1])

    def forward(self, w, legal):
        self.x = self.embedding_lookup(w)
        self.z = self.x @ self.W + self.b1
        self.h = self.z**3
        self.h_drop = self.h * self.drop_mask / KEEP
        logits = self.h_drop @ self.U + self.b2
        logits = np.where(legal, logits, -1e9)
        logits = logits - logits.max(axis=1, keepdims=True)
        self.log_p = logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))
        return self.log_p

    def targets(self, t, legal):
        """Nine tenths for the right action, the rest for the legal ones."""
        q = legal * SMOOTH / legal.sum(axis=1, keepdims=True)
        q[np.arange(len(t)), t] += 1 - SMOOTH
        return q

    def loss(self, w, legal, t):
        log_p = self.forward(w, legal)
        q = self.targets(t, legal)
        data = -np.sum(q * np.where(legal, log_p, 0)) / len(t)
        return data + 0.5 * L2 * (np.sum(self.W**2) + np.sum(self.U**2))

    def backward(self, w, legal, t):
        n, d = len(t), self.embed.shape[1]
        p = np.exp(self.log_p)
        q = self.targets(t, legal)
        d_logits = (p - q) / n
        d_U = self.h_drop.T @ d_logits + L2 * self.U
        d_b2 = d_logits.sum(axis=0)
        d_h_drop = d_logits @ self.U.T
        d_h = d_h_drop * self.drop_mask / KEEP
        d_z = d_h * 3 * self.z**2
        d_W = self.x.T @ d_z + L2 * self.W
        d_b1 = d_z.sum(axis=0)
        d_x = d_z @ self.W.T
        d_embed = np.zeros_like(self.embed)
        for k in range(w.shape[1]):
            np.add.at(d_embed, w[:, k], d_x[:, k * d : (k + 1) * d])
        return {"embed": d_embed, "W": d_W, "b1": d_b1, "U": d_U, "b2": d_b2}


def loss(params, w, legal, t, drop_mask):
    return ParserModel(params, drop_mask).loss(w, legal, t)


def gradients(params, w, legal, t, drop_mask):
    model = ParserModel(params, drop_mask)
    model.forward(w, legal)
    return model.backward(w, legal, t)


def problem(rng, n=6, features=3, vocab=7, d=2, h=5, actions=3):
    params = {
        "embed": rng.normal(size=(vocab, d)),
        "W": rng.normal(size=(features * d, h)) / np.sqrt(features * d),
        "b1": rng.normal(size=h) * 0.3,
        "U": rng.normal(size=(h, actions)) * 0.5,
        "b2": rng.normal(size=actions) * 0.3,
    }
    w = rng.integers(0, vocab, (n, features))
    t = rng.integers(0, actions, n)
    legal = rng.random((n, actions)) < 0.8
    legal[np.arange(n), t] = True
    legal[:, -1] = True
    return params, w, legal, t, rng.random((n, h)) < KEEP


RUNS = {
    "parser": Run(
        "loss",
        "gradients",
        problem,
        {"n": 128, "features": 12, "vocab": 100, "d": 10, "h": 50},
    )
}


def back(right, wrong, said, *also):
    return Wrong("ParserModel.backward", right, wrong, said, "parser", also)


MASK = r"mask|dropout|drop_mask|KEEP"
CUBE = r"cube|power|\*\* ?2|\*\* ?3|derivative|slope|factor|\b3\b|self\.z"
PENALTY = r"penal|regulari|L2\b|missing|decay"
WRONG = [
    back(
        "        q = self.targets(t, legal)\n",
        "        q = np.eye(p.shape[1])[t]\n",
        r"smooth|target|one-hot|label",
    ),
    back("d_logits = (p - q) / n", "d_logits = p - q", r"average|divi|mean|\bn\b"),
    back("d_logits = (p - q) / n", "d_logits = (p - q) / p.size", r"average|divi|size|\bn\b"),
    back("d_logits = (p - q) / n", "d_logits = (self.log_p - q) / n", r"log_p|exp|softmax|\bp\b"),
    back("d_U = self.h_drop.T", "d_U = self.h.T", MASK + r"|self\.h"),
    back(
        "d_h_drop * self.drop_mask / KEEP",
        "d_h_drop / KEEP",
        MASK,
        "d_z = d_h *",
        "d_h_drop = d_logits",
    ),
    back("d_h_drop * self.drop_mask / KEEP", "d_h_drop * self.drop_mask", MASK + r"|scale|divi"),
    back(
        "d_h_drop * self.drop_mask / KEEP",
        "d_h_drop * ~self.drop_mask / KEEP",
        MASK + "|invert|not|~",
    ),
    back("3 * self.z**2", "3 * self.h**2", CUBE + r"|self\.h"),
    back("3 * self.z**2", "self.z**2", CUBE),
    back("d_h * 3 * self.z**2", "d_h * (self.z > 0)", CUBE + "|relu"),
    back(
        "d_W = self.x.T @ d_z + L2 * self.W",
        "d_W = self.x.T @ d_z + 2 * L2 * self.W",
        PENALTY + r"|factor|\b2\b",
    ),
    back("d_W = self.x.T @ d_z + L2 * self.W", "d_W = self.x.T @ d_z", PENALTY),
    back("d_b2 = d_logits.sum(axis=0)", "d_b2 = d_logits.sum(axis=0) + L2 * self.b2", PENALTY),
    back(
        "np.add.at(d_embed, w[:, k], d_x[:, k * d : (k + 1) * d])",
        "d_embed[w[:, k]] += d_x[:, k * d : (k + 1) * d]",
        r"add\.at|accumul|twice|repeat|once",
    ),
    back(
        "d_x[:, k * d : (k + 1) * d]",
        "d_x.reshape(n, d, -1)[:, :, k]",
        r"reshape|order|slice|axes|transpos|k \* d",
    ),
    back("d_x = d_z @ self.W.T", "d_x = d_h @ self.W.T", CUBE + "|d_z|d_h"),
    back(
        ("d_logits = (p - q) / n", "d_h_drop * self.drop_mask / KEEP"),
        ("d_logits = (q - p) / n", "d_h_drop"),
        (r"sign|minus|order|swap|negat", MASK),
        "d_h_drop = d_logits",
    ),
    Wrong(
        "ParserModel.backward",
        ("d_U = self.h_drop.T", "np.add.at(d_embed, w[:, k], d_x[:, k * d : (k + 1) * d])"),
        ("d_U = self.h.T", "d_embed[w[:, k]] += d_x[:, k * d : (k + 1) * d]"),
        (r"mask|dropout|drop_mask|KEEP|self\.h", r"add\.at|accumul|twice|repeat|once"),
        "parser",
    ),
    Wrong(
        "ParserModel.backward",
        ("        q = self.targets(t, legal)\n", "d_x[:, k * d : (k + 1) * d]"),
        ("        q = np.eye(p.shape[1])[t]\n", "d_x.reshape(n, d, -1)[:, :, k]"),
        (r"smooth|target|one-hot|label", r"reshape|order|slice|axes|transpos|k \* d"),
        "parser",
    ),
    back(
        "d_h = d_h_drop * self.drop_mask / KEEP",
        "d_h = d_h_drop * (np.random.rand(*self.h.shape) < KEEP) / KEEP",
        r"random|anew|drawn|call to call|changes|same mask",
    ),
]
