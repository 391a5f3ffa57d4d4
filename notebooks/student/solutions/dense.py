class Dense:
    def __init__(self, units):
        self.units = units
        self.weights = {}
        self.gradients = {}

    def build(self, input_size, seed=0):
        rng = np.random.default_rng(seed)
        limit = np.sqrt(6 / (input_size + self.units))
        W = rng.uniform(-limit, limit, size=(input_size, self.units))
        self.weights = {"W": W, "b": np.zeros(self.units)}
        return self.units

    def forward(self, X):
        self.X = X
        return X @ self.weights["W"] + self.weights["b"]

    def backward(self, gradient):
        self.gradients = {"W": self.X.T @ gradient, "b": gradient.sum(axis=0)}
        return gradient @ self.weights["W"].T
