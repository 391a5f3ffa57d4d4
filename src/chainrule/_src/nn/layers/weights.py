"""Weights: drawn when a layer is built, and set anew."""

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

PARTS = ("initializer", "regularizer", "constraint")  # of the options of a weight, after its name
MOST = 2**48  # in a weight: NumPy counts no further than some thousand times that


def keeping_options(init: Callable[..., None]) -> Callable[..., None]:
    """Return an ``__init__`` that keeps the options of weights that it is given.

    What one class hands on to the next counts, and a default where nothing else was said.
    """
    signature = inspect.signature(init)
    names = [
        name
        for name in signature.parameters
        if name.rpartition("_")[2] in PARTS and name != "activity_regularizer"
    ]

    @wraps(init)
    def keeping(self: Any, *args: Any, **kwargs: Any) -> None:
        with suppress(TypeError):  # which the call itself tells of
            given = signature.bind_partial(self, *args, **kwargs).arguments
            for name in names:
                if name in given:
                    vars(self)[name] = given[name]
                else:
                    vars(self).setdefault(name, signature.parameters[name].default)
        init(self, *args, **kwargs)

    return keeping if names else init


class Blank:
    """Stands for a random generator where weights come from a file: until then they are zeros.

    There are no more of them than the file holds, whatever it says of its layers.

    Parameters
    ----------
    entries : int
        How many numbers the file holds.
    """

    def __init__(self, entries: int) -> None:
        self.left = entries

    def weight(self, shape: tuple[int, ...], rng: Blank) -> Array:
        """Return a weight, if there are as many numbers left."""
        self.left -= math.prod(shape)
        if self.left < 0:
            raise DataError("the layers have more weights than the file holds")
        return np.zeros(shape)


class Watched(np.random.Generator):
    """A generator that keeps in ``log`` what was drawn from it: how, and the weights themselves.

    Parameters
    ----------
    bit_generator : BitGenerator
    within : callable, optional
        Gives a context that weights are drawn in.
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
    """Return the values of a new weight, in its own dtype or the usual one."""
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
        If there are not as many, or one does not fit.
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
