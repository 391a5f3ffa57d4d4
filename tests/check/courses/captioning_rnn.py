"""Recurrent and long short-term memory layers over time, an embedding, a masked loss."""

import numpy as np
from tests.check.collection import Run, Wrong


def word_embedding_forward(x, W):
    return W[x, :], (x, W.shape)


def word_embedding_backward(dout, cache):
    x, shape = cache
    dW = np.zeros(shape)
    np.add.at(dW, x, dout)
    return dW


def rnn_step_forward(x, prev_h, Wx, Wh, b):
    next_h = np.tanh(x.dot(Wx) + prev_h.dot(Wh) + b)
    return next_h, (x, prev_h, Wx, Wh, next_h)


def rnn_step_backward(dnext_h, cache):
    x, prev_h, Wx, Wh, next_h = cache
    dtanh = dnext_h * (1 - next_h**2)
    dx = dtanh.dot(Wx.T)
    dprev_h = dtanh.dot(Wh.T)
    dWx = x.T.dot(dtanh)
    dWh = prev_h.T.dot(dtanh)
    db = np.sum(dtanh, axis=0)
    return dx, dprev_h, dWx, dWh, db


def rnn_forward(x, h0, Wx, Wh, b):
    N, T, D = x.shape
    h = np.zeros((N, T, h0.shape[1]))
    caches = []
    prev_h = h0
    for t in range(T):
        prev_h, cache = rnn_step_forward(x[:, t, :], prev_h, Wx, Wh, b)
        h[:, t, :] = prev_h
        caches.append(cache)
    return h, caches


def rnn_backward(dh, caches):
    N, T, H = dh.shape
    D = caches[0][0].shape[1]
    dx, dprev_h = np.zeros((N, T, D)), np.zeros((N, H))
    dWx, dWh, db = np.zeros((D, H)), np.zeros((H, H)), np.zeros(H)
    for t in reversed(range(T)):
        dnext_h = dh[:, t, :] + dprev_h
        dx[:, t, :], dprev_h, dWx_t, dWh_t, db_t = rnn_step_backward(dnext_h, caches[t])
        dWx += dWx_t
        dWh += dWh_t
        db += db_t
    dh0 = dprev_h
    return dx, dh0, dWx, dWh, db


def temporal_affine_forward(x, w, b):
    N, T, D = x.shape
    out = x.reshape(N * T, D).dot(w).reshape(N, T, -1) + b
    return out, (x, w)


def temporal_affine_backward(dout, cache):
    x, w = cache
    N, T, D = x.shape
    M = w.shape[1]
    dx = dout.reshape(N * T, M).dot(w.T).reshape(N, T, D)
    dw = x.reshape(N * T, D).T.dot(dout.reshape(N * T, M))
    db = dout.sum(axis=(0, 1))
    return dx, dw, db


def temporal_softmax_loss(x, y, mask):
    N, T, V = x.shape
    x_flat = x.reshape(N * T, V)
    y_flat = y.reshape(N * T)
    mask_flat = mask.reshape(N * T)
    probs = np.exp(x_flat - np.max(x_flat, axis=1, keepdims=True))
    probs /= np.sum(probs, axis=1, keepdims=True)
    loss = -np.sum(mask_flat * np.log(probs[np.arange(N * T), y_flat])) / N
    dx_flat = probs.copy()
    dx_flat[np.arange(N * T), y_flat] -= 1
    dx_flat /= N
    dx_flat *= mask_flat[:, None]
    dx = dx_flat.reshape(N, T, V)
    return loss, dx


class CaptioningRNN:
    def __init__(self, params):
        self.params = params
        self._null = 0

    def loss(self, features, captions):
        captions_in = captions[:, :-1]
        captions_out = captions[:, 1:]
        mask = captions_out != self._null
        p = self.params
        h0 = features.dot(p["W_proj"]) + p["b_proj"]
        x, embed_cache = word_embedding_forward(captions_in, p["W_embed"])
        h, rnn_cache = rnn_forward(x, h0, p["Wx"], p["Wh"], p["b"])
        scores, vocab_cache = temporal_affine_forward(h, p["W_vocab"], p["b_vocab"])
        loss, dscores = temporal_softmax_loss(scores, captions_out, mask)
        grads = {}
        dh, grads["W_vocab"], grads["b_vocab"] = temporal_affine_backward(dscores, vocab_cache)
        dx, dh0, grads["Wx"], grads["Wh"], grads["b"] = rnn_backward(dh, rnn_cache)
        grads["W_embed"] = word_embedding_backward(dx, embed_cache)
        grads["W_proj"] = features.T.dot(dh0)
        grads["b_proj"] = np.sum(dh0, axis=0)
        return loss, grads


def problem(rng, n=4, steps=4, features=3, d=3, h=4, vocab=6):
    shapes = {
        "W_embed": (vocab, d),
        "W_proj": (features, h),
        "b_proj": (h,),
        "Wx": (d, h),
        "Wh": (h, h),
        "b": (h,),
        "W_vocab": (h, vocab),
        "b_vocab": (vocab,),
    }
    params = {name: rng.normal(size=shape) * 0.6 for name, shape in shapes.items()}
    captions = rng.integers(1, vocab, (n, steps + 1))
    captions[0, -2:] = 0
    captions[1, -1] = 0
    return params, rng.normal(size=(n, features)), captions


def loss(params, features, captions):
    return CaptioningRNN(params).loss(features, captions)[0]


def gradients(params, features, captions):
    return CaptioningRNN(params).loss(features, captions)[1]


def sigmoid(x):
    pos_mask = x >= 0
    z = np.zeros_like(x)
    z[pos_mask] = np.exp(-x[pos_mask])
    z[~pos_mask] = np.exp(x[~pos_mask])
    top = np.ones_like(x)
    top[~pos_mask] = z[~pos_mask]
    return top / (1 + z)


def lstm_step_forward(x, prev_h, prev_c, Wx, Wh, b):
    H = prev_h.shape[1]
    a = x.dot(Wx) + prev_h.dot(Wh) + b
    i = sigmoid(a[:, :H])
    f = sigmoid(a[:, H : 2 * H])
    o = sigmoid(a[:, 2 * H : 3 * H])
    g = np.tanh(a[:, 3 * H :])
    next_c = f * prev_c + i * g
    next_h = o * np.tanh(next_c)
    return next_h, next_c, (x, prev_h, prev_c, Wx, Wh, i, f, o, g, next_c)


def lstm_step_backward(dnext_h, dnext_c, cache):
    x, prev_h, prev_c, Wx, Wh, i, f, o, g, next_c = cache
    tanh_c = np.tanh(next_c)
    do = dnext_h * tanh_c
    dnext_c = dnext_c + dnext_h * o * (1 - tanh_c**2)
    df = dnext_c * prev_c
    dprev_c = dnext_c * f
    di = dnext_c * g
    dg = dnext_c * i
    dai = di * i * (1 - i)
    daf = df * f * (1 - f)
    dao = do * o * (1 - o)
    dag = dg * (1 - g**2)
    da = np.hstack((dai, daf, dao, dag))
    dx = da.dot(Wx.T)
    dprev_h = da.dot(Wh.T)
    dWx = x.T.dot(da)
    dWh = prev_h.T.dot(da)
    db = da.sum(axis=0)
    return dx, dprev_h, dprev_c, dWx, dWh, db


def lstm_forward(x, h0, Wx, Wh, b):
    N, T, D = x.shape
    H = h0.shape[1]
    h = np.zeros((N, T, H))
    prev_h, prev_c = h0, np.zeros((N, H))
    cache = []
    for t in range(T):
        prev_h, prev_c, step = lstm_step_forward(x[:, t], prev_h, prev_c, Wx, Wh, b)
        h[:, t] = prev_h
        cache.append(step)
    return h, cache


def lstm_backward(dh, cache):
    N, T, H = dh.shape
    dWx, dWh, db = 0, 0, 0
    dprev_h, dprev_c = np.zeros((N, H)), np.zeros((N, H))
    for t in range(T - 1, -1, -1):
        step = lstm_step_backward(dh[:, t] + dprev_h, dprev_c, cache[t])
        _, dprev_h, dprev_c, dWx_t, dWh_t, db_t = step
        dWx = dWx + dWx_t
        dWh = dWh + dWh_t
        db = db + db_t
    return dprev_h, dWx, dWh, db


def lstm_loss(params, x, h0, target):
    h, _ = lstm_forward(x, h0, params["Wx"], params["Wh"], params["b"])
    return np.sum((h - target) ** 2) / len(x)


def lstm_gradients(params, x, h0, target):
    h, cache = lstm_forward(x, h0, params["Wx"], params["Wh"], params["b"])
    dh = 2 * (h - target) / len(x)
    _, dWx, dWh, db = lstm_backward(dh, cache)
    return {"Wx": dWx, "Wh": dWh, "b": db}


def lstm_problem(rng, n=3, steps=4, d=2, h=3):
    params = {
        "Wx": rng.normal(size=(d, 4 * h)) * 0.7,
        "Wh": rng.normal(size=(h, 4 * h)) * 0.7,
        "b": rng.normal(size=4 * h) * 0.4,
    }
    x, h0 = rng.normal(size=(n, steps, d)), rng.normal(size=(n, h))
    return params, x, h0, rng.normal(size=(n, steps, h))


RUNS = {
    "captions": Run(
        "loss",
        "gradients",
        problem,
        {"n": 20, "steps": 10, "features": 50, "d": 20, "h": 30, "vocab": 40},
    ),
    "lstm": Run(
        "lstm_loss", "lstm_gradients", lstm_problem, {"n": 20, "steps": 10, "d": 20, "h": 30}
    ),
}


def wrong(style, right, mistaken, said, *also, run="captions"):
    return Wrong(style, right, mistaken, said, run, also)


def step(right, mistaken, said, *also):
    return Wrong("lstm_step_backward", right, mistaken, said, "lstm", also)


TANH = r"tanh|derivative|slope|1 - |square"
GATE = r"sigmoid|gate|derivative|slope|1 - "
TIME = r"dprev_h|dnext_h|next|step|time|recurren|carried|later"

WRONG = [
    wrong(
        "word_embedding_backward",
        "np.add.at(dW, x, dout)",
        "dW[x] = dout",
        r"add\.at|\+=|accumul|twice|repeat|overwrit",
    ),
    wrong(
        "word_embedding_backward",
        "np.add.at(dW, x, dout)",
        "dW[x] += dout",
        r"add\.at|accumul|twice|repeat|once",
    ),
    wrong(
        "rnn_step_backward",
        "dnext_h * (1 - next_h**2)",
        "dnext_h * (1 - prev_h**2)",
        TANH + "|next_h|prev_h",
    ),
    wrong("rnn_step_backward", "dnext_h * (1 - next_h**2)", "dnext_h", TANH),
    wrong(
        "rnn_step_backward",
        "dprev_h = dtanh.dot(Wh.T)",
        "dprev_h = dnext_h.dot(Wh.T)",
        TANH + "|dtanh|dnext_h",
    ),
    wrong(
        "rnn_step_backward", "dprev_h = dtanh.dot(Wh.T)", "dprev_h = dtanh.dot(Wh)", r"transpos|\.T"
    ),
    wrong(
        "rnn_step_backward",
        "dWh = prev_h.T.dot(dtanh)",
        "dWh = next_h.T.dot(dtanh)",
        r"prev_h|next_h",
    ),
    wrong("rnn_backward", "dh[:, t, :] + dprev_h", "dh[:, t, :]", TIME),
    wrong("rnn_backward", "dWh += dWh_t", "dWh = dWh_t", r"\+=|accumul|overwrit|add|sum"),
    wrong(
        "rnn_backward",
        "for t in reversed(range(T)):",
        "for t in range(T):",
        r"revers|backward|order|time|last",
    ),
    wrong(
        "rnn_backward",
        "dnext_h = dh[:, t, :] + dprev_h",
        "dnext_h = dh[:, -1, :] + dprev_h",
        r"\bt\b|-1|index|step",
    ),
    wrong(
        "temporal_affine_backward",
        "dout.sum(axis=(0, 1))",
        "dout.mean(axis=(0, 1))",
        r"mean|sum|average",
    ),
    wrong("temporal_softmax_loss", "    dx_flat *= mask_flat[:, None]\n", "", r"mask"),
    wrong(
        "temporal_softmax_loss",
        "    dx_flat /= N\n",
        "    dx_flat /= N * T\n",
        r"average|divi|\bT\b|\bN\b|factor",
    ),
    wrong(
        "temporal_softmax_loss",
        "    dx_flat /= N\n",
        "    dx_flat /= mask_flat.sum()\n",
        r"average|divi|mask|\bN\b",
    ),
    wrong(
        "temporal_softmax_loss",
        "    dx_flat[np.arange(N * T), y_flat] -= 1\n",
        "",
        r"label|subtract|-= 1|y_flat",
    ),
    wrong(
        "CaptioningRNN.loss",
        'grads["W_proj"] = features.T.dot(dh0)',
        'grads["W_proj"] = features.T.dot(dh[:, 0])',
        r"dh0|\bdh\b",
    ),
    wrong(
        "CaptioningRNN.loss",
        'grads["b_proj"] = np.sum(dh0, axis=0)',
        'grads["b_proj"] = np.sum(dh, axis=(0, 1))',
        r"dh0|\bdh\b",
    ),
    step(
        "dnext_c + dnext_h * o * (1 - tanh_c**2)",
        "dnext_h * o * (1 - tanh_c**2)",
        r"dnext_c|cell|path|term|missing|left out",
    ),
    step(
        "dnext_c + dnext_h * o * (1 - tanh_c**2)",
        "dnext_c + dnext_h * o * (1 - next_c**2)",
        r"tanh|next_c",
    ),
    step("dnext_c + dnext_h * o * (1 - tanh_c**2)", "dnext_c + dnext_h * o", TANH),
    step(
        "dnext_c + dnext_h * o * (1 - tanh_c**2)",
        "dnext_c + dnext_h * (1 - tanh_c**2)",
        r"\bo\b|gate|output",
    ),
    step("do = dnext_h * tanh_c", "do = dnext_h * next_c", r"tanh|next_c"),
    step("dprev_c = dnext_c * f", "dprev_c = dnext_c", r"\bf\b|forget|gate"),
    step("df = dnext_c * prev_c", "df = dnext_c * next_c", r"prev_c|next_c"),
    step("dai = di * i * (1 - i)", "dai = di * (1 - i**2)", GATE + "|tanh"),
    step("dag = dg * (1 - g**2)", "dag = dg * g * (1 - g)", TANH + "|sigmoid"),
    step("dai = di * i * (1 - i)", "dai = di", GATE),
    step("di = dnext_c * g", "di = dnext_c * i", r"\bg\b|\bi\b"),
    step(
        "np.hstack((dai, daf, dao, dag))", "np.hstack((dai, daf, dag, dao))", r"order|dao|dag|swap"
    ),
    wrong("lstm_backward", "dh[:, t] + dprev_h, dprev_c", "dh[:, t], dprev_c", TIME, run="lstm"),
    wrong(
        "lstm_backward",
        "_, dprev_h, dprev_c, dWx_t, dWh_t, db_t = step",
        "_, dprev_h, _, dWx_t, dWh_t, db_t = step",
        r"dprev_c|cell|path|carried|next",
        run="lstm",
    ),
    wrong(
        "lstm_gradients",
        "2 * (h - target) / len(x)",
        "(h - target) / len(x)",
        r"factor|\b2\b|twice",
        run="lstm",
    ),
]
