"""One row predicted at a time, compiled."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from chainrule._src.base.arrays import Array
from chainrule._src.compile.running.jit import jit
from chainrule._src.data.preprocessing import Scaled
from chainrule._src.nn.sequential import Sequential

OFTEN = 50  # rows that come one at a time before it is worth compiling


class OneRow:
    """The members' mean output for a row of numbers; compiled once there were several.

    Parameters
    ----------
    estimator : RealMLPClassifier or RealMLPRegressor
        Fitted; its members have one and the same preprocessor.
    """

    def __init__(self, estimator: Any) -> None:
        self.models, names = list[Sequential](estimator.models_), estimator._names
        self.shape = 1, len(names)
        steps = self.models[0].preprocessor.steps
        # Of a frame's names scikit-learn says that a row has none.
        self._is_numeric = not hasattr(estimator, "feature_names_in_") and all(
            isinstance(step, Scaled) and not step.missing for step in steps
        )
        self._places = np.array([names.index(step.name) for step in steps])
        self._seen = 0
        self._call: Callable[[Any], Any] | None = None
        if self._is_numeric:
            self._mean = np.array([step.mean for step in steps])
            self._factor = 1 / np.array([step.scale for step in steps])

    def _takes(self, X: Any) -> bool:
        """Whether it is a row of numbers, and there have been others."""
        if type(X) is not np.ndarray or X.shape != self.shape or X.dtype.char != "d":
            return False
        if not self._is_numeric:
            return False
        self._seen += 1
        return self._seen > OFTEN

    def __call__(self, X: Any) -> Array | None:
        """Return the output, shape (1, k); None where the usual way has to look at the row."""
        if not self._takes(X):
            return None
        if self._call is None:
            self._call = jit(self._output)
        found: Array = self._call(X)
        return found if np.isfinite(found).all() else None

    def _output(self, X: Any) -> Any:
        if len(self._places) < X.shape[1]:
            X = X[:, self._places]
        features = ((X - self._mean) * self._factor).astype(self.models[0].dtype)
        parts = [
            m.network.apply(m.network.weights, {}, features, False).output for m in self.models
        ]
        return sum(parts[1:], parts[0]) / len(parts)
