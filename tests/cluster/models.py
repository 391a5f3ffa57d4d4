"""Networks and data that the tests share.

What workers need is here: they import the module of a class or function, and a module of tests
imports what takes them seconds.
"""

import numpy as np

import chainrule as cr

RNG = np.random.default_rng(0)
X = RNG.normal(size=(500, 6))
Y = (X @ RNG.normal(size=(6, 3))).argmax(axis=1)


def network(optimizer="adam", dtype="float32", more=(), **options):
    model = cr.Sequential(
        [cr.layers.Input((6,)), cr.layers.Dense(8, "tanh"), *more, cr.layers.Dense(3, "softmax")],
        seed=0, dtype=dtype,
    )  # fmt: skip
    momentum = cr.optimizers.SGD(0.1, momentum=0.9)
    model.compile(
        momentum if optimizer == "momentum" else optimizer,
        "sparse_categorical_crossentropy", metrics=["accuracy"],
        **{"engine": "compiled"} | options,
    )  # fmt: skip
    return model


def fitted(x=X, y=Y, model=None, **how):
    model = network() if model is None else model
    model.fit(x, y, **{"batch_size": 16, "epochs": 2, "round_steps": 5, "seed": 0, **how})
    return model


def assert_same(a, b):
    """Hold weights, optimizer's state and history equal, bit for bit."""
    for one, other in zip(a.get_weights(), b.get_weights(), strict=True):
        assert one.tobytes() == other.tobytes()
    assert a.history.history == b.history.history
    states = (np.concatenate([np.ravel(s) for s in _leaves(m.optimizer_state)]) for m in (a, b))
    assert next(states).tobytes() == next(states).tobytes()


def _leaves(tree):
    if isinstance(tree, dict):
        return [leaf for key in sorted(tree) for leaf in _leaves(tree[key])]
    return [np.asarray(tree)]


class Scale(cr.layers.Layer):
    """In a module: told by it."""

    def __init__(self, by=2.0, **options):
        super().__init__(**options)
        self.by = by

    def call(self, x):
        return x * self.by


def build(lr, hidden):
    model = cr.Sequential([cr.layers.Dense(hidden, "tanh"), cr.layers.Dense(3, "softmax")])
    model.compile(cr.optimizers.SGD(lr), "sparse_categorical_crossentropy", ["accuracy"])
    return model


def share_of_ones(model, X, y):
    return np.mean(model.predict(X) == 1)
