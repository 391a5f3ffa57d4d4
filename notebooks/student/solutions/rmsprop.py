def rmsprop(w, g, state, learning_rate=0.001, rho=0.9, epsilon=1e-7):
    s = rho * state.get("s", 0.0) + (1 - rho) * g**2
    return w - learning_rate * g / np.sqrt(s + epsilon), {"s": s}
