"""Recurrent networks of characters: states in dicts, weights as globals or in an object, columns."""

import numpy as np
from tests.check.collection import Run, Wrong


def problem(rng, vocab=6, hidden=5, steps=5):
    params = {
        "Wxh": rng.normal(size=(hidden, vocab)) * 0.5,
        "Whh": rng.normal(size=(hidden, hidden)) / np.sqrt(hidden),
        "Why": rng.normal(size=(vocab, hidden)) * 0.5,
        "bh": rng.normal(size=(hidden, 1)) * 0.2,
        "by": rng.normal(size=(vocab, 1)) * 0.2,
    }
    text = rng.integers(0, vocab, steps + 1).tolist()
    return params, text[:-1], text[1:], rng.normal(size=(hidden, 1)) * 0.5


def lossFun(params, inputs, targets, hprev):
    Wxh, Whh, Why = params["Wxh"], params["Whh"], params["Why"]
    bh, by = params["bh"], params["by"]
    vocab_size = by.shape[0]
    xs, hs, ys, ps = {}, {}, {}, {}
    hs[-1] = np.copy(hprev)
    loss = 0
    for t in range(len(inputs)):
        xs[t] = np.zeros((vocab_size, 1))
        xs[t][inputs[t]] = 1
        hs[t] = np.tanh(np.dot(Wxh, xs[t]) + np.dot(Whh, hs[t - 1]) + bh)
        ys[t] = np.dot(Why, hs[t]) + by
        ps[t] = np.exp(ys[t]) / np.sum(np.exp(ys[t]))
        loss += -np.log(ps[t][targets[t], 0])
    dWxh, dWhh, dWhy = np.zeros_like(Wxh), np.zeros_like(Whh), np.zeros_like(Why)
    dbh, dby = np.zeros_like(bh), np.zeros_like(by)
    dhnext = np.zeros_like(hs[0])
    for t in reversed(range(len(inputs))):
        dy = np.copy(ps[t])
        dy[targets[t]] -= 1
        dWhy += np.dot(dy, hs[t].T)
        dby += dy
        dh = np.dot(Why.T, dy) + dhnext
        dhraw = (1 - hs[t] * hs[t]) * dh
        dbh += dhraw
        dWxh += np.dot(dhraw, xs[t].T)
        dWhh += np.dot(dhraw, hs[t - 1].T)
        dhnext = np.dot(Whh.T, dhraw)
    return loss, {"Wxh": dWxh, "Whh": dWhh, "Why": dWhy, "bh": dbh, "by": dby}, hs[len(inputs) - 1]


def loss(params, inputs, targets, hprev):
    return lossFun(params, inputs, targets, hprev)[0]


def gradients(params, inputs, targets, hprev):
    return lossFun(params, inputs, targets, hprev)[1]


class CharRNN:
    """Rows instead of columns, an average over the steps, only the last state kept apart."""

    def __init__(self, params):
        self.params = params

    def forward(self, inputs, targets, h0):
        p = self.params
        self.x = np.eye(p["U"].shape[0])[inputs]
        self.targets = targets
        self.s = np.zeros((len(inputs) + 1, h0.size))
        self.s[-1] = h0
        self.o = np.zeros((len(inputs), p["V"].shape[1]))
        for t in range(len(inputs)):
            self.s[t] = np.tanh(self.x[t] @ p["U"] + self.s[t - 1] @ p["W"] + p["b"])
            e = np.exp(self.s[t] @ p["V"] + p["c"])
            self.o[t] = e / e.sum()
        return -np.mean(np.log(self.o[np.arange(len(targets)), targets]))

    def bptt(self):
        p, T = self.params, len(self.targets)
        grads = {name: np.zeros(value.shape) for name, value in p.items()}
        delta_o = self.o.copy()
        delta_o[np.arange(T), self.targets] -= 1.0
        delta_o /= T
        delta_next = np.zeros(self.s.shape[1])
        for t in np.arange(T)[::-1]:
            grads["V"] += np.outer(self.s[t], delta_o[t])
            grads["c"] += delta_o[t]
            delta_s = p["V"] @ delta_o[t] + p["W"] @ delta_next
            delta_t = delta_s * (1 - self.s[t] ** 2)
            grads["U"] += np.outer(self.x[t], delta_t)
            grads["W"] += np.outer(self.s[t - 1], delta_t)
            grads["b"] += delta_t
            delta_next = delta_t
        return grads


def rows_problem(rng, vocab=5, hidden=4, steps=4):
    params = {
        "U": rng.normal(size=(vocab, hidden)) * 0.6,
        "W": rng.normal(size=(hidden, hidden)) / np.sqrt(hidden),
        "V": rng.normal(size=(hidden, vocab)) * 0.6,
        "b": rng.normal(size=hidden) * 0.2,
        "c": rng.normal(size=vocab) * 0.2,
    }
    text = rng.integers(0, vocab, steps + 1)
    return params, text[:-1], text[1:], rng.normal(size=hidden) * 0.4


def rows_loss(params, inputs, targets, h0):
    return CharRNN(params).forward(inputs, targets, h0)


def rows_gradients(params, inputs, targets, h0):
    rnn = CharRNN(params)
    rnn.forward(inputs, targets, h0)
    return rnn.bptt()


RUNS = {
    "columns": Run("loss", "gradients", problem, {"vocab": 40, "hidden": 50, "steps": 25}),
    "rows": Run(
        "rows_loss", "rows_gradients", rows_problem, {"vocab": 30, "hidden": 40, "steps": 20}
    ),
}


def fun(right, wrong, said, *also):
    return Wrong("lossFun", right, wrong, said, "columns", also)


def bptt(right, wrong, said, *also):
    return Wrong("CharRNN.bptt", right, wrong, said, "rows", also)


TANH = r"tanh|derivative|slope|1 - |square"
LABEL = r"label|target|subtract|-= 1|one-hot"
TIME = r"dhnext|next|step|time|recurren|carried|later"

WRONG = [
    fun("np.dot(Why.T, dy) + dhnext", "np.dot(Why.T, dy)", TIME),
    fun("        dhnext = np.dot(Whh.T, dhraw)\n", "", TIME + "|Whh", "+ dhnext"),
    fun("dhnext = np.dot(Whh.T, dhraw)", "dhnext = np.dot(Whh, dhraw)", r"transpos|\.T"),
    fun("dhnext = np.dot(Whh.T, dhraw)", "dhnext = np.dot(Whh.T, dh)", r"dhraw|\bdh\b|" + TANH),
    fun(
        "dhnext = np.dot(Whh.T, dhraw)",
        "dhnext += np.dot(Whh.T, dhraw)",
        r"\+=|accumul|overwrit|add|twice",
    ),
    fun("        dy[targets[t]] -= 1\n", "", LABEL),
    fun(
        "        dy[targets[t]] -= 1\n",
        "        dy[targets[t]] -= 1\n        dy[targets[t]] -= 1\n",
        LABEL + "|twice|once|too much",
    ),
    fun("dy[targets[t]] -= 1", "dy[inputs[t]] -= 1", LABEL + "|inputs"),
    fun("(1 - hs[t] * hs[t]) * dh", "hs[t] * (1 - hs[t]) * dh", TANH + "|sigmoid"),
    fun("(1 - hs[t] * hs[t]) * dh", "dh", TANH),
    fun(
        "(1 - hs[t] * hs[t]) * dh",
        "(1 - hs[t - 1] * hs[t - 1]) * dh",
        TANH + r"|t - 1|previous|hs\[t\]",
    ),
    fun("(1 - hs[t] * hs[t]) * dh", "(1 - dh * dh) * dh", TANH + r"|hs\[t\]"),
    fun(
        "dWhh += np.dot(dhraw, hs[t - 1].T)", "dWhh += np.dot(dhraw, hs[t].T)", r"t - 1|previous|hs"
    ),
    fun(
        "dWhh += np.dot(dhraw, hs[t - 1].T)",
        "dWhh = np.dot(dhraw, hs[t - 1].T)",
        r"\+=|accumul|overwrit|add|sum",
    ),
    fun("dbh += dhraw", "dbh += dh", r"dhraw|\bdh\b|" + TANH),
    fun("dWxh += np.dot(dhraw, xs[t].T)", "dWxh += np.dot(dh, xs[t].T)", r"dhraw|\bdh\b|" + TANH),
    fun("dWhy += np.dot(dy, hs[t].T)", "dWhy += np.dot(ps[t], hs[t].T)", r"\bdy\b|ps"),
    fun(
        "for t in reversed(range(len(inputs))):",
        "for t in range(len(inputs)):",
        r"revers|backward|order|time|last",
    ),
    fun(
        "for t in reversed(range(len(inputs))):",
        "for t in reversed(range(1, len(inputs))):",
        r"first|range|off by one|step|\b1\b",
    ),
    fun(
        "-np.log(ps[t][targets[t], 0])",
        "-np.log2(ps[t][targets[t], 0])",
        r"log2|log\b|base|natural|factor",
    ),
    fun("dby += dy", "dby += dy / len(inputs)", r"average|divi|len\(inputs\)|sum"),
    fun(
        ("np.dot(Why.T, dy) + dhnext", "dby += dy"),
        ("np.dot(Why.T, dy)", "dby = dy"),
        (TIME, r"\+=|accumul|overwrit|add|sum"),
    ),
    bptt("        delta_o /= T\n", "", r"average|mean|divi", 'grads["V"] += '),
    bptt('p["V"] @ delta_o[t] + p["W"] @ delta_next', 'p["V"] @ delta_o[t]', TIME + "|W"),
    bptt(
        'p["V"] @ delta_o[t] + p["W"] @ delta_next',
        'p["V"] @ delta_o[t] + p["W"].T @ delta_next',
        r"transpos|\.T",
    ),
    bptt("delta_next = delta_t", "delta_next = delta_s", r"delta_t|delta_s|" + TANH),
    bptt("(1 - self.s[t] ** 2)", "(1 - self.s[t])", r"square|\*\* ?2|" + TANH),
    bptt(
        "np.outer(self.s[t - 1], delta_t)",
        "np.outer(delta_t, self.s[t - 1])",
        r"transpos|order|swap|outer",
    ),
    bptt('grads["U"] += np.outer', 'grads["U"] = np.outer', r"\+=|accumul|overwrit|add|sum"),
    bptt(
        "for t in np.arange(T)[::-1]:",
        "for t in np.arange(T)[::-2]:",
        r"\[::-1\]|step|every|-1|range",
    ),
]
