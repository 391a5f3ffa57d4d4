"""Random numbers inside programs: uniform, independent, the same wherever they are made."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from tests.interpreter import kernel_gradient
from tests.uber import run_text

import chainrule as cr
from chainrule._src.compile.running.engines import Outcome
from chainrule._src.compile.running.steps import make_engine
from chainrule._src.ops.random import mixed, random_bits, random_uniform
from chainrule.errors import DataError

PLACES = np.arange(1 << 18, dtype=np.uint32)
words = st.integers(0, 2**32 - 1)


@pytest.fixture
def bits():
    """Streams of four seeds, four counters each: (4, 4, places)."""
    with np.errstate(over="ignore"):
        return np.array(
            [[random_bits(seed, counter, PLACES) for counter in range(4)] for seed in range(4)]
        )


def even(cells, count):
    """Whether cells are hit equally often, but for chance."""
    return stats.chisquare(np.bincount(cells.ravel(), minlength=count)).pvalue > 1e-3


def together(a, b):
    """A cell for each pair of their highest six bits."""
    return (a >> 26 << 6) | (b >> 26)


def by_hand(h):
    h ^= h >> 16
    h = h * 0x7FEB352D % 2**32
    h ^= h >> 15
    h = h * 0x846CA68B % 2**32
    return h ^ h >> 16


@given(seed=words, counter=words, place=words)
def test_the_formula_in_whole_numbers_of_any_length(seed, counter, place):
    a = by_hand(seed)
    b = by_hand(counter ^ a)
    expected = by_hand((by_hand(place ^ b) + by_hand((b + a) % 2**32)) % 2**32)
    with np.errstate(over="ignore"):
        assert random_bits(seed, counter, place) == expected
    assert random_uniform(seed, counter, ()) < 1


def test_all_bits_are_even(bits):
    assert even(bits >> 16, 1 << 16)
    assert even(bits & 0xFFFF, 1 << 16)


def test_mean_and_variance(bits):
    u = bits / 2**32
    np.testing.assert_allclose(u.mean(axis=-1), 1 / 2, atol=4 / np.sqrt(12 * len(PLACES)))
    np.testing.assert_allclose(u.var(axis=-1), 1 / 12, atol=4 / np.sqrt(180 * len(PLACES)))


def test_neighbours_in_place_counter_and_seed_are_independent(bits):
    assert even(together(bits[..., :-1:2], bits[..., 1::2]), 1 << 12)
    assert even(together(bits[..., :-64], bits[..., 64:]), 1 << 12)
    assert even(together(bits[:, :-1:2], bits[:, 1::2]), 1 << 12)
    assert even(together(bits[:-1:2], bits[1::2]), 1 << 12)


def test_one_place_over_many_streams_is_random():
    many = np.arange(1 << 18, dtype=np.uint32)
    with np.errstate(over="ignore"):
        for found in (random_bits(many, 0, 3), random_bits(0, many, 3), random_bits(many, many, 3)):
            assert even(found >> 16, 1 << 16)
            assert even(together(found[:-1], found[1:]), 1 << 12)


def test_no_two_streams_are_equal():
    seeds, counters = np.divmod(np.arange(1 << 16, dtype=np.uint32), 256)
    with np.errstate(over="ignore"):
        starts = np.array([random_bits(seeds, counters, place) for place in range(3)])
        keys = mixed(counters ^ mixed(seeds))
    assert len(np.unique(starts, axis=1).T) == len(seeds)
    assert len({*zip(keys, mixed(keys + mixed(seeds)), strict=True)}) == len(seeds)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_shapes_dtypes_and_the_interval(dtype):
    flat = random_uniform(1, 2, (60_000,), dtype)
    assert flat.dtype == dtype
    assert 0 <= flat.min() < flat.max() < 1
    np.testing.assert_array_equal(random_uniform(1, 2, (300, 200), dtype).ravel(), flat)
    np.testing.assert_array_equal(random_uniform(1 - 2**32, 2 + 2**32, (9,), dtype), flat[:9])


def loss(w, X):
    counter = 2**31 + np.argmax(w)
    return np.sum(random_uniform(-7, counter, X.shape) * w) + 0 * np.sum(X)


def step(carry, X):
    kept = random_uniform(carry["seed"], carry["counter"], X.shape) < 0.75
    count = carry["count"] + np.sum(kept * X, axis=0)
    again = {"params": carry["params"], "seed": carry["seed"]}
    return np.sum(count), {**again, "counter": carry["counter"] + 1, "count": count}


class TestInPrograms:
    """The gradient by ``w`` is the sum of the numbers over the samples, which is exact."""

    @pytest.mark.parametrize("n", [1, 3, 6])
    def test_eager_program_text_and_kernel_are_equal(self, n):
        w, X = np.zeros(5), np.zeros((n, 5))
        expected = random_uniform(-7, 2**31, (n, 5)).sum(axis=0)
        program = cr.trace(cr.value_and_grad(loss))(w, np.zeros((4, 5)))
        for found in (cr.grad(loss)(w, X), program(w, X)[1], run_text(program)(w, X)[1]):
            np.testing.assert_array_equal(found, expected)
        for order in ((), (0, 1), (2, 1, 0)):
            np.testing.assert_array_equal(kernel_gradient(loss, w, X, order=order)[1], expected)

    @pytest.mark.parametrize("dtype", [np.float32, np.float64])
    @pytest.mark.parametrize("whole", [np.int64, np.uint32])
    def test_machine_code_is_equal(self, dtype, whole):
        compiled = cr.jit(lambda seed, counter: random_uniform(seed, counter, (30, 7), dtype))
        for seed, counter in ((0, 0), (5, 2**32 - 1), (2**32 - 1, 6)):
            np.testing.assert_array_equal(
                compiled(np.asarray(seed, whole), np.asarray(counter, whole)),
                random_uniform(seed, counter, (30, 7), dtype),
            )

    @pytest.mark.parametrize("engine", ["numpy", "compiled"])
    def test_masks_of_updates_that_stop_and_go_on(self, engine):
        X = np.arange(35.0).reshape(7, 5)
        carry = {
            "params": np.zeros(5), "seed": np.asarray(4), "counter": np.asarray(9),
            "count": np.zeros(5),
        }  # fmt: skip
        masks = [random_uniform(4, 9 + t, (3 if t % 3 < 2 else 1, 5)) < 0.75 for t in range(6)]
        expected = sum(
            (mask * X[t % 3 * 3 : t % 3 * 3 + 3]).sum(axis=0) for t, mask in enumerate(masks)
        )
        for _ in range(2):
            run = make_engine(step, loss, carry, (X,), 3, engine, 3)
            run.run(np.arange(7)[np.newaxis], 3, Outcome(np.zeros(1)))
            carry = {key: run.read(key) for key in carry}
        np.testing.assert_array_equal(carry["count"], expected)
        assert carry["counter"] == 15


def test_what_is_refused():
    for seed in (0.5, [1, 2], "a"):
        with pytest.raises(DataError, match="seed must be one whole number"):
            random_uniform(seed, 0, (3,))
    with pytest.raises(DataError, match="counter must be one whole number"):
        cr.grad(lambda t: np.sum(random_uniform(0, t, (3,))))(1.0)
    with pytest.raises(DataError, match="float32 or float64"):
        random_uniform(0, 0, (3,), np.int64)
