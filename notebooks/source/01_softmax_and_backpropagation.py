# %% [markdown]
# # Softmax regression and backpropagation, by hand
#
# In this lab you write a classifier of handwritten digits in NumPy: first a logistic regression, then
# a neural network with a hidden layer. You derive every gradient yourself. At the end the network
# reads more than 95 % of digits that it has never seen.
#
# Cells with a `TODO` are yours. Behind each is a cell that calls `check`: it says in one sentence what
# is wrong, and `check.hint()` helps step by step. A cell such as `# %load solutions/sigmoid.py` shows
# a solution: remove the `#` and run it twice. You learn more if you try first.
#
# You need about two hours, some Python, and derivatives of functions of several variables.

# %%
# %matplotlib inline
import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits

from chainrule import check

digits = load_digits()

# %% [markdown]
# ## 1. The data
#
# scikit-learn brings 1797 scanned digits. Each is an image of 8 × 8 pixels with values from 0 (white)
# to 16 (black), and the digit that was meant.

# %%
sample_index = 45
plt.figure(figsize=(3, 3))
plt.imshow(digits.images[sample_index], cmap=plt.cm.gray_r, interpolation="nearest")
plt.title("image label: %d" % digits.target[sample_index]);
# %% [markdown]
# ### Preprocessing
#
# A model that has learned its examples by heart scores well on them, and that says nothing about new
# digits. So 15 % of the samples are set aside for testing.
#
# Then every pixel is shifted and scaled to mean 0 and standard deviation 1, as gradient descent works
# best when all inputs have a similar scale. Mean and standard deviation are those of the training set:
# the test set plays the part of data that comes later, and must not have a say in anything.

# %%
from sklearn import preprocessing
from sklearn.model_selection import train_test_split

data = np.asarray(digits.data, dtype="float32")
target = np.asarray(digits.target, dtype="int32")

X_train, X_test, y_train, y_test = train_test_split(data, target, test_size=0.15, random_state=37)

# mean = 0 ; standard deviation = 1.0
scaler = preprocessing.StandardScaler()
X_train = scaler.fit_transform(X_train)
X_test = scaler.transform(X_test)

# print(scaler.mean_)
# print(scaler.scale_)

# %%
X_train.shape

# %%
X_train.dtype

# %%
X_test.shape

# %%
y_train.shape

# %%
y_train.dtype

# %% [markdown]
# Each row of `X_train` is one image, its 64 pixels in a line.
#
# ## 2. Logistic regression
#
# In this section you write a logistic regression and train it by stochastic gradient descent (SGD):
#
# - a forward model without a hidden layer, $y = \mathrm{softmax}(x W + b)$. Note the shapes: a sample
#   is a *row* here, as in `X_train`, so $W$ has a row for each pixel and a column for each class, and
#   is the transpose of the $\mathbf{W}$ in $\mathrm{softmax}(\mathbf{W} x + b)$ of many lectures;
# - a `predict` function that returns the most probable class of an input $x$;
# - an `accuracy` function for a batch of inputs $X$ and the classes $y_{true}$ expected of it;
# - a `grad_loss` function that computes $\frac{d}{dW} -\log(\mathrm{softmax}(x W + b))$ for an $x$ and
#   its expected class $y_{true}$, and a check that these gradients are right;
# - a `train` function that updates $W$ and $b$ with them.
#
# ### One-hot encoding
#
# A class is a number, a prediction a row of ten probabilities. To compare the two, the class is written
# as a row too: zeros, and a one at the position of the class. This is its *one-hot encoding* (Keras
# calls it `to_categorical`).
#
# Write it for one integer and for an array of integers. A row of the identity matrix `np.eye(n)` is
# just what is wanted.


# %% exercise="one_hot" solution="numpy_one_hot.py"
def one_hot(n_classes, y):
    ### BEGIN SOLUTION
    return np.eye(n_classes)[y]
    ### STUB
    # # TODO:
    # return None
    ### END SOLUTION


# %%
one_hot(n_classes=10, y=3)

# %%
one_hot(n_classes=10, y=[0, 4, 9, 1])

# %% check="one_hot"
check.one_hot(one_hot)

# %% checks="one_hot"
title = "write classes as rows of zeros with a single one"
hints = [
    "Compare one_hot(10, 3) with what you want: ten numbers, the one at position 3, counted from 0.",
    "A row of the identity matrix has a one at its own position. NumPy takes a row by its number, and "
    "several rows by a list of numbers.",
    "one_hot(n, y)_i = 1 where i = y, else 0: row y of the identity matrix with n rows",
]
checks.shape((10, 3), (10, [0, 4, 9, 1]), (5, np.array([2])))
checks.values(
    (10, 3), (10, [0, 4, 9, 1]), lambda rng: (6, rng.integers(0, 6, size=8).astype(np.int32)), points=2,
    diagnosed=False,
)


@checks.property("every row sums to 1")
def _(one_hot, rng):
    return np.sum(one_hot(n_classes=7, y=rng.integers(0, 7, size=9)), axis=-1) == np.ones(9)


# %% [markdown]
# ### Softmax
#
# The model computes a number for each class, of any size and sign: the *logits*. The softmax makes
# probabilities of them, that is, positive numbers that sum to 1:
#
# $$\mathrm{softmax}(x)_i = \frac{e^{x_i}}{\sum_j e^{x_j}}$$


# %% exercise="softmax" solution="numpy_softmax.py"
def softmax(X):
    ### BEGIN SOLUTION
    exp = np.exp(X)
    return exp / np.sum(exp, axis=-1, keepdims=True)
    ### STUB
    # # TODO:
    # return None
    ### END SOLUTION


# %% [markdown]
# Make sure that it works for one vector at a time, and that the components sum to one:

# %%
print("softmax of a single vector:")
print(softmax([10, 2, -3]))

# %%
# Probabilities should sum to 1:
print(np.sum(softmax([10, 2, -3])))

# %% [markdown]
# A first version often cannot take a batch of logits in a single call. The sum must run over the
# classes of each sample, not over the whole matrix. Go back to your cell and change it so that the same
# function works for a single vector and for a matrix with a row for each sample; `axis=-1` and
# `keepdims=True` of `np.sum` help with that.

# %%
print("softmax of 2 vectors:")
X = np.array([[10, 2, -3],
              [-1, 5, -20]])
print(softmax(X))

# %%
# The probabilities of each row should sum to 1:
print(np.sum(softmax(X), axis=1))

# %% check="softmax"
check.softmax(softmax)
### BEGIN HIDDEN TESTS
Z = np.array([[0.5, -1.5, 2.0], [3.0, 3.0, 3.0]])
assert np.allclose(softmax(Z + 7.0), softmax(Z)), (
    "the same number added to all logits changes the softmax"
)
assert np.allclose(softmax(Z)[1], 1 / 3), "equal logits do not give equal probabilities"
### END HIDDEN TESTS

# %% checks="softmax"
title = "turn scores into probabilities, for one sample or a batch"
hints = [
    "Look at the sum in the denominator: over which numbers does it run?",
    "Each row is a sample of its own: sum along the last axis and keep it as an axis of one entry, so "
    "that the division broadcasts row by row. Large scores overflow unless the largest of each row is "
    "subtracted first.",
    "softmax(x)_i = exp(x_i - m) / Σ_j exp(x_j - m), with m = max_j x_j of the same row",
]


def batch(rng):
    return rng.normal(0, 2, size=(4, 3))


checks.shape([10, 2, -3], batch, lambda rng: rng.normal(size=(3, 3)))
checks.dtype([10, 2, -3], lambda rng: rng.normal(size=(2, 3)).astype(np.float32))
checks.values([10, 2, -3], batch, points=2)


@checks.property("the probabilities of each row sum to 1, and softmax(X + 5) is softmax(X)")
def _(softmax, rng):
    X = rng.normal(0, 3, size=(5, 4))
    P = np.asarray(softmax(X))
    return np.allclose(P.sum(axis=-1), 1) and np.allclose(softmax(X + 5), P)


# %% [markdown]
# ### Negative log likelihood
#
# How good is a prediction? The *likelihood* is the probability that the model gave to the true class;
# the loss is the negative of its logarithm. It is near 0 for a model that is sure and right, and it
# grows without bound for one that is sure and wrong:
#
# $$\mathrm{nll}(Y_{true}, Y_{pred}) = -\sum_i Y_{true, i} \log Y_{pred, i}$$
#
# With a one-hot $Y_{true}$ only the term of the true class is left of the sum.
#
# Write it for a single sample: the one-hot encoded class `Y_true` and the predicted probabilities
# `Y_pred`.


# %% exercise="nll"
def nll(Y_true, Y_pred):
    Y_true = np.asarray(Y_true)
    Y_pred = np.asarray(Y_pred)

    ### BEGIN SOLUTION
    return -np.log(np.sum(Y_true * Y_pred))
    ### STUB
    # # TODO
    # return 0.
    ### END SOLUTION


# Make sure that it works for a simple sample at a time
print(nll([1, 0, 0], [0.99, 0.01, 0]))

# %% [markdown]
# The loss of a very confident yet bad prediction should be a much higher positive number:

# %%
print(nll([1, 0, 0], [0.01, 0.01, 0.98]))

# %% [markdown]
# Now make it compute the *average* negative log likelihood of a group of predictions: `Y_true` and
# `Y_pred` can be 2D arrays, with a row for each sample. `np.atleast_2d` makes a matrix with one row of a
# single sample, so one formula serves both.
#
# A probability may be exactly 0, and its logarithm is $-\infty$ (and $0 \cdot \infty$ is not a number).
# Add a tiny `EPSILON` before taking the logarithm.

# %% exercise="nll" solution="numpy_nll.py"
EPSILON = 1e-8


def nll(Y_true, Y_pred):
    Y_true = np.atleast_2d(Y_true)
    Y_pred = np.atleast_2d(Y_pred)

    ### BEGIN SOLUTION
    log_likelihoods = np.sum(Y_true * np.log(EPSILON + Y_pred), axis=1)
    return -np.mean(log_likelihoods)
    ### STUB
    # # TODO
    # return 0.
    ### END SOLUTION


# %%
# Check that the average NLL of the following 3 almost perfect
# predictions is close to 0
Y_true = np.array([[0, 1, 0],
                   [1, 0, 0],
                   [0, 0, 1]])

Y_pred = np.array([[0, 1, 0],
                   [0.99, 0.01, 0],
                   [0, 0, 1]])

print(nll(Y_true, Y_pred))

# %% check="nll"
check.nll(nll)
### BEGIN HIDDEN TESTS
certain = nll([[1, 0], [0, 1]], [[1.0, 0.0], [0.0, 1.0]])
assert np.isfinite(certain), "the nll of predictions that are exactly right is not finite"
assert abs(certain) < 1e-6, "the nll of predictions that are exactly right is not 0"
assert nll([1, 0], [0.0, 1.0]) > 10, "the nll of a prediction that is surely wrong is small"
### END HIDDEN TESTS

# %% checks="nll"
title = "the average negative log likelihood, for one sample or a batch"
hints = [
    "Take one sample first: which of the probabilities counts, and what is the logarithm of 1?",
    "The loss of a sample is minus the logarithm of the probability of its true class. Multiply by the "
    "one-hot row before you sum over the classes, then average over the samples. Add EPSILON inside the "
    "logarithm.",
    "nll = -(1/n) Σ_i Σ_c Y_true[i, c] log(ε + Y_pred[i, c])",
]


def predictions(n, k):
    """Return a function that draws the classes of n samples, and probabilities of k classes."""
    return lambda rng: (np.eye(k)[rng.integers(0, k, size=n)], solution.softmax(rng.normal(size=(n, k))))


checks.shape(([1, 0, 0], [0.2, 0.3, 0.5]), predictions(5, 3))
checks.finite(([1, 0], [0.0, 1.0]), ([1, 0], [1.0, 0.0]))
checks.values(([1, 0, 0], [0.99, 0.01, 0]), ([1, 0, 0], [0.01, 0.01, 0.98]), predictions(6, 4), points=2, rtol=1e-5)


@checks.property("sure and wrong costs over 10, sure and right nothing, and the same sample thrice as much as once")
def _(nll, rng):
    y, p = predictions(1, 4)(rng)
    thrice = nll(np.repeat(y, 3, axis=0), np.repeat(p, 3, axis=0))
    sure = nll([1, 0], [0.0, 1.0]) > 10 and abs(nll([1, 0], [1.0, 0.0])) < 1e-4
    return sure and np.isclose(thrice, nll(y[0], p[0]), rtol=1e-5)


# %% [markdown]
# ### The model and its gradient
#
# The model is $z = x W + b$, $y = \mathrm{softmax}(z)$, and the loss of a sample of class $c$ is
# $L = -\log y_c$. Put the softmax in:
#
# $$L = -z_c + \log \sum_j e^{z_j}$$
#
# Take the derivative of this with respect to $z_i$, on paper. The exponentials become a softmax again,
# and with $Y$ the one-hot encoding of $c$ all that is left is
#
# $$\frac{\partial L}{\partial z} = y - Y$$
#
# Now the chain rule. The weight $W_{ij}$ leads from pixel $x_i$ to logit $z_j$, so
#
# $$\frac{\partial L}{\partial W_{ij}} = x_i \, (y - Y)_j, \qquad
#   \frac{\partial L}{\partial b_j} = (y - Y)_j$$
#
# All products of an element of one vector with an element of another are their outer product,
# `np.outer`. A gradient has the shape of the parameter that it belongs to.
#
# SGD takes one sample at a time and moves each parameter $\theta$ a small step against its gradient,
# where $\eta$ is the learning rate:
#
# $$\theta \leftarrow \theta - \eta \, \frac{\partial L}{\partial \theta}$$
#
# Complete `grad_loss` and `train`.


# %% exercise="LogisticRegression" solution="logistic_regression.py"
class LogisticRegression:
    def __init__(self, input_size, output_size):
        self.W = np.random.uniform(size=(input_size, output_size), high=0.1, low=-0.1)
        self.b = np.random.uniform(size=output_size, high=0.1, low=-0.1)
        self.output_size = output_size

    def forward(self, X):
        Z = np.dot(X, self.W) + self.b
        return softmax(Z)

    def predict(self, X):
        if len(X.shape) == 1:
            return np.argmax(self.forward(X))
        else:
            return np.argmax(self.forward(X), axis=1)

    def grad_loss(self, x, y_true):
        ### BEGIN SOLUTION
        y_pred = self.forward(x)
        dnll_output = y_pred - one_hot(self.output_size, y_true)
        grad_W = np.outer(x, dnll_output)
        grad_b = dnll_output
        grads = {"W": grad_W, "b": grad_b}
        return grads
        ### STUB
        # # TODO
        # return {"W": 0., "b": 0.}
        ### END SOLUTION

    def train(self, x, y, learning_rate):
        # Traditional SGD update without momentum
        ### BEGIN SOLUTION
        grads = self.grad_loss(x, y)
        self.W = self.W - learning_rate * grads["W"]
        self.b = self.b - learning_rate * grads["b"]
        ### STUB
        # # TODO
        # pass
        ### END SOLUTION

    def loss(self, X, y):
        return nll(one_hot(self.output_size, y), self.forward(X))

    def accuracy(self, X, y):
        y_preds = np.argmax(self.forward(X), axis=1)
        return np.mean(y_preds == y)


# %% check="LogisticRegression"
check.LogisticRegression(LogisticRegression)

# %% checks="LogisticRegression"
checks.module("chainrule._src.teach.exercises.softmax_and_backpropagation")

# %%
# Build a model and test its forward inference
np.random.seed(0)  # the same start each time
n_features = X_train.shape[1]
n_classes = len(np.unique(y_train))
lr = LogisticRegression(n_features, n_classes)

print("Evaluation of the untrained model:")
train_loss = lr.loss(X_train, y_train)
train_acc = lr.accuracy(X_train, y_train)
test_acc = lr.accuracy(X_test, y_test)

print("train loss: %0.4f, train acc: %0.3f, test acc: %0.3f" % (train_loss, train_acc, test_acc))

# %% [markdown]
# Knowing nothing, a model gives every class the probability 1/10, which costs $\log 10 = 2.303$. Ours
# is a little worse than that, as its random weights make it prefer some classes for no reason.
#
# Evaluate the randomly initialized model on the first example:


# %%
def plot_prediction(model, sample_idx=0, classes=range(10)):
    fig, (ax0, ax1) = plt.subplots(nrows=1, ncols=2, figsize=(10, 4))

    image = scaler.inverse_transform(X_test[[sample_idx]]).reshape(8, 8)
    ax0.imshow(image, cmap=plt.cm.gray_r, interpolation="nearest")
    ax0.set_title("True image label: %d" % y_test[sample_idx])

    ax1.bar(classes, one_hot(len(classes), y_test[sample_idx]), label="true")
    ax1.bar(classes, model.forward(X_test[sample_idx]), label="prediction", color="red")
    ax1.set_xticks(classes)
    prediction = model.predict(X_test[sample_idx])
    ax1.set_title("Output probabilities (prediction: %d)" % prediction)
    ax1.set_xlabel("Digit class")
    ax1.legend()


plot_prediction(lr, sample_idx=0)

# %% [markdown]
# ### Are the gradients right?
#
# The definition of the derivative is a test for them. Move one weight by a tiny $\epsilon$ in both
# directions, and see what the loss does:
#
# $$\frac{\partial L}{\partial W_{ij}} \approx
#   \frac{L(W_{ij} + \epsilon) - L(W_{ij} - \epsilon)}{2 \epsilon}$$
#
# It takes two losses for a single number, far too slow to train with. To check with, it is just right.


# %%
def numerical_gradient(model, name, index, x, y, epsilon=1e-5):
    parameter = getattr(model, name)
    kept = parameter[index]
    parameter[index] = kept + epsilon
    above = model.loss(x, y)
    parameter[index] = kept - epsilon
    below = model.loss(x, y)
    parameter[index] = kept
    return (above - below) / (2 * epsilon)


x, y = X_train[0], y_train[0]
grads = lr.grad_loss(x, y)
for index in [(20, 0), (20, y), (43, 7)]:
    by_hand = grads["W"][index]
    by_differences = numerical_gradient(lr, "W", index, x, y)
    print("W[%d, %d]: by hand %0.6f, by differences %0.6f" % (*index, by_hand, by_differences))

# %% [markdown]
# ### Training
#
# One pass over the training set is an *epoch*.

# %%
# Training for one epoch
learning_rate = 0.01

for i, (x, y) in enumerate(zip(X_train, y_train)):
    lr.train(x, y, learning_rate)
    if i % 100 == 0:
        train_loss = lr.loss(X_train, y_train)
        train_acc = lr.accuracy(X_train, y_train)
        test_acc = lr.accuracy(X_test, y_test)
        print(
            "Update #%d, train loss: %0.4f, train acc: %0.3f, test acc: %0.3f"
            % (i, train_loss, train_acc, test_acc)
        )

# %% [markdown]
# Evaluate the trained model on the first example:

# %%
plot_prediction(lr, sample_idx=0)

# %% [markdown]
# ## 3. Backpropagation
#
# The objective of this section is to implement backpropagation (SGD with the chain rule) for a neural
# network with one hidden layer that uses the sigmoid as its activation.
#
# ### The sigmoid
#
# Without something curved between them, two linear layers are no more than one. The sigmoid is curved:
# it squashes any number into the range from 0 to 1.
#
# $$\mathrm{sigmoid}(x) = \frac{1}{1 + e^{-x}}$$
#
# Derive on paper that its derivative can be written with the sigmoid itself:
#
# $$\mathrm{dsigmoid}(x) = \mathrm{sigmoid}(x) \, (1 - \mathrm{sigmoid}(x))$$
#
# Implement the `sigmoid` and its element-wise derivative `dsigmoid`. Both take $x$, the value before
# the activation.


# %% exercise="sigmoid dsigmoid" solution="sigmoid.py"
def sigmoid(X):
    ### BEGIN SOLUTION
    return 1 / (1 + np.exp(-X))
    ### STUB
    # # TODO
    # return X
    ### END SOLUTION


def dsigmoid(X):
    ### BEGIN SOLUTION
    sig = sigmoid(X)
    return sig * (1 - sig)
    ### STUB
    # # TODO
    # return X
    ### END SOLUTION


x = np.linspace(-5, 5, 100)
plt.plot(x, sigmoid(x), label="sigmoid")
plt.plot(x, dsigmoid(x), label="dsigmoid")
plt.legend(loc="best");
# %% check="sigmoid"
check.sigmoid(sigmoid)

# %% checks="sigmoid"
title = "squash any number into the range from 0 to 1"
hints = [
    "What does your sigmoid give at 0, at 5 and at -5?",
    "The exponential of minus x, plus one, under a fraction. At 0 it is one half, and far to the right "
    "it is one.",
    "sigmoid(x) = 1 / (1 + exp(-x))",
]


def numbers(rng):
    return rng.normal(0, 3, size=(3, 4))


checks.shape(lambda rng: rng.normal(size=7), numbers, 0.5)
checks.dtype(lambda rng: rng.normal(size=5).astype(np.float32))
checks.finite(np.array([-800, 0, 800]))
checks.values(0.0, numbers, points=2)


@checks.property("sigmoid(x) + sigmoid(-x) is 1")
def _(sigmoid, rng):
    x = rng.normal(0, 2, size=6)
    return np.allclose(np.asarray(sigmoid(x)) + np.asarray(sigmoid(-x)), 1)


# %% check="dsigmoid"
check.dsigmoid(dsigmoid)

# %% checks="dsigmoid"
title = "the derivative of the sigmoid, element by element"
hints = [
    "How steep is the sigmoid at 0, and far from it?",
    "The derivative is made of the sigmoid alone, taken at the same x, the value before the activation.",
    "dsigmoid(x) = sigmoid(x) (1 - sigmoid(x))",
]
checks.shape(lambda rng: rng.normal(size=7), numbers, 0.5)
checks.dtype(lambda rng: rng.normal(size=5).astype(np.float32))
checks.finite(np.array([-800, 0, 800]))
checks.values(lambda rng: rng.uniform(0.2, 0.8, size=5), 0.0, numbers, points=2, rtol=1e-5, mistakes={
    "dsigmoid(x) is x (1 - x): x is the value before the activation, so take its sigmoid first":
        lambda x: x * (1 - x),
})
checks.gradient(lambda x: np.sum(solution.sigmoid(x)), lambda rng: rng.normal(0, 2, size=6))


# %% [markdown]
# Look at the picture. How large is the derivative at most? What does a unit learn whose value before
# the activation is 5, or −5?
#
# ### The network
#
# Between the pixels and the classes comes a hidden layer:
#
# $$z_h = x W_h + b_h, \qquad h = \mathrm{sigmoid}(z_h), \qquad
#   y = \mathrm{softmax}(h W_o + b_o)$$
#
# The output layer is the logistic regression that you know, with $h$ in the place of $x$. So you know
# its gradients too, with $z_o = h W_o + b_o$:
#
# $$\frac{\partial L}{\partial z_o} = y - Y, \qquad
#   \frac{\partial L}{\partial W_o} = h \otimes \frac{\partial L}{\partial z_o}, \qquad
#   \frac{\partial L}{\partial b_o} = \frac{\partial L}{\partial z_o}$$
#
# Here $\otimes$ is the outer product. Now one step further back. The hidden unit $h_j$ enters every
# logit, through row $j$ of $W_o$; its gradient is the sum of what comes back from all of them, and that
# is a product with the transpose. Then the sigmoid, one unit at a time ($\odot$ is the element-wise
# product):
#
# $$\frac{\partial L}{\partial h} = \frac{\partial L}{\partial z_o} W_o^\top, \qquad
#   \frac{\partial L}{\partial z_h} = \frac{\partial L}{\partial h} \odot \mathrm{dsigmoid}(z_h)$$
#
# And the first layer is a linear map once more:
#
# $$\frac{\partial L}{\partial W_h} = x \otimes \frac{\partial L}{\partial z_h}, \qquad
#   \frac{\partial L}{\partial b_h} = \frac{\partial L}{\partial z_h}$$
#
# This is all of backpropagation: from the loss backwards, each line takes the gradient of what a layer
# puts out and makes of it the gradients of the layer's weights and of what the layer takes in.
#
# Implement
#
# - `__init__`: the weights uniform between −0.01 and 0.01, the biases zero. (Why not all zero? Then all
#   hidden units compute the same, get the same gradient, and stay the same for ever.)
# - `forward_keep_activations`: returns $y$, and also the hidden activations $h$ and pre-activations
#   $z_h$, which the gradients need. It works for a single sample and for a batch;
# - `loss`: the average negative log likelihood;
# - `grad_loss`: the gradients of all parameters, for one sample;
# - `train`: one step of SGD.
#
# Bonus: writing all of it from scratch, with nothing but the formulas and without a look at
# `LogisticRegression`, is an excellent exercise.


# %% exercise="NeuralNet" solution="neural_net.py"
class NeuralNet:
    """MLP with 1 hidden layer with a sigmoid activation"""

    def __init__(self, input_size, hidden_size, output_size):
        ### BEGIN SOLUTION
        self.W_h = np.random.uniform(size=(input_size, hidden_size), high=0.01, low=-0.01)
        self.b_h = np.zeros(hidden_size)
        self.W_o = np.random.uniform(size=(hidden_size, output_size), high=0.01, low=-0.01)
        self.b_o = np.zeros(output_size)
        ### STUB
        # # TODO
        # self.W_h = None
        # self.b_h = None
        # self.W_o = None
        # self.b_o = None
        ### END SOLUTION
        self.output_size = output_size

    def forward_keep_activations(self, X):
        ### BEGIN SOLUTION
        z_h = np.dot(X, self.W_h) + self.b_h
        h = sigmoid(z_h)
        y = softmax(np.dot(h, self.W_o) + self.b_o)
        ### STUB
        # # TODO
        # z_h = 0.
        # h = 0.
        # y = np.zeros(self.output_size)
        ### END SOLUTION
        return y, h, z_h

    def forward(self, X):
        y, h, z_h = self.forward_keep_activations(X)
        return y

    def loss(self, X, y):
        ### BEGIN SOLUTION
        return nll(one_hot(self.output_size, y), self.forward(X))
        ### STUB
        # # TODO
        # return 42.
        ### END SOLUTION

    def grad_loss(self, x, y_true):
        ### BEGIN SOLUTION
        y, h, z_h = self.forward_keep_activations(x)
        grad_z_o = y - one_hot(self.output_size, y_true)

        grad_W_o = np.outer(h, grad_z_o)
        grad_b_o = grad_z_o
        grad_h = np.dot(grad_z_o, self.W_o.T)
        grad_z_h = grad_h * dsigmoid(z_h)
        grad_W_h = np.outer(x, grad_z_h)
        grad_b_h = grad_z_h
        return {"W_h": grad_W_h, "b_h": grad_b_h, "W_o": grad_W_o, "b_o": grad_b_o}
        ### STUB
        # # TODO
        # return {"W_h": 0., "b_h": 0., "W_o": 0., "b_o": 0.}
        ### END SOLUTION

    def train(self, x, y, learning_rate):
        ### BEGIN SOLUTION
        grads = self.grad_loss(x, y)
        self.W_h = self.W_h - learning_rate * grads["W_h"]
        self.b_h = self.b_h - learning_rate * grads["b_h"]
        self.W_o = self.W_o - learning_rate * grads["W_o"]
        self.b_o = self.b_o - learning_rate * grads["b_o"]
        ### STUB
        # # TODO
        # pass
        ### END SOLUTION

    def predict(self, X):
        if len(X.shape) == 1:
            return np.argmax(self.forward(X))
        else:
            return np.argmax(self.forward(X), axis=1)

    def accuracy(self, X, y):
        y_preds = np.argmax(self.forward(X), axis=1)
        return np.mean(y_preds == y)


# %% check="NeuralNet"
check.NeuralNet(NeuralNet)

# %% checks="NeuralNet"
checks.module("chainrule._src.teach.exercises.softmax_and_backpropagation")

# %%
np.random.seed(0)
n_hidden = 10
model = NeuralNet(n_features, n_hidden, n_classes)

# %%
model.loss(X_train, y_train)

# %%
model.accuracy(X_train, y_train)

# %%
plot_prediction(model, sample_idx=5)

# %% [markdown]
# Its weights are so small that it knows nothing and says so: a tenth for each class.
#
# Train it for 15 epochs, with a learning rate of 0.1. Each line of the log stands for 1527 updates.

# %%
losses, accuracies, accuracies_test = [], [], []
losses.append(model.loss(X_train, y_train))
accuracies.append(model.accuracy(X_train, y_train))
accuracies_test.append(model.accuracy(X_test, y_test))

print(
    "Random init: train loss: %0.5f, train acc: %0.3f, test acc: %0.3f"
    % (losses[-1], accuracies[-1], accuracies_test[-1])
)

for epoch in range(15):
    for i, (x, y) in enumerate(zip(X_train, y_train)):
        model.train(x, y, 0.1)

    losses.append(model.loss(X_train, y_train))
    accuracies.append(model.accuracy(X_train, y_train))
    accuracies_test.append(model.accuracy(X_test, y_test))
    print(
        "Epoch #%d, train loss: %0.5f, train acc: %0.3f, test acc: %0.3f"
        % (epoch + 1, losses[-1], accuracies[-1], accuracies_test[-1])
    )

# %%
plt.plot(losses)
plt.title("Training loss");
# %%
plt.plot(accuracies, label="train")
plt.plot(accuracies_test, label="test")
plt.ylim(0, 1.1)
plt.ylabel("accuracy")
plt.legend(loc="best");
# %%
plot_prediction(model, sample_idx=4)

# %% [markdown]
# ## 4. The worst predictions
#
# An average hides who is wrong. Find the test samples for which the model made its worst predictions:
# those with the highest negative log likelihood, each taken for itself.
#
# `worst_predictions` takes the one-hot encoded classes and the predicted probabilities, a row for each
# sample, and returns the indices of the `n` worst ones, the worst first. `np.argsort` helps; it sorts
# from low to high.


# %% exercise="worst_predictions" solution="worst_predictions.py"
def worst_predictions(Y_true, Y_pred, n=5):
    ### BEGIN SOLUTION
    losses = -np.sum(Y_true * np.log(EPSILON + Y_pred), axis=1)
    return np.argsort(losses)[::-1][:n]
    ### STUB
    # # TODO
    # return None
    ### END SOLUTION


# %% check="worst_predictions"
check.worst_predictions(worst_predictions)

# %% checks="worst_predictions"
title = "find the samples with the highest loss"
hints = [
    "Which samples come out first, the worst or the best?",
    "Compute the negative log likelihood of each sample for itself, without the average. Sort the indices "
    "by it, turn them round, and take the first n.",
    "loss_i = -Σ_c Y_true[i, c] log(ε + Y_pred[i, c]); the indices of the n largest, falling",
]


def order(Y_true, Y_pred):
    return np.argsort(np.sum(Y_true * np.log(Y_pred), axis=1))


checks.shape(predictions(12, 4), lambda rng: (*predictions(12, 4)(rng), 3))
checks.dtype(predictions(12, 4))
checks.values(lambda rng: (*predictions(12, 4)(rng), 4), points=3, diagnosed=False, mistakes={
    "worst_predictions returns the best predictions: turn the order round":
        lambda Y_true, Y_pred, n: order(Y_true, Y_pred)[::-1][:n],
    "worst_predictions returns the worst ones, but not the worst first":
        lambda Y_true, Y_pred, n: order(Y_true, Y_pred)[:n][::-1],
})


# %%
Y_test = one_hot(n_classes, y_test)
for sample_idx in worst_predictions(Y_test, model.forward(X_test)):
    plot_prediction(model, sample_idx=sample_idx)

# %% [markdown]
# Would you have done better on these? What do they have in common with the digit that the model takes
# them for? Note how sure the model is, also where it is wrong: the loss counts the accuracy *and* the
# confidence.
#
# You have trained a neural network with nothing but NumPy. *Going further* is the next lab: better
# hyperparameters, a second hidden layer, mini-batches, momentum, and the same network in Keras.
