class Var:
    def __init__(self, value):
        self.value = value
        self.children = []
        self.grad_value = None

    def __add__(self, other):
        z = Var(self.value + other.value)
        self.children.append((1.0, z))
        other.children.append((1.0, z))
        return z

    def __mul__(self, other):
        z = Var(self.value * other.value)
        self.children.append((other.value, z))
        other.children.append((self.value, z))
        return z

    def sin(self):
        z = Var(math.sin(self.value))
        self.children.append((math.cos(self.value), z))
        return z

    def grad(self):
        if self.grad_value is None:
            self.grad_value = sum(weight * child.grad() for weight, child in self.children)
        return self.grad_value
