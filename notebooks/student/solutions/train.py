def train(optimizer, params, X, y, learning_rate, epochs, batch_size=32, seed=0):
    rng = np.random.default_rng(seed)
    losses = []
    params = dict(params)
    states = {name: {} for name in params}
    for epoch in range(epochs):
        order = rng.permutation(len(X))
        for start in range(0, len(X), batch_size):
            batch = order[start : start + batch_size]
            loss, grads = loss_and_grads(params, X[batch], y[batch])
            rate = learning_rate(len(losses)) if callable(learning_rate) else learning_rate
            losses.append(loss)
            for name in params:
                params[name], states[name] = optimizer(
                    params[name], grads[name], states[name], learning_rate=rate
                )
    return params, losses
