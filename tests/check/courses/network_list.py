"""Networks of lists of weights and biases, column vectors, data as a list of pairs."""

import numpy as np
from tests.check.collection import Run, Wrong


def sigmoid(z):
    return 1.0 / (1.0 + np.exp(-z))


def sigmoid_prime(z):
    return sigmoid(z) * (1 - sigmoid(z))


class Network:
    def __init__(self, sizes):
        self.num_layers = len(sizes)
        self.sizes = sizes
        self.biases = [np.random.randn(y, 1) for y in sizes[1:]]
        self.weights = [np.random.randn(y, x) for x, y in zip(sizes[:-1], sizes[1:])]

    def feedforward(self, a):
        for b, w in zip(self.biases, self.weights):
            a = sigmoid(np.dot(w, a) + b)
        return a

    def backprop(self, x, y):
        nabla_b = [np.zeros(b.shape) for b in self.biases]
        nabla_w = [np.zeros(w.shape) for w in self.weights]
        activation = x
        activations = [x]
        zs = []
        for b, w in zip(self.biases, self.weights):
            z = np.dot(w, activation) + b
            zs.append(z)
            activation = sigmoid(z)
            activations.append(activation)
        delta = self.cost_derivative(activations[-1], y) * sigmoid_prime(zs[-1])
        nabla_b[-1] = delta
        nabla_w[-1] = np.dot(delta, activations[-2].transpose())
        for l in range(2, self.num_layers):
            z = zs[-l]
            sp = sigmoid_prime(z)
            delta = np.dot(self.weights[-l + 1].transpose(), delta) * sp
            nabla_b[-l] = delta
            nabla_w[-l] = np.dot(delta, activations[-l - 1].transpose())
        return nabla_b, nabla_w

    def cost_derivative(self, output_activations, y):
        return output_activations - y

    def batch_gradients(self, mini_batch):
        nabla_b = [np.zeros(b.shape) for b in self.biases]
        nabla_w = [np.zeros(w.shape) for w in self.weights]
        for x, y in mini_batch:
            delta_nabla_b, delta_nabla_w = self.backprop(x, y)
            nabla_b = [nb + dnb for nb, dnb in zip(nabla_b, delta_nabla_b)]
            nabla_w = [nw + dnw for nw, dnw in zip(nabla_w, delta_nabla_w)]
        nabla_b = [nb / len(mini_batch) for nb in nabla_b]
        nabla_w = [nw / len(mini_batch) for nw in nabla_w]
        return [nabla_w, nabla_b]


def network(params):
    weights, biases = params
    net = Network([w.shape[1] for w in weights] + [weights[-1].shape[0]])
    net.weights, net.biases = weights, biases
    return net


def total_cost(params, data):
    net = network(params)
    return sum(0.5 * np.sum((net.feedforward(x) - y) ** 2) for x, y in data) / len(data)


def gradients(params, data):
    return network(params).batch_gradients(data)


def one_cost(params, x, y):
    return 0.5 * np.linalg.norm(network(params).feedforward(x) - y) ** 2


def one_gradients(params, x, y):
    nabla_b, nabla_w = network(params).backprop(x, y)
    return [nabla_w, nabla_b]


def problem(rng, sizes=(4, 4, 4, 3), n=6):
    weights = [rng.normal(size=(m, k)) for k, m in zip(sizes[:-1], sizes[1:])]
    biases = [rng.normal(size=(m, 1)) for m in sizes[1:]]
    labels = rng.integers(0, sizes[-1], n)
    data = [(rng.normal(size=(sizes[0], 1)), np.eye(sizes[-1])[:, [k]]) for k in labels]
    return [weights, biases], data


def one_problem(rng, sizes=(4, 5, 3)):
    params, data = problem(rng, sizes, 1)
    return params, *data[0]


class CrossEntropyNetwork:
    """Cross-entropy with a penalty on the weights, the whole batch as a matrix of columns."""

    def __init__(self, weights, biases, lmbda):
        self.weights, self.biases, self.lmbda = weights, biases, lmbda

    def activations(self, X):
        activations = [X]
        for w, b in zip(self.weights, self.biases):
            activations.append(sigmoid(w @ activations[-1] + b))
        return activations

    def cost(self, X, Y):
        n = X.shape[1]
        A = self.activations(X)[-1]
        cost = np.sum(-Y * np.log(A) - (1 - Y) * np.log(1 - A)) / n
        cost += 0.5 * (self.lmbda / n) * sum(np.linalg.norm(w) ** 2 for w in self.weights)
        return cost

    def gradients(self, X, Y):
        n = X.shape[1]
        activations = self.activations(X)
        delta = activations[-1] - Y
        nabla_w, nabla_b = [], []
        for k in reversed(range(len(self.weights))):
            nabla_w.insert(0, delta @ activations[k].T / n + (self.lmbda / n) * self.weights[k])
            nabla_b.insert(0, np.sum(delta, axis=1, keepdims=True) / n)
            if k > 0:
                a = activations[k]
                delta = self.weights[k].T @ delta * a * (1 - a)
        return [nabla_w, nabla_b]


def cross_problem(rng, sizes=(3, 5, 2), n=7):
    params, _ = problem(rng, sizes, 1)
    return (
        params,
        rng.normal(size=(sizes[0], n)),
        np.eye(sizes[-1])[:, rng.integers(0, sizes[-1], n)],
    )


def cross_cost(params, X, Y):
    return CrossEntropyNetwork(*params, 0.7).cost(X, Y)


def cross_gradients(params, X, Y):
    return CrossEntropyNetwork(*params, 0.7).gradients(X, Y)


RUNS = {
    "batch": Run("total_cost", "gradients", problem, {"n": 100}),
    "one": Run("one_cost", "one_gradients", one_problem),
    "cross": Run("cross_cost", "cross_gradients", cross_problem, {"n": 1000}),
}


def backprop(right, wrong, said, *also, run="batch"):
    return Wrong("Network.backprop", right, wrong, said, run, also)


def batch(right, wrong, said, *also):
    return Wrong("Network.batch_gradients", right, wrong, said, "batch", also)


def cross(right, wrong, said, *also):
    return Wrong("CrossEntropyNetwork.gradients", right, wrong, said, "cross", also)


SLOPE = r"sigmoid|derivative|slope|\bsp\b|prime"

WRONG = [
    backprop(" * sigmoid_prime(zs[-1])", "", SLOPE),
    backprop(".transpose(), delta) * sp", ".transpose(), delta)", SLOPE),
    backprop("sp = sigmoid_prime(z)", "sp = sigmoid(z)", SLOPE),
    backprop(
        "sigmoid_prime(zs[-1])", "sigmoid_prime(activations[-1])", SLOPE + "|zs|activation|twice"
    ),
    backprop(
        "activations[-l - 1].transpose()",
        "activations[-l].transpose()",
        r"-l|activation|layer|index|- 1",
    ),
    backprop("nabla_b[-l] = delta", "nabla_b[-l] = delta * sp", SLOPE + "|twice|once"),
    backprop("zs.append(z)", "zs.append(sigmoid(z))", r"\bz\b|zs|activation"),
    backprop("np.dot(w, activation) + b", "np.dot(w, activation)", r"bias|\bb\b"),
    backprop(" * sigmoid_prime(zs[-1])", "", SLOPE, run="one"),
    backprop(
        "range(2, self.num_layers)",
        "range(2, self.num_layers - 1)",
        r"range|layer|num_layers|first|missing|zero",
    ),
    Wrong("sigmoid_prime", "sigmoid(z) * (1 - sigmoid(z))", "z * (1 - z)", SLOPE, "batch"),
    Wrong(
        "sigmoid_prime",
        "sigmoid(z) * (1 - sigmoid(z))",
        "sigmoid(z) * (1 + sigmoid(z))",
        SLOPE + "|sign|minus",
        "one",
    ),
    Wrong(
        "sigmoid_prime",
        "sigmoid(z) * (1 - sigmoid(z))",
        "1 - sigmoid(z) ** 2",
        SLOPE + "|tanh",
        "batch",
    ),
    Wrong(
        "Network.cost_derivative",
        "output_activations - y",
        "y - output_activations",
        r"sign|minus|order|swap|negat",
        "batch",
    ),
    Wrong(
        "Network.cost_derivative",
        "output_activations - y",
        "2 * (output_activations - y)",
        r"factor|\b2\b|twice",
        "batch",
    ),
    Wrong(
        "Network.cost_derivative",
        "output_activations - y",
        "(output_activations - y) ** 2",
        r"square|\*\* ?2|power|derivative",
        "one",
    ),
    batch(
        "        nabla_b = [nb / len(mini_batch) for nb in nabla_b]\n        nabla_w = [nw / len(mini_batch) for nw in nabla_w]\n",
        "",
        r"average|mean|divi",
    ),
    batch("        nabla_b = [nb / len(mini_batch) for nb in nabla_b]\n", "", r"average|mean|divi"),
    batch(
        "nabla_w = [nw + dnw for nw, dnw in",
        "nabla_w = [dnw for nw, dnw in",
        r"add|accumul|sum|\bnw\b|last|overwrit",
    ),
    batch("nw / len(mini_batch)", "nw / len(x)", r"len\(mini_batch\)|len|average|number of"),
    cross(
        "activations[-1] - Y",
        "(activations[-1] - Y) * activations[-1] * (1 - activations[-1])",
        SLOPE + "|cancel|twice",
    ),
    cross(
        " + (self.lmbda / n) * self.weights[k]",
        " + self.lmbda * self.weights[k]",
        r"\bn\b|average|penal|regulari|lmbda",
    ),
    cross(" + (self.lmbda / n) * self.weights[k]", "", r"penal|regulari|lmbda|missing"),
    cross(
        " + (self.lmbda / n) * self.weights[k]",
        " - (self.lmbda / n) * self.weights[k]",
        r"sign|minus|penal|regulari",
    ),
    cross(
        "np.sum(delta, axis=1, keepdims=True) / n",
        "np.sum(delta, axis=1, keepdims=True)",
        r"average|mean|divi",
    ),
    cross(
        "delta = self.weights[k].T @ delta * a * (1 - a)",
        "delta = self.weights[k].T @ delta * a",
        SLOPE + r"|1 - a",
    ),
    cross(
        "nabla_b.insert(0, np.sum(delta, axis=1, keepdims=True) / n)",
        "nabla_b.insert(0, np.mean(delta, axis=1, keepdims=True) / n)",
        r"mean|sum|average|twice",
    ),
]
