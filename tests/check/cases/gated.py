"""A gated recurrent unit (GRU) of three steps, a linear answer at the end, mean squared error."""

import numpy as np
from tests.check.collection import Wrong


def problem(rng):
    params = {}
    for gate in "zrc":
        params["W" + gate] = rng.normal(size=(3, 4)) * 0.7
        params["U" + gate] = rng.normal(size=(4, 4)) * 0.7
        params["b" + gate] = rng.normal(size=4) * 0.4
    params["v"] = rng.normal(size=4)
    X = rng.normal(size=(3, 6, 3))  # time, sample, feature
    y = rng.normal(size=6)
    h0 = rng.normal(size=(6, 4)) * 0.5
    return params, X, y, h0


def sigmoid(a):
    return 1 / (1 + np.exp(-a))


def loss(params, X, y, h0):
    p = params
    h = h0
    for t in range(3):
        z = sigmoid(X[t] @ p["Wz"] + h @ p["Uz"] + p["bz"])
        r = sigmoid(X[t] @ p["Wr"] + h @ p["Ur"] + p["br"])
        c = np.tanh(X[t] @ p["Wc"] + (r * h) @ p["Uc"] + p["bc"])
        h = (1 - z) * h + z * c
    return np.mean((h @ p["v"] - y) ** 2)


def batches(params, X, y, h0):
    p = params
    n = len(y)
    h, tape = h0, []
    for x in X:
        z = sigmoid(x @ p["Wz"] + h @ p["Uz"] + p["bz"])
        r = sigmoid(x @ p["Wr"] + h @ p["Ur"] + p["br"])
        c = np.tanh(x @ p["Wc"] + (r * h) @ p["Uc"] + p["bc"])
        tape.append((x, h, z, r, c))
        h = (1 - z) * h + z * c
    error = 2 * (h @ p["v"] - y) / n
    grads = {name: np.zeros_like(value) for name, value in p.items()}
    grads["v"] = h.T @ error
    dh = np.outer(error, p["v"])
    for x, h_prev, z, r, c in reversed(tape):
        dc = dh * z
        dz = dh * (c - h_prev)
        dh_prev = dh * (1 - z)
        dc_in = dc * (1 - c**2)
        drh = dc_in @ p["Uc"].T
        dr = drh * h_prev
        dh_prev += drh * r
        dz_in = dz * z * (1 - z)
        dr_in = dr * r * (1 - r)
        dh_prev += dz_in @ p["Uz"].T + dr_in @ p["Ur"].T
        grads["Wz"] += x.T @ dz_in
        grads["Wr"] += x.T @ dr_in
        grads["Wc"] += x.T @ dc_in
        grads["Uz"] += h_prev.T @ dz_in
        grads["Ur"] += h_prev.T @ dr_in
        grads["Uc"] += (r * h_prev).T @ dc_in
        grads["bz"] += dz_in.sum(axis=0)
        grads["br"] += dr_in.sum(axis=0)
        grads["bc"] += dc_in.sum(axis=0)
        dh = dh_prev
    return grads


def samples(params, X, y, h0):
    """One sequence at a time, states in lists, column vectors as 1-D arrays."""
    Wz, Uz, bz, Wr, Ur, br, Wc, Uc, bc, v = params.values()
    total = [np.zeros_like(w) for w in params.values()]
    T, n, _ = X.shape
    for k in range(n):
        h = [h0[k]]
        zs, rs, cs = [], [], []
        for t in range(T):
            zs.append(sigmoid(Wz.T @ X[t, k] + Uz.T @ h[t] + bz))
            rs.append(sigmoid(Wr.T @ X[t, k] + Ur.T @ h[t] + br))
            cs.append(np.tanh(Wc.T @ X[t, k] + Uc.T @ (rs[t] * h[t]) + bc))
            h.append(h[t] + zs[t] * (cs[t] - h[t]))
        diff = h[T] @ v - y[k]
        total[9] += 2 * diff * h[T]
        dh = 2 * diff * v
        for t in range(T - 1, -1, -1):
            dzpre = dh * (cs[t] - h[t]) * zs[t] * (1 - zs[t])
            dcpre = dh * zs[t] * (1 - cs[t] * cs[t])
            back = Uc @ dcpre
            drpre = back * h[t] * rs[t] * (1 - rs[t])
            for g, d, s in ((0, dzpre, h[t]), (3, drpre, h[t]), (6, dcpre, rs[t] * h[t])):
                total[g] += np.outer(X[t, k], d)
                total[g + 1] += np.outer(s, d)
                total[g + 2] += d
            dh = dh * (1 - zs[t]) + Uz @ dzpre + Ur @ drpre + back * rs[t]
    return {name: g / n for name, g in zip(params, total, strict=True)}


def sigmoid_back(d, s):
    return d * s * (1 - s)


def tanh_back(d, t):
    return d * (1 - t**2)


def joined(params, X, y, h0):
    """The two gates as one matrix over [x, h]."""
    gates_W = np.block([[params["Wz"], params["Wr"]], [params["Uz"], params["Ur"]]])
    gates_b = np.concatenate([params["bz"], params["br"]])
    cand_W = np.vstack([params["Wc"], params["Uc"]])
    T, B, I = X.shape  # noqa: E741
    H = gates_b.size // 2
    hs = np.zeros((T + 1, B, H))
    hs[0] = h0
    gs, cs = np.zeros((T, B, 2 * H)), np.zeros((T, B, H))
    for t in range(T):
        gs[t] = sigmoid(np.hstack([X[t], hs[t]]) @ gates_W + gates_b)
        z, r = gs[t, :, :H], gs[t, :, H:]
        cs[t] = np.tanh(np.hstack([X[t], r * hs[t]]) @ cand_W + params["bc"])
        hs[t + 1] = (1 - z) * hs[t] + z * cs[t]
    g_out = (hs[T] @ params["v"] - y) * 2 / B
    g_gates_W, g_gates_b = np.zeros_like(gates_W), np.zeros_like(gates_b)
    g_cand_W, g_cand_b = np.zeros_like(cand_W), np.zeros(H)
    g_h = g_out[:, None] * params["v"]
    for t in reversed(range(T)):
        z, r = np.split(gs[t], 2, axis=1)
        g_cand = tanh_back(g_h * z, cs[t])
        g_cand_W += np.hstack([X[t], r * hs[t]]).T @ g_cand
        g_cand_b += g_cand.sum(axis=0)
        g_rh = (g_cand @ cand_W.T)[:, I:]
        g_gates = sigmoid_back(np.hstack([g_h * (cs[t] - hs[t]), g_rh * hs[t]]), gs[t])
        g_gates_W += np.hstack([X[t], hs[t]]).T @ g_gates
        g_gates_b += g_gates.sum(axis=0)
        g_h = g_h * (1 - z) + g_rh * r + (g_gates @ gates_W.T)[:, I:]
    return {
        "Wz": g_gates_W[:I, :H],
        "Uz": g_gates_W[I:, :H],
        "bz": g_gates_b[:H],
        "Wr": g_gates_W[:I, H:],
        "Ur": g_gates_W[I:, H:],
        "br": g_gates_b[H:],
        "Wc": g_cand_W[:I],
        "Uc": g_cand_W[I:],
        "bc": g_cand_b,
        "v": hs[T].T @ g_out,
    }


class Gate:
    """act(x W + h U + b), with the derivative of act in terms of its value."""

    def __init__(self, params, letter, act, slope):
        self.W, self.U, self.b = (params[kind + letter] for kind in "WUb")
        self.act, self.slope = act, slope
        self.gW, self.gU, self.gb = 0, 0, 0

    def __call__(self, x, h):
        return self.act(np.dot(x, self.W) + np.dot(h, self.U) + self.b)

    def back(self, x, h, value, grad):
        grad = grad * self.slope(value)
        self.gW = self.gW + np.dot(x.T, grad)
        self.gU = self.gU + np.dot(h.T, grad)
        self.gb = self.gb + np.sum(grad, axis=0)
        return np.dot(grad, self.U.T)


def gates(params, X, y, h0):
    update = Gate(params, "z", sigmoid, lambda s: s * (1 - s))
    reset = Gate(params, "r", sigmoid, lambda s: s - s**2)
    candidate = Gate(params, "c", np.tanh, lambda t: 1 - t**2)
    memory = []
    h = h0
    for x in X:
        z, r = update(x, h), reset(x, h)
        c = candidate(x, r * h)
        memory.append({"x": x, "h": h, "z": z, "r": r, "c": c})
        h = z * c + (1 - z) * h
    d = h @ params["v"] - y
    d = d / (len(y) / 2)
    grad_v = d @ h
    dh = d[:, np.newaxis] @ params["v"][np.newaxis, :]
    for m in memory[::-1]:
        through = candidate.back(m["x"], m["r"] * m["h"], m["c"], dh * m["z"])
        from_z = update.back(m["x"], m["h"], m["z"], dh * m["c"] - dh * m["h"])
        from_r = reset.back(m["x"], m["h"], m["r"], through * m["h"])
        dh = dh * (1 - m["z"]) + through * m["r"] + from_z + from_r
    grads = {"v": grad_v}
    for letter, gate in (("z", update), ("r", reset), ("c", candidate)):
        grads["W" + letter], grads["U" + letter], grads["b" + letter] = gate.gW, gate.gU, gate.gb
    return grads


WRONG = [
    Wrong(
        "batches",
        "dh_prev = dh * (1 - z)",
        "dh_prev = np.zeros_like(dh)",
        r"1 - z|path|previous|h_prev|carry|direct",
    ),
    Wrong("batches", "dh_prev = dh * (1 - z)", "dh_prev = dh * z", r"1 - z"),
    Wrong("batches", "        dh_prev += drh * r\n", "", r"drh|reset|candidate|path|\br\b"),
    Wrong("batches", "        dh_prev += drh * r\n", "        dh_prev += drh\n", r"\br\b|reset"),
    Wrong(
        "batches",
        "        dh_prev += drh * r\n",
        "        dh_prev = drh * r\n",
        r"\+=|accumul|overwrit|1 - z|add",
    ),
    Wrong(
        "batches", 'dz_in @ p["Uz"].T + dr_in @ p["Ur"].T', 'dz_in @ p["Uz"].T', "Ur|reset|dr_in"
    ),
    Wrong(
        "batches",
        'dz_in @ p["Uz"].T + dr_in @ p["Ur"].T',
        'dz_in @ p["Ur"].T + dr_in @ p["Uz"].T',
        "swap|Uz|Ur",
    ),
    Wrong("batches", 'dz_in @ p["Uz"].T +', 'dz_in @ p["Uz"] +', r"transpose|\.T"),
    Wrong("batches", "dz = dh * (c - h_prev)", "dz = dh * c", "h_prev|previous|1 - z|state"),
    Wrong(
        "batches", "dz = dh * (c - h_prev)", "dz = dh * (h_prev - c)", "sign|minus|negat|order|swap"
    ),
    Wrong(
        "batches", "dc_in = dc * (1 - c**2)", "dc_in = dc * c * (1 - c)", "tanh|sigmoid|derivative"
    ),
    Wrong("batches", "dc_in = dc * (1 - c**2)", "dc_in = dc", "derivative|slope|1 - "),
    Wrong(
        "batches", "dz_in = dz * z * (1 - z)", "dz_in = dz * (1 - z**2)", "tanh|sigmoid|derivative"
    ),
    Wrong("batches", "dr_in = dr * r * (1 - r)", "dr_in = dr", "derivative|slope|1 - "),
    Wrong("batches", "dr = drh * h_prev", "dr = drh * c", r"h_prev|\bc\b|previous"),
    Wrong("batches", "(r * h_prev).T @ dc_in", "h_prev.T @ dc_in", r"\br\b|reset"),
    Wrong(
        "batches",
        'grads["Ur"] += h_prev.T @ dr_in',
        'grads["Ur"] += (r * h_prev).T @ dr_in',
        r"\br \*|reset|h_prev",
    ),
    Wrong(
        "batches",
        'grads["Uz"] += h_prev.T @ dz_in',
        'grads["Uz"] += h.T @ dz_in',
        "h_prev|previous|last|state",
    ),
    Wrong("batches", "        dh = dh_prev\n", "", "dh_prev|step|time|previous"),
    Wrong("batches", 'grads["bz"] += dz_in', 'grads["bz"] += dz', "dz_in|derivative|slope"),
    Wrong("batches", "error = 2 * (h @", "error = (h @", r"factor|\b2\b|twice|half"),
    Wrong("batches", "- y) / n\n", "- y)\n", "average|mean|divide"),
    Wrong(
        "batches",
        ("dc_in = dc * (1 - c**2)", "        dh_prev += drh * r\n"),
        ("dc_in = dc", ""),
        ("derivative|slope|1 - ", r"drh|reset|candidate|path|\br\b"),
    ),
    Wrong(
        "samples", "dh * (1 - zs[t]) + Uz", "dh * (1 - zs[t - 1]) + Uz", r"zs\[t\]|t - 1|index|step"
    ),
    Wrong("samples", " + back * rs[t]\n", " + back\n", "rs|reset"),
    Wrong("samples", "Uz @ dzpre + ", "", "Uz|update|dzpre|path"),
    Wrong(
        "samples",
        "dh = dh * (1 - zs[t]) + Uz",
        "dh += dh * (1 - zs[t]) + Uz",
        r"\+=|accumul|twice|add|once",
    ),
    Wrong(
        "samples", "range(T - 1, -1, -1)", "range(T - 1, 0, -1)", "first|range|off by one|step|time"
    ),
    Wrong("samples", "back = Uc @ dcpre", "back = Uc.T @ dcpre", r"transpose|\.T"),
    Wrong("samples", "back = Uc @ dcpre", "back = Ur @ dcpre", "Uc|Ur|weight"),
    Wrong("samples", "(6, dcpre, rs[t] * h[t])", "(6, dcpre, h[t])", "rs|reset"),
    Wrong(
        "samples",
        "(3, drpre, h[t])",
        "(3, drpre, h[t + 1])",
        r"h\[t\]|t \+ 1|off by one|state|step",
    ),
    Wrong(
        "samples",
        "total[g + 1] += np.outer(s, d)",
        "total[g + 1] += np.outer(d, s)",
        r"transpose|swap|order|\.T",
    ),
    Wrong("samples", "total[g + 2] += d\n", "total[g + 2] = d\n", r"\+=|accumul|overwrit|add|last"),
    Wrong(
        "samples",
        "total[9] += 2 * diff * h[T]",
        "total[9] += 2 * diff * h[T - 1]",
        r"h\[T\]|last|off by one|state|step",
    ),
    Wrong("samples", "(1 - cs[t] * cs[t])", "(1 - cs[t])", r"square|\* cs|derivative"),
    Wrong(
        "samples",
        ("name: g / n for", "(0, dzpre, h[t])"),
        ("name: g for", "(0, dzpre, h[t + 1])"),
        ("average|mean|divide", r"h\[t\]|t \+ 1|off by one|state|step"),
    ),
    Wrong(
        "sigmoid_back",
        "d * s * (1 - s)",
        "d * sigmoid(s) * (1 - sigmoid(s))",
        "twice|sigmoid|derivative",
        run="joined",
    ),
    Wrong(
        "sigmoid_back", "d * s * (1 - s)", "d * s * (s - 1)", "sign|minus|negat|order", run="joined"
    ),
    Wrong("tanh_back", "1 - t**2", "1 + t**2", "sign|minus|derivative", run="joined"),
    Wrong(
        "tanh_back",
        "d * (1 - t**2)",
        "1 - t**2",
        r"\bd\b|upstream|incoming|multipl|chain",
        run="joined",
    ),
    Wrong(
        "joined",
        "g_rh * hs[t]]), gs[t])",
        "g_rh * hs[t + 1]]), gs[t])",
        r"hs\[t\]|t \+ 1|off by one|state|step",
    ),
    Wrong(
        "joined",
        "np.hstack([g_h * (cs[t] - hs[t]), g_rh * hs[t]])",
        "np.hstack([g_rh * hs[t], g_h * (cs[t] - hs[t])])",
        "swap|order",
    ),
    Wrong("joined", " + (g_gates @ gates_W.T)[:, I:]\n", "\n", "gates|path|gate|Uz|Ur"),
    Wrong(
        "joined",
        "(g_cand @ cand_W.T)[:, I:]",
        "(g_cand @ cand_W.T)[:, :4]",
        r"slice|\bI:|index|offset|column",
    ),
    Wrong(
        "joined", "g_gates_b += g_gates", "g_gates_b = g_gates", r"\+=|accumul|overwrit|add|last"
    ),
    Wrong(
        "joined",
        "g_cand_W += np.hstack([X[t], r * hs[t]])",
        "g_cand_W += np.hstack([X[t], hs[t]])",
        r"\br\b|reset",
    ),
    Wrong(
        "joined",
        '(hs[T] @ params["v"] - y) * 2 / B',
        '(y - hs[T] @ params["v"]) * 2 / B',
        "sign|minus|negat|order|swap",
    ),
    Wrong("joined", '"br": g_gates_b[H:]', '"br": g_gates_b[:H]', "slice|swap|bz|br|half|H:"),
    Wrong(
        "Gate",
        "        grad = grad * self.slope(value)\n",
        "        grad = grad * self.slope(self.act(value))\n",
        "twice|value|derivative|slope",
        run="gates",
    ),
    Wrong(
        "Gate",
        "self.gU = self.gU + np.dot(h.T, grad)",
        "self.gU = np.dot(h.T, grad)",
        r"\+|accumul|overwrit|sum",
        run="gates",
    ),
    Wrong("Gate", "np.dot(grad, self.U.T)", "np.dot(grad, self.U)", r"transpose|\.T", run="gates"),
    Wrong("gates", "lambda t: 1 - t**2", "lambda t: t * (1 - t)", "tanh|sigmoid|derivative"),
    Wrong("gates", "lambda s: s - s**2", "lambda s: s - s", r"\*\* ?2|square|derivative|zero"),
    Wrong("gates", 'dh * m["c"] - dh * m["h"]', 'dh * m["c"] + dh * m["h"]', "sign|minus|negat"),
    Wrong("gates", 'm["c"], dh * m["z"])', 'm["c"], dh)', r"\bz\b|update|\"z\""),
    Wrong(
        "gates", 'through * m["r"] + from_z + from_r', 'through * m["r"] + from_z', "from_r|reset"
    ),
    Wrong("gates", "for m in memory[::-1]:", "for m in memory:", "revers|order|backward|time"),
    Wrong(
        "gates", "for m in memory[::-1]:", "for m in memory[-1:]:", "step|time|truncat|all|through"
    ),
    Wrong(
        "gates", "d = d / (len(y) / 2)", "d = d / (len(y) * 2)", r"factor|\b2\b|\b4\b|half|quarter"
    ),
    Wrong(
        "gates",
        ('m["r"] * m["h"], m["c"]', "from_z + from_r"),
        ('m["h"], m["c"]', "from_z"),
        (r"\br\b|reset", "from_r|reset"),
    ),
    Wrong(
        "batches",
        ("dz = dh * (c - h_prev)", 'grads["Ur"] += h_prev.T @ dr_in'),
        ("dz = dh * c", 'grads["Ur"] = h_prev.T @ dr_in'),
        ("h_prev|previous|1 - z|state", r"\+=|accumul|overwrit|add|last"),
    ),
    Wrong(
        "joined",
        ("g_rh * r + ", "- y) * 2 / B"),
        ("g_rh + ", "- y) / B"),
        (r"\br\b|reset", r"factor|\b2\b|twice|half"),
    ),
]
