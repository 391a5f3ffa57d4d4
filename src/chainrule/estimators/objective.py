"""scikit-learn's losses of its network, as NumPy functions that are recorded and compiled."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from chainrule.functions import log_softmax, relu, sigmoid, softplus

HIDDEN: dict[str, Callable[[Any], Any]] = {
    "identity": lambda z: z, "logistic": sigmoid, "tanh": np.tanh, "relu": relu,
}  # fmt: skip
# By the activation of the output: the loss of each output and sample, from pre-activation and
# target. Its derivative is the output minus the target.
OUTPUT: dict[str, Callable[[Any, Any], Any]] = {
    "softmax": lambda z, Y: -Y * log_softmax(z),
    "logistic": lambda z, Y: softplus(z) - Y * z,
    "identity": lambda z, Y: 0.5 * (z - Y) ** 2,
    "exp": lambda z, Y: np.exp(z) - Y * z,
}


class Objective:
    r"""The loss that is differentiated, and the one that is reported.

    .. math:: \frac{\sum_i w_i \ell_i + \frac{\alpha}{2} \sum_l \|W_l\|^2}{\sum_i w_i}

    scikit-learn reports the mean over several outputs of a regression and follows the gradient of
    their sum.

    Parameters
    ----------
    hidden, output : str
        Activations, in scikit-learn's names.
    alpha : float
    outputs : int
    """

    def __init__(self, hidden: str, output: str, alpha: float, outputs: int) -> None:
        self.hidden, self.output, self.alpha = HIDDEN[hidden], OUTPUT[output], float(alpha)
        self.is_poisson = output == "exp"
        self.share = 1 / outputs if output in ("identity", "exp") else 1.0

    def logits(self, params: Any, X: Any) -> Any:
        """Return the pre-activation of the output, shape ``(n, k)``."""
        *hidden, last = zip(params["coefs"], params["intercepts"], strict=True)
        h = X
        for W, b in hidden:
            h = self.hidden(h @ W + b)
        return h @ last[0] + last[1]

    def losses(self, params: Any, X: Any, Y: Any) -> Any:
        """Return each sample's loss, summed over outputs, shape ``(n,)``."""
        return np.sum(self.output(self.logits(params, X), Y), axis=1)

    def penalty(self, params: Any) -> Any:
        """Return what the size of the weights costs, for all samples together."""
        return 0.5 * self.alpha * sum(np.sum(W**2) for W in params["coefs"])

    def __call__(self, params: Any, X: Any, Y: Any, weight: Any = None) -> Any:
        """Return the loss that is differentiated."""
        losses = self.losses(params, X, Y)
        if weight is None:
            return (np.sum(losses) + self.penalty(params)) / len(X)
        return (np.sum(weight * losses) + self.penalty(params)) / np.sum(weight)

    def reported(self, loss: Any, params: Any, X: Any, Y: Any, weight: Any = None) -> Any:
        """Return the loss that scikit-learn reports, from the one that is differentiated."""
        if self.share == 1.0 and not self.is_poisson:
            return loss
        total = len(X) if weight is None else np.sum(weight)
        penalty = self.penalty(params) / total
        if self.is_poisson:  # a part that does not depend on the parameters
            constant = np.sum(Y * np.log(np.maximum(Y, 1e-300)) - Y, axis=1)
            each = constant if weight is None else weight * constant
            loss = loss + np.sum(each) / total
        return (loss - penalty) * self.share + penalty
