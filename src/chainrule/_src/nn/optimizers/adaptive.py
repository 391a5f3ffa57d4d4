"""Optimizers that divide gradients by the size of earlier gradients."""

from __future__ import annotations

from typing import Any

import numpy as np

from chainrule._src.base.arguments import Flag, Number, PositiveNumber, Real, Share
from chainrule._src.base.errors import DataError
from chainrule._src.nn.optimizers.optimizer import Optimizer, Schedule, like


class RMSprop(Optimizer):
    r"""Divides gradients by their running root mean square.

    .. math:: v \leftarrow \rho v + (1 - \rho) g^2, \qquad
              w \leftarrow w - \eta \frac{g}{\sqrt{v + \varepsilon}}

    Tieleman, Hinton, *Lecture 6.5*, 2012.

    Parameters
    ----------
    learning_rate : float or callable, default 0.001
        :math:`\eta`.
    rho : float, default 0.9
        :math:`\rho`, below 1.
    momentum : float, default 0
        Share of the previous step that is added to a step.
    epsilon : float, default 1e-7
        :math:`\varepsilon`.
    centered : bool, default False
        If true, the square of the running mean is subtracted from :math:`v`.
    **options
        Options of `Optimizer`.

    Raises
    ------
    DataError, UnknownNameError
        As for `Optimizer`.

    Examples
    --------
    >>> rule = RMSprop(0.1, rho=0.75)
    >>> w, g = np.array([1.0, 1.0]), np.array([8.0, -0.5])
    >>> rule.update(w, g, rule.init(w))[0].round(4)  # v = g**2 / 4: both steps are 0.1 / (1 / 2)
    array([0.8, 1.2])
    """

    def __init__(
        self,
        learning_rate: float | Schedule = 0.001,
        rho: Share = 0.9,
        momentum: Share = 0.0,
        epsilon: Number = 1e-7,
        centered: Flag = False,
        **options: Any,
    ) -> None:
        super().__init__(learning_rate, **options)
        self.rho, self.momentum, self.epsilon, self.centered = rho, momentum, epsilon, centered
        extra = ("momentum",) * bool(momentum) + ("average",) * centered
        self.slots = ("velocity", *extra)

    def step(self, w: Any, g: Any, learning_rate: Any, t: Any, **slots: Any) -> Any:
        """Return the new weights and running means."""
        new_slots = {"velocity": self.rho * slots["velocity"] + (1 - self.rho) * g**2}
        spread = new_slots["velocity"]
        if self.centered:
            new_slots["average"] = self.rho * slots["average"] + (1 - self.rho) * g
            spread = spread - new_slots["average"] ** 2
        change = learning_rate * g / np.sqrt(spread + self.epsilon)
        if self.momentum:
            new_slots["momentum"] = change = self.momentum * slots["momentum"] + change
        return w - change, new_slots


class Adagrad(Optimizer):
    r"""Divides gradients by the root of the sum of their squares.

    .. math:: a \leftarrow a + g^2, \qquad w \leftarrow w - \eta \frac{g}{\sqrt{a + \varepsilon}}

    Duchi, Hazan, Singer, *Adaptive Subgradient Methods*, 2011.

    Parameters
    ----------
    learning_rate : float or callable, default 0.001
        :math:`\eta`.
    initial_accumulator_value : float, default 0.1
        Initial value of the sums.
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
    >>> rule = Adagrad(0.1, initial_accumulator_value=0.0)
    >>> w, state = rule.update(np.array(1.0), np.array(3.0), rule.init(np.array(1.0)))
    >>> float(w.round(4)), float(rule.update(w, np.array(4.0), state)[0].round(4))  # 3 / 3, 4 / 5
    (0.9, 0.82)
    """

    slots = ("accumulator",)

    def __init__(
        self,
        learning_rate: float | Schedule = 0.001,
        initial_accumulator_value: Number = 0.1,
        epsilon: Number = 1e-7,
        **options: Any,
    ) -> None:
        super().__init__(learning_rate, **options)
        self.initial_accumulator_value, self.epsilon = initial_accumulator_value, epsilon

    def start(self, slot: str, w: Any) -> Any:
        """Return the sums before the first update."""
        return np.full_like(w, self.initial_accumulator_value)

    def step(self, w: Any, g: Any, learning_rate: Any, t: Any, **slots: Any) -> Any:
        """Return the new weights and sums."""
        accumulator = slots["accumulator"] + g**2
        change = learning_rate * g / np.sqrt(accumulator + self.epsilon)
        return w - change, {"accumulator": accumulator}


class Adadelta(Optimizer):
    r"""Divides gradients by their running root mean square, and multiplies by that of the steps.

    .. math:: a \leftarrow \rho a + (1 - \rho) g^2, \quad
              \Delta = \sqrt{\frac{d + \varepsilon}{a + \varepsilon}}\, g, \quad
              d \leftarrow \rho d + (1 - \rho) \Delta^2, \quad
              w \leftarrow w - \eta \Delta

    Zeiler, *ADADELTA: An Adaptive Learning Rate Method*, 2012, algorithm 1, where
    :math:`\eta = 1`.

    Parameters
    ----------
    learning_rate : float or callable, default 0.001
        :math:`\eta`.
    rho : float, default 0.95
        :math:`\rho`, below 1.
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
    >>> rule = Adadelta(1.0, rho=0.0, epsilon=9.0)
    >>> float(rule.update(np.array(3.0), np.array(4.0), rule.init(np.array(3.0)))[0].round(4))
    0.6
    """

    slots = ("accumulated_grad", "accumulated_delta")

    def __init__(
        self,
        learning_rate: float | Schedule = 0.001,
        rho: Share = 0.95,
        epsilon: Number = 1e-7,
        **options: Any,
    ) -> None:
        super().__init__(learning_rate, **options)
        self.rho, self.epsilon = rho, epsilon

    def step(self, w: Any, g: Any, learning_rate: Any, t: Any, **slots: Any) -> Any:
        """Return the new weights and running means."""
        rho, deltas = self.rho, slots["accumulated_delta"]
        grads = rho * slots["accumulated_grad"] + (1 - rho) * g**2
        delta = np.sqrt(deltas + self.epsilon) * g / np.sqrt(grads + self.epsilon)
        deltas = rho * deltas + (1 - rho) * delta**2
        return w - learning_rate * delta, {"accumulated_grad": grads, "accumulated_delta": deltas}


class Ftrl(Optimizer):
    r"""Follows the regularized leader: weights that the sum of gradients does not justify are zero.

    .. math:: n' = n + g^2, \qquad \sigma = \frac{n'^{-p} - n^{-p}}{\eta}, \qquad
              z \leftarrow z + g + 2 \lambda_s w - \sigma w, \qquad
              w \leftarrow \frac{\mathrm{clip}(z, -\lambda_1, \lambda_1) - z}
              {n'^{-p} / \eta + 2 \lambda_2 + \beta / \eta}

    McMahan et al., *Ad Click Prediction: a View from the Trenches*, 2013, algorithm 1.

    Parameters
    ----------
    learning_rate : float or callable, default 0.001
        Above 0, also at the end of a schedule, because weights are divided by it.
    learning_rate_power : float, default -0.5
        :math:`p`, at most 0.
    initial_accumulator_value : float, default 0.1
        Initial value of :math:`n`.
    l1_regularization_strength, l2_regularization_strength : float, default 0
        :math:`\lambda_1` and :math:`\lambda_2`.
    l2_shrinkage_regularization_strength : float, default 0
        :math:`\lambda_s`, a penalty that is added to the gradient only.
    beta : float, default 0
        :math:`\beta`.
    **options
        Options of `Optimizer`.

    Raises
    ------
    DataError
        If ``learning_rate`` is not above 0, ``learning_rate_power`` is above 0, or another option
        is out of its range.
    UnknownNameError
        If there is no such option.

    Examples
    --------
    >>> rule = Ftrl(0.1, initial_accumulator_value=0.0, l1_regularization_strength=1.0)
    >>> w = np.zeros(2)
    >>> rule.update(w, np.array([0.5, -2.0]), rule.init(w))[0]  # 0, and (2 - 1) / (2 / 0.1)
    array([0.  , 0.05])
    """

    slots = ("accumulator", "linear")

    def __init__(
        self,
        learning_rate: float | Schedule = 0.001,
        learning_rate_power: Real = -0.5,
        initial_accumulator_value: Number = 0.1,
        l1_regularization_strength: Number = 0.0,
        l2_regularization_strength: Number = 0.0,
        l2_shrinkage_regularization_strength: Number = 0.0,
        beta: Number = 0.0,
        **options: Any,
    ) -> None:
        super().__init__(learning_rate, **options)
        if not callable(learning_rate) and learning_rate == 0:
            raise DataError("Ftrl: learning_rate must be above 0, weights are divided by it")
        if learning_rate_power > 0:
            raise DataError(
                f"Ftrl: learning_rate_power must be at most 0, received {learning_rate_power}"
            )
        self.learning_rate_power, self.beta = learning_rate_power, beta
        self.initial_accumulator_value = initial_accumulator_value
        self.l1_regularization_strength = l1_regularization_strength
        self.l2_regularization_strength = l2_regularization_strength
        self.l2_shrinkage_regularization_strength = l2_shrinkage_regularization_strength

    def start(self, slot: str, w: Any) -> Any:
        """Return the sums before the first update."""
        return np.full_like(w, self.initial_accumulator_value if slot == "accumulator" else 0)

    def step(self, w: Any, g: Any, learning_rate: Any, t: Any, **slots: Any) -> Any:
        """Return the new weights and sums."""
        power, l1 = -self.learning_rate_power, self.l1_regularization_strength
        accumulator = slots["accumulator"] + g**2
        before, after = slots["accumulator"] ** power, accumulator**power
        shrinkage = 2 * self.l2_shrinkage_regularization_strength * w
        linear = slots["linear"] + g + shrinkage - (after - before) / learning_rate * w
        curvature = (after + self.beta) / learning_rate + 2 * self.l2_regularization_strength
        w = (np.clip(linear, -l1, l1) - linear) / curvature
        return w, {"accumulator": accumulator, "linear": linear}


class Adafactor(Optimizer):
    r"""Divides gradients by root mean squares, which it stores per row and column of a matrix.

    .. math:: r \leftarrow \beta_t r + (1 - \beta_t) \overline{g^2}^{\,row}, \quad
              c \leftarrow \beta_t c + (1 - \beta_t) \overline{g^2}^{\,column}, \quad
              u = g \Big/ \sqrt{r c^T / \bar r}, \quad
              w \leftarrow w - \frac{\max(\varepsilon_2, \mathrm{rms}(w)) \min(\eta, 1 / \sqrt t)}
              {\max(1, \mathrm{rms}(u) / d)}\, u

    with :math:`\beta_t = 1 - t^p`.

    Shazeer, Stern, *Adafactor: Adaptive Learning Rates with Sublinear Memory Cost*, 2018,
    algorithm 4.

    Parameters
    ----------
    learning_rate : float or callable, default 0.001
        :math:`\eta`.
    beta_2_decay : float, default -0.8
        :math:`p`, at most 0.
    epsilon_1 : float, default 1e-30
        Number that is added to the squares of the gradient.
    epsilon_2 : float, default 0.001
        :math:`\varepsilon_2`, the least root mean square of weights that scales a step.
    clip_threshold : float, default 1
        :math:`d`.
    relative_step : bool, default True
        Ignored, as in Keras: steps always decrease with :math:`1 / \sqrt t`.
    **options
        Options of `Optimizer`.

    Raises
    ------
    DataError
        If ``beta_2_decay`` is above 0, or another option is out of its range.
    UnknownNameError
        If there is no such option.

    Examples
    --------
    >>> state = Adafactor().init(np.zeros((300, 200)))
    >>> state["r"].shape, state["c"].shape  # 500 numbers for 60,000 weights
    ((300,), (200,))
    """

    slots = ("r", "c", "v")

    def __init__(
        self,
        learning_rate: float | Schedule = 0.001,
        beta_2_decay: Real = -0.8,
        epsilon_1: Number = 1e-30,
        epsilon_2: Number = 0.001,
        clip_threshold: PositiveNumber = 1.0,
        relative_step: Flag = True,
        **options: Any,
    ) -> None:
        super().__init__(learning_rate, **options)
        if beta_2_decay > 0:
            raise DataError(f"Adafactor: beta_2_decay must be at most 0, received {beta_2_decay}")
        self.beta_2_decay, self.clip_threshold = beta_2_decay, clip_threshold
        self.epsilon_1, self.epsilon_2, self.relative_step = epsilon_1, epsilon_2, relative_step

    def start(self, slot: str, w: Any) -> Any:
        """Return zeros: per row and column for a matrix, per entry for fewer axes."""
        shapes = {"r": w.shape[:-1], "c": (*w.shape[:-2], *w.shape[-1:]), "v": w.shape}
        used = ("r", "c") if w.ndim > 1 else ("v",)
        return np.zeros(shapes[slot] if slot in used else (), w.dtype)

    def step(self, w: Any, g: Any, learning_rate: Any, t: Any, **slots: Any) -> Any:
        """Return the new weights and running means."""
        new_slots, beta = dict(slots), like(1 - t**self.beta_2_decay, w)
        squares = g**2 + self.epsilon_1

        def mean(slot: str, new: Any) -> Any:
            new_slots[slot] = beta * slots[slot] + (1 - beta) * new
            return new_slots[slot]

        if w.ndim > 1:
            r, c = mean("r", np.mean(squares, axis=-1)), mean("c", np.mean(squares, axis=-2))
            r = r / np.mean(r, axis=-1, keepdims=True)
            spread = np.expand_dims(r, -1) * np.expand_dims(c, -2)
        else:
            spread = mean("v", squares)
        change = g / np.sqrt(spread)
        change = change / np.maximum(1, _rms(change) / self.clip_threshold)
        rate = np.minimum(learning_rate, like(1 / np.sqrt(t), w))
        return w - np.maximum(self.epsilon_2, _rms(w)) * rate * change, new_slots


def _rms(x: Any) -> Any:
    return np.sqrt(np.mean(x**2))
