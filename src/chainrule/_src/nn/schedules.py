"""Schedules of the learning rate: functions of the number of updates done, in NumPy.

Names, arguments and formulas are Keras's. A schedule of your own is any function of that number;
to be saved it must derive from `LearningRateSchedule`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from chainrule._src.base.arguments import Flag, Number, Positive, PositiveNumber, Share
from chainrule._src.base.config import Configurable, made, plain
from chainrule._src.base.errors import DataError
from chainrule._src.base.showing import snake_case
from chainrule._src.base.validation import check_number

__all__ = [
    "ROUNDING", "CosineDecay", "CosineDecayRestarts", "CosineLog", "ExponentialDecay", "FlatCosine",
    "InverseTimeDecay", "LearningRateSchedule", "PiecewiseConstantDecay", "PolynomialDecay",
    "deserialize", "serialize",
]  # fmt: skip

ROUNDING = 1e-9  # added to a logarithm whose rounding would make a restart too late


class LearningRateSchedule(Configurable):
    """Base class of schedules, which compute the learning rate from the number of updates.

    Parameters
    ----------
    name : str, optional
        By default the class's name in snake case.

    Examples
    --------
    >>> class Halving(LearningRateSchedule):
    ...     def __init__(self, first, **options):
    ...         super().__init__(**options)
    ...         self.first = first
    ...
    ...     def __call__(self, step):
    ...         return self.first * 0.5 ** (step // 100)
    >>> Halving(0.8)(250)
    0.2
    >>> Halving(0.8).get_config()
    {'first': 0.8, 'name': 'halving'}
    """

    def __init__(self, *, name: str | None = None) -> None:
        self.name = name or snake_case(type(self).__name__)

    def __call__(self, step: Any) -> Any:
        """Return the learning rate after ``step`` updates."""
        raise NotImplementedError(f"{type(self).__name__} must define __call__")


class _Decay(LearningRateSchedule):
    """Base class of decays by a rate per ``decay_steps`` updates; in jumps if ``staircase``."""

    def __init__(
        self,
        initial_learning_rate: Number,
        decay_steps: PositiveNumber,
        decay_rate: Number,
        staircase: Flag = False,
        **options: Any,
    ) -> None:
        super().__init__(**options)
        self.initial_learning_rate, self.decay_steps = initial_learning_rate, decay_steps
        self.decay_rate, self.staircase = decay_rate, staircase

    def _periods(self, step: Any) -> Any:
        periods = step / self.decay_steps
        return np.floor(periods) if self.staircase else periods


class ExponentialDecay(_Decay):
    r"""Lowers the learning rate exponentially: :math:`\eta_0\, r^{\,t / T}`.

    Parameters
    ----------
    initial_learning_rate : float
        :math:`\eta_0`.
    decay_steps : float
        :math:`T`, updates.
    decay_rate : float
        :math:`r`.
    staircase : bool, default False
        If true, the rate stays constant for :math:`T` updates at a time.
    **options
        Options of `LearningRateSchedule`.

    Raises
    ------
    DataError
        If ``decay_steps`` is not above 0, or another number is negative.

    Examples
    --------
    >>> ExponentialDecay(0.1, decay_steps=100, decay_rate=0.5)(200)
    0.025
    """

    def __call__(self, step: Any) -> Any:
        """Return the learning rate after ``step`` updates."""
        return self.initial_learning_rate * self.decay_rate ** self._periods(step)


class InverseTimeDecay(_Decay):
    r"""Lowers the learning rate to :math:`\eta_0 / (1 + r\, t / T)`.

    Parameters
    ----------
    initial_learning_rate : float
        :math:`\eta_0`.
    decay_steps : float
        :math:`T`, updates.
    decay_rate : float
        :math:`r`.
    staircase : bool, default False
        If true, the rate stays constant for :math:`T` updates at a time.
    **options
        Options of `LearningRateSchedule`.

    Raises
    ------
    DataError
        If ``decay_steps`` is not above 0, or another number is negative.

    Examples
    --------
    >>> InverseTimeDecay(0.1, decay_steps=100, decay_rate=0.5)(200)
    0.05
    """

    def __call__(self, step: Any) -> Any:
        """Return the learning rate after ``step`` updates."""
        return self.initial_learning_rate / (1 + self.decay_rate * self._periods(step))


class PolynomialDecay(LearningRateSchedule):
    r"""Lowers the learning rate to an end in ``decay_steps`` updates along :math:`(1 - t/T)^p`.

    Parameters
    ----------
    initial_learning_rate : float
        :math:`\eta_0`.
    decay_steps : float
        :math:`T`, updates.
    end_learning_rate : float, default 0.0001
        Learning rate at the end.
    power : float, default 1
        :math:`p`.
    cycle : bool, default False
        If true, :math:`T` becomes the next multiple of ``decay_steps`` once the end is reached.
    **options
        Options of `LearningRateSchedule`.

    Raises
    ------
    DataError
        If ``decay_steps`` is not above 0, or another number is negative.

    Examples
    --------
    >>> PolynomialDecay(0.1, decay_steps=100, end_learning_rate=0.0)(75).round(6)
    np.float64(0.025)
    """

    def __init__(
        self,
        initial_learning_rate: Number,
        decay_steps: PositiveNumber,
        end_learning_rate: Number = 0.0001,
        power: Number = 1.0,
        cycle: Flag = False,
        **options: Any,
    ) -> None:
        super().__init__(**options)
        self.initial_learning_rate, self.decay_steps = initial_learning_rate, decay_steps
        self.end_learning_rate, self.power, self.cycle = end_learning_rate, power, cycle

    def __call__(self, step: Any) -> Any:
        """Return the learning rate after ``step`` updates."""
        periods = step / self.decay_steps
        if self.cycle:
            left = 1 - periods / np.maximum(np.ceil(periods), 1)
        else:
            left = 1 - np.minimum(periods, 1)
        span = self.initial_learning_rate - self.end_learning_rate
        return span * left**self.power + self.end_learning_rate


class CosineDecay(LearningRateSchedule):
    r"""Lowers the learning rate from :math:`\eta_0` to :math:`\alpha \eta_0` along half a cosine.

    There may be a warm-up before.

    Loshchilov, Hutter, *SGDR: Stochastic Gradient Descent with Warm Restarts*, 2017.

    Parameters
    ----------
    initial_learning_rate : float
        :math:`\eta_0`; with a warm-up, the learning rate at its start.
    decay_steps : float
        Number of updates after the warm-up.
    alpha : float, default 0
        Share of the learning rate that remains at the end.
    warmup_target : float, optional
        The learning rate at the end of a linear warm-up.
    warmup_steps : float, default 0
        Number of updates of the warm-up.
    **options
        Options of `LearningRateSchedule`.

    Raises
    ------
    DataError
        If ``decay_steps`` is not above 0, another number is negative, or ``warmup_steps`` is set
        without ``warmup_target``.

    Examples
    --------
    >>> rate = CosineDecay(0.0, decay_steps=100, warmup_target=0.1, warmup_steps=10)
    >>> rate(np.array([0, 5, 10, 60, 110])).round(6)
    array([0.  , 0.05, 0.1 , 0.05, 0.  ])
    """

    def __init__(
        self,
        initial_learning_rate: Number,
        decay_steps: PositiveNumber,
        alpha: Number = 0.0,
        warmup_target: Number | None = None,
        warmup_steps: Number = 0,
        **options: Any,
    ) -> None:
        super().__init__(**options)
        self.initial_learning_rate, self.decay_steps = initial_learning_rate, decay_steps
        self.alpha, self.warmup_target, self.warmup_steps = alpha, warmup_target, warmup_steps
        if warmup_steps and warmup_target is None:
            raise DataError("CosineDecay: warmup_steps needs a warmup_target")

    def __call__(self, step: Any) -> Any:
        """Return the learning rate after ``step`` updates."""
        top = self.initial_learning_rate if self.warmup_target is None else self.warmup_target
        decaying = np.clip(step - self.warmup_steps, 0, self.decay_steps)
        cosine = 0.5 * (1 + np.cos(math.pi * decaying / self.decay_steps))
        decayed = top * ((1 - self.alpha) * cosine + self.alpha)
        if not self.warmup_steps:
            return decayed
        share = step / self.warmup_steps
        warm = self.initial_learning_rate + (top - self.initial_learning_rate) * share
        return np.where(step < self.warmup_steps, warm, decayed)


class CosineDecayRestarts(LearningRateSchedule):
    r"""Lowers the learning rate along half a cosine from :math:`\eta_0`, again and again.

    Loshchilov, Hutter, *SGDR: Stochastic Gradient Descent with Warm Restarts*, 2017, section 3.

    Parameters
    ----------
    initial_learning_rate : float
        :math:`\eta_0`.
    first_decay_steps : float
        Number of updates before the first restart.
    t_mul : float, default 2
        Factor by which each period is longer than the previous one; at least 1.
    m_mul : float, default 1
        Factor by which the learning rate at the start of a period grows with each restart.
    alpha : float, default 0
        Share of the learning rate that remains at the end of each period.
    **options
        Options of `LearningRateSchedule`.

    Raises
    ------
    DataError
        If ``first_decay_steps`` is not above 0, ``t_mul`` is below 1, or another number is
        negative.

    Examples
    --------
    >>> CosineDecayRestarts(0.1, first_decay_steps=10)(np.array([0, 5, 10, 20, 30])).round(6)
    array([0.1 , 0.05, 0.1 , 0.05, 0.1 ])
    """

    def __init__(
        self,
        initial_learning_rate: Number,
        first_decay_steps: PositiveNumber,
        t_mul: float = 2.0,
        m_mul: Number = 1.0,
        alpha: Number = 0.0,
        **options: Any,
    ) -> None:
        super().__init__(**options)
        self.initial_learning_rate = initial_learning_rate
        self.first_decay_steps, self.m_mul, self.alpha = first_decay_steps, m_mul, alpha
        self.t_mul = check_number(t_mul, "t_mul", type(self).__name__, low=1.0)

    def __call__(self, step: Any) -> Any:
        """Return the learning rate after ``step`` updates."""
        restarts, share = self._restarts(step / self.first_decay_steps)
        cosine = 0.5 * self.m_mul**restarts * (1 + np.cos(math.pi * share))
        return self.initial_learning_rate * ((1 - self.alpha) * cosine + self.alpha)

    def _restarts(self, periods: Any) -> tuple[Any, Any]:
        """Return the number of restarts so far, and the elapsed share of the current period."""
        if self.t_mul == 1:
            restarts = np.floor(periods)
            return restarts, periods - restarts
        growth = self.t_mul - 1
        restarts = np.floor(np.log(1 + periods * growth) / math.log(self.t_mul) + ROUNDING)
        length = self.t_mul**restarts
        return restarts, np.maximum((periods - (length - 1) / growth) / length, 0)


class CosineLog(LearningRateSchedule):
    r"""Moves the learning rate along full cosines from 0 over :math:`\eta_0` back to 0.

    Each cosine is twice as long as the previous one.

    .. math:: \frac{\eta_0}{2} \big(1 - \cos(2 \pi \log_2(1 + (2^c - 1)\, t / T))\big)

    Holzmüller, Grinsztajn, Steinwart, *Better by Default: Strong Pre-Tuned MLPs and Boosted Trees
    on Tabular Data*, 2024, section 3, with :math:`c = 4`.

    Parameters
    ----------
    initial_learning_rate : float
        :math:`\eta_0`, the highest.
    decay_steps : float
        :math:`T`, number of updates of all cycles together; after them the rate stays 0.
    cycles : int, default 4
        :math:`c`.
    **options
        Options of `LearningRateSchedule`.

    Raises
    ------
    DataError
        If ``decay_steps`` is not above 0, ``cycles`` is not a whole number of at least 1, or the
        rate is negative.

    Examples
    --------
    >>> CosineLog(0.1, decay_steps=300, cycles=2)(np.array([0, 100, 300])).round(6)
    array([0., 0., 0.])
    >>> float(CosineLog(0.1, decay_steps=100, cycles=1)(100 * (2**0.5 - 1)).round(6))
    0.1
    """

    def __init__(
        self,
        initial_learning_rate: Number,
        decay_steps: PositiveNumber,
        cycles: Positive = 4,
        **options: Any,
    ) -> None:
        super().__init__(**options)
        self.initial_learning_rate, self.decay_steps = initial_learning_rate, decay_steps
        self.cycles = cycles

    def __call__(self, step: Any) -> Any:
        """Return the learning rate after ``step`` updates."""
        share = np.minimum(step / self.decay_steps, 1)
        turns = np.log(1 + (2**self.cycles - 1) * share) / math.log(2)
        return self.initial_learning_rate * 0.5 * (1 - np.cos(2 * math.pi * turns))


class FlatCosine(LearningRateSchedule):
    r"""Keeps :math:`\eta_0` for a share of the updates, then lowers it along half a cosine.

    Parameters
    ----------
    initial_learning_rate : float
        :math:`\eta_0`.
    decay_steps : float
        Number of updates, flat and falling ones; after them the rate stays 0.
    flat : float, default 0.5
        The share of updates with a flat learning rate, below 1.
    **options
        Options of `LearningRateSchedule`.

    Raises
    ------
    DataError
        If ``decay_steps`` is not above 0, ``flat`` is not from 0 to below 1, or the rate is
        negative.

    Examples
    --------
    >>> FlatCosine(0.1, decay_steps=100)(np.array([0, 50, 75, 100])).round(6)
    array([0.1 , 0.1 , 0.05, 0.  ])
    """

    def __init__(
        self,
        initial_learning_rate: Number,
        decay_steps: PositiveNumber,
        flat: Share = 0.5,
        **options: Any,
    ) -> None:
        super().__init__(**options)
        self.initial_learning_rate, self.decay_steps = initial_learning_rate, decay_steps
        self.flat = flat

    def __call__(self, step: Any) -> Any:
        """Return the learning rate after ``step`` updates."""
        fallen = np.clip((step / self.decay_steps - self.flat) / (1 - self.flat), 0, 1)
        return self.initial_learning_rate * 0.5 * (1 + np.cos(math.pi * fallen))


class PiecewiseConstantDecay(LearningRateSchedule):
    """Keeps the learning rate constant up to each boundary, and after the last boundary.

    Parameters
    ----------
    boundaries : sequence of float
        Numbers of updates, in rising order.
    values : sequence of float
        Learning rates, one more than there are boundaries.
    **options
        Options of `LearningRateSchedule`.

    Raises
    ------
    DataError
        If the boundaries do not rise, there is not one value more than boundaries, or a number is
        negative.

    Examples
    --------
    >>> float(PiecewiseConstantDecay([100, 200], [0.1, 0.05, 0.01])(150))
    0.05
    """

    def __init__(
        self, boundaries: Sequence[float], values: Sequence[float], **options: Any
    ) -> None:
        super().__init__(**options)
        if len(values) != len(boundaries) + 1:
            raise DataError(
                "PiecewiseConstantDecay: expected one value more than boundaries, received "
                f"{len(boundaries)} boundaries and {len(values)} values"
            )
        where = type(self).__name__
        self.boundaries = [check_number(boundary, "boundaries", where) for boundary in boundaries]
        self.values = [check_number(rate, "values", where) for rate in values]
        if self.boundaries != sorted(self.boundaries):
            raise DataError(
                f"PiecewiseConstantDecay: boundaries must rise, received {self.boundaries}"
            )

    def __call__(self, step: Any) -> Any:
        """Return the learning rate after ``step`` updates."""
        rate: Any = self.values[-1]
        for boundary, value in zip(self.boundaries[::-1], self.values[-2::-1], strict=True):
            rate = np.where(step <= boundary, value, rate)
        return rate


serialize, deserialize = plain, made
