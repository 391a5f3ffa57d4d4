"""Compiled prediction of single rows."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from chainrule._src.base.arrays import Array
from chainrule._src.compile.running.jit import jit
from chainrule._src.data.preprocessing import Scaled
from chainrule._src.nn.sequential import Sequential

OFTEN = 50  # single rows after which compiling pays


class OneRow:
    """The ensemble's mean output for a row of numbers; compiled after `OFTEN` single rows.

    Parameters
    ----------
    estimator : RealMLPClassifier or RealMLPRegressor
        A fitted estimator whose members share one preprocessor.
    """

    def __init__(self, estimator: Any) -> None:
        self.models, names = list[Sequential](estimator.models_), estimator._names
        self.shape = 1, len(names)
        steps = self.models[0].preprocessor.steps
        # After training on a frame, scikit-learn warns that an array has no names.
        self._is_numeric = not hasattr(estimator, "feature_names_in_") and all(
            isinstance(step, Scaled) and not step.missing for step in steps
        )
        self._positions = np.array([names.index(step.name) for step in steps])
        self._n_rows = 0
        self._call: Callable[[Any], Any] | None = None
        if self._is_numeric:
            self._mean = np.array([step.mean for step in steps])
            self._factor = 1 / np.array([step.scale for step in steps])

    def _takes(self, X: Any) -> bool:
        """Return true for a row of numbers that follows more than `OFTEN` such rows."""
        if type(X) is not np.ndarray or X.shape != self.shape or X.dtype.char != "d":
            return False
        if not self._is_numeric:
            return False
        self._n_rows += 1
        return self._n_rows > OFTEN

    def __call__(self, X: Any) -> Array | None:
        """Return the output, shape (1, k); None if the row needs the usual validation."""
        if not self._takes(X):
            return None
        if self._call is None:
            self._call = jit(self._output)
        output: Array = self._call(X)
        return output if np.isfinite(output).all() else None

    def _output(self, X: Any) -> Any:
        if len(self._positions) < X.shape[1]:
            X = X[:, self._positions]
        features = ((X - self._mean) * self._factor).astype(self.models[0].dtype)
        parts = [
            m.network.apply(m.network.weights, {}, features, False).output for m in self.models
        ]
        return sum(parts[1:], parts[0]) / len(parts)
