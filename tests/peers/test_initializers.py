"""Initial weights, with Keras as the judge."""

import inspect

import keras
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from keras.src.initializers.random_initializers import compute_fans as judged_fans
from tests.nn.test_initializers import rng

from chainrule import initializers
from chainrule.initializers import INITIALIZERS, compute_fans

SHAPES = [(300, 200), (3, 3, 40, 60), (5, 60, 100), (20_000,)]
SCALED = ["glorot_uniform", "glorot_normal", "he_uniform", "he_normal", "lecun_uniform",
          "lecun_normal"]  # fmt: skip


@given(st.lists(st.integers(0, 9), max_size=5).map(tuple))
def test_fans_are_keras(shape):
    assert compute_fans(shape) == judged_fans(shape)


@given(st.permutations(range(4)), st.integers(0, 4))
def test_fans_of_chosen_axes_are_keras(axes, split):
    chosen = axes[:split], axes[split:]
    assert compute_fans((2, 3, 5, 7), *chosen) == judged_fans((2, 3, 5, 7), *chosen)


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("name", SCALED)
def test_moments_and_bounds_are_keras(name, shape):
    ours = initializers.get(name, "test")(shape, rng())
    theirs = np.asarray(getattr(keras.initializers, name)(seed=0)(shape))
    assert ours.mean() == pytest.approx(0, abs=4 * theirs.std() / np.sqrt(ours.size))
    assert ours.std() == pytest.approx(theirs.std(), rel=0.02)
    bound = np.abs(ours).max()
    assert bound == pytest.approx(np.abs(theirs).max(), rel=1e-3)


@pytest.mark.parametrize("name", list(INITIALIZERS))
def test_names_arguments_and_defaults_are_keras(name):
    ours = INITIALIZERS[name]
    judge = getattr(keras.initializers, ours.__name__)
    assert name == "constant" or type(keras.initializers.get(name)) is judge
    theirs = inspect.signature(judge.__init__).parameters.values()
    named = {p.name: p.default for p in theirs if p.kind is p.POSITIONAL_OR_KEYWORD}
    assert ours().get_config() == {key: value for key, value in named.items() if key != "self"}
