"""Captions by an LSTM that looks at a grid of features at every step."""

import numpy as np
from tests.check.collection import Run, Wrong


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def dot_product_attention(prev_h, A):
    """prev_h: (N, H), A: (N, H, 4, 4) like grids; weights over the places."""
    N, H, D_a, _ = A.shape
    A_flat = A.reshape(N, H, -1)
    scores = np.einsum("nh,nhl->nl", prev_h, A_flat) / np.sqrt(H)
    weights = np.exp(scores - scores.max(axis=1, keepdims=True))
    weights /= weights.sum(axis=1, keepdims=True)
    attn = np.einsum("nhl,nl->nh", A_flat, weights)
    return attn, weights


def attention_backward(dattn, prev_h, A, weights):
    N, H, D_a, _ = A.shape
    A_flat = A.reshape(N, H, D_a * D_a)
    dA = dattn[:, :, None] * weights[:, None, :]
    dweights = np.sum(dattn[:, :, None] * A_flat, axis=1)
    dscores = weights * (dweights - np.sum(weights * dweights, axis=1, keepdims=True))
    dscores /= np.sqrt(H)
    dprev_h = np.sum(dscores[:, None, :] * A_flat, axis=2)
    dA += prev_h[:, :, None] * dscores[:, None, :]
    return dprev_h, dA.reshape(A.shape)


def step_forward(x, prev_h, prev_c, attn, W):
    H = prev_h.shape[1]
    a = x @ W["Wx"] + prev_h @ W["Wh"] + attn @ W["Wattn"] + W["b"]
    i, f, o = sigmoid(a[:, :H]), sigmoid(a[:, H : 2 * H]), sigmoid(a[:, 2 * H : 3 * H])
    g = np.tanh(a[:, 3 * H :])
    c = f * prev_c + i * g
    h = o * np.tanh(c)
    return h, c, (x, prev_h, prev_c, attn, i, f, o, g, c)


def step_backward(dh, dc, cache, W):
    x, prev_h, prev_c, attn, i, f, o, g, c = cache
    t = np.tanh(c)
    dc = dc + dh * o * (1 - t * t)
    da = np.concatenate(
        [
            dc * g * i * (1 - i),
            dc * prev_c * f * (1 - f),
            dh * t * o * (1 - o),
            dc * i * (1 - g * g),
        ],
        axis=1,
    )
    grads = {"Wx": x.T @ da, "Wh": prev_h.T @ da, "Wattn": attn.T @ da, "b": da.sum(axis=0)}
    return da @ W["Wx"].T, da @ W["Wh"].T, dc * f, da @ W["Wattn"].T, grads


def forward(W, features, captions):
    N, T = captions.shape
    A = np.einsum("fh,nfij->nhij", W["Wproj"], features)
    h = c = A.mean(axis=(2, 3))
    caches, loss, dscores = [], 0.0, []
    for t in range(T - 1):
        attn, weights = dot_product_attention(h, A)
        x = W["E"][captions[:, t]]
        prev_h = h
        h, c, cache = step_forward(x, prev_h, c, attn, W)
        scores = h @ W["Wout"] + W["bout"]
        p = np.exp(scores - scores.max(axis=1, keepdims=True))
        p /= p.sum(axis=1, keepdims=True)
        loss -= np.sum(np.log(p[np.arange(N), captions[:, t + 1]])) / N
        p[np.arange(N), captions[:, t + 1]] -= 1
        caches.append((cache, weights, h))
        dscores.append(p / N)
    return loss, A, caches, dscores


def backward(W, features, captions):
    _, A, caches, dscores = forward(W, features, captions)
    N, H = A.shape[:2]
    places = A.shape[2] * A.shape[3]
    grads = {name: np.zeros_like(w) for name, w in W.items()}
    dA = np.zeros_like(A)
    dh_next, dc_next = np.zeros((N, H)), np.zeros((N, H))
    for t in reversed(range(len(caches))):
        cache, weights, h = caches[t]
        grads["Wout"] += h.T @ dscores[t]
        grads["bout"] += dscores[t].sum(axis=0)
        dh = dscores[t] @ W["Wout"].T + dh_next
        dx, dprev_h, dc_next, dattn, step = step_backward(dh, dc_next, cache, W)
        for name in step:
            grads[name] += step[name]
        np.add.at(grads["E"], captions[:, t], dx)
        dprev_h_attn, dA_t = attention_backward(dattn, cache[1], A, weights)
        dA += dA_t
        dh_next = dprev_h + dprev_h_attn
    dA += (dh_next + dc_next)[:, :, None, None] / places
    grads["Wproj"] = np.einsum("nfij,nhij->fh", features, dA)
    return grads


def loss(W, features, captions):
    return forward(W, features, captions)[0]


def problem(rng, n=3, t=4, f=3, h=3, d=2, vocab=5, side=2):
    shapes = {
        "Wproj": (f, h),
        "E": (vocab, d),
        "Wx": (d, 4 * h),
        "Wh": (h, 4 * h),
        "Wattn": (h, 4 * h),
        "b": (4 * h,),
        "Wout": (h, vocab),
        "bout": (vocab,),
    }
    W = {name: rng.normal(size=shape) * 0.8 for name, shape in shapes.items()}
    captions = rng.integers(0, vocab, (n, t))
    captions[0, 0] = captions[1, 0]
    return W, rng.normal(size=(n, f, side, side)), captions


RUNS = {
    "captions": Run(
        "loss",
        "backward",
        problem,
        {"n": 10, "t": 8, "f": 20, "h": 20, "d": 10, "vocab": 30, "side": 4},
    )
}


def wrong(style, right, mistaken, said, *also):
    return Wrong(style, right, mistaken, said, "captions", also)


def att(right, mistaken, said, *also):
    return wrong("attention_backward", right, mistaken, said, *also)


def step(right, mistaken, said, *also):
    return wrong("step_backward", right, mistaken, said, *also)


def whole(right, mistaken, said, *also):
    return wrong("backward", right, mistaken, said, *also)


PATH = r"path|term|missing|left out|add"
TIME = r"next|step|time|recurren|carried|later|previous|hidden|state|" + PATH
WRONG = [
    att("    dscores /= np.sqrt(H)\n", "", r"sqrt|root|scale|factor|\bH\b"),
    att("    dA += prev_h[:, :, None] * dscores[:, None, :]\n", "", PATH + "|prev_h|score|dA"),
    att(
        "np.sum(weights * dweights, axis=1, keepdims=True)",
        "np.sum(dweights, axis=1, keepdims=True)",
        r"weights|softmax|factor|jacobian",
    ),
    att(
        "weights * (dweights - np.sum(weights * dweights, axis=1, keepdims=True))",
        "weights * (1 - weights) * dweights",
        r"softmax|jacobian|sum|1 - |sigmoid",
    ),
    att(
        "dA = dattn[:, :, None] * weights[:, None, :]",
        "dA = dattn[:, :, None] * np.ones_like(weights)[:, None, :]",
        r"weights|factor|ones|missing",
    ),
    step("dc = dc + dh * o * (1 - t * t)", "dc = dc + dh * o * (1 - c * c)", r"tanh|\bt\b|\bc\b"),
    step("dc * f, da", "dc * i, da", r"\bf\b|\bi\b|forget|gate"),
    step("dc * f, da", "dc, da", r"\bf\b|forget|gate|factor|missing"),
    step("dh * t * o * (1 - o)", "dh * o * (1 - o)", r"\bt\b|tanh|factor|missing"),
    step(
        "dc * i * (1 - g * g)", "dc * i * g * (1 - g)", r"tanh|sigmoid|1 - |derivative|slope|gate"
    ),
    step("dc * prev_c * f * (1 - f)", "dc * c * f * (1 - f)", r"prev_c|\bc\b|previous"),
    whole(
        "dh_next = dprev_h + dprev_h_attn", "dh_next = dprev_h", PATH + "|attn|attention|dprev_h"
    ),
    whole(" + dh_next\n", "\n", TIME),
    whole(
        "(dh_next + dc_next)[:, :, None, None]", "dh_next[:, :, None, None]", PATH + "|dc_next|cell"
    ),
    whole("[:, :, None, None] / places", "[:, :, None, None]", r"average|divi|mean|places|factor"),
    whole(
        "        dA += dA_t\n",
        "        dA = dA_t\n",
        r"\+=|accumul|overwrit|add|sum|last|term|left out",
    ),
    whole(
        'np.add.at(grads["E"], captions[:, t], dx)',
        'np.add.at(grads["E"], captions[:, t + 1], dx)',
        r"\bterm 1\b|t \+ 1|index|shift|off by one|word",
    ),
    whole(
        'np.add.at(grads["E"], captions[:, t], dx)',
        'grads["E"][captions[:, t]] += dx',
        r"add\.at|accumul|twice|repeat|once",
    ),
    Wrong(
        "attention_backward",
        (
            "    dA += prev_h[:, :, None] * dscores[:, None, :]\n",
            "weights * (dweights - np.sum(weights * dweights, axis=1, keepdims=True))",
        ),
        ("", "weights * (1 - weights) * dweights"),
        ("path|term|missing|left out|add|prev_h|score|dA", "softmax|jacobian|sum|1 - |sigmoid"),
        "captions",
    ),
    Wrong(
        "backward",
        ("[:, :, None, None] / places", 'np.add.at(grads["E"], captions[:, t], dx)'),
        ("[:, :, None, None]", 'grads["E"][captions[:, t]] += dx'),
        ("average|divi|mean|places|factor", r"add\.at|accumul|twice|repeat|once"),
        "captions",
    ),
    Wrong(
        "backward",
        ("dh_next = dprev_h + dprev_h_attn", 'np.add.at(grads["E"], captions[:, t], dx)'),
        ("dh_next = dprev_h", 'np.add.at(grads["E"], captions[:, t + 1], dx)'),
        (
            r"path|term|missing|left out|add|attn|attention|dprev_h",
            r"\bterm 1\b|t \+ 1|index|shift|off by one|word",
        ),
        "captions",
    ),
]
