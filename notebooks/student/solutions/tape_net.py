class TapeNet:
    def __init__(self, input_size, hidden_size, output_size, seed=0):
        rng = np.random.default_rng(seed)
        self.W_h = rng.uniform(-0.1, 0.1, size=(input_size, hidden_size))
        self.b_h = np.zeros(hidden_size)
        self.W_o = rng.uniform(-0.1, 0.1, size=(hidden_size, output_size))
        self.b_o = np.zeros(output_size)

    def scores(self, tape, X):
        params = {name: tape.array(getattr(self, name)) for name in ("W_h", "b_h", "W_o", "b_o")}
        h = (tape.array(X) @ params["W_h"] + params["b_h"]).sigmoid()
        return h @ params["W_o"] + params["b_o"], params

    def loss(self, X, y):
        scores, params = self.scores(Tape(), X)
        return softmax_nll(scores, y).value

    def grad_loss(self, X, y):
        tape = Tape()
        scores, params = self.scores(tape, X)
        tape.backward(softmax_nll(scores, y))
        return {name: array.grad for name, array in params.items()}

    def train(self, X, y, learning_rate):
        for name, gradient in self.grad_loss(X, y).items():
            setattr(self, name, getattr(self, name) - learning_rate * gradient)

    def predict(self, X):
        scores, params = self.scores(Tape(), X)
        return np.argmax(scores.value, axis=1)

    def accuracy(self, X, y):
        return np.mean(self.predict(X) == y)
