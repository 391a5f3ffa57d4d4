def glorot_uniform(n_in, n_out):
    a = np.sqrt(6 / (n_in + n_out))
    return np.random.uniform(size=(n_in, n_out), high=a, low=-a)


class DeepNet(NeuralNet):
    """MLP with 2 hidden layers with sigmoid activations"""

    def __init__(self, input_size, hidden_size_1, hidden_size_2, output_size):
        self.W_h1 = glorot_uniform(input_size, hidden_size_1)
        self.b_h1 = np.zeros(hidden_size_1)
        self.W_h2 = glorot_uniform(hidden_size_1, hidden_size_2)
        self.b_h2 = np.zeros(hidden_size_2)
        self.W_o = glorot_uniform(hidden_size_2, output_size)
        self.b_o = np.zeros(output_size)
        self.output_size = output_size

    def forward_keep_activations(self, X):
        z_h1 = np.dot(X, self.W_h1) + self.b_h1
        h1 = sigmoid(z_h1)
        z_h2 = np.dot(h1, self.W_h2) + self.b_h2
        h2 = sigmoid(z_h2)
        y = softmax(np.dot(h2, self.W_o) + self.b_o)
        return y, (h1, h2), (z_h1, z_h2)

    def grad_loss(self, x, y_true):
        y, (h1, h2), (z_h1, z_h2) = self.forward_keep_activations(x)
        grad_z_o = y - one_hot(self.output_size, y_true)
        grad_z_h2 = np.dot(grad_z_o, self.W_o.T) * dsigmoid(z_h2)
        grad_z_h1 = np.dot(grad_z_h2, self.W_h2.T) * dsigmoid(z_h1)
        return {
            "W_h1": np.outer(x, grad_z_h1),
            "b_h1": grad_z_h1,
            "W_h2": np.outer(h1, grad_z_h2),
            "b_h2": grad_z_h2,
            "W_o": np.outer(h2, grad_z_o),
            "b_o": grad_z_o,
        }
