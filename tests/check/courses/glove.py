"""Word vectors from a table of counts, and from the mean of the words around."""

import numpy as np
from tests.check.collection import Run, Wrong

X_MAX, ALPHA, WINDOW = 10.0, 0.75, 2


def glove_cost(params, cooc):
    W, C, bw, bc = params["W"], params["C"], params["bw"], params["bc"]
    J = 0.0
    for i, j in zip(*np.nonzero(cooc)):
        x = cooc[i, j]
        weight = (x / X_MAX) ** ALPHA if x < X_MAX else 1.0
        inner = W[i] @ C[j] + bw[i] + bc[j] - np.log(x)
        J += 0.5 * weight * inner**2
    return J


def glove_gradient(params, cooc):
    W, C, bw, bc = params["W"], params["C"], params["bw"], params["bc"]
    weight = np.minimum(1.0, (cooc / X_MAX) ** ALPHA)
    log_x = np.log(np.where(cooc > 0, cooc, 1))
    inner = W @ C.T + bw[:, None] + bc[None, :] - log_x
    delta = weight * inner
    return {
        "W": delta @ C,
        "C": delta.T @ W,
        "bw": delta.sum(axis=1),
        "bc": delta.sum(axis=0),
    }


def glove_problem(rng, vocab=5, d=3):
    cooc = rng.integers(0, 16, (vocab, vocab)).astype(float)
    cooc[0, 1] = cooc[2, 2] = 0
    cooc[1, 0], cooc[3, 1] = 13, 15
    params = {
        "W": rng.normal(size=(vocab, d)),
        "C": rng.normal(size=(vocab, d)),
        "bw": rng.normal(size=vocab),
        "bc": rng.normal(size=vocab),
    }
    return params, cooc


def softmax(x):
    y = np.exp(x - np.max(x))
    return y / np.sum(y)


class CBOW:
    def __init__(self, W_in, W_out):
        self.W_in, self.W_out = W_in, W_out

    def context(self, text, pos):
        left = text[max(0, pos - WINDOW) : pos]
        right = text[pos + 1 : pos + 1 + WINDOW]
        return left + right

    def run(self, text):
        loss = 0
        dW_in, dW_out = np.zeros_like(self.W_in), np.zeros_like(self.W_out)
        for pos, target in enumerate(text):
            ctx = self.context(text, pos)
            h = np.zeros(self.W_in.shape[1])
            for c in ctx:
                h += self.W_in[c]
            h /= len(ctx)
            y = softmax(self.W_out.T @ h)
            loss -= np.log(y[target])
            err = y.copy()
            err[target] -= 1
            dW_out += np.outer(h, err)
            dh = self.W_out @ err
            for c in ctx:
                dW_in[c] += dh / len(ctx)
        return loss / len(text), [dW_in / len(text), dW_out / len(text)]


def cbow_loss(weights, text):
    return CBOW(*weights).run(text)[0]


def cbow_gradient(weights, text):
    return CBOW(*weights).run(text)[1]


def cbow_problem(rng, vocab=6, d=3, n=9):
    weights = [rng.normal(size=(vocab, d)), rng.normal(size=(d, vocab))]
    return weights, rng.integers(0, vocab, n).tolist()


RUNS = {
    "glove": Run("glove_cost", "glove_gradient", glove_problem, {"vocab": 30, "d": 8}),
    "cbow": Run("cbow_loss", "cbow_gradient", cbow_problem, {"vocab": 50, "d": 10, "n": 60}),
}


def glove(right, wrong, said, *also):
    return Wrong("glove_gradient", right, wrong, said, "glove", also)


def cbow(right, wrong, said, *also):
    return Wrong("CBOW.run", right, wrong, said, "cbow", also)


MEAN = r"average|mean|divi|len\("
WRONG = [
    glove("delta = weight * inner", "delta = inner", r"weight|factor|missing"),
    glove("delta = weight * inner", "delta = 2 * weight * inner", r"factor|\b2\b|twice|half"),
    glove(
        "delta = weight * inner", "delta = weight * inner**2", r"square|\*\* ?2|power|derivative"
    ),
    glove(
        "np.minimum(1.0, (cooc / X_MAX) ** ALPHA)",
        "(cooc / X_MAX) ** ALPHA",
        r"minimum|clip|limit|bound|1\.0|\b1\b|weight|X_MAX",
    ),
    glove("np.where(cooc > 0, cooc, 1)", "np.where(cooc > 0, cooc, 1) + 1", r"\+ 1|log|one"),
    glove("np.log(np.where", "np.log10(np.where", r"log"),
    glove("delta.T @ W", "delta @ W", r"transpos|\.T"),
    glove('"W": delta @ C', '"W": delta @ W', r"\bC\b|\bW\b"),
    glove(
        ('"bw": delta.sum(axis=1)', '"bc": delta.sum(axis=0)'),
        ('"bw": delta.sum(axis=0)', '"bc": delta.sum(axis=1)'),
        (r"axis|swap|bw", r"axis|swap|bc"),
        "return {",
    ),
    glove(" - log_x", "", r"log|target|missing|term|subtract"),
    glove(
        "bw[:, None] + bc[None, :]",
        "bw[None, :] + bc[:, None]",
        r"swap|axis|None|bw|bc|broadcast|transpos",
        "W, C, bw, bc = params",
    ),
    cbow("dW_in[c] += dh / len(ctx)", "dW_in[c] += dh", MEAN),
    cbow(
        "dW_in[c] += dh / len(ctx)",
        "dW_in[c] += dh / (2 * WINDOW)",
        MEAN + r"|WINDOW|ctx|number of",
    ),
    cbow(
        "dW_in[c] += dh / len(ctx)",
        "dW_in[c] = dh / len(ctx)",
        r"\+=|accumul|overwrit|add|sum|repeat|term|left out",
    ),
    cbow(
        "dW_in[c] += dh / len(ctx)",
        "dW_in[target] += dh / len(ctx)",
        r"\[c\]|target|context|index|ctx",
    ),
    cbow("err[target] -= 1", "err[target] = -1", r"-=|subtract|overwrit|minus|label"),
    cbow(
        "dW_out += np.outer(h, err)",
        "dW_out = np.outer(h, err)",
        r"\+=|accumul|overwrit|add|sum|term|left out",
    ),
    cbow("np.outer(h, err)", "np.outer(h, y)", r"\berr\b|\by\b|label|target|subtract"),
    cbow(
        "dh = self.W_out @ err", "dh = self.W_out @ (y * err)", r"\by\b|factor|softmax|derivative"
    ),
    cbow(
        "[dW_in / len(text), dW_out / len(text)]",
        "[dW_in, dW_out / len(text)]",
        MEAN,
        "dW_in[c] +=",
        "dh = self.W_out",
    ),
    cbow(
        ("dW_in[c] += dh / len(ctx)", "np.outer(h, err)"),
        ("dW_in[c] += dh", "np.outer(h, -err)"),
        (MEAN, r"sign|minus|negat"),
        "dh = self.W_out",
    ),
    Wrong(
        "glove_gradient",
        ("delta = weight * inner", "np.log(np.where"),
        ("delta = weight * inner**2", "np.log10(np.where"),
        (r"square|\*\* ?2|power|derivative", "log"),
        "glove",
    ),
    Wrong(
        "glove_gradient",
        ("delta = weight * inner", "np.where(cooc > 0, cooc, 1)"),
        ("delta = 2 * weight * inner", "np.where(cooc > 0, cooc, 1) + 1"),
        (r"factor|\b2\b|twice|half", r"\+ 1|log|one"),
        "glove",
    ),
]
