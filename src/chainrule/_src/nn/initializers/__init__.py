r"""Initial weights, drawn from a generator.

Names, arguments and defaults are Keras's. An initializer is called with the shape of a weight and
a `numpy.random.Generator`, ``(n_in, n_out)`` for a matrix; so is a function of your own. A subclass
of `Initializer` can be saved as well::

    class Alternating(Initializer):
        def draw(self, shape, rng):
            return np.where(np.arange(np.prod(shape)) % 2, 1.0, -1.0).reshape(shape)
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import numpy as np

from chainrule._src.base.config import described, plain
from chainrule._src.base.errors import DataError
from chainrule._src.nn.initializers.fixed import Constant, Identity, Ones, Zeros
from chainrule._src.nn.initializers.initializer import Initializer, Shape
from chainrule._src.nn.initializers.random import (
    GlorotNormal,
    GlorotUniform,
    HeNormal,
    HeUniform,
    LecunNormal,
    LecunUniform,
    Orthogonal,
    RandomNormal,
    RandomUniform,
    TruncatedNormal,
    VarianceScaling,
    compute_fans,
)

__all__ = [
    "INITIALIZERS", "Constant", "GlorotNormal", "GlorotUniform", "HeNormal", "HeUniform",
    "Identity", "IdentityInitializer", "Initializer", "LecunNormal", "LecunUniform", "Ones",
    "Orthogonal", "OrthogonalInitializer", "RandomNormal", "RandomUniform", "TruncatedNormal",
    "VarianceScaling", "Zeros", "compute_fans", "constant", "deserialize", "get", "glorot_normal",
    "glorot_uniform", "he_normal", "he_uniform", "identity", "lecun_normal", "lecun_uniform",
    "ones", "orthogonal", "random_normal", "random_uniform", "serialize", "truncated_normal",
    "variance_scaling", "zeros",
]  # fmt: skip

_MORE = {
    "zero": Zeros, "one": Ones, "identity_initializer": Identity,
    "orthogonal_initializer": Orthogonal,
}  # fmt: skip

constant, zeros, ones, identity = Constant, Zeros, Ones, Identity
random_uniform, random_normal, truncated_normal = RandomUniform, RandomNormal, TruncatedNormal
variance_scaling, orthogonal = VarianceScaling, Orthogonal
IdentityInitializer, OrthogonalInitializer = Identity, Orthogonal
glorot_uniform, glorot_normal = GlorotUniform, GlorotNormal
he_uniform, he_normal = HeUniform, HeNormal
lecun_uniform, lecun_normal = LecunUniform, LecunNormal

INITIALIZERS: dict[str, type[Initializer]] = {
    name: cls for name, cls in globals().items() if name.islower() and isinstance(cls, type)
} | {"uniform": RandomUniform, "normal": RandomNormal}
"""Each initializer by its name."""


class _FunctionInitializer(Initializer):
    """An initializer that calls a function of the user."""

    def __init__(self, function: Callable[..., Any]) -> None:
        self.function = function
        self._takes_dtype = "dtype" in inspect.signature(function).parameters

    def draw(self, shape: Shape, rng: np.random.Generator) -> Any:
        """Return the function's result; if it takes a dtype, it is called as in Keras."""
        return self.function(shape, dtype=None) if self._takes_dtype else self.function(shape, rng)


def get(initializer: Any, where: str = "initializers.get") -> Initializer:
    """Return an initializer.

    Parameters
    ----------
    initializer : str, dict, Initializer, class of one, array or callable
        A name or class gives an initializer with default arguments, a dict is a description
        (``{"class_name": "Constant", "config": {"value": 2.0}}``), an array is the weight itself. A
        function is called with ``(shape, rng)``, or with ``(shape, dtype=None)`` if it takes a
        ``dtype``.
    where : str
        Name of the calling function, for error messages.

    Returns
    -------
    Initializer

    Raises
    ------
    UnknownNameError, DataError
        If the initializer is none of these.

    Examples
    --------
    >>> get("he_normal")
    HeNormal()
    """
    rule: Any = described("initializer", initializer, INITIALIZERS | _MORE, Initializer)
    if hasattr(rule, "__array__"):
        return _FunctionInitializer(lambda shape, rng: rule)
    is_own_way = type(rule).__call__ is not Initializer.__call__ and callable(rule)
    if is_own_way and not isinstance(rule, type):
        return _FunctionInitializer(rule)
    if isinstance(rule, Initializer):
        return rule
    raise DataError(
        f"{where}: an initializer must be a name ({', '.join(INITIALIZERS)}), an Initializer or a "
        f"function of (shape, rng), received {initializer!r}"
    )


serialize, deserialize = plain, get
