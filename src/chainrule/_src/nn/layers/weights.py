"""Values of weights: drawn when a layer is built, or set later."""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext, suppress
from functools import wraps
from typing import Any

import numpy as np

from chainrule._src.base.arrays import Array, as_numbers
from chainrule._src.base.errors import ChainruleError, DataError, ShapeError

PARTS = ("initializer", "regularizer", "constraint")  # suffixes of a weight's options
MOST = 2**48  # entries of a weight; some thousand times more would overflow NumPy's integers


def keeping_options(init: Callable[..., None]) -> Callable[..., None]:
    """Return an ``__init__`` that stores its options of weights as attributes.

    A value that a class passes to its base class takes precedence, then the first class's default.
    """
    signature = inspect.signature(init)
    names = [
        name
        for name in signature.parameters
        if name.rpartition("_")[2] in PARTS and name != "activity_regularizer"
    ]

    @wraps(init)
    def keeping(self: Any, *args: Any, **kwargs: Any) -> None:
        with suppress(TypeError):  # the call itself raises this error
            arguments = signature.bind_partial(self, *args, **kwargs).arguments
            for name in names:
                if name in arguments:
                    vars(self)[name] = arguments[name]
                else:
                    vars(self).setdefault(name, signature.parameters[name].default)
        init(self, *args, **kwargs)

    return keeping if names else init


class Blank:
    """Replaces the random generator while a model is loaded: weights are zeros at first.

    The number of weights is limited by the file, so that a hostile config cannot exhaust memory.

    Parameters
    ----------
    entries : int
        Number of entries of weights in the file.
    """

    def __init__(self, entries: int) -> None:
        self.n_left = entries

    def weight(self, shape: tuple[int, ...], rng: Blank) -> Array:
        """Return a weight of zeros, or raise an error beyond the limit."""
        self.n_left -= math.prod(shape)
        if self.n_left < 0:
            raise DataError("the layers have more weights than the file holds")
        return np.zeros(shape)


class Watched(np.random.Generator):
    """A random generator that logs each drawn weight and the function that drew the weight.

    Parameters
    ----------
    bit_generator : BitGenerator
    within : callable, optional
        Returns the context manager in which weights are drawn.
    """

    def __init__(
        self, bit_generator: Any, within: Callable[[], AbstractContextManager[Any]] = nullcontext
    ) -> None:
        super().__init__(bit_generator)
        self.within = within
        self.log: list[tuple[Callable[[Any], Array], Array]] = []


def drawn(
    where: str, shape: tuple[int, ...], initializer: Any, dtype: Any, rng: Any, usual: Any
) -> Array:
    """Return the values of a new weight; ``usual`` is the dtype if ``dtype`` is None."""
    make: Any = rng.weight if isinstance(rng, Blank) else initializer

    def draw(rng: Any) -> Array:
        return np.asarray(make(shape, rng), dtype or usual)

    try:
        if math.prod(size or 0 for size in shape) > MOST:
            raise MemoryError
        if isinstance(rng, Watched):
            with rng.within():
                values = draw(rng)
            rng.log.append((draw, values))
        else:
            values = draw(rng)
    except MemoryError as error:
        raise ShapeError(f"{where}: a weight of shape {shape} does not fit into memory") from error
    except (TypeError, ValueError) as error:
        if isinstance(error, ChainruleError):
            raise
        raise DataError(f"{where}: no weight of shape {shape} can be made: {error}") from error
    if values.shape != shape:
        raise ShapeError(f"{where}: the initializer was to give shape {shape}, gave {values.shape}")
    return values


def fitted(old: Mapping[str, Array], new: Any, where: str) -> dict[str, Array]:
    """Return new values for weights, in their order, by their names.

    Raises
    ------
    ShapeError, DataError
        If the number of arrays differs, or an array does not fit.
    """
    if not isinstance(new, Sequence):
        raise DataError(f"{where}: expected a list of arrays, received {new!r}")
    if len(new) != len(old):
        raise ShapeError(f"{where}: expected {len(old)} arrays, received {len(new)}")
    values = {}
    for (name, before), after in zip(old.items(), new, strict=True):
        value = as_numbers(after, name, where)
        if value.shape != before.shape:
            raise ShapeError(f"{where}: {name} has shape {before.shape}, received {value.shape}")
        values[name] = value.astype(before.dtype)
    return values
