def nesterov(w, g, state, learning_rate=0.01, mu=0.9):
    v = mu * state.get("v", 0.0) - learning_rate * g
    return w + mu * v - learning_rate * g, {"v": v}
