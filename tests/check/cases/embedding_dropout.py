"""Words from a table, averaged, a ReLU layer with dropout, softmax, cross-entropy, decay."""

import numpy as np
from tests.check.collection import Wrong

KEEP = 0.75
DECAY = 0.1


def problem(rng):
    params = {
        "E": rng.normal(size=(9, 4)),
        "W1": rng.normal(size=(4, 6)) * 0.7,
        "b1": rng.normal(size=6) * 0.3,
        "W2": rng.normal(size=(6, 3)) * 0.7,
        "b2": rng.normal(size=3) * 0.2,
    }
    words = rng.integers(0, 9, size=(7, 5))
    words[:, 3] = words[:, 1]  # a word that occurs twice
    y = rng.integers(0, 3, 7)
    mask = rng.uniform(size=(7, 6)) < KEEP
    mask[0, :4] = [True, False, True, True]
    return params, words, y, mask


def softmax(s):
    e = np.exp(s - s.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)


def loss(params, words, y, mask):
    mean = params["E"][words].mean(axis=1)
    h = np.maximum(mean @ params["W1"] + params["b1"], 0)
    dropped = h * mask / KEEP
    p = softmax(dropped @ params["W2"] + params["b2"])
    decay = 0.5 * DECAY * (np.sum(params["W1"] ** 2) + np.sum(params["W2"] ** 2))
    return -np.mean(np.log(p[np.arange(len(y)), y])) + decay


def added(params, words, y, mask):
    """np.add.at for the table."""
    E, W1, b1, W2, b2 = (params[k] for k in ("E", "W1", "b1", "W2", "b2"))
    n, length = words.shape
    vectors = E[words]
    mean = vectors.sum(axis=1) / length
    z = mean @ W1 + b1
    h = np.maximum(0, z)
    drop = h * mask / KEEP
    p = softmax(drop @ W2 + b2)
    dz2 = p.copy()
    dz2[np.arange(n), y] -= 1
    dz2 /= n
    dW2 = drop.T @ dz2 + DECAY * W2
    db2 = dz2.sum(axis=0)
    ddrop = dz2 @ W2.T
    dh = ddrop * mask / KEEP
    dz = dh * (z > 0)
    dW1 = mean.T @ dz + DECAY * W1
    db1 = dz.sum(axis=0)
    dmean = dz @ W1.T
    dvectors = np.repeat(dmean[:, None, :], length, axis=1) / length
    dE = np.zeros_like(E)
    np.add.at(dE, words, dvectors)
    return {"E": dE, "W1": dW1, "b1": db1, "W2": dW2, "b2": db2}


def counted(params, words, y, mask):
    """The average is a product with a matrix of counts."""
    n, length = words.shape
    vocabulary = len(params["E"])
    counts = np.stack([np.bincount(row, minlength=vocabulary) for row in words]) / length
    scale = mask.astype(float) / KEEP
    bag = counts @ params["E"]
    hidden = (bag @ params["W1"] + params["b1"]).clip(min=0) * scale
    scores = hidden @ params["W2"] + params["b2"]
    onehot = (y[:, None] == np.arange(3)).astype(float)
    g = (softmax(scores) - onehot) / n
    g_hidden = np.where(hidden > 0, g @ params["W2"].T * scale, 0)
    grads = {}
    grads["W2"] = hidden.T @ g
    grads["b2"] = g.sum(0)
    grads["W1"] = bag.T @ g_hidden
    grads["b1"] = g_hidden.sum(0)
    grads["E"] = counts.T @ (g_hidden @ params["W1"].T)
    for name in ("W1", "W2"):
        grads[name] += DECAY * params[name]
    return grads


def sentences(params, words, y, mask):
    """One sentence after the other, and one word after the other."""
    E = params["E"]
    total = [np.zeros_like(params[k]) for k in params]
    for i, sentence in enumerate(words):
        bag = np.zeros(E.shape[1])
        for word in sentence:
            bag += E[word]
        bag /= len(sentence)
        pre = params["W1"].T @ bag + params["b1"]
        keep = mask[i] / KEEP
        out = np.where(pre > 0, pre, 0) * keep
        s = params["W2"].T @ out + params["b2"]
        probs = np.exp(s) / np.exp(s).sum()
        ds = probs - (np.arange(3) == y[i])
        total[3] += np.outer(out, ds)
        total[4] += ds
        dout = params["W2"] @ ds
        dpre = dout * keep
        dpre[pre < 0] = 0
        total[1] += np.outer(bag, dpre)
        total[2] += dpre
        dbag = params["W1"] @ dpre
        for word in sentence:
            total[0][word] += dbag / len(sentence)
    total = [t / len(words) for t in total]
    total[1] += DECAY * params["W1"]
    total[3] += DECAY * params["W2"]
    return dict(zip(params, total, strict=True))


def columns(params, words, y, mask):
    """One column for each sentence; helpers which return tuples."""

    def forward(Z):
        A = np.maximum(Z, 0)
        return A, (Z > 0) * 1.0

    E, W1, W2 = params["E"], params["W1"].T, params["W2"].T
    m = len(y)
    S = np.zeros((len(E), m))  # how often a word occurs in a sentence
    for j in range(m):
        for w in words[j]:
            S[w, j] += 1 / words.shape[1]
    X = E.T @ S
    A, slope = forward(W1 @ X + params["b1"][:, np.newaxis])
    D = mask.T / KEEP
    AD = A * D
    P = softmax((W2 @ AD + params["b2"][:, np.newaxis]).T).T
    dZ2 = P - np.eye(3)[:, y]
    dW2 = dZ2 @ AD.T / m + DECAY * W2
    db2 = np.mean(dZ2, axis=1)
    dA = W2.T @ dZ2
    dA *= D
    dZ1 = dA * slope
    dW1 = dZ1 @ X.T / m + DECAY * W1
    db1 = np.mean(dZ1, axis=1)
    dX = W1.T @ dZ1 / m
    dE = S @ dX.T
    return {"E": dE, "W1": dW1.T, "b1": db1, "W2": dW2.T, "b2": db2}


WRONG = [
    Wrong(
        "added",
        "np.add.at(dE, words, dvectors)",
        "dE[words] += dvectors",
        r"add\.at|repeat|twice|duplicate|accumul|overwrit",
    ),
    Wrong(
        "added",
        "np.add.at(dE, words, dvectors)",
        "dE[words] = dvectors",
        r"add\.at|repeat|twice|duplicate|accumul|overwrit|\+=",
    ),
    Wrong("added", "length, axis=1) / length", "length, axis=1)", "average|mean|divide|length"),
    Wrong(
        "added",
        "length, axis=1) / length",
        "length, axis=1) / n",
        r"length|average|mean|divi|\bn\b",
    ),
    Wrong("added", "dh = ddrop * mask / KEEP", "dh = ddrop", "dropout|mask"),
    Wrong(
        "added", "dh = ddrop * mask / KEEP", "dh = ddrop * mask", "KEEP|scale|divide|factor|dropout"
    ),
    Wrong("added", "dh = ddrop * mask / KEEP", "dh = ddrop / KEEP", "mask|dropout"),
    Wrong(
        "added",
        "dh = ddrop * mask / KEEP",
        "dh = ddrop * mask * KEEP",
        "KEEP|scale|divi|factor|multipl",
    ),
    Wrong("added", "dW2 = drop.T @ dz2", "dW2 = h.T @ dz2", "drop|mask"),
    Wrong("added", "    dz = dh * (z > 0)\n", "    dz = dh\n", "derivative|mask|slope|relu"),
    Wrong(
        "added",
        "dW2 = drop.T @ dz2 + DECAY * W2",
        "dW2 = drop.T @ dz2",
        "regulari[sz]|decay|penalty|weight",
    ),
    Wrong("added", "+ DECAY * W1", "- DECAY * W1", "sign|minus|negat"),
    Wrong(
        "added", "+ DECAY * W1", "+ 0.5 * DECAY * W1", r"half|0\.5|factor|\b2\b|regulari[sz]|decay"
    ),
    Wrong(
        "added", "+ DECAY * W1", "+ DECAY * W1 / n", r"regulari[sz]|decay|average|mean|divi|\bn\b"
    ),
    Wrong(
        "added",
        "db1 = dz.sum(axis=0)",
        "db1 = dz.sum(axis=0) + DECAY * b1",
        "bias|regulari[sz]|decay|b1",
    ),
    Wrong("added", "db2 = dz2.sum(axis=0)", "db2 = dz2.sum(axis=0) / n", "average|mean|divi|twice"),
    Wrong("added", "dmean = dz @ W1.T", "dmean = dh @ W1.T", "derivative|mask|slope|dz|dh|relu"),
    Wrong(
        "added", "dW1 = mean.T @ dz", "dW1 = vectors.sum(axis=1).T @ dz", "mean|average|sum|divi"
    ),
    Wrong(
        "added",
        "dz2[np.arange(n), y] -= 1",
        "dz2[np.arange(n), y] += 1",
        "sign|minus|subtract|negat",
    ),
    Wrong("added", "    dz2 /= n\n", "", "average|mean|divide"),
    Wrong("added", "drop = h * mask / KEEP", "drop = h", "dropout|mask|forward"),
    Wrong(
        "added",
        ("length, axis=1) / length", "+ DECAY * W1"),
        ("length, axis=1)", ""),
        ("average|mean|divide|length", "regulari[sz]|decay|penalty|weight"),
    ),
    Wrong("counted", 'g @ params["W2"].T * scale', 'g @ params["W2"].T', "dropout|mask|scale"),
    Wrong(
        "counted",
        'g @ params["W2"].T * scale',
        'g @ params["W2"].T * mask',
        "KEEP|scale|divi|factor|dropout",
    ),
    Wrong(
        "counted",
        'np.where(hidden > 0, g @ params["W2"].T * scale, 0)',
        'g @ params["W2"].T * scale',
        "derivative|mask|slope|relu",
    ),
    Wrong(
        "counted",
        "(softmax(scores) - onehot) / n",
        "(softmax(scores) - onehot) / length",
        r"\bn\b|length|average|mean|divi",
    ),
    Wrong(
        "counted",
        "(softmax(scores) - onehot) / n",
        "(softmax(scores) - y[:, None]) / n",
        r"one.?hot|label",
    ),
    Wrong(
        "counted",
        'for name in ("W1", "W2"):',
        "for name in grads:",
        "regulari[sz]|bias|decay|b1|table|embedding",
    ),
    Wrong("counted", "grads[name] += DECAY", "grads[name] = DECAY", r"\+=|overwrit|add"),
    Wrong(
        "counted",
        "+= DECAY * params[name]",
        "+= 2 * DECAY * params[name]",
        r"factor|\b2\b|twice|double|half|regulari[sz]|decay",
    ),
    Wrong(
        "counted",
        'grads["E"] = counts.T @',
        'grads["E"] = np.sign(counts).T @',
        "count|average|mean|divi|length|occur",
    ),
    Wrong("counted", "= bag.T @ g_hidden", "= bag.T @ g_hidden / n", "average|mean|divi|twice"),
    Wrong(
        "counted",
        '    for name in ("W1", "W2"):\n        grads[name] += DECAY * params[name]\n',
        "",
        "regulari[sz]|decay|penalty",
    ),
    Wrong(
        "sentences",
        "total[0][word] += dbag / len(sentence)",
        "total[0][word] = dbag / len(sentence)",
        r"\+=|accumul|overwrit|add",
    ),
    Wrong(
        "sentences",
        "total[0][word] += dbag / len(sentence)",
        "total[0][word] += dbag",
        "average|mean|divide|len",
    ),
    Wrong(
        "sentences",
        "        for word in sentence:\n            total[0]",
        "        for word in set(sentence):\n            total[0]",
        "repeat|twice|duplicate|set|occur|count",
    ),
    Wrong(
        "sentences",
        "        for word in sentence:\n            total[0]",
        "        for word in sentence[:-1]:\n            total[0]",
        "last|word|off by one|slice",
    ),
    Wrong(
        "sentences",
        "        dpre[pre < 0] = 0\n",
        "        dpre[dpre < 0] = 0\n",
        r"\bpre\b|dpre|mask|derivative",
    ),
    Wrong(
        "sentences",
        "dpre = dout * keep",
        "dpre = dout * mask[i - 1] / KEEP",
        r"mask\[i\]|index|i - 1|dropout|keep",
    ),
    Wrong("sentences", "    total = [t / len(words) for t in total]\n", "", "average|mean|divide"),
    Wrong(
        "sentences",
        "    total = [t / len(words) for t in total]\n"
        '    total[1] += DECAY * params["W1"]\n'
        '    total[3] += DECAY * params["W2"]\n',
        '    total[1] += DECAY * params["W1"]\n'
        '    total[3] += DECAY * params["W2"]\n'
        "    total = [t / len(words) for t in total]\n",
        "regulari[sz]|decay|average|mean|divi|penalty",
    ),
    Wrong("sentences", "total[4] += ds", "total[4] = ds", r"\+=|accumul|overwrit|add|last"),
    Wrong("sentences", 'dbag = params["W1"] @ dpre', "dbag = dpre[:4]", "W1|weight|matrix"),
    Wrong("columns", "    dA *= D\n", "", "dropout|mask"),
    Wrong("columns", "    dA *= D\n", "    dA *= D * D\n", "twice|dropout|mask|KEEP|scale"),
    Wrong("columns", "dZ1 = dA * slope", "dZ1 = dA * A", "slope|derivative|mask|relu"),
    Wrong("columns", "dX = W1.T @ dZ1 / m", "dX = W1.T @ dZ1", "average|mean|divide"),
    Wrong("columns", "dZ1 @ X.T / m + DECAY * W1", "dZ1 @ X.T + DECAY * W1", "average|mean|divide"),
    Wrong(
        "columns",
        "dZ1 @ X.T / m + DECAY * W1",
        "(dZ1 @ X.T + DECAY * W1) / m",
        "regulari[sz]|decay|average|mean|divi|penalty",
    ),
    Wrong("columns", "dZ2 @ AD.T / m", "dZ2 @ A.T / m", "AD|drop|mask"),
    Wrong(
        "columns", "DECAY * W2", "DECAY * W2**2 / 2", "regulari[sz]|decay|derivative|square|penalty"
    ),
    Wrong("columns", "DECAY * W2", "DECAY * np.sign(W2)", "regulari[sz]|decay|sign|L1|L2|penalty"),
    Wrong(
        "columns",
        ("    dA *= D\n", "db2 = np.mean(dZ2, axis=1)"),
        ("", "db2 = np.sum(dZ2, axis=1)"),
        ("dropout|mask", "average|mean|divide"),
    ),
    Wrong(
        "counted",
        ("- onehot) / n", 'g @ params["W2"].T * scale'),
        ("- onehot)", 'g @ params["W2"].T'),
        ("average|mean|divide", "dropout|mask|scale|KEEP"),
    ),
    Wrong(
        "sentences",
        ("total[0][word] += dbag / len(sentence)", "        dpre[pre < 0] = 0\n"),
        ("total[0][word] = dbag / len(sentence)", ""),
        (r"\+=|accumul|overwrit|add", "derivative|mask|slope|relu"),
    ),
]
