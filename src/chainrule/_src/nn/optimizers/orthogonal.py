"""Muon: matrices step by their momentum, made orthogonal."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from chainrule._src.base.arguments import Count, Flag, Number, Real, Share
from chainrule._src.core.trees import Path
from chainrule._src.nn.optimizers.moments import Adam
from chainrule._src.nn.optimizers.optimizer import Optimizer, Schedule


class Muon(Optimizer):
    r"""Makes the momentum of matrices orthogonal, and updates other arrays as `AdamW` does.

    .. math:: m \leftarrow \mu m + g, \qquad
              w \leftarrow w - \eta\, r \sqrt{\max(n, d)}\; U V^T, \qquad
              U \Sigma V^T = g + \mu m

    where :math:`U V^T` is found by five steps of
    :math:`X \leftarrow a X + (b X X^T + c (X X^T)^2) X`.

    Jordan et al., *Muon: An optimizer for hidden layers in neural networks*, 2024; Liu et al.,
    *Muon is Scalable for LLM Training*, 2025.

    Parameters
    ----------
    learning_rate : float or callable, default 0.001
        :math:`\eta`.
    adam_beta_1, adam_beta_2, epsilon, adam_weight_decay
        Parameters of `AdamW`, for arrays that are not matrices.
    weight_decay : float, default 0.004
        Weight decay of matrices.
    exclude_layers : sequence of str, optional
        Regular expressions; matrices whose names match are updated by `AdamW`.
    exclude_embeddings : bool, default True
        If true, matrices of an `Embedding` are updated by `AdamW`.
    muon_a, muon_b, muon_c : float
        :math:`a, b, c`.
    adam_lr_ratio : float, default 1
        Ratio of the learning rate of `AdamW` to that of matrices.
    momentum : float, default 0.95
        :math:`\mu`.
    ns_steps : int, default 5
        Number of steps that make the momentum orthogonal.
    nesterov : bool, default True
        If false, :math:`m` is made orthogonal instead of :math:`g + \mu m`.
    rms_rate : float or None, default 0.2
        :math:`r`; with None the factor is 1.
    **options
        Options of `Optimizer`.

    Raises
    ------
    DataError, UnknownNameError
        As for `Optimizer`.

    Examples
    --------
    >>> muon = Muon(1.0, weight_decay=None, rms_rate=None)
    >>> step = muon.update(np.zeros((2, 2)), np.diag([3.0, 1.0]), muon.init(np.zeros((2, 2))))[0]
    >>> step.round(2)  # of similar size in both directions
    array([[-0.75,  0.  ],
           [ 0.  , -1.13]])
    """

    slots = ("m", "v")

    def __init__(
        self,
        learning_rate: float | Schedule = 0.001,
        adam_beta_1: Share = 0.9,
        adam_beta_2: Share = 0.999,
        adam_weight_decay: Number | None = 0.004,
        epsilon: Number = 1e-7,
        weight_decay: float | None = 0.004,
        exclude_layers: Sequence[str] | None = None,
        exclude_embeddings: Flag = True,
        muon_a: Real = 3.4445,
        muon_b: Real = -4.7750,
        muon_c: Real = 2.0315,
        adam_lr_ratio: Number = 1,
        momentum: Share = 0.95,
        ns_steps: Count = 5,
        nesterov: Flag = True,
        rms_rate: Number | None = 0.2,
        **options: Any,
    ) -> None:
        super().__init__(learning_rate, weight_decay=weight_decay, **options)
        self.adam_beta_1, self.adam_beta_2, self.epsilon = adam_beta_1, adam_beta_2, epsilon
        self.adam_weight_decay, self.adam_lr_ratio = adam_weight_decay or 0.0, adam_lr_ratio
        self.exclude_layers = list(exclude_layers or ())
        self.exclude_embeddings = exclude_embeddings
        self.muon_a, self.muon_b, self.muon_c = muon_a, muon_b, muon_c
        self.momentum, self.nesterov = momentum, nesterov
        self.ns_steps, self.rms_rate = ns_steps, rms_rate

    def _rule(self, path: Path, w: Any) -> tuple[Callable[..., Any], float | Schedule | None]:
        name = "/".join(map(str, path))
        embeds = self.exclude_embeddings and "embedding" in name.lower()
        excluded = embeds or any(re.search(pattern, name) for pattern in self.exclude_layers)
        if w.ndim != 2 or excluded:
            return self._adam_step, self.adam_weight_decay
        return self.step, self.weight_decay

    def _adam_step(self, w: Any, g: Any, learning_rate: Any, t: Any, **slots: Any) -> Any:
        adam = Adam(beta_1=self.adam_beta_1, beta_2=self.adam_beta_2, epsilon=self.epsilon)
        return adam.step(w, g, learning_rate * self.adam_lr_ratio, t, **slots)

    def step(self, w: Any, g: Any, learning_rate: Any, t: Any, **slots: Any) -> Any:
        """Return a matrix's new weights and momentum."""
        m = self.momentum * slots["m"] + g
        direction = self._orthogonal(g + self.momentum * m if self.nesterov else m)
        factor = 1.0 if self.rms_rate is None else self.rms_rate * math.sqrt(max(w.shape))
        return w - learning_rate * factor * direction, {"m": m, "v": slots["v"]}

    def _orthogonal(self, x: Any) -> Any:
        """Return a matrix with the same singular vectors and singular values near 1."""
        is_tall = x.shape[0] > x.shape[1]
        x = x.T if is_tall else x
        x = x / (np.sqrt(np.sum(x**2)) + 1e-7)
        for _ in range(self.ns_steps):
            square = x @ x.T
            x = self.muon_a * x + (self.muon_b * square + self.muon_c * (square @ square)) @ x
        return x.T if is_tall else x
