"""Networks as scikit-learn estimators."""

from typing import TYPE_CHECKING

from chainrule._src.tabular.estimators import __getattr__ as __getattr__

if TYPE_CHECKING:
    from chainrule._src.tabular.estimators import (
        DaskMLPClassifier,
        DaskMLPRegressor,
        LossCurveDisplay,
        MLPClassifier,
        MLPRegressor,
        RealMLPClassifier,
        RealMLPRegressor,
        SoftmaxRegression,
        WorstPredictionsDisplay,
    )

__all__ = [
    "DaskMLPClassifier", "DaskMLPRegressor", "LossCurveDisplay", "MLPClassifier", "MLPRegressor",
    "RealMLPClassifier", "RealMLPRegressor", "SoftmaxRegression", "WorstPredictionsDisplay",
]  # fmt: skip
