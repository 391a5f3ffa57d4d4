"""Networks with scikit-learn's interface: the same results, faster, and more options."""

from typing import TYPE_CHECKING, Any

from chainrule._src.base.extras import needs
from chainrule._src.base.interrupts import load

if TYPE_CHECKING:
    from chainrule._src.tabular.estimators.dask import DaskMLPClassifier, DaskMLPRegressor
    from chainrule._src.tabular.estimators.displays import LossCurveDisplay, WorstPredictionsDisplay
    from chainrule._src.tabular.estimators.mlp import MLPClassifier, MLPRegressor, SoftmaxRegression
    from chainrule._src.tabular.estimators.realmlp import RealMLPClassifier, RealMLPRegressor

__all__ = [
    "DaskMLPClassifier", "DaskMLPRegressor", "LossCurveDisplay", "MLPClassifier",
    "MLPRegressor", "RealMLPClassifier", "RealMLPRegressor", "SoftmaxRegression",
    "WorstPredictionsDisplay",
]  # fmt: skip

_MODULES = {
    "Dask": "dask",
    "Display": "displays",
    "Real": "realmlp",
    "MLP": "mlp",
    "Softmax": "mlp",
}


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    needs(f"chainrule.{name}", "tables", "sklearn", "scipy")
    module = next(module for part, module in _MODULES.items() if part in name)
    value = globals()[name] = getattr(load(f"{__name__}.{module}"), name)
    return value
