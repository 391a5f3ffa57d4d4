"""A character LSTM with parameters as objects of value and gradient, one column for each state."""

import numpy as np
from tests.check.collection import Run, Wrong


class Param:
    def __init__(self, name, value):
        self.name = name
        self.v = value
        self.d = np.zeros_like(value)


class Parameters:
    def __init__(self, values):
        for name, value in values.items():
            setattr(self, name, Param(name, value))
        self.names = list(values)

    def clear(self):
        for name in self.names:
            getattr(self, name).d.fill(0)


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def dsigmoid(y):
    return y * (1 - y)


def dtanh(y):
    return 1 - y * y


def forward(x, h_prev, C_prev, p):
    z = np.vstack((h_prev, x))
    f = sigmoid(np.dot(p.W_f.v, z) + p.b_f.v)
    i = sigmoid(np.dot(p.W_i.v, z) + p.b_i.v)
    C_bar = np.tanh(np.dot(p.W_C.v, z) + p.b_C.v)
    C = f * C_prev + i * C_bar
    o = sigmoid(np.dot(p.W_o.v, z) + p.b_o.v)
    h = o * np.tanh(C)
    v = np.dot(p.W_v.v, h) + p.b_v.v
    y = np.exp(v) / np.sum(np.exp(v))
    return z, f, i, C_bar, C, o, h, v, y


def backward(target, dh_next, dC_next, C_prev, step, p):
    z, f, i, C_bar, C, o, h, v, y = step
    H = h.shape[0]
    dv = np.copy(y)
    dv[target] -= 1
    p.W_v.d += np.dot(dv, h.T)
    p.b_v.d += dv

    dh = np.dot(p.W_v.v.T, dv)
    dh += dh_next
    do = dh * np.tanh(C)
    do = dsigmoid(o) * do
    p.W_o.d += np.dot(do, z.T)
    p.b_o.d += do

    dC = np.copy(dC_next)
    dC += dh * o * dtanh(np.tanh(C))
    dC_bar = dC * i
    dC_bar = dtanh(C_bar) * dC_bar
    p.W_C.d += np.dot(dC_bar, z.T)
    p.b_C.d += dC_bar

    di = dC * C_bar
    di = dsigmoid(i) * di
    p.W_i.d += np.dot(di, z.T)
    p.b_i.d += di

    df = dC * C_prev
    df = dsigmoid(f) * df
    p.W_f.d += np.dot(df, z.T)
    p.b_f.d += df

    dz = np.dot(p.W_f.v.T, df)
    dz += np.dot(p.W_i.v.T, di)
    dz += np.dot(p.W_C.v.T, dC_bar)
    dz += np.dot(p.W_o.v.T, do)
    dh_prev = dz[:H, :]
    dC_prev = f * dC
    return dh_prev, dC_prev


def one_hot(size, k):
    x = np.zeros((size, 1))
    x[k] = 1
    return x


def forward_backward(inputs, targets, h_prev, C_prev, p):
    size = p.b_v.v.shape[0]
    h, C = {-1: h_prev}, {-1: C_prev}
    steps = {}
    loss = 0
    for t in range(len(inputs)):
        steps[t] = forward(one_hot(size, inputs[t]), h[t - 1], C[t - 1], p)
        C[t], h[t] = steps[t][4], steps[t][6]
        loss += -np.log(steps[t][8][targets[t], 0])
    p.clear()
    dh_next = np.zeros_like(h_prev)
    dC_next = np.zeros_like(C_prev)
    for t in reversed(range(len(inputs))):
        dh_next, dC_next = backward(targets[t], dh_next, dC_next, C[t - 1], steps[t], p)
    return loss


def loss(values, inputs, targets, h_prev, C_prev):
    return forward_backward(inputs, targets, h_prev, C_prev, Parameters(values))


def gradients(values, inputs, targets, h_prev, C_prev):
    p = Parameters(values)
    forward_backward(inputs, targets, h_prev, C_prev, p)
    return {name: getattr(p, name).d for name in p.names}


def problem(rng, vocab=5, H=3, T=4):
    values = {}
    for gate in "fiCo":
        values["W_" + gate] = rng.normal(size=(H, H + vocab)) * 0.7
        values["b_" + gate] = rng.normal(size=(H, 1)) * 0.3
    values["W_v"] = rng.normal(size=(vocab, H))
    values["b_v"] = rng.normal(size=(vocab, 1)) * 0.3
    text = rng.integers(0, vocab, T + 1).tolist()
    return values, text[:-1], text[1:], rng.normal(size=(H, 1)), rng.normal(size=(H, 1))


RUNS = {"chars": Run("loss", "gradients", problem, {"vocab": 20, "H": 20, "T": 12})}


def back(right, wrong, said, *also):
    return Wrong("backward", right, wrong, said, "chars", also)


def walk(right, wrong, said, *also):
    return Wrong("forward_backward", right, wrong, said, "chars", also)


GATE = r"dsigmoid|dtanh|sigmoid|tanh|gate|derivative|slope|1 - "
TIME = r"dh_next|dC_next|next|step|time|recurren|carried|later|path|missing|term|left out"
WRONG = [
    back("    dh += dh_next\n", "", TIME),
    back("dC = np.copy(dC_next)", "dC = np.zeros_like(dC_next)", TIME + "|cell|zeros"),
    back("dC += dh * o * dtanh(np.tanh(C))", "dC += dh * o * dtanh(C)", r"tanh|\bC\b"),
    back(
        "dC += dh * o * dtanh(np.tanh(C))",
        "dC = dh * o * dtanh(np.tanh(C))",
        r"\+=|overwrit|accumul|add|" + TIME,
    ),
    back("do = dh * np.tanh(C)", "do = dh * C_bar", r"tanh|C_bar|\bC\b"),
    back("do = dsigmoid(o) * do", "do = dtanh(o) * do", GATE),
    back("    di = dsigmoid(i) * di\n", "", GATE + "|missing|factor"),
    back("df = dC * C_prev", "df = dC * C", r"C_prev|\bC\b|previous|before"),
    back("dC_bar = dC * i", "dC_bar = dC * f", r"\bi\b|\bf\b|input|forget|gate"),
    back("dC_prev = f * dC", "dC_prev = i * dC", r"\bi\b|\bf\b|input|forget|gate"),
    back("dC_prev = f * dC", "dC_prev = f * dC_next", r"\bdC\b|dC_next|path|term|cell"),
    back(
        "    dz += np.dot(p.W_o.v.T, do)\n",
        "",
        r"W_o|\bdo\b|output|path|term|missing|left out|gate",
    ),
    back(
        "dz += np.dot(p.W_C.v.T, dC_bar)",
        "dz = np.dot(p.W_C.v.T, dC_bar)",
        r"\+=|overwrit|accumul|add|path|term|sum|term|left out",
    ),
    back(
        "dh_prev = dz[:H, :]", "dh_prev = dz[-H:, :]", r"\bH\b|slice|first|last|order|top|\[:H|rows"
    ),
    back(
        "p.W_v.d += np.dot(dv, h.T)",
        "p.W_v.d = np.dot(dv, h.T)",
        r"\+=|overwrit|accumul|add|sum|term|left out",
    ),
    back(
        "    dv[target] -= 1\n",
        "    dv[target] -= 1\n    dv = y * (1 - y) * dv\n",
        r"softmax|sigmoid|y \* |1 - |derivative|factor|twice|cancel",
    ),
    walk(
        "dC_next, C[t - 1], steps[t], p)",
        "dC_next, C[t], steps[t], p)",
        r"t - 1|C_prev|previous|before|index|step|off by one|C\[t\]",
        "df = dC",
    ),
    walk(
        "for t in reversed(range(len(inputs))):",
        "for t in reversed(range(1, len(inputs))):",
        r"range|first|step|off by one|start|zero|\b0\b|\b1\b",
    ),
    walk(
        "dh_next, dC_next = backward(targets[t]", "dh_next, _ = backward(targets[t]", TIME + "|cell"
    ),
    Wrong(
        "backward",
        ("    dz += np.dot(p.W_o.v.T, do)\n", "dh_prev = dz[:H, :]"),
        ("", "dh_prev = dz[-H:, :]"),
        (
            r"W_o|\bdo\b|output|path|term|missing|left out|gate",
            r"\bH\b|slice|first|last|order|top|\[:H|rows",
        ),
        "chars",
    ),
    Wrong(
        "backward",
        ("df = dC * C_prev", "    dv[target] -= 1\n"),
        ("df = dC * C", "    dv[target] -= 1\n    dv = y * (1 - y) * dv\n"),
        (
            r"C_prev|\bC\b|previous|before",
            r"softmax|sigmoid|y \* |1 - |derivative|factor|twice|cancel",
        ),
        "chars",
    ),
    Wrong(
        "backward",
        ("do = dsigmoid(o) * do", "p.W_v.d += np.dot(dv, h.T)"),
        ("do = dtanh(o) * do", "p.W_v.d = np.dot(dv, h.T)"),
        (
            r"dsigmoid|dtanh|sigmoid|tanh|gate|derivative|slope|1 - ",
            r"\+=|overwrit|accumul|add|sum|term|left out",
        ),
        "chars",
    ),
    back(
        "    do = dh * np.tanh(C)\n",
        "    do = dh\n    do *= np.tanh(C)\n",
        r"in place|alias|copy|same array|overwrit|changed",
    ),
]
