"""Networks and data that the tests of rounds share."""

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
        "sparse_categorical_crossentropy", metrics=["accuracy"], engine="compiled", **options,
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
