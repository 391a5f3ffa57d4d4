"""Networks with scikit-learn's interface: the same results, sooner, and what its own lack."""

from chainrule.estimators.mlp import MLPClassifier, MLPRegressor, SoftmaxRegression
from chainrule.estimators.realmlp import RealMLPClassifier, RealMLPRegressor

__all__ = [
    "MLPClassifier", "MLPRegressor", "RealMLPClassifier", "RealMLPRegressor", "SoftmaxRegression",
]  # fmt: skip
