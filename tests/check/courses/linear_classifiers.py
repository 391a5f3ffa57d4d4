"""Linear classifiers, each one function that returns loss and gradient: margins and softmax."""

import numpy as np
from tests.check.collection import Run, Wrong

REG = 0.1


def problem(rng, n=9, d=5, c=4):
    W = rng.normal(size=(d, c)) / np.sqrt(d)
    return W, rng.normal(size=(n, d)), rng.integers(0, c, n)


def svm_loss_naive(W, X, y, reg):
    dW = np.zeros(W.shape)
    num_classes = W.shape[1]
    num_train = X.shape[0]
    loss = 0.0
    for i in range(num_train):
        scores = X[i].dot(W)
        correct_class_score = scores[y[i]]
        for j in range(num_classes):
            if j == y[i]:
                continue
            margin = scores[j] - correct_class_score + 1
            if margin > 0:
                loss += margin
                dW[:, j] += X[i]
                dW[:, y[i]] -= X[i]
    loss /= num_train
    dW /= num_train
    loss += reg * np.sum(W * W)
    dW += 2 * reg * W
    return loss, dW


def svm_loss_counted(W, X, y, reg):
    """The gradient of a row as the count of its margins."""
    num_train, num_classes = X.shape[0], W.shape[1]
    dW = np.zeros_like(W)
    loss = 0.0
    for i in range(num_train):
        scores = X[i].dot(W)
        count = 0
        for j in range(num_classes):
            if j == y[i]:
                continue
            margin = scores[j] - scores[y[i]] + 1
            if margin > 0:
                loss += margin
                count += 1
                dW[:, j] += X[i]
        dW[:, y[i]] -= count * X[i]
    loss = loss / num_train + 0.5 * reg * np.sum(W * W)
    dW = dW / num_train + reg * W
    return loss, dW


def svm_loss_vectorized(W, X, y, reg):
    num_train = X.shape[0]
    scores = X.dot(W)
    correct_class_scores = scores[np.arange(num_train), y].reshape(-1, 1)
    margins = np.maximum(0, scores - correct_class_scores + 1)
    margins[np.arange(num_train), y] = 0
    loss = np.sum(margins) / num_train
    loss += reg * np.sum(W * W)
    mask = np.zeros(margins.shape)
    mask[margins > 0] = 1
    row_sum = np.sum(mask, axis=1)
    mask[np.arange(num_train), y] = -row_sum
    dW = X.T.dot(mask) / num_train
    dW += 2 * reg * W
    return loss, dW


def softmax_loss_naive(W, X, y, reg):
    dW = np.zeros_like(W)
    num_train = X.shape[0]
    num_classes = W.shape[1]
    loss = 0.0
    for i in range(num_train):
        f = X[i].dot(W)
        f -= np.max(f)
        p = np.exp(f) / np.sum(np.exp(f))
        loss += -np.log(p[y[i]])
        for k in range(num_classes):
            dW[:, k] += (p[k] - (k == y[i])) * X[i]
    loss /= num_train
    dW /= num_train
    loss += reg * np.sum(W * W)
    dW += 2 * reg * W
    return loss, dW


def softmax_loss_vectorized(W, X, y, reg):
    num_train = X.shape[0]
    scores = X.dot(W)
    scores -= np.max(scores, axis=1, keepdims=True)
    probs = np.exp(scores)
    probs /= np.sum(probs, axis=1, keepdims=True)
    correct_logprobs = -np.log(probs[range(num_train), y])
    loss = np.sum(correct_logprobs) / num_train
    loss += 0.5 * reg * np.sum(W * W)
    dscores = probs
    dscores[range(num_train), y] -= 1
    dscores /= num_train
    dW = np.dot(X.T, dscores)
    dW += reg * W
    return loss, dW


def svm_naive(W, X, y):
    return svm_loss_naive(W, X, y, REG)[0]


def svm_naive_gradient(W, X, y):
    return svm_loss_naive(W, X, y, REG)[1]


def svm_counted(W, X, y):
    return svm_loss_counted(W, X, y, REG)[0]


def svm_counted_gradient(W, X, y):
    return svm_loss_counted(W, X, y, REG)[1]


def svm(W, X, y):
    return svm_loss_vectorized(W, X, y, REG)[0]


def svm_gradient(W, X, y):
    return svm_loss_vectorized(W, X, y, REG)[1]


def softmax_naive(W, X, y):
    return softmax_loss_naive(W, X, y, REG)[0]


def softmax_naive_gradient(W, X, y):
    return softmax_loss_naive(W, X, y, REG)[1]


def softmax(W, X, y):
    return softmax_loss_vectorized(W, X, y, REG)[0]


def softmax_gradient(W, X, y):
    return softmax_loss_vectorized(W, X, y, REG)[1]


RUNS = {
    "svm naive": Run("svm_naive", "svm_naive_gradient", problem, {"n": 50, "d": 60, "c": 10}),
    "svm counted": Run("svm_counted", "svm_counted_gradient", problem, {"n": 50, "d": 60, "c": 10}),
    "svm": Run("svm", "svm_gradient", problem, {"n": 1000, "d": 784, "c": 10}),
    "softmax naive": Run(
        "softmax_naive", "softmax_naive_gradient", problem, {"n": 50, "d": 60, "c": 10}
    ),
    "softmax": Run("softmax", "softmax_gradient", problem, {"n": 1000, "d": 784, "c": 10}),
}


def naive(right, wrong, said, *also):
    return Wrong("svm_loss_naive", right, wrong, said, "svm naive", also)


def counted(right, wrong, said, *also):
    return Wrong("svm_loss_counted", right, wrong, said, "svm counted", also)


def vectorized(right, wrong, said, *also):
    return Wrong("svm_loss_vectorized", right, wrong, said, "svm", also)


def soft(right, wrong, said, *also):
    return Wrong("softmax_loss_naive", right, wrong, said, "softmax naive", also)


def probabilities(right, wrong, said, *also):
    return Wrong("softmax_loss_vectorized", right, wrong, said, "softmax", also)


AVERAGE = r"average|mean|divi|num_train"
PENALTY = r"penal|regulari|reg\b|factor|\b2\b|twice|half"
CORRECT = r"y\[i\]|correct|label|class"

WRONG = [
    naive("                dW[:, y[i]] -= X[i]\n", "", CORRECT + r"|missing|X\[i\]"),
    naive("dW[:, y[i]] -= X[i]", "dW[:, y[i]] += X[i]", r"sign|minus|subtract|-="),
    naive("dW[:, j] += X[i]", "dW[:, j] += margin * X[i]", r"margin|factor|mask"),
    naive("dW[:, j] += X[i]", "dW[:, j] = X[i]", r"\+=|accumul|overwrit|add|sum"),
    naive("    dW /= num_train\n", "", AVERAGE, "dW[:, ", "dW += 2"),
    naive("dW += 2 * reg * W", "dW += reg * W", PENALTY),
    naive("    dW += 2 * reg * W\n", "", PENALTY + "|missing"),
    naive("dW += 2 * reg * W", "dW -= 2 * reg * W", r"sign|minus|\+|subtract"),
    naive("dW += 2 * reg * W", "dW += 2 * reg * np.sum(W)", r"sum|W\b|penal|regulari"),
    naive(
        "    dW /= num_train\n    loss += reg * np.sum(W * W)\n    dW += 2 * reg * W\n",
        "    loss += reg * np.sum(W * W)\n    dW += 2 * reg * W\n    dW /= num_train\n",
        r"penal|regulari|reg\b|average|divi|order|before|after",
    ),
    counted("dW[:, y[i]] -= count * X[i]", "dW[:, y[i]] -= X[i]", r"count"),
    counted(
        "                count += 1\n", "                count += margin\n", r"count|margin|\b1\b"
    ),
    counted("dW / num_train + reg * W", "dW / num_train + 2 * reg * W", PENALTY),
    counted(
        "                count += 1\n", "                count = 1\n", r"\+=|count|accumul|overwrit"
    ),
    counted(
        "dW / num_train + reg * W",
        "dW / num_classes + reg * W",
        r"num_classes|num_train|" + AVERAGE,
    ),
    vectorized(
        "    mask[margins > 0] = 1\n",
        "    mask[margins > 0] = margins[margins > 0]\n",
        r"mask|margin|\b1\b|slope|derivative",
    ),
    vectorized(
        "    mask[np.arange(num_train), y] = -row_sum\n", "", CORRECT + r"|row_sum|missing|left out"
    ),
    vectorized("= -row_sum", "= row_sum", r"sign|minus|negat|-"),
    vectorized("= -row_sum", "= -1", r"row_sum|count|-1|sum"),
    vectorized("np.sum(mask, axis=1)", "np.sum(margins, axis=1)", r"mask|margins"),
    vectorized("X.T.dot(mask) / num_train", "X.T.dot(mask)", AVERAGE),
    vectorized("X.T.dot(mask) / num_train", "X.T.dot(margins) / num_train", r"mask|margins"),
    vectorized(
        "mask[margins > 0] = 1", "mask[margins >= 0] = 1", r">=|> 0|margins|mask|tie|compar"
    ),
    soft("(p[k] - (k == y[i])) * X[i]", "p[k] * X[i]", r"label|k == y|subtract|one-hot|target"),
    soft("(p[k] - (k == y[i])) * X[i]", "(p[k] - (k != y[i])) * X[i]", r"==|!=|label|compar"),
    soft("(p[k] - (k == y[i]))", "((k == y[i]) - p[k])", r"sign|minus|negat|order|swap"),
    soft("(p[k] - (k == y[i]))", "(f[k] - (k == y[i]))", r"\bp\b|\bf\b|softmax|probab|score"),
    soft("dW[:, k] += ", "dW[:, k] -= ", r"sign|minus|\+=|subtract"),
    soft("    dW /= num_train\n", "    dW /= num_classes\n", r"num_classes|num_train|" + AVERAGE),
    soft("-np.log(p[y[i]])", "-np.log10(p[y[i]])", r"log10|log|base|natural|factor|2\.30|ln"),
    probabilities(
        "dscores[range(num_train), y] -= 1",
        "dscores[range(num_train), y] = -1",
        r"-=|subtract|label|\badd",
    ),
    probabilities(
        "dscores[range(num_train), y] -= 1",
        "dscores[:, y] -= 1",
        r"range|arange|index|row|label|sample",
    ),
    probabilities(
        "    dscores[range(num_train), y] -= 1\n",
        "    dscores[range(num_train), y] -= 1\n    dscores[range(num_train), y] -= 1\n",
        r"twice|once|doubl|two|label|too much",
    ),
    probabilities("    dscores /= num_train\n", "", AVERAGE, "dW = np"),
    probabilities("    dW += reg * W\n", "    dW += 0.5 * reg * W\n", PENALTY + r"|0\.5"),
    probabilities(
        "    dscores /= num_train\n",
        "    dscores /= num_train\n    dscores /= num_train\n",
        r"twice|once|average|divi|too much",
        "dW = np",
    ),
    probabilities("    dscores = probs\n", "    dscores = scores\n", r"probs|scores|softmax"),
    probabilities(
        ("    dscores /= num_train\n", "    dW += reg * W\n"),
        ("", "    dW += 2 * reg * W\n"),
        (AVERAGE, PENALTY),
        "dW = np",
    ),
]
