"""Networks with scikit-learn's interface: the same results, sooner, and what its own lack."""

from chainrule.estimators.mlp import MLPClassifier, MLPRegressor, SoftmaxRegression

__all__ = ["MLPClassifier", "MLPRegressor", "SoftmaxRegression"]
