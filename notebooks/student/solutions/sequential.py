class Sequential:
    def __init__(self, layers):
        self.layers = layers
        self.built = False

    def compile(self, optimizer, loss, seed=0):
        self.optimizer = optimizer
        self.loss = loss
        self.seed = seed

    def build(self, input_size):
        for i, layer in enumerate(self.layers):
            input_size = layer.build(input_size, seed=self.seed + i)
        self.built = True

    def predict(self, X):
        if not self.built:
            self.build(X.shape[1])
        for layer in self.layers:
            X = layer.forward(X)
        return X

    def train_on_batch(self, X, y):
        y_pred = self.predict(X)
        gradient = self.loss.gradient(y, y_pred)
        for layer in reversed(self.layers):
            gradient = layer.backward(gradient)
        for i, layer in enumerate(self.layers):
            for name, w in layer.weights.items():
                layer.weights[name] = self.optimizer.update((i, name), w, layer.gradients[name])
        return self.loss(y, y_pred)

    def evaluate(self, X, y):
        y_pred = self.predict(X)
        return self.loss(y, y_pred), np.mean(y_pred.argmax(axis=1) == y)

    def fit(self, X, y, batch_size=32, epochs=1):
        rng = np.random.default_rng(self.seed)
        history = {"loss": [], "accuracy": []}
        for epoch in range(epochs):
            order = rng.permutation(len(X))
            for start in range(0, len(X), batch_size):
                batch = order[start : start + batch_size]
                self.train_on_batch(X[batch], y[batch])
            loss, accuracy = self.evaluate(X, y)
            history["loss"].append(loss)
            history["accuracy"].append(accuracy)
        return history
