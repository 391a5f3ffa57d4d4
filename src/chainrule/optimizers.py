r"""Update rules, as plain NumPy code: they are traced into the program like the loss.

Names, arguments, defaults and formulas are Keras's. An optimizer of your own is one class::

    class Lion(Optimizer):
        slots = ("momentum",)

        def step(self, w, g, learning_rate, t, momentum):
            update = np.sign(0.9 * momentum + 0.1 * g)
            return w - learning_rate * update, {"momentum": 0.99 * momentum + 0.01 * g}
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from chainrule.autodiff.trees import leaves, map_leaves
from chainrule.errors import DataError
from chainrule.schedules import (
    CosineDecay,
    ExponentialDecay,
    InverseTimeDecay,
    PiecewiseConstantDecay,
    PolynomialDecay,
)
from chainrule.validation import check_number, lookup

__all__ = [
    "SGD", "Adagrad", "Adam", "AdamW", "CosineDecay", "ExponentialDecay", "InverseTimeDecay",
    "Optimizer", "PiecewiseConstantDecay", "PolynomialDecay", "RMSprop",
]  # fmt: skip

Schedule = Callable[[Any], Any]


class Optimizer:
    r"""What all optimizers share: clipping, decay of weights, the learning rate's schedule.

    Parameters
    ----------
    learning_rate : float or callable
        A number, or a function of the number of updates done, in NumPy: see `chainrule.schedules`.
    weight_decay : float, optional
        Share of the learning rate by which weights shrink at every update, apart from the gradient
        (Loshchilov, Hutter, *Decoupled Weight Decay Regularization*, 2019).
    clipnorm : float, optional
        Largest norm of the gradient of one array; longer ones are scaled down.
    clipvalue : float, optional
        Largest absolute value of a gradient's entry.
    global_clipnorm : float, optional
        Largest norm of all gradients together.
    l2 : float, default 0
        Weight of :math:`\lVert w \rVert^2 / 2` in the loss, as gradient :math:`\lambda w`.

    Attributes
    ----------
    slots : tuple of str
        Names of the arrays that are kept for every parameter, zero at first.
    """

    slots: tuple[str, ...] = ()

    def __init__(
        self,
        learning_rate: float | Schedule = 0.01,
        *,
        weight_decay: float | None = None,
        clipnorm: float | None = None,
        clipvalue: float | None = None,
        global_clipnorm: float | None = None,
        l2: float = 0.0,
    ) -> None:
        name = type(self).__name__
        if not callable(learning_rate):
            learning_rate = check_number(learning_rate, "learning_rate", name)
        limits = {"clipnorm": clipnorm, "clipvalue": clipvalue, "global_clipnorm": global_clipnorm}
        given = [key for key, limit in limits.items() if limit is not None]
        if len(given) > 1:
            raise DataError(f"{name}: expected one way of clipping, received {', '.join(given)}")
        for key, limit in {**limits, "weight_decay": weight_decay, "l2": l2}.items():
            if limit is not None:
                check_number(limit, key, name)
        self.learning_rate = learning_rate
        self.weight_decay, self.l2 = weight_decay, l2
        self.clipnorm, self.clipvalue, self.global_clipnorm = clipnorm, clipvalue, global_clipnorm

    def step(self, w: Any, g: Any, learning_rate: Any, t: Any, **slots: Any) -> Any:
        """Return the new value of one array and of its slots.

        Parameters
        ----------
        w, g : array
            The parameter and its gradient.
        learning_rate : number
            Of ``w``'s dtype.
        t : number
            Of the update, from 1; a float64, so cast what becomes of it: ``.astype(w.dtype)``.
        **slots
            The arrays kept for this parameter.
        """
        raise NotImplementedError(f"{type(self).__name__} must define step")

    def init(self, params: Any) -> dict[str, Any]:
        """Return what the optimizer remembers, at the start."""
        state: dict[str, Any] = {slot: map_leaves(np.zeros_like, params) for slot in self.slots}
        state["iteration"] = np.float64(0)
        if not callable(self.learning_rate):
            state["learning_rate"] = np.float64(self.learning_rate)
        return state

    def update(self, params: Any, gradients: Any, state: dict[str, Any]) -> tuple[Any, Any]:
        """Return new parameters and a new state, from old ones and gradients."""
        gradients = self._clipped(params, gradients)
        done = state["iteration"]
        rate = self.learning_rate(done) if callable(self.learning_rate) else state["learning_rate"]
        t = done + 1

        def renewed(w: Any, g: Any, *kept: Any) -> Any:
            lr = _like(rate, w)
            if self.weight_decay:
                w = w - w * (lr * self.weight_decay)
            return self.step(w, g, lr, t, **dict(zip(self.slots, kept, strict=True)))

        results = [
            renewed(w, g, *kept)
            for (_, w), (_, g), *kept in zip(
                leaves(params),
                leaves(gradients),
                *([leaf for _, leaf in leaves(state[slot])] for slot in self.slots),
                strict=True,
            )
        ]
        new = iter(
            [_like(w, old) for (w, _), (_, old) in zip(results, leaves(params), strict=True)]
        )
        changed = {**state, "iteration": t}
        for slot in self.slots:
            values = iter([kept[slot] for _, kept in results])
            changed[slot] = map_leaves(lambda old, v=values: _like(next(v), old), state[slot])
        return map_leaves(lambda _: next(new), params), changed

    def _clipped(self, params: Any, gradients: Any) -> Any:
        if self.l2:
            gradients = map_leaves(lambda g, w: g + self.l2 * w, gradients, params)
        if self.clipvalue is not None:
            limit = self.clipvalue
            return map_leaves(lambda g: np.clip(g, -limit, limit), gradients)
        if self.clipnorm is not None:
            return map_leaves(lambda g: _shortened(g, np.sum(g**2), self.clipnorm), gradients)
        if self.global_clipnorm is not None:
            total = sum(np.sum(g**2) for _, g in leaves(gradients))
            return map_leaves(lambda g: _shortened(g, total, self.global_clipnorm), gradients)
        return gradients

    def __repr__(self) -> str:
        given = ", ".join(f"{name}={value!r}" for name, value in vars(self).items() if value)
        return f"{type(self).__name__}({given})"


def _like(value: Any, w: Any) -> Any:
    """Return a value in the dtype of ``w``."""
    if not hasattr(value, "dtype"):
        value = np.asarray(value)
    return value if value.dtype == w.dtype else value.astype(w.dtype)


def _shortened(g: Any, square: Any, limit: Any) -> Any:
    norm = np.sqrt(square)
    return g * _like(limit / np.maximum(norm, limit), g)


class SGD(Optimizer):
    r"""Gradient descent, with momentum.

    .. math:: v \leftarrow \mu v - \eta g, \qquad w \leftarrow w + v

    With ``nesterov`` the weights take :math:`\mu v - \eta g` of the new :math:`v` instead
    (Sutskever et al., *On the importance of initialization and momentum in deep learning*, 2013).

    Parameters
    ----------
    learning_rate : float or callable, default 0.01
    momentum : float, default 0
    nesterov : bool, default False
    **options
        Those of `Optimizer`.

    Examples
    --------
    >>> import numpy as np
    >>> sgd = SGD(0.5)
    >>> sgd.update(np.array(3.0), np.array(2.0), sgd.init(np.array(3.0)))[0]
    np.float64(2.0)
    """

    def __init__(
        self,
        learning_rate: float | Schedule = 0.01,
        momentum: float = 0.0,
        nesterov: bool = False,
        **options: Any,
    ) -> None:
        super().__init__(learning_rate, **options)
        self.momentum = check_number(momentum, "momentum", "SGD", high=1.0)
        self.nesterov = nesterov
        self.slots = ("velocity",) if momentum else ()

    def step(self, w: Any, g: Any, learning_rate: Any, t: Any, **slots: Any) -> Any:
        """Return the new weights and velocity."""
        if not slots:
            return w - learning_rate * g, {}
        velocity = self.momentum * slots["velocity"] - learning_rate * g
        if self.nesterov:
            return w + self.momentum * velocity - learning_rate * g, {"velocity": velocity}
        return w + velocity, {"velocity": velocity}


class RMSprop(Optimizer):
    r"""Gradients divided by their running root mean square.

    .. math:: v \leftarrow \rho v + (1 - \rho) g^2, \qquad
              w \leftarrow w - \eta \frac{g}{\sqrt{v + \varepsilon}}

    Tieleman, Hinton, *Lecture 6.5*, 2012. ``centered`` subtracts the square of the running mean;
    ``momentum`` accumulates the steps.
    """

    def __init__(
        self,
        learning_rate: float | Schedule = 0.001,
        rho: float = 0.9,
        momentum: float = 0.0,
        epsilon: float = 1e-7,
        centered: bool = False,
        **options: Any,
    ) -> None:
        super().__init__(learning_rate, **options)
        self.rho = check_number(rho, "rho", "RMSprop", high=1.0)
        self.momentum = check_number(momentum, "momentum", "RMSprop", high=1.0)
        self.epsilon, self.centered = check_number(epsilon, "epsilon", "RMSprop"), centered
        extra = ("momentum",) * bool(momentum) + ("average",) * bool(centered)
        self.slots = ("velocity", *extra)

    def step(self, w: Any, g: Any, learning_rate: Any, t: Any, **slots: Any) -> Any:
        """Return the new weights and running means."""
        kept = {"velocity": self.rho * slots["velocity"] + (1 - self.rho) * g**2}
        spread = kept["velocity"]
        if self.centered:
            kept["average"] = self.rho * slots["average"] + (1 - self.rho) * g
            spread = spread - kept["average"] ** 2
        change = learning_rate * g / np.sqrt(spread + self.epsilon)
        if self.momentum:
            kept["momentum"] = change = self.momentum * slots["momentum"] + change
        return w - change, kept


class Adam(Optimizer):
    r"""Running means of the gradient and of its square, corrected for their start at zero.

    .. math:: m \leftarrow \beta_1 m + (1 - \beta_1) g, \quad
              v \leftarrow \beta_2 v + (1 - \beta_2) g^2, \quad
              w \leftarrow w - \eta \frac{\sqrt{1 - \beta_2^t}}{1 - \beta_1^t}
              \frac{m}{\sqrt{v} + \varepsilon}

    Kingma, Ba, *Adam: A Method for Stochastic Optimization*, 2015; ``amsgrad`` divides by the
    largest :math:`v` so far (Reddi et al., 2018).
    """

    def __init__(
        self,
        learning_rate: float | Schedule = 0.001,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-7,
        amsgrad: bool = False,
        **options: Any,
    ) -> None:
        super().__init__(learning_rate, **options)
        name = type(self).__name__
        self.beta_1 = check_number(beta_1, "beta_1", name, high=1.0)
        self.beta_2 = check_number(beta_2, "beta_2", name, high=1.0)
        self.epsilon, self.amsgrad = check_number(epsilon, "epsilon", name), amsgrad
        self.slots = ("m", "v", "v_max") if amsgrad else ("m", "v")

    def step(self, w: Any, g: Any, learning_rate: Any, t: Any, **slots: Any) -> Any:
        """Return the new weights and moments."""
        correction = np.sqrt(1 - self.beta_2**t) / (1 - self.beta_1**t)
        rate = learning_rate * _like(correction, w)
        m = slots["m"] + (g - slots["m"]) * (1 - self.beta_1)
        v = slots["v"] + (g**2 - slots["v"]) * (1 - self.beta_2)
        kept, spread = {"m": m, "v": v}, v
        if self.amsgrad:
            kept["v_max"] = spread = np.maximum(slots["v_max"], v)
        return w - m * rate / (np.sqrt(spread) + self.epsilon), kept


class AdamW(Adam):
    """`Adam` with decoupled weight decay (Loshchilov, Hutter, 2019)."""

    def __init__(
        self,
        learning_rate: float | Schedule = 0.001,
        weight_decay: float = 0.004,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-7,
        amsgrad: bool = False,
        **options: Any,
    ) -> None:
        super().__init__(
            learning_rate, beta_1, beta_2, epsilon, amsgrad, weight_decay=weight_decay, **options
        )


class Adagrad(Optimizer):
    r"""Gradients divided by the root of the sum of their squares.

    .. math:: a \leftarrow a + g^2, \qquad w \leftarrow w - \eta \frac{g}{\sqrt{a + \varepsilon}}

    Duchi, Hazan, Singer, *Adaptive Subgradient Methods*, 2011.
    """

    slots = ("accumulator",)

    def __init__(
        self,
        learning_rate: float | Schedule = 0.001,
        initial_accumulator_value: float = 0.1,
        epsilon: float = 1e-7,
        **options: Any,
    ) -> None:
        super().__init__(learning_rate, **options)
        self.initial_accumulator_value = check_number(
            initial_accumulator_value, "initial_accumulator_value", "Adagrad"
        )
        self.epsilon = check_number(epsilon, "epsilon", "Adagrad")

    def init(self, params: Any) -> dict[str, Any]:
        """Return what the optimizer remembers, at the start."""
        start = self.initial_accumulator_value
        full = map_leaves(lambda w: np.full_like(w, start), params)
        return {**super().init(params), "accumulator": full}

    def step(self, w: Any, g: Any, learning_rate: Any, t: Any, **slots: Any) -> Any:
        """Return the new weights and sums."""
        accumulator = slots["accumulator"] + g**2
        change = learning_rate * g / np.sqrt(accumulator + self.epsilon)
        return w - change, {"accumulator": accumulator}


OPTIMIZERS: dict[str, type[Optimizer]] = {
    "sgd": SGD, "rmsprop": RMSprop, "adam": Adam, "adamw": AdamW, "adagrad": Adagrad,
}  # fmt: skip
"""Each optimizer by its name."""


def get(optimizer: str | Optimizer, where: str) -> Optimizer:
    """Return an optimizer, by name with its default arguments."""
    if isinstance(optimizer, str):
        return lookup("optimizer", optimizer.lower(), OPTIMIZERS)()
    if not all(callable(getattr(optimizer, name, None)) for name in ("init", "update")):
        raise DataError(
            f"{where}: optimizer must be a name ({', '.join(OPTIMIZERS)}) or an object with init "
            f"and update, received {optimizer!r}"
        )
    return optimizer
