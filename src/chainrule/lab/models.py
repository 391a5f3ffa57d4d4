r"""The lab's two models, their gradients derived by hand.

No automatic differentiation in here: each ``grad_loss`` is the chain rule written out, to be read
beside its formulas. A batch of samples is a matrix with one row each, and a single sample is the
batch of one, so there is one implementation for both. The loss is the mean negative log
likelihood; its gradient leaves out the ``EPSILON`` inside the logarithm, as the formulas do.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from chainrule.errors import DataError, DivergenceError
from chainrule.functions import ACTIVATIONS, accuracy, nll, one_hot, softmax
from chainrule.initializers import INITIALIZERS, Initializer, uniform
from chainrule.lab.history import History
from chainrule.validation import (
    Array,
    check_features,
    check_number,
    check_positive,
    check_samples,
    check_seed,
    lookup,
)

OnEpoch = Callable[[int, dict[str, float]], Any]


class Classifier(ABC):
    """What the lab's models share: predicting, scoring, and stochastic gradient descent.

    A model keeps its parameters as attributes; ``parameter_names`` lists them in order.
    """

    parameter_names: tuple[str, ...]

    def __init__(self, input_size: int, output_size: int) -> None:
        self.input_size = check_positive(input_size, "input_size", type(self).__name__)
        self.output_size = check_positive(output_size, "output_size", type(self).__name__)
        self._velocity: dict[str, Array] = {}

    @property
    def parameters(self) -> dict[str, Array]:
        """The parameters by name."""
        return {name: getattr(self, name) for name in self.parameter_names}

    @abstractmethod
    def _forward(self, X: Array) -> Array:
        """Class probabilities of checked input."""

    @abstractmethod
    def _gradients(self, X: Array, Y: Array) -> dict[str, Array]:
        """Gradients for a checked batch ``X`` (n, d) with one-hot ``Y`` (n, k)."""

    def predict(self, X: ArrayLike) -> Any:
        """Return the most probable class: an int for one sample, shape ``(n,)`` for a batch."""
        return np.argmax(self._forward(self._features(X, "predict")), axis=-1)

    def loss(self, X: ArrayLike, y: ArrayLike) -> np.floating[Any]:
        """Return the mean negative log likelihood of labels ``y`` given ``X``, in nats."""
        X, y = self._samples(X, y, "loss")
        return nll(one_hot(self.output_size, y), self._forward(X))

    def accuracy(self, X: ArrayLike, y: ArrayLike) -> np.floating[Any]:
        """Return the share of samples predicted right."""
        X, y = self._samples(X, y, "accuracy")
        return accuracy(y, self._forward(X))

    def grad_loss(self, x: ArrayLike, y_true: ArrayLike) -> dict[str, Array]:
        """Return the gradient of `loss` by parameter name.

        Parameters
        ----------
        x : array_like, shape (d,) or (n, d)
            One sample or a batch.
        y_true : int or array_like of int, shape () or (n,)
            Its class or classes.

        Returns
        -------
        dict of str to ndarray
            Each of its parameter's shape; for a batch the average over the samples.

        Raises
        ------
        ShapeError, DataError
            If features or labels do not fit the model; nothing was computed.
        """
        return self._gradients(*self._batch(x, y_true, "grad_loss"))

    def grad_norm(self, X: ArrayLike, y: ArrayLike) -> np.floating[Any]:
        """Return the Euclidean norm of the average gradient, over all parameters together."""
        gradients = self._gradients(*self._batch(X, y, "grad_norm"))
        return np.linalg.norm(np.concatenate([grad.ravel() for grad in gradients.values()]))

    def train(
        self, x: ArrayLike, y: ArrayLike, learning_rate: float, *, momentum: float = 0.0
    ) -> None:
        r"""Update the parameters once, by stochastic gradient descent.

        .. math:: v \leftarrow \mu v - \eta \nabla L, \qquad \theta \leftarrow \theta + v

        Parameters
        ----------
        x, y
            One sample or a mini-batch, as for `grad_loss`.
        learning_rate : float
            :math:`\eta`.
        momentum : float, default 0
            :math:`\mu`, in ``[0, 1)``. The velocity :math:`v` is kept between calls.
        """
        learning_rate = check_number(learning_rate, "learning_rate", self._name("train"))
        momentum = check_number(momentum, "momentum", self._name("train"), high=1.0)
        self._step(*self._batch(x, y, "train"), learning_rate, momentum)

    def fit(
        self,
        X: ArrayLike,
        y: ArrayLike,
        epochs: int = 1,
        batch_size: int = 1,
        learning_rate: float = 0.1,
        momentum: float = 0.0,
        validation_data: tuple[ArrayLike, ArrayLike] | None = None,
        on_epoch: OnEpoch | None = None,
    ) -> History:
        """Train for whole epochs, over the samples in the order given.

        Parameters
        ----------
        X : array_like, shape (n, d)
        y : array_like of int, shape (n,)
        epochs : int, default 1
        batch_size : int, default 1
            Samples per update; the last batch of an epoch may be shorter.
        learning_rate, momentum : float
            As for `train`. The velocity starts at zero.
        validation_data : (X, y), optional
            Scored after every epoch as well.
        on_epoch : callable, optional
            Called as ``on_epoch(epoch, scores)`` with the row just added to the history; returning
            True ends the training there.

        Returns
        -------
        History
            ``loss`` and ``accuracy`` (and ``val_loss``, ``val_accuracy``) over the whole set,
            before the first update (epoch 0) and after every epoch.

        Raises
        ------
        ShapeError, DataError
            If anything given does not fit, before any training.
        DivergenceError
            If the loss turns NaN or infinite.

        Examples
        --------
        >>> X, y = [[0.0, 1.0], [1.0, 0.0]], [0, 1]
        >>> history = LogisticRegression(2, 2, seed=0).fit(X, y, epochs=20, learning_rate=1.0)
        >>> len(history.loss), history.loss[-1] < history.loss[0]
        (21, True)
        """
        where = self._name("fit")
        if on_epoch is not None and not callable(on_epoch):
            raise DataError(f"{where}: on_epoch must be callable, received {on_epoch!r}")
        epochs = check_positive(epochs, "epochs", where)
        batch_size = check_positive(batch_size, "batch_size", where)
        learning_rate = check_number(learning_rate, "learning_rate", where)
        momentum = check_number(momentum, "momentum", where, high=1.0)
        X, Y = self._batch(X, y, "fit")
        y = Y.argmax(axis=1)
        sets: dict[str, tuple[Any, Any]] = {"": (X, y)}
        if validation_data is not None:
            sets["val_"] = self._samples(*_pair(validation_data, where), "fit, validation_data")

        history, good = History(), self.parameters
        for epoch in range(epochs + 1):
            if epoch == 0:
                self._velocity.clear()
            else:
                for start in range(0, len(X), batch_size):
                    batch = slice(start, start + batch_size)
                    self._step(X[batch], Y[batch], learning_rate, momentum)
            scores = self._scores(sets)
            if not np.isfinite(scores["loss"]):
                for name, value in good.items():
                    setattr(self, name, value)
                raise DivergenceError(
                    f"{where}: the loss is {scores['loss']} after epoch {epoch} with learning rate "
                    f"{learning_rate:g}; try a smaller one, or scale the features. The model has "
                    f"the parameters from before that epoch"
                )
            good = self.parameters
            history.append(epoch, scores)
            if on_epoch is not None and on_epoch(epoch, scores):
                break
        return history

    @np.errstate(all="ignore")
    def _scores(self, sets: dict[str, tuple[Any, Any]]) -> dict[str, float]:
        scores = {}
        for prefix, (features, labels) in sets.items():
            probabilities = self._forward(features)
            if not np.isfinite(probabilities).all():
                return {"loss": np.nan}
            scores[prefix + "loss"] = float(nll(one_hot(self.output_size, labels), probabilities))
            scores[prefix + "accuracy"] = float(accuracy(labels, probabilities))
        return scores

    @np.errstate(over="ignore", invalid="ignore")
    def _step(self, X: Array, Y: Array, learning_rate: float, momentum: float) -> None:
        for name, grad in self._gradients(X, Y).items():
            step = -learning_rate * grad
            if momentum and name in self._velocity:
                step += momentum * self._velocity[name]
            self._velocity[name] = step
            setattr(self, name, getattr(self, name) + step)

    def _name(self, method: str) -> str:
        return f"{type(self).__name__}.{method}"

    def _features(self, X: ArrayLike, method: str) -> Array:
        return check_features(X, self.input_size, self._name(method))

    def _samples(self, X: ArrayLike, y: ArrayLike, method: str) -> tuple[Array, Array]:
        return check_samples(X, y, self.input_size, self.output_size, self._name(method))

    def _batch(self, X: ArrayLike, y: ArrayLike, method: str) -> tuple[Array, Array]:
        X, y = self._samples(X, y, method)
        return np.atleast_2d(X), np.atleast_2d(one_hot(self.output_size, y))


class LogisticRegression(Classifier):
    r"""Softmax regression: a linear map and a softmax, no hidden layer.

    .. math:: y = \mathrm{softmax}(x W + b)

    The gradient of the loss with respect to the logits is :math:`y - Y`, so

    .. math:: \frac{\partial L}{\partial W} = \frac1n X^\top (y - Y), \qquad
              \frac{\partial L}{\partial b} = \frac1n \sum_i (y - Y)_i

    Parameters
    ----------
    input_size, output_size : int
        Numbers of features ``d`` and of classes ``k``.
    seed : int or numpy.random.Generator, optional
        Same seed, same initial weights.
    init : str, default "uniform"
        ``"uniform"`` (±0.1, weights and biases, as in the lab), ``"zeros"``,
        ``"glorot_uniform"``, ``"glorot_normal"``, ``"he_uniform"`` or ``"he_normal"`` (zero
        biases).

    Attributes
    ----------
    W : ndarray of float64, shape (d, k)
    b : ndarray of float64, shape (k,)

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
    r"""A network with one hidden layer, or several, and a softmax on top.

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
        Same seed, same initial weights.
    activation : str, default "sigmoid"
        ``"sigmoid"``, ``"tanh"``, ``"relu"``, ``"softplus"`` or ``"elu"``.
    init : str, default "uniform"
        ``"uniform"`` (±0.01, as in the lab), ``"zeros"``, ``"glorot_uniform"``,
        ``"glorot_normal"``, ``"he_uniform"`` or ``"he_normal"``. Biases start at zero.

    Attributes
    ----------
    W_h, b_h, W_o, b_o : ndarray of float64
        Shapes ``(d, h)``, ``(h,)``, ``(h, k)``, ``(k,)``. With two hidden layers or more the
        hidden ones are ``W_h1, b_h1, W_h2, b_h2, …``.

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
        """Return class probabilities, or with ``keep_activations`` all that led to them.

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
    return lookup("init", name, {"uniform": uniform(-scale, scale), **INITIALIZERS})


def _pair(validation_data: Any, where: str) -> tuple[Any, Any]:
    if not isinstance(validation_data, tuple | list) or len(validation_data) != 2:
        raise DataError(f"{where}: validation_data must be a pair (X, y)")
    return validation_data[0], validation_data[1]
