"""scikit-learn's networks, trained as machine code."""

from __future__ import annotations

from typing import Any

import sklearn.neural_network as theirs
from scipy.sparse import issparse

from chainrule.estimators.stochastic import fit_stochastic, is_short


class _Compiled:
    engine = "auto"

    def _fit_stochastic(
        self, X: Any, y: Any, sample_weight: Any, activations: Any, deltas: Any, coef_grads: Any,
        intercept_grads: Any, layer_units: Any, incremental: bool,
    ) -> None:  # fmt: skip
        mode = self.engine
        if issparse(X) or (mode == "auto" and is_short(self, X.shape[0], layer_units, incremental)):
            super()._fit_stochastic(
                X, y, sample_weight, activations, deltas, coef_grads, intercept_grads,
                layer_units, incremental,
            )  # fmt: skip
        else:
            fit_stochastic(self, X, y, sample_weight, incremental, mode)


class MLPClassifier(_Compiled, theirs.MLPClassifier):
    pass


class MLPRegressor(_Compiled, theirs.MLPRegressor):
    pass
