import numpy as np
import pytest

from chainrule._src.check import check_gradients, numerical_gradients
from chainrule.errors import DataError
from chainrule.lab import LogisticRegression, NeuralNet

X = np.random.default_rng(0).normal(size=(7, 5))
y = np.array([0, 1, 2, 0, 1, 2, 0])


class Wrong(NeuralNet):
    """One gradient is off by one percent."""

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
    assert f"[{', '.join(map(str, worst.worst))}]" in str(report)
    assert "1.01 times the right one" in str(report)


def test_the_model_is_left_as_it_was():
    model = NeuralNet(5, 4, 3, seed=1)
    before = {name: (value, value.copy()) for name, value in model.parameters.items()}
    check_gradients(model)(X, y)
    for name, (value, copy) in before.items():
        assert getattr(model, name) is value
        np.testing.assert_array_equal(value, copy)


def test_a_gradient_for_nothing_is_refused():
    class Odd(LogisticRegression):
        def grad_loss(self, x, y_true):
            return {**super().grad_loss(x, y_true), "V": np.zeros(2)}

    with pytest.raises(DataError, match="grad_loss returned V, but the model has no such"):
        check_gradients(Odd(5, 3, seed=1))(X, y)


def test_large_parameters_are_sampled():
    gradients = numerical_gradients(lambda p: (p["x"] ** 2).sum(), {"x": np.ones(1000)}, most=50)
    known = ~np.isnan(gradients["x"])
    assert known.sum() == 50
    np.testing.assert_allclose(gradients["x"][known], 2)
    assert check_gradients(LogisticRegression(500, 3, seed=0))(np.eye(4, 500), y[:4]).passed
