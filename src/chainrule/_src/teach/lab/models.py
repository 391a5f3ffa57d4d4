r"""The lab's two models, their gradients derived by hand.

This module uses no automatic differentiation: each ``grad_loss`` is the chain rule written out and
can be compared with its formulas. A batch is a matrix with a row for each sample, and a single
sample is a batch of one row, so one implementation serves both. The loss is the mean negative log
likelihood; its gradient omits the ``EPSILON`` inside the logarithm, as the formulas do.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from chainrule._src.base.arrays import Array
from chainrule._src.base.errors import DataError
from chainrule._src.base.validation import check_positive, check_seed, lookup
from chainrule._src.nn.functions import ACTIVATIONS, softmax
from chainrule._src.nn.initializers import INITIALIZERS, Initializer, RandomUniform
from chainrule._src.teach.lab.classifier import Classifier


class LogisticRegression(Classifier):
    r"""A softmax regression: it has a linear map and a softmax, but no hidden layer.

    .. math:: y = \mathrm{softmax}(x W + b)

    The gradient of the loss with respect to the logits is :math:`y - Y`, so

    .. math:: \frac{\partial L}{\partial W} = \frac1n X^\top (y - Y), \qquad
              \frac{\partial L}{\partial b} = \frac1n \sum_i (y - Y)_i

    Parameters
    ----------
    input_size, output_size : int
        Numbers of features ``d`` and of classes ``k``.
    seed : int or numpy.random.Generator, optional
        Equal seeds give equal initial weights.
    init : str, default "uniform"
        ``"uniform"`` (±0.1, weights and biases, as in the lab), or with zero biases one of
        `chainrule.initializers`, such as ``"zeros"``, ``"glorot_uniform"`` or ``"he_normal"``.

    Attributes
    ----------
    W : ndarray of float64, shape (d, k)
    b : ndarray of float64, shape (k,)

    Raises
    ------
    DataError
        If a size is no whole number of at least 1, or the seed is no seed.
    UnknownNameError
        If ``init`` has another value.

    Examples
    --------
    >>> model = LogisticRegression(2, 2, seed=0)
    >>> for _ in range(100):
    ...     model.train([[0.0, 1.0], [1.0, 0.0]], [0, 1], learning_rate=1.0)
    >>> model.predict([0.0, 1.0]), model.predict([[0.0, 1.0], [1.0, 0.0]])
    (np.int64(0), array([0, 1]))
    """

    parameter_names = ("W", "b")

    def __init__(
        self,
        input_size: int,
        output_size: int,
        *,
        seed: int | np.random.Generator | None = None,
        init: str = "uniform",
    ) -> None:
        super().__init__(input_size, output_size)
        initializer = _initializer(init, 0.1)
        rng = check_seed(seed, type(self).__name__)
        self.W: Array = initializer((self.input_size, self.output_size), rng)
        self.b: Array = (
            initializer((1, self.output_size), rng)[0]
            if init == "uniform"
            else np.zeros(self.output_size)
        )

    def forward(self, X: ArrayLike) -> Array:
        """Return class probabilities, shape ``(k,)`` for one sample or ``(n, k)``."""
        return self._forward(self._features(X, "forward"))

    def _forward(self, X: Array) -> Array:
        return softmax(X @ self.W + self.b)

    def _gradients(self, X: Array, Y: Array) -> dict[str, Array]:
        grad_z = (self._forward(X) - Y) / len(X)
        return {"W": X.T @ grad_z, "b": grad_z.sum(axis=0)}


class NeuralNet(Classifier):
    r"""A network that has one hidden layer, or several, and a softmax on top.

    .. math:: z_h = x W_h + b_h, \qquad h = g(z_h), \qquad y = \mathrm{softmax}(h W_o + b_o)

    The chain rule, from the loss back to the first layer:

    .. math::
        \frac{\partial L}{\partial z_o} &= \frac1n (y - Y) &
        \frac{\partial L}{\partial W_o} &= h^\top \frac{\partial L}{\partial z_o} &
        \frac{\partial L}{\partial b_o} &= \sum_i \Big(\frac{\partial L}{\partial z_o}\Big)_i \\
        \frac{\partial L}{\partial z_h} &=
            \frac{\partial L}{\partial z_o} W_o^\top \odot g'(z_h) &
        \frac{\partial L}{\partial W_h} &= X^\top \frac{\partial L}{\partial z_h} &
        \frac{\partial L}{\partial b_h} &= \sum_i \Big(\frac{\partial L}{\partial z_h}\Big)_i

    Parameters
    ----------
    input_size : int
        Number of features ``d``.
    hidden_size : int or tuple of int
        Units of the hidden layer, or of each hidden layer in turn.
    output_size : int
        Number of classes ``k``.
    seed : int or numpy.random.Generator, optional
        Equal seeds give equal initial weights.
    activation : str, default "sigmoid"
        ``"sigmoid"``, ``"tanh"``, ``"relu"``, ``"softplus"`` or ``"elu"``.
    init : str, default "uniform"
        ``"uniform"`` (±0.01, as in the lab) or one of `chainrule.initializers`, such as
        ``"zeros"``, ``"glorot_uniform"`` or ``"he_normal"``. Biases start at zero.

    Attributes
    ----------
    W_h, b_h, W_o, b_o : ndarray of float64
        Shapes ``(d, h)``, ``(h,)``, ``(h, k)``, ``(k,)``. With two hidden layers or more the
        hidden ones are ``W_h1, b_h1, W_h2, b_h2, …``.

    Raises
    ------
    DataError
        If a size is no whole number of at least 1, or the seed is no seed.
    UnknownNameError
        If ``activation`` or ``init`` has another value.

    Examples
    --------
    >>> net = NeuralNet(2, 8, 2, seed=0, init="glorot_uniform")
    >>> X, y = [[0, 0], [0, 1], [1, 0], [1, 1]], [0, 1, 1, 0]
    >>> history = net.fit(X, y, epochs=500, batch_size=4, learning_rate=2.0, momentum=0.9)
    >>> net.predict(X)
    array([0, 1, 1, 0])
    """

    W_o: Array
    b_o: Array

    def __init__(
        self,
        input_size: int,
        hidden_size: int | tuple[int, ...],
        output_size: int,
        *,
        seed: int | np.random.Generator | None = None,
        activation: str = "sigmoid",
        init: str = "uniform",
    ) -> None:
        super().__init__(input_size, output_size)
        hidden = hidden_size if isinstance(hidden_size, tuple | list) else (hidden_size,)
        if not hidden:
            raise DataError("NeuralNet: hidden_size names no layer; use LogisticRegression instead")
        self.hidden_size = hidden_size
        self.activation = activation
        self._g, self._dg = lookup("activation", activation, ACTIVATIONS)
        initializer = _initializer(init, 0.01)
        rng = check_seed(seed, "NeuralNet")

        names = ["h"] if len(hidden) == 1 else [f"h{i}" for i in range(1, len(hidden) + 1)]
        self._layers = [*names, "o"]
        sizes = [self.input_size]
        sizes += [check_positive(size, "hidden_size", "NeuralNet") for size in hidden]
        sizes += [self.output_size]
        for layer, n_in, n_out in zip(self._layers, sizes[:-1], sizes[1:], strict=True):
            setattr(self, f"W_{layer}", initializer((n_in, n_out), rng))
            setattr(self, f"b_{layer}", np.zeros(n_out))
        self.parameter_names = tuple(f"{p}_{layer}" for layer in self._layers for p in "Wb")

    def forward(self, X: ArrayLike, keep_activations: bool = False) -> Any:
        """Return the class probabilities, and with ``keep_activations`` all activations.

        Parameters
        ----------
        X : array_like, shape (d,) or (n, d)
        keep_activations : bool, default False

        Returns
        -------
        ndarray, shape (k,) or (n, k)
            The probabilities ``y``; or the tuple ``(y, h, z_h)`` of `forward_keep_activations`.
        """
        if keep_activations:
            return self.forward_keep_activations(X)
        return self._forward(self._features(X, "forward"))

    def forward_keep_activations(self, X: ArrayLike) -> tuple[Array, Any, Any]:
        """Return the probabilities ``y``, the hidden activations ``h`` and pre-activations ``z_h``.

        With two hidden layers or more, ``h`` and ``z_h`` are tuples with one array a layer.
        """
        y, h, z_h = self._activations(self._features(X, "forward_keep_activations"))
        if len(h) == 1:
            return y, h[0], z_h[0]
        return y, tuple(h), tuple(z_h)

    def _forward(self, X: Array) -> Array:
        return self._activations(X)[0]

    def _hidden_weights(self) -> Iterator[tuple[Array, Array]]:
        for layer in self._layers[:-1]:
            yield getattr(self, f"W_{layer}"), getattr(self, f"b_{layer}")

    def _activations(self, X: Array) -> tuple[Array, list[Array], list[Array]]:
        z_h, h = [], [X]
        for W, b in self._hidden_weights():
            z_h.append(h[-1] @ W + b)
            h.append(self._g(z_h[-1]))
        y = softmax(h[-1] @ self.W_o + self.b_o)
        return y, h[1:], z_h

    def _gradients(self, X: Array, Y: Array) -> dict[str, Array]:
        y, h, z_h = self._activations(X)
        inputs = [X, *h]
        grad_z = (y - Y) / len(X)
        grads = {}
        for i in reversed(range(len(self._layers))):
            layer = self._layers[i]
            grads[f"b_{layer}"] = grad_z.sum(axis=0)
            grads[f"W_{layer}"] = inputs[i].T @ grad_z
            if i > 0:
                grad_h = grad_z @ getattr(self, f"W_{layer}").T
                grad_z = grad_h * self._dg(z_h[i - 1])
        return {name: grads[name] for name in self.parameter_names}


def _initializer(name: str, scale: float) -> Initializer:
    if name == "uniform":
        return RandomUniform(-scale, scale)
    kinds: dict[str, type[Initializer]] = {"uniform": RandomUniform, **INITIALIZERS}
    return lookup("init", name, kinds)()
