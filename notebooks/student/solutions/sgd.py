class SGD:
    def __init__(self, learning_rate=0.01, momentum=0.0):
        self.learning_rate = learning_rate
        self.momentum = momentum
        self.velocities = {}

    def update(self, key, w, gradient):
        v = self.momentum * self.velocities.get(key, 0.0) - self.learning_rate * gradient
        self.velocities[key] = v
        return w + v
