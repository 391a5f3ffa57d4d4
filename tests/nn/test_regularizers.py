"""Penalties on weights."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import chainrule as cr
from chainrule import regularizers
from chainrule._src.base.config import made, plain
from chainrule.errors import DataError, ShapeError, UnknownNameError

CASES = [
    ("L1", {}),
    ("L1", {"l1": 0.3}),
    ("L2", {}),
    ("L2", {"l2": 0.2}),
    ("L1L2", {}),
    ("L1L2", {"l1": 0.3, "l2": 0.1}),
    ("OrthogonalRegularizer", {}),
    ("OrthogonalRegularizer", {"factor": 0.5, "mode": "columns"}),
]


@pytest.mark.parametrize("mode", ["rows", "columns"])
def test_vectors_of_zeros_are_orthogonal_to_all(mode):
    w = np.zeros((3, 3))
    penalty, gradient = cr.value_and_grad(regularizers.OrthogonalRegularizer(mode=mode))(w)
    assert penalty == 0
    assert not gradient.any()


@given(st.integers(2, 5), st.integers(0, 99))
def test_an_orthogonal_matrix_costs_nothing(size, seed):
    Q = cr.initializers.Orthogonal(seed=seed)((size, size), np.random.default_rng(0))
    for mode in ("rows", "columns"):
        assert regularizers.OrthogonalRegularizer(1.0, mode)(Q) == pytest.approx(0, abs=1e-12)


@pytest.mark.parametrize(("name", "options"), CASES, ids=str)
def test_penalties_compile(name, options):
    penalty = getattr(regularizers, name)(**options)

    def loss(w, X):
        return np.mean((X @ w) ** 2) + penalty(w)

    X, w = np.random.default_rng(0).normal(size=(20, 3)), np.arange(6.0).reshape(3, 2) - 1.5
    one, other = (
        cr.minimize(loss, w, X, batch_size=5, seed=0, engine=engine)[0]
        for engine in ("numpy", "compiled")
    )
    np.testing.assert_allclose(one, other, rtol=1e-10)


@pytest.mark.parametrize(("name", "options"), CASES, ids=str)
def test_a_description_makes_the_same_again(name, options):
    penalty = getattr(regularizers, name)(**options)
    assert repr(made(plain(penalty))) == repr(penalty)


def test_what_get_takes():
    assert regularizers.get("l1", "test").l1 == regularizers.get("l2", "test").l2 == 0.01
    both = regularizers.get("l1_l2", "test")
    assert (both.l1, both.l2) == (0.01, 0.01)
    assert regularizers.get(None, "test") is None
    assert regularizers.get(np.sum, "test") is np.sum
    assert type(regularizers.get(regularizers.l2, "test")) is regularizers.L2
    assert regularizers.get({"class_name": "L2", "config": {"l2": 0.3}}).l2 == 0.3


def test_what_get_refuses():
    with pytest.raises(UnknownNameError, match="unknown regularizer 'l3'"):
        regularizers.get("l3", "test")
    for other in (0.01, int):
        with pytest.raises(DataError, match="test: a regularizer must be a name"):
            regularizers.get(other, "test")


@pytest.mark.parametrize(
    ("name", "option"), [("L1", "l1"), ("L2", "l2"), ("L1L2", "l1"), ("L1L2", "l2"),
                         ("OrthogonalRegularizer", "factor")],
)  # fmt: skip
@given(bad=st.sampled_from([np.nan, np.inf, -0.1, "1", True, None]))
def test_factors_out_of_range_are_refused(name, option, bad):
    with pytest.raises(DataError, match=f"{name}: {option} must be a finite number"):
        getattr(regularizers, name)(**{option: bad})


def test_orthogonality_needs_a_mode_and_two_vectors():
    with pytest.raises(UnknownNameError, match="did you mean 'rows'"):
        regularizers.OrthogonalRegularizer(mode="row")
    for shape in ((3,), (1, 3), (2, 3, 4)):
        with pytest.raises(ShapeError, match="a matrix of at least two rows"):
            regularizers.OrthogonalRegularizer()(np.ones(shape))
