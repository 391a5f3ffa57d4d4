"""Optimizers with one running mean of the gradient."""

from __future__ import annotations

from typing import Any

import numpy as np

from chainrule._src.base.arguments import Flag, PositiveShare, Share
from chainrule._src.nn.optimizers.optimizer import Optimizer, Schedule


class SGD(Optimizer):
    r"""Runs gradient descent, with momentum.

    .. math:: v \leftarrow \mu v - \eta g, \qquad w \leftarrow w + v

    With ``nesterov`` the step is :math:`\mu v - \eta g` with the new :math:`v` instead
    (Sutskever et al., *On the importance of initialization and momentum in deep learning*, 2013).

    Parameters
    ----------
    learning_rate : float or callable, default 0.01
        :math:`\eta`.
    momentum : float, default 0
        :math:`\mu`, below 1.
    nesterov : bool, default False
        If true, the gradient's step is taken from the point to which the momentum leads.
    **options
        Options of `Optimizer`.

    Raises
    ------
    DataError, UnknownNameError
        As for `Optimizer`.

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
        momentum: Share = 0.0,
        nesterov: Flag = False,
        **options: Any,
    ) -> None:
        super().__init__(learning_rate, **options)
        self.momentum, self.nesterov = momentum, nesterov
        self.slots = ("velocity",) if momentum else ()

    def step(self, w: Any, g: Any, learning_rate: Any, t: Any, **slots: Any) -> Any:
        """Return the new weights and velocity."""
        if not slots:
            return w - learning_rate * g, {}
        velocity = self.momentum * slots["velocity"] - learning_rate * g
        if self.nesterov:
            return w + self.momentum * velocity - learning_rate * g, {"velocity": velocity}
        return w + velocity, {"velocity": velocity}


class Lion(Optimizer):
    r"""Makes steps of constant size in the direction of the sign of a running mean.

    .. math:: w \leftarrow w - \eta\, \mathrm{sign}(\beta_1 m + (1 - \beta_1) g), \qquad
              m \leftarrow \beta_2 m + (1 - \beta_2) g

    Chen et al., *Symbolic Discovery of Optimization Algorithms*, 2023.

    Parameters
    ----------
    learning_rate : float or callable, default 0.001
        :math:`\eta`; use a third to a tenth of the learning rate for `Adam`.
    beta_1 : float, default 0.9
        Above 0; with 0 the step would be the sign of the present gradient.
    beta_2 : float, default 0.99
        :math:`\beta_2`, below 1.
    **options
        Options of `Optimizer`.

    Raises
    ------
    DataError, UnknownNameError
        As for `Optimizer`.

    Examples
    --------
    >>> import numpy as np
    >>> lion = Lion(0.1)
    >>> lion.update(np.array([1.0, 2.0]), np.array([5.0, -0.1]), lion.init(np.zeros(2)))[0]
    array([0.9, 2.1])
    """

    slots = ("momentum",)

    def __init__(
        self,
        learning_rate: float | Schedule = 0.001,
        beta_1: PositiveShare = 0.9,
        beta_2: Share = 0.99,
        **options: Any,
    ) -> None:
        super().__init__(learning_rate, **options)
        self.beta_1, self.beta_2 = beta_1, beta_2

    def step(self, w: Any, g: Any, learning_rate: Any, t: Any, **slots: Any) -> Any:
        """Return the new weights and mean."""
        momentum = slots["momentum"]
        direction = np.sign(self.beta_1 * momentum + (1 - self.beta_1) * g)
        momentum = self.beta_2 * momentum + (1 - self.beta_2) * g
        return w - learning_rate * direction, {"momentum": momentum}
