r"""Penalties on weights, as NumPy code that can be differentiated.

Names, arguments, defaults and formulas are Keras's. A regularizer of your own is any function of
a weight that returns a number; to be saved it must derive from `Regularizer`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from chainrule._src.base.arguments import Number
from chainrule._src.base.config import Configurable, plain, rule_of
from chainrule._src.base.errors import ShapeError
from chainrule._src.base.validation import lookup
from chainrule._src.core.names import count_names

count_names(__file__, short=False)

__all__ = [
    "EPSILON", "L1", "L1L2", "L2", "REGULARIZERS", "OrthogonalRegularizer", "Regularizer",
    "deserialize", "get", "l1", "l1_l2", "l2", "orthogonal_regularizer", "serialize",
]  # fmt: skip

EPSILON = 1e-7  # shorter vectors are not made longer than their length over this


class Regularizer(Configurable):
    """Base class of regularizers, which return a penalty for the loss when called with a weight.

    Examples
    --------
    >>> class Cubes(Regularizer):
    ...     def __init__(self, factor=0.1):
    ...         self.factor = factor
    ...
    ...     def __call__(self, w):
    ...         return self.factor * np.sum(np.abs(w) ** 3)
    >>> Cubes()(np.array([1.0, -2.0])).round(6)
    np.float64(0.9)
    >>> Cubes().get_config()
    {'factor': 0.1}
    """

    def __call__(self, w: Any) -> Any:
        """Return the penalty, a number of ``w``'s dtype.

        Parameters
        ----------
        w : array of floats
        """
        raise NotImplementedError(f"{type(self).__name__} must define __call__")


class L1(Regularizer):
    r"""Adds the penalty :math:`\lambda \sum |w|` to the loss, which drives weights to zero.

    Tibshirani, *Regression Shrinkage and Selection via the Lasso*, 1996.

    Parameters
    ----------
    l1 : float, default 0.01
        :math:`\lambda`.

    Raises
    ------
    DataError
        If ``l1`` is negative.

    Examples
    --------
    >>> L1(0.1)(np.array([1.0, -2.0])).round(6)
    np.float64(0.3)
    """

    def __init__(self, l1: Number = 0.01) -> None:
        self.l1 = l1

    def __call__(self, w: Any) -> Any:
        """Return the penalty."""
        return self.l1 * np.sum(np.abs(w))


class L2(Regularizer):
    r"""Adds the penalty :math:`\lambda \sum w^2` to the loss, which keeps weights small.

    Hoerl, Kennard, *Ridge Regression*, 1970.

    Parameters
    ----------
    l2 : float, default 0.01
        :math:`\lambda`.

    Raises
    ------
    DataError
        If ``l2`` is negative.

    Examples
    --------
    >>> L2(0.1)(np.array([1.0, -2.0]))
    np.float64(0.5)
    """

    def __init__(self, l2: Number = 0.01) -> None:
        self.l2 = l2

    def __call__(self, w: Any) -> Any:
        """Return the penalty."""
        return self.l2 * np.sum(w**2)


class L1L2(Regularizer):
    r"""Adds the penalty :math:`\lambda_1 \sum |w| + \lambda_2 \sum w^2` to the loss.

    Zou, Hastie, *Regularization and Variable Selection via the Elastic Net*, 2005.

    Parameters
    ----------
    l1, l2 : float, default 0
        :math:`\lambda_1` and :math:`\lambda_2`; by the name ``"l1_l2"`` they are 0.01.

    Raises
    ------
    DataError
        If ``l1`` or ``l2`` is negative.

    Examples
    --------
    >>> L1L2(l1=0.1, l2=0.1)(np.array([1.0, -2.0])).round(6)
    np.float64(0.8)
    """

    def __init__(self, l1: Number = 0.0, l2: Number = 0.0) -> None:
        self.l1, self.l2 = l1, l2

    def __call__(self, w: Any) -> Any:
        """Return the penalty."""
        return self.l1 * np.sum(np.abs(w)) + self.l2 * np.sum(w**2)


class OrthogonalRegularizer(Regularizer):
    r"""Penalises vectors that are not orthogonal: :math:`\lambda` times their mean :math:`|\cos|`.

    .. math:: \frac{\lambda}{k (k - 1) / 2} \sum_{i < j}
              \frac{|w_i \cdot w_j|}{\lVert w_i \rVert \lVert w_j \rVert}

    Parameters
    ----------
    factor : float, default 0.01
        :math:`\lambda`.
    mode : {"rows", "columns"}, default "rows"
        If the :math:`k` vectors are the matrix's rows or columns; there must be at least two.

    Raises
    ------
    DataError
        If ``factor`` is negative.
    UnknownNameError
        If there is no such mode.
    ShapeError
        When called with an array that is not a matrix or has only one vector.

    Examples
    --------
    >>> OrthogonalRegularizer(1.0)(np.array([[2.0, 0.0], [3.0, 3.0]])).round(4)
    np.float64(0.7071)
    """

    def __init__(self, factor: Number = 0.01, mode: str = "rows") -> None:
        lookup("mode", mode, {"rows": 1, "columns": 0})
        self.factor, self.mode = factor, mode

    def __call__(self, w: Any) -> Any:
        """Return the penalty."""
        k = w.shape[self.mode == "columns"] if w.ndim == 2 else 0
        if k < 2:
            raise ShapeError(
                f"OrthogonalRegularizer: expected a matrix of at least two {self.mode}, received "
                f"shape {w.shape}"
            )
        vectors = w if self.mode == "rows" else w.T
        squares = np.sum(vectors**2, axis=1, keepdims=True)
        is_long = squares > EPSILON**2
        lengths = np.where(is_long, np.sqrt(np.where(is_long, squares, 1)), EPSILON)
        unit = vectors / lengths
        others = 1 - np.eye(k, dtype=w.dtype)
        return self.factor / (k * (k - 1)) * np.sum(np.abs(unit @ unit.T) * others)


REGULARIZERS: dict[str, Callable[[], Regularizer]] = {
    "l1": L1,
    "l2": L2,
    "l1_l2": lambda: L1L2(0.01, 0.01),
    "orthogonal_regularizer": OrthogonalRegularizer,
}
"""Each regularizer by its name."""


l1, l2, l1_l2, orthogonal_regularizer = L1, L2, L1L2, OrthogonalRegularizer


def get(regularizer: Any, where: str = "regularizers.get") -> Callable[[Any], Any] | None:
    """Return a regularizer.

    Parameters
    ----------
    regularizer : str, dict, Regularizer, class of one, callable or None
        A name or class gives a regularizer with default factors, a dict is a description
        (``{"class_name": "L2", "config": {"l2": 0.1}}``); a function is used unchanged, None stays
        None.
    where : str
        Name of the calling function, for error messages.

    Returns
    -------
    callable or None

    Raises
    ------
    UnknownNameError, DataError
        If the regularizer is none of these.

    Examples
    --------
    >>> get("l2").get_config()
    {'l2': 0.01}
    """
    return rule_of("regularizer", regularizer, REGULARIZERS, Regularizer, where)


serialize, deserialize = plain, get
