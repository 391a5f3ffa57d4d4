"""What Keras writes of its objects is read here."""

import keras
import numpy as np
import pytest

from chainrule import activations, constraints, initializers, optimizers, regularizers, schedules

# Keras reads its learning rate in a way that NumPy warns of.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
KINDS = [
    *((initializers, name) for name in ("HeNormal", "GlorotUniform", "Orthogonal", "Zeros")),
    *((regularizers, name) for name in ("L1", "L2", "L1L2", "OrthogonalRegularizer")),
    *((constraints, name) for name in ("MaxNorm", "MinMaxNorm", "NonNeg", "UnitNorm")),
    *((optimizers, kind.__name__) for kind in optimizers.OPTIMIZERS.values()),
]


def room_of(ours):
    return getattr(keras, ours.__name__.rpartition(".")[2])


@pytest.mark.parametrize(("ours", "name"), KINDS, ids=lambda x: getattr(x, "__name__", x))
def test_a_description_of_keras_makes_the_same(ours, name):
    theirs = getattr(room_of(ours), name)()
    made = ours.get(room_of(ours).serialize(theirs))
    assert type(made) is getattr(ours, name)
    config = made.get_config()
    for option, value in theirs.get_config().items():
        expected = pytest.approx(value) if isinstance(value, float) else value
        assert config[option] == expected


@pytest.mark.parametrize("name", ["relu", "silu", "softmax", "leaky_relu"])
def test_an_activation_is_described_by_its_name(name):
    described = keras.activations.serialize(getattr(keras.activations, name))
    assert activations.deserialize(described) is getattr(activations, name)
    assert activations.serialize(getattr(activations, name)) == described


def test_a_schedule_within_an_optimizer():
    rate = keras.optimizers.schedules.CosineDecay(0.1, 100, warmup_target=0.3, warmup_steps=10)
    described = keras.optimizers.serialize(keras.optimizers.Adam(rate))
    made = optimizers.deserialize(described)
    assert schedules.deserialize(keras.optimizers.schedules.serialize(rate)).warmup_steps == 10
    found = vars(made)["learning_rate"]
    np.testing.assert_allclose(found(np.arange(100)), [rate(i) for i in range(100)], rtol=1e-5)


def test_what_is_written_here_is_read_here():
    for thing, room in [
        (regularizers.L2(0.3), regularizers),
        (constraints.MaxNorm(3.0), constraints),
        (initializers.Constant(2.0), initializers),
        (optimizers.Adam(0.3), optimizers),
        (schedules.ExponentialDecay(0.1, 3, 0.5), schedules),
    ]:
        assert repr(room.deserialize(room.serialize(thing))) == repr(thing)
