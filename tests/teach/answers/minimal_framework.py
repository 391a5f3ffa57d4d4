"""Lab 4: a minimal framework."""

PICKED = "np.clip(y_pred, 1e-7, 1 - 1e-7)[np.arange(len(y_true)), y_true]"
PICKED_2 = "np.clip(y_pred, 1e-7, 1 - 1e-7)[rows, y_true]"
UPDATE = "self.optimizer.update((i, name), w, layer.gradients[name])"
TWO = "(above - below) / (2 * epsilon)"
RELATIVE = "np.linalg.norm(by_hand - numerical) / size if size else 0.0"

WRONG = {
    "Dense": [
        ("self.X.T @ gradient", "gradient.T @ self.X", "the gradient of W has the shape"),
        ("self.X.T @ gradient", "self.X.T @ gradient / len(gradient)", "the gradient of W"),
        ("self.X.T @ gradient", "self.X[:1].T @ gradient[:1]", "the gradient of W for 5 samples"),
        ("self.X.T @ gradient", "np.outer(self.X.sum(0), gradient.sum(0))", "the gradient of W for 5"),
        ("gradient.sum(axis=0)", "gradient", "the gradient of b has the shape"),
        ("gradient.sum(axis=0)", "gradient.mean(axis=0)", "the gradient of b for 5"),
        ("gradient.sum(axis=0)", "gradient.sum(axis=1)", "the gradient of b has the shape"),
        ("gradient.sum(axis=0)", "gradient.sum()", "the gradient of b has the shape"),
        ('return gradient @ self.weights["W"].T', 'return gradient @ self.weights["W"]', "raised ValueError"),
        ('return gradient @ self.weights["W"].T', "pass", "what backward returns for 5 samples is None"),
        ('return gradient @ self.weights["W"].T', "return self.X", "the gradient by the input"),
        ('return gradient @ self.weights["W"].T', 'return gradient @ self.weights["W"].T / len(gradient)',
         "the gradient by the input"),
        ('X @ self.weights["W"] + self.weights["b"]', 'X @ self.weights["W"]', "forward of 5 samples"),
        ('X @ self.weights["W"] + self.weights["b"]', 'X @ (self.weights["W"] + self.weights["b"])',
         "forward of 5 samples"),
        ("        self.X = X\n", "        self.X = getattr(self, 'X', X)\n", "raised ValueError"),
        ("np.sqrt(6 / (input_size + self.units))", "1.0", "r is 0.141"),
        ("np.sqrt(6 / (input_size + self.units))", "6 / (input_size + self.units)", "must be uniform"),
        ("rng.uniform(-limit, limit,", "rng.uniform(0, limit,", "must be uniform"),
        ("rng.uniform(-limit, limit,", "rng.normal(0, limit,", "r is 0.141"),
        ("np.random.default_rng(seed)", "np.random.default_rng()", "the same seed gives other weights"),
        ("np.random.default_rng(seed)", "np.random.default_rng(0)", "different seeds give the same"),
        ("np.zeros(self.units)", "np.ones(self.units)", "b after build"),
        ('self.gradients = {"W": self.X.T @ gradient, "b"', 'self.gradients = {"W": self.X.T @ gradient, "bias"',
         "must be a dict with 'W', 'b'"),
    ],
    "Activation": [
        ("np.maximum(Z, 0)", "np.maximum(Z, 1)", "relu"),
        ("np.maximum(Z, 0)", "np.abs(Z)", "relu"),
        ("np.maximum(Z, 0)", "Z * (Z > -1)", "relu"),
        ("1 / (1 + np.exp(-Z))", "1 / (1 + np.exp(Z))", "sigmoid"),
        ("1 / (1 + np.exp(-Z))", "np.exp(Z) / (1 + np.exp(Z))", "sigmoid of 1000, 0, -1000 is NaN"),
        ("np.tanh(Z)", "np.tan(Z)", "tanh"),
        ("np.exp(Z - Z.max(axis=1, keepdims=True))", "np.exp(Z)", "softmax of 1000, 0, -1000 is NaN"),
        ("np.exp(Z - Z.max(axis=1, keepdims=True))", "np.exp(Z - Z.max(axis=0))", "softmax"),
        ("exp / exp.sum(axis=1, keepdims=True)", "exp / exp.sum()", "softmax, forward,"),
        ("exp / exp.sum(axis=1, keepdims=True)", "exp / exp.sum(axis=0)", "softmax of 1000"),
        ("exp / exp.sum(axis=1, keepdims=True)", "exp", "softmax"),
        ("gradient * (H > 0)", "gradient", "backward of relu"),
        ("gradient * (H > 0)", "H > 0", "backward of relu"),
        ("gradient * (H > 0)", "gradient * H", "backward of relu"),
        ("gradient * H * (1 - H)", "gradient * (1 - H)", "backward of sigmoid"),
        ("gradient * H * (1 - H)", "gradient * H", "backward of sigmoid"),
        ("gradient * H * (1 - H)", "H * (1 - H)", "backward of sigmoid"),
        ("1 - H**2", "1 - H", "backward"),
        ("1 - H**2", "1 - np.tanh(H)**2", "tanh layers"),
        ("H * (gradient - np.sum(gradient * H, axis=1, keepdims=True))", "gradient * H * (1 - H)", "backward"),
        ("H * (gradient - np.sum(gradient * H, axis=1, keepdims=True))",
         "gradient - np.sum(gradient * H, axis=1, keepdims=True)", "backward"),
        ("np.sum(gradient * H, axis=1, keepdims=True)", "np.sum(gradient * H)", "backward"),
        ("np.sum(gradient * H, axis=1, keepdims=True)", "np.sum(gradient, axis=1, keepdims=True)", "backward"),
        ("np.sum(gradient * H, axis=1, keepdims=True)", "gradient * H", "backward"),
        ("        self.H = H\n        return H", "        Activation.H = H\n        return H",
         "one of two tanh layers"),
        ("        return H\n", "        return H.astype(float)\n", "must stay float32"),
        ("        return H\n", "", "forward of relu is None"),
        ("            H = np.maximum(Z, 0)", "            Z *= Z > 0\n            H = Z", "changes its argument"),
    ],
    "SparseCategoricalCrossentropy": [
        ("-np.mean(np.log(likelihoods))", "np.mean(np.log(likelihoods))", "the loss of"),
        ("-np.mean(np.log(likelihoods))", "-np.sum(np.log(likelihoods))", "the loss of"),
        ("-np.mean(np.log(likelihoods))", "-np.log(likelihoods)", "the loss of 5 samples has the shape (5,)"),
        ("-np.mean(np.log(likelihoods))", "-np.log(np.mean(likelihoods))", "the loss of"),
        ("-np.mean(np.log(likelihoods))", "np.mean(1 - likelihoods)", "the loss of"),
        ("-np.mean(np.log(likelihoods))", "-np.mean(np.log10(likelihoods))", "the loss of"),
        (PICKED, "y_pred[np.arange(len(y_true)), y_true]", "is infinite"),
        (PICKED, "np.clip(y_pred, 1e-7, 1 - 1e-7)[:, y_true]", "the loss of"),
        (PICKED, "np.clip(y_pred, 1e-7, 1 - 1e-7).max(axis=1)", "the loss of"),
        (PICKED, "np.clip(y_pred, 1e-3, 1)[np.arange(len(y_true)), y_true]", "the loss of a probability of 1"),
        (PICKED_2, "y_pred[rows, y_true]", "is infinite"),
        ("-1 / likelihoods / len(y_true)", "-1 / likelihoods", "the gradient"),
        ("-1 / likelihoods / len(y_true)", "1 / likelihoods / len(y_true)", "the gradient"),
        ("-1 / likelihoods / len(y_true)", "-1 / likelihoods / y_pred.size", "the gradient"),
        ("-1 / likelihoods / len(y_true)", "-likelihoods / len(y_true)", "the gradient"),
        ("gradient[rows, y_true] = -1", "gradient[:, y_true] = -1", "the gradient"),
        ("np.zeros_like(y_pred)", "y_pred.copy()", "the gradient"),
        ("np.zeros_like(y_pred)", "np.zeros(y_pred.shape)", "must stay float32"),
        ("        gradient[rows, y_true] = -1 / likelihoods / len(y_true)\n        return gradient",
         "        return (y_pred - np.eye(y_pred.shape[1], dtype=y_pred.dtype)[y_true]) / len(y_true)", "the gradient"),
        ("        return gradient", "", "the gradient for 5 samples is None"),
    ],
    "SGD": [
        ("self.momentum * self.velocities.get(key, 0.0) - self", "self.momentum * self.velocities.get(key, 0.0) + self",
         "step 1 with momentum 0.0"),
        ("self.momentum * self.velocities.get(key, 0.0) - self.learning_rate * gradient",
         "-self.learning_rate * gradient", "step 2 with momentum 0.9"),
        ("self.momentum * self.velocities.get(key, 0.0) - self",
         "self.momentum * self.velocities.get(key, 0.0) - (1 - self.momentum) * self", "step 1 with momentum 0.9"),
        ("self.momentum * self.velocities.get(key, 0.0) - self", "self.velocities.get(key, 0.0) - self",
         "step 2 with momentum 0.0"),
        ("self.momentum * self.velocities.get(key, 0.0) - self.learning_rate * gradient",
         "self.learning_rate * (self.momentum * self.velocities.get(key, 0.0) - gradient)", "step 2 with momentum 0.9"),
        ("        self.velocities[key] = v\n", "", "step 2 with momentum 0.9"),
        ("        self.velocities[key] = v\n", "        self.velocities[key] = -self.learning_rate * gradient\n",
         "step 3 with momentum 0.9"),
        ("return w + v", "return w - v", "step 1 with momentum 0.0"),
        ("return w + v", "return v", "step 1 with momentum 0.0"),
        ("return w + v", "return w + self.momentum * v", "step 1 with momentum 0.0"),
        ("return w + v", "return w + self.momentum * v - self.learning_rate * gradient", "step 1 with momentum 0.9"),
        ("        return w + v", "        w += v\n        return w", "changes its argument"),
        ("        return w + v", "        pass", "is None"),
        ("        self.velocities = {}", "        self.velocities = VELOCITIES", "name 'VELOCITIES' is not defined"),
        (("class SGD:\n", "class SGD:\n    velocities = {}\n\n"), ("        self.velocities = {}\n", ""),
         "step 1 with momentum 0.9"),
        ("        v = self", "        key = 0\n        v = self", "the first update of b"),
        ("        v = self", "        key = key[0]\n        v = self", "the key (0, 'b')"),
        ("learning_rate=0.01", "learning_rate=0.1", "whose learning rate is 0.01"),
        ("return w + v", "return (w + v).astype(float)", "must stay float32"),
        ("- self.learning_rate * gradient", "- self.learning_rate * np.sign(gradient)", "step 1 with momentum 0.0"),
    ],
    "Sequential": [
        ("input_size = layer.build(input_size, seed=self.seed + i)", "layer.build(input_size, seed=self.seed + i)",
         "raised ValueError"),
        ("seed=self.seed + i", "seed=self.seed", "start with the same weights"),
        ("            X = layer.forward(X)", "            Z = layer.forward(X)", "raised ValueError"),
        ("            X = layer.forward(X)", "            X = layer.forward(X)\n            return X", "predict of 7 digits"),
        ("self.loss.gradient(y, y_pred)", "self.loss(y, y_pred)", "the change of W of layer 2"),
        ("self.loss.gradient(y, y_pred)", "y_pred", "the change of W of layer 2"),
        ("self.loss.gradient(y, y_pred)", "len(y) * self.loss.gradient(y, y_pred)", "the change of W of layer 2"),
        ("for layer in reversed(self.layers):", "for layer in self.layers:", "raised ValueError"),
        ("            gradient = layer.backward(gradient)", "            layer.backward(gradient)", "raised ValueError"),
        (UPDATE, "w - 0.01 * layer.gradients[name]", "the history of 3 epochs without a step"),
        (UPDATE, "self.optimizer.update(name, w, layer.gradients[name])", "raised ValueError"),
        (UPDATE, "self.optimizer.update((i, name), w, -layer.gradients[name])", "the change of W of layer 2"),
        ("                layer.weights[name] = self.optimizer", "                w = self.optimizer",
         "the change of W of layer 2"),
        ("for name, w in layer.weights.items():", "for name, w in list(layer.weights.items())[:1]:",
         "the change of b of layer 2"),
        ("for i, layer in enumerate(self.layers):\n            for name", "for i, layer in enumerate(self.layers[:1]):\n            for name",
         "the change of W of layer 2"),
        ("        return self.loss(y, y_pred)\n", "        return self.loss(y, self.predict(X))\n", "train_on_batch returns"),
        ("        return self.loss(y, y_pred)\n", "\n", "what train_on_batch returns is None"),
        ("np.mean(y_pred.argmax(axis=1) == y)", "np.sum(y_pred.argmax(axis=1) == y)", "the accuracy that evaluate returns"),
        ("np.mean(y_pred.argmax(axis=1) == y)", "np.mean(y_pred.max(axis=1) == y)", "the accuracy that evaluate returns"),
        ("self.loss(y, y_pred), np.mean(y_pred.argmax(axis=1) == y)", "np.mean(y_pred.argmax(axis=1) == y), self.loss(y, y_pred)",
         "the loss that evaluate returns"),
        ("rng.permutation(len(X))", "np.arange(len(X))", "in the order in which they come"),
        ("rng.permutation(len(X))", "rng.integers(0, len(X), len(X))", "after an epoch of 20 steps"),
        ("range(0, len(X), batch_size)", "range(0, len(X) - batch_size + 1, batch_size)", "batches of 8, 8 and 4"),
        ("range(0, len(X), batch_size)", "range(1)", "after an epoch of 20 steps"),
        ("order[start : start + batch_size]", "order[start : start + 1]", "a batch of all 20 samples"),
        ("self.train_on_batch(X[batch], y[batch])", "self.train_on_batch(X[batch], y[start : start + batch_size])",
         "after an epoch of 20 steps"),
        ("self.train_on_batch(X[batch], y[batch])", "self.train_on_batch(X, y)", "with all samples"),
        ('            history["loss"].append(loss)', '            history["loss"] = loss', "the loss in the history"),
        ('            history["accuracy"].append(accuracy)', "            pass", "the accuracy in the history"),
        ("            loss, accuracy = self.evaluate(X, y)", "            loss, accuracy = self.evaluate(X[batch], y[batch])",
         "in the history of 3 epochs"),
    ],
    "gradient_check": [
        (TWO, "(above - below) / epsilon", "for gradients that are right"),
        (TWO, "(below - above) / (2 * epsilon)", "for gradients that are right"),
        (TWO, "(above + below) / (2 * epsilon)", "where all gradients are zero"),
        (TWO, "(above - below) / 2 * epsilon", "for gradients that are right"),
        ("                w[index] = kept\n", "", "for gradients that are right"),
        ("                w[index] = kept\n", "                w[index] += epsilon / 2\n", "for gradients that are right"),
        ("w[index] = kept - epsilon", "w[index] = w[index] - epsilon", "for gradients that are right"),
        ("np.ndindex(w.shape)", "[(0,) * w.ndim]", "for gradients that are right"),
        (RELATIVE, "np.linalg.norm(by_hand - numerical)", "a gradient that is n times too small"),
        (RELATIVE, "np.linalg.norm(by_hand - numerical) / size", "NaN"),
        (RELATIVE, "np.abs(by_hand - numerical).max()", "a gradient that is n times too small"),
        (RELATIVE, "0.0", "a gradient that is n times too small"),
        (RELATIVE, "(np.linalg.norm(by_hand) - np.linalg.norm(numerical)) / size if size else 0.0",
         "it must be 0.6667"),
        ("differences[i, name]", "differences[name]", "must be a dict with the keys"),
        ("differences[i, name]", "differences['%d %s' % (i, name)]", "must be a dict with the keys"),
        ("    return differences", "    return max(differences.values())", "must be a dict with the keys"),
        ("    return differences", "    pass", "must be a dict with the keys"),
        ("        gradient = layer.backward(gradient)\n", "        layer.backward(gradient)\n", "raised ValueError"),
        ("by_hand = layer.gradients[name]", "by_hand = numerical.copy()", "a gradient that is n times too small"),
        ("epsilon=1e-5", "epsilon=0.5", "for gradients that are right"),
        ("epsilon=1e-5", "epsilon=1e-13", "for gradients that are right"),
        ("reversed(model.layers)", "model.layers", "raised"),
    ],
}  # fmt: skip

RIGHT = {
    "Dense": [
        [("self.X.T @ gradient", "np.einsum('ni,nj->ij', self.X, gradient)"),
         ("gradient.sum(axis=0)", "np.sum(gradient, 0)")],
        [('X @ self.weights["W"] + self.weights["b"]', 'np.add(np.dot(X, self.weights["W"]), self.weights["b"])')],
        [("self.X.T @ gradient", "sum(np.outer(x, g) for x, g in zip(self.X, gradient))")],
        [("np.random.default_rng(seed)", "np.random.RandomState(seed)")],
        [("W = rng.uniform(-limit, limit, size=(input_size, self.units))",
          "W = ((2 * rng.random((input_size, self.units)) - 1) * limit).astype(np.float32)"),
         ("np.zeros(self.units)", "np.zeros(self.units, np.float32)")],
        """
class Layer:
    def __init__(self):
        self.weights, self.gradients = {}, {}

class Dense(Layer):
    def __init__(self, units):
        super().__init__()
        self.n = units
    def build(self, n_in, seed=0):
        r = (6 / (n_in + self.n)) ** 0.5
        self.weights["W"] = np.random.default_rng(seed).uniform(-r, r, (n_in, self.n))
        self.weights["b"] = np.zeros((self.n,))
        return self.n
    def forward(self, inputs):
        self.kept = inputs.copy()
        out = inputs.dot(self.weights["W"])
        out += self.weights["b"]
        return out
    def backward(self, upstream):
        self.gradients["W"] = (upstream.T @ self.kept).T
        self.gradients["b"] = upstream.T.sum(axis=1)
        return (self.weights["W"] @ upstream.T).T
""",
    ],
    "Activation": [
        [("gradient * (H > 0)", "np.where(H > 0, gradient, 0)")],
        [("np.maximum(Z, 0)", "Z * (Z > 0)")],
        [("1 / (1 + np.exp(-Z))", "(1 + np.tanh(Z / 2)) / 2")],
        [("gradient * H * (1 - H)", "gradient * (H - H * H)"), ("1 - H**2", "(1 - H) * (1 + H)")],
        [("np.sum(gradient * H, axis=1, keepdims=True)", "np.einsum('ij,ij->i', gradient, H)[:, None]")],
        """
class Activation:
    def __init__(self, name):
        self.name, self.weights, self.gradients = name, {}, {}
    def build(self, n, seed=None):
        return n
    def forward(self, Z):
        self.Z = Z
        return getattr(self, self.name)(Z)
    def relu(self, Z):
        return np.where(Z > 0, Z, np.zeros_like(Z))
    def tanh(self, Z):
        return np.tanh(Z)
    def sigmoid(self, Z):
        e = np.exp(-np.abs(Z))
        return np.where(Z >= 0, 1, e) / (1 + e)
    def softmax(self, Z):
        e = np.exp(Z - np.max(Z, 1)[:, np.newaxis])
        return e / np.sum(e, 1)[:, np.newaxis]
    def backward(self, g):
        if self.name == "relu":
            return (self.Z > 0).astype(g.dtype) * g
        H = getattr(self, self.name)(self.Z)
        if self.name == "tanh":
            return g - g * H * H
        if self.name == "sigmoid":
            return g * H - g * H**2
        rows = []
        for p, g_row in zip(H, g):
            jacobian = np.diag(p) - np.outer(p, p)
            rows.append(jacobian @ g_row)
        return np.array(rows)
""",
    ],
    "SparseCategoricalCrossentropy": [
        [("-np.mean(np.log(likelihoods))", "np.mean(-np.log(likelihoods))")],
        [("-np.mean(np.log(likelihoods))", "float(-np.log(likelihoods).sum() / len(y_true))")],
        [("-1 / likelihoods / len(y_true)", "-1 / (likelihoods * y_pred.shape[0])")],
        """
class SparseCategoricalCrossentropy:
    def __call__(self, y, P):
        Y = np.eye(P.shape[1])[y]
        return -np.sum(Y * np.log(np.clip(P, 1e-7, 1 - 1e-7))) / len(Y)
    def gradient(self, y, P):
        Y = np.eye(P.shape[1], dtype=P.dtype)[y]
        return -Y / np.clip(P, 1e-7, 1 - 1e-7) / len(Y)
""",
        """
class SparseCategoricalCrossentropy:
    def __call__(self, classes, P):
        total = 0.0
        for c, p in zip(classes, P):
            total -= np.log(min(max(p[c], 1e-7), 1 - 1e-7))
        return total / len(P)
    def gradient(self, classes, P):
        out = np.zeros(P.shape, P.dtype)
        for i, c in enumerate(classes):
            out[i, c] = -1 / (max(P[i, c], 1e-7) * len(P))
        return out
""",
    ],
    "SGD": [
        [("self.velocities.get(key, 0.0)", "self.velocities.get(key, np.zeros_like(w))")],
        [("return w + v", "return np.add(w, v)")],
        [("self.velocities[key] = v", "self.velocities = {**self.velocities, key: v}")],
        """
class SGD:
    def __init__(self, learning_rate=0.01, momentum=0.0):
        self.lr, self.mu, self.m = learning_rate, momentum, {}
    def update(self, key, w, gradient):
        if key not in self.m:
            self.m[key] = np.zeros_like(w)
        self.m[key] = self.mu * self.m[key] + gradient
        return w - self.lr * self.m[key]
""",
        """
from collections import defaultdict

class SGD:
    def __init__(self, learning_rate=0.01, momentum=0.0):
        self.learning_rate, self.momentum = learning_rate, momentum
        self.v = defaultdict(float)
    def update(self, key, w, gradient):
        w = w.copy()
        self.v[key] = self.momentum * self.v[key] - self.learning_rate * gradient
        w += self.v[key]
        return w
""",
    ],
    "Sequential": [
        [("rng.permutation(len(X))", "np.random.permutation(len(X))")],
        [("seed=self.seed + i", "seed=100 * self.seed + i")],
        [("for layer in reversed(self.layers):", "for layer in self.layers[::-1]:")],
        [("return self.loss(y, y_pred), np.mean(y_pred.argmax(axis=1) == y)",
          "return [float(self.loss(y, y_pred)), float(sum(np.argmax(y_pred, 1) == y) / len(y))]")],
        [("            for start in range(0, len(X), batch_size):\n"
          "                batch = order[start : start + batch_size]\n",
          "            for batch in np.array_split(order, range(batch_size, len(X), batch_size)):\n")],
        [("        y_pred = self.predict(X)\n        gradient", "        y_pred = self.predict(X)\n        before = self.loss(y, y_pred)\n        gradient"),
         ("        return self.loss(y, y_pred)\n", "        return before\n")],
    ],
    "gradient_check": [
        [("np.linalg.norm(by_hand - numerical)", "np.sqrt(np.sum((by_hand - numerical) ** 2))")],
        [("epsilon=1e-5", "epsilon=1e-4")],
        [("                kept = w[index]\n", "                kept = float(w[index])\n")],
        [(RELATIVE, "np.linalg.norm(by_hand - numerical) / max(size, 1e-30)")],
        """
def gradient_check(model, X, y):
    def loss():
        return model.loss(y, model.predict(X))
    gradient = model.loss.gradient(y, model.predict(X))
    for layer in model.layers[::-1]:
        gradient = layer.backward(gradient)
    out = {}
    for i, layer in enumerate(model.layers):
        for name in list(layer.weights):
            original = layer.weights[name]
            numerical = []
            for k in range(original.size):
                values = []
                for sign in (1, -1):
                    moved = original.copy()
                    moved.flat[k] += sign * 1e-5
                    layer.weights[name] = moved
                    values.append(loss())
                numerical.append((values[0] - values[1]) / 2e-5)
            layer.weights[name] = original
            a, g = layer.gradients[name].ravel(), np.array(numerical)
            both = np.linalg.norm(a) + np.linalg.norm(g)
            out[(i, name)] = 0.0 if both == 0 else float(np.linalg.norm(a - g) / both)
    return out
""",
    ],
}  # fmt: skip
