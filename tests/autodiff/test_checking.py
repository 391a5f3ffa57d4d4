import numpy as np
import pytest

from chainrule.autodiff import check_gradients, numerical_gradients
from chainrule.autodiff.checking import compare
from chainrule.errors import ShapeError
from chainrule.lab import LogisticRegression, NeuralNet

X = np.random.default_rng(0).normal(size=(7, 5))
y = np.array([0, 1, 2, 0, 1, 2, 0])


class Wrong(NeuralNet):
    """Forgets the derivative of the activation."""

    def _gradients(self, X, Y):
        gradients = super()._gradients(X, Y)
        return {**gradients, "W_h": 1.01 * gradients["W_h"]}


def test_numerical_gradient_of_a_known_function():
    A = np.arange(6.0).reshape(2, 3)
    gradients = numerical_gradients(lambda p: np.sin(p["A"]).sum() * p["c"], {"A": A, "c": 2.0})
    np.testing.assert_allclose(gradients["A"], 2 * np.cos(A), rtol=1e-8)
    np.testing.assert_allclose(gradients["c"], np.sin(A).sum(), rtol=1e-8)


def test_the_labs_gradients_pass():
    for model in (LogisticRegression(5, 3, seed=1), NeuralNet(5, 4, 3, seed=1)):
        report = check_gradients(model)(X, y)
        assert report.passed
        assert all(check.ratio < 1e-7 for check in report.parameters)
        assert check_gradients(model)(X[0], y[0]).passed


def test_one_percent_off_is_caught_and_located():
    report = check_gradients(Wrong(5, 4, 3, seed=1, init="glorot_uniform"))(X, y)
    assert [check.name for check in report.parameters if not check.passed] == ["W_h"]
    worst = report.parameters[0]
    difference = np.abs(worst.by_hand - worst.numerical)
    assert difference[worst.worst] == difference.max()
    assert "WRONG" in str(report)
    assert f"W_h[{', '.join(map(str, worst.worst))}]" in str(report)


def test_the_model_is_left_as_it_was():
    model = NeuralNet(5, 4, 3, seed=1)
    before = {name: (value, value.copy()) for name, value in model.parameters.items()}
    check_gradients(model)(X, y)
    for name, (value, copy) in before.items():
        assert getattr(model, name) is value
        np.testing.assert_array_equal(value, copy)


def test_missing_and_misshapen_gradients_are_named():
    n = {"W": np.ones((2, 3))}
    with pytest.raises(ShapeError, match=r"gradient of W: expected shape \(2, 3\), received none"):
        compare({}, n)
    with pytest.raises(ShapeError, match=r"received shape \(3, 2\)"):
        compare({"W": np.ones((3, 2))}, n)


def test_two_zero_gradients_agree():
    assert compare({"W": np.zeros(3)}, {"W": np.zeros(3)}).passed
