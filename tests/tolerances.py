"""How far apart may two results be that add up the same numbers in another order?

Backward error analysis (Wilkinson, *Rounding Errors in Algebraic Processes*, 1963): what is
computed in floating point is what would be without rounding for inputs moved by a few units in the
last place. So inputs and weights are moved by one unit each, up or down at random; the bound is the
largest change of the result times a factor. Where all n terms of a sum are of one sign, adding them
up one by one is off by some √n/6 units, and moving them changes the sum by 1/√n: for a hundred
terms that is 17 times less, half of that for the largest of six draws; and two results are off.

Whole runs of training are compared in float64 instead: there a fixed bound is far above rounding,
also when many updates have made it larger, and far below any fault.
"""

import copy
from functools import partial

import numpy as np

from chainrule._src.core.trees import leaves, map_leaves
from tests.uber import assert_same

DRAWS, FACTOR = 6, 32


def moved(value, rng):
    """Return a float array, each entry but zeros by one unit in the last place larger or smaller.

    Zero is exact: a bias of zero that is moved puts relu on either side of where it has no slope.
    """
    value = np.asarray(value)
    if value.dtype.kind != "f":
        return value
    sides = rng.choice([-np.inf, np.inf], value.shape)
    return np.nextafter(value, np.where(value == 0, value, sides), dtype=value.dtype)


def results(run, inputs):
    return [np.asarray(leaf, float) for _, leaf in leaves(run(*inputs))]


def bounds(run, *inputs):
    """Return how far apart two results of ``run(*inputs)`` may be, leaf by leaf."""
    rng = np.random.default_rng(0)
    plain = results(run, inputs)
    spread = [np.zeros_like(result) for result in plain]
    for _ in range(DRAWS):
        noisy = results(run, map_leaves(lambda leaf: moved(leaf, rng), inputs))
        spread = [
            np.maximum(s, np.abs(n - p)) for s, n, p in zip(spread, noisy, plain, strict=True)
        ]
    last = 8 * np.finfo(np.float32).eps
    # An entry may have been lucky in all draws: it is granted what its neighbours move by.
    return [
        FACTOR * np.maximum(s, s.mean()) + last * np.abs(p)
        for s, p in zip(spread, plain, strict=True)
    ]


def assert_apart(found, wanted, allowed):
    """Assert that the leaves of two results differ by no more than the bounds."""
    for (path, one), (_, other), bound in zip(leaves(found), leaves(wanted), allowed, strict=True):
        one, other = np.asarray(one, float), np.asarray(other, float)
        assert one.shape == other.shape, f"{path}: shape {one.shape} instead of {other.shape}"
        assert np.isfinite(bound).all()
        excess = np.abs(one - other) - bound
        at = np.unravel_index(excess.argmax(), excess.shape)
        assert excess[at] <= 0, f"{path}{at}: {one[at]} instead of {other[at]} ± {bound[at]:.1e}"


def assert_engines_agree(run, *inputs):
    """Assert that ``run(engine, *inputs)`` gives the same by both engines; see above for how close.

    In float32, let a run be of a few updates.
    """
    wanted, found = run("numpy", *inputs), run("compiled", *inputs)
    if any(np.asarray(leaf).dtype == np.float32 for _, leaf in leaves(inputs)):
        assert_apart(found, wanted, bounds(partial(run, "numpy"), *inputs))
    else:
        assert_same(found, wanted, rtol=1e-10, atol=1e-10)


def of_weights(model, use):
    """Return ``use(model, X)`` as a function of the weights as well; the model stays as it is."""
    twin = copy.deepcopy(model)  # one for all weights: what is recorded of it holds for all

    def used(weights, X):
        twin.set_weights(weights)
        return use(twin, X)

    return used


def assert_predicts(found, model, X):
    """Assert that these are a model's predictions, but for the order of its sums."""
    predicted = of_weights(model, type(model).predict)
    assert_apart(found, model.predict(X), bounds(predicted, model.get_weights(), X))


def gradient_bounds(model, X, y):
    """Return how far apart gradients by the weights may be."""
    gradients = of_weights(model, lambda model, X: model.gradients(X, y))
    return bounds(gradients, model.get_weights(), X)
