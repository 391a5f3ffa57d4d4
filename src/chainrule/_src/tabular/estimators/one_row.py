"""Compiled prediction of single rows."""

from __future__ import annotations

from typing import Any

import numpy as np

from chainrule._src.base.arrays import Array
from chainrule._src.compile.running.jit import jit
from chainrule._src.data.preprocessing import Scaled
from chainrule._src.nn.sequential import Sequential
from chainrule._src.tabular.estimators.predicting import RowPredictor

OFTEN = 50  # single rows after which compiling pays


class OneRow(RowPredictor):
    """The ensemble's mean output for a row of numbers; compiled after `OFTEN` single rows.

    Parameters
    ----------
    estimator : RealMLPClassifier or RealMLPRegressor
        A fitted estimator whose members share one preprocessor.
    """

    def __init__(self, estimator: Any) -> None:
        super().__init__(OFTEN)
        self.models, names = list[Sequential](estimator.models_), estimator._names
        self.shape = 1, len(names)
        steps = estimator.preprocessor_.steps
        # After training on a frame, scikit-learn warns that an array has no names.
        self._is_numeric = not hasattr(estimator, "feature_names_in_") and all(
            isinstance(step, Scaled) and not step.missing for step in steps
        )
        self._positions = np.array([names.index(step.name) for step in steps])
        if self._is_numeric:
            self._mean = np.array([step.mean for step in steps])
            self._factor = 1 / np.array([step.scale for step in steps])
        self._network = jit(self._forward)

    def __call__(self, X: Any, engine: str) -> Array | None:
        """Return the output, shape (1, k); None if the row needs the usual validation."""
        if type(X) is not np.ndarray or X.shape != self.shape or X.dtype.char != "d":
            return None
        if engine == "numpy" or not self._is_numeric or not self.pays(1):
            return None
        output = self.output(self._network, X, 1)
        return output if output is not None and np.isfinite(output).all() else None

    def _forward(self, X: Any) -> Any:
        if len(self._positions) < X.shape[1]:
            X = X[:, self._positions]
        features = ((X - self._mean) * self._factor).astype(self.models[0].dtype)
        parts = [m.network.predicted(m.network.weights, features) for m in self.models]
        return sum(parts[1:], parts[0]) / len(parts)
