"""Lab 2: hyperparameters, a second layer, mini-batches, momentum, Keras."""

NET = "NeuralNet(X.shape[1], hidden_size, len(np.unique(y)))"
LOOP = "        for name, grad in self.grad_loss(X, y).items():\n"
VELOCITY = "momentum * self.velocities.get(name, 0.0) - learning_rate * grad"
NORM = "np.sqrt(sum(np.sum(grad**2) for grad in grads.values()))"
MEAN = "np.mean([sample_nll(y_true, Y_pred, index) for index in range(len(y_true))])"
UNDER = '    if train_accuracy < 0.95:\n        return "underfitting"\n'
OVER = "test_loss > 2 * train_loss and test_accuracy < train_accuracy"

WRONG = {
    "search": [
        (
            NET,
            "NeuralNet(X.shape[1], 10, len(np.unique(y)))",
            "without hidden units the accuracy is",
        ),
        (NET, "NeuralNet(X.shape[0], hidden_size, len(np.unique(y)))", "raised ValueError"),
        (
            "net.train(x_i, y_i, learning_rate)",
            "net.train(x_i, y_i, 1.0)",
            "with the learning rate 0 the accuracy is",
        ),
        ("net.train(x_i, y_i, learning_rate)", "net.grad_loss(x_i, y_i)", "it must be near 1"),
        ("net.train(x_i, y_i, learning_rate)", "net.train(X, y, learning_rate)", "raised"),
        ("for epoch in range(epochs)", "for epoch in range(1)", "it must be near 1"),
        ("for epoch in range(epochs)", "for epoch in range(10)", "use epochs"),
        ("net.accuracy(X_valid, y_valid)", "net.accuracy(X, y)", "not those of the validation set"),
        ("net.accuracy(X_valid, y_valid)", "net.loss(X_valid, y_valid)", "it must be near 1"),
        ("accuracies[i, j]", "accuracies[j, i]", "raised IndexError"),
        (
            "accuracies = np.zeros((len(hidden_sizes), len(learning_rates)))",
            "accuracies = np.zeros((len(learning_rates), len(hidden_sizes)))",
            "raised IndexError",
        ),
        ("return accuracies", "return accuracies.T", "has the shape (3, 2)"),
        ("return accuracies", "return accuracies.max()", "has the shape ()"),
        ("return accuracies", "print(accuracies)", "prints its result"),
        (
            "        for j, learning_rate in enumerate(learning_rates):\n            net = " + NET,
            "        net = " + NET + "\n        for j, learning_rate in enumerate(learning_rates):",
            "make a new one for each pair",
        ),
        ("accuracies[i, j] = net", "accuracies[i] = net", "the accuracy is"),
        (
            "    for i, hidden_size",
            "    X_valid *= 1.5\n    for i, hidden_size",
            "changes its argument",
        ),
    ],
    "DeepNet": [
        ("h1 = sigmoid(z_h1)", "h1 = z_h1", "forward(x) of one sample"),
        ("h2 = sigmoid(z_h2)", "h2 = sigmoid(h1)", "raised ValueError"),
        ("np.dot(h1, self.W_h2) + self.b_h2", "np.dot(h1, self.W_h2)", "forward(x) of one sample"),
        (
            "np.dot(h1, self.W_h2) + self.b_h2",
            "np.dot(X, self.W_h2) + self.b_h2",
            "raised ValueError",
        ),
        (
            "return y, (h1, h2), (z_h1, z_h2)",
            "return y, (h2, h1), (z_h2, z_h1)",
            "h1 of h of forward_keep_activations(X)",
        ),
        ("return y, (h1, h2), (z_h1, z_h2)", "return y, h1, z_h1", "must hold 2 arrays: h1, h2"),
        (
            "self.W_o.T) * dsigmoid(z_h2)",
            "self.W_o.T)",
            "the derivative of the sigmoid at z_h2 is missing",
        ),
        (
            "self.W_h2.T) * dsigmoid(z_h1)",
            "self.W_h2.T)",
            "the derivative of the sigmoid at z_h1 is missing",
        ),
        (
            "self.W_h2.T) * dsigmoid(z_h1)",
            "self.W_h2.T) * dsigmoid(h1)",
            "line 30: h1 stands where z_h1 belongs",
        ),
        (
            "grad_z_h1 = np.dot(grad_z_h2, self.W_h2.T)",
            "grad_z_h1 = np.dot(grad_z_h2, self.W_h2)",
            "raised ValueError",
        ),
        (
            "y - one_hot(self.output_size, y_true)",
            "one_hot(self.output_size, y_true) - y",
            "the sign is wrong",
        ),
        (
            "np.outer(h1, grad_z_h2)",
            "np.outer(z_h1, grad_z_h2)",
            "line 34: z_h1 stands where h1 belongs",
        ),
        ("np.outer(x, grad_z_h1)", "np.outer(grad_z_h1, x)", "in the wrong order"),
        (
            '"b_h1": grad_z_h1',
            '"b_h1": grad_z_h2',
            "line 33: grad_z_h2 (the gradient at z_h2) stands where grad_z_h1 (the gradient at z_h1) belongs",
        ),
        ('            "b_h2": grad_z_h2,\n', "", "grad_loss returns no b_h2"),
        (
            "self.W_h2 = glorot_uniform(hidden_size_1, hidden_size_2)",
            "self.W_h2 = glorot_uniform(input_size, hidden_size_2)",
            "has the shape (5, 6), it must be (4, 6)",
        ),
        (
            "self.W_h1 = glorot_uniform(input_size, hidden_size_1)",
            "self.W_h1 = np.zeros((input_size, hidden_size_1))",
            "all zero",
        ),
        (
            "self.W_o = glorot_uniform(hidden_size_2, output_size)",
            "self.W_o = np.full((hidden_size_2, output_size), 0.1)",
            "the same weights",
        ),
        (
            "np.outer(h2, grad_z_o)",
            "np.outer(h2, y)",
            "line 36: y (y_1) stands where grad_z_o (the gradient at X_1) belongs",
        ),
    ],
    "MiniBatchNet": [
        (" / len(X)", "", "the average over the batch is missing"),
        (" / len(X)", " / len(X[0])", "line 4: len(X[0]) stands where len(X) belongs"),
        (" / len(X)", " / len(X) ** 2", "the power is wrong"),
        ("np.sum(grad_Z_h, axis=0)", "grad_Z_h", "the sum over the batch is missing"),
        ("np.sum(grad_Z_o, axis=0)", "np.sum(grad_Z_o)", "over the wrong axis"),
        ("np.sum(grad_Z_o, axis=0)", "np.mean(grad_Z_o, axis=0)", "is taken where a sum belongs"),
        ("np.sum(grad_Z_o, axis=0)", "np.sum(grad_Z_o, axis=1)", "over the wrong axis"),
        (
            "np.sum(grad_Z_h, axis=0)",
            "np.max(grad_Z_h, axis=0)",
            "max stands where sum belongs",
        ),
        ("np.dot(X.T, grad_Z_h)", "np.dot(X.T, grad_Z_h) / len(X)", "once too often"),
        (
            "np.dot(X.T, grad_Z_h)",
            "np.outer(X[0], grad_Z_h[0])",
            "np.outer(X[0], grad_Z_h[0]) stands where",
        ),
        (
            "np.dot(H.T, grad_Z_o)",
            "np.dot(Z_h.T, grad_Z_o)",
            "line 9: Z_h (z_h) stands where H (h) belongs",
        ),
        ("np.dot(H.T, grad_Z_o)", "np.dot(grad_Z_o.T, H)", "not transposed"),
        (
            "self.W_o.T) * dsigmoid(Z_h)",
            "self.W_o.T)",
            "the derivative of the sigmoid at Z_h is missing",
        ),
        ("Y_pred - one_hot(self.output_size, y_true)", "Y_pred", "the labels are not subtracted"),
        (
            "Y_pred - one_hot(self.output_size, y_true)",
            "one_hot(self.output_size, y_true) - Y_pred",
            "the sign is wrong",
        ),
        ('"b_o": np.sum', '"bo": np.sum', "grad_loss returns no b_o"),
    ],
    "grad_norm": [
        (NORM, "sum(np.sum(grad**2) for grad in grads.values())", "take the root of the sum"),
        (NORM, "sum(np.linalg.norm(grad) for grad in grads.values())", "add up the squares"),
        (
            NORM,
            "np.sqrt(sum(np.sum(abs(grad)) for grad in grads.values()))",
            "the power is wrong",
        ),
        (NORM, "np.sqrt(sum(np.sum(grad) ** 2 for grad in grads.values()))", "it must be"),
        (
            NORM,
            "np.sqrt(np.mean([np.sum(grad**2) for grad in grads.values()]))",
            "the average",
        ),
        (
            NORM,
            "np.sqrt(sum(np.mean(grad**2) for grad in grads.values()))",
            "the average",
        ),
        (NORM, "max(np.linalg.norm(grad) for grad in grads.values())", "it must be"),
        (
            NORM,
            "[np.linalg.norm(grad) for grad in grads.values()]",
            "must be a single number",
        ),
        (NORM, 'np.sqrt(np.sum(grads["W"] ** 2) + np.sum(grads["b"] ** 2))', "raised KeyError"),
        (NORM, "np.linalg.norm(list(grads.values())[0])", "it must be"),
        (
            NORM,
            "np.sqrt(sum(np.sum(grad**3) for grad in grads.values()))",
            "the power is wrong",
        ),
        (NORM, "np.linalg.norm(grads)", "raised"),
        (f"return {NORM}", NORM, "is None"),
        (NORM, "sum(np.max(abs(grad)) for grad in grads.values())", "add up the squares"),
    ],
    "MomentumNet": [
        (VELOCITY, "-learning_rate * grad", "is the velocity kept?"),
        ("            self.velocities[name] = velocity\n", "", "is the velocity kept?"),
        (
            VELOCITY,
            "momentum * self.velocities.get(name, 0.0) + learning_rate * grad",
            "along its gradient",
        ),
        (VELOCITY, "self.velocities.get(name, 0.0) - learning_rate * grad", "after two updates"),
        (
            VELOCITY,
            "0.9 * self.velocities.get(name, 0.0) - learning_rate * grad",
            "after two updates with momentum 0.5",
        ),
        (
            VELOCITY,
            "momentum * self.velocities.get(name, 0.0) - (1 - momentum) * learning_rate * grad",
            "after train",
        ),
        (VELOCITY, "momentum * self.velocities.get(name, 0.0) - learning_rate", "after train"),
        (VELOCITY, "momentum * self.velocities.get(name, grad) - learning_rate * grad", "train"),
        ("getattr(self, name) + velocity", "velocity", "after train"),
        ("getattr(self, name) + velocity", "getattr(self, name) - velocity", "along its gradient"),
        (
            "            setattr(self, name, getattr(self, name) + velocity)",
            "            pass",
            "does not change W_h",
        ),
        (
            "self.velocities[name] = velocity",
            "self.velocities = {name: velocity}",
            "is the velocity kept?",
        ),
        ("momentum=0.9", "momentum=0.5", "the default"),
        ("momentum=0.9", "momentum", "raised TypeError"),
        (LOOP, "        for name, grad in self.grad_loss(X[:1], y[:1]).items():\n", "after train"),
        (
            "self.velocities[name] = velocity",
            'self.velocities["v"] = velocity',
            "is the velocity kept?",
        ),
        ("        self.velocities = {}", "        pass", "raised AttributeError"),
    ],
    "keras_model": [
        ('activation="sigmoid"', 'activation="relu"', "beside the NumPy network"),
        ('hidden_size, activation="sigmoid"', "hidden_size", "beside the NumPy network"),
        ('activation="softmax"', 'activation="sigmoid"', "the sum of each row"),
        ('output_size, activation="softmax"', "output_size", "the sum of each row"),
        ("keras.layers.Dense(hidden_size", "keras.layers.Dense(output_size", "the shapes"),
        ('        keras.layers.Dense(hidden_size, activation="sigmoid"),\n', "", "the shapes"),
        (
            '"sparse_categorical_crossentropy"',
            '"mean_squared_error"',
            "raised ShapeError",
        ),
        ('        metrics=["accuracy"],\n', "", "must return the loss and the accuracy"),
        (
            "learning_rate=learning_rate, momentum",
            "learning_rate=0.1, momentum",
            "learning rate 0.3",
        ),
        (", momentum=momentum)", ")", "momentum 0.5"),
        (
            "keras.optimizers.SGD(learning_rate=learning_rate, momentum=momentum)",
            "keras.optimizers.Adam(learning_rate)",
            "after three updates",
        ),
        (
            "learning_rate=0.1, momentum=0.9",
            "learning_rate=0.01, momentum=0.9",
            "learning rate 0.1",
        ),
        ("learning_rate=0.1, momentum=0.9", "learning_rate=0.1, momentum=0.0", "momentum 0.9"),
        ("momentum=momentum)", "momentum=momentum, nesterov=True)", "momentum 0.5"),
        ("    return model", "    return None", "must be an object of a class"),
        ("    return model", "    return model.summary()", "prints its result"),
        (
            "keras.layers.Dense(hidden_size,",
            "keras.layers.Dense(hidden_size, use_bias=False,",
            "the shapes",
        ),
    ],
    "sample_nll": [
        (
            "-np.log(EPSILON + Y_pred[index, y_true[index]])",
            "np.log(EPSILON + Y_pred[index, y_true[index]])",
            "it must be",
        ),
        (
            "-np.log(EPSILON + Y_pred[index, y_true[index]])",
            "-Y_pred[index, y_true[index]]",
            "it must be",
        ),
        (
            "-np.log(EPSILON + Y_pred[index, y_true[index]])",
            "1 - Y_pred[index, y_true[index]]",
            "it must be",
        ),
        ("Y_pred[index, y_true[index]]", "Y_pred[index]", "must be a single number"),
        ("Y_pred[index, y_true[index]]", "Y_pred[index].max()", "it must be"),
        ("Y_pred[index, y_true[index]]", "Y_pred[y_true[index], index]", "raised IndexError"),
        (
            "Y_pred[index, y_true[index]]",
            "Y_pred[0, y_true[0]]",
            "it must be",
        ),
        ("Y_pred[index, y_true[index]]", "Y_pred[index, y_true]", "must be a single number"),
        ("Y_pred[index, y_true[index]]", "Y_pred[index, index]", "raised IndexError"),
        (
            "Y_pred[index, y_true[index]]",
            "Y_pred[index - 1, y_true[index - 1]]",
            "it must be",
        ),
        ("np.log(EPSILON", "np.log10(EPSILON", "it must be"),
        ("np.log(EPSILON", "np.log(0.01", "it must be"),
        (
            "return -np.log(EPSILON + Y_pred[index, y_true[index]])\n",
            "-np.log(EPSILON + Y_pred[index, y_true[index]])\n",
            "is None",
        ),
    ],
    "average_nll": [
        (MEAN, f"-{MEAN}", "the sign is wrong"),
        (MEAN, MEAN.replace("np.mean", "np.sum"), "a sum stands where the average"),
        (MEAN, MEAN.replace("np.mean", "np.median"), "it must be"),
        (MEAN, MEAN.replace("np.mean", "np.array"), "must be a single number"),
        (
            MEAN,
            "-np.log(np.mean(Y_pred[np.arange(len(y_true)), y_true]))",
            "it must be",
        ),
        (MEAN, "-np.mean(np.log(Y_pred[:, y_true]))", "the index is not the right one"),
        (MEAN, "-np.mean(np.log(Y_pred))", "it must be"),
        (MEAN, "-np.mean(np.log(Y_pred.max(axis=1)))", "it must be"),
        (MEAN, "sample_nll(y_true, Y_pred, 0)", "it must be"),
        (MEAN, MEAN.replace("range(len(y_true))", "range(8)"), "it must be"),
        (MEAN, MEAN.replace("len(y_true)", "len(y_true) - 1"), "the term 1 is too much"),
        (MEAN, "np.mean(y_true != Y_pred.argmax(axis=1))", "it must be"),
        (
            MEAN,
            "-np.mean(np.log2(Y_pred[np.arange(len(y_true)), y_true]))",
            "line 6: log2 stands where log belongs (another function)",
        ),
        (f"return {MEAN}", "pass", "is None"),
    ],
    "verdict": [
        (OVER, "test_loss > 2 * train_loss", "it must be neither"),
        (OVER, "test_accuracy < train_accuracy", "it must be neither"),
        (
            OVER,
            "test_loss > 2 * train_loss or test_accuracy < train_accuracy",
            "it must be neither",
        ),
        (
            OVER,
            "train_loss > 2 * test_loss and test_accuracy < train_accuracy",
            "it must be overfitting",
        ),
        (
            OVER,
            "test_loss > 2 * train_loss and test_accuracy > train_accuracy",
            "it must be overfitting",
        ),
        (OVER, "test_loss > train_loss and test_accuracy < train_accuracy", "it must be neither"),
        (
            OVER,
            "test_loss > 10 * train_loss and test_accuracy < train_accuracy",
            "it must be overfitting",
        ),
        (UNDER, "", "it must be underfitting"),
        ("train_accuracy < 0.95", "test_accuracy < 0.95", "it must be underfitting"),
        ("train_accuracy < 0.95", "train_accuracy < 0.99", "it must be overfitting"),
        ("train_accuracy < 0.95", "train_accuracy > 0.95", "it must be underfitting"),
        ("train_accuracy < 0.95", "train_loss > 0.05", "it must be"),
        ('return "neither"', "return None", "is None, it must be neither"),
        ('return "neither"', "pass", "is None, it must be neither"),
        ('"overfitting"', '"overfits"', "it must be overfitting"),
        ('return "underfitting"', 'print("underfitting")', "it must be underfitting"),
    ],
}

RIGHT = {
    "search": [
        ((NET, "NeuralNet(X.shape[1], hidden_size, 10)"),),
        ((NET, "NeuralNet(len(X[0]), hidden_size, int(max(y)) + 1)"),),
        (
            ("for x_i, y_i in zip(X, y)", "for n in range(len(X))"),
            ("net.train(x_i, y_i, ", "net.train(X[n], y[n], "),
        ),
        (
            (
                "net.accuracy(X_valid, y_valid)",
                "np.mean(np.argmax(net.forward(X_valid), axis=1) == y_valid)",
            ),
        ),
        (("return accuracies", "return accuracies.astype(np.float32)"),),
        (("return accuracies", "return accuracies.tolist()"),),
        (
            ("for x_i, y_i in zip(X, y)", "for k in np.random.permutation(len(X))"),
            ("net.train(x_i, y_i, ", "net.train(X[k], y[k], "),
        ),
    ],
    "DeepNet": [
        (("np.outer(x, grad_z_h1)", "x[:, None] * grad_z_h1"),),
        (("np.dot(grad_z_h2, self.W_h2.T)", "self.W_h2 @ grad_z_h2"),),
        (("* dsigmoid(z_h1)", "* h1 * (1 - h1)"), ("* dsigmoid(z_h2)", "* h2 * (1 - h2)")),
        (("a = np.sqrt(6 / (n_in + n_out))", "a = 1 / np.sqrt(n_in)"),),
        (
            (
                "glorot_uniform(input_size, hidden_size_1)",
                "np.random.normal(0, 0.2, (input_size, hidden_size_1)).astype(np.float32)",
            ),
        ),
        (("        return y, (h1, h2)", "        return y, [h1, h2]"),),
        (
            (
                '            "W_h1": np.outer(x, grad_z_h1),\n',
                '            "W_h1": np.array([a * grad_z_h1 for a in x]),\n',
            ),
        ),
    ],
    "MiniBatchNet": [
        (
            ("np.dot(X.T, grad_Z_h)", "X.T @ grad_Z_h"),
            ("np.sum(grad_Z_h, axis=0)", "grad_Z_h.sum(0)"),
        ),
        (
            (" / len(X)", ""),
            ("np.dot(X.T, grad_Z_h)", "np.dot(X.T, grad_Z_h) / len(X)"),
            ("np.sum(grad_Z_h, axis=0)", "np.mean(grad_Z_h, axis=0)"),
            ("np.dot(H.T, grad_Z_o)", "np.dot(H.T, grad_Z_o) / len(X)"),
            ("np.sum(grad_Z_o, axis=0)", "np.mean(grad_Z_o, axis=0)"),
        ),
        (("dsigmoid(Z_h)", "(H - H**2)"),),
        (("np.dot(X.T, grad_Z_h)", 'np.einsum("ni,nj->ij", X, grad_Z_h)'),),
        (
            (
                "Y_pred - one_hot(self.output_size, y_true)",
                "Y_pred - np.eye(self.output_size)[y_true]",
            ),
        ),
        """\
class MiniBatchNet(NeuralNet):
    def grad_loss(self, X, y_true):
        total = None
        for x, c in zip(X, y_true):
            grads = NeuralNet.grad_loss(self, x, c)
            total = grads if total is None else {k: total[k] + grads[k] for k in grads}
        return {name: value / len(X) for name, value in total.items()}
""",
        (("np.dot(X.T, grad_Z_h)", "np.dot(X.T, grad_Z_h).astype(np.float32)"),),
    ],
    "grad_norm": [
        ((NORM, "np.sqrt(sum(np.linalg.norm(grad) ** 2 for grad in grads.values()))"),),
        ((NORM, "np.linalg.norm(np.concatenate([np.ravel(grad) for grad in grads.values()]))"),),
        ((NORM, "np.linalg.norm([np.linalg.norm(grad) for grad in grads.values()])"),),
        ((NORM, "float(sum((grad**2).sum() for grad in grads.values()) ** 0.5)"),),
        (
            (
                f"    return {NORM}",
                """\
    total = 0
    for name in grads:
        for value in np.ravel(grads[name]):
            total += value * value
    return total**0.5""",
            ),
        ),
        ((NORM, NORM + ".astype(np.float32)"),),
    ],
    "MomentumNet": [
        (
            (
                VELOCITY,
                "momentum * self.velocities.get(name, np.zeros_like(grad)) - learning_rate * grad",
            ),
        ),
        (
            (
                VELOCITY,
                "-learning_rate * grad + (momentum * self.velocities[name] if name in self.velocities else 0)",
            ),
        ),
        (
            (VELOCITY, "momentum * self.velocities.get(name, 0.0) + grad"),
            ("+ velocity)", "- learning_rate * velocity)"),
        ),
        (
            (
                LOOP,
                "        grads = self.grad_loss(X, y)\n        for name, grad in zip(grads, grads.values()):\n",
            ),
        ),
        (
            (
                "setattr(self, name, getattr(self, name) + velocity)",
                "vars(self)[name] = vars(self)[name] + velocity",
            ),
        ),
        ((VELOCITY, "(" + VELOCITY + ").astype(np.float32)"),),
    ],
    "keras_model": [
        (('activation="sigmoid"', "activation=keras.activations.sigmoid"),),
        (
            (
                'loss="sparse_categorical_crossentropy"',
                "loss=keras.losses.SparseCategoricalCrossentropy()",
            ),
        ),
        (('metrics=["accuracy"]', 'metrics=["sparse_categorical_accuracy"]'),),
        (("learning_rate=learning_rate, momentum=momentum", "learning_rate, momentum"),),
        """\
def keras_model(n_in, n_hidden, n_out, learning_rate=0.1, momentum=0.9):
    model = keras.Sequential()
    model.add(keras.Input((n_in,)))
    model.add(keras.layers.Dense(n_hidden))
    model.add(keras.layers.Activation("sigmoid"))
    model.add(keras.layers.Dense(n_out))
    model.add(keras.layers.Softmax())
    sgd = keras.optimizers.SGD(learning_rate, momentum=momentum)
    model.compile(sgd, "sparse_categorical_crossentropy", ["accuracy"])
    return model
""",
        (("keras.Sequential([", "keras.Sequential(name='lab', layers=["),),
    ],
    "sample_nll": [
        (("EPSILON + ", ""),),
        (("Y_pred[index, y_true[index]]", "Y_pred[index][y_true[index]]"),),
        (
            (
                "-np.log(EPSILON + Y_pred[index, y_true[index]])",
                "nll(one_hot(Y_pred.shape[1], y_true[index]), Y_pred[index])",
            ),
        ),
        (
            (
                "-np.log(EPSILON + Y_pred[index, y_true[index]])",
                "np.log(1 / Y_pred[index, int(y_true[index])])",
            ),
        ),
        (
            (
                "def sample_nll(y_true, Y_pred, index):\n    return -np.log(EPSILON + Y_pred[index, y_true[index]])",
                "def sample_nll(classes, probabilities, i):\n    p = np.float32(probabilities[i, classes[i]])\n    return -np.log(p)",
            ),
        ),
        (
            (
                "Y_pred[index, y_true[index]]",
                "np.sum(np.eye(Y_pred.shape[1])[y_true[index]] * Y_pred[index])",
            ),
        ),
    ],
    "average_nll": [
        ((MEAN, "-np.mean(np.log(Y_pred[np.arange(len(y_true)), y_true]))"),),
        ((MEAN, "nll(one_hot(Y_pred.shape[1], y_true), Y_pred)"),),
        ((MEAN, "-np.log(np.take_along_axis(Y_pred, y_true[:, None], axis=1)).mean()"),),
        (
            (
                f"    return {MEAN}",
                "    total = 0\n    for c, row in zip(y_true, Y_pred):\n        total -= np.log(row[c])\n    return total / len(Y_pred)",
            ),
        ),
        ((MEAN, "sum(sample_nll(y_true, Y_pred, i) for i in range(len(y_true))) / len(y_true)"),),
        ((MEAN, MEAN.replace("np.mean(", "np.float32(np.mean(") + ")"),),
    ],
    "verdict": [
        ((OVER, "test_loss / train_loss > 2 and train_accuracy > test_accuracy"),),
        ((OVER, "train_loss < test_loss / 2 and not test_accuracy >= train_accuracy"),),
        (("train_accuracy < 0.95", "1 - train_accuracy > 0.05"),),
        (
            ("    if test_loss", "    elif test_loss"),
            ('    return "neither"', '    else:\n        return "neither"'),
        ),
        """\
def verdict(train_loss, test_loss, train_accuracy, test_accuracy):
    fits = train_accuracy >= 0.95
    generalises = test_loss <= 2 * train_loss or test_accuracy >= train_accuracy
    return "underfitting" if not fits else "neither" if generalises else "overfitting"
""",
    ],
}
