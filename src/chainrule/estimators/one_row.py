"""One row predicted at a time, compiled."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from chainrule.preprocessing import Scaled
from chainrule.running.jit import jit
from chainrule.sequential import Sequential
from chainrule.validation import Array

OFTEN = 50  # rows that come one at a time before it is worth compiling


class OneRow:
    """The members' mean output for a row of numbers; compiled once there were several.

    Parameters
    ----------
    models : sequence of Sequential
        With one and the same preprocessor.
    names : sequence of str
        Of a row's columns.
    """

    def __init__(self, models: Sequence[Sequential], names: Sequence[str]) -> None:
        self.models, self.shape = list(models), (1, len(names))
        steps = models[0].preprocessor.steps
        self._is_numeric = all(isinstance(step, Scaled) and not step.missing for step in steps)
        self._places = np.array([names.index(step.name) for step in steps])
        self._seen = 0
        self._call: Callable[[Any], Any] | None = None
        if self._is_numeric:
            self._mean = np.array([step.mean for step in steps])
            self._factor = 1 / np.array([step.scale for step in steps])

    def takes(self, X: Any) -> bool:
        """Whether it is a row of finite numbers, and there have been others."""
        if type(X) is not np.ndarray or X.shape != self.shape or X.dtype.char != "d":
            return False
        if not self._is_numeric or not np.isfinite(X.sum()):
            return False
        self._seen += 1
        return self._seen > OFTEN

    def __call__(self, X: Array) -> Array:
        """Return the output, shape (1, k)."""
        if self._call is None:
            self._call = jit(self._output)
        found: Array = self._call(X)
        return found

    def _output(self, X: Any) -> Any:
        if len(self._places) < X.shape[1]:
            X = X[:, self._places]
        features = ((X - self._mean) * self._factor).astype(self.models[0].dtype)
        parts = [
            m.network.apply(m.network.weights, {}, features, False).output for m in self.models
        ]
        return sum(parts[1:], parts[0]) / len(parts)
