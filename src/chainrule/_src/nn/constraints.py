r"""Constraints: functions that are applied to weights after every update, as NumPy code.

Names, arguments, defaults and formulas are Keras's. A constraint of your own is any function of
a weight that returns an array of its shape; to be saved it must derive from `Constraint`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Annotated, Any

import numpy as np

from chainrule._src.base.arguments import Number
from chainrule._src.base.config import Configurable, plain, rule_of
from chainrule._src.base.validation import check_number
from chainrule._src.core.names import count_names
from chainrule._src.nn.losses.operands import check_axis

count_names(__file__)

__all__ = [
    "CONSTRAINTS", "EPSILON", "Constraint", "MaxNorm", "MinMaxNorm", "NonNeg", "UnitNorm",
    "deserialize", "get", "max_norm", "min_max_norm", "non_neg", "serialize", "unit_norm",
]  # fmt: skip

EPSILON = 1e-7  # added to the norm that a weight is divided by


def check_axes(axis: Any, name: str, where: str) -> Any:
    """Return an axis, or a sequence of axes; refuse anything else."""
    if isinstance(axis, tuple | list):
        return type(axis)(check_axis(one, name, where) for one in axis)
    return check_axis(axis, name, where)


Axis = Annotated[int | Sequence[int], check_axes]


class Constraint(Configurable):
    """Base class of constraints, which return the new weight when called with a weight.

    Examples
    --------
    >>> class AtMost(Constraint):
    ...     def __init__(self, limit=1.0):
    ...         self.limit = limit
    ...
    ...     def __call__(self, w):
    ...         return np.clip(w, -self.limit, self.limit)
    >>> AtMost(0.5)(np.array([0.2, -2.0]))
    array([ 0.2, -0.5])
    """

    def __call__(self, w: Any) -> Any:
        """Return the new weight, of ``w``'s shape and dtype.

        Parameters
        ----------
        w : array of floats
        """
        return w


class NonNeg(Constraint):
    r"""Replaces negative weights by 0: :math:`\max(w, 0)`.

    Examples
    --------
    >>> NonNeg()(np.array([1.0, -2.0]))
    array([1., 0.])
    """

    def __call__(self, w: Any) -> Any:
        """Return the new weight."""
        return np.maximum(w, 0)


class MinMaxNorm(Constraint):
    r"""Scales vectors to norms within bounds, or nearer to them: :math:`w\, d / \lVert w \rVert`.

    .. math:: d = r\, \mathrm{clip}(\lVert w \rVert, a, b) + (1 - r) \lVert w \rVert

    Parameters
    ----------
    min_value, max_value : float, default 0 and 1
        :math:`a` and :math:`b`.
    rate : float, default 1
        :math:`r`; a rate below 1 moves the norm only by this share of the way to its bound.
    axis : int or sequence of int, default 0
        Axes of one vector: 0 for the weights that lead to a unit of `Dense`, ``[0, 1, 2]``
        for those of a filter of `Conv2D`.

    Raises
    ------
    DataError
        If ``rate`` or a bound is negative, or ``min_value`` is above ``max_value``.

    Examples
    --------
    >>> MinMaxNorm(0.5, 1.0)(np.array([[3.0, 0.1], [4.0, 0.0]])).round(3)
    array([[0.6, 0.5],
           [0.8, 0. ]])
    """

    def __init__(
        self, min_value: Number = 0.0, max_value: float = 1.0, rate: Number = 1.0, axis: Axis = 0
    ) -> None:
        self.min_value, self.rate, self.axis = min_value, rate, axis
        self.max_value = check_number(max_value, "max_value", type(self).__name__, low=min_value)

    def __call__(self, w: Any) -> Any:
        """Return the new weight."""
        norms = _norms(w, self.axis)
        bounded = np.clip(norms, self.min_value, self.max_value)
        return w * ((self.rate * bounded + (1 - self.rate) * norms) / (EPSILON + norms))


class MaxNorm(Constraint):
    r"""Shortens vectors to a norm of at most :math:`b`.

    .. math:: w \min(\lVert w \rVert, b) / \lVert w \rVert

    Srebro, Shraibman, *Rank, Trace-Norm and Max-Norm*, 2005.

    Parameters
    ----------
    max_value : float, default 2
        :math:`b`.
    axis : int or sequence of int, default 0
        Axes of one vector, see `MinMaxNorm`.

    Raises
    ------
    DataError
        If ``max_value`` is negative.

    Examples
    --------
    >>> MaxNorm(1.0)(np.array([[3.0, 0.1], [4.0, 0.0]])).round(3)
    array([[0.6, 0.1],
           [0.8, 0. ]])
    """

    def __init__(self, max_value: Number = 2, axis: Axis = 0) -> None:
        self.max_value, self.axis = max_value, axis

    def __call__(self, w: Any) -> Any:
        """Return the new weight."""
        norms = _norms(w, self.axis)
        return w * (np.minimum(norms, self.max_value) / (EPSILON + norms))


class UnitNorm(Constraint):
    r"""Scales vectors to norm 1: :math:`w / \lVert w \rVert`.

    Parameters
    ----------
    axis : int or sequence of int, default 0
        Axes of one vector, see `MinMaxNorm`.

    Examples
    --------
    >>> UnitNorm()(np.array([[3.0, 0.1], [4.0, 0.0]])).round(3)
    array([[0.6, 1. ],
           [0.8, 0. ]])
    """

    def __init__(self, axis: Axis = 0) -> None:
        self.axis = axis

    def __call__(self, w: Any) -> Any:
        """Return the new weight."""
        return w / (EPSILON + _norms(w, self.axis))


def _norms(w: Any, axis: Axis) -> Any:
    axes = axis if isinstance(axis, int) else tuple(axis)
    return np.sqrt(np.sum(w**2, axis=axes, keepdims=True))


CONSTRAINTS: dict[str, type[Constraint]] = {
    "max_norm": MaxNorm, "min_max_norm": MinMaxNorm, "non_neg": NonNeg, "unit_norm": UnitNorm,
}  # fmt: skip
"""Each constraint by its name."""

max_norm, min_max_norm, non_neg, unit_norm = MaxNorm, MinMaxNorm, NonNeg, UnitNorm


def get(constraint: Any, where: str = "constraints.get") -> Callable[[Any], Any] | None:
    """Return a constraint.

    Parameters
    ----------
    constraint : str, dict, Constraint, class of one, callable or None
        A name or class gives a constraint with default arguments, a dict is a description
        (``{"class_name": "MaxNorm", "config": {"max_value": 3.0}}``); a function is used
        unchanged, None stays None.
    where : str
        Name of the calling function, for error messages.

    Returns
    -------
    callable or None

    Raises
    ------
    UnknownNameError, DataError
        If the constraint is none of these.

    Examples
    --------
    >>> get("max_norm").get_config()
    {'max_value': 2.0, 'axis': 0}
    """
    return rule_of("constraint", constraint, CONSTRAINTS, Constraint, where)


serialize, deserialize = plain, get
