class MomentumNet(MiniBatchNet):
    def __init__(self, input_size, hidden_size, output_size):
        super().__init__(input_size, hidden_size, output_size)
        self.velocities = {}

    def train(self, X, y, learning_rate, momentum=0.9):
        for name, grad in self.grad_loss(X, y).items():
            velocity = momentum * self.velocities.get(name, 0.0) - learning_rate * grad
            self.velocities[name] = velocity
            setattr(self, name, getattr(self, name) + velocity)
