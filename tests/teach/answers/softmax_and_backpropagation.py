"""Lab 1: softmax regression and backpropagation."""

WRONG = {
    "one_hot": [
        ("np.eye(n_classes)[y]", "np.eye(n_classes)", "shape"),
        ("np.eye(n_classes)[y]", "np.zeros(n_classes)", "shape (10,), it must be (4, 10)"),
        ("np.eye(n_classes)[y]", "y", "shape (), it must be (10,)"),
        ("np.eye(n_classes)[y]", "np.eye(n_classes)[:, y]", "shape (10, 4), it must be (4, 10)"),
        (
            "np.eye(n_classes)[y]",
            "np.eye(n_classes)[np.asarray(y) - 1]",
            "must be [0., 0., 0., 1., 0.",
        ),
        ("np.eye(n_classes)[y]", "np.eye(n_classes + 1)[y]", "shape (11,), it must be (10,)"),
        ("np.eye(n_classes)[y]", "np.eye(10)[y]", "shape (1, 10), it must be (1, 5)"),
        ("np.eye(n_classes)[y]", "1 - np.eye(n_classes)[y]", "it must be [0., 0., 0., 1."),
        (
            "np.eye(n_classes)[y]",
            "np.atleast_2d(np.eye(n_classes)[y])",
            "shape (1, 10), it must be",
        ),
        (
            "np.eye(n_classes)[y]",
            "np.ones((n_classes, n_classes))[y]",
            "it must be [0., 0., 0., 1.",
        ),
        ("return np.eye(n_classes)[y]", "print(np.eye(n_classes)[y])", "prints its result"),
        ("np.eye(n_classes)[y]", "np.eye(n_classes)[int(y)]", "raised TypeError"),
        (
            "np.eye(n_classes)[y]",
            "np.eye(n_classes)[y] * 2",
            "one_hot(10, 3) is 2 times what it must be",
        ),
    ],
    "softmax": [
        ("axis=-1, keepdims=True", "", "summed"),
        ("axis=-1, keepdims=True", "axis=0, keepdims=True", "axis"),
        (
            "axis=-1, keepdims=True",
            "axis=-1",
            "raised ValueError: “operands could not be broadcast together wi",
        ),
        ("axis=-1, keepdims=True", "axis=1, keepdims=True", "raised AxisError"),
        ("np.exp(X)", "np.exp(-np.asarray(X))", "sign"),
        ("np.exp(X)", "np.asarray(X)", "softmax([10, 2, -3]) is"),
        (
            "exp / np.sum(exp, axis=-1, keepdims=True)",
            "exp",
            "the division by … is missing",
        ),
        ("np.sum", "np.max", "max stands where sum belongs"),
        ("np.sum", "np.mean", "the average"),
        (
            "return exp / np.sum",
            "exp; np.sum",
            "softmax([10, 2, -3]) is None: does the function end with a return?",
        ),
        ("np.exp(X)", "np.exp(X).astype(np.float64)", "it must stay float32"),
        ("    return exp", "    exp", "is None"),
        ("    exp = np.exp(X)", "    exp = np.exp(X, out=X)", "raised TypeError"),
        ("np.exp(X)", "np.exp2(X)", "it must be"),
        (
            "exp / np.sum(exp, axis=-1, keepdims=True)",
            "np.log(exp / np.sum(exp, axis=-1, keepdims=True))",
            "log is applied once too often",
        ),
    ],
    "nll": [
        ("-np.mean(log_likelihoods)", "np.mean(log_likelihoods)", "sign"),
        ("-np.mean(log_likelihoods)", "-np.sum(log_likelihoods)", "average"),
        ("-np.mean(log_likelihoods)", "-log_likelihoods", "must be a single number"),
        (
            "-np.mean(log_likelihoods)",
            "-log_likelihoods[0]",
            "the average over the batch is missing: divide by len(Y_true)",
        ),
        (
            "-np.mean(log_likelihoods)",
            "-np.max(log_likelihoods)",
            "max stands where mean belongs",
        ),
        (
            "-np.mean(log_likelihoods)",
            "-np.median(log_likelihoods)",
            "the average over the batch is missing: divide by len(Y_true)",
        ),
        (
            "Y_true * np.log(EPSILON + Y_pred)",
            "Y_pred * np.log(EPSILON + Y_true)",
            "Y_pred and Y_true are swapped",
        ),
        (
            "Y_true * np.log(EPSILON + Y_pred)",
            "np.log(EPSILON + Y_pred)",
            "the factor Y_true is missing",
        ),
        (
            "np.log(EPSILON + Y_pred)",
            "np.log(Y_pred)",
            "nll([1, 0], [0.0, 1.0]) is infinite",
        ),
        (
            "np.log(EPSILON + Y_pred)",
            "np.log2(EPSILON + Y_pred)",
            "line 8: log2 stands where log belongs (another function)",
        ),
        ("np.log(EPSILON + Y_pred)", "(Y_pred - 1)", "nll([1, 0, 0], [0.99, 0.01, 0]) is"),
        ("np.log(EPSILON + Y_pred)", "np.log(0.1 + Y_pred)", "the term 0.1 is too much"),
        (
            "np.sum(Y_true * np.log(EPSILON + Y_pred), axis=1)",
            "Y_true * np.log(EPSILON + Y_pred)",
            "the sum over axis 1 is missing",
        ),
        ("axis=1)", "axis=0)", "summed (or averaged) over the wrong axis"),
        (
            "    log_likelihoods = ",
            "    Y_pred += EPSILON\n    log_likelihoods = ",
            "changes its argument",
        ),
    ],
    "LogisticRegression": [
        (
            "y_pred - one_hot(self.output_size, y_true)",
            "one_hot(self.output_size, y_true) - y_pred",
            "the sign is wrong",
        ),
        ("y_pred - one_hot(self.output_size, y_true)", "y_pred", "the labels are not subtracted"),
        (
            "y_pred - one_hot(self.output_size, y_true)",
            "y_pred - y_true",
            "labels stand where one-hot rows belong",
        ),
        (
            "np.outer(x, dnll_output)",
            "np.outer(dnll_output, x)",
            "in the wrong order",
        ),
        ("np.outer(x, dnll_output)", "x * dnll_output", "raised ValueError"),
        (
            "np.outer(x, dnll_output)",
            "np.outer(x, y_pred)",
            "line 20: y_pred (Y_pred) stands where dnll_output (the gradient at Z) belongs",
        ),
        (
            "np.outer(x, dnll_output)",
            "np.outer(x, dnll_output) / len(x)",
            "the average over the batch is taken once too often: do not divide by len(x)",
        ),
        ("grad_b = dnll_output", "grad_b = np.sum(dnll_output)", "the sum is taken once too often"),
        ("grad_b = dnll_output", "grad_b = 1", "the gradient of b has the shape ()"),
        (
            "grad_b = dnll_output",
            "grad_b = 2 * dnll_output",
            "line 22: grad_b (2 times the gradient at Z) stands where dnll_output (the gradient at Z) belongs",
        ),
        ('"W": grad_W, "b": grad_b', '"b": grad_b', "grad_loss returns no W"),
        (
            '"W": grad_W, "b": grad_b',
            '"grad_W": grad_W, "grad_b": grad_b',
            "grad_loss returns no W",
        ),
        ("        return grads\n", "", "grad_loss returns None"),
        ('{"W": grad_W, "b": grad_b}', "(grad_W, grad_b)", "must return a dict"),
        (
            'self.W = self.W - learning_rate * grads["W"]',
            'self.W = self.W + learning_rate * grads["W"]',
            "along its gradient",
        ),
        (
            'self.W = self.W - learning_rate * grads["W"]',
            'W = self.W - learning_rate * grads["W"]',
            "train does not change W",
        ),
        ('self.b = self.b - learning_rate * grads["b"]', "pass", "train does not change b"),
        (
            'self.b = self.b - learning_rate * grads["b"]',
            'self.b = self.b - grads["b"]',
            "b after train is",
        ),
        (
            "grads = self.grad_loss(x, y)\n",
            'grads = self.grad_loss(x, y)\n        grads["W"] /= 10\n',
            "W after train",
        ),
        ("np.dot(X, self.W) + self.b", "np.dot(X, self.W)", "forward(x) of one sample is"),
        ("return softmax(Z)", "return Z", "loss(X, y) is NaN"),
    ],
    "sigmoid": [
        ("1 / (1 + np.exp(-X))", "1 / (1 + np.exp(X))", "sign"),
        ("1 / (1 + np.exp(-X))", "1 / 1 + np.exp(-X)", "sigmoid([-800, 0, 800]) is infinite"),
        ("1 / (1 + np.exp(-X))", "1 / (1 - np.exp(-X))", "sigmoid([-800, 0, 800]) is infinite"),
        ("1 / (1 + np.exp(-X))", "np.exp(X) / (1 + np.exp(X))", "is NaN"),
        ("1 / (1 + np.exp(-X))", "np.tanh(X)", "is 0., it must be 0.5"),
        ("1 / (1 + np.exp(-X))", "1 / (2 + np.exp(-X))", "the number 2 must be 1"),
        ("1 / (1 + np.exp(-X))", "np.maximum(X, 0)", "is 0., it must be 0.5"),
        (
            "1 / (1 + np.exp(-X))",
            "1 / (1 + np.exp(-X.astype(np.float64)))",
            "raised AttributeError",
        ),
        (
            "1 / (1 + np.exp(-X))",
            "1 / (1 + np.exp(-np.asarray(X, dtype=float)))",
            "must stay float32",
        ),
        (
            "1 / (1 + np.exp(-X))",
            "1 / (1 + np.exp(-X.sum(axis=0)))",
            "sum is too much here",
        ),
        ("1 / (1 + np.exp(-X))", "1 / (1 + np.exp(-2 * X))", "the number 2 must be 1"),
        ("1 / (1 + np.exp(-X))", "1 / (1 + np.exp(-abs(X)))", "abs is applied once too often"),
        ("return 1 / (1 + np.exp(-X))", "print(1 / (1 + np.exp(-X)))", "prints its result"),
        ("1 / (1 + np.exp(-X))", "1 / (1 + math.exp(-X))", "math"),
    ],
    "dsigmoid": [
        ("sig * (1 - sig)", "X * (1 - X)", "take its sigmoid first"),
        ("sig * (1 - sig)", "sig", "it must be"),
        ("sig * (1 - sig)", "sig * (1 + sig)", "the sign is wrong"),
        ("sig * (1 - sig)", "1 - sig", "sig"),
        ("sig * (1 - sig)", "sig * (1 - sig) * X", "the factor X is too much"),
        ("sig * (1 - sig)", "sig * (1 - sig**2)", "the power is wrong"),
        (
            "sig * (1 - sig)",
            "1 - sig**2",
            "the derivative of the activation (its slope, the mask) is not this",
        ),
        ("sig * (1 - sig)", "-sig * (1 - sig)", "the sign is wrong"),
        (
            "sig * (1 - sig)",
            "sigmoid(sig) * (1 - sigmoid(sig))",
            "sig stands where X belongs",
        ),
        ("sig * (1 - sig)", "np.exp(-X)", "dsigmoid("),
        (
            "sig * (1 - sig)",
            "sig @ (1 - sig)",
            "@ stands where * belongs",
        ),
        (
            "sig * (1 - sig)",
            "np.sum(sig * (1 - sig), axis=0)",
            "the sum is taken once too often",
        ),
        ("return sig * (1 - sig)", "sig * (1 - sig)", "is None"),
        ("sig = sigmoid(X)", "sig = X", "take its sigmoid first"),
        ("sig * (1 - sig)", "sig * (1 - sig) / 2", "the division by 2 is too much"),
    ],
    "NeuralNet": [
        ("h = sigmoid(z_h)", "h = z_h", "forward(x) of one sample is"),
        (
            "z_h = np.dot(X, self.W_h) + self.b_h",
            "z_h = np.dot(X, self.W_h)",
            "forward(x) of one sample is",
        ),
        ("np.dot(h, self.W_o) + self.b_o", "np.dot(h, self.W_o)", "forward(x) of one sample is"),
        (
            "np.dot(X, self.W_h)",
            "np.dot(self.W_h.T, X)",
            "raised ValueError: “shapes (4,5) and (6,5) not aligne",
        ),
        ("return y, h, z_h", "return y, z_h, h", "h of forward_keep_activations(X)"),
        (
            "return y, h, z_h",
            "return y, h",
            "raised ValueError: “not enough values to unpack (expe",
        ),
        ("np.dot(grad_z_o, self.W_o.T)", "np.dot(self.W_o, grad_z_o) * 2", "2"),
        (
            "np.dot(grad_z_o, self.W_o.T)",
            "np.dot(h, self.W_o)",
            "raised ValueError: “operands could not be broadcast",
        ),
        ("grad_h * dsigmoid(z_h)", "grad_h", "the derivative of the sigmoid"),
        ("grad_h * dsigmoid(z_h)", "grad_h * dsigmoid(h)", "line 31: h stands where z_h belongs"),
        (
            "grad_h * dsigmoid(z_h)",
            "grad_h * sigmoid(z_h)",
            "of the sigmoid (h) is missing: multiply by",
        ),
        (
            "y - one_hot(self.output_size, y_true)",
            "one_hot(self.output_size, y_true) - y",
            "the sign is wrong",
        ),
        ("np.outer(h, grad_z_o)", "np.outer(z_h, grad_z_o)", "line 28: z_h stands where h belongs"),
        (
            "np.outer(h, grad_z_o)",
            "np.outer(grad_z_o, h)",
            "in the wrong order",
        ),
        (
            "np.outer(x, grad_z_h)",
            "np.outer(x, grad_h)",
            "line 32: grad_h (the gradient at h) stands where grad_z_h (the gradient at z_h) belongs",
        ),
        (
            "grad_b_h = grad_z_h",
            "grad_b_h = grad_h",
            "line 33: grad_h (the gradient at h) stands where grad_z_h (the gradient at z_h) belongs",
        ),
        ('"W_h": grad_W_h, "b_h"', '"W_o": grad_W_h, "b_h"', "grad_loss returns no W_h"),
        (
            '        self.b_h = self.b_h - learning_rate * grads["b_h"]\n',
            "",
            "train does not change b_h",
        ),
        (
            'self.W_o - learning_rate * grads["W_o"]',
            'self.W_o + learning_rate * grads["W_o"]',
            "moves W_o along its gradient",
        ),
        (
            "np.random.uniform(size=(input_size, hidden_size), high=0.01, low=-0.01)",
            "np.zeros((input_size, hidden_size))",
            "all zero",
        ),
        (
            "np.random.uniform(size=(hidden_size, output_size), high=0.01, low=-0.01)",
            "np.ones((hidden_size, output_size))",
            "start with the same weights",
        ),
        (
            "self.b_h = np.zeros(hidden_size)",
            "self.b_h = np.zeros(input_size)",
            "b_h of NeuralNet(5, 4, 3) has the shape (5,)",
        ),
        (
            "np.random.uniform(size=(input_size, hidden_size)",
            "np.random.uniform(size=(hidden_size, input_size)",
            "W_h of NeuralNet(5, 4, 3) has the shape (4, 5)",
        ),
        (
            "return nll(one_hot(self.output_size, y), self.forward(X))",
            "return -nll(one_hot(self.output_size, y), self.forward(X))",
            "loss(X, y)",
        ),
    ],
    "worst_predictions": [
        ("[::-1][:n]", "[:n]", "returns the best predictions"),
        ("[::-1][:n]", "[-n:]", "not the worst first"),
        ("[::-1][:n]", "[::-1]", "it must be (5,)"),
        ("[::-1][:n]", "[::-1][:5]", "it must be (3,)"),
        ("[::-1][:n]", "[::-1][1 : n + 1]", "it must be"),
        ("np.argsort(losses)", "np.sort(losses)", "it must be of integers"),
        ("-np.sum(Y_true", "np.sum(Y_true", "returns the best predictions"),
        ("Y_true * np.log(EPSILON + Y_pred)", "np.log(EPSILON + Y_pred)", "is ["),
        ("Y_true * np.log(EPSILON + Y_pred)", "Y_pred * np.log(EPSILON + Y_pred)", "is ["),
        ("axis=1)", "axis=0)", "shape"),
        ("axis=1)", ")", "shape"),
        (
            "return np.argsort(losses)[::-1][:n]",
            "print(np.argsort(losses)[::-1][:n])",
            "prints its result",
        ),
        (
            "return np.argsort(losses)[::-1][:n]",
            "return np.argmax(losses)",
            "shape (), it must be (5,)",
        ),
        (
            "return np.argsort(losses)[::-1][:n]",
            "return losses[np.argsort(losses)[::-1][:n]]",
            "it must be of integers",
        ),
        ("np.argsort(losses)", "np.argsort(Y_pred.max(axis=1))", "is ["),
    ],
}

RIGHT = {
    "one_hot": [
        (("np.eye(n_classes)[y]", "np.identity(n_classes)[np.asarray(y)]"),),
        (("np.eye(n_classes)[y]", "np.eye(n_classes, dtype=np.float32)[y]"),),
        (("np.eye(n_classes)[y]", "np.eye(n_classes, dtype=int)[y]"),),
        (
            (
                "np.eye(n_classes)[y]",
                "(np.arange(n_classes) == np.asarray(y)[..., None]).astype(float)",
            ),
        ),
        (("np.eye(n_classes)[y]", "np.take(np.eye(n_classes), y, axis=0)"),),
        (
            (
                "    return np.eye(n_classes)[y]",
                "    y = np.asarray(y)\n"
                "    Y = np.zeros((y.size, n_classes))\n"
                "    for row, c in enumerate(y.ravel()):\n"
                "        Y[row, c] = 1\n"
                "    return Y.reshape(y.shape + (n_classes,))",
            ),
        ),
    ],
    "softmax": [
        (("np.exp(X)", "np.exp(X - np.max(X, axis=-1, keepdims=True))"),),
        (("np.exp(X)", "np.e ** np.asarray(X)"),),
        (("keepdims=True)", "keepdims=True, dtype=float).astype(exp.dtype)"),),
        (
            (
                "return exp / np.sum(exp, axis=-1, keepdims=True)",
                "return (exp.T / exp.T.sum(axis=0)).T",
            ),
        ),
        (
            (
                "return exp / np.sum(exp, axis=-1, keepdims=True)",
                "return np.array([e / e.sum() for e in np.atleast_2d(exp)]).reshape(exp.shape)",
            ),
        ),
        "import math\n"
        "\n"
        "\n"
        "def softmax(scores):\n"
        '    scores = np.asarray(scores, dtype=getattr(scores, "dtype", float))\n'
        "    rows = []\n"
        "    for row in scores.reshape(-1, scores.shape[-1]):\n"
        "        powers = [math.exp(s) for s in row]\n"
        "        total = sum(powers)\n"
        "        rows.append([p / total for p in powers])\n"
        '    kind = scores.dtype if scores.dtype.kind == "f" else float\n'
        "    return np.array(rows, dtype=kind).reshape(scores.shape)",
    ],
    "nll": [
        (
            (
                "np.sum(Y_true * np.log(EPSILON + Y_pred), axis=1)",
                "np.log(EPSILON + np.sum(Y_true * Y_pred, axis=1))",
            ),
        ),
        (("EPSILON + Y_pred", "np.clip(Y_pred, 1e-12, 1)"),),
        (("-np.mean(log_likelihoods)", "-np.sum(log_likelihoods) / len(Y_pred)"),),
        (("-np.mean(log_likelihoods)", "float(np.mean(-log_likelihoods))"),),
        (("-np.mean(log_likelihoods)", "-log_likelihoods.mean(keepdims=True)"),),
        (("EPSILON + Y_pred", "EPSILON + Y_pred.astype(np.float32)"),),
        (
            (
                "    log_likelihoods = np.sum(Y_true * np.log(EPSILON + Y_pred), axis=1)\n    return -np.mean(log_likelihoods)",
                "    total = 0.0\n"
                "    for row, probabilities in zip(Y_true, Y_pred):\n"
                "        total -= np.log(probabilities[np.argmax(row)] + 1e-10)\n"
                "    return total / len(Y_true)",
            ),
        ),
    ],
    "LogisticRegression": [
        (("np.outer(x, dnll_output)", "x[:, None] * dnll_output"),),
        (("np.outer(x, dnll_output)", "x.reshape(-1, 1) @ dnll_output.reshape(1, -1)"),),
        (('self.W = self.W - learning_rate * grads["W"]', 'self.W -= learning_rate * grads["W"]'),),
        (
            (
                "        self.b = np.random.uniform(size=output_size, high=0.1, low=-0.1)",
                "        self.b = np.zeros(output_size)",
            ),
        ),
        (
            (
                "np.random.uniform(size=(input_size, output_size), high=0.1, low=-0.1)",
                "np.random.uniform(size=(input_size, output_size), high=0.1, low=-0.1).astype(np.float32)",
            ),
        ),
        (
            (
                "y_pred - one_hot(self.output_size, y_true)",
                "y_pred.copy()\n        dnll_output[y_true] -= 1",
            ),
        ),
        (
            (
                "        grad_W = np.outer(x, dnll_output)",
                "        grad_W = np.zeros_like(self.W)\n"
                "        for j in range(self.output_size):\n"
                "            grad_W[:, j] = x * dnll_output[j]",
            ),
        ),
    ],
    "sigmoid": [
        (("1 / (1 + np.exp(-X))", "0.5 * (1 + np.tanh(0.5 * X))"),),
        (
            (
                "1 / (1 + np.exp(-X))",
                "np.where(X > 0, 1 / (1 + np.exp(-abs(X))), np.exp(-abs(X)) / (1 + np.exp(-abs(X)))).astype(np.asarray(X).dtype)",
            ),
        ),
        (("1 / (1 + np.exp(-X))", "np.exp(-np.logaddexp(0, -X))"),),
        (
            (
                "def sigmoid(X):\n    return 1 / (1 + np.exp(-X))",
                "def sigmoid(z):\n    e = np.exp(-z)\n    return (1 + e) ** -1",
            ),
        ),
        (
            (
                "1 / (1 + np.exp(-X))",
                "np.reshape([1 / (1 + np.exp(-x)) for x in np.ravel(X)], np.shape(X))",
            ),
        ),
        (
            (
                "    return 1 / (1 + np.exp(-X))",
                "    bottom = 1 + np.e ** -X\n    return np.divide(1, bottom)",
            ),
        ),
    ],
    "dsigmoid": [
        (("sig * (1 - sig)", "sig - sig**2"),),
        (("sig * (1 - sig)", "sig * sigmoid(-X)"),),
        (
            (
                "    sig = sigmoid(X)\n    return sig * (1 - sig)",
                "    e = np.exp(-abs(X))\n    return e / (1 + e) ** 2",
            ),
        ),
        (
            (
                "    sig = sigmoid(X)\n    return sig * (1 - sig)",
                "    return 0.25 * (1 - np.tanh(X / 2) ** 2)",
            ),
        ),
        (
            (
                "def dsigmoid(X):\n    sig = sigmoid(X)\n    return sig * (1 - sig)",
                "def dsigmoid(z):\n    s = 1 / (1 + np.exp(-z))\n    return np.multiply(s, 1 - s)",
            ),
        ),
        (
            (
                "return sig * (1 - sig)",
                "return np.reshape([s * (1 - s) for s in np.ravel(sig)], np.shape(sig))",
            ),
        ),
    ],
    "NeuralNet": [
        (("np.outer(x, grad_z_h)", "x[:, None] * grad_z_h[None, :]"),),
        (("np.dot(grad_z_o, self.W_o.T)", "self.W_o @ grad_z_o"),),
        (("grad_h * dsigmoid(z_h)", "grad_h * h * (1 - h)"),),
        (("high=0.01, low=-0.01", "high=0.3, low=-0.3"),),
        (
            (
                "np.random.uniform(size=(input_size, hidden_size), high=0.01, low=-0.01)",
                "0.1 * np.random.default_rng(1).normal(size=(input_size, hidden_size)).astype(np.float32)",
            ),
        ),
        (
            (
                '        self.W_h = self.W_h - learning_rate * grads["W_h"]\n'
                '        self.b_h = self.b_h - learning_rate * grads["b_h"]\n',
                '        for name in ("W_h", "b_h"):\n'
                "            setattr(self, name, getattr(self, name) - learning_rate * grads[name])\n",
            ),
        ),
        (
            (
                "        grad_h = np.dot(grad_z_o, self.W_o.T)\n",
                "        grad_h = np.zeros(len(h))\n"
                "        for j in range(len(h)):\n"
                "            grad_h[j] = np.sum(self.W_o[j] * grad_z_o)\n",
            ),
        ),
    ],
    "worst_predictions": [
        (("np.argsort(losses)[::-1][:n]", "np.argsort(-losses)[:n]"),),
        (("np.argsort(losses)[::-1][:n]", "list(np.argsort(losses)[::-1][:n])"),),
        (("np.argsort(losses)[::-1][:n]", "np.flip(np.argsort(losses)[-n:])"),),
        (
            (
                "-np.sum(Y_true * np.log(EPSILON + Y_pred), axis=1)",
                "1 - np.sum(Y_true * Y_pred, axis=1)",
            ),
        ),
        (
            (
                "np.argsort(losses)[::-1][:n]",
                "sorted(range(len(losses)), key=lambda i: -losses[i])[:n]",
            ),
        ),
        (
            (
                "Y_true * np.log(EPSILON + Y_pred)",
                "(Y_true * np.log(EPSILON + Y_pred)).astype(np.float32)",
            ),
        ),
        (
            (
                "    losses = -np.sum(Y_true * np.log(EPSILON + Y_pred), axis=1)",
                "    losses = []\n"
                "    for row, probabilities in zip(Y_true, Y_pred):\n"
                "        losses.append(nll(row, probabilities))",
            ),
        ),
    ],
}
