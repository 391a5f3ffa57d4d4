"""Multi-class support vector machine: scores, hinge loss over the margins, L2 on the weights."""

import numpy as np
from tests.check.collection import Wrong


def problem(rng):
    W = rng.normal(size=(5, 4)) * 0.6
    X = rng.normal(size=(11, 5))
    y = rng.integers(0, 4, 11)
    return {"W": W}, X, y, 0.2


def loss(params, X, y, reg):
    W = params["W"]
    n = X.shape[0]
    scores = X @ W
    correct = scores[np.arange(n), y]
    margins = np.maximum(0, scores - correct[:, None] + 1)
    data_loss = (np.sum(margins) - n) / n  # the right class counts 1 per sample
    return data_loss + reg * np.sum(W * W)


def naive(params, X, y, reg):
    W = params["W"]
    dW = np.zeros(W.shape)
    num_classes = W.shape[1]
    num_train = X.shape[0]
    for i in range(num_train):
        scores = X[i].dot(W)
        correct_class_score = scores[y[i]]
        for j in range(num_classes):
            if j == y[i]:
                continue
            margin = scores[j] - correct_class_score + 1
            if margin > 0:
                dW[:, j] += X[i]
                dW[:, y[i]] -= X[i]
    dW /= num_train
    dW += 2 * reg * W
    return {"W": dW}


def vectorised(params, X, y, reg):
    W = params["W"]
    num_train = X.shape[0]
    scores = X.dot(W)
    correct = scores[np.arange(num_train), y].reshape(num_train, 1)
    margins = np.maximum(0, scores - correct + 1)
    margins[np.arange(num_train), y] = 0
    binary = margins
    binary[margins > 0] = 1
    row_sum = np.sum(binary, axis=1)
    binary[np.arange(num_train), y] = -row_sum
    dW = X.T.dot(binary) / num_train
    return {"W": dW + 2 * reg * W}


def counts(params, X, y, reg):
    """A loop over the samples, vectors over the classes."""
    W = params["W"]
    n, k = X.shape[0], W.shape[1]
    total = np.zeros_like(W)
    for x, label in zip(X, y, strict=True):
        s = x @ W
        violated = (s - s[label] + 1 > 0) & (np.arange(k) != label)
        coefficients = violated.astype(float)
        coefficients[label] = -violated.sum()
        total += np.outer(x, coefficients)
    return {"W": total / n + 2 * reg * W}


def one_hot(params, X, y, reg):
    W = params["W"]
    n = len(y)
    Y = np.eye(W.shape[1])[y]
    S = X @ W
    margin = S - np.sum(S * Y, axis=1, keepdims=True) + 1 - Y
    active = (margin > 0).astype(float)
    d_S = (active - Y * active.sum(axis=1, keepdims=True)) / n
    d_W = X.T @ d_S
    d_W += reg * 2 * W
    return {"W": d_W}


def gather(params, X, y, reg):
    """Scattered by np.add.at."""
    W = params["W"]
    scores = X @ W
    rows, classes = np.nonzero(scores - scores[range(len(y)), y][:, None] + 1 > 0)
    keep = classes != y[rows]
    rows, classes = rows[keep], classes[keep]
    grad = np.zeros(W.T.shape)
    np.add.at(grad, classes, X[rows])
    np.subtract.at(grad, y[rows], X[rows])
    return {"W": grad.T / len(X) + 2 * reg * W}


def by_class(params, X, y, reg):
    """The weights of a class at a time."""
    W = params["W"]
    n = X.shape[0]
    S = X @ W
    M = S - S[np.arange(n), y][:, None] + 1
    M[np.arange(n), y] = 0
    gradients = []
    for c in range(W.shape[1]):
        g = np.zeros(X.shape[1])
        others = (y != c) & (M[:, c] > 0)
        g += X[others].sum(axis=0)
        mine = y == c
        g -= (M[mine] > 0).sum(axis=1) @ X[mine]
        gradients.append(g / n + 2 * reg * W[:, c])
    return {"W": np.stack(gradients, axis=1)}


def hinge_backward(scores, y):
    n, k = scores.shape
    d_margin = np.zeros((n, k))
    for i in range(n):
        for j in range(k):
            if j != y[i] and scores[i, j] - scores[i, y[i]] + 1 > 0:
                d_margin[i, j] = 1 / n
    d_scores = d_margin.copy()
    for i in range(n):
        d_scores[i, y[i]] -= d_margin[i].sum()
    return d_scores


def stages(params, X, y, reg):
    W = params["W"]
    d_scores = hinge_backward(X @ W, y)
    data = np.einsum("ni,nk->ik", X, d_scores)
    penalty = 2 * reg * W
    return {"W": data + penalty}


MEAN = r"average|mean|divi"
L2 = r"regulari|L2|\breg\b|penalty|decay"
MARGIN = r"margin|threshold|\+ 1|delta|> 0"

WRONG = [
    Wrong("naive", "    dW /= num_train\n", "", MEAN),
    Wrong(
        "naive",
        "dW /= num_train",
        "dW /= num_classes",
        r"average|mean|divi|num_train|num_classes|number of",
    ),
    Wrong(
        "naive",
        "                dW[:, y[i]] -= X[i]\n",
        "",
        r"correct|true class|y\[i\]|missing|left out|label|path",
    ),
    Wrong("naive", "dW[:, y[i]] -= X[i]", "dW[:, y[i]] += X[i]", r"sign|minus|negat|subtract|-="),
    Wrong(
        "naive",
        "dW[:, y[i]] -= X[i]",
        "dW[:, j] -= X[i]",
        r"y\[i\]|\bj\b|label|correct|index|class",
    ),
    Wrong("naive", "dW[:, j] += X[i]", "dW[:, j] = X[i]", r"\+=|accumul|overwrit|add"),
    Wrong(
        "naive",
        "dW[:, j] += X[i]",
        "dW[:, j] += margin * X[i]",
        r"margin|derivative|factor|multipl|extra|square",
    ),
    Wrong("naive", "    dW += 2 * reg * W\n", "", L2),
    Wrong("naive", "2 * reg * W", "reg * W", L2 + r"|factor|\b2\b|half"),
    Wrong("naive", "2 * reg * W", "reg * np.sum(W * W)", L2 + r"|derivative|square|sum"),
    Wrong("naive", "dW += 2", "dW -= 2", r"sign|minus|negat|\+="),
    Wrong("naive", "dW += 2", "dW = 2", r"\+=|accumul|overwrit|add|replac"),
    Wrong("naive", "correct_class_score + 1", "correct_class_score", MARGIN),
    Wrong(
        "naive",
        "            if j == y[i]:\n"
        "                continue\n"
        "            margin = scores[j] - correct_class_score + 1\n"
        "            if margin > 0:\n"
        "                dW[:, j] += X[i]\n",
        "            margin = scores[j] - correct_class_score + 1\n"
        "            if margin > 0:\n"
        "                if j != y[i]:\n"
        "                    dW[:, j] += X[i]\n",
        r"y\[i\]|continue|correct|label|class|skip",
    ),
    Wrong(
        "naive",
        "                dW[:, y[i]] -= X[i]\n",
        "            dW[:, y[i]] -= X[i]\n",
        r"indent|margin|condition|within|inside|only (if|where|when)|\bif\b",
    ),
    Wrong(
        "naive",
        "range(num_classes)",
        "range(num_classes - 1)",
        r"last|range|off by one|left out|skip|class",
    ),
    Wrong(
        "vectorised",
        "binary[np.arange(num_train), y] = -row_sum",
        "binary[np.arange(num_train), y] = -1",
        r"row_sum|count|number|sum",
    ),
    Wrong(
        "vectorised",
        "binary[np.arange(num_train), y] = -row_sum",
        "binary[np.arange(num_train), y] = row_sum",
        r"sign|minus|negat|-row_sum",
    ),
    Wrong(
        "vectorised",
        "    binary[np.arange(num_train), y] = -row_sum\n",
        "",
        r"correct|true class|row_sum|missing|left out|label|path",
    ),
    Wrong(
        "vectorised",
        "binary[np.arange(num_train), y] = -row_sum",
        "binary[:, y] = -row_sum[:, None]",
        r"arange|index|row|label",
    ),
    Wrong(
        "vectorised",
        "    margins[np.arange(num_train), y] = 0\n",
        "",
        r"correct|true class|= 0|missing|left out|label|zero",
    ),
    Wrong(
        "vectorised", "    binary[margins > 0] = 1\n", "", r"derivative|mask|> 0|= 1|margin|missing"
    ),
    Wrong(
        "vectorised",
        "binary[margins > 0] = 1",
        "binary[margins > 1] = 1",
        r"> 0|> 1|threshold|margin",
    ),
    Wrong("vectorised", "scores - correct + 1", "scores - correct - 1", r"sign|\+ 1|margin"),
    Wrong(
        "vectorised",
        "scores - correct + 1",
        "correct - scores + 1",
        r"sign|minus|order|operand|swap|scores - correct",
    ),
    Wrong("vectorised", "X.T.dot(binary) / num_train", "X.T.dot(binary)", MEAN),
    Wrong(
        "vectorised",
        "X.T.dot(binary)",
        "binary.T.dot(X).reshape(W.shape)",
        r"transpose|reshape|\.T|order",
    ),
    Wrong("vectorised", "2 * reg * W", "2 * W", L2),
    Wrong("counts", "-violated.sum()", "-violated.sum() / n", r"average|mean|divi|twice|extra"),
    Wrong("counts", "-violated.sum()", "-violated.mean()", r"average|mean|sum"),
    Wrong("counts", "-violated.sum()", "-(k - 1)", r"violated|sum|count|margin|number"),
    Wrong("counts", "total += np", "total -= np", r"sign|minus|negat|\+="),
    Wrong(
        "counts",
        "np.outer(x, coefficients)",
        "np.outer(x, coefficients * s)",
        r"coefficient|\bs\b|scores?|extra|factor",
    ),
    Wrong("counts", " & (np.arange(k) != label)", "", r"label|!=|correct|class|condition"),
    Wrong("counts", "np.zeros_like(W)", "2 * reg * W", r"zero|initial|start|" + L2),
    Wrong(
        "counts",
        "total / n + 2 * reg * W",
        "(total + 2 * reg * W) / n",
        L2 + r"|average|mean|divi|parenthes|bracket",
    ),
    Wrong(
        "one_hot",
        "(margin > 0).astype(float)",
        "np.maximum(margin, 0)",
        r"derivative|slope|mask|> 0|step",
    ),
    Wrong("one_hot", "Y * active.sum(axis=1, keepdims=True)", "Y", r"sum|count|number|active"),
    Wrong("one_hot", "active - Y * active", "active + Y * active", r"sign|minus|negat"),
    Wrong("one_hot", "active.sum(axis=1, keepdims=True)", "active.sum()", r"axis|axes|keepdims"),
    Wrong(
        "one_hot",
        "active.sum(axis=1, keepdims=True)",
        "active.sum(axis=0, keepdims=True)",
        r"axis|axes",
    ),
    Wrong("one_hot", " + 1 - Y", " - Y", MARGIN),
    Wrong(
        "one_hot",
        "np.sum(S * Y, axis=1, keepdims=True)",
        "np.max(S, axis=1, keepdims=True)",
        r"max|correct|label|S \* Y|sum",
    ),
    Wrong("one_hot", "    d_W += reg * 2 * W\n", "    d_W += reg * 2 * d_W\n", r"\bW\b|d_W|" + L2),
    Wrong(
        "gather",
        "    np.subtract.at(grad, y[rows], X[rows])\n",
        "",
        r"correct|true class|subtract|missing|left out|label|path",
    ),
    Wrong(
        "gather",
        "np.add.at(grad, classes, X[rows])",
        "grad[classes] += X[rows]",
        r"add\.at|repeat|accumul|index|duplicate|buffer",
    ),
    Wrong(
        "gather",
        "np.subtract.at(grad, y[rows], X[rows])",
        "grad[y[rows]] -= X[rows]",
        r"subtract\.at|repeat|accumul|index|duplicate|buffer",
    ),
    Wrong(
        "gather",
        "np.subtract.at(grad, y[rows]",
        "np.add.at(grad, y[rows]",
        r"sign|minus|negat|subtract",
    ),
    Wrong(
        "gather", "grad.T / len(X)", "grad.T / len(rows)", r"average|mean|divi|rows|number of|len"
    ),
    Wrong(
        "by_class",
        "np.stack(gradients, axis=1)",
        "np.stack(gradients)",
        r"transpose|axis|axes|\.T|shape",
    ),
    Wrong("by_class", "X[others].sum(axis=0)", "X[others].mean(axis=0)", r"average|mean|sum"),
    Wrong(
        "by_class",
        "(M[mine] > 0).sum(axis=1) @ X[mine]",
        "X[mine].sum(axis=0)",
        r"M\[mine\]|count|number|margin|> 0",
    ),
    Wrong(
        "by_class",
        "(y != c) & (M[:, c] > 0)",
        "(y != c) & (S[:, c] > 0)",
        r"\bM\b|\bS\b|margin|score",
    ),
    Wrong("by_class", "        g -= (M", "        g += (M", r"sign|minus|negat|-="),
    Wrong("hinge_backward", "d_margin[i, j] = 1 / n", "d_margin[i, j] = 1", MEAN, run="stages"),
    Wrong(
        "hinge_backward",
        "y[i]] -= d_margin",
        "y[i]] += d_margin",
        r"sign|minus|negat|-=|subtract",
        run="stages",
    ),
    Wrong(
        "hinge_backward",
        "scores[i, y[i]] + 1 > 0",
        "scores[i, y[i]] > 0",
        MARGIN,
        run="stages",
    ),
    Wrong("stages", "data + penalty", "data * penalty", r"data \+ penalty|\badd|\bsum|product"),
    Wrong("stages", "data + penalty", "data", L2),
    Wrong(
        "naive",
        ("    dW /= num_train\n", "dW[:, y[i]] -= X[i]"),
        ("", "dW[:, y[i]] += X[i]"),
        (MEAN, r"sign|minus|negat|subtract|-="),
    ),
    Wrong(
        "naive",
        ("2 * reg * W", "                dW[:, y[i]] -= X[i]\n"),
        ("reg * W", ""),
        (L2 + r"|factor|\b2\b|half", r"correct|true class|y\[i\]|missing|left out|label|path"),
    ),
    Wrong(
        "vectorised",
        ("= -row_sum", "X.T.dot(binary) / num_train"),
        ("= row_sum", "X.T.dot(binary)"),
        (r"sign|minus|negat|-row_sum", MEAN),
    ),
    Wrong(
        "one_hot",
        (" + 1 - Y", "    d_W += reg * 2 * W\n"),
        (" - Y", ""),
        (MARGIN, L2),
    ),
    Wrong(
        "gather",
        ("grad.T / len(X)", "2 * reg * W"),
        ("grad.T", "reg * W"),
        (MEAN, L2 + r"|factor|\b2\b|half"),
    ),
]
