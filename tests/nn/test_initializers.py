"""Initial weights: their moments and bounds."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import chainrule as cr
from chainrule import initializers
from chainrule._src.base.config import made, plain
from chainrule.errors import DataError, ShapeError, UnknownNameError
from chainrule.initializers import INITIALIZERS

MATRICES = {"identity": 2, "orthogonal": 2}


def rng():
    return np.random.default_rng(0)


@pytest.mark.parametrize("distribution", ["truncated_normal", "untruncated_normal", "uniform"])
@pytest.mark.parametrize(("mode", "n"), [("fan_in", 300), ("fan_out", 200), ("fan_avg", 250)])
def test_variance_is_the_scale_over_the_fan(mode, n, distribution):
    W = initializers.VarianceScaling(3.0, mode, distribution)((300, 200), rng())
    assert W.var() == pytest.approx(3 / n, rel=0.02)
    assert (np.abs(W).max() > 3 * W.std()) == (distribution == "untruncated_normal")


def test_normal_and_uniform_numbers():
    W = initializers.RandomNormal(2.0, 0.5)((300, 300), rng())
    assert (W.mean(), W.std()) == (pytest.approx(2, rel=0.01), pytest.approx(0.5, rel=0.01))
    W = initializers.RandomUniform(1.0, 3.0)((300, 300), rng())
    assert (W.min(), W.max()) == (pytest.approx(1, abs=1e-3), pytest.approx(3, abs=1e-3))
    W = initializers.TruncatedNormal(1.0, 0.5)((300, 300), rng())
    assert (W.min(), W.max()) == (pytest.approx(0, abs=1e-3), pytest.approx(2, abs=1e-3))
    assert W.std() == pytest.approx(0.87962566 * 0.5, rel=0.01)


def test_constants():
    assert (initializers.Constant(-2.5)((2, 3), rng()) == np.full((2, 3), -2.5)).all()
    assert (initializers.Zeros()((2, 3), rng()) == np.zeros((2, 3))).all()
    assert (initializers.Ones()((2, 3), rng()) == np.ones((2, 3))).all()
    assert (initializers.Identity(2.0)((2, 3), rng()) == 2 * np.eye(2, 3)).all()


@given(
    shape=st.lists(st.integers(1, 6), min_size=2, max_size=4).map(tuple), seed=st.integers(0, 99)
)
def test_orthogonal_means_orthogonal(shape, seed):
    Q = initializers.Orthogonal(gain=2.0, seed=seed)(shape, rng()).reshape(-1, shape[-1])
    gram = Q.T @ Q if len(Q) >= shape[-1] else Q @ Q.T
    np.testing.assert_allclose(gram, 4 * np.eye(len(gram)), atol=1e-12)


def test_every_orthogonal_matrix_is_as_likely():
    draw = initializers.Orthogonal()
    generator = rng()
    turns = [draw((1, 1), generator)[0, 0] for _ in range(200)]
    assert 70 < turns.count(1.0) < 130


@pytest.mark.parametrize("name", list(INITIALIZERS))
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_shapes_and_dtypes(name, dtype):
    draw = initializers.get(name, "test")
    W = draw((4, 3), rng(), np.dtype(dtype))
    assert (W.shape, W.dtype) == ((4, 3), dtype)
    assert draw([4, 3], rng()).dtype == np.float64
    if name not in MATRICES:
        assert draw((), rng()).shape == ()
        assert draw((0, 3), rng()).shape == (0, 3)


@pytest.mark.parametrize("name", list(INITIALIZERS))
def test_the_same_generator_gives_the_same_numbers(name):
    draw = initializers.get(name, "test")
    np.testing.assert_array_equal(draw((4, 3), rng()), draw((4, 3), rng()))


def test_a_seed_of_its_own():
    whole = initializers.HeNormal(seed=1)
    one, generator = whole((3, 3), rng()), rng()
    np.testing.assert_array_equal(one, whole((3, 3), generator))
    assert generator.random() == rng().random()  # was not drawn from
    going_on = initializers.HeNormal(seed=np.random.default_rng(1))
    np.testing.assert_array_equal(going_on((3, 3), rng()), one)
    assert (going_on((3, 3), rng()) != one).all()


@pytest.mark.parametrize("name", list(INITIALIZERS))
def test_a_description_makes_the_same_again(name):
    draw = INITIALIZERS[name]()
    again = made(plain(draw))
    assert type(again) is type(draw)
    np.testing.assert_array_equal(again((4, 3), rng()), draw((4, 3), rng()))


def test_what_get_takes():
    own = initializers.Constant(3.0)
    assert initializers.get(own, "test") is own
    assert type(initializers.get(initializers.Ones, "test")) is initializers.Ones
    drawn = initializers.get(lambda shape, rng: rng.integers(5, size=shape), "test")
    W = drawn((2, 2), rng(), np.float32)
    assert W.dtype == np.float32
    np.testing.assert_array_equal(W, rng().integers(5, size=(2, 2)))
    assert cr.initializers.glorot_uniform()((2, 2), rng()).shape == (2, 2)
    described = {"class_name": "constant", "config": {"value": 2.0}}
    np.testing.assert_array_equal(initializers.get(described)((2,)), [2, 2])


def test_functions_and_classes_written_for_keras_are_called_as_keras_does():
    class Threes(initializers.Initializer):
        def __call__(self, shape, dtype=None, **options):
            return np.full(shape, 3, dtype)

    for own in (Threes(), lambda shape, dtype=None: np.full(shape, 3, dtype)):
        np.testing.assert_array_equal(initializers.get(own)((2,), rng()), [3, 3])


def test_an_array_is_the_weight_itself():
    W = np.arange(6.0).reshape(2, 3)
    for draw in (initializers.get(W), initializers.Constant(W)):
        np.testing.assert_array_equal(draw((2, 3), rng()), W)
        with pytest.raises(ShapeError, match=r"\(2, 3\)"):
            draw((3, 2), rng())
    np.testing.assert_array_equal(initializers.Constant([1, 2])((2, 2)), [[1, 2], [1, 2]])


def test_what_get_refuses():
    with pytest.raises(UnknownNameError, match="did you mean 'glorot_uniform'"):
        initializers.get("glorot_unifrom", "test")
    for other in (3, None, int):
        with pytest.raises(DataError, match="test: an initializer must be a name"):
            initializers.get(other, "test")


def test_a_function_that_gives_another_shape_is_refused():
    with pytest.raises(ShapeError, match=r"expected a weight of shape \(2, 3\), received \(3, 2\)"):
        initializers.get(lambda shape, rng: np.zeros(shape[::-1]), "test")((2, 3), rng())


@pytest.mark.parametrize(
    ("name", "options", "words"),
    [
        ("Constant", {"value": np.nan}, "value must be a finite number, received nan"),
        ("Identity", {"gain": "2"}, "gain must be"),
        ("RandomUniform", {"minval": 2.0, "maxval": 1.0}, "minval must not be above maxval"),
        ("RandomUniform", {"maxval": np.inf}, "maxval must be"),
        ("RandomNormal", {"stddev": -1.0}, "stddev must be"),
        ("TruncatedNormal", {"mean": np.nan}, "TruncatedNormal: mean must be"),
        ("VarianceScaling", {"scale": 0.0}, "scale must be a finite number above 0"),
        ("VarianceScaling", {"mode": "fan"}, "unknown mode 'fan'"),
        ("VarianceScaling", {"distribution": "normall"}, "did you mean 'normal'"),
        ("VarianceScaling", {"input_axes": [0]}, "expected input_axes and output_axes"),
        ("HeNormal", {"seed": -1}, "HeNormal: seed must be"),
        ("HeNormal", {"scale": 2.0}, "argument of HeNormal 'scale'"),
        ("Orthogonal", {"gain": np.nan}, "gain must be"),
    ],
)
def test_options_out_of_range_are_refused(name, options, words):
    with pytest.raises((DataError, UnknownNameError), match=words):
        getattr(initializers, name)(**options)


@pytest.mark.parametrize("shape", [3, "ab", (2.0, 3), (2, -1), (True, 2), None])
def test_bad_shapes_are_refused(shape):
    with pytest.raises(ShapeError, match="a shape must be a tuple of whole numbers"):
        initializers.Zeros()(shape, rng())


@pytest.mark.parametrize(("name", "shape"), [("identity", (3,)), ("orthogonal", (3,))])
def test_matrices_need_the_shape_of_one(name, shape):
    with pytest.raises(ShapeError, match="received"):
        initializers.get(name, "test")(shape, rng())
