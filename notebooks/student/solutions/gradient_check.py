def gradient_check(model, X, y, epsilon=1e-5):
    differences = {}
    gradient = model.loss.gradient(y, model.predict(X))
    for layer in reversed(model.layers):
        gradient = layer.backward(gradient)
    for i, layer in enumerate(model.layers):
        for name, w in layer.weights.items():
            numerical = np.zeros_like(w)
            for index in np.ndindex(w.shape):
                kept = w[index]
                w[index] = kept + epsilon
                above = model.loss(y, model.predict(X))
                w[index] = kept - epsilon
                below = model.loss(y, model.predict(X))
                w[index] = kept
                numerical[index] = (above - below) / (2 * epsilon)
            by_hand = layer.gradients[name]
            size = np.linalg.norm(by_hand) + np.linalg.norm(numerical)
            differences[i, name] = np.linalg.norm(by_hand - numerical) / size if size else 0.0
    return differences
