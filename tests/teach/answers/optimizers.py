"""Lab 5: optimizers."""

V = 'v = mu * state.get("v", 0.0) - learning_rate * g'
FIRST = "the change of w in step 1 of "
SECOND = "the change of w in step 2 of "

WRONG = {
    "momentum": [
        (V, 'v = mu * state.get("v", 0.0) + learning_rate * g', "line 2: the sign is wrong: + stands where - belongs (a difference)"),
        (V, 'v = state.get("v", 0.0) - learning_rate * g', "line 2: the factor mu is missing"),
        (V, 'v = mu * state.get("v", 0.0) - (1 - mu) * learning_rate * g', "line 2: the factor 1 - mu is too much: it is 0.4 times the right one"),
        (V, "v = -learning_rate * g", SECOND),
        (V, 'v = mu * (state.get("v", 0.0) - learning_rate * g)', "line 2: the parentheses are not where they must be"),
        (V, 'v = mu * state.get("v", 0.0) - 0.01 * g', "line 2: the number 0.01 must be learning_rate"),
        (V, 'v = 0.9 * state.get("v", 0.0) - learning_rate * g', "line 2: the number 0.9 must be mu"),
        (V, 'v = mu * state.get("v", g) - learning_rate * g', FIRST),
        ("w + v, {", "w - v, {", "the sign is wrong"),
        ("w + v, {", "v, {", "w after a step with the gradient 0"),
        ("w + v, {", "w + mu * v, {", "line 3: the factor mu is too much: it is 0.6 times the right one"),
        ('{"v": v}', "{}", SECOND),
        ('{"v": v}', "state", SECOND),
        ('{"v": v}', '{"v": g}', "line 3: g stands where v belongs"),
        (', {"v": v}', "", "it must be the pair w, state"),
        ("    return w", "    w += v\n    return w - v", "changes its argument number 1"),
        ("    return w + v, {", "    w + v, {", "returns None"),
        ('    return w + v, {"v": v}', '    state["v"] = v\n    return w', "it must be the pair w, state"),
        ("mu=0.9", "mu=0.5", SECOND + "momentum(w, g, state, learning_rate=0.1)"),
        ("learning_rate=0.01", "learning_rate=0.1", "is 10 times what it must be"),
        ('{"v": v}', '{"v": round(float(np.sum(v)), 1)}', SECOND),
    ],
    "nesterov": [
        (V, 'v = mu * state.get("v", 0.0) + learning_rate * g', "line 2: the sign is wrong: + stands where - belongs (a difference)"),
        (V, 'v = state.get("v", 0.0) - learning_rate * g', "line 2: the factor mu is missing"),
        (V, "v = -learning_rate * g", SECOND),
        ("w + mu * v - learning_rate * g", "w + v", FIRST),
        ("w + mu * v - learning_rate * g", "w + mu * v", FIRST),
        ("w + mu * v - learning_rate * g", "w + v - learning_rate * g", "line 3: the factor mu is missing"),
        ("w + mu * v - learning_rate * g", "w + mu * v + learning_rate * g", "line 3: the sign is wrong: + stands where - belongs (a difference)"),
        ("w + mu * v - learning_rate * g", 'w + mu * state.get("v", 0.0) - learning_rate * g', "line 3: v is missing (left out); state does not belong here: it must be w + mu * v"),
        ("w + mu * v - learning_rate * g", "w - mu * v - learning_rate * g", "line 3: the sign is wrong: - stands where + belongs (a sum): w + mu * v"),
        ("w + mu * v - learning_rate * g", "mu * v - learning_rate * g", "w after a step with the gradient 0"),
        ("w + mu * v - learning_rate * g", "w + mu * (v - learning_rate * g)", "line 3: the parentheses are not where they must be"),
        ("w + mu * v - learning_rate * g", "w + mu**2 * v - learning_rate * g", "line 3: the power is wrong: mu instead of mu ** 2 (a square)"),
        ('{"v": v}', '{"v": mu * v - learning_rate * g}', "line 3: mu * v - learning_rate * g stands where v belongs"),
        ('{"v": v}', "state", SECOND),
        (', {"v": v}', "", "it must be the pair w, state"),
    ],
    "rmsprop": [
        ("(1 - rho) * g**2", "(1 - rho) * g", "w of rmsprop is NaN"),
        ("(1 - rho) * g**2", "(1 - rho) * np.abs(g)", "line 2: the power is wrong: g ** 2 instead of g (a square)"),
        ("(1 - rho) * g**2", "rho * g**2", "line 2: rho stands where 1 - rho belongs"),
        ("(1 - rho) * g**2", "g**2", "line 2: the factor 1 - rho is missing"),
        ("(1 - rho) * g**2", "(1 - rho) * np.sum(g**2)", "line 2: the sum is taken once too often: sum is too much here"),
        ("(1 - rho) * g**2", "(1 - rho) * np.mean(g**2)", "line 2: the average (a division by the number of samples) is taken once too often: mean is too much here"),
        ('rho * state.get("s", 0.0)', 'state.get("s", 0.0)', "line 2: the factor rho is missing"),
        ('rho * state.get("s", 0.0)', '(1 - rho) * state.get("s", 0.0)', "line 2: the term 1 is too much: it does not belong to this sum"),
        ('rho * state.get("s", 0.0)', '0.9 * state.get("s", 0.0)', "line 2: the number 0.9 must be rho"),
        ('rho * state.get("s", 0.0)', 'rho * state.get("s", 1.0)', "line 2: the number 1.0 must be 0.0"),
        ("np.sqrt(s + epsilon)", "(s + epsilon)", FIRST),
        ("np.sqrt(s + epsilon)", "np.sqrt(s)", "NaN"),
        ("np.sqrt(s + epsilon)", "(1 + np.sqrt(s + epsilon))", "line 3: the term 1 is too much: it does not belong to this sum"),
        ("w - learning_rate", "w + learning_rate", "the sign is wrong"),
        ("learning_rate * g / ", "learning_rate * np.sign(g) / ", "line 3: sign is applied once too often (twice, or where it does not belong): g"),
        ("learning_rate * g / ", "g / ", "line 3: the factor learning_rate is missing"),
        ('{"s": s}', "state", SECOND),
        ('{"s": s}', '{"s": np.sqrt(s)}', "line 3: sqrt is applied once too often (twice, or where it does not belong): s"),
        (', {"s": s}', "", "it must be the pair w, state"),
        ("    s = rho", "    g /= 2\n    s = rho", "changes its argument number 2"),
        ("learning_rate=0.001", "learning_rate=0.01", "is 10 times what it must be"),
    ],
    "adam": [
        ("m_hat = m / (1 - beta_1**t)", "m_hat = m", "is 0.1 times what it must be"),
        ("s_hat = s / (1 - beta_2**t)", "s_hat = s", "times what it must be"),
        ("m_hat = m / (1 - beta_1**t)", "m_hat = m / (1 - beta_1)", SECOND),
        ("s_hat = s / (1 - beta_2**t)", "s_hat = s / (1 - beta_2)", SECOND),
        ("s_hat = s / (1 - beta_2**t)", "s_hat = s / (1 - beta_1**t)", "line 6: beta_1 stands where beta_2 belongs"),
        ('state.get("t", 0) + 1', 'state.get("t", 0)', "NaN"),
        ('state.get("t", 0) + 1', "1", SECOND),
        ('state.get("t", 0) + 1', 'state.get("t", 1) + 1', "line 2: the number 1 must be 0: a threshold or a start at zero"),
        ("(1 - beta_1) * g\n", "beta_1 * g\n", "line 3: beta_1 stands where 1 - beta_1 belongs"),
        ("(1 - beta_1) * g\n", "g\n", "the factor 1 - beta_1 is missing"),
        ("(1 - beta_2) * g**2", "(1 - beta_2) * g", "w of adam is NaN"),
        ("(1 - beta_2) * g**2", "(1 - beta_2) * np.sum(g**2)", "line 4: the sum is taken once too often: sum is too much here"),
        ("beta_1 * state", "beta_2 * state", "line 3: beta_2 stands where beta_1 belongs"),
        ("beta_2 * state", "beta_1 * state", "line 4: beta_1 stands where beta_2 belongs"),
        ("(np.sqrt(s_hat) + epsilon)", "(s_hat + epsilon)", FIRST),
        ("(np.sqrt(s_hat) + epsilon)", "np.sqrt(s_hat)", "NaN"),
        ("(np.sqrt(s_hat) + epsilon)", "np.sqrt(s_hat + epsilon)", "line 7: the term epsilon stands inside the function and belongs behind it"),
        ("(np.sqrt(s_hat) + epsilon)", "(np.sqrt(s_hat) + 1e-3)", "line 7: the number 0.001 must be 1e-07"),
        ("learning_rate * m_hat", "learning_rate * g", "line 7: g stands where m_hat (g) belongs"),
        ("w - learning_rate", "w + learning_rate", "the sign is wrong"),
        ('{"t": t, "m": m, "s": s}', '{"t": t, "m": m_hat, "s": s_hat}', SECOND),
        ('{"t": t, "m": m, "s": s}', '{"m": m, "s": s}', SECOND),
        ('{"t": t, "m": m, "s": s}', '{"t": t, "s": s}', SECOND),
        ("beta_2=0.999", "beta_2=0.99", SECOND),
        (', {"t": t, "m": m, "s": s}', "", "it must be the pair w, state"),
    ],
    "warmup_cosine": [
        ("learning_rate * (t + 1) / warmup", "learning_rate * t / warmup", "warmup_cosine(0,"),
        ("learning_rate * (t + 1) / warmup", "learning_rate / warmup", "warmup_cosine(1,"),
        ("learning_rate * (t + 1) / warmup", "(t + 1) / warmup", "warmup_cosine(0,"),
        ("learning_rate * (t + 1) / warmup", "learning_rate * (t + 1) // warmup", "warmup_cosine(0,"),
        ("learning_rate * (t + 1) / warmup", "learning_rate", "warmup_cosine(0,"),
        ("t < warmup", "t <= warmup", "warmup_cosine("),
        ("if t >= total", "if t > total + 5", "warmup_cosine("),
        ("return 0.0", "return learning_rate", "warmup_cosine(23,"),
        ("return 0.0", "return None", "is None"),
        ("(t - warmup) / (total - warmup)", "t / total", "warmup_cosine("),
        ("(t - warmup) / (total - warmup)", "(t - warmup) / total", "warmup_cosine("),
        ("(t - warmup) / (total - warmup)", "(t - warmup) / (total - warmup - 1)", "warmup_cosine("),
        ("np.pi * ", "", "warmup_cosine("),
        ("np.pi * ", "2 * np.pi * ", "warmup_cosine("),
        ("learning_rate / 2", "learning_rate", "warmup_cosine("),
        ("1 + np.cos", "1 - np.cos", "warmup_cosine("),
        ("np.cos", "np.sin", "warmup_cosine("),
        ("    if t < warmup", "    if t <= warmup * 0 + warmup and warmup > 0 or t == 0", "warmup_cosine("),
        ("def warmup_cosine(t, learning_rate, warmup, total):", "def warmup_cosine(t, learning_rate, total, warmup=5):",
         "warmup_cosine("),
        ("    if t < warmup", "    t = np.arange(t + 1)\n    if t[0] < warmup", "must be a single number"),
    ],
    "train": [
        (("    states = {name: {} for name in params}", "    state = {}"),
         ("params[name], states[name] = optimizer(", "params[name], state = optimizer("),
         ("params[name], grads[name], states[name]", "params[name], grads[name], state"), "raised ValueError"),
        ("params[name], states[name] = optimizer(", "params[name], _ = optimizer(", "3 steps of averaged"),
        ("params[name], grads[name], states[name]", "params[name], grads[name], {}", "3 steps of averaged"),
        ("params[name], grads[name], states[name]", "params[name], -grads[name], states[name]", "the sign is wrong"),
        ("params[name], grads[name], states[name]", "grads[name], params[name], states[name]", "one step of sgd"),
        ("            for name in params:", "            for name in list(params)[:2]:", "the change of W_o in one step"),
        ("learning_rate=rate", "learning_rate=0.1", "is 0.2 times what it must be"),
        ("learning_rate(len(losses)) if", "learning_rate(epoch + 1) if", "the learning rate 0.5 / (t + 1)"),
        ("learning_rate(len(losses)) if", "learning_rate(start) if", "the learning rate 0.5 / (t + 1)"),
        ("            losses.append(loss)\n", "", "the list of losses"),
        ("            losses.append(loss)\n", "            losses.append(loss)\n            losses.append(loss)\n", "the list of losses"),
        ("            losses.append(loss)\n", "            losses.append(loss / len(batch))\n", "the losses of 3 steps"),
        ("rng.permutation(len(X))", "np.arange(len(X))", "in the order in which they come"),
        ("rng.permutation(len(X))", "rng.integers(0, len(X), len(X))", "one step of sgd"),
        ("rng.permutation(len(X))", "np.random.default_rng(seed).permutation(len(X))", "the same order in each epoch"),
        ("rng.permutation(len(X))", "np.random.default_rng(epoch).permutation(len(X))", "with another seed"),
        ("range(0, len(X), batch_size)", "range(0, len(X) - batch_size + 1, batch_size)", "the list of losses"),
        ("X[batch], y[batch]", "X[batch], y[start : start + batch_size]", "one step of sgd"),
        ("X[batch], y[batch]", "X, y", "not those of its samples"),
        ("    return params, losses", "    return losses", "it must be the pair params, losses"),
        ("    return params, losses", "    return losses, params", "must be a dict with"),
        ("    return params, losses", "    return params, losses[-1]", "the list of losses"),
        ("for epoch in range(epochs):", "for epoch in range(1):", "the list of losses"),
    ],
}  # fmt: skip

RIGHT = {
    "momentum": [
        [('state.get("v", 0.0)', 'state.get("v", np.zeros_like(w))')],
        [('state.get("v", 0.0)', '(state["v"] if "v" in state else 0)')],
        [("w + v, {", "np.add(w, v), {")],
        [(V, 'b = mu * state.get("b", 0.0) + g\n    v = -learning_rate * b'), ('{"v": v}', '{"b": b}')],
        [('{"v": v}', '{**state, "v": v, "steps": state.get("steps", 0) + 1}')],
        """
def momentum(w, g, state, learning_rate=0.01, mu=0.9):
    w = np.array(w)
    v = np.zeros(w.shape, w.dtype) if not state else np.array(state["velocity"])
    for index in np.ndindex(w.shape):
        v[index] = mu * v[index] - learning_rate * np.asarray(g)[index]
        w[index] += v[index]
    return w, {"velocity": v}
""",
    ],
    "nesterov": [
        [('state.get("v", 0.0)', 'state.get("v", np.zeros_like(w))')],
        [("w + mu * v - learning_rate * g", "w - learning_rate * g + v * mu")],
        [("w + mu * v - learning_rate * g", 'w - mu * state.get("v", 0.0) + (1 + mu) * v')],
        [("return w", "return 1.0 * w"), ('{"v": v}', "dict(v=v)")],
        """
def nesterov(w, g, state, learning_rate=0.01, mu=0.9):
    step = learning_rate * g
    old = state.get("speed", 0)
    new = mu * old - step
    return [w + mu * new - step, {"speed": new}]
""",
    ],
    "rmsprop": [
        [("g**2", "np.square(g)"), ("np.sqrt(s + epsilon)", "(s + epsilon) ** 0.5")],
        [("np.sqrt(s + epsilon)", "(np.sqrt(s) + epsilon)")],
        [('rho * state.get("s", 0.0) + (1 - rho) * g**2', 'state.get("s", 0.0) + (1 - rho) * (g * g - state.get("s", 0.0))')],
        [('state.get("s", 0.0)', 'state.get("s", np.zeros_like(g))')],
        """
def rmsprop(w, g, state, learning_rate=0.001, rho=0.9, epsilon=1e-7):
    mean_square = state["ms"] if state else np.zeros_like(w)
    mean_square = np.add(rho * mean_square, (1 - rho) * g * g)
    scaled = g / np.sqrt(mean_square + epsilon)
    return w - learning_rate * scaled, {"ms": mean_square}
""",
    ],
    "adam": [
        [("g**2", "g * g"), ("np.sqrt(s_hat)", "s_hat ** 0.5")],
        [("learning_rate * m_hat / (np.sqrt(s_hat) + epsilon)",
          "learning_rate * (1 - beta_2**t) ** 0.5 / (1 - beta_1**t) * m / (np.sqrt(s) + epsilon)")],
        [("(np.sqrt(s_hat) + epsilon)", "np.sqrt(s_hat + epsilon**2)")],
        [('state.get("m", 0.0)', 'state.get("m", np.zeros_like(w))'), ('state.get("s", 0.0)', 'state.get("s", np.zeros_like(w))')],
        """
def adam(w, g, state, learning_rate=0.001, beta_1=0.9, beta_2=0.999, epsilon=1e-7):
    if not state:
        state = {"moments": (np.zeros_like(w), np.zeros_like(w)), "powers": (1.0, 1.0)}
    m, v = state["moments"]
    m, v = m + (1 - beta_1) * (g - m), v + (1 - beta_2) * (g * g - v)
    p, q = state["powers"][0] * beta_1, state["powers"][1] * beta_2
    step = (m / (1 - p)) / (np.sqrt(v / (1 - q)) + epsilon)
    return w - learning_rate * step, {"moments": (m, v), "powers": (p, q)}
""",
    ],
    "warmup_cosine": [
        [("np.cos", "__import__('math').cos")],
        [("learning_rate / 2 * (1 + np.cos(np.pi * (t - warmup) / (total - warmup)))",
          "learning_rate * np.cos(np.pi / 2 * (t - warmup) / (total - warmup)) ** 2")],
        [("return 0.0", "return 0")],
        [("    if t >= total:\n        return 0.0\n", ""), ("(t - warmup) / (total - warmup)", "min((t - warmup) / (total - warmup), 1)")],
        """
def warmup_cosine(step, peak, warmup, total):
    rising = (step + 1) / max(warmup, 1)
    falling = 0.5 + 0.5 * np.cos(np.pi * np.clip((step - warmup) / (total - warmup), 0, 1))
    return np.float32(peak * np.where(step < warmup, rising, falling))
""",
    ],
    "train": [
        [("            for name in params:", "            for name in reversed(list(params)):")],
        [("    params = dict(params)\n", "    params = {name: w.copy() for name, w in params.items()}\n")],
        [("rate = learning_rate(len(losses)) if callable(learning_rate) else learning_rate\n            losses.append(loss)",
          "rate = learning_rate\n            if callable(rate):\n                rate = rate(len(losses))\n            losses.append(float(loss))")],
        [("    return params, losses", "    return params, np.array(losses)")],
        """
def train(optimizer, params, X, y, learning_rate, epochs, batch_size=32, seed=0):
    schedule = learning_rate if callable(learning_rate) else lambda t: learning_rate
    rng = np.random.RandomState(seed)
    params, memory, history, t = {**params}, {}, [], 0
    for _ in range(epochs):
        rows = list(range(len(X)))
        rng.shuffle(rows)
        while rows:
            batch, rows = rows[:batch_size], rows[batch_size:]
            loss, grads = loss_and_grads(params, X[batch], y[batch])
            history.append(loss)
            for key, g in grads.items():
                params[key], memory[key] = optimizer(params[key], g, memory.get(key, {}), schedule(t))
            t += 1
    return params, history
""",
    ],
}  # fmt: skip
