# %% [markdown]
# # Reverse-mode differentiation, from scratch
#
# In the first lab you derived the gradient of a network by hand. It took an evening, and every new
# layer would take another. In this lab you write a program that derives it for you: about a hundred
# lines of Python that train the same network without a single formula for its gradient.
#
# The road is that of the article
# [Reverse-mode automatic differentiation](https://rufflewind.com/2016-12-30/reverse-mode-automatic-differentiation):
# first numbers that remember what was made of them, then a tape that is read backwards, and at last
# arrays instead of numbers.
#
# Cells with a `TODO` are yours. Behind each is a cell that calls `check`: it says in one sentence what
# is wrong, and `check.hint()` helps step by step.
#
# You need about two hours, classes in Python (`__add__` is what `+` calls), and the chain rule.

# %%
# %matplotlib inline
import math

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits

from chainrule import check

# %% [markdown]
# ## 1. Numbers with a memory
#
# Take $z = x \cdot y + \sin(x)$. A computer evaluates it in small steps, one operation each:
#
# $$a = x \cdot y, \qquad b = \sin(x), \qquad z = a + b$$
#
# The derivative of each step is known: $\partial a / \partial x = y$, $\partial b / \partial x =
# \cos(x)$, and so on. The chain rule puts them together. There are two directions in which to do it.
#
# *Forward mode* asks of each value: how does it change when $x$ changes? That is one pass through the
# program for each input. A network has thousands of inputs, its weights.
#
# *Reverse mode* asks of each value: how does $z$ change when *this value* changes? If $w$ enters the
# values $c_1, c_2, \ldots$ directly, its *children*, then
#
# $$\frac{\partial z}{\partial w} = \sum_i \frac{\partial c_i}{\partial w}
#   \, \frac{\partial z}{\partial c_i}$$
#
# There is one $z$, the loss, so a single pass gives the derivatives for all inputs.

# %%
steps = {"x": (0, 1), "y": (0, 0), "a = x · y": (1, 0), "b = sin(x)": (1, 1), "z = a + b": (2, 0.5)}
edges = [
    ("x", "a = x · y", "y"),
    ("y", "a = x · y", "x"),
    ("x", "b = sin(x)", "cos(x)"),
    ("a = x · y", "z = a + b", "1"),
    ("b = sin(x)", "z = a + b", "1"),
]
plt.figure(figsize=(8, 3))
for start, end, weight in edges:
    (x0, y0), (x1, y1) = steps[start], steps[end]
    arrow = {"arrowstyle": "->", "shrinkA": 22, "shrinkB": 34, "color": "gray"}
    plt.annotate("", (x1, y1), (x0, y0), arrowprops=arrow)
    plt.text(0.6 * x0 + 0.4 * x1, 0.6 * y0 + 0.4 * y1 + 0.05, weight, color="tab:red", ha="center")
for name, (px, py) in steps.items():
    plt.text(px, py, name, ha="center", va="center", bbox={"boxstyle": "round", "fc": "white"})
plt.title("z = x · y + sin(x), and the derivative of each step")
plt.xlim(-0.3, 2.4)
plt.ylim(-0.3, 1.3)
plt.axis("off");
# %% [markdown]
# A path from $x$ to $z$ multiplies the red derivatives along it, and all paths add up:
# $\partial z / \partial x = y \cdot 1 + \cos(x) \cdot 1$.
#
# Write a `Var`: a number that knows what was made of it.
#
# - `value` is the number;
# - `children` is a list of pairs `(weight, child)`: for each value that was made of this one, the
#   derivative of that step, and the value;
# - `+`, `*` and `sin()` make a new `Var` and enter it among the children of those it was made of;
# - `grad()` is the sum above. It calls `grad()` of the children, so it needs a place to stop: the
#   result $z$ gets `z.grad_value = 1.0` from outside, as $\partial z / \partial z = 1$.
#
# Keep what `grad()` computes in `grad_value`. Otherwise a value with many paths to $z$ is computed
# once for each path, and the number of paths can double with every step.


# %% exercise="Var" solution="var.py"
class Var:
    def __init__(self, value):
        self.value = value
        self.children = []
        self.grad_value = None

    def __add__(self, other):
        z = Var(self.value + other.value)
        ### BEGIN SOLUTION
        self.children.append((1.0, z))
        other.children.append((1.0, z))
        ### STUB
        # # TODO: enter z among the children
        ### END SOLUTION
        return z

    def __mul__(self, other):
        ### BEGIN SOLUTION
        z = Var(self.value * other.value)
        self.children.append((other.value, z))
        other.children.append((self.value, z))
        return z
        ### STUB
        # # TODO
        # return Var(0.0)
        ### END SOLUTION

    def sin(self):
        ### BEGIN SOLUTION
        z = Var(math.sin(self.value))
        self.children.append((math.cos(self.value), z))
        return z
        ### STUB
        # # TODO
        # return Var(0.0)
        ### END SOLUTION

    def grad(self):
        ### BEGIN SOLUTION
        if self.grad_value is None:
            self.grad_value = sum(weight * child.grad() for weight, child in self.children)
        return self.grad_value
        ### STUB
        # # TODO
        # return 0.0
        ### END SOLUTION


# %%
x = Var(0.5)
y = Var(4.2)
z = x * y + x.sin()
z.grad_value = 1.0

print("z = %0.4f" % z.value)
print("dz/dx = %0.4f, by hand %0.4f" % (x.grad(), y.value + math.cos(x.value)))
print("dz/dy = %0.4f, by hand %0.4f" % (y.grad(), x.value))

# %% check="Var"
check.Var(Var)
### BEGIN HIDDEN TESTS
p, q = Var(-1.5), Var(2.0)
r = p * p * q + (p * q).sin() + q
r.grad_value = 1.0
assert abs(r.value - (4.5 + np.sin(-3.0) + 2.0)) < 1e-9, "the value of p * p * q + sin(p * q) + q"
assert abs(p.grad() - (-6.0 + 2.0 * np.cos(-3.0))) < 1e-9, "dr/dp of p * p * q + sin(p * q) + q"
assert abs(q.grad() - (2.25 - 1.5 * np.cos(-3.0) + 1.0)) < 1e-9, "dr/dq of that sum"
### END HIDDEN TESTS

# %% checks="Var"
checks.module("chainrule._src.teach.exercises.reverse_mode")

# %% [markdown]
# Nobody told the program a derivative of $z$, only those of `+`, `*` and `sin`. It works for any formula
# made of them. Here is a wild one, with its derivative:


# %%
def wave(x):
    w = x * x
    for _ in range(3):
        w = (w + x).sin()
    return w


points = np.linspace(-3, 3, 300)
values, slopes = [], []
for point in points:
    x = Var(point)
    z = wave(x)
    z.grad_value = 1.0
    values.append(z.value)
    slopes.append(x.grad())

plt.figure(figsize=(8, 3))
plt.plot(points, values, label="wave(x)")
plt.plot(points, slopes, label="its derivative")
plt.plot(points, np.gradient(values, points), "k:", label="differences of neighbours")
plt.legend(loc="best");
# %% [markdown]
# ## 2. A tape
#
# `Var` has two weak points. `grad()` calls itself, and Python stops after a thousand calls within calls.
# And the values hold references to all that was made of them, in both directions of time.
#
# The article's answer is a *tape*, also called a Wengert list: while the program runs, each operation
# writes a *node* at the end of a list. A node says on which earlier nodes it depends, and with which
# weights, the derivatives of the step. An input depends on nothing. For $z = x y + \sin(x)$ with
# $x = 0.5$, $y = 4.2$:
#
# | index | value | weights | dependencies |
# |---|---|---|---|
# | 0 | $x = 0.5$ | | |
# | 1 | $y = 4.2$ | | |
# | 2 | $a = x y$ | 4.2, 0.5 | 0, 1 |
# | 3 | $b = \sin(x)$ | 0.8776 | 0 |
# | 4 | $z = a + b$ | 1, 1 | 2, 3 |
#
# A node depends on earlier ones only. So read the tape from the end to the beginning: when you come to
# a node, all that was made of it has been seen, and its derivative is complete. Hand a share of it to
# each of its dependencies.
#
# Write `backward(nodes, output)`. `nodes` is a list of pairs `(weights, dependencies)`, two lists or
# tuples of the same length; `output` is the index of $z$. It returns a list with the derivative of
# $z$ with respect to each node. No function calls itself here.


# %% exercise="backward" solution="backward.py"
def backward(nodes, output):
    derivatives = [0.0] * len(nodes)
    ### BEGIN SOLUTION
    derivatives[output] = 1.0
    for index in range(output, -1, -1):
        weights, dependencies = nodes[index]
        for weight, dependency in zip(weights, dependencies):
            derivatives[dependency] += weight * derivatives[index]
    ### STUB
    # # TODO
    ### END SOLUTION
    return derivatives


# %%
nodes = [
    ((), ()),
    ((), ()),
    ((4.2, 0.5), (0, 1)),
    ((math.cos(0.5),), (0,)),
    ((1.0, 1.0), (2, 3)),
]
backward(nodes, output=4)

# %% check="backward"
check.backward(backward)
### BEGIN HIDDEN TESTS
twice = [((), ()), ((2.0, 5.0), (0, 0)), ((3.0,), (1,)), ((7.0,), (2,))]
assert np.allclose(backward(twice, 2), [21.0, 3.0, 1.0, 0.0]), (
    "a node that enters another twice, and one behind the output"
)
### END HIDDEN TESTS

# %% checks="backward"
title = "the derivatives of one node with respect to all, from a tape read backwards"
hints = [
    "Look at the order, and at what happens to a node that is used twice.",
    "The output's own derivative is 1. Go from the output to the beginning; at each node add a "
    "share to each of its dependencies: the weight times the node's derivative, which is "
    "complete by then.",
    "for i = output, …, 0, for each (w, j) of node i: d_j ← d_j + w · d_i, where d_output = 1",
]
xy_plus_sin = [((), ()), ((), ()), ((4.2, 0.5), (0, 1)), ((0.8776,), (0,)), ((1.0, 1.0), (2, 3))]
long = [((), ()), *(((1.001,), (i,)) for i in range(3000))]


def twice(rng):
    u, v, w = rng.uniform(1, 2, 3).round(2).tolist()
    return [((), ()), ((u, v), (0, 0)), ((w,), (1,))], 2


def at_random(rng, n=12):
    weights = np.tril(rng.normal(size=(n, n)) * (rng.uniform(size=(n, n)) < 0.4), -1)
    nodes = [
        (tuple(row[row != 0].tolist()), tuple(np.flatnonzero(row).tolist())) for row in weights
    ]
    return nodes, n - 1


def values(what, *cases):
    checks.values(*cases, what=what, diagnosed=False)


checks.shape((xy_plus_sin, 4), what="the result for a tape of 5 nodes")
values("the result for z = x y + sin(x)", (xy_plus_sin, 4))
values("the result for its node 2, a = x y,", (xy_plus_sin, 2))
others = (long, 3000), ([([], []), ([2.0], [0])], 1)
values("the result for a node that is used twice, 3001 nodes, or lists,", twice, *others)
values("the result for a tape of 12 nodes at random", at_random)

# %% [markdown]
# A class that writes the tape is all that is missing. This one is given; compare it with `Var`.


# %%
class Recorder:
    def __init__(self):
        self.nodes = []

    def variable(self, value, weights=(), dependencies=()):
        self.nodes.append((weights, dependencies))
        return Recorded(self, len(self.nodes) - 1, value)


class Recorded:
    def __init__(self, recorder, index, value):
        self.recorder, self.index, self.value = recorder, index, value

    def __add__(self, other):
        indices = (self.index, other.index)
        return self.recorder.variable(self.value + other.value, (1.0, 1.0), indices)

    def __mul__(self, other):
        indices = (self.index, other.index)
        weights = (other.value, self.value)
        return self.recorder.variable(self.value * other.value, weights, indices)

    def sin(self):
        return self.recorder.variable(math.sin(self.value), (math.cos(self.value),), (self.index,))


recorder = Recorder()
x = recorder.variable(1.001)
z = x
for _ in range(5000):
    z = z * x
print("%d nodes" % len(recorder.nodes))
derivatives = backward(recorder.nodes, z.index)
print("dz/dx = %0.4f, by hand %0.4f" % (derivatives[x.index], 5001 * 1.001**5000))

# %% [markdown]
# ## 3. Arrays
#
# A network of numbers would need thousands of nodes for a single product of matrices. So let a node hold
# a whole array. What is its weight then? The derivative of one array by another is a matrix of all
# elements by all elements (its *Jacobian*), far too large to write down. But all that `backward` does
# with a weight is to multiply: from the derivative of the loss by the node's array, $\bar Z = \partial L /
# \partial Z$, it makes the share of a dependency. So the node stores this *function* in the place of the
# weight. We call it the *pullback*.
#
# | step | pullbacks |
# |---|---|
# | $Z = A + B$ | $\bar A = \bar Z, \quad \bar B = \bar Z$ |
# | $Z = A \odot B$ | $\bar A = \bar Z \odot B, \quad \bar B = \bar Z \odot A$ |
# | $Z = A B$ (matrices) | $\bar A = \bar Z B^\top, \quad \bar B = A^\top \bar Z$ |
# | $S = \mathrm{sigmoid}(Z)$ | $\bar Z = \bar S \odot S \odot (1 - S)$ |
#
# You know all of them from the first lab.
#
# ### Broadcasting
#
# There is a trap in the first two lines. In `X @ W + b` the bias `b` has the shape `(10,)` and is added to
# each row of a batch, of shape `(32, 10)`: NumPy *broadcasts* it. So $\bar Z$ has the shape `(32, 10)`,
# and $\bar b$ must have the shape `(10,)`, that of `b`. Every row of the batch used the same `b`, and
# where a value is used many times its shares add up.
#
# NumPy broadcasts from an array of `shape` by two rules: missing axes are put in front, and an axis of
# length 1 is repeated. Write `unbroadcast(gradient, shape)`, which takes them back: it sums the gradient
# over the axes that were added or repeated, and returns an array of `shape`.

# %%
fig, (ax0, ax1) = plt.subplots(1, 2, figsize=(10, 2.6))
b = np.array([0.2, -0.5, 0.9, 0.1])
ax0.imshow(np.broadcast_to(b, (3, 4)), cmap="coolwarm", vmin=-1, vmax=1)
ax0.set_title("forward: b, once in each row")
gradient = np.array([[0.3, -0.2, 0.1, 0.4], [-0.1, 0.2, 0.1, 0.3], [0.2, -0.4, 0.1, 0.2]])
ax1.imshow(np.vstack([gradient, np.full((1, 4), np.nan), gradient.sum(axis=0)]), cmap="PiYG", vmin=-1, vmax=1)
ax1.set_title("backward: a gradient from each row, and their sum")
for ax in (ax0, ax1):
    ax.axis("off")


# %% exercise="unbroadcast" solution="unbroadcast.py"
def unbroadcast(gradient, shape):
    ### BEGIN SOLUTION
    while gradient.ndim > len(shape):
        gradient = gradient.sum(axis=0)
    for axis, length in enumerate(shape):
        if length == 1:
            gradient = gradient.sum(axis=axis, keepdims=True)
    return gradient
    ### STUB
    # # TODO
    # return gradient
    ### END SOLUTION


# %%
gradient = np.arange(6.0).reshape(2, 3)
for shape in [(2, 3), (3,), (1, 3), (2, 1), ()]:
    print(shape, np.array(unbroadcast(gradient, shape)).tolist())

# %% check="unbroadcast"
check.unbroadcast(unbroadcast)
### BEGIN HIDDEN TESTS
assert np.allclose(unbroadcast(np.ones((4, 2, 3)), (1, 3)), [[8, 8, 8]]), (
    "an axis in front and one of length 1 together"
)
### END HIDDEN TESTS

# %% checks="unbroadcast"
title = "the gradient of an array that was broadcast: sums over the axes where it was repeated"
hints = [
    "Compare the shapes: which axes has the gradient that the array had not, and which had length 1?",
    "Axes in front that the array did not have are summed away. An axis of length 1 is summed too, and "
    "stays as an axis of length 1. All others stay as they are.",
    "b̄ = Σ Z̄ over all positions to which an element of b was copied; for Z = X + b with b of shape "
    "(m,): b̄_j = Σ_i Z̄_ij",
]
shapes = [
    ((2, 3), (2, 3)), ((2, 3), (3,)), ((2, 3), (1, 3)), ((2, 3), (2, 1)), ((2, 3), ()), ((2, 3), (1, 1)),
    ((3, 3), (3,)), ((4, 2, 3), (2, 3)), ((4, 2, 3), (2, 1)), ((4, 2, 3), (1,)), ((1, 3), (1, 3)),
    ((1, 3), (3,)), ((2, 1), (1,)),
]
gradients = [lambda rng, of=of, to=to: (rng.normal(size=of), to) for of, to in shapes]
checks.shape(*gradients, points=2)
checks.dtype(lambda rng: (rng.normal(size=(2, 3)).astype(np.float32), (3,)))
checks.values(*gradients, points=2)


# %% [markdown]
# ### A tape of arrays
#
# Now put it together. `Tape.array(value)` puts an array on the tape. An operation calls `self.tape.array`
# with its value and with its dependencies, pairs `(array, pullback)`. `+` is done as an example.
#
# Write
#
# - `backward(output)`: gives every array on the tape its `grad`, of the same shape as its `value`. The
#   output's `grad` is all ones (for a loss, a single 1), the others begin at zero. It may be called
#   several times: then everything begins anew;
# - `*`, element by element, which broadcasts like `+`;
# - `@`, the product of two matrices;
# - `sigmoid()`. For large negative numbers `np.exp(-x)` overflows, which NumPy only warns of; the result
#   is right all the same.
#
# One more trap: `array.grad += share` would change an array in place that another node may hold too.


# %% exercise="Tape" solution="tape.py"
class Tape:
    def __init__(self):
        self.nodes = []

    def array(self, value, *dependencies):
        node = Array(self, value, dependencies)
        self.nodes.append(node)
        return node

    def backward(self, output):
        ### BEGIN SOLUTION
        for node in self.nodes:
            node.grad = np.zeros_like(node.value)
        output.grad = np.ones_like(output.value)
        for node in reversed(self.nodes):
            for array, pullback in node.dependencies:
                array.grad = array.grad + pullback(node.grad)
        ### STUB
        # # TODO
        # pass
        ### END SOLUTION


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
        ### BEGIN SOLUTION
        return self.tape.array(
            self.value * other.value,
            (self, lambda g: unbroadcast(g * other.value, self.value.shape)),
            (other, lambda g: unbroadcast(g * self.value, other.value.shape)),
        )
        ### STUB
        # # TODO
        # return None
        ### END SOLUTION

    def __matmul__(self, other):
        ### BEGIN SOLUTION
        return self.tape.array(
            self.value @ other.value,
            (self, lambda g: g @ other.value.T),
            (other, lambda g: self.value.T @ g),
        )
        ### STUB
        # # TODO
        # return None
        ### END SOLUTION

    def sigmoid(self):
        ### BEGIN SOLUTION
        s = 1 / (1 + np.exp(-self.value))
        return self.tape.array(s, (self, lambda g: g * s * (1 - s)))
        ### STUB
        # # TODO
        # return None
        ### END SOLUTION


# %% check="Tape"
check.Tape(Tape)
### BEGIN HIDDEN TESTS
tape = Tape()
U, v = tape.array(np.array([[1.0, 2.0], [3.0, 4.0]])), tape.array(np.array([1.0, -1.0]))
tape.backward((U * v) * (U * v))
assert np.allclose(U.grad, [[2, 4], [6, 8]]), "the gradient of the sum of (U * v)² by U"
assert np.allclose(v.grad, [20, -40]), "the gradient of the sum of (U * v)² by v"
### END HIDDEN TESTS

# %% checks="Tape"
checks.module("chainrule._src.teach.exercises.tapes")

# %%
tape = Tape()
X = tape.array(np.array([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]]))
W = tape.array(np.array([[0.1], [-0.2]]))
b = tape.array(np.array([0.3]))
h = (X @ W + b).sigmoid()
tape.backward(h)
print("h:", h.value.ravel())
print("grad of W:", W.grad.ravel(), " grad of b:", b.grad)

# %% [markdown]
# ## 4. The loss
#
# One more operation, and the lab's network can be trained: softmax and negative log likelihood together,
# from scores of shape `(n, classes)` and the true classes, `n` integers, to the average loss, one number.
# With $P = \mathrm{softmax}(Z)$ and the one-hot rows $Y$ you found in the first lab
#
# $$L = -\frac{1}{n} \sum_{i=1}^n \log P_{i, y_i}, \qquad
#   \frac{\partial L}{\partial Z} = \frac{1}{n} (P - Y)$$
#
# (there for $n = 1$). An operation may be as large as you like, if you know its pullback; together the
# two are simpler than each alone, and safe: with the largest score of each row subtracted first, nothing
# overflows, and $\log P_{i, y_i} = Z_{i, y_i} - \log \sum_j e^{Z_{ij}}$ needs no logarithm of 0.
#
# `softmax_nll(scores, y)` takes an `Array` and returns an `Array` on the same tape. Do not forget to
# multiply by the gradient that comes in: the loss need not be the end of the tape.


# %% exercise="softmax_nll" solution="softmax_nll.py"
def softmax_nll(scores, y):
    ### BEGIN SOLUTION
    rows = np.arange(len(y))
    Z = scores.value - scores.value.max(axis=1, keepdims=True)
    log_P = Z - np.log(np.exp(Z).sum(axis=1, keepdims=True))

    def pullback(g):
        d_Z = np.exp(log_P)
        d_Z[rows, y] -= 1
        return g * d_Z / len(y)

    return scores.tape.array(-log_P[rows, y].mean(), (scores, pullback))
    ### STUB
    # # TODO
    # return None
    ### END SOLUTION


# %% check="softmax_nll"
check.softmax_nll(softmax_nll)

# %% checks="softmax_nll"
checks.module("chainrule._src.teach.exercises.tapes")

# %%
tape = Tape()
scores = tape.array(np.array([[10.0, 2.0, -3.0], [-1.0, 5.0, -20.0]]))
loss = softmax_nll(scores, np.array([0, 0]))
tape.backward(loss)
print("loss %0.4f" % loss.value)
print(scores.grad)

# %% [markdown]
# ## 5. The network
#
# The digits, prepared as in the first lab:

# %%
from sklearn import preprocessing
from sklearn.model_selection import train_test_split

digits = load_digits()
data = np.asarray(digits.data, dtype="float32")
target = np.asarray(digits.target, dtype="int32")

X_train, X_test, y_train, y_test = train_test_split(data, target, test_size=0.15, random_state=37)
scaler = preprocessing.StandardScaler()
X_train = scaler.fit_transform(X_train)
X_test = scaler.transform(X_test)

# %% [markdown]
# And the network, with the names of its parameters as before. Compare: there were six lines of gradients,
# each derived on paper. Here there are none.
#
# - `scores(tape, X)` puts `X` and the parameters on the tape and returns the scores
#   $\mathrm{sigmoid}(X W_h + b_h) W_o + b_o$ and a dict of the parameters *on the tape*, by name;
# - `loss(X, y)` returns the average loss of a batch, a number;
# - `grad_loss(X, y)` returns a dict of the gradients by name, as arrays;
# - `train(X, y, learning_rate)` takes one step of SGD with a batch.


# %% exercise="TapeNet" solution="tape_net.py"
class TapeNet:
    def __init__(self, input_size, hidden_size, output_size, seed=0):
        rng = np.random.default_rng(seed)
        self.W_h = rng.uniform(-0.1, 0.1, size=(input_size, hidden_size))
        self.b_h = np.zeros(hidden_size)
        self.W_o = rng.uniform(-0.1, 0.1, size=(hidden_size, output_size))
        self.b_o = np.zeros(output_size)

    def scores(self, tape, X):
        ### BEGIN SOLUTION
        params = {name: tape.array(getattr(self, name)) for name in ("W_h", "b_h", "W_o", "b_o")}
        h = (tape.array(X) @ params["W_h"] + params["b_h"]).sigmoid()
        return h @ params["W_o"] + params["b_o"], params
        ### STUB
        # # TODO
        # return None, {}
        ### END SOLUTION

    def loss(self, X, y):
        ### BEGIN SOLUTION
        scores, params = self.scores(Tape(), X)
        return softmax_nll(scores, y).value
        ### STUB
        # # TODO
        # return 42.
        ### END SOLUTION

    def grad_loss(self, X, y):
        ### BEGIN SOLUTION
        tape = Tape()
        scores, params = self.scores(tape, X)
        tape.backward(softmax_nll(scores, y))
        return {name: array.grad for name, array in params.items()}
        ### STUB
        # # TODO
        # return {"W_h": 0., "b_h": 0., "W_o": 0., "b_o": 0.}
        ### END SOLUTION

    def train(self, X, y, learning_rate):
        ### BEGIN SOLUTION
        for name, gradient in self.grad_loss(X, y).items():
            setattr(self, name, getattr(self, name) - learning_rate * gradient)
        ### STUB
        # # TODO
        # pass
        ### END SOLUTION

    def predict(self, X):
        scores, params = self.scores(Tape(), X)
        return np.argmax(scores.value, axis=1)

    def accuracy(self, X, y):
        return np.mean(self.predict(X) == y)


# %% check="TapeNet"
check.TapeNet(TapeNet)

# %% checks="TapeNet"
checks.module("chainrule._src.teach.exercises.tapes")

# %% [markdown]
# Train it, with batches of 32. One epoch is 48 updates here, so the steps may be larger than those with
# single samples.

# %%
net = TapeNet(64, 10, 10)
losses, accuracies = [net.loss(X_train, y_train)], [net.accuracy(X_test, y_test)]
rng = np.random.default_rng(0)
for epoch in range(30):
    order = rng.permutation(len(X_train))
    for start in range(0, len(order), 32):
        batch = order[start : start + 32]
        net.train(X_train[batch], y_train[batch], learning_rate=1.0)
    losses.append(net.loss(X_train, y_train))
    accuracies.append(net.accuracy(X_test, y_test))
print("train loss: %0.5f, test acc: %0.3f" % (losses[-1], accuracies[-1]))

# %%
fig, (ax0, ax1) = plt.subplots(1, 2, figsize=(9, 3))
ax0.plot(losses)
ax0.set_title("Training loss")
ax1.plot(accuracies)
ax1.set_ylim(0, 1.05)
ax1.set_title("Test accuracy")
for ax in (ax0, ax1):
    ax.set_xlabel("epoch")
# %% [markdown]
# As good as the network of the first lab, and you derived nothing. Want a second hidden layer? One more
# line in `scores`. Try it.
#
# ### Can it be trusted?
#
# The gradients by the definition of the derivative, with a small step in both directions:

# %%
gradients = net.grad_loss(X_train[:50], y_train[:50])
for name, (i, j) in [("W_h", (20, 3)), ("W_h", (43, 7)), ("W_o", (2, 5))]:
    losses_beside = []
    for step in (1e-5, -1e-5):
        getattr(net, name)[i, j] += step
        losses_beside.append(net.loss(X_train[:50], y_train[:50]))
        getattr(net, name)[i, j] -= step
    by_differences = (losses_beside[0] - losses_beside[1]) / 2e-5
    print("%s[%d, %d]: tape %0.7f, differences %0.7f" % (name, i, j, gradients[name][i, j], by_differences))

# %% [markdown]
# ## Going further
#
# - Count: how long is the tape of one update? How many numbers does it hold for a batch of 32? Where does
#   all the memory of large networks go?
# - Add `relu()`, `-` and `mean()` to `Array`, and train with a squared error.
# - `grad` of a `grad`: the pullbacks here are plain NumPy. What if they were made of tape operations
#   themselves?
# - `chainrule.grad` works the same way, with NumPy's own functions in the place of `Array`, and it can
#   print the backward pass as code:


# %%
import chainrule as cr


def loss(params, X, y):
    h = cr.sigmoid(X @ params["W_h"] + params["b_h"])
    return cr.nll(cr.one_hot(10, y), cr.softmax(h @ params["W_o"] + params["b_o"]))


params = {name: getattr(net, name) for name in ("W_h", "b_h", "W_o", "b_o")}
theirs = cr.grad(loss)(params, X_train[:50], y_train[:50])
print({name: float(abs(theirs[name] - gradients[name]).max()) for name in params})
print(cr.source(loss)(params, X_train[:50], y_train[:50]))

# %% [markdown]
# *A minimal framework* is the next lab: layers, losses and a model with `fit` and `predict`, out of what you have written.
