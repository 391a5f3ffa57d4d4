"""What a layer is: weights, and plain NumPy that uses them."""

from __future__ import annotations

import copy
import inspect
import math
import warnings
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from chainrule import activations, initializers, regularizers
from chainrule.autodiff.names import called
from chainrule.config import Configurable, snake_case
from chainrule.errors import ChainruleError, DataError, ShapeError
from chainrule.validation import Array, as_numbers, check_flag

Shape = tuple[int | None, ...]
LARGEST = 2**28  # numbers in a sample
MOST = 2**48  # in a weight: NumPy counts no further than some thousand times that


@dataclass(frozen=True)
class Weight:
    """What is known of a weight: whether it is trained, and what its size costs in the loss."""

    trainable: bool = True
    regularizer: Any = None


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


class Layer(Configurable):
    """A step from arrays to arrays. A layer of your own is one class, with plain NumPy in `call`.

    `build` makes the weights once the shape of the input is known; an attribute that `add_weight`
    returned is a weight, whatever it is called. `call` uses them. A weight with
    ``trainable=False`` may be assigned to in `call`: that is how moving averages are kept.

    Parameters
    ----------
    name : str, optional
        By default the class's name; a model makes it unique.
    trainable : bool, default True
        False leaves the weights as they are in training.

    Attributes
    ----------
    built : bool
    input_shape, output_shape : tuple
        With None for the batch size, once built.

    Examples
    --------
    >>> class Gain(Layer):
    ...     def build(self, input_shape):
    ...         self.by = self.add_weight(input_shape[-1:], initializer="ones")
    ...
    ...     def call(self, x):
    ...         return x * self.by
    >>> Gain()(np.array([[1.0, 2.0]]))
    array([[1., 2.]], dtype=float32)
    """

    name: str
    trainable: bool
    built: bool
    input_shape: Shape
    output_shape: Shape
    _is_told = False  # in `call`, whether it is training
    _kept: dict[str, Weight]
    _new: list[tuple[Any, Weight]]
    integers = False  # whether the input is whole numbers, which stay what they are

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        cls._is_told = "training" in inspect.signature(cls.call).parameters

    def __new__(cls, *args: Any, **kwargs: Any) -> Self:
        """Set what every layer has, also where a subclass does not call ``super().__init__``."""
        self = super().__new__(cls, *args, **kwargs)
        self.name, self.trainable, self.built = snake_case(cls.__name__), True, False
        self._kept, self._new = {}, []
        self._rng, self._dtype = np.random.default_rng(), np.dtype(np.float32)
        return self

    def __init__(self, *, name: str | None = None, trainable: bool = True) -> None:
        if name is not None:
            if not isinstance(name, str) or not name.isidentifier():
                raise DataError(
                    f"{type(self).__name__}: name must be text that could name a Python variable, "
                    f"received {name!r}"
                )
            self.name = name
        self.trainable = check_flag(trainable, "trainable", type(self).__name__)

    def build(self, input_shape: Any) -> None:
        """Make the weights for an input of this shape, a tuple ``(None, …)``."""

    def check(self, x: Array) -> None:
        """Refuse samples that there is no output for, where it is the first layer."""

    def call(self, x: Any) -> Any:
        """Return the layer's output. With an argument ``training`` it is told what it is for."""
        raise NotImplementedError(f"{type(self).__name__} must define call")

    def add_weight(
        self,
        shape: Sequence[int | None] = (),
        initializer: Any = "glorot_uniform",
        dtype: Any = None,
        trainable: bool = True,
        regularizer: Any = None,
    ) -> Array:
        """Return a new weight, to be kept in an attribute.

        Parameters
        ----------
        shape : tuple of int
        initializer : str or Initializer, default "glorot_uniform"
        dtype : dtype, optional
            The model's by default.
        trainable : bool, default True
        regularizer : str or Regularizer, optional
        """
        where = str(self)
        make: Any = initializers.get(initializer, where)
        if isinstance(self._rng, Blank):
            make = self._rng.weight
        try:
            if math.prod(size or 0 for size in shape) > MOST:
                raise MemoryError
            values = np.asarray(make(tuple(shape), self._rng), dtype or self._dtype)
        except MemoryError as error:
            raise ShapeError(
                f"{where}: a weight of shape {tuple(shape)} does not fit into memory"
            ) from error
        except (TypeError, ValueError) as error:
            if isinstance(error, ChainruleError):
                raise
            raise DataError(
                f"{where}: no weight of shape {tuple(shape)} can be made: {error}"
            ) from error
        if values.shape != tuple(shape):
            raise ShapeError(
                f"{where}: the initializer was to give shape {tuple(shape)}, gave {values.shape}"
            )
        self._new.append((values, Weight(trainable, regularizers.get(regularizer, where))))
        return values

    def prepare(self, input_shape: Shape, rng: Any, dtype: Any) -> Shape:
        """Build the layer and return the shape of its output, by trying it."""
        if math.prod(size or 1 for size in input_shape) > LARGEST:
            raise ShapeError(f"{self}: an input of shape {shape_text(input_shape)} is too large")
        self._rng, self._dtype, self._new = rng, np.dtype(dtype), []
        self.build(input_shape)
        self._kept = dict(map(self._attribute, self._new))
        self._new, self.input_shape = [], input_shape
        shape = self._output()
        if math.prod(shape) > LARGEST:
            raise ShapeError(
                f"{self}: an output of shape {shape_text((None, *shape))} is too large"
            )
        self.output_shape, self.built = (None, *shape), True
        return self.output_shape

    def _output(self) -> tuple[int, ...]:
        """Return the shape of a sample's output; no samples take no memory, whatever their size."""
        if type(self).__module__.startswith("chainrule."):
            with suppress(Exception):
                return self._tried(0)
        return self._tried(2)

    def _tried(self, rows: int) -> tuple[int, ...]:
        """Return the shape of a sample's output, by running so many samples."""
        sizes = [size or 1 for size in self.input_shape[1:]]
        with np.errstate(all="ignore"), warnings.catch_warnings():
            warnings.simplefilter("error" if rows == 0 else "default")
            example = np.zeros((rows, *sizes), np.int32 if self.integers else self._dtype)
            shape: tuple[int, ...] = np.shape(self.bound({}).run(example, False))
        if not shape or shape[0] != rows:
            raise ShapeError(
                f"{self}: for an input of shape ({rows}, …) the output must have {rows} rows, has "
                f"shape {shape}"
            )
        return shape[1:]

    def _attribute(self, new: tuple[Any, Weight]) -> tuple[str, Weight]:
        """Return the attribute that holds a new weight."""
        values, weight = new
        for name, held in vars(self).items():
            if held is values:
                return name, weight
        raise DataError(
            f"{self}: a weight of shape {values.shape} is kept in no attribute; write "
            "self.name = self.add_weight(...)"
        )

    def bound(self, weights: Mapping[str, Any]) -> Self:
        """Return a copy of the layer with other weights: what it assigns stays in the copy."""
        twin = copy.copy(self)
        vars(twin).update(weights)
        return twin

    def run(self, x: Any, training: bool) -> Any:
        """Return the output for an input of the shape that the layer was built for."""
        if x.shape[1:] != self.input_shape[1:]:
            raise self.misfit(self.input_shape, (None, *x.shape[1:]))
        try:
            call: Any = self.call
            y = call(x, training=training) if self._is_told else call(x)
        except (ValueError, IndexError, TypeError, AttributeError) as error:
            if isinstance(error, ChainruleError):
                raise
            shape = shape_text((None, *x.shape[1:]))
            raise ShapeError(f"{self}: fails for an input of shape {shape}: {error}") from error
        called(self.name, y)
        return y

    def __call__(self, x: Any, training: bool = False) -> Any:
        """Return the output for arrays; the first call builds the layer."""
        training = check_flag(training, "training", str(self))
        if not hasattr(x, "level"):
            x = as_numbers(x, "the input", str(self))
            if x.ndim == 0:
                raise ShapeError(f"{self}: expected an array with a sample a row, received {x}")
            x = x if self.integers else x.astype(self._dtype, copy=False)
        if not self.built:
            self.prepare((None, *x.shape[1:]), self._rng, self._dtype)
        return self.run(x, training)

    @property
    def weights(self) -> dict[str, Array]:
        """The weights by name, the trained ones first."""
        names = sorted(self._kept, key=lambda name: not self._kept[name].trainable)
        return {name: getattr(self, name) for name in names}

    @property
    def settings(self) -> dict[str, Any]:
        """What `call` may look at besides the weights."""
        return {
            name: value
            for name, value in vars(self).items()
            if name not in self._kept and not name.startswith("_")
        }

    def is_trained(self, name: str) -> bool:
        """Whether a weight is trained."""
        return self.trainable and self._kept[name].trainable

    def regularizer_of(self, name: str) -> Any:
        """Return what a weight's size costs, or None."""
        return self._kept[name].regularizer

    def misfit(self, expected: Shape, received: Shape, hint: str = "") -> ShapeError:
        """Return the error for an input of the wrong shape, which names the axis that differs."""
        what = f"expected an input of shape {shape_text(expected)}, received {shape_text(received)}"
        if len(expected) == len(received):
            axis = next(
                i for i, (a, b) in enumerate(zip(expected, received, strict=True))
                if a != b and a is not None
            )  # fmt: skip
            what = f"expected {expected[axis]} in axis {axis} of the input, received " + (
                f"{received[axis]} (shapes {shape_text(expected)} and {shape_text(received)})"
            )
        return ShapeError(f"{self}: {what}{hint and '; '}{hint}")

    def named(self, prefix: str, value: Any) -> Any:
        """Give a value in the middle of the layer a name for readable text, and return it."""
        called(f"{prefix}_{self.name}", value)
        return value

    def __str__(self) -> str:
        kind = type(self).__name__
        return f"layer {self.name!r} ({kind})"


def activation_of(activation: Any, where: str) -> Any:
    """Return an activation function; a layer is none, as its weights would not be trained."""
    if isinstance(activation, Layer):
        raise DataError(f"{where}: the activation is a layer; put {activation} after this one")
    return activations.get(activation, where)


def shape_text(shape: Sequence[int | None]) -> str:
    """Write a shape, the batch size as ``n``."""
    sizes = ["n" if size is None else str(size) for size in shape]
    return f"({', '.join(sizes)}{',' if len(sizes) == 1 else ''})"
