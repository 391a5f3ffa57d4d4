class Activation:
    def __init__(self, name):
        if name not in ("relu", "sigmoid", "tanh", "softmax"):
            raise ValueError("unknown activation %r" % name)
        self.name = name
        self.weights = {}
        self.gradients = {}

    def build(self, input_size, seed=0):
        return input_size

    def forward(self, Z):
        if self.name == "relu":
            H = np.maximum(Z, 0)
        elif self.name == "sigmoid":
            H = 1 / (1 + np.exp(-Z))
        elif self.name == "tanh":
            H = np.tanh(Z)
        else:
            exp = np.exp(Z - Z.max(axis=1, keepdims=True))
            H = exp / exp.sum(axis=1, keepdims=True)
        self.H = H
        return H

    def backward(self, gradient):
        H = self.H
        if self.name == "relu":
            return gradient * (H > 0)
        if self.name == "sigmoid":
            return gradient * H * (1 - H)
        if self.name == "tanh":
            return gradient * (1 - H**2)
        return H * (gradient - np.sum(gradient * H, axis=1, keepdims=True))
