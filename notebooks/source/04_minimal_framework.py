# %% [markdown]
# # A minimal framework that feels like Keras
#
# In the first lab the network, its loss and its optimizer were one class. A second hidden layer meant to
# write half of it again. A framework takes it apart: layers that know nothing of each other, a loss, an
# optimizer, and a model that puts them together. In this lab you write one, in NumPy, with Keras's names:
#
# ```python
# model = Sequential([Dense(32), Activation("relu"), Dense(10), Activation("softmax")])
# model.compile(SGD(0.1, momentum=0.9), SparseCategoricalCrossentropy())
# model.fit(X_train, y_train, batch_size=32, epochs=15)
# model.evaluate(X_test, y_test)
# ```
#
# Every piece is checked on its own before you put it to use. At the end you check all gradients of the
# model at once, with the definition of the derivative.
#
# Cells with a `TODO` are yours. Behind each is a cell that calls `check`: it says in one sentence what
# is wrong, and `check.hint()` helps step by step. You need about two hours and the first lab's formulas.

# %%
# %matplotlib inline
import matplotlib.pyplot as plt
import numpy as np
from sklearn import preprocessing
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

from chainrule import check

digits = load_digits()
data = np.asarray(digits.data, dtype="float32")
target = np.asarray(digits.target, dtype="int32")

X_train, X_test, y_train, y_test = train_test_split(data, target, test_size=0.15, random_state=37)
scaler = preprocessing.StandardScaler()
X_train = scaler.fit_transform(X_train)
X_test = scaler.transform(X_test)

# %% [markdown]
# ## 1. What is a layer?
#
# A layer takes an array and returns an array: that is its *forward* pass. Backpropagation asks one thing
# more of it. Given the gradient of the loss by what the layer *returned*, it must find the gradient by
# what it *took*, and on the way those by its own weights. That is its *backward* pass. So layers fit
# together like pipes: each hands its neighbour what that needs, in both directions, and nobody needs to
# know the whole network.

# %%
fig, ax = plt.subplots(figsize=(9, 2.4))
names = ["X", "Dense", "Activation", "Dense", "Activation", "loss"]
for i, name in enumerate(names):
    ax.text(i, 0, name, ha="center", va="center", bbox={"boxstyle": "round", "fc": "white"})
for i in range(len(names) - 1):
    forward, backward = {"arrowstyle": "->", "color": "tab:blue"}, {"arrowstyle": "->", "color": "tab:red"}
    ax.annotate("", (i + 0.65, 0.12), (i + 0.35, 0.12), arrowprops=forward)
    if i:
        ax.annotate("", (i + 0.35, -0.12), (i + 0.65, -0.12), arrowprops=backward)
ax.text(2.5, 0.5, "forward: values", color="tab:blue", ha="center")
ax.text(2.5, -1.0, "backward: gradients of the loss by these values", color="tab:red", ha="center")
for i in (1, 3):
    ax.text(i, -0.65, "gradients of W, b", color="tab:red", ha="center")
    down = {"arrowstyle": "->", "color": "tab:red"}
    ax.annotate("", (i, -0.5), (i, -0.15), arrowprops=down)
ax.set_xlim(-0.5, 5.5)
ax.set_ylim(-1.1, 0.7)
ax.axis("off");
# %% [markdown]
# Every layer of this framework has
#
# - `build(input_size, seed)`: makes the weights, when the size of the input is known; returns the size of
#   the output;
# - `weights`: a dict of arrays by name; empty for a layer that has none;
# - `forward(X)`: the output of a batch, one row for each sample. It keeps what `backward` will need;
# - `backward(gradient)`: takes the gradient by the output, of the same shape as the output. It puts the
#   gradients by the weights into the dict `gradients`, and returns the gradient by the input.
#
# ### Dense
#
# $$Z = X W + b$$
#
# With $\bar Z = \partial L / \partial Z$ given, a row for each sample:
#
# $$\bar W = X^\top \bar Z, \qquad \bar b = \sum_i \bar Z_i, \qquad \bar X = \bar Z W^\top$$
#
# Compare with the first lab: for one sample $X^\top \bar Z$ is the outer product. For a batch the product
# of matrices sums over the samples. (Where is the average over the batch? In the loss, which comes last
# forwards and so first backwards.)
#
# `build` draws $W$ uniformly between $-r$ and $r$ with $r = \sqrt{6 / (n_{in} + n_{out})}$ (Glorot and
# Bengio, 2010; Keras's default): then values keep about the same size from layer to layer. $b$ starts at
# zero. The same seed must give the same weights: use `np.random.default_rng(seed)`.


# %% exercise="Dense" solution="dense.py"
class Dense:
    def __init__(self, units):
        self.units = units
        self.weights = {}
        self.gradients = {}

    def build(self, input_size, seed=0):
        ### BEGIN SOLUTION
        rng = np.random.default_rng(seed)
        limit = np.sqrt(6 / (input_size + self.units))
        W = rng.uniform(-limit, limit, size=(input_size, self.units))
        self.weights = {"W": W, "b": np.zeros(self.units)}
        ### STUB
        # # TODO
        # self.weights = {"W": None, "b": None}
        ### END SOLUTION
        return self.units

    def forward(self, X):
        ### BEGIN SOLUTION
        self.X = X
        return X @ self.weights["W"] + self.weights["b"]
        ### STUB
        # # TODO
        # return None
        ### END SOLUTION

    def backward(self, gradient):
        ### BEGIN SOLUTION
        self.gradients = {"W": self.X.T @ gradient, "b": gradient.sum(axis=0)}
        return gradient @ self.weights["W"].T
        ### STUB
        # # TODO
        # return None
        ### END SOLUTION


# %%
layer = Dense(2)
layer.build(3, seed=0)
print(layer.forward(np.ones((4, 3))))
print(layer.backward(np.ones((4, 2))))

# %% check="Dense"
check.Dense(Dense)
### BEGIN HIDDEN TESTS
layer = Dense(1)
layer.build(2)
layer.weights = dict(W=np.array([[2.0], [-1.0]]), b=np.array([0.5]))
assert np.allclose(layer.forward(np.array([[1.0, 2.0], [0.0, 3.0]])), [[0.5], [-2.5]]), (
    "the forward pass of a dense layer with known weights"
)
assert np.allclose(layer.backward(np.array([[1.0], [10.0]])), [[2, -1], [20, -10]]), (
    "the gradient by the input of a dense layer with known weights"
)
assert np.allclose(layer.gradients['W'], [[1], [32]]), "the gradient by its W"
### END HIDDEN TESTS

# %% checks="Dense"
checks.module("chainrule._src.teach.exercises.framework_parts")

# %% [markdown]
# ### Activations
#
# An activation has no weights. Keras knows it by name:
#
# | name | forward | backward |
# |---|---|---|
# | `"relu"` | $H = \max(Z, 0)$ | $\bar Z = \bar H$ where $Z > 0$, else 0 |
# | `"sigmoid"` | $H = 1 / (1 + e^{-Z})$ | $\bar Z = \bar H \odot H \odot (1 - H)$ |
# | `"tanh"` | $H = \tanh(Z)$ | $\bar Z = \bar H \odot (1 - H^2)$ |
# | `"softmax"` | $P_{ij} = e^{Z_{ij}} / \sum_k e^{Z_{ik}}$ | see below |
#
# The first three work element by element. In a softmax every output depends on every input of its row,
# as they share the denominator. Its derivatives are $\partial P_j / \partial Z_k = P_j (\delta_{jk} -
# P_k)$, where $\delta_{jk}$ is 1 for $j = k$ and else 0. Put that into the chain rule, and for each row
#
# $$\bar Z_k = \sum_j \bar P_j P_j (\delta_{jk} - P_k) = P_k \Big( \bar P_k - \sum_j \bar P_j P_j \Big)$$
#
# So the matrix of all derivatives is never needed. Derive it on paper once. Subtract the largest entry of
# each row before you take the exponential, as $e^{1000}$ is too large for a computer.


# %% exercise="Activation" solution="activation.py"
class Activation:
    def __init__(self, name):
        if name not in ("relu", "sigmoid", "tanh", "softmax"):
            raise ValueError("unknown activation %r" % name)
        self.name = name
        self.weights = {}
        self.gradients = {}

    def build(self, input_size, seed=0):
        return input_size

    def forward(self, Z):
        ### BEGIN SOLUTION
        if self.name == "relu":
            H = np.maximum(Z, 0)
        elif self.name == "sigmoid":
            H = 1 / (1 + np.exp(-Z))
        elif self.name == "tanh":
            H = np.tanh(Z)
        else:
            exp = np.exp(Z - Z.max(axis=1, keepdims=True))
            H = exp / exp.sum(axis=1, keepdims=True)
        self.H = H
        return H
        ### STUB
        # # TODO
        # return Z
        ### END SOLUTION

    def backward(self, gradient):
        ### BEGIN SOLUTION
        H = self.H
        if self.name == "relu":
            return gradient * (H > 0)
        if self.name == "sigmoid":
            return gradient * H * (1 - H)
        if self.name == "tanh":
            return gradient * (1 - H**2)
        return H * (gradient - np.sum(gradient * H, axis=1, keepdims=True))
        ### STUB
        # # TODO
        # return gradient
        ### END SOLUTION


# %%
z = np.linspace(-4, 4, 100).reshape(-1, 1)
fig, axes = plt.subplots(1, 3, figsize=(10, 2.6))
for ax, name in zip(axes, ["relu", "sigmoid", "tanh"]):
    layer = Activation(name)
    ax.plot(z, layer.forward(z), label="forward")
    ax.plot(z, layer.backward(np.ones_like(z)), label="derivative")
    ax.set_title(name)
axes[0].legend(loc="best");
# %% check="Activation"
check.Activation(Activation)

# %% checks="Activation"
checks.module("chainrule._src.teach.exercises.framework_parts")

# %% [markdown]
# Look at the derivatives. Which activation passes the whole gradient on, and where does each of them pass
# on nothing? In a deep network the backward pass multiplies one such factor for each layer.
#
# ## 2. The loss
#
# Keras calls the negative log likelihood of classes given as integers *sparse categorical crossentropy*.
# It takes the probabilities $P$ that the model returns:
#
# $$L = -\frac{1}{n} \sum_i \log P_{i, y_i}, \qquad
#   \frac{\partial L}{\partial P_{ij}} = -\frac{1}{n P_{i, y_i}} \text{ for } j = y_i, \text{ else } 0$$
#
# As Keras does, clip the probabilities to the range from $10^{-7}$ to $1 - 10^{-7}$ first, so that there
# is no logarithm of 0 and no division by 0.
#
# The loss is called like a function, with the classes first: `loss(y_true, y_pred)`. `gradient(y_true,
# y_pred)` returns its gradient by `y_pred`, where the backward pass begins.


# %% exercise="SparseCategoricalCrossentropy" solution="sparse_categorical_crossentropy.py"
class SparseCategoricalCrossentropy:
    def __call__(self, y_true, y_pred):
        ### BEGIN SOLUTION
        likelihoods = np.clip(y_pred, 1e-7, 1 - 1e-7)[np.arange(len(y_true)), y_true]
        return -np.mean(np.log(likelihoods))
        ### STUB
        # # TODO
        # return 0.
        ### END SOLUTION

    def gradient(self, y_true, y_pred):
        ### BEGIN SOLUTION
        rows = np.arange(len(y_true))
        likelihoods = np.clip(y_pred, 1e-7, 1 - 1e-7)[rows, y_true]
        gradient = np.zeros_like(y_pred)
        gradient[rows, y_true] = -1 / likelihoods / len(y_true)
        return gradient
        ### STUB
        # # TODO
        # return np.zeros_like(y_pred)
        ### END SOLUTION


# %% check="SparseCategoricalCrossentropy"
check.SparseCategoricalCrossentropy(SparseCategoricalCrossentropy)

# %% checks="SparseCategoricalCrossentropy"
checks.module("chainrule._src.teach.exercises.framework_parts")

# %% [markdown]
# A test of both: the gradient of the loss, sent back through the softmax, must be the $(P - Y) / n$ that
# you know.

# %%
scores, y = np.array([[10.0, 2.0, -3.0], [-1.0, 5.0, -20.0]]), np.array([0, 0])
softmax, loss = Activation("softmax"), SparseCategoricalCrossentropy()
P = softmax.forward(scores)
print(softmax.backward(loss.gradient(y, P)))
print((P - np.eye(3)[y]) / len(y))

# %% [markdown]
# ## 3. The optimizer
#
# Plain SGD goes down the slope it stands on. With *momentum* it keeps a velocity $v$ for each weight, as
# a ball that rolls: the steps along a valley add up, those across it cancel.
#
# $$v \leftarrow \mu v - \eta g, \qquad w \leftarrow w + v$$
#
# with the learning rate $\eta$, the momentum $\mu$ and the gradient $g$. For $\mu = 0$ it is plain SGD.
#
# `update(key, w, gradient)` returns the new `w`. The optimizer serves all arrays of a model, so it keeps a
# velocity for each `key`, zero at first. It does not change `w` itself.


# %% exercise="SGD" solution="sgd.py"
class SGD:
    def __init__(self, learning_rate=0.01, momentum=0.0):
        self.learning_rate = learning_rate
        self.momentum = momentum
        self.velocities = {}

    def update(self, key, w, gradient):
        ### BEGIN SOLUTION
        v = self.momentum * self.velocities.get(key, 0.0) - self.learning_rate * gradient
        self.velocities[key] = v
        return w + v
        ### STUB
        # # TODO
        # return w
        ### END SOLUTION


# %% check="SGD"
check.SGD(SGD)

# %% checks="SGD"
checks.module("chainrule._src.teach.exercises.framework_parts")

# %%
for momentum in [0.0, 0.9]:
    sgd, w, path = SGD(0.02, momentum=momentum), np.array(3.0), []
    for _ in range(60):
        path.append(w)
        w = sgd.update("w", w, 2 * w)  # the gradient of w²
    plt.plot(path, label="momentum %0.1f" % momentum)
plt.axhline(0, color="gray", lw=0.5)
plt.title("w on its way to the minimum of w²")
plt.xlabel("step")
plt.legend(loc="best");
# %% [markdown]
# ## 4. The model
#
# `Sequential` puts the pieces together, with Keras's names:
#
# - `compile(optimizer, loss, seed=0)` keeps both, and the seed;
# - `predict(X)`: the forward pass through all layers. The first time, the layers are built, each with the
#   output size of the one before; give each layer a seed of its own, `seed + i`, or layers of equal size
#   start with equal weights;
# - `train_on_batch(X, y)`: forward, the loss, its gradient backwards through all layers from the last to
#   the first, then an update of every weight of every layer. The key of a weight is `(i, name)`. It
#   returns the loss before the update;
# - `evaluate(X, y)`: returns the loss and the accuracy, a pair of numbers;
# - `fit(X, y, batch_size=32, epochs=1)`: in each epoch visits all samples once, in batches, in a new random
#   order. The last batch may be smaller. It returns a dict, the history: `"loss"` and `"accuracy"`, lists
#   with an entry for each epoch, evaluated on all of `X` and `y` after it.


# %% exercise="Sequential" solution="sequential.py"
class Sequential:
    def __init__(self, layers):
        self.layers = layers
        self.built = False

    def compile(self, optimizer, loss, seed=0):
        self.optimizer = optimizer
        self.loss = loss
        self.seed = seed

    def build(self, input_size):
        ### BEGIN SOLUTION
        for i, layer in enumerate(self.layers):
            input_size = layer.build(input_size, seed=self.seed + i)
        ### STUB
        # # TODO
        ### END SOLUTION
        self.built = True

    def predict(self, X):
        if not self.built:
            self.build(X.shape[1])
        ### BEGIN SOLUTION
        for layer in self.layers:
            X = layer.forward(X)
        return X
        ### STUB
        # # TODO
        # return None
        ### END SOLUTION

    def train_on_batch(self, X, y):
        ### BEGIN SOLUTION
        y_pred = self.predict(X)
        gradient = self.loss.gradient(y, y_pred)
        for layer in reversed(self.layers):
            gradient = layer.backward(gradient)
        for i, layer in enumerate(self.layers):
            for name, w in layer.weights.items():
                layer.weights[name] = self.optimizer.update((i, name), w, layer.gradients[name])
        return self.loss(y, y_pred)
        ### STUB
        # # TODO
        # return 42.
        ### END SOLUTION

    def evaluate(self, X, y):
        ### BEGIN SOLUTION
        y_pred = self.predict(X)
        return self.loss(y, y_pred), np.mean(y_pred.argmax(axis=1) == y)
        ### STUB
        # # TODO
        # return 42., 0.
        ### END SOLUTION

    def fit(self, X, y, batch_size=32, epochs=1):
        rng = np.random.default_rng(self.seed)
        history = {"loss": [], "accuracy": []}
        for epoch in range(epochs):
            ### BEGIN SOLUTION
            order = rng.permutation(len(X))
            for start in range(0, len(X), batch_size):
                batch = order[start : start + batch_size]
                self.train_on_batch(X[batch], y[batch])
            loss, accuracy = self.evaluate(X, y)
            history["loss"].append(loss)
            history["accuracy"].append(accuracy)
            ### STUB
            # # TODO
            # pass
            ### END SOLUTION
        return history


# %% check="Sequential"
check.Sequential(Sequential)

# %% checks="Sequential"
checks.module("chainrule._src.teach.exercises.minimal_framework")

# %% [markdown]
# The lab's network, in four lines:

# %%
model = Sequential([Dense(10), Activation("sigmoid"), Dense(10), Activation("softmax")])
model.compile(SGD(0.5, momentum=0.9), SparseCategoricalCrossentropy())
history = model.fit(X_train, y_train, batch_size=32, epochs=15)
print("train loss %0.4f, accuracy %0.3f" % model.evaluate(X_train, y_train))
print("test loss  %0.4f, accuracy %0.3f" % model.evaluate(X_test, y_test))

# %% [markdown]
# And now what was work before is a line: other layers, other activations, more of them.

# %%
plt.figure(figsize=(8, 3.5))
for name in ["sigmoid", "tanh", "relu"]:
    layers = [Dense(32), Activation(name), Dense(32), Activation(name), Dense(10), Activation("softmax")]
    model = Sequential(layers)
    model.compile(SGD(0.02, momentum=0.9), SparseCategoricalCrossentropy())
    history = model.fit(X_train, y_train, epochs=15)
    print("%-8s test loss %0.4f, accuracy %0.3f" % (name, *model.evaluate(X_test, y_test)))
    plt.plot(history["loss"], label=name)
plt.yscale("log")
plt.title("Training loss, two hidden layers of 32")
plt.xlabel("epoch")
plt.legend(loc="best");
# %% [markdown]
# The sigmoid is slow to start. Its derivative is at most 1/4, and the backward pass multiplies two of them.
#
# ## 5. Are the gradients right?
#
# A wrong gradient often still trains, only worse; nobody tells you. So test it. For each weight
#
# $$g_i = \frac{L(w_i + \epsilon) - L(w_i - \epsilon)}{2 \epsilon}$$
#
# must be what the backward pass says. How far apart may two numbers be? That depends on their size, so take
# the *relative* difference of whole arrays. With $a$ the backward pass's gradient of a weight array and $g$
# the numerical one, and the length of a vector $\lVert \cdot \rVert$ (`np.linalg.norm` of the array):
#
# $$\frac{\lVert a - g \rVert}{\lVert a \rVert + \lVert g \rVert}$$
#
# It is about $10^{-8}$ for a right gradient, and $10^{-2}$ or more for a wrong one. If both are zero, it is 0.
#
# Write `gradient_check(model, X, y)`. It returns a dict with this relative difference for each weight array
# of each layer, by its key `(i, name)`. Afterwards all weights must be what they were.


# %% exercise="gradient_check" solution="gradient_check.py"
def gradient_check(model, X, y, epsilon=1e-5):
    differences = {}
    ### BEGIN SOLUTION
    gradient = model.loss.gradient(y, model.predict(X))
    for layer in reversed(model.layers):
        gradient = layer.backward(gradient)
    for i, layer in enumerate(model.layers):
        for name, w in layer.weights.items():
            numerical = np.zeros_like(w)
            for index in np.ndindex(w.shape):
                kept = w[index]
                w[index] = kept + epsilon
                above = model.loss(y, model.predict(X))
                w[index] = kept - epsilon
                below = model.loss(y, model.predict(X))
                w[index] = kept
                numerical[index] = (above - below) / (2 * epsilon)
            by_hand = layer.gradients[name]
            size = np.linalg.norm(by_hand) + np.linalg.norm(numerical)
            differences[i, name] = np.linalg.norm(by_hand - numerical) / size if size else 0.0
    ### STUB
    # # TODO
    ### END SOLUTION
    return differences


# %% [markdown]
# A layer with a mistake, to see whether you find it. This one forgets that a bias is used by every sample.


# %%
class BrokenDense(Dense):
    def backward(self, gradient):
        below = super().backward(gradient)
        self.gradients["b"] = self.gradients["b"] / len(gradient)
        return below


# %%
for kind in [Dense, BrokenDense]:
    model = Sequential([kind(4), Activation("tanh"), Dense(10), Activation("softmax")])
    model.compile(SGD(0.1), SparseCategoricalCrossentropy())
    print(kind.__name__)
    for key, difference in gradient_check(model, X_train[:5], y_train[:5]).items():
        print("   layer %d, %s: %0.1e" % (*key, difference))

# %% check="gradient_check"
check.gradient_check(gradient_check)

# %% checks="gradient_check"
checks.module("chainrule._src.teach.exercises.minimal_framework")

# %% [markdown]
# ## Going further
#
# - Write `Dropout(rate)`: in training each value is zero with the probability `rate`, the others are divided
#   by `1 - rate`. What must `predict` do differently from `train_on_batch`, and how does the layer know?
# - Keras's `Dense(10, activation="softmax")` is two of your layers in one. Let `Dense` take an activation.
# - `validation_data` for `fit`: the history then has `"val_loss"` and `"val_accuracy"` too.
# - The same model in Keras or in chainrule is the same text. Only the imports differ:

# %%
import chainrule as cr

model = cr.Sequential([cr.layers.Dense(10, activation="sigmoid"), cr.layers.Dense(10, activation="softmax")])
model.compile(
    cr.optimizers.SGD(0.5, momentum=0.9), "sparse_categorical_crossentropy", metrics=["accuracy"]
)
model.fit(X_train, y_train, batch_size=32, epochs=15, verbose=0)
print(model.evaluate(X_test, y_test, verbose=0))

# %% [markdown]
# *Optimizers* is the next lab: momentum, Nesterov, RMSprop and Adam in place of the plain step of your `SGD`.
