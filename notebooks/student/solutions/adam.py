def adam(w, g, state, learning_rate=0.001, beta_1=0.9, beta_2=0.999, epsilon=1e-7):
    t = state.get("t", 0) + 1
    m = beta_1 * state.get("m", 0.0) + (1 - beta_1) * g
    s = beta_2 * state.get("s", 0.0) + (1 - beta_2) * g**2
    m_hat = m / (1 - beta_1**t)
    s_hat = s / (1 - beta_2**t)
    return w - learning_rate * m_hat / (np.sqrt(s_hat) + epsilon), {"t": t, "m": m, "s": s}
