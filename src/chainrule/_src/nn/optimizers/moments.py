"""Adam and its variants: running means of the gradient and of its size."""

from __future__ import annotations

from typing import Any

import numpy as np

from chainrule._src.base.arguments import Count, Flag, Number, PositiveShare, Share
from chainrule._src.nn.optimizers.optimizer import Decay, Optimizer, Schedule, like


class _TwoMoments(Optimizer):
    """Base class: ``beta_1``, ``beta_2`` and ``epsilon``, and the first two moments in slots."""

    slots: tuple[str, ...] = ("m", "v")

    def __init__(
        self,
        learning_rate: float | Schedule = 0.001,
        beta_1: Share = 0.9,
        beta_2: Share = 0.999,
        epsilon: Number = 1e-7,
        **options: Any,
    ) -> None:
        super().__init__(learning_rate, **options)
        self.beta_1, self.beta_2, self.epsilon = beta_1, beta_2, epsilon

    def _mean(self, m: Any, g: Any) -> Any:
        return m + (g - m) * (1 - self.beta_1)

    def _moments(self, g: Any, slots: Any) -> tuple[Any, Any]:
        v = slots["v"] + (g**2 - slots["v"]) * (1 - self.beta_2)
        return self._mean(slots["m"], g), v


class Adam(_TwoMoments):
    r"""Divides the running mean of the gradient by its running root mean square.

    Both are corrected for their start at zero.

    .. math:: m \leftarrow \beta_1 m + (1 - \beta_1) g, \quad
              v \leftarrow \beta_2 v + (1 - \beta_2) g^2, \quad
              w \leftarrow w - \eta \frac{\sqrt{1 - \beta_2^t}}{1 - \beta_1^t}
              \frac{m}{\sqrt{v} + \varepsilon}

    Kingma, Ba, *Adam: A Method for Stochastic Optimization*, 2015.

    Parameters
    ----------
    learning_rate : float or callable, default 0.001
        :math:`\eta`.
    beta_1 : float, default 0.9
        :math:`\beta_1`, below 1.
    beta_2 : float, default 0.999
        :math:`\beta_2`, below 1.
    epsilon : float, default 1e-7
        :math:`\varepsilon`.
    amsgrad : bool, default False
        If true, steps use the largest :math:`v` so far (Reddi et al., *On the Convergence of
        Adam and Beyond*, 2018).
    **options
        Options of `Optimizer`.

    Raises
    ------
    DataError, UnknownNameError
        As for `Optimizer`.

    Examples
    --------
    >>> adam = Adam(0.1)
    >>> w, g = np.array([1.0, 1.0]), np.array([5.0, -0.01])
    >>> adam.update(w, g, adam.init(w))[0].round(4)  # the first steps have the size of the rate
    array([0.9, 1.1])
    """

    def __init__(
        self,
        learning_rate: float | Schedule = 0.001,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-7,
        amsgrad: Flag = False,
        **options: Any,
    ) -> None:
        super().__init__(learning_rate, beta_1, beta_2, epsilon, **options)
        self.amsgrad = amsgrad
        self.slots = ("m", "v", "v_max") if amsgrad else ("m", "v")

    def step(self, w: Any, g: Any, learning_rate: Any, t: Any, **slots: Any) -> Any:
        """Return the new weights and moments."""
        correction = np.sqrt(1 - self.beta_2**t) / (1 - self.beta_1**t)
        rate = learning_rate * like(correction, w)
        m, v = self._moments(g, slots)
        new_slots, spread = {"m": m, "v": v}, v
        if self.amsgrad:
            new_slots["v_max"] = spread = np.maximum(slots["v_max"], v)
        return w - m * rate / (np.sqrt(spread) + self.epsilon), new_slots


class AdamW(Adam):
    r"""Adds the weight decay :math:`\eta \lambda w` to `Adam`, decoupled from the gradient.

    Loshchilov, Hutter, *Decoupled Weight Decay Regularization*, 2019, algorithm 2.

    Parameters
    ----------
    learning_rate : float or callable, default 0.001
        :math:`\eta`.
    weight_decay : float or callable, default 0.004
        :math:`\lambda`.
    beta_1, beta_2, epsilon, amsgrad, **options
        Parameters of `Adam`.

    Raises
    ------
    DataError, UnknownNameError
        As for `Optimizer`.

    Examples
    --------
    >>> adamw = AdamW(0.1, weight_decay=0.5)
    >>> w = np.array([2.0, 2.0])
    >>> adamw.update(w, np.array([0.0, 4.0]), adamw.init(w))[0].round(4)  # 2 - 0.1 * 0.5 * 2 = 1.9
    array([1.9, 1.8])
    """

    def __init__(
        self,
        learning_rate: float | Schedule = 0.001,
        weight_decay: Decay = 0.004,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-7,
        amsgrad: bool = False,
        **options: Any,
    ) -> None:
        super().__init__(
            learning_rate, beta_1, beta_2, epsilon, amsgrad, weight_decay=weight_decay, **options
        )


class Adamax(_TwoMoments):
    r"""Replaces the root mean square of `Adam` by the decaying maximum of the gradient.

    .. math:: m \leftarrow \beta_1 m + (1 - \beta_1) g, \quad
              u \leftarrow \max(\beta_2 u, |g|), \quad
              w \leftarrow w - \frac{\eta}{1 - \beta_1^t} \frac{m}{u + \varepsilon}

    Kingma, Ba, *Adam: A Method for Stochastic Optimization*, 2015, section 7.1.

    Parameters
    ----------
    learning_rate : float or callable, default 0.001
        :math:`\eta`.
    beta_1 : float, default 0.9
        :math:`\beta_1`, below 1.
    beta_2 : float, default 0.999
        :math:`\beta_2`, below 1.
    epsilon : float, default 1e-7
        :math:`\varepsilon`.
    **options
        Options of `Optimizer`.

    Raises
    ------
    DataError, UnknownNameError
        As for `Optimizer`.

    Examples
    --------
    >>> adamax = Adamax(0.1, beta_1=0.0, beta_2=0.5)
    >>> w, state = adamax.update(np.array(1.0), np.array(4.0), adamax.init(np.array(1.0)))
    >>> float(w.round(4)), float(adamax.update(w, np.array(1.0), state)[0].round(4))  # 4 / 4, 1 / 2
    (0.9, 0.85)
    """

    slots = ("m", "u")

    def step(self, w: Any, g: Any, learning_rate: Any, t: Any, **slots: Any) -> Any:
        """Return the new weights, mean and norm."""
        rate = learning_rate * like(1 / (1 - self.beta_1**t), w)
        m = self._mean(slots["m"], g)
        u = np.maximum(self.beta_2 * slots["u"], np.abs(g))
        return w - m * rate / (u + self.epsilon), {"m": m, "u": u}


class Nadam(_TwoMoments):
    r"""Adds Nesterov's momentum to `Adam`; it grows with the number of updates.

    .. math:: \mu_t = \beta_1 \Big(1 - \frac{0.96^t}{2}\Big), \qquad
              \hat m = \frac{\mu_{t+1} m}{1 - \prod_{i=1}^{t+1} \mu_i}
              + \frac{(1 - \mu_t)\, g}{1 - \prod_{i=1}^{t} \mu_i}, \qquad
              w \leftarrow w - \eta \frac{\hat m}{\sqrt{v / (1 - \beta_2^t)} + \varepsilon}

    Dozat, *Incorporating Nesterov Momentum into Adam*, 2016, algorithm 2.

    Parameters
    ----------
    learning_rate : float or callable, default 0.001
        :math:`\eta`.
    beta_1 : float, default 0.9
        :math:`\beta_1`, below 1.
    beta_2 : float, default 0.999
        :math:`\beta_2`, below 1.
    epsilon : float, default 1e-7
        :math:`\varepsilon`.
    **options
        Options of `Optimizer`.

    Raises
    ------
    DataError, UnknownNameError
        As for `Optimizer`.

    Examples
    --------
    >>> nadam, w = Nadam(0.1), np.array(1.0)
    >>> float(nadam.update(w, np.array(5.0), nadam.init(w))[0].round(4))  # `Adam` takes 0.9
    0.8937
    """

    slots = ("m", "v", "product")

    def start(self, slot: str, w: Any) -> Any:
        """Return zero for the moments, and 1 for the product."""
        return np.ones((), w.dtype) if slot == "product" else np.zeros_like(w)

    def step(self, w: Any, g: Any, learning_rate: Any, t: Any, **slots: Any) -> Any:
        """Return the new weights, moments and product."""
        now = like(self.beta_1 * (1 - 0.5 * 0.96**t), w)
        then = like(self.beta_1 * (1 - 0.5 * 0.96 ** (t + 1)), w)
        m, v = self._moments(g, slots)
        product = slots["product"] * now
        m_hat = m * (then / (1 - product * then)) + g * ((1 - now) / (1 - product))
        v_hat = v / like(1 - self.beta_2**t, w)
        change = learning_rate * m_hat / (np.sqrt(v_hat) + self.epsilon)
        return w - change, {"m": m, "v": v, "product": product}


class Lamb(_TwoMoments):
    r"""Scales the step of `Adam` for each array to the norm of the weights times the learning rate.

    .. math:: r = \frac{m / (1 - \beta_1^t)}{\sqrt{v / (1 - \beta_2^t)} + \varepsilon}, \qquad
              w \leftarrow w - \eta \frac{\lVert w \rVert}{\lVert r \rVert}\, r

    You et al., *Large Batch Optimization for Deep Learning*, 2020, algorithm 2. If one of the
    norms is zero, the ratio is 1.

    Parameters
    ----------
    learning_rate : float or callable, default 0.001
        :math:`\eta`.
    beta_1 : float, default 0.9
        :math:`\beta_1`, below 1.
    beta_2 : float, default 0.999
        :math:`\beta_2`, below 1.
    epsilon : float, default 1e-7
        :math:`\varepsilon`.
    **options
        Options of `Optimizer`.

    Raises
    ------
    DataError, UnknownNameError
        As for `Optimizer`.

    Examples
    --------
    >>> lamb, w = Lamb(0.1), np.array([3.0, 4.0])
    >>> new, _ = lamb.update(w, np.array([10.0, -0.2]), lamb.init(w))
    >>> float(np.linalg.norm(new - w).round(4))  # 0.1 times the norm of w, 5
    0.5
    """

    def step(self, w: Any, g: Any, learning_rate: Any, t: Any, **slots: Any) -> Any:
        """Return the new weights and moments."""
        m, v = self._moments(g, slots)
        m_hat, v_hat = m / like(1 - self.beta_1**t, w), v / like(1 - self.beta_2**t, w)
        r = m_hat / (np.sqrt(v_hat) + self.epsilon)
        long, short = np.sqrt(np.sum(w**2)), np.sqrt(np.sum(r**2))
        is_ratio = (long > 0) & (short > 0)
        ratio = np.where(is_ratio, long / np.where(is_ratio, short, 1), 1)
        return w - learning_rate * ratio * r, {"m": m, "v": v}


class ScheduleFreeAdamW(_TwoMoments):
    r"""Averages the iterates of `AdamW` instead of lowering the learning rate.

    .. math:: z' = z - \eta \frac{g}{\sqrt{v / (1 - \beta_2^t)} + \varepsilon}, \qquad
              x \leftarrow \Big(1 - \frac1t\Big) x + \frac1t z', \qquad
              w \leftarrow (1 - \beta_1) z' + \beta_1 x

    where :math:`x = (w - (1 - \beta_1) z) / \beta_1`. Defazio et al., *The Road Less Scheduled*,
    2024, algorithm 1.

    Parameters
    ----------
    learning_rate : float or callable, default 0.0025
        :math:`\eta`.
    beta_1 : float, default 0.9
        Above 0.
    beta_2 : float, default 0.999
        :math:`\beta_2`, below 1.
    epsilon : float, default 1e-8
        :math:`\varepsilon`.
    warmup_steps : int, default 0
        Number of updates in which the learning rate rises from 0.
    **options
        Options of `Optimizer`.

    Raises
    ------
    DataError, UnknownNameError
        As for `Optimizer`.

    Examples
    --------
    >>> rule, g = ScheduleFreeAdamW(0.1), np.array(5.0)
    >>> w, state = rule.update(np.array(1.0), g, rule.init(np.array(1.0)))  # z = 0.9
    >>> w, state = rule.update(w, g, state)  # z = 0.8, x = (0.9 + 0.8) / 2
    >>> float(w.round(4))  # 0.1 z + 0.9 x
    0.845
    """

    slots = ("z", "v")

    def __init__(
        self,
        learning_rate: float | Schedule = 0.0025,
        beta_1: PositiveShare = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-8,
        warmup_steps: Count = 0,
        **options: Any,
    ) -> None:
        super().__init__(learning_rate, beta_1, beta_2, epsilon, **options)
        self.warmup_steps = warmup_steps

    def start(self, slot: str, w: Any) -> Any:
        """Return a copy of the weights for ``z``, and zeros for ``v``."""
        return np.array(w) if slot == "z" else np.zeros_like(w)

    def step(self, w: Any, g: Any, learning_rate: Any, t: Any, **slots: Any) -> Any:
        """Return the new weights, the iterates without averaging, and the mean squares."""
        if self.warmup_steps:
            learning_rate = learning_rate * like(np.minimum(t / self.warmup_steps, 1), w)
        v = slots["v"] + (g**2 - slots["v"]) * (1 - self.beta_2)
        spread = np.sqrt(v / like(1 - self.beta_2**t, w)) + self.epsilon
        z = slots["z"] - learning_rate * g / spread
        x = (w - (1 - self.beta_1) * slots["z"]) / self.beta_1
        share = like(1 / t, w)
        x = (1 - share) * x + share * z
        return (1 - self.beta_1) * z + self.beta_1 * x, {"z": z, "v": v}
