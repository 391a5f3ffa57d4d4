r"""Initial weights, drawn from a generator.

Names, arguments and defaults are Keras's. An initializer is called with the shape of a weight and
a `numpy.random.Generator`, ``(n_in, n_out)`` for a matrix; so is a function of your own. A subclass
of `Initializer` can be saved as well::

    class Alternating(Initializer):
        def draw(self, shape, rng):
            return np.where(np.arange(np.prod(shape)) % 2, 1.0, -1.0).reshape(shape)
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from chainrule.errors import DataError
from chainrule.initializers.fixed import Constant, Identity, Ones, Zeros
from chainrule.initializers.initializer import Initializer, Shape
from chainrule.initializers.random import (
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
from chainrule.validation import lookup

__all__ = [
    "INITIALIZERS", "Constant", "GlorotNormal", "GlorotUniform", "HeNormal", "HeUniform",
    "Identity", "Initializer", "LecunNormal", "LecunUniform", "Ones", "Orthogonal", "RandomNormal",
    "RandomUniform", "TruncatedNormal", "VarianceScaling", "Zeros", "compute_fans", "get",
    "glorot_normal", "glorot_uniform", "he_normal", "he_uniform", "zeros",
]  # fmt: skip

INITIALIZERS: dict[str, type[Initializer]] = {
    "zeros": Zeros, "ones": Ones, "constant": Constant, "identity": Identity,
    "random_uniform": RandomUniform, "random_normal": RandomNormal,
    "truncated_normal": TruncatedNormal, "variance_scaling": VarianceScaling,
    "glorot_uniform": GlorotUniform, "glorot_normal": GlorotNormal, "he_uniform": HeUniform,
    "he_normal": HeNormal, "lecun_uniform": LecunUniform, "lecun_normal": LecunNormal,
    "orthogonal": Orthogonal, "uniform": RandomUniform, "normal": RandomNormal,
}  # fmt: skip
"""Each initializer by its name."""

zeros, glorot_uniform, glorot_normal = Zeros(), GlorotUniform(), GlorotNormal()
he_uniform, he_normal = HeUniform(), HeNormal()


class _Own(Initializer):
    """A function of the user's, with its results checked."""

    def __init__(self, function: Callable[[Shape, np.random.Generator], Any]) -> None:
        self.function = function

    def draw(self, shape: Shape, rng: np.random.Generator) -> Any:
        """Return what the function gives."""
        return self.function(shape, rng)


def get(initializer: Any, where: str) -> Initializer:
    """Return an initializer.

    Parameters
    ----------
    initializer : str, Initializer, class of one, or callable
        A name or class gives one with its default arguments; a function is called with
        ``(shape, rng)``.
    where : str
        Who asks, for the error's text.

    Raises
    ------
    UnknownNameError, DataError
        If it is none of these.

    Examples
    --------
    >>> get("he_normal", "Dense")
    HeNormal()
    """
    if isinstance(initializer, str):
        return lookup("initializer", initializer, INITIALIZERS)()
    if isinstance(initializer, type) and issubclass(initializer, Initializer):
        return initializer()
    if isinstance(initializer, Initializer):
        return initializer
    if callable(initializer) and not isinstance(initializer, type):
        return _Own(initializer)
    raise DataError(
        f"{where}: an initializer must be a name ({', '.join(INITIALIZERS)}), an Initializer or a "
        f"function of (shape, rng), received {initializer!r}"
    )
