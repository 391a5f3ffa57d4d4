"""The output of a network, for predictions."""

from __future__ import annotations

from typing import Any

import numpy as np

from chainrule.program.program import Program, trace
from chainrule.sequential.network import Network, Weights
from chainrule.validation import Array


class Forward:
    """A network's output as a recorded program of its weights and samples.

    Parameters
    ----------
    network : Network
    """

    def __init__(self, network: Network) -> None:
        self.network = network
        self._programs: dict[Any, Program] = {}

    def program(self, X: Any) -> Program:
        """Return the program for samples like these."""
        weights = self.network.weights
        key = (X.dtype, tuple(weights))
        if key not in self._programs:
            self._programs[key] = trace(self._output)(weights, X[:2])
        return self._programs[key]

    def _output(self, weights: Weights, X: Any) -> Any:
        return self.network.apply(weights, {}, X, False)[0]

    def __call__(self, X: Any) -> Array:
        """Return the output for samples."""
        program = self.program(X)
        with np.errstate(all="ignore"):
            result: Array = program(self.network.weights, X)
        return result
