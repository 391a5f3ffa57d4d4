# %% [markdown]
# # Going further
#
# In the first lab you trained a neural network with a hidden layer, one sample at a time, and wrote all
# of it yourself. Here you make it better: you search for good hyperparameters, add a second hidden
# layer, train on mini-batches and with momentum. In the end you build the same network in Keras, check
# that it does the same, and decide whether it overfits.
#
# You need nothing but this notebook: what is used of the first lab is given below. It takes about two
# hours. As before, cells with a `TODO` are yours, and `check` and `check.hint()` help.

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
n_features, n_hidden, n_classes = X_train.shape[1], 10, 10

# %% [markdown]
# The results of the first lab. Two things are new. No exponential can overflow any more: `softmax`
# subtracts the largest logit of each row first, which cancels, and the sigmoid is written with a `tanh`,
# which is the same function. And `train` goes through the gradients by their names, so that it works for
# any number of layers.

# %%
EPSILON = 1e-8


def one_hot(n_classes, y):
    return np.eye(n_classes)[y]


def softmax(X):
    exp = np.exp(X - np.max(X, axis=-1, keepdims=True))
    return exp / np.sum(exp, axis=-1, keepdims=True)


def nll(Y_true, Y_pred):
    Y_true, Y_pred = np.atleast_2d(Y_true), np.atleast_2d(Y_pred)
    return -np.mean(np.sum(Y_true * np.log(EPSILON + Y_pred), axis=1))


def sigmoid(X):
    return (1 + np.tanh(X / 2)) / 2


def dsigmoid(X):
    sig = sigmoid(X)
    return sig * (1 - sig)


class NeuralNet:
    """MLP with 1 hidden layer with a sigmoid activation"""

    def __init__(self, input_size, hidden_size, output_size):
        self.W_h = np.random.uniform(size=(input_size, hidden_size), high=0.01, low=-0.01)
        self.b_h = np.zeros(hidden_size)
        self.W_o = np.random.uniform(size=(hidden_size, output_size), high=0.01, low=-0.01)
        self.b_o = np.zeros(output_size)
        self.output_size = output_size

    def forward_keep_activations(self, X):
        z_h = np.dot(X, self.W_h) + self.b_h
        h = sigmoid(z_h)
        y = softmax(np.dot(h, self.W_o) + self.b_o)
        return y, h, z_h

    def forward(self, X):
        y, h, z_h = self.forward_keep_activations(X)
        return y

    def loss(self, X, y):
        return nll(one_hot(self.output_size, y), self.forward(X))

    def grad_loss(self, x, y_true):
        y, h, z_h = self.forward_keep_activations(x)
        grad_z_o = y - one_hot(self.output_size, y_true)
        grad_z_h = np.dot(grad_z_o, self.W_o.T) * dsigmoid(z_h)
        return {
            "W_h": np.outer(x, grad_z_h),
            "b_h": grad_z_h,
            "W_o": np.outer(h, grad_z_o),
            "b_o": grad_z_o,
        }

    def train(self, x, y, learning_rate):
        for name, grad in self.grad_loss(x, y).items():
            setattr(self, name, getattr(self, name) - learning_rate * grad)

    def predict(self, X):
        return np.argmax(self.forward(X), axis=-1)

    def accuracy(self, X, y):
        return np.mean(self.predict(X) == y)

# %% [markdown]
# ## 1. Hyperparameters
#
# The weights are learned. The learning rate, the number of hidden units and how the weights start are
# not: these are *hyperparameters*, and you choose them. How? By trying some, and comparing.
#
# Comparing on what? Not on the training set, where the largest network wins. Not on the test set
# either: if you choose by it, its accuracy no longer tells how the network does on new digits. So a part
# of the training set is put aside for this choice, the *validation set*.

# %%
X_fit, X_valid, y_fit, y_valid = train_test_split(
    X_train, y_train, test_size=0.2, random_state=37
)
X_fit.shape, X_valid.shape

# %% [markdown]
# Write `search`. For every hidden size and every learning rate it trains a *new* `NeuralNet` on `X, y`,
# one sample at a time for some epochs, and takes its accuracy on `X_valid, y_valid`. It returns an array
# of these with a row for each hidden size and a column for each learning rate. The number of classes is
# `len(np.unique(y))`.

# %% exercise="search" solution="search.py"
def search(hidden_sizes, learning_rates, X, y, X_valid, y_valid, epochs=1):
    accuracies = np.zeros((len(hidden_sizes), len(learning_rates)))
    ### BEGIN SOLUTION
    for i, hidden_size in enumerate(hidden_sizes):
        for j, learning_rate in enumerate(learning_rates):
            net = NeuralNet(X.shape[1], hidden_size, len(np.unique(y)))
            for epoch in range(epochs):
                for x_i, y_i in zip(X, y):
                    net.train(x_i, y_i, learning_rate)
            accuracies[i, j] = net.accuracy(X_valid, y_valid)
    ### STUB
    # # TODO
    ### END SOLUTION
    return accuracies


# %% check="search"
check.search(search)
### BEGIN HIDDEN TESTS
corners = np.array([[1.0, 0.0], [0.0, 1.0], [1.0, 0.1], [0.1, 1.0]])
untrained = search([3], [0.5, 0.0], corners, [0, 1, 0, 1], corners, [0, 1, 0, 1], epochs=200)
assert untrained[0, 0] == 1, "a network that trains 200 epochs on four points does not know them"
assert untrained[0, 1] == 0.5, "a network with the learning rate 0 has learned something"
### END HIDDEN TESTS

# %% checks="search"
checks.module("chainrule._src.teach.exercises.going_further")

# %%
np.random.seed(0)
hidden_sizes = [2, 5, 10, 20]
learning_rates = [0.001, 0.01, 0.1, 1.0, 5.0]
accuracies = search(hidden_sizes, learning_rates, X_fit, y_fit, X_valid, y_valid, epochs=3)

plt.figure(figsize=(6, 4))
plt.imshow(accuracies, cmap=plt.cm.Blues, vmin=0, vmax=1)
for i, j in np.ndindex(accuracies.shape):
    color = "white" if accuracies[i, j] > 0.5 else "black"
    plt.text(j, i, "%0.2f" % accuracies[i, j], ha="center", va="center", color=color)
plt.xticks(range(len(learning_rates)), learning_rates)
plt.yticks(range(len(hidden_sizes)), hidden_sizes)
plt.xlabel("learning rate")
plt.ylabel("hidden units")
plt.title("validation accuracy after 3 epochs");

# %% [markdown]
# With a learning rate that is too low, three epochs are not enough; with one that is too high, each step
# jumps over the place where it should end. In between are some that work. Two hidden units are too few
# to tell ten digits apart.
#
# ### How the weights start
#
# What if all weights start at zero? Before you run the cell: what is $h$ for each hidden unit, and what
# are their gradients?

# %%
np.random.seed(0)
zero, uniform = (NeuralNet(n_features, n_hidden, n_classes) for _ in range(2))
zero.W_h[:] = 0
zero.W_o[:] = 0

for name, net in [("zero", zero), ("uniform", uniform)]:
    for x, y in zip(X_train, y_train):
        net.train(x, y, 0.1)
    different = np.ptp(net.W_h, axis=1).max()
    print(
        "start %s: train loss: %0.4f, largest difference between hidden units: %0.1e"
        % (name, net.loss(X_train, y_train), different)
    )

# %% [markdown]
# From zero, all hidden units compute the same, get the same gradient, and stay copies of one another:
# ten units do the work of one. (Rounding makes them differ a little, and the difference grows. That is
# luck.) A random start tells them apart.
#
# ## 2. A second hidden layer
#
# $$h_1 = \mathrm{sigmoid}(x W_{h1} + b_{h1}), \qquad
#   h_2 = \mathrm{sigmoid}(h_1 W_{h2} + b_{h2}), \qquad
#   y = \mathrm{softmax}(h_2 W_o + b_o)$$
#
# On the way back nothing is new. The step from $\partial L / \partial z_o$ to
# $\partial L / \partial z_{h2}$ is the one that you know, and the step from
# $\partial L / \partial z_{h2}$ to $\partial L / \partial z_{h1}$ is the same once more:
#
# $$\frac{\partial L}{\partial z_{h1}} =
#   \Big(\frac{\partial L}{\partial z_{h2}} W_{h2}^\top\Big) \odot \mathrm{dsigmoid}(z_{h1})$$
#
# Each step multiplies the gradient by weights and by a derivative that is ¼ at most. With weights around
# 0.01 next to nothing of it arrives at the first layer. So weights start larger here, uniform between
# $-a$ and $a$ with $a = \sqrt{6 / (n_{in} + n_{out})}$ for a layer with $n_{in}$ inputs and $n_{out}$
# outputs. This is Glorot's start, and Keras's default.
#
# Complete `DeepNet`. The rest, `loss` and `train` among it, it has from `NeuralNet`.

# %% exercise="DeepNet" solution="deep_net.py"
def glorot_uniform(n_in, n_out):
    a = np.sqrt(6 / (n_in + n_out))
    return np.random.uniform(size=(n_in, n_out), high=a, low=-a)


class DeepNet(NeuralNet):
    """MLP with 2 hidden layers with sigmoid activations"""

    def __init__(self, input_size, hidden_size_1, hidden_size_2, output_size):
        ### BEGIN SOLUTION
        self.W_h1 = glorot_uniform(input_size, hidden_size_1)
        self.b_h1 = np.zeros(hidden_size_1)
        self.W_h2 = glorot_uniform(hidden_size_1, hidden_size_2)
        self.b_h2 = np.zeros(hidden_size_2)
        self.W_o = glorot_uniform(hidden_size_2, output_size)
        self.b_o = np.zeros(output_size)
        ### STUB
        # # TODO
        # self.W_h1 = None
        # self.b_h1 = None
        # self.W_h2 = None
        # self.b_h2 = None
        # self.W_o = None
        # self.b_o = None
        ### END SOLUTION
        self.output_size = output_size

    def forward_keep_activations(self, X):
        ### BEGIN SOLUTION
        z_h1 = np.dot(X, self.W_h1) + self.b_h1
        h1 = sigmoid(z_h1)
        z_h2 = np.dot(h1, self.W_h2) + self.b_h2
        h2 = sigmoid(z_h2)
        y = softmax(np.dot(h2, self.W_o) + self.b_o)
        ### STUB
        # # TODO
        # z_h1, h1 = 0., 0.
        # z_h2, h2 = 0., 0.
        # y = np.zeros(self.output_size)
        ### END SOLUTION
        return y, (h1, h2), (z_h1, z_h2)

    def grad_loss(self, x, y_true):
        ### BEGIN SOLUTION
        y, (h1, h2), (z_h1, z_h2) = self.forward_keep_activations(x)
        grad_z_o = y - one_hot(self.output_size, y_true)
        grad_z_h2 = np.dot(grad_z_o, self.W_o.T) * dsigmoid(z_h2)
        grad_z_h1 = np.dot(grad_z_h2, self.W_h2.T) * dsigmoid(z_h1)
        return {
            "W_h1": np.outer(x, grad_z_h1),
            "b_h1": grad_z_h1,
            "W_h2": np.outer(h1, grad_z_h2),
            "b_h2": grad_z_h2,
            "W_o": np.outer(h2, grad_z_o),
            "b_o": grad_z_o,
        }
        ### STUB
        # # TODO
        # return {"W_h1": 0., "b_h1": 0., "W_h2": 0., "b_h2": 0., "W_o": 0., "b_o": 0.}
        ### END SOLUTION


# %% check="DeepNet"
check.DeepNet(DeepNet)

# %% checks="DeepNet"
checks.module("chainrule._src.teach.exercises.going_further")

# %%
np.random.seed(0)
deep = DeepNet(n_features, 20, 10, n_classes)
for epoch in range(15):
    for x, y in zip(X_train, y_train):
        deep.train(x, y, 0.1)
    print(
        "Epoch #%d, train loss: %0.5f, train acc: %0.3f, test acc: %0.3f"
        % (
            epoch + 1,
            deep.loss(X_train, y_train),
            deep.accuracy(X_train, y_train),
            deep.accuracy(X_test, y_test),
        )
    )

# %% [markdown]
# ## 3. Mini-batches
#
# `grad_loss` takes one sample, and its gradient depends on which. The average over a *mini-batch* of,
# say, 32 samples is closer to the gradient over the whole training set, and NumPy computes it in hardly
# more time than that of a single sample.
#
# Let $X$ be a batch with a row for each of $n$ samples. `forward` works for it as it is. For the
# gradients, the average comes in at the loss, and the sum over the samples is what a matrix product
# does:
#
# $$\frac{\partial L}{\partial Z_o} = \frac{1}{n} (Y_{pred} - Y_{true}), \qquad
#   \frac{\partial L}{\partial W_o} = H^\top \frac{\partial L}{\partial Z_o}, \qquad
#   \frac{\partial L}{\partial b_o} =
#     \sum_{\mathrm{samples}} \frac{\partial L}{\partial Z_o}$$
#
# Complete `MiniBatchNet`, whose `grad_loss` takes a batch `X` and its classes `y_true`. A gradient still
# has the shape of its parameter, whatever the size of the batch.

# %% exercise="MiniBatchNet" solution="mini_batch_net.py"
class MiniBatchNet(NeuralNet):
    def grad_loss(self, X, y_true):
        ### BEGIN SOLUTION
        Y_pred, H, Z_h = self.forward_keep_activations(X)
        grad_Z_o = (Y_pred - one_hot(self.output_size, y_true)) / len(X)
        grad_Z_h = np.dot(grad_Z_o, self.W_o.T) * dsigmoid(Z_h)
        return {
            "W_h": np.dot(X.T, grad_Z_h),
            "b_h": np.sum(grad_Z_h, axis=0),
            "W_o": np.dot(H.T, grad_Z_o),
            "b_o": np.sum(grad_Z_o, axis=0),
        }
        ### STUB
        # # TODO
        # return {"W_h": 0., "b_h": 0., "W_o": 0., "b_o": 0.}
        ### END SOLUTION


# %% check="MiniBatchNet"
check.MiniBatchNet(MiniBatchNet)

# %% checks="MiniBatchNet"
checks.module("chainrule._src.teach.exercises.going_further")

# %% [markdown]
# How far is the network from the end? Where the gradient over the whole training set is zero, there is
# nothing more to gain by a small step. Its *norm* tells how far from zero it is: take all numbers of all
# gradients as one long vector, and its Euclidean length,
#
# $$\|g\| = \sqrt{\sum_{\mathrm{parameters}} \sum_{i} g_i^2}$$
#
# Write `grad_norm`, which takes a dictionary as `grad_loss` returns it.

# %% exercise="grad_norm" solution="grad_norm.py"
def grad_norm(grads):
    ### BEGIN SOLUTION
    return np.sqrt(sum(np.sum(grad**2) for grad in grads.values()))
    ### STUB
    # # TODO
    # return 0.
    ### END SOLUTION


# %% check="grad_norm"
check.grad_norm(grad_norm)

# %% checks="grad_norm"
title = "the length of all gradients taken as one vector"
hints = [
    "Try it on two numbers: the norm of 3 and 4 is 5.",
    "Square every number of every gradient, add up all of them, and take the root once, at the end.",
    "‖g‖ = √(Σ over parameters Σ_i g_i²)",
]


def drawn_gradients(rng):
    return {"W": rng.normal(size=(4, 3)), "b": rng.normal(size=3)}


checks.shape(drawn_gradients)
checks.values({"a": np.array([[3.0, 0.0]]), "b": np.array([4.0])}, drawn_gradients, points=2, mistakes={
    "the norm of 3, 0 and 4 is 25: take the root of the sum":
        lambda grads: sum(np.sum(g**2) for g in grads.values()),
    "the norm of 3, 0 and 4 is 7: add up the squares": lambda grads: sum(np.sum(np.abs(g)) for g in grads.values()),
})


@checks.property("parameters of any number and any name count")
def _(grad_norm, rng):
    g = np.array([2.0, -1.0, 2.0])
    norms = [grad_norm({"w": g}), grad_norm(dict.fromkeys(["W_h", "b_h", "W_o", "b_o"], g))]
    return np.allclose(norms, [3, 6])


# %% [markdown]
# Train with batches of different sizes, and look at the norm of each batch's gradient, update by update.
# The samples are shuffled before each epoch.

# %%
def train_on_batches(net, batch_size, learning_rate, epochs=15, **options):
    """Return the norm of the gradient at each update, and the training loss after each epoch."""
    norms, losses = [], [net.loss(X_train, y_train)]
    for epoch in range(epochs):
        order = np.random.permutation(len(X_train))
        for start in range(0, len(X_train), batch_size):
            batch = order[start : start + batch_size]
            norms.append(grad_norm(net.grad_loss(X_train[batch], y_train[batch])))
            net.train(X_train[batch], y_train[batch], learning_rate, **options)
        losses.append(net.loss(X_train, y_train))
    return norms, losses


np.random.seed(0)
fig, (ax0, ax1) = plt.subplots(nrows=1, ncols=2, figsize=(12, 4))
for batch_size in [1, 32, 256]:
    net = MiniBatchNet(n_features, n_hidden, n_classes)
    norms, losses = train_on_batches(net, batch_size, learning_rate=0.5)
    whole = grad_norm(net.grad_loss(X_train, y_train))
    print(
        "batches of %d: %d updates, train loss: %0.4f, test acc: %0.3f, norm over all samples: %0.4f"
        % (batch_size, len(norms), losses[-1], net.accuracy(X_test, y_test), whole)
    )
    ax0.plot(np.linspace(0, 15, len(norms)), norms, label="batches of %d" % batch_size, alpha=0.6)
    ax1.plot(losses, label="batches of %d" % batch_size)
ax0.set_yscale("log")
ax0.set_title("Norm of the gradient of each batch")
ax0.set_xlabel("epoch")
ax1.set_title("Training loss")
ax1.set_xlabel("epoch")
ax1.legend(loc="best");

# %% [markdown]
# Single samples give a noisy gradient: near zero for most, large for those that the network gets wrong.
# Larger batches are calmer, but in the same number of epochs they make fewer updates. Batches of 256
# have hardly begun when batches of 32 are nearly done.
#
# Which learning rate would suit batches of 256?
#
# ## 4. Momentum
#
# Plain SGD forgets at each step where it was going. *Momentum* keeps a velocity $v$ for each parameter,
# a sum of the past steps that fades by the factor $\mu$ with each update:
#
# $$v \leftarrow \mu \, v - \eta \, \frac{\partial L}{\partial \theta}, \qquad
#   \theta \leftarrow \theta + v$$
#
# Where gradients keep their direction, the steps add up to $1 / (1 - \mu)$ times the plain one; where
# they point to and fro, they cancel.
#
# Complete `train`. `self.velocities` starts empty; the velocity of a parameter that is not in it yet
# is 0.

# %% exercise="MomentumNet" solution="momentum_net.py"
class MomentumNet(MiniBatchNet):
    def __init__(self, input_size, hidden_size, output_size):
        super().__init__(input_size, hidden_size, output_size)
        self.velocities = {}

    def train(self, X, y, learning_rate, momentum=0.9):
        ### BEGIN SOLUTION
        for name, grad in self.grad_loss(X, y).items():
            velocity = momentum * self.velocities.get(name, 0.0) - learning_rate * grad
            self.velocities[name] = velocity
            setattr(self, name, getattr(self, name) + velocity)
        ### STUB
        # # TODO
        # pass
        ### END SOLUTION


# %% check="MomentumNet"
check.MomentumNet(MomentumNet)

# %% checks="MomentumNet"
checks.module("chainrule._src.teach.exercises.going_further")

# %%
np.random.seed(0)
for momentum in [0.0, 0.9]:
    net = MomentumNet(n_features, n_hidden, n_classes)
    norms, losses = train_on_batches(net, 32, learning_rate=0.1, momentum=momentum)
    print(
        "momentum %0.1f: train loss: %0.4f, test acc: %0.3f"
        % (momentum, losses[-1], net.accuracy(X_test, y_test))
    )
    plt.plot(losses, label="momentum %0.1f" % momentum)
plt.xlabel("epoch")
plt.title("Training loss")
plt.legend(loc="best");

# %% [markdown]
# ## 5. Back to Keras
#
# Now the same network in Keras. `chainrule.keras` has Keras's names and needs nothing else; with Keras
# itself installed, the commented line does the same. (If you hand the notebook in, leave the first one:
# where it is marked, Keras may not be there.)

# %%
from chainrule import keras

# import keras

# %% [markdown]
# ### The same network
#
# Write `keras_model`. It returns a compiled model that behaves like `MomentumNet` with the same
# hyperparameters: a hidden layer with a sigmoid, a softmax at the end, SGD with this learning rate and
# momentum, the average negative log likelihood as loss (for integer classes Keras calls it
# `"sparse_categorical_crossentropy"`), and the accuracy as a metric.

# %% exercise="keras_model" solution="keras_model.py"
def keras_model(input_size, hidden_size, output_size, learning_rate=0.1, momentum=0.9):
    ### BEGIN SOLUTION
    model = keras.Sequential([
        keras.layers.Input(shape=(input_size,)),
        keras.layers.Dense(hidden_size, activation="sigmoid"),
        keras.layers.Dense(output_size, activation="softmax"),
    ])
    model.compile(
        optimizer=keras.optimizers.SGD(learning_rate=learning_rate, momentum=momentum),
        loss="sparse_categorical_crossentropy",
        metrics=["accuracy"],
    )
    return model
    ### STUB
    # # TODO
    # return None
    ### END SOLUTION


# %% check="keras_model"
check.keras_model(keras_model)

# %% checks="keras_model"
checks.module("chainrule._src.teach.exercises.going_further")

# %% [markdown]
# Does it reproduce the NumPy model? Both begin with random weights and see the samples in another order,
# so the losses are not the same number; but they should fall alike. Here is the NumPy model with
# Keras's start, beside it.

# %%
keras.utils.set_random_seed(0)
model = keras_model(n_features, n_hidden, n_classes)
history = model.fit(X_train, y_train, epochs=15, batch_size=32, verbose=0)

net = MomentumNet(n_features, n_hidden, n_classes)
net.W_h, net.W_o = glorot_uniform(n_features, n_hidden), glorot_uniform(n_hidden, n_classes)
norms, losses = train_on_batches(net, 32, learning_rate=0.1, momentum=0.9)

print("train loss after 15 epochs: NumPy %0.4f" % losses[-1])
print("train loss after 15 epochs: Keras %0.4f" % model.evaluate(X_train, y_train, verbose=0)[0])
print("test acc: NumPy %0.3f" % net.accuracy(X_test, y_test))
print("test acc: Keras %0.3f" % model.evaluate(X_test, y_test, verbose=0)[1])

plt.plot(range(1, 16), losses[1:], label="NumPy, after the epoch")
plt.plot(range(1, 16), history.history["loss"], "o", label="Keras, during the epoch")
plt.xlabel("epoch")
plt.title("Training loss")
plt.legend(loc="best");

# %% [markdown]
# ### Negative log likelihoods
#
# `model.predict(X)` returns the probabilities, a row for each sample (in older versions
# `predict_proba`). From these compute
#
# - `sample_nll`: the negative log likelihood of a single sample, given its index;
# - `average_nll`: the average negative log likelihood of all samples.
#
# `y_true` holds the classes as integers.

# %% exercise="sample_nll average_nll" solution="keras_model_test_loss.py"
def sample_nll(y_true, Y_pred, index):
    ### BEGIN SOLUTION
    return -np.log(EPSILON + Y_pred[index, y_true[index]])
    ### STUB
    # # TODO
    # return 0.
    ### END SOLUTION


def average_nll(y_true, Y_pred):
    ### BEGIN SOLUTION
    return np.mean([sample_nll(y_true, Y_pred, index) for index in range(len(y_true))])
    ### STUB
    # # TODO
    # return 0.
    ### END SOLUTION


# %% check="sample_nll"
check.sample_nll(sample_nll)

# %% checks="sample_nll"
title = "the negative log likelihood of one sample"
hints = [
    "Which single number of Y_pred tells how probable the true class was?",
    "Take row index of Y_pred, and of it the entry of the true class y_true[index]; minus its logarithm.",
    "nll_i = -log Y_pred[i, y_true_i]",
]


def predicted(rng, n=8):
    Y_pred = np.exp(rng.normal(0, 2, size=(n, 4)))
    Y_pred /= Y_pred.sum(axis=1, keepdims=True)
    return rng.integers(0, 4, size=n).astype(np.int32), Y_pred.astype(np.float32)


checks.shape(lambda rng: (*predicted(rng), 3))
checks.values(*[lambda rng, i=i: (*predicted(rng), i) for i in (5, 0, 3)], points=2, rtol=1e-4, diagnosed=False)


# %% check="average_nll"
check.average_nll(average_nll)

# %% checks="average_nll"
title = "the average negative log likelihood of all samples"
hints = [
    "What is the average of the negative log likelihoods of two samples?",
    "Take the negative log likelihood of every sample, and their mean.",
    "(1/n) Σ_i -log Y_pred[i, y_true_i]",
]
checks.shape(predicted)
checks.values(predicted, lambda rng: predicted(rng, 11), points=2, rtol=1e-4)


# %% [markdown]
# Sample 42 of the test set:

# %%
Y_pred = model.predict(X_test, verbose=0)
print("true class %d, predicted %d" % (y_test[42], np.argmax(Y_pred[42])))
print("NLL of test sample 42: %0.5f" % sample_nll(y_test, Y_pred, 42))

# %% [markdown]
# The average over the test set, and over the training set. The latter must be the loss that Keras
# reports for the training set.

# %%
print("average NLL, test set: %0.5f" % average_nll(y_test, Y_pred))

Y_pred_train = model.predict(X_train, verbose=0)
print("average NLL, training set: %0.5f" % average_nll(y_train, Y_pred_train))
print("reported by Keras:         %0.5f" % model.evaluate(X_train, y_train, verbose=0)[0])

# %% [markdown]
# The losses in `history.history` are a little higher than those of `evaluate` after the same epoch. Why?
# (Each is an average over the batches of an epoch, taken while the weights were still changing.)
#
# ### Overfitting or underfitting?
#
# A model *underfits* when it is wrong even on the samples that it has seen. It *overfits* when it has
# learned of its training set what does not hold for other samples: it is much better there than on the
# test set. To tell the two from a training that was merely too short, train until nothing changes
# any more.

# %%
model.fit(X_train, y_train, epochs=85, batch_size=32, verbose=0)
train_loss, train_accuracy = model.evaluate(X_train, y_train, verbose=0)
test_loss, test_accuracy = model.evaluate(X_test, y_test, verbose=0)
print("after 100 epochs: train loss: %0.4f, train acc: %0.3f" % (train_loss, train_accuracy))
print("after 100 epochs: test loss: %0.4f, test acc: %0.3f" % (test_loss, test_accuracy))

# %% [markdown]
# Write `verdict`, which decides by the numbers. It returns
#
# - `"underfitting"` if more than 5 % of the training samples are predicted wrong;
# - otherwise `"overfitting"` if the test loss is more than twice the training loss and the test accuracy
#   is lower than the training accuracy;
# - otherwise `"neither"`.

# %% exercise="verdict" solution="verdict.py"
def verdict(train_loss, test_loss, train_accuracy, test_accuracy):
    ### BEGIN SOLUTION
    if train_accuracy < 0.95:
        return "underfitting"
    if test_loss > 2 * train_loss and test_accuracy < train_accuracy:
        return "overfitting"
    return "neither"
    ### STUB
    # # TODO
    # return None
    ### END SOLUTION


# %% check="verdict"
check.verdict(verdict)

# %% checks="verdict"
title = "overfitting or underfitting, by the numbers"
hints = [
    "Which of the four numbers tells whether the model fits what it has seen?",
    "Decide in this order: first the accuracy on the training set alone, then both losses and both "
    "accuracies together, and else neither.",
    "underfitting: train accuracy < 0.95; overfitting: test loss > 2 · train loss and test accuracy < "
    "train accuracy; else neither",
]
checks.values(
    (1.2, 1.3, 0.6, 0.58), (0.4, 1.9, 0.9, 0.7), (0.3, 0.2, 0.94, 0.96), (0.0069, 0.1208, 1.0, 0.959),
    (0.05, 0.2, 0.99, 0.97), (0.1, 0.9, 0.96, 0.9), (0.08, 0.1, 0.98, 0.97), (0.05, 0.2, 0.97, 0.98),
    (0.12, 0.13, 0.96, 0.96), points=3,
)


@checks.property("a test loss over twice the training loss decides, and all arguments have names")
def _(verdict, rng):
    named = {"train_accuracy": 0.98, "test_accuracy": 0.97, "train_loss": float(rng.uniform(0.05, 0.1))}
    said = [verdict(test_loss=times * named["train_loss"], **named) for times in (1.9, 2.1)]
    return said == ["neither", "overfitting"]


# %%
print(verdict(train_loss, test_loss, train_accuracy, test_accuracy))

# %% [markdown]
# Argue in a sentence or two, with the numbers: what did the model learn between epoch 15 and epoch 100,
# and whom did it help? Then think of two things that would bring the two losses closer together, and try
# one: fewer hidden units, fewer epochs, weight decay, or more data.
#
# ## Where to go from here
#
# You have derived every gradient by hand, twice for the second layer. Can a program do it? A video on
# what backpropagation does:

# %%
from IPython.display import YouTubeVideo

YouTubeVideo("o64FV-ez6Gw")

# %% [markdown]
# Optional: read the blog post on
# [reverse-mode automatic differentiation](https://rufflewind.com/2016-12-30/reverse-mode-automatic-differentiation)
# from its start to the section "A simple implementation in Python" included. The next lab builds it.
