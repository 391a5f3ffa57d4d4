# %% [markdown]
# # Optimizers
#
# The gradient says which way the loss falls fastest, here and now. How far to go, and what to remember of
# the gradients before, it does not say. That is the optimizer's part. In this lab you write the five that
# everybody uses, SGD, momentum, Nesterov's momentum, RMSprop and Adam, with a learning rate that changes
# over time. You watch them in a narrow valley, where every step can be seen, and then train the digits.
#
# Cells with a `TODO` are yours. Behind each is a cell that calls `check`: it says in one sentence what
# is wrong, and `check.hint()` helps step by step. You need about 90 minutes, and NumPy.

# %%
# %matplotlib inline
import matplotlib.pyplot as plt
import numpy as np

from chainrule import check

# %% [markdown]
# ## 1. A narrow valley
#
# Two weights, $w = (w_0, w_1)$, and the loss
#
# $$L(w) = \frac{1}{2} \left( w_0^2 + 50 \, w_1^2 \right), \qquad
#   \nabla L = (w_0, \; 50 \, w_1)$$
#
# Its minimum is at $(0, 0)$. Across the valley, along $w_1$, it is steep; along the valley, $w_0$, it is
# nearly flat. The loss of a network looks like that almost everywhere, in thousands of directions.

# %%
CURVATURES = np.array([1.0, 50.0])


def valley(w):
    return 0.5 * np.sum(CURVATURES * w**2)


def valley_gradient(w):
    return CURVATURES * w


def plot_valley(paths):
    x, y = np.meshgrid(np.linspace(-10.5, 3, 200), np.linspace(-1.6, 1.6, 200))
    fig, axes = plt.subplots(len(paths), 1, figsize=(9, 2.1 * len(paths)), sharex=True, squeeze=False)
    for ax, (name, path) in zip(axes[:, 0], paths.items()):
        levels = np.logspace(-1, 2, 12)
        ax.contour(x, y, 0.5 * (x**2 + 50 * y**2), levels=levels, cmap="Greys", linewidths=0.6)
        ax.plot(path[:, 0], path[:, 1], ".-", ms=5, lw=0.9, color="tab:blue")
        ax.plot(0, 0, "*", ms=12, color="tab:red")
        ax.set_title("%s: loss %0.2g after %d steps" % (name, valley(path[-1]), len(path) - 1))
        ax.set_xlim(-10.5, 3)
        ax.set_ylim(-1.6, 1.6)
    fig.tight_layout()


# %% [markdown]
# ### How an optimizer is written here
#
# All optimizers of this lab are functions of the same form:
#
# ```python
# w, state = optimizer(w, g, state, learning_rate)
# ```
#
# They take the weights, the gradient `g`, and a dict `state` with what they remember; they return the new
# weights and the new state. At the beginning the state is an empty dict `{}`, so what is not there yet
# counts as zero: `state.get("v", 0.0)`. They change neither `w` nor `g`. As NumPy works element by element,
# the same function serves a number, a vector and a matrix.
#
# Plain SGD remembers nothing:


# %%
def sgd(w, g, state, learning_rate=0.01):
    return w - learning_rate * g, state


def follow(optimizer, steps=60, start=(-10.0, 1.0), **options):
    w, state, path = np.array(start), {}, []
    for _ in range(steps):
        path.append(w)
        w, state = optimizer(w, valley_gradient(w), state, **options)
    return np.array([*path, w])


plot_valley({"SGD, learning rate %g" % rate: follow(sgd, learning_rate=rate) for rate in [0.01, 0.039]})

# %% [markdown]
# A small learning rate creeps along the valley. A larger one goes faster, and jumps from slope to slope: at
# the learning rate $\eta$ a direction of curvature $c$ is multiplied by $1 - \eta c$ in each step. With $c =
# 50$ that grows without bound as soon as $\eta > 2/50$. So the steepest direction says how large the
# learning rate may be, and the flattest one suffers. What would $\eta$ have to be, if only $w_0$ counted?
#
# ## 2. Momentum
#
# Let a heavy ball roll instead. It has a velocity $v$, and the slope only changes that (Polyak, 1964; the
# form below is Keras's):
#
# $$v \leftarrow \mu v - \eta g, \qquad w \leftarrow w + v$$
#
# Where the gradient keeps its direction, the steps add up to $1 / (1 - \mu)$ times the length, ten times for
# $\mu = 0.9$. Where it changes its sign all the time, they cancel.


# %% exercise="momentum" solution="momentum.py"
def momentum(w, g, state, learning_rate=0.01, mu=0.9):
    ### BEGIN SOLUTION
    v = mu * state.get("v", 0.0) - learning_rate * g
    return w + v, {"v": v}
    ### STUB
    # # TODO
    # return w, state
    ### END SOLUTION


# %% check="momentum"
check.momentum(momentum)
### BEGIN HIDDEN TESTS
w, memory = momentum(np.array([1.0]), np.array([2.0]), {}, learning_rate=0.5, mu=0.5)
w, memory = momentum(w, np.array([-1.0]), memory, learning_rate=0.5, mu=0.5)
assert np.allclose(w, [0.0]), "two steps of momentum, to the right and back"
### END HIDDEN TESTS

# %% checks="momentum"
checks.module("chainrule._src.teach.exercises.optimizers")

# %% [markdown]
# ### Nesterov
#
# The ball does not see the opposite slope before it is on it. Nesterov's idea (1983): it will move on by
# about $\mu v$ anyway, so use the gradient of *there*. Written with the gradient at hand (Sutskever et al.,
# 2013, and Keras), the new velocity is the same, and the weights take the step that the *next* velocity
# would take with this gradient:
#
# $$v \leftarrow \mu v - \eta g, \qquad w \leftarrow w + \mu v - \eta g$$
#
# where the second line uses the new $v$.


# %% exercise="nesterov" solution="nesterov.py"
def nesterov(w, g, state, learning_rate=0.01, mu=0.9):
    ### BEGIN SOLUTION
    v = mu * state.get("v", 0.0) - learning_rate * g
    return w + mu * v - learning_rate * g, {"v": v}
    ### STUB
    # # TODO
    # return w, state
    ### END SOLUTION


# %% check="nesterov"
check.nesterov(nesterov)

# %% checks="nesterov"
checks.module("chainrule._src.teach.exercises.optimizers")

# %%
rate = 0.012
plot_valley({
    "SGD": follow(sgd, learning_rate=rate),
    "momentum": follow(momentum, learning_rate=rate),
    "Nesterov": follow(nesterov, learning_rate=rate),
})

# %% [markdown]
# Momentum arrives, and shoots over the end: a heavy ball takes time to stop. Nesterov's is calmer.
#
# ## 3. A learning rate for each weight
#
# In the valley each direction wants a learning rate of its own. RMSprop (Hinton, 2012) gives each weight one:
# it divides the gradient by its usual size, the root of a running mean of the squares
#
# $$s \leftarrow \rho s + (1 - \rho) g^2, \qquad w \leftarrow w - \frac{\eta \, g}{\sqrt{s + \epsilon}}$$
#
# All element by element. A running mean takes a little of what is new and keeps most of what was; with $\rho =
# 0.9$ it looks back about ten steps. The tiny $\epsilon$ avoids a division by zero.


# %% exercise="rmsprop" solution="rmsprop.py"
def rmsprop(w, g, state, learning_rate=0.001, rho=0.9, epsilon=1e-7):
    ### BEGIN SOLUTION
    s = rho * state.get("s", 0.0) + (1 - rho) * g**2
    return w - learning_rate * g / np.sqrt(s + epsilon), {"s": s}
    ### STUB
    # # TODO
    # return w, state
    ### END SOLUTION


# %% check="rmsprop"
check.rmsprop(rmsprop)

# %% checks="rmsprop"
checks.module("chainrule._src.teach.exercises.optimizers")

# %% [markdown]
# What happens to the step if the loss, and with it every gradient, is multiplied by 1000? Compare with SGD.
#
# ### Adam
#
# Adam (Kingma and Ba, 2015) has both: a running mean $m$ of the gradient, as momentum has, divided by the
# root of a running mean $s$ of its square.
#
# $$m \leftarrow \beta_1 m + (1 - \beta_1) g, \qquad s \leftarrow \beta_2 s + (1 - \beta_2) g^2$$
#
# Both begin at zero, so at first they are too small: after one step $m = (1 - \beta_1) g$, a tenth of the
# gradient for $\beta_1 = 0.9$, and $s$ is a thousandth of its square for $\beta_2 = 0.999$. After $t$ steps of
# an equal gradient $m = (1 - \beta_1^t) g$. Divide by that factor and the mean is right from the first step
# on, the *bias correction*:
#
# $$\hat m = \frac{m}{1 - \beta_1^t}, \qquad \hat s = \frac{s}{1 - \beta_2^t}, \qquad
#   w \leftarrow w - \eta \, \frac{\hat m}{\sqrt{\hat s} + \epsilon}$$
#
# The state needs $m$, $s$ and the number of steps $t$, which is 1 in the first step.

# %%
steps = np.arange(1, 60)
plt.figure(figsize=(7, 2.6))
plt.plot(steps, 1 - 0.9**steps, label="m / g, β₁ = 0.9")
plt.plot(steps, 1 - 0.999**steps, label="s / g², β₂ = 0.999")
plt.axhline(1, color="gray", lw=0.5)
plt.xlabel("step")
plt.title("The running means of an equal gradient, without correction")
plt.legend(loc="best");


# %% exercise="adam" solution="adam.py"
def adam(w, g, state, learning_rate=0.001, beta_1=0.9, beta_2=0.999, epsilon=1e-7):
    ### BEGIN SOLUTION
    t = state.get("t", 0) + 1
    m = beta_1 * state.get("m", 0.0) + (1 - beta_1) * g
    s = beta_2 * state.get("s", 0.0) + (1 - beta_2) * g**2
    m_hat = m / (1 - beta_1**t)
    s_hat = s / (1 - beta_2**t)
    return w - learning_rate * m_hat / (np.sqrt(s_hat) + epsilon), {"t": t, "m": m, "s": s}
    ### STUB
    # # TODO
    # return w, state
    ### END SOLUTION


# %% check="adam"
check.adam(adam)
### BEGIN HIDDEN TESTS
w, memory = adam(np.array([5.0, -5.0]), np.array([1e-3, -1e3]), {}, learning_rate=0.5)
assert np.allclose(w, [4.5, -4.5], atol=1e-3), "the first step of adam has the length of the learning rate"
### END HIDDEN TESTS

# %% checks="adam"
checks.module("chainrule._src.teach.exercises.optimizers")

# %%
plot_valley({
    "Nesterov": follow(nesterov, learning_rate=0.012),
    "RMSprop": follow(rmsprop, learning_rate=0.3),
    "Adam": follow(adam, learning_rate=0.5),
})

# %% [markdown]
# RMSprop and Adam do not know the valley: every weight moves by about the learning rate in each step, steep or
# flat. That is why they work with the same learning rate nearly everywhere. Near the minimum it is also their
# weakness: RMSprop keeps trembling there, as its steps do not get shorter with the gradient.
#
# ## 4. A learning rate that changes
#
# So let the steps get shorter towards the end. And let them be short at the beginning, too, while the running
# means are young and the weights far from anywhere: *warm-up*. A common schedule has $W$ steps of warm-up and
# then half a wave of a cosine down to zero at step $T$. With the highest learning rate $\eta$ and the step $t =
# 0, 1, \ldots$
#
# $$\eta_t = \begin{cases}
#   \eta \, \dfrac{t + 1}{W} & t < W \\[2ex]
#   \dfrac{\eta}{2} \left( 1 + \cos \left( \pi \, \dfrac{t - W}{T - W} \right) \right) & W \le t < T \\[2ex]
#   0 & t \ge T
# \end{cases}$$
#
# Write `warmup_cosine(t, learning_rate, warmup, total)`. It returns a number. Without warm-up (`warmup=0`)
# it begins with the cosine.


# %% exercise="warmup_cosine" solution="warmup_cosine.py"
def warmup_cosine(t, learning_rate, warmup, total):
    ### BEGIN SOLUTION
    if t < warmup:
        return learning_rate * (t + 1) / warmup
    if t >= total:
        return 0.0
    return learning_rate / 2 * (1 + np.cos(np.pi * (t - warmup) / (total - warmup)))
    ### STUB
    # # TODO
    # return learning_rate
    ### END SOLUTION


# %% check="warmup_cosine"
check.warmup_cosine(warmup_cosine)

# %% checks="warmup_cosine"
title = "a learning rate that rises, then falls as a cosine"
hints = [
    "Look at the three parts: before warmup, before total, and after.",
    "In the warm-up the step t has the share (t + 1) / warmup of the rate. Then the cosine's "
    "angle goes from 0 at t = warmup to π at t = total. From there on the rate is 0.",
    "η (t + 1) / W for t < W; η/2 (1 + cos(π (t − W) / (T − W))) for W ≤ t < T; else 0",
]


def at(t, after=0):
    """Return a step of the training, or one so many after the warm-up, with drawn rates."""

    def case(rng):
        rate, warmup = round(rng.uniform(0.1, 1), 2), int(rng.integers(4, 8))
        return warmup + after if t is None else t, rate, warmup, 23

    return case


def rates(warmup_cosine, warmup, total):
    return [float(warmup_cosine(t, 2.0, warmup, total)) for t in range(total)]


checks.shape((0, 0.1, 5, 20), (7, 0.1, 5, 20), (30, 0.1, 5, 20))
around = [at(None, after) for after in (-1, 0, 1)]
checks.values(*map(at, (0, 1, 12, 22, 23, 28)), *around, points=2, diagnosed=False)
checks.values((0, 2.0, 0, 8), (4, 2.0, 0, 8), diagnosed=False)  # without warm-up


@checks.property("it rises up to the rate in all steps of the warm-up, and falls in all after it")
def _(warmup_cosine, rng):
    changes = np.diff(values := rates(warmup_cosine, 5, 15))
    return np.isclose(max(values), 2) and all(changes[:4] > 0) and all(changes[5:] < 0)


# %%
plt.figure(figsize=(7, 2.6))
plt.plot([warmup_cosine(t, 0.1, warmup=20, total=200) for t in range(220)])
plt.xlabel("step")
plt.title("Learning rate: warm-up of 20 steps, then a cosine to step 200");

# %% [markdown]
# ## 5. The digits
#
# The network of the first lab, for batches, and its gradients. This part is given.

# %%
from sklearn import preprocessing
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

digits = load_digits()
data = np.asarray(digits.data, dtype="float32")
target = np.asarray(digits.target, dtype="int32")

X_train, X_test, y_train, y_test = train_test_split(data, target, test_size=0.15, random_state=37)
scaler = preprocessing.StandardScaler()
X_train = scaler.fit_transform(X_train)
X_test = scaler.transform(X_test)


def initial_params(hidden=10, seed=0):
    rng = np.random.default_rng(seed)
    return {
        "W_h": rng.uniform(-0.1, 0.1, size=(64, hidden)),
        "b_h": np.zeros(hidden),
        "W_o": rng.uniform(-0.1, 0.1, size=(hidden, 10)),
        "b_o": np.zeros(10),
    }


def loss_and_grads(params, X, y):
    h = 1 / (1 + np.exp(-(X @ params["W_h"] + params["b_h"])))
    Z = h @ params["W_o"] + params["b_o"]
    P = np.exp(Z - Z.max(axis=1, keepdims=True))
    P /= P.sum(axis=1, keepdims=True)
    loss = -np.mean(np.log(P[np.arange(len(y)), y] + 1e-12))

    d_Z = (P - np.eye(10)[y]) / len(y)
    d_z_h = d_Z @ params["W_o"].T * h * (1 - h)
    grads = {"W_h": X.T @ d_z_h, "b_h": d_z_h.sum(axis=0), "W_o": h.T @ d_Z, "b_o": d_Z.sum(axis=0)}
    return loss, grads


def accuracy(params, X, y):
    h = 1 / (1 + np.exp(-(X @ params["W_h"] + params["b_h"])))
    return np.mean(np.argmax(h @ params["W_o"] + params["b_o"], axis=1) == y)


# %% [markdown]
# Write the loop that trains with any optimizer: `train(optimizer, params, X, y, learning_rate, epochs,
# batch_size=32, seed=0)`.
#
# - In each epoch the samples come in a new random order, `rng.permutation`, in batches; the last one may be
#   smaller.
# - The learning rate of step $t$ is `learning_rate(t)`, if `learning_rate` is a function
#   (`callable(learning_rate)`), else `learning_rate` itself. $t$ counts the steps from 0, over all epochs.
# - Each parameter has a state of its own, by its name: Adam's $m$ of `W_h` is not that of `b_h`.
# - It returns the trained parameters, a dict, and a list with the loss of each step, on its batch before the
#   update.


# %% exercise="train" solution="train.py"
def train(optimizer, params, X, y, learning_rate, epochs, batch_size=32, seed=0):
    rng = np.random.default_rng(seed)
    losses = []
    ### BEGIN SOLUTION
    params = dict(params)
    states = {name: {} for name in params}
    for epoch in range(epochs):
        order = rng.permutation(len(X))
        for start in range(0, len(X), batch_size):
            batch = order[start : start + batch_size]
            loss, grads = loss_and_grads(params, X[batch], y[batch])
            rate = learning_rate(len(losses)) if callable(learning_rate) else learning_rate
            losses.append(loss)
            for name in params:
                params[name], states[name] = optimizer(
                    params[name], grads[name], states[name], learning_rate=rate
                )
    ### STUB
    # # TODO
    ### END SOLUTION
    return params, losses


# %% [markdown]
# To try it out: a small optimizer that remembers, and a small schedule.


# %%
def averaged(w, g, state, learning_rate):
    mean = 0.5 * state.get("mean", 0.0) + 0.5 * g
    return w - learning_rate * mean, {"mean": mean}


def scheduled(t):
    return 0.5 / (t + 1)


params, losses = train(averaged, initial_params(), X_train[:20], y_train[:20], scheduled, epochs=20)
print("loss %0.3f, then %0.3f" % (losses[0], losses[-1]))

# %% check="train"
check.train(train)

# %% checks="train"
checks.module("chainrule._src.teach.exercises.optimizers")

# %% [markdown]
# And now all of them, each with a learning rate that suits it:

# %%
contest = {
    "SGD": (sgd, 0.5),
    "momentum": (momentum, 0.2),
    "Nesterov": (nesterov, 0.2),
    "RMSprop": (rmsprop, 0.01),
    "Adam": (adam, 0.02),
}
plt.figure(figsize=(8, 3.5))
for name, (optimizer, rate) in contest.items():
    params, losses = train(optimizer, initial_params(), X_train, y_train, rate, epochs=10)
    smooth = np.convolve(losses, np.ones(24) / 24, mode="valid")
    plt.plot(smooth, label=name)
    loss, _ = loss_and_grads(params, X_train, y_train)
    print("%-9s train loss %0.4f, test accuracy %0.3f" % (name, loss, accuracy(params, X_test, y_test)))
plt.yscale("log")
plt.xlabel("step")
plt.title("Training loss, mean of 24 steps")
plt.legend(loc="best");

# %% [markdown]
# How much does the choice of the learning rate matter to each? Three epochs with learning rates from far too
# small to far too large:

# %%
rates = np.logspace(-4, 1, 11)
plt.figure(figsize=(8, 3.5))
with np.errstate(over="ignore"):
    for name, (optimizer, _) in contest.items():
        finals = []
        for rate in rates:
            params, _ = train(optimizer, initial_params(), X_train, y_train, rate, epochs=3)
            finals.append(loss_and_grads(params, X_train, y_train)[0])
        plt.plot(rates, finals, ".-", label=name)
plt.xscale("log")
plt.yscale("log")
plt.ylim(top=10)
plt.xlabel("learning rate")
plt.title("Training loss after 3 epochs")
plt.legend(loc="best");

# %% [markdown]
# Every curve has its valley. Where does each begin to fail? By how much do the best learning rates of SGD and
# momentum differ, and why just by that factor?
#
# At last the schedule: Adam with a learning rate that is too high, the same throughout or with warm-up and
# cosine.

# %%
steps = 10 * -(-len(X_train) // 32)
schedules = {
    "the same": 0.1,
    "warm-up and cosine": lambda t: warmup_cosine(t, 0.1, warmup=steps // 10, total=steps),
}
for name, rate in schedules.items():
    params, losses = train(adam, initial_params(), X_train, y_train, rate, epochs=10)
    loss, _ = loss_and_grads(params, X_train, y_train)
    print("%-18s train loss %0.5f, test accuracy %0.3f" % (name, loss, accuracy(params, X_test, y_test)))

# %% [markdown]
# ## Going further
#
# - Adam with weight decay (AdamW; Loshchilov and Hutter, 2019): in each step the weights also shrink by $\eta
#   \lambda w$, apart from the gradient. Why is that not the same as adding $\lambda w$ to the gradient?
# - Rosenbrock's function $(1 - x)^2 + 100 (y - x^2)^2$ has a bent valley. Which optimizer gets to $(1, 1)$?
# - `chainrule.optimizers` has these and more, with the same formulas:

# %%
from chainrule import optimizers

theirs, w, ours = optimizers.Adam(0.02), np.array([3.0, -1.0]), {}
state, mine = theirs.init(w), w
for _ in range(5):
    w, state = theirs.update(w, valley_gradient(w), state)
    mine, ours = adam(mine, valley_gradient(mine), ours, learning_rate=0.02)
print(w, mine)

# %% [markdown]
# This was the last of the five labs. Watch what you have written at work with `chainrule blackboard`; train on a table of
# your own with `chainrule train`; or write a lab yourself: `chainrule lab new mine.py`.
