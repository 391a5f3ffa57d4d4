import numpy as np
import pytest
import scipy.special
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

import chainrule as cr
from chainrule.errors import DataError, ShapeError

logits = arrays(
    st.sampled_from([np.float32, np.float64]),
    st.one_of(st.tuples(st.integers(1, 6)), st.tuples(st.integers(1, 5), st.integers(1, 6))),
    elements=st.floats(-1e4, 1e4, width=32),
)
numbers = arrays(np.float64, st.integers(1, 8), elements=st.floats(-1e4, 1e4))


def test_nll_of_the_lab():
    assert cr.nll([1, 0, 0], [0.99, 0.01, 0]) == 0.01005032575249135
    assert cr.nll([1, 0, 0], [0.01, 0.01, 0.98]) == 4.605169185988592
    Y_true = np.array([[0, 1, 0], [1, 0, 0], [0, 0, 1]])
    Y_pred = np.array([[0, 1, 0], [0.99, 0.01, 0], [0, 0, 1]])
    assert cr.nll(Y_true, Y_pred) == 0.0033501019174971905


def test_nll_of_a_batch_is_the_mean_of_its_samples():
    Y = cr.one_hot(3, [2, 0, 1])
    P = cr.softmax(np.random.default_rng(0).normal(size=(3, 3)))
    assert cr.nll(Y, P) == pytest.approx(np.mean([cr.nll(y, p) for y, p in zip(Y, P, strict=True)]))


@pytest.mark.parametrize("shapes", [((3, 1), (3, 3)), ((3,), (2, 3)), ((), ())])
def test_nll_refuses_to_broadcast(shapes):
    with pytest.raises(ShapeError, match="same shape"):
        cr.nll(np.ones(shapes[0]), np.ones(shapes[1]))


def test_one_hot_of_an_int_a_list_an_array():
    np.testing.assert_array_equal(cr.one_hot(n_classes=10, y=3), np.eye(10)[3])
    np.testing.assert_array_equal(cr.one_hot(10, [0, 4, 9, 1]), np.eye(10)[[0, 4, 9, 1]])
    y = np.array([[1, 2], [0, 1]], dtype=np.int32)
    np.testing.assert_array_equal(cr.one_hot(3, y), np.eye(3)[y])


@pytest.mark.parametrize("y", [10, -1, [0, 10], 2.0, [0.5], [], True, "3"])
def test_one_hot_refuses_what_is_no_label(y):
    with pytest.raises(DataError):
        cr.one_hot(10, y)


@given(logits)
def test_softmax_is_scipys_and_sums_to_one(X):
    with np.errstate(over="raise", invalid="raise", divide="raise"):
        probabilities = cr.softmax(X)
    tolerance = 10 * np.finfo(X.dtype).eps
    assert probabilities.dtype == X.dtype
    np.testing.assert_allclose(probabilities.sum(axis=-1), 1, rtol=tolerance)
    expected = scipy.special.softmax(X.astype(np.float64), axis=-1)
    np.testing.assert_allclose(probabilities, expected, rtol=1e-5, atol=1e-30)


@given(logits)
def test_log_softmax_is_scipys(X):
    with np.errstate(over="raise", invalid="raise", divide="raise"):
        logs = cr.functions.log_softmax(X)
    assert logs.dtype == X.dtype
    expected = scipy.special.log_softmax(X.astype(np.float64), axis=-1)
    np.testing.assert_allclose(logs, expected, rtol=1e-6, atol=1e-6)


def test_softmax_takes_lists_and_keeps_exact_extremes():
    np.testing.assert_array_equal(cr.softmax([1e4, -1e4]), [1, 0])
    np.testing.assert_array_equal(cr.functions.log_softmax([1e4, -1e4]), [0, -2e4])
    with pytest.raises(ShapeError, match="vector of logits"):
        cr.softmax(3.0)


@given(numbers)
def test_sigmoid_and_its_tails(X):
    np.testing.assert_allclose(cr.sigmoid(X), scipy.special.expit(X), rtol=1e-14, atol=1e-300)
    np.testing.assert_allclose(cr.sigmoid(X) + cr.sigmoid(-X), 1, rtol=1e-15)


@pytest.mark.parametrize("name", list(cr.functions.ACTIVATIONS))
@given(X=numbers)
def test_activations_are_finite_and_quiet_everywhere(name, X):
    function, derivative = cr.functions.ACTIVATIONS[name]
    with np.errstate(over="raise", invalid="raise", divide="raise"):
        assert np.isfinite(function(X)).all()
        slopes = derivative(X)
    assert ((slopes >= 0) & (slopes <= 1)).all()


@pytest.mark.parametrize("name", list(cr.functions.ACTIVATIONS))
def test_derivatives_against_central_differences(name):
    function, derivative = cr.functions.ACTIVATIONS[name]
    X = np.linspace(-6, 6, 240)  # without 0, where relu has its kink
    step = 1e-6
    differences = (function(X + step) - function(X - step)) / (2 * step)
    np.testing.assert_allclose(derivative(X), differences, atol=1e-9)


@pytest.mark.parametrize("name", list(cr.functions.ACTIVATIONS))
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_activations_keep_the_dtype(name, dtype):
    for function in cr.functions.ACTIVATIONS[name]:
        assert function(np.array([-1, 0, 2], dtype=dtype)).dtype == dtype
        assert function(np.array([-1, 0, 2])).dtype == np.float64


def test_derivatives_at_kinks():
    assert cr.functions.drelu(0.0) == 0
    assert cr.functions.delu(0.0) == 1


def test_accuracy_of_classes_and_of_scores():
    assert cr.accuracy([1, 2, 0, 0], np.array([1, 2, 0, 1])) == 0.75
    assert cr.accuracy([1, 0], [[0.1, 0.9], [0.2, 0.8]]) == 0.5
    with pytest.raises(ShapeError, match="same number of samples"):
        cr.accuracy([1, 2], [1, 2, 3])


@pytest.mark.parametrize(
    "value", [[1, np.nan], [-1, 0.5], [1.2, 0], [[1, 0], [0]], "ab", [1j, 0], {}]
)
def test_nll_refuses_what_are_no_probabilities(value):
    with pytest.raises(cr.ChainruleError):
        cr.nll([1, 0], value)


@pytest.mark.parametrize("value", ["abc", {}, None, [1, None], [1 + 2j, 3], [[1, 2], [3]]])
@pytest.mark.parametrize(
    "function", [cr.softmax, cr.functions.log_softmax, cr.sigmoid, cr.functions.dtanh, cr.relu]
)
def test_functions_refuse_what_are_no_numbers(function, value):
    with pytest.raises(cr.ChainruleError, match=function.__name__):
        function(value)


@pytest.mark.parametrize(
    ("true", "predicted"),
    [([[1, 0]], [[0.9, 0.1]]), (None, None), ([0, 1], [[np.nan, 1], [0, 1]]), ([0.0], [0.0]),
     ([0, 1], np.zeros((2, 0))), ([], [])],
)  # fmt: skip
def test_accuracy_refuses_what_means_nothing(true, predicted):
    with pytest.raises(cr.ChainruleError, match="accuracy"):
        cr.accuracy(true, predicted)


def test_extremes_give_no_warning():
    np.testing.assert_array_equal(cr.softmax([1e308, -1e308]), [1, 0])
    np.testing.assert_array_equal(cr.functions.dtanh([-1e308, 1e308]), [0, 0])
    assert cr.one_hot(100_000, [3, 5]).sum() == 2


@given(numbers)
def test_erf_against_scipy(x):
    np.testing.assert_array_equal(cr.functions.erf(x), scipy.special.erf(x))
    assert cr.functions.erf(x.astype(np.float32)).dtype == np.float32


def test_swapped_arguments_are_refused():
    y = np.array([2, 0, 1])
    Y, P = cr.one_hot(3, y), np.array([[0.1, 0.2, 0.7], [0.8, 0.1, 0.1], [0.3, 0.4, 0.3]])
    with pytest.raises(cr.errors.DataError, match="the number of classes comes first"):
        cr.one_hot(y, 3)
    with pytest.raises(cr.errors.DataError, match="targets come first"):
        cr.nll(P, Y)
    with pytest.raises(cr.errors.DataError, match="targets come first"):
        cr.grad(lambda Z: cr.nll(cr.softmax(Z), Y))(P)
    assert cr.nll(Y, P) == cr.nll(Y, P.copy())
    assert cr.nll(P, P) > 0  # soft targets
