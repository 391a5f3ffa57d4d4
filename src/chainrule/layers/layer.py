"""What a layer is: weights, and plain NumPy that uses them."""

from __future__ import annotations

import copy
import functools
import inspect
import math
import warnings
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from chainrule import activations, initializers, regularizers
from chainrule.autodiff.names import called
from chainrule.config import Configurable, snake_case
from chainrule.errors import ChainruleError, DataError, ShapeError
from chainrule.layers import tracking
from chainrule.layers.hooks import check_layer, check_setting, missing
from chainrule.layers.tracking import Path, Surroundings, Weight, around
from chainrule.layers.weights import drawn, fitted
from chainrule.validation import Array, as_numbers, check_flag, shape_text

Shape = tuple[int | None, ...]
LARGEST = 2**28  # numbers in a sample


class Layer(Configurable, tracking.Holder):
    """A step from arrays to arrays. A layer of your own is one class, with plain NumPy in `call`.

    `build` makes the weights once the shape of the input is known; what `add_weight` returned is a
    weight wherever an attribute holds it, in lists, tuples and dicts too. `call` uses them. A
    weight with ``trainable=False`` may be assigned to in `call`: that is how moving averages are
    kept. Layers that attributes hold are part of the layer, with all their weights; called in
    `call`, they are told whether it is training.

    Parameters
    ----------
    name : str, optional
        By default the class's name; a model makes it unique.
    trainable : bool, default True
        False leaves the weights as they are in training; set later, it holds for the layers within
        as well.

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
    input_shape: Shape
    output_shape: Shape
    _is_told = False  # in `call`, whether it is training
    _is_building = _tells_shape = False
    _new: list[tuple[Any, Weight, Any]]  # weights not found yet, and how to make them
    _early: list[tuple[Path, Any]]  # those made before the shape was known
    integers = False  # whether the input is whole numbers, which stay what they are

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        check_layer(cls)
        cls._is_told = "training" in inspect.signature(cls.call).parameters
        cls._tells_shape = cls.compute_output_shape is not Layer.compute_output_shape
        if "build" in vars(cls):
            cls.build = _whole(cls.build)  # type: ignore[method-assign]

    def __new__(cls, *args: Any, **kwargs: Any) -> Self:
        """Set what every layer has, also where a subclass does not call ``super().__init__``."""
        self = super().__new__(cls, *args, **kwargs)
        self.name, self.trainable, self.built = snake_case(cls.__name__), True, False
        self._kept, self._new, self._early = {}, [], []
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

    def __setattr__(self, name: str, value: Any) -> None:
        check_setting(self, name)
        object.__setattr__(self, name, value)
        if name == "trainable":
            for layer in tracking.sublayers(self).values():
                layer.trainable = value
        elif not vars(self).get("trainable", True):
            for _, part in tracking.walk(value, (name,)):
                if isinstance(part, Layer):
                    part.trainable = False

    if not TYPE_CHECKING:  # which is to know what there is

        def __getattr__(self, name: str) -> Any:
            raise AttributeError(missing(self, name))

    def build(self, input_shape: Any) -> None:
        """Make the weights for an input of this shape, a tuple ``(None, …)``."""
        if not self._is_building:
            self.prepare(input_shape)

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
        *,
        regularizer: Any = None,
        name: str | None = None,
    ) -> Array:
        """Return a new weight, to be kept in an attribute, or in a list, tuple or dict there.

        Parameters
        ----------
        shape : tuple of int
        initializer : str or Initializer, default "glorot_uniform"
        dtype : dtype, optional
            The model's by default.
        trainable : bool, default True
        regularizer : str or Regularizer, optional
        name : str, optional
            By default that of the attribute.
        """
        where = str(self)
        if name is not None and not (isinstance(name, str) and name.isidentifier()):
            raise DataError(
                f"{where}: a weight's name must be text that could name a Python variable, "
                f"received {name!r}"
            )
        if not isinstance(shape, tuple | list):
            raise ShapeError(f"{where}: a weight's shape must be a tuple, received {shape!r}")
        make = functools.partial(
            drawn, where, tuple(shape), initializers.get(initializer, where), dtype
        )
        values = make(self._rng, self._dtype)
        about = Weight(
            check_flag(trainable, "trainable", where), regularizers.get(regularizer, where), name
        )
        self._new.append((values, about, make))
        return values

    def prepare(self, input_shape: Shape, rng: Any = None, dtype: Any = None) -> Shape:
        """Build the layer and return the shape of its output, by trying it."""
        input_shape = (None, *input_shape[1:])
        if math.prod(size or 1 for size in input_shape) > LARGEST:
            raise ShapeError(f"{self}: an input of shape {shape_text(input_shape)} is too large")
        outer = around()
        if outer is not None and outer.builds:
            rng, dtype = outer.rng, outer.dtype
        if rng is not None:
            self._rng, self._dtype = rng, np.dtype(dtype)
        try:
            with tracking.within(Surroundings(self, rng=self._rng, dtype=self._dtype)):
                self._make(input_shape)
                shape = self._output()
            if outer is None:
                tracking.check_shared(self)
        except Exception:
            self.built = False
            raise
        if math.prod(shape) > LARGEST:
            raise ShapeError(
                f"{self}: an output of shape {shape_text((None, *shape))} is too large"
            )
        self.output_shape, self.built = (None, *shape), True
        return self.output_shape

    def _make(self, input_shape: Shape) -> None:
        """Make the weights, those of `__init__` anew: only now it is known what they depend on."""
        if self._new:
            made = {id(about): make for _, about, make in self._new}
            self._kept = tracking.kept(self, [new[:2] for new in self._new])
            self._early = [(path, made[id(about)]) for path, about in self._kept.items()]
        early = {path: self._kept[path] for path, _ in self._early}
        anew = {id(make): make(self._rng, self._dtype) for _, make in self._early}
        for path, make in self._early:
            tracking.put(self, path, anew[id(make)])
        self._new, self._is_building = [], True
        try:
            self.build(input_shape)
            self._kept = early | tracking.kept(self, [new[:2] for new in self._new])
        finally:
            self._new, self._is_building = [], False
        self.input_shape = input_shape

    def _output(self) -> tuple[int, ...]:
        """Return the shape of a sample's output; no samples take no memory, whatever their size.

        Layers within are built as they are called, those that only training calls as well.
        """
        if type(self).__module__.startswith("chainrule."):
            with suppress(Exception):
                return self._tried(0)
        shape = self._tried(2)
        told = (
            tuple(self.compute_output_shape(self.input_shape)[1:]) if self._tells_shape else shape
        )
        if told != shape:
            raise ShapeError(
                f"{self}: compute_output_shape tells {shape_text((None, *told))}, call gives "
                f"{shape_text((None, *shape))}"
            )
        if self._is_told and not all(layer.built for layer in tracking.family(self)[1:]):
            self._tried(2, training=True)
        return shape

    def _tried(self, rows: int, training: bool = False) -> tuple[int, ...]:
        """Return the shape of a sample's output, by running so many samples."""
        sizes = [size or 1 for size in self.input_shape[1:]]
        with np.errstate(all="ignore"), warnings.catch_warnings():
            warnings.simplefilter("error" if rows == 0 else "default")
            example = np.zeros((rows, *sizes), np.int32 if self.integers else self._dtype)
            y = tracking.copied(self, deep=False).run(example, training)
        shape: tuple[int, ...] = () if isinstance(y, tuple | list | dict) else np.shape(y)
        if not shape or shape[0] != rows:
            received = f"has shape {shape}" if shape else f"is a {type(y).__name__}"
            raise ShapeError(
                f"{self}: for an input of shape ({rows}, …) the output must be an array of {rows} "
                f"rows, {received}"
            )
        return shape[1:]

    def bound(self, weights: Mapping[str, Any]) -> Self:
        """Return a copy of the layer with other weights: what it assigns stays in the copy."""
        twin: Self = tracking.copied(self, deep=True)
        twin.take(weights)
        return twin

    def take(self, weights: Mapping[str, Any]) -> None:
        """Let weights, told by their names, have other values."""
        held = tracking.held(self)
        for name, values in weights.items():
            held[name].write(values)

    def run(self, x: Any, training: bool) -> Any:
        """Return the output for an input of the shape that the layer was built for."""
        if x.shape[1:] != self.input_shape[1:]:
            raise self.misfit(self.input_shape, (None, *x.shape[1:]))
        try:
            call: Any = self.call
            with tracking.within(self._surroundings(training)):
                y = call(x, training=training) if self._is_told else call(x)
        except (ValueError, IndexError, TypeError, AttributeError) as error:
            if isinstance(error, ChainruleError):
                raise
            shape = shape_text((None, *x.shape[1:]))
            raise ShapeError(f"{self}: fails for an input of shape {shape}: {error}") from error
        called(self.name, y)
        return y

    def _surroundings(self, training: bool) -> Surroundings:
        """Return what layers within are to know."""
        outer = around()
        if outer is not None and outer.members and not outer.builds:
            return replace(outer, training=training)
        builds = outer is not None and not outer.members
        members = frozenset(map(id, tracking.family(self)))
        rng, dtype = (outer.rng, outer.dtype) if outer is not None and builds else (None, None)
        return Surroundings(self, members, training, rng, dtype)

    def __call__(self, x: Any, training: bool | None = None) -> Any:
        """Return the output for arrays; the first call builds the layer.

        Within another layer's `call` it is told by that one whether it is training.
        """
        outer = around()
        if training is None:
            training = outer is not None and outer.training
        training = check_flag(training, "training", str(self))
        if outer is not None:
            return self._within(outer, x, training)
        if not hasattr(x, "level"):
            x = as_numbers(x, "the input", str(self))
            if x.ndim == 0:
                raise ShapeError(f"{self}: expected an array with a sample a row, received {x}")
            x = x if self.integers else x.astype(self._dtype, copy=False)
        if not self.built:
            self.prepare((None, *x.shape[1:]))
        return self.run(x, training)

    def _within(self, outer: Surroundings, x: Any, training: bool) -> Any:
        """Return the output where another layer calls this one."""
        if not hasattr(x, "shape") or x.ndim == 0:
            raise DataError(
                f"{outer.outer}: {self} takes one array with a sample a row, received a "
                f"{type(x).__name__}; give a layer of your own several arrays as one, with "
                "np.concatenate"
            )
        if outer.members and id(self) not in outer.members:
            raise DataError(
                f"{outer.outer}: calls {self}, which none of its attributes holds; write "
                "self.name = layer in __init__ or build, or put it into a list, tuple or dict there"
            )
        if not outer.builds:
            if not self.built:
                raise DataError(
                    f"{outer.outer}: calls {self}, which it did not call when it was built, with "
                    "zeros; call its build(input_shape) in build"
                )
            return self.run(x, training)
        if not self.built:
            self.prepare((None, *x.shape[1:]))
        return self.bound({}).run(x, training)

    @property
    def weights(self) -> dict[str, Array]:
        """The weights by name, those of layers within last; of each the trained ones first."""
        return {name: held.read() for name, held in tracking.held(self).items()}

    def is_trained(self, name: str) -> bool:
        """Whether a weight is trained."""
        return tracking.held(self)[name].is_trained

    @property
    def settings(self) -> dict[str, Any]:
        """What `call` may look at besides the weights."""
        return tracking.settings(self)

    def get_weights(self) -> list[Array]:
        """Return copies of the weights, in Keras's order."""
        return [values.copy() for values in self.weights.values()]

    def set_weights(self, weights: Sequence[Any]) -> None:
        """Set the weights, in the order of `get_weights`.

        Raises
        ------
        ShapeError, DataError
            If one does not fit; then none is changed.
        """
        self.take(fitted(self.weights, weights, str(self)))

    def count_params(self) -> int:
        """Return how many numbers the weights hold."""
        return sum(values.size for values in self.weights.values())

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """Return the shape of the output for an input of a shape, ``(None, …)``."""
        if self.built and tuple(input_shape[1:]) == self.input_shape[1:]:
            return self.output_shape
        return copy.deepcopy(self).prepare(input_shape)

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


def _whole(build: Any) -> Any:
    """Have a layer's `build`, called by somebody, do all that building is."""

    @functools.wraps(build)
    def whole(self: Layer, input_shape: Shape) -> None:
        if self._is_building:
            build(self, input_shape)
        else:
            self.prepare(input_shape)

    return whole


def activation_of(activation: Any, where: str) -> Any:
    """Return an activation function; a layer is none, as its weights would not be trained."""
    if isinstance(activation, Layer):
        raise DataError(f"{where}: the activation is a layer; put {activation} after this one")
    return activations.get(activation, where)
