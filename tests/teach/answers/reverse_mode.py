"""Lab 3: reverse-mode differentiation."""

SELF_SUM = "sum(weight * child.grad() for weight, child in self.children)"

WRONG = {
    "Var": [
        ("self.children.append((other.value, z))", "self.children.append((self.value, z))",
         "dz/dx of z = x * y"),
        ("other.children.append((self.value, z))", "other.children.append((other.value, z))",
         "dz/dy of z = x * y"),
        ("other.children.append((1.0, z))", "pass", "dz/dy of z = x + y"),
        ("self.children.append((1.0, z))", "self.children = [(1.0, z)]", "dz/dx of z = x + x * y"),
        ("(math.cos(self.value), z)", "(math.sin(self.value), z)", "dz/dx of z = sin(x)"),
        ("(math.cos(self.value), z)", "(-math.cos(self.value), z)", "dz/dx of z = sin(x)"),
        ("(math.cos(self.value), z)", "(math.cos(z.value), z)", "dz/dx of z = sin(x)"),
        ("math.sin(self.value)", "math.sin(math.radians(self.value))", "the value of Var"),
        ("Var(self.value * other.value)", "Var(self.value + other.value)", "* Var("),
        (SELF_SUM, "math.prod(weight * child.grad() for weight, child in self.children)",
         "dz/dy of z = sin(x) at"),
        (SELF_SUM, "sum(weight for weight, child in self.children)",
         "dz/dx of z = sin(x * y) * y"),
        (SELF_SUM, "sum(weight + child.grad() for weight, child in self.children)", "dz/dx of z = x + y"),
        (SELF_SUM, "self.children[0][0] * self.children[0][1].grad()", "raised IndexError"),
        ("        return self.grad_value", "        pass", "NoneType"),
        ("            self.grad_value = sum", "            return sum", "does not keep"),
        ("z = Var(self.value * other.value)", "z = self.value * other.value",
         "must be an object"),
        ("        if self.grad_value is None:\n    ", "        if True:\n    ", "dz/dx of z = x + y"),
    ],
    "backward": [
        ("derivatives[dependency] += weight", "derivatives[dependency] = weight", "z = x y + sin(x)"),
        ("range(output, -1, -1)", "range(output + 1)", "z = x y + sin(x)"),
        ("range(output, -1, -1)", "range(output - 1, -1, -1)", "z = x y + sin(x)"),
        ("derivatives[output] = 1.0", "derivatives[-1] = 1.0", "a = x y"),
        ("    derivatives[output] = 1.0\n", "", "z = x y + sin(x)"),
        ("derivatives[output] = 1.0", "derivatives[output] = 2.0", "z = x y + sin(x)"),
        ("weight * derivatives[index]", "weight", "used twice"),
        ("weight * derivatives[index]", "derivatives[index]", "z = x y + sin(x)"),
        ("weight * derivatives[index]", "weight + derivatives[index]", "z = x y + sin(x)"),
        ("weight * derivatives[index]", "abs(weight) * derivatives[index]", "at random"),
        ("return derivatives", "return derivatives[:2]", "must be (5,)"),
        ("return derivatives", "return sum(derivatives)", "must be (5,)"),
        ("return derivatives", "pass", "is None"),
        ("zip(weights, dependencies)", "dict(zip(dependencies, weights)).items()", "raised"),
        ("        for weight, dependency in zip(weights, dependencies):",
         "        for dependency, weight in dict(zip(dependencies, weights)).items():", "used twice"),
        ("    derivatives[output] = 1.0\n",
         "    derivatives[output] = 1.0\n"
         "    def visit(index):\n"
         "        weights, dependencies = nodes[index]\n"
         "        for weight, dependency in zip(weights, dependencies):\n"
         "            derivatives[dependency] += weight * derivatives[index]\n"
         "        for dependency in reversed(range(index)):\n"
         "            return visit(dependency)\n"
         "    visit(output)\n"
         "    return derivatives\n",
         "RecursionError"),
    ],
    "unbroadcast": [
        ("gradient.sum(axis=0)", "gradient.mean(axis=0)", "line"),
        ("gradient.sum(axis=0)", "gradient[0]", "must be"),
        ("gradient.sum(axis=0)", "gradient.max(axis=0)", "max stands where sum belongs"),
        ("gradient.sum(axis=0)", "gradient.sum(axis=-1)", "transposed"),
        ("gradient.sum(axis=axis, keepdims=True)", "gradient.sum(axis=axis)", "shape"),
        ("gradient.sum(axis=axis, keepdims=True)", "gradient.mean(axis=axis, keepdims=True)", "the average"),
        ("gradient.sum(axis=axis, keepdims=True)", "gradient.sum(keepdims=True)", "summed (or averaged) over the wrong axis"),
        ("length == 1", "length != 1", "the sum is taken once too often"),
        ("    while gradient.ndim > len(shape):\n        gradient = gradient.sum(axis=0)\n", "", "shape"),
        ("while gradient.ndim > len(shape)", "if gradient.ndim > len(shape)", "summed (or averaged) over the wrong axis"),
        ("return gradient", "return gradient.astype(float)", "must stay float32"),
        ("return gradient", "return gradient / gradient.size", "the division by gradient.size is too much"),
        ("return gradient", "pass", "is None"),
        ("    while gradient.ndim > len(shape)",
         "    return np.resize(gradient, shape)\n    while gradient.ndim > len(shape)",
         "the sum over the batch is missing"),
        ("    while gradient.ndim > len(shape)",
         "    return np.ones(shape, gradient.dtype) * gradient.sum()\n    while gradient.ndim > 0",
         "sum"),
        ("    while gradient.ndim > len(shape)",
         "    gradient *= 1.5\n    while gradient.ndim > len(shape)", "changes its argument number 1"),
    ],
    "Tape": [
        ("np.zeros_like(node.value)", "np.ones_like(node.value)", "must be"),
        ("np.ones_like(output.value)", "np.zeros_like(output.value)", "must be"),
        ("        for node in self.nodes:\n            node.grad = np.zeros_like(node.value)\n",
         "        for node in self.nodes:\n            if node.grad is None:\n"
         "                node.grad = np.zeros_like(node.value)\n", "a second time"),
        ("reversed(self.nodes)", "self.nodes", "must be"),
        ("array.grad = array.grad + pullback(node.grad)", "array.grad = pullback(node.grad)",
         "where it is used twice"),
        ("output.grad = np.ones_like(output.value)", "self.nodes[-1].grad = np.ones_like(self.nodes[-1].value)",
         "which does not use x"),
        ("lambda g: unbroadcast(g * other.value, self.value.shape)", "lambda g: g * other.value", "has the shape"),
        ("unbroadcast(g * other.value, self.value.shape)", "unbroadcast(g * self.value, self.value.shape)",
         "the grad of x in x * y"),
        ("unbroadcast(g * self.value, other.value.shape)", "unbroadcast(g, other.value.shape) * self.value",
         "the grad of y in x * y"),
        ("unbroadcast(g * self.value, other.value.shape)", "unbroadcast(self.value, other.value.shape)",
         "must be"),
        ("self.value * other.value,", "self.value + other.value,", "the value of x * y"),
        ("g @ other.value.T", "other.value.T @ g", "raised ValueError"),
        ("g @ other.value.T", "g @ other.value", "raised ValueError"),
        ("self.value.T @ g", "(g.T @ self.value)", "raised ValueError"),
        ("self.value @ other.value", "self.value * other.value", "raised ValueError"),
        ("g * s * (1 - s)", "g * s", "the gradient of the sigmoid"),
        ("g * s * (1 - s)", "s * (1 - s)", "the grad of"),
        ("g * s * (1 - s)", "g * self.value * (1 - self.value)", "must be"),
        ("1 / (1 + np.exp(-self.value))", "1 / (1 + np.exp(self.value))", "the sigmoid of -1000"),
        ("1 / (1 + np.exp(-self.value))", "np.exp(self.value) / (1 + np.exp(self.value))", "NaN"),
        ("1 / (1 + np.exp(-self.value))", "1 / (1 + np.exp(-self.value.astype(float)))", "must stay float32"),
        ("np.zeros_like(node.value)", "np.zeros(node.value.shape)", "must stay float32"),
    ],
    "softmax_nll": [
        ("g * d_Z / len(y)", "g * d_Z", "the grad of"),
        ("g * d_Z / len(y)", "d_Z / len(y)", "3 times the loss"),
        ("g * d_Z / len(y)", "g * d_Z / d_Z.size", "the grad of"),
        ("g * d_Z / len(y)", "-g * d_Z / len(y)", "the grad of"),
        ("d_Z[rows, y] -= 1", "d_Z[rows, y] += 1", "the grad of"),
        ("d_Z[rows, y] -= 1", "pass", "the grad of"),
        ("d_Z[rows, y] -= 1", "d_Z[:, y] -= 1", "the grad of"),
        ("np.exp(log_P)", "log_P.copy()", "the grad of"),
        ("-log_P[rows, y].mean()", "-log_P[rows, y].sum()", "the loss of"),
        ("-log_P[rows, y].mean()", "log_P[rows, y].mean()", "the loss of"),
        ("-log_P[rows, y].mean()", "-log_P[rows, y]", "the shape (5,)"),
        ("-log_P[rows, y].mean()", "-log_P.mean()", "the loss of"),
        ("-log_P[rows, y].mean()", "-log_P[:, y].mean()", "the loss of"),
        ("Z = scores.value - scores.value.max(axis=1, keepdims=True)", "Z = scores.value", "is infinite"),
        ("np.exp(Z).sum(axis=1, keepdims=True)", "np.exp(Z).sum()", "the loss of"),
        ("np.exp(Z).sum(axis=1, keepdims=True)", "np.exp(Z).sum(axis=0)", "the loss of"),
        ("scores.value.max(axis=1, keepdims=True)", "scores.value.max(axis=1)", "raised ValueError"),
        ("    rows = np.arange(len(y))", "    scores.value = scores.value.astype(float)\n    rows = np.arange(len(y))",
         "must"),
        ("return scores.tape.array(-log_P[rows, y].mean(), (scores, pullback))",
         "return -log_P[rows, y].mean()", "must be an object"),
    ],
    "TapeNet": [
        (".sigmoid()", "", "loss(X, y) is"),
        ('h @ params["W_o"] + params["b_o"], params', 'h @ params["W_o"], params', "loss(X, y) is"),
        ('h @ params["W_o"] + params["b_o"], params', '(h @ params["W_o"] + params["b_o"]).sigmoid(), params',
         "loss(X, y) is"),
        ('params["b_h"]).sigmoid()', 'params["b_o"]).sigmoid()', "loss(X, y) is"),
        ("softmax_nll(scores, y).value", "softmax_nll(scores, y)", "must be"),
        ("softmax_nll(scores, y).value", "softmax_nll(scores, y).value * len(y)", "loss(X, y) is"),
        ("softmax_nll(scores, y).value", "-softmax_nll(scores, y).value", "loss(X, y) is"),
        ("tape.backward(softmax_nll(scores, y))", "tape.backward(scores)", "W_h after a step"),
        ("        tape.backward(softmax_nll(scores, y))\n", "", "is None"),
        ("{name: array.grad for", "{name: array.value for", "W_h after a step"),
        ("{name: array.grad for", "{name: array.grad * len(X) for", "W_h after a step"),
        ("{name: array.grad for name", "{'grad_' + name: array.grad for name", "must be a dict with 'W_h'"),
        ("- learning_rate * gradient", "+ learning_rate * gradient", "W_h after a step"),
        ("- learning_rate * gradient", "- 0.1 * gradient", "W_h after a step"),
        ("getattr(self, name) - learning_rate", "- learning_rate", "W_h after a step"),
        ("for name, gradient in self.grad_loss(X, y).items():",
         'for name, gradient in list(self.grad_loss(X, y).items())[:1]:', "b_h after a step"),
        ("rng.uniform(-0.1, 0.1, size=(input_size, hidden_size))",
         "rng.uniform(-0.1, 0.1, size=(hidden_size, input_size))", "TapeNet(64, 10, 10).W_h"),
        ("np.zeros(hidden_size)", "np.zeros(input_size)", "TapeNet(64, 10, 10).b_h"),
        ("np.argmax(scores.value, axis=1)", "np.argmin(scores.value, axis=1)", "predict(X) is"),
    ],
}  # fmt: skip

RIGHT = {
    "Var": [
        [("math.sin", "np.sin"), ("math.cos", "np.cos")],
        [("sum(weight * child.grad() for weight, child in self.children)",
          "0.0\n            for weight, child in self.children:\n"
          "                self.grad_value += weight * child.grad()")],
        [("self.children.append((1.0, z))", "self.children += [(1.0, z)]"),
         ("other.children.append((1.0, z))", "other.children += [(1.0, z)]")],
        """
class Var:
    def __init__(self, value, children=None):
        self.value = value
        self.made = []
        self.grad_value = None
    def result(self, value, *parents):
        z = Var(value)
        for parent, slope in parents:
            parent.made.append((z, slope))
        return z
    def __add__(self, other):
        return self.result(self.value + other.value, (self, 1), (other, 1))
    def __mul__(self, other):
        return self.result(self.value * other.value, (self, other.value), (other, self.value))
    def sin(self):
        return self.result(math.sin(self.value), (self, math.cos(self.value)))
    def grad(self):
        if self.grad_value is not None:
            return self.grad_value
        total = 0
        for z, slope in self.made:
            total = total + z.grad() * slope
        self.grad_value = total
        return total
""",
        """
class Number:
    def __init__(self, value):
        self.value, self.children, self.grad_value = np.float64(value), [], None
    def __add__(self, other):
        if not isinstance(other, Number):
            other = Number(other)
        z = type(self)(self.value + other.value)
        self.children.append((1.0, z)); other.children.append((1.0, z))
        return z
    __radd__ = __add__
    def __mul__(self, other):
        z = type(self)(self.value * other.value)
        self.children.append((other.value, z)); other.children.append((self.value, z))
        return z
    def sin(self):
        z = type(self)(np.sin(self.value))
        self.children.append((np.cos(self.value), z))
        return z
    def grad(self):
        if self.grad_value is None:
            self.grad_value = np.dot([w for w, _ in self.children], [c.grad() for _, c in self.children])
        return self.grad_value

class Var(Number):
    pass
""",
    ],
    "backward": [
        [("range(output, -1, -1)", "reversed(range(output + 1))")],
        [("range(output, -1, -1)", "reversed(range(len(nodes)))")],
        [("    derivatives = [0.0] * len(nodes)", "    derivatives = np.zeros(len(nodes))")],
        """
def backward(tape, z):
    grads = np.zeros(len(tape), dtype=np.float32)
    grads[z] = 1
    i = z
    while i >= 0:
        for k in range(len(tape[i][0])):
            grads[tape[i][1][k]] = grads[tape[i][1][k]] + tape[i][0][k] * grads[i]
        i -= 1
    return grads
""",
        """
def backward(nodes, output):
    users = [[] for _ in nodes]
    for i, (weights, dependencies) in enumerate(nodes):
        for w, d in zip(weights, dependencies):
            users[d].append((w, i))
    found = {}
    for i in reversed(range(len(nodes))):
        found[i] = float(i == output) + sum(w * found[j] for w, j in users[i])
    return tuple(found[i] for i in range(len(nodes)))
""",
        """
def backward(nodes, output):
    d = [0] * len(nodes)
    d[output] = 1
    for i, (weights, dependencies) in reversed(list(enumerate(nodes))):
        d_i = d[i]
        for j, w in zip(dependencies, weights):
            d[j] = d[j] + d_i * w
    return d
""",
    ],
    "unbroadcast": [
        """
def unbroadcast(g, shape):
    extra = g.ndim - len(shape)
    axes = tuple(range(extra)) + tuple(i + extra for i, n in enumerate(shape) if n == 1)
    return g.sum(axis=axes).reshape(shape)
""",
        """
def unbroadcast(g, shape):
    padded = (1,) * (np.ndim(g) - len(shape)) + tuple(shape)
    for axis, (have, want) in enumerate(zip(g.shape, padded)):
        if have != want:
            g = np.sum(g, axis=axis, keepdims=True)
    return np.reshape(g, shape)
""",
        """
def unbroadcast(gradient, shape):
    if gradient.shape == shape:
        return gradient
    if gradient.ndim > len(shape):
        return unbroadcast(np.add.reduce(gradient), shape)
    for axis in range(gradient.ndim):
        if shape[axis] == 1:
            gradient = np.expand_dims(gradient.sum(axis), axis)
    return gradient
""",
        """
def unbroadcast(gradient, shape):
    total = np.zeros(shape, dtype=gradient.dtype)
    view = np.broadcast_to(np.arange(total.size).reshape(shape), gradient.shape)
    for place, number in zip(view.ravel(), gradient.ravel()):
        total.reshape(-1)[place] += number
    return total
""",
        [("gradient.sum(axis=0)", "np.einsum('i...->...', gradient)")],
        [("return gradient", "return gradient.copy()")],
    ],
    "Tape": [
        [("reversed(self.nodes)", "self.nodes[::-1]")],
        [("g * s * (1 - s)", "g * (s - s**2)")],
        [("self.value @ other.value", "np.dot(self.value, other.value)"),
         ("g @ other.value.T", "np.matmul(g, other.value.transpose())"),
         ("self.value.T @ g", "np.einsum('ij,ik->jk', self.value, g)")],
        [("1 / (1 + np.exp(-self.value))", "0.5 * (1 + np.tanh(0.5 * self.value))")],
        [("        for node in self.nodes:\n            node.grad = np.zeros_like(node.value)\n"
          "        output.grad = np.ones_like(output.value)\n"
          "        for node in reversed(self.nodes):\n"
          "            for array, pullback in node.dependencies:\n"
          "                array.grad = array.grad + pullback(node.grad)\n",
          "        grads = {id(output): np.ones_like(output.value)}\n"
          "        for node in reversed(self.nodes):\n"
          "            node.grad = grads.get(id(node), np.zeros_like(node.value))\n"
          "            for array, pullback in node.dependencies:\n"
          "                share = pullback(node.grad)\n"
          "                known = grads.get(id(array))\n"
          "                grads[id(array)] = share if known is None else known + share\n")],
        """
class Array:
    def __init__(self, tape, value, dependencies=()):
        self.tape, self.value, self.grad, self.dependencies = tape, value, None, dependencies
    def made(self, value, *pulls):
        return self.tape.array(value, *pulls)
    def __add__(a, b):
        def to(array):
            return array, lambda g: unbroadcast(g, array.value.shape)
        return a.made(a.value + b.value, to(a), to(b))
    def __mul__(a, b):
        def to(array, by):
            return array, lambda g: unbroadcast(by.value * g, array.value.shape)
        return a.made(a.value * b.value, to(a, b), to(b, a))
    def __matmul__(a, b):
        return a.made(a.value @ b.value, (b, lambda g: a.value.T @ g), (a, lambda g: g @ b.value.T))
    def sigmoid(a):
        out = a.made(1 / (1 + np.exp(-a.value)))
        out.dependencies = ((a, lambda g: out.value * (1 - out.value) * g),)
        return out

class Tape:
    def __init__(self):
        self.nodes = []
    def array(self, value, *dependencies):
        self.nodes.append(Array(self, np.array(value), dependencies))
        return self.nodes[-1]
    def backward(self, output):
        for node in self.nodes:
            node.grad = 0 * node.value
        output.grad = 0 * output.value + 1
        for node in self.nodes[::-1]:
            for array, pullback in node.dependencies:
                array.grad = np.add(array.grad, pullback(node.grad))
""",
    ],
    "softmax_nll": [
        [("-log_P[rows, y].mean()", "-np.mean(np.take_along_axis(log_P, np.reshape(y, (-1, 1)), axis=1))")],
        [("g * d_Z / len(y)", "d_Z * (g / len(rows))")],
        [("scores.value.max(axis=1, keepdims=True)", "scores.value.max(axis=-1)[:, None]")],
        """
def softmax_nll(scores, y):
    Z = scores.value
    n, k = Z.shape
    Y = np.eye(k, dtype=Z.dtype)[y]
    shifted = Z - np.max(Z, axis=1, keepdims=True)
    e = np.exp(shifted)
    P = e / np.sum(e, axis=1, keepdims=True)
    log_P = shifted - np.log(np.sum(e, axis=1, keepdims=True))
    return scores.tape.array(-(Y * log_P).sum() / n, (scores, lambda g: g * (P - Y) / n))
""",
        """
def softmax_nll(scores, classes):
    Z = scores.value
    total = Z.dtype.type(0)
    P = np.empty_like(Z)
    for i in range(len(Z)):
        z = Z[i] - Z[i].max()
        s = np.exp(z).sum()
        P[i] = np.exp(z) / s
        total += np.log(s) - z[classes[i]]
    def pull(g):
        out = P.copy()
        for i in range(len(out)):
            out[i, classes[i]] -= 1
        return out * g / len(Z)
    return scores.tape.array(total / len(Z), (scores, pull))
""",
    ],
    "TapeNet": [
        [("rng.uniform(-0.1, 0.1, size=(input_size, hidden_size))",
          "0.1 * rng.standard_normal((input_size, hidden_size))")],
        [("return softmax_nll(scores, y).value", "return float(softmax_nll(scores, y).value)")],
        [('getattr(self, name) - learning_rate * gradient',
          'np.subtract(getattr(self, name), np.multiply(gradient, learning_rate))')],
        [("tape.array(X)", "tape.array(np.asarray(X, dtype=float))")],
        """
class TapeNet:
    def __init__(self, n_in, n_hidden, n_out):
        self.W_h = np.random.default_rng(1).normal(0, 0.2, (n_in, n_hidden)).astype(np.float32)
        self.b_h = np.zeros(n_hidden, np.float32)
        self.W_o = np.random.default_rng(2).normal(0, 0.2, (n_hidden, n_out)).astype(np.float32)
        self.b_o = np.zeros(n_out, np.float32)
    def record(self, X):
        tape = Tape()
        x, W, b, V, c = map(tape.array, (X, self.W_h, self.b_h, self.W_o, self.b_o))
        return tape, (x @ W + b).sigmoid() @ V + c, (W, b, V, c)
    def loss(self, X, y):
        return softmax_nll(self.record(X)[1], y).value
    def grad_loss(self, X, y):
        tape, scores, params = self.record(X)
        tape.backward(softmax_nll(scores, y))
        return dict(zip(["W_h", "b_h", "W_o", "b_o"], [p.grad for p in params]))
    def train(self, X, y, learning_rate):
        grads = self.grad_loss(X, y)
        self.W_h = self.W_h - learning_rate * grads["W_h"]
        self.b_h = self.b_h - learning_rate * grads["b_h"]
        self.W_o = self.W_o - learning_rate * grads["W_o"]
        self.b_o = self.b_o - learning_rate * grads["b_o"]
    def predict(self, X):
        return self.record(X)[1].value.argmax(axis=1)
    def accuracy(self, X, y):
        return np.mean(self.predict(X) == y)
""",
    ],
}  # fmt: skip
