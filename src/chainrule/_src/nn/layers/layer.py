"""The base class of layers: weights, and plain NumPy that uses the weights."""

from __future__ import annotations

import copy
import functools
import inspect
import math
import warnings
from collections.abc import Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Annotated, Any, Self

import numpy as np

from chainrule._src.base.arrays import Array
from chainrule._src.base.errors import DataError, ShapeError
from chainrule._src.base.showing import snake_case
from chainrule._src.base.validation import check_flag, shape_text
from chainrule._src.base.variables import Variable
from chainrule._src.core.names import name_tensor
from chainrule._src.core.trees import map_leaves
from chainrule._src.nn import activations, constraints, initializers, regularizers
from chainrule._src.nn.layers import tracking
from chainrule._src.nn.layers.calling import Called
from chainrule._src.nn.layers.given import dtype_given, merged, shape_given
from chainrule._src.nn.layers.hooks import OF_LAYERS, check_class, check_setting, missing
from chainrule._src.nn.layers.surroundings import CallContext, Placeholder, around, within
from chainrule._src.nn.layers.tracking import Weight
from chainrule._src.nn.layers.weights import PARTS, drawn, keeping_options

Shape = tuple[int | None, ...]
LARGEST = 2**28  # numbers in a sample
ROWS = "samples that are rows, shape (n, d)"
SEQUENCES = "sequences, shape (n, steps, d)"
LENGTHS = 64, 192  # two lengths with which an axis without fixed length is tried


class Layer(Called):
    """A function of arrays with weights. Your own layer is one class, with plain NumPy in `call`.

    `build` creates the weights when the shape of the input is known; store the result of
    `add_weight` in an attribute, or in a list, tuple or dict in an attribute. `call` uses the
    weights. It may assign a new value to a weight with ``trainable=False``, for a moving average
    for instance. Layers in attributes are sublayers, with all their weights; if `call` calls them,
    they have the same ``training``.

    Parameters
    ----------
    name : str, optional
        By default the class's name; a model makes it unique.
    trainable : bool, default True
        If false, the weights are not trained; set later, it also applies to the layers within
        this layer.
    dtype : {"float32", "float64"}, optional
        Must be the model's dtype.
    activity_regularizer : str or Regularizer, optional
        Regularizer of the output, per sample.
    input_shape, batch_input_shape, input_dim : optional
        Shape of a sample, without or with the batch size, for the first layer of a model.

    Attributes
    ----------
    built : bool
    input_shape, output_shape : tuple
        Shapes with None for the batch size; set when the layer is built.

    Raises
    ------
    DataError
        If an option has a wrong value, or a class defines a hook of Keras that is not supported.
    ShapeError
        If `call` fails for an input, or returns no array with one row per sample.

    Examples
    --------
    >>> class Stretch(Layer):
    ...     def build(self, input_shape):
    ...         self.by = self.add_weight(input_shape[-1:], initializer="ones")
    ...
    ...     def call(self, x):
    ...         return x * self.by
    >>> Stretch()(np.array([[1.0, 2.0]]))
    array([[1., 2.]], dtype=float32)
    """

    name: str
    _is_building = _tells_shape = False
    _new: list[tuple[Any, Weight, Any]]  # weights not found yet, and functions that draw them
    _early: dict[Weight, Any]  # functions that draw the weights from `__init__`
    _dtype_name: str | None = None
    given_shape: Shape | None = None  # shape of the input with the batch size, from an argument
    _hooks: tuple[str, ...] = OF_LAYERS  # hooks of Keras that are not supported
    gives_several = False  # if true, `call` returns states after the output
    further_shapes: Any = ()  # shapes of these states
    builds_itself = False  # if true, the class's `build` calls `prepare` itself

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        check_class(cls, cls._hooks)
        parameters = inspect.signature(cls.call).parameters
        cls._more = [name for name, p in parameters.items() if p.kind == p.POSITIONAL_OR_KEYWORD][
            2:
        ]
        cls._takes_training, cls._takes_mask = "training" in parameters, "mask" in parameters
        cls._tells_shape = cls.compute_output_shape is not Layer.compute_output_shape
        if "__init__" in vars(cls):
            cls.__init__ = keeping_options(cls.__init__)  # type: ignore[method-assign]
        if "build" in vars(cls) and not cls.builds_itself:
            cls.build = _with_prepare(cls.build)  # type: ignore[method-assign]

    def __new__(cls, *args: Any, **kwargs: Any) -> Self:
        """Set the attributes of all layers, even if a class does not call ``super().__init__``."""
        self = super().__new__(cls, *args, **kwargs)
        self.name, self.trainable, self.built = snake_case(cls.__name__), True, False
        self._kept, self._new, self._early, self._added = {}, [], {}, []
        self._rng, self._dtype = np.random.default_rng(), np.dtype(np.float32)
        return self

    def __init__(
        self,
        *,
        name: str | None = None,
        trainable: bool = True,
        dtype: Any = None,
        activity_regularizer: Any = None,
        input_shape: Any = None,
        batch_input_shape: Any = None,
        input_dim: Any = None,
    ) -> None:
        where = type(self).__name__
        if name is not None:
            if not isinstance(name, str) or not name:
                raise DataError(f"{where}: name must be text, received {name!r}")
            self.name = name
        self.trainable = trainable
        # Set only if not None: all attributes of a layer are searched at every prediction.
        if dtype is not None:
            self._dtype_name = dtype_given(dtype, where)
        if activity_regularizer is not None:
            self.activity_regularizer = regularizers.get(activity_regularizer, where)
        shape = shape_given(input_shape, batch_input_shape, input_dim, where)
        if shape is not None:
            self.given_shape = shape

    def __setattr__(self, name: str, value: Any) -> None:
        check_setting(self, name)
        if name == "trainable":
            check_flag(value, "trainable", type(self).__name__)
            for layer in tracking.sublayers(self).values():
                layer.trainable = value
        elif not vars(self).get("trainable", True):
            for _, part in tracking.walk(value, (name,)):
                if isinstance(part, Layer):
                    part.trainable = False
        object.__setattr__(self, name, value)

    if not TYPE_CHECKING:  # else a type checker would accept any attribute

        def __getattr__(self, name: str) -> Any:
            if name in ("input", "output", "inputs", "outputs") and self.built:
                shape = self.input_shape if name.startswith("in") else self.output_shape
                symbol = Placeholder(shape, self._dtype.name)
                return [symbol] if name.endswith("s") else symbol
            raise AttributeError(missing(self, name))

    def build(self, input_shape: Any) -> None:
        """Create the weights for an input of this shape, a tuple ``(None, …)``."""
        if not self._is_building:
            self.prepare(input_shape)

    def check(self, x: Array) -> None:
        """Raise an error for invalid samples; called if this is the model's first layer."""

    def call(self, x: Any) -> Any:
        """Return the layer's output.

        If the method has an argument ``training``, it is true in training. If it has an argument
        ``mask``, that is the mask of each sample's steps, ``(n, steps)``, or None.
        """
        raise NotImplementedError(f"{type(self).__name__} must define call")

    def add_loss(self, loss: Any) -> None:
        """Add a number to the loss of the model; to be used in `call`."""
        outer = around()
        if outer is None:
            raise DataError(f"{self}: add_loss belongs into call")
        outer.notes.losses.append(loss)

    def add_weight(
        self,
        shape: Sequence[int | None] | None = None,
        initializer: Any = "glorot_uniform",
        dtype: Any = None,
        trainable: bool = True,
        *,
        regularizer: Any = None,
        constraint: Any = None,
        name: str | None = None,
    ) -> Array:
        """Return a new weight; store the weight in an attribute, also in a list, tuple or dict.

        Parameters
        ----------
        shape : tuple of int
        initializer : str or Initializer, default "glorot_uniform"
            For an integer dtype the default is ``"zeros"``.
        dtype : dtype, optional
            By default the model's dtype.
        trainable : bool, default True
        regularizer : str or Regularizer, optional
        constraint : str or Constraint, optional
            Constraint that is applied to the weight after every update.
        name : str, optional
            By default the name of the attribute.
        """
        where = str(self)
        if name is not None and not isinstance(name, str):
            raise DataError(f"{where}: a weight's name must be text, received {name!r}")
        inside = around()
        if inside is not None and inside.outer is self and not self._is_building:
            raise DataError(f"{where}: add_weight in call; make weights in __init__ or in build")
        is_usual = isinstance(initializer, str) and initializer == "glorot_uniform"
        if is_usual and any(kind in str(dtype) for kind in ("int", "bool")):
            initializer = "zeros"
        shape = () if shape is None else (shape,) if isinstance(shape, int) else shape
        if not isinstance(shape, tuple | list):
            raise ShapeError(f"{where}: a weight's shape must be a tuple, received {shape!r}")
        if None in shape:
            raise ShapeError(
                f"{where}: a weight's shape must be fixed, received {shape_text(shape)}; give the "
                "axes of the input that it comes from a length"
            )
        make = functools.partial(
            drawn, where, tuple(shape), initializers.get(initializer, where), dtype
        )
        values: Any = make(self._rng, self._dtype)
        about = Weight(
            check_flag(trainable, "trainable", where), regularizers.get(regularizer, where), name,
            constraints.get(constraint, where),
        )  # fmt: skip
        if not (about.trainable or type(self).__module__.startswith("chainrule.")):
            values = Variable(values, name=name or "weight")  # to be assigned to in `call`
        self._new.append((values, about, make))
        return values  # type: ignore[no-any-return]

    def weight_of(self, name: str, shape: Shape, **changed: Any) -> Array:
        """Return a new weight with the layer's initializer, regularizer and constraint."""
        options: Any = {part: vars(self).get(f"{name}_{part}") for part in PARTS}
        return self.add_weight(shape, **options | changed)

    def prepare(
        self, input_shape: Shape, rng: Any = None, dtype: Any = None, called_with: Any = None
    ) -> Shape:
        """Build the layer, and return the shape of its output, which a trial call determines.

        A layer with several inputs needs ``called_with``: the input, the further positional
        arguments, and the keyword arguments.
        """
        input_shape = (None,) if input_shape is None else tuple(input_shape)
        if math.prod(size or 1 for size in input_shape[1:]) > LARGEST:
            raise ShapeError(f"{self}: an input of shape {shape_text(input_shape)} is too large")
        outer = around()
        if outer is not None and outer.builds:
            rng, dtype = outer.rng, outer.dtype
        if rng is not None:
            self._rng, self._dtype = rng, np.dtype(dtype)
        if self._dtype_name not in (None, self._dtype.name):
            raise DataError(
                f"{self}: dtype is {self._dtype_name}, the model's {self._dtype.name}; give the "
                "model a dtype, in which all its layers compute"
            )
        try:
            with within(CallContext(self, rng=self._rng, dtype=self._dtype)):
                self._make(input_shape)
                if called_with is None or not (called_with[1] or called_with[2]):
                    shape = self._output()
                else:
                    shape = self._shape_for(*called_with)
            if outer is None:
                tracking.check_shared(self)
        except Exception:
            self.built = False
            raise
        if math.prod(size or 1 for size in shape) > LARGEST:
            raise ShapeError(
                f"{self}: an output of shape {shape_text((None, *shape))} is too large"
            )
        self.output_shape, self.built = (input_shape[0], *shape), True
        return self.output_shape

    def _make(self, input_shape: Shape) -> None:
        """Create the weights; draw weights of `__init__` again, now with the model's generator."""
        if self._new:
            self._kept = tracking.weights_in(self, self._new)
            self._early = {about: make for _, about, make in self._new}
        early = {path: about for path, about in self._kept.items() if about in self._early}
        redrawn = {about: self._early[about](self._rng, self._dtype) for about in early.values()}
        for path, about in early.items():
            tracking.put(self, path, redrawn[about])
        self._new, self._is_building = [], True
        try:
            self.build(input_shape)
            self._kept = early | tracking.weights_in(self, self._new)
        finally:
            self._new, self._is_building = [], False
        self.input_shape = input_shape

    def _output(self) -> Shape:
        """Return the shape of a sample's output, found by calls with no or with two samples.

        An axis of the output whose length differs between two trial lengths has no fixed length.
        Sublayers are built by these calls; if some are not, another call tries training.
        """
        lengths = LENGTHS if None in self.input_shape[1:] else LENGTHS[:1]
        if type(self).__module__.startswith("chainrule."):
            with suppress(Exception):
                return merged([self._trial_shape(0, length) for length in lengths])
        shape = merged([self._trial_shape(2, length) for length in lengths])
        declared = (
            tuple(self.compute_output_shape(self.input_shape)[1:]) if self._tells_shape else shape
        )
        if declared != shape:
            raise ShapeError(
                f"{self}: compute_output_shape tells {shape_text((None, *declared))}, call gives "
                f"{shape_text((None, *shape))}"
            )
        if self._takes_training and not all(layer.built for layer in tracking.family(self)[1:]):
            self._trial_shape(2, lengths[0], training=True)
        return shape

    def _trial_shape(self, rows: int, length: int, training: bool = False) -> tuple[int, ...]:
        """Return the shape of a sample's output for an example of zeros."""
        rows = self.input_shape[0] or rows
        sizes = [size or length for size in self.input_shape[1:]]
        with np.errstate(all="ignore"), warnings.catch_warnings():
            warnings.simplefilter("error" if rows == 0 else "default")
            example = np.zeros((rows, *sizes), np.int32 if self.integers else self._dtype)
            return self._shape_for(example, (), {}, training)

    def _shape_for(
        self, x: Any, more: Any, options: Any, training: bool = False
    ) -> tuple[int, ...]:
        """Return the shape of a sample's output for an input."""
        y, rows = tracking.copied(self, deep=False).run(x, training, *more, **options), len(x)
        self.gives_several = isinstance(y, tuple)
        self.further_shapes = map_leaves(np.shape, y[1:]) if self.gives_several else ()
        y = y[0] if isinstance(y, tuple) and y else y  # states come after the output
        shape: tuple[int, ...] = () if isinstance(y, tuple | list | dict) else np.shape(y)
        if not shape or shape[0] != rows:
            received = f"has shape {shape}" if shape else f"is a {type(y).__name__}"
            raise ShapeError(
                f"{self}: for an input of shape ({rows}, …) the output must be an array of {rows} "
                f"rows, {received}"
            )
        return shape[1:]

    @property
    def settings(self) -> list[Any]:
        """The values, besides the weights, on which `call` may depend."""
        return tracking.settings(self)

    @property
    def dtype(self) -> Any:
        """The dtype in which the layer computes."""
        return self._dtype

    compute_dtype = variable_dtype = dtype

    @property
    def input_dtype(self) -> Any:
        """The dtype of the input."""
        return np.dtype(np.int32) if self.integers else self._dtype

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """Return the shapes of the output, and of states if any, for an input's shape."""
        built = self
        if not self.built or tuple(input_shape[1:]) != self.input_shape[1:]:
            built = copy.deepcopy(self)
            built.prepare(input_shape)
        shapes = built.output_shape, *built.further_shapes
        of_rows: Any = _of_rows(shapes, input_shape[0])
        return of_rows if built.gives_several else of_rows[0]  # type: ignore[no-any-return]

    def named(self, prefix: str, value: Any) -> Any:
        """Name an intermediate value, for readable text, and return the value."""
        name_tensor(tracking.as_name(f"{prefix}_{self.name}"), value)
        return value

    def _expect(self, fits: bool, what: str, shape: Shape, hint: str = "") -> None:
        """Raise an error that names the expected shape, unless ``fits``."""
        if not fits:
            raise ShapeError(
                f"{self}: expected {what}, received {shape_text(shape)}{hint and '; '}{hint}"
            )

    def __str__(self) -> str:
        return f"layer {self.name!r} ({type(self).__name__})"


def _of_rows(shapes: Any, rows: int | None) -> Any:
    """Return shapes, also in lists, with ``rows`` as batch size."""
    if all(isinstance(size, int | None) for size in shapes):
        return (rows, *shapes[1:])
    return type(shapes)(_of_rows(shape, rows) for shape in shapes)


def _with_prepare(build: Any) -> Any:
    """Return a `build` that calls `prepare`, unless `prepare` is the caller."""

    @functools.wraps(build)
    def build_or_prepare(self: Layer, input_shape: Any = None) -> None:
        if self._is_building:
            build(self, input_shape)
        else:
            self.prepare(input_shape)

    return build_or_prepare


def activation_of(activation: Any, name: str, where: str) -> Any:
    """Return an activation function; raise an error for a layer, which would not be trained."""
    if isinstance(activation, Layer):
        raise DataError(f"{where}: the {name} is a layer; put {activation} after this one")
    return activations.get(activation, where)


Function = Annotated[Any, activation_of]
