"""scikit-learn's losses as NumPy functions that can be recorded and compiled."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from chainrule._src.core.names import count_names
from chainrule._src.nn.functions import log_softmax, relu, sigmoid, softmax, softplus

count_names(__file__)

HIDDEN: dict[str, Callable[[Any], Any]] = {
    "identity": lambda z: z, "logistic": sigmoid, "tanh": np.tanh, "relu": relu,
}  # fmt: skip
OUTPUT: dict[str, Callable[[Any], Any]] = {**HIDDEN, "softmax": softmax, "exp": np.exp}
# By output activation: the loss of each output and sample as a function of pre-activation and
# target. Its derivative is the output minus the target.
LOSS: dict[str, Callable[[Any, Any], Any]] = {
    "softmax": lambda z, Y: -Y * log_softmax(z),
    "logistic": lambda z, Y: softplus(z) - Y * z,
    "identity": lambda z, Y: 0.5 * (z - Y) ** 2,
    "exp": lambda z, Y: np.exp(z) - Y * z,
}


class MLPObjective:
    r"""The loss that is differentiated, together with the loss that scikit-learn reports.

    .. math:: \frac{\sum_i w_i \ell_i + \frac{\alpha}{2} \sum_l \|W_l\|^2}{\sum_i w_i}

    The reported loss clips probabilities and adds terms that do not depend on the weights. For a
    regression with several outputs it is their mean, while their sum is differentiated.

    Parameters
    ----------
    hidden, output : str
        Activations by scikit-learn's names.
    """

    def __init__(self, hidden: str, output: str) -> None:
        self.hidden, self.loss, self.output = HIDDEN[hidden], LOSS[output], output

    def __call__(
        self, params: Any, alpha: Any, X: Any, Y: Any, weight: Any = None
    ) -> tuple[Any, Any]:
        """Return the loss that is differentiated, and the loss that is reported.

        ``alpha`` is an argument, so that one kernel serves all its values.
        """
        losses = self.loss(self.logits(params, X), Y)
        penalty = 0.5 * alpha * sum(np.sum(W**2) for W in params["coefs"])
        reported = self._reported(losses, Y)
        return _weighted(losses, weight, penalty), _weighted(reported, weight, penalty)

    def logits(self, params: Any, X: Any) -> Any:
        """Return the pre-activation of the output, shape ``(n, k)``."""
        *hidden, last = zip(params["coefs"], params["intercepts"], strict=True)
        h = X
        for W, b in hidden:
            h = self.hidden(h @ W + b)
        return h @ last[0] + last[1]

    def predict(self, params: Any, X: Any) -> Any:
        """Return the output, shape ``(n, k)``."""
        return OUTPUT[self.output](self.logits(params, X))

    def undefined(self, Y: Any) -> float:
        """Return NaN if the targets alone make scikit-learn's reported loss NaN, else 0.

        The Poisson deviance of a negative target is undefined, but its gradient is not, so training
        continues.
        """
        return np.nan if self.output == "exp" and np.any(Y < 0) else 0.0

    def _reported(self, losses: Any, Y: Any) -> Any:
        if self.output == "identity":
            return losses / losses.shape[1]
        if self.output == "exp":
            return losses + Y * np.log(np.where(Y <= 0, 1, Y)) - Y
        return np.minimum(losses, -np.log(np.finfo(losses.dtype).eps))


def _weighted(losses: Any, weight: Any, penalty: Any) -> Any:
    """Return the weighted mean over the samples, including the penalty."""
    each = np.sum(losses, axis=1)
    if weight is None:
        return (np.sum(each) + penalty) / len(each)
    return (np.sum(weight * each) + penalty) / np.sum(weight)
