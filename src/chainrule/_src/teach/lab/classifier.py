"""The base of the lab's models: scoring, and stochastic gradient descent with momentum."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from chainrule._src.base.arrays import Array
from chainrule._src.base.errors import DataError, DivergenceError
from chainrule._src.base.registry import provided
from chainrule._src.base.showing import Shown
from chainrule._src.base.validation import (
    check_features,
    check_number,
    check_positive,
    check_samples,
)
from chainrule._src.nn.callbacks import History
from chainrule._src.nn.functions import accuracy, nll, one_hot

OnEpoch = Callable[[int, dict[str, float]], Any]


class Classifier(Shown, ABC):
    """Base class of the lab's models: prediction, scoring, stochastic gradient descent.

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
        """Return the class probabilities of validated input."""

    @abstractmethod
    def _gradients(self, X: Array, Y: Array) -> dict[str, Array]:
        """Return the gradients for a validated batch ``X`` (n, d), one-hot ``Y`` (n, k)."""

    def predict(self, X: ArrayLike) -> Any:
        """Return the most probable class: an int for one sample, shape ``(n,)`` for a batch."""
        return np.argmax(self._forward(self._features(X, "predict")), axis=-1)

    def loss(self, X: ArrayLike, y: ArrayLike) -> np.floating[Any]:
        """Return the mean negative log likelihood of labels ``y`` given ``X``, in nats."""
        X, y = self._samples(X, y, "loss")
        return nll(one_hot(self.output_size, y), self._forward(X))

    def accuracy(self, X: ArrayLike, y: ArrayLike) -> np.floating[Any]:
        """Return the share of samples whose class is predicted correctly."""
        X, y = self._samples(X, y, "accuracy")
        return accuracy(y, self._forward(X))

    def grad_loss(self, x: ArrayLike, y_true: ArrayLike) -> dict[str, Array]:
        """Return the gradient of `loss` by parameter name.

        Parameters
        ----------
        x : array_like, shape (d,) or (n, d)
            One sample or a batch.
        y_true : int or array_like of int, shape () or (n,)
            The class of the sample, or the classes of the batch.

        Returns
        -------
        dict of str to ndarray
            Each gradient has the shape of its parameter; for a batch, gradients are averaged.

        Raises
        ------
        ShapeError, DataError
            If features or labels do not fit the model; this is checked first.
        """
        return self._gradients(*self._batch(x, y_true, "grad_loss"))

    def grad_norm(self, X: ArrayLike, y: ArrayLike) -> np.floating[Any]:
        """Return the Euclidean norm of the average gradient of all parameters together."""
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
            :math:`\mu`, in ``[0, 1)``. The velocity :math:`v` persists between calls.
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
        """Train for whole epochs, over the samples in their order in ``X``.

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
            A validation set, which is scored after every epoch as well.
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
            If an argument does not fit; this is checked before training.
        DivergenceError
            If the loss turns NaN or infinite.

        Examples
        --------
        >>> from chainrule._src.teach.lab import LogisticRegression
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

    def blackboard(self, X: ArrayLike | None = None, y: ArrayLike | None = None) -> Any:
        """Watch the model learn in a cell of a notebook: stop it, step back, and see why.

        Returns at once; a copy of the model is trained in a thread until the page is closed
        (``close()``) or the kernel ends. `chainrule blackboard` shows the same page by itself.

        Parameters
        ----------
        X : array_like, shape (n, d), optional
        y : array_like of int, shape (n,), optional
            By default the digits. Of other data a tenth is the hold-out set.

        Returns
        -------
        widget
            The page; a notebook displays it if it is the last expression of a cell.

        Raises
        ------
        DataError, ShapeError
            If the model does not take the data.
        MissingDependencyError
            If anywidget is missing.
        """
        return provided("blackboard")(self, X, y)

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


def _pair(validation_data: Any, where: str) -> tuple[Any, Any]:
    if not isinstance(validation_data, tuple | list) or len(validation_data) != 2:
        raise DataError(f"{where}: validation_data must be a pair (X, y)")
    return validation_data[0], validation_data[1]
