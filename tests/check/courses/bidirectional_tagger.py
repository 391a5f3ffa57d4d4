"""A tagger that reads each sentence forwards and backwards; some words carry no tag."""

import numpy as np
from tests.check.collection import Run, Wrong

IGNORE = -1


def forward(p, words):
    T, H = len(words), len(p["bf"])
    x = p["E"][words]
    hf = np.zeros((T + 1, H))  # hf[0]: nothing read yet
    hb = np.zeros((T + 1, H))  # hb[T]: nothing read yet
    for t in range(T):
        hf[t + 1] = np.tanh(x[t] @ p["Wf"] + hf[t] @ p["Uf"] + p["bf"])
    for t in range(T - 1, -1, -1):
        hb[t] = np.tanh(x[t] @ p["Wb"] + hb[t + 1] @ p["Ub"] + p["bb"])
    h = np.concatenate([hf[1:], hb[:-1]], axis=1)
    scores = h @ p["Wo"] + p["bo"]
    probs = np.exp(scores - scores.max(axis=1, keepdims=True))
    probs /= probs.sum(axis=1, keepdims=True)
    return x, hf, hb, h, probs


def loss(p, sentences, tags):
    total, count = 0.0, 0
    for words, labels in zip(sentences, tags):
        probs = forward(p, words)[-1]
        for t, label in enumerate(labels):
            if label == IGNORE:
                continue
            total -= np.log(probs[t, label])
            count += 1
    return total / count


def backward(p, words, labels, cache, grads):
    x, hf, hb, h, probs = cache
    T, H = len(words), len(p["bf"])
    dscores = probs.copy()
    for t, label in enumerate(labels):
        if label == IGNORE:
            dscores[t] = 0
        else:
            dscores[t, label] -= 1
    grads["Wo"] += h.T @ dscores
    grads["bo"] += dscores.sum(axis=0)
    dh = dscores @ p["Wo"].T
    dhf, dhb = dh[:, :H], dh[:, H:]
    dx = np.zeros_like(x)

    carry = np.zeros(H)
    for t in range(T - 1, -1, -1):
        dz = (dhf[t] + carry) * (1 - hf[t + 1] ** 2)
        grads["Wf"] += np.outer(x[t], dz)
        grads["Uf"] += np.outer(hf[t], dz)
        grads["bf"] += dz
        dx[t] += p["Wf"] @ dz
        carry = p["Uf"] @ dz

    back = np.zeros(H)
    for t in range(T):
        dz = (dhb[t] + back) * (1 - hb[t] ** 2)
        grads["Wb"] += np.outer(x[t], dz)
        grads["Ub"] += np.outer(hb[t + 1], dz)
        grads["bb"] += dz
        dx[t] += p["Wb"] @ dz
        back = p["Ub"] @ dz

    for t in range(T):
        grads["E"][words[t]] += dx[t]


def gradients(p, sentences, tags):
    grads = {k: np.zeros_like(v) for k, v in p.items()}
    count = 0
    for words, labels in zip(sentences, tags):
        backward(p, words, labels, forward(p, words), grads)
        count += sum(label != IGNORE for label in labels)
    for k in grads:
        grads[k] = grads[k] / count
    return grads


def problem(rng, vocab=6, d=3, h=4, k=3, lengths=(4, 3, 5)):
    shapes = {
        "E": (vocab, d),
        "Wf": (d, h),
        "Uf": (h, h),
        "bf": (h,),
        "Wb": (d, h),
        "Ub": (h, h),
        "bb": (h,),
        "Wo": (2 * h, k),
        "bo": (k,),
    }
    p = {name: rng.normal(size=shape) * 0.6 for name, shape in shapes.items()}
    sentences = [rng.integers(0, vocab, T).tolist() for T in lengths]
    sentences[0][1] = sentences[0][0]
    tags = [rng.integers(0, k, T).tolist() for T in lengths]
    for labels in tags:
        labels[1] = IGNORE
    return p, sentences, tags


RUNS = {
    "tagger": Run(
        "loss",
        "gradients",
        problem,
        {"vocab": 50, "d": 16, "h": 20, "k": 6, "lengths": (12, 7, 15, 9)},
    )
}


def back(right, wrong, said, *also):
    return Wrong("backward", right, wrong, said, "tagger", also)


def whole(right, wrong, said, *also):
    return Wrong("gradients", right, wrong, said, "tagger", also)


TANH = r"tanh|derivative|slope|1 - |square"
TIME = r"carry|back\b|step|time|recurren|carried|later|next|previous|hidden|state|path"
MASK = r"ignore|mask|label|tag|dscores\[t\]|zero"
WRONG = [
    back("dscores[t] = 0", "continue", MASK, "if label == IGNORE"),
    back("dscores[t] = 0", "dscores[t, label] -= 1", MASK),
    back("dscores[t, label] -= 1", "dscores[t, label] += 1", r"sign|-=|minus|subtract"),
    back("dscores[t, label] -= 1", "dscores[t, label - 1] -= 1", r"label|index|shift|off by one"),
    back("(dhf[t] + carry)", "dhf[t]", TIME),
    back(
        "        carry = p",
        "        carry += p",
        r"carry|back\b|step|time|recurren|carried|later|next|previous|hidden|state|path|\+=|accumul|overwrit|term|left out",
    ),
    back('        back = p["Ub"] @ dz\n', "", TIME),
    back("(1 - hf[t + 1] ** 2)", "(1 - hf[t] ** 2)", TANH + r"|hf\[t|t \+ 1"),
    back("(1 - hb[t] ** 2)", "(1 - hb[t + 1] ** 2)", TANH + r"|hb\[t|t \+ 1"),
    back(
        "np.outer(hf[t], dz)",
        "np.outer(hf[t + 1], dz)",
        r"hf\[t|t \+ 1|previous|before|step|state|off by one",
    ),
    back("np.outer(hb[t + 1], dz)", "np.outer(hb[t - 1], dz)", r"hb\[t|t [+-] 1|next|step|state"),
    back(
        "    back = np.zeros(H)\n    for t in range(T):\n",
        "    back = np.zeros(H)\n    for t in range(T - 1, -1, -1):\n",
        r"order|revers|direction|range|backward|forward|time",
    ),
    back(
        'dx[t] += p["Wb"] @ dz',
        'dx[t] = p["Wb"] @ dz',
        r"\+=|accumul|overwrit|add|path|sum|term|left out",
    ),
    back('carry = p["Uf"] @ dz', 'carry = p["Uf"].T @ dz', r"transpos|\.T"),
    back("dh[:, :H], dh[:, H:]", "dh[:, H:], dh[:, :H]", r"swap|order|half|halves|dhf|dhb|slice"),
    back(
        'grads["E"][words[t]] += dx[t]',
        'grads["E"][words[t]] = dx[t]',
        r"\+=|accumul|overwrit|repeat|twice|add|sum|term|left out",
    ),
    whole("grads[k] / count", "grads[k] / len(sentences)", r"count|len|average|number of|divi"),
    whole("grads[k] = grads[k] / count", "grads[k] = grads[k]", r"average|divi|count|mean"),
    back(
        ("(1 - hb[t] ** 2)", 'carry = p["Uf"] @ dz'),
        ("(1 - hb[t])", 'carry = p["Uf"].T @ dz'),
        (TANH, r"transpos|\.T"),
    ),
    Wrong(
        "backward",
        ("dscores[t, label] -= 1", 'grads["E"][words[t]] += dx[t]'),
        ("dscores[t, label - 1] -= 1", 'grads["E"][words[t]] = dx[t]'),
        (
            r"label|index|shift|off by one",
            r"\+=|accumul|overwrit|repeat|twice|add|sum|term|left out",
        ),
        "tagger",
    ),
    Wrong(
        "backward",
        ('        back = p["Ub"] @ dz\n', "np.outer(hf[t], dz)"),
        ("", "np.outer(hf[t + 1], dz)"),
        (
            r"carry|back\b|step|time|recurren|carried|later|next|previous|hidden|state|path",
            r"hf\[t|t \+ 1|previous|before|step|state|off by one",
        ),
        "tagger",
    ),
]
