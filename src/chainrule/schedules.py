"""Schedules of the learning rate: functions of the number of updates done, in NumPy.

Names, arguments and formulas are Keras's. One of your own is any function of that number.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from chainrule.errors import DataError


class _Decay:
    """What decays by a rate in every ``decay_steps`` updates; in steps with ``staircase``."""

    def __init__(
        self,
        initial_learning_rate: float,
        decay_steps: float,
        decay_rate: float,
        staircase: bool = False,
    ) -> None:
        self.initial_learning_rate = initial_learning_rate
        self.decay_steps, self.decay_rate, self.staircase = decay_steps, decay_rate, staircase

    def _periods(self, step: Any) -> Any:
        periods = step / self.decay_steps
        return np.floor(periods) if self.staircase else periods


class ExponentialDecay(_Decay):
    r"""Learning rate :math:`\eta_0\, r^{\,t / T}`; with ``staircase`` the exponent is whole."""

    def __call__(self, step: Any) -> Any:
        """Return the learning rate after ``step`` updates."""
        return self.initial_learning_rate * self.decay_rate ** self._periods(step)


class InverseTimeDecay(_Decay):
    r"""Learning rate :math:`\eta_0 / (1 + r\, t / T)`; with ``staircase`` in whole periods."""

    def __call__(self, step: Any) -> Any:
        """Return the learning rate after ``step`` updates."""
        return self.initial_learning_rate / (1 + self.decay_rate * self._periods(step))


class PolynomialDecay:
    r"""From :math:`\eta_0` to an end in ``decay_steps`` updates along :math:`(1 - t/T)^p`."""

    def __init__(
        self,
        initial_learning_rate: float,
        decay_steps: float,
        end_learning_rate: float = 0.0001,
        power: float = 1.0,
    ) -> None:
        self.initial_learning_rate, self.decay_steps = initial_learning_rate, decay_steps
        self.end_learning_rate, self.power = end_learning_rate, power

    def __call__(self, step: Any) -> Any:
        """Return the learning rate after ``step`` updates."""
        left = 1 - np.minimum(step, self.decay_steps) / self.decay_steps
        span = self.initial_learning_rate - self.end_learning_rate
        return span * left**self.power + self.end_learning_rate


class CosineDecay:
    r"""Half a cosine from :math:`\eta_0` to :math:`\alpha \eta_0`, after an optional warm-up.

    Loshchilov, Hutter, *SGDR: Stochastic Gradient Descent with Warm Restarts*, 2017.
    """

    def __init__(
        self,
        initial_learning_rate: float,
        decay_steps: float,
        alpha: float = 0.0,
        warmup_target: float | None = None,
        warmup_steps: float = 0,
    ) -> None:
        self.initial_learning_rate, self.decay_steps, self.alpha = (
            initial_learning_rate, decay_steps, alpha,
        )  # fmt: skip
        self.warmup_target, self.warmup_steps = warmup_target, warmup_steps

    def __call__(self, step: Any) -> Any:
        """Return the learning rate after ``step`` updates."""
        top = self.initial_learning_rate if self.warmup_target is None else self.warmup_target
        warms = self.warmup_target is not None
        done = np.clip(step - self.warmup_steps if warms else step, 0, self.decay_steps)
        cosine = 0.5 * (1 + np.cos(math.pi * done / self.decay_steps))
        decayed = top * ((1 - self.alpha) * cosine + self.alpha)
        if not warms or not self.warmup_steps:
            return decayed
        share = step / self.warmup_steps
        warm = self.initial_learning_rate + (top - self.initial_learning_rate) * share
        return np.where(step < self.warmup_steps, warm, decayed)


class PiecewiseConstantDecay:
    """One learning rate up to each boundary, and a last one after it."""

    def __init__(self, boundaries: Sequence[float], values: Sequence[float]) -> None:
        if len(values) != len(boundaries) + 1:
            raise DataError(
                "PiecewiseConstantDecay: expected one value more than boundaries, received "
                f"{len(boundaries)} boundaries and {len(values)} values"
            )
        self.boundaries, self.values = list(boundaries), list(values)

    def __call__(self, step: Any) -> Any:
        """Return the learning rate after ``step`` updates."""
        rate: Any = self.values[-1]
        for boundary, value in zip(self.boundaries[::-1], self.values[-2::-1], strict=True):
            rate = np.where(step <= boundary, value, rate)
        return rate
