class Tape:
    def __init__(self):
        self.nodes = []

    def array(self, value, *dependencies):
        node = Array(self, value, dependencies)
        self.nodes.append(node)
        return node

    def backward(self, output):
        for node in self.nodes:
            node.grad = np.zeros_like(node.value)
        output.grad = np.ones_like(output.value)
        for node in reversed(self.nodes):
            for array, pullback in node.dependencies:
                array.grad = array.grad + pullback(node.grad)


class Array:
    def __init__(self, tape, value, dependencies=()):
        self.tape = tape
        self.value = np.asarray(value)
        self.dependencies = dependencies
        self.grad = None

    def __add__(self, other):
        return self.tape.array(
            self.value + other.value,
            (self, lambda g: unbroadcast(g, self.value.shape)),
            (other, lambda g: unbroadcast(g, other.value.shape)),
        )

    def __mul__(self, other):
        return self.tape.array(
            self.value * other.value,
            (self, lambda g: unbroadcast(g * other.value, self.value.shape)),
            (other, lambda g: unbroadcast(g * self.value, other.value.shape)),
        )

    def __matmul__(self, other):
        return self.tape.array(
            self.value @ other.value,
            (self, lambda g: g @ other.value.T),
            (other, lambda g: self.value.T @ g),
        )

    def sigmoid(self):
        s = 1 / (1 + np.exp(-self.value))
        return self.tape.array(s, (self, lambda g: g * s * (1 - s)))
