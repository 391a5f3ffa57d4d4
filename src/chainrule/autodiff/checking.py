r"""Hold a gradient written by hand against central differences."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import ArrayLike

from chainrule.errors import ShapeError
from chainrule.validation import Array

Parameters = Mapping[str, Array]


class Model(Protocol):
    """Anything with the lab's methods, its parameters attributes named by the gradient's keys."""

    def loss(self, X: Any, y: Any) -> Any:
        """Return the loss as a number."""

    def grad_loss(self, x: Any, y_true: Any) -> dict[str, Any]:
        """Return the gradient of the loss by parameter name."""


@dataclass(frozen=True)
class ParameterCheck:
    r"""One parameter's gradient by hand beside its central differences.

    Attributes
    ----------
    name : str
    ratio : float
        :math:`\|a - n\| / (\|a\| + \|n\|)`; 0 where both are zero.
    worst : tuple of int
        Index of the entry with the largest difference.
    by_hand, numerical : ndarray
        The two gradients.
    passed : bool
    """

    name: str
    ratio: float
    worst: tuple[int, ...]
    by_hand: Array
    numerical: Array
    passed: bool


@dataclass(frozen=True)
class GradientReport:
    """The outcome of a gradient check; ``print`` it to read it.

    Attributes
    ----------
    parameters : tuple of ParameterCheck
    tolerance : float
        The largest ratio that passes.
    """

    parameters: tuple[ParameterCheck, ...]
    tolerance: float

    @property
    def passed(self) -> bool:
        """Whether every parameter passed."""
        return all(check.passed for check in self.parameters)

    def __str__(self) -> str:
        lines = [f"{'parameter':<10} {'norm ratio':>10}  worst entry: by hand, numerical"]
        for check in self.parameters:
            entry = f"{check.name}[{', '.join(map(str, check.worst))}]"
            values = f"{check.by_hand[check.worst]:+.6e}, {check.numerical[check.worst]:+.6e}"
            judged = "ok" if check.passed else "WRONG"
            lines.append(f"{check.name:<10} {check.ratio:>10.1e}  {entry}: {values}  {judged}")
        verdict = "all gradients agree" if self.passed else "at least one gradient is wrong"
        return "\n".join([*lines, f"{verdict} (a norm ratio up to {self.tolerance:.0e} passes)"])


def numerical_gradients(
    loss: Callable[[Parameters], Any], parameters: Parameters, *, step: float = 1e-5
) -> dict[str, Array]:
    r"""Gradient by central differences, two evaluations of the loss an entry.

    .. math:: \frac{\partial L}{\partial \theta_i} \approx
              \frac{L(\theta + \epsilon e_i) - L(\theta - \epsilon e_i)}{2 \epsilon}

    The truncation error is :math:`O(\epsilon^2)` and rounding adds about
    :math:`10^{-16} / \epsilon`, so steps near :math:`10^{-5}` are best in float64.

    Parameters
    ----------
    loss : callable
        Takes parameters by name and returns a number.
    parameters : mapping of str to ndarray
        Where to differentiate; copied, not changed.
    step : float, default 1e-5

    Returns
    -------
    dict of str to ndarray of float64

    Examples
    --------
    >>> numerical_gradients(lambda p: (p["x"] ** 2).sum(), {"x": np.array([1.0, -3.0])})["x"]
    array([ 2., -6.])
    """
    moved = {name: np.array(value, dtype=np.float64) for name, value in parameters.items()}
    gradients = {}
    for name, value in moved.items():
        gradient = np.empty_like(value)
        for index in np.ndindex(value.shape):
            kept = value[index]
            value[index] = kept + step
            above = loss(moved)
            value[index] = kept - step
            below = loss(moved)
            value[index] = kept
            gradient[index] = (above - below) / (2 * step)
        gradients[name] = gradient
    return gradients


def compare(
    by_hand: Parameters, numerical: Parameters, *, tolerance: float = 1e-6
) -> GradientReport:
    """Compare two gradients parameter by parameter, by the ratio of norms.

    A bound on each entry would raise false alarms where the true value is near zero and rounding
    is all that is left; the ratio of norms weighs an error against the whole gradient.

    Raises
    ------
    ShapeError
        If a gradient is missing, or is not of its parameter's shape.
    """
    checks = []
    for name, n in numerical.items():
        a = np.asarray(by_hand[name], dtype=np.float64) if name in by_hand else None
        if a is None or a.shape != n.shape:
            came = "none" if a is None else f"shape {a.shape}"
            raise ShapeError(f"gradient of {name}: expected shape {n.shape}, received {came}")
        difference = np.abs(a - n)
        scale = np.linalg.norm(a) + np.linalg.norm(n)
        ratio = float(np.linalg.norm(difference) / scale) if scale else 0.0
        worst = np.unravel_index(np.argmax(difference), n.shape)
        index = tuple(int(i) for i in worst)
        checks.append(ParameterCheck(name, ratio, index, a, n, ratio <= tolerance))
    return GradientReport(tuple(checks), tolerance)


def check_gradients(
    model: Model, *, tolerance: float = 1e-6, step: float = 1e-5
) -> Callable[[ArrayLike, ArrayLike], GradientReport]:
    """Check a model's ``grad_loss`` against central differences of its ``loss``.

    Parameters
    ----------
    model : object
        With the lab's methods ``loss(X, y)`` and ``grad_loss(x, y_true)``, and its parameters as
        attributes named by the gradient's keys. It is left as it was.
    tolerance : float, default 1e-6
        The largest norm ratio that passes. Rounding alone gives about 1e-9, the lab's
        ``EPSILON`` inside the logarithm up to some 1e-7, a real mistake 1e-2 and more.
    step : float, default 1e-5
        Step of the differences.

    Returns
    -------
    callable
        ``check(x, y)`` returns a `GradientReport` for that sample or batch.

    Examples
    --------
    >>> from chainrule.lab import NeuralNet
    >>> net = NeuralNet(3, 4, 2, seed=0)
    >>> check_gradients(net)([[1.0, 2.0, -1.0], [0.5, 0.0, 1.0]], [0, 1]).passed
    True
    """

    def check(x: ArrayLike, y: ArrayLike) -> GradientReport:
        by_hand = model.grad_loss(x, y)
        original = {name: getattr(model, name) for name in by_hand}

        def loss(parameters: Parameters) -> Any:
            for name, value in parameters.items():
                setattr(model, name, value)
            return model.loss(x, y)

        try:
            numerical = numerical_gradients(loss, original, step=step)
        finally:
            for name, value in original.items():
                setattr(model, name, value)
        return compare(by_hand, numerical, tolerance=tolerance)

    return check
