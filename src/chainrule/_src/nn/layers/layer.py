"""The base class of layers: weights, and plain NumPy that uses the weights."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any, Self

import numpy as np

from chainrule._src.base.arrays import Array
from chainrule._src.base.errors import DataError, ShapeError
from chainrule._src.base.showing import snake_case
from chainrule._src.base.validation import check_flag, shape_text
from chainrule._src.base.variables import Variable
from chainrule._src.core.names import name_tensor
from chainrule._src.nn import activations, constraints, initializers, regularizers
from chainrule._src.nn.layers import tracking
from chainrule._src.nn.layers.building import Buildable
from chainrule._src.nn.layers.given import Shape, dtype_given, shape_given
from chainrule._src.nn.layers.hooks import OF_LAYERS, check_class, check_setting, missing
from chainrule._src.nn.layers.surroundings import around
from chainrule._src.nn.layers.symbols import Calls, SymbolicTensor
from chainrule._src.nn.layers.tracking import Weight
from chainrule._src.nn.layers.weights import PARTS, drawn, keeping_options

ROWS = "samples that are rows, shape (n, d)"
SEQUENCES = "sequences, shape (n, steps, d)"


class Layer(Buildable):
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
    given_shape: Shape | None = None  # shape of the input with the batch size, from an argument
    _hooks: tuple[str, ...] = OF_LAYERS  # hooks of Keras that are not supported

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        check_class(cls, cls._hooks)
        parameters = inspect.signature(cls.call).parameters
        positional = [n for n, p in parameters.items() if p.kind == p.POSITIONAL_OR_KEYWORD]
        cls._more = positional[2:]
        if not cls.__module__.startswith("chainrule."):
            cls.takes_several = True
        cls._takes_training, cls._takes_mask = "training" in parameters, "mask" in parameters
        if "__init__" in vars(cls):
            cls.__init__ = keeping_options(cls.__init__)  # type: ignore[method-assign]

    def __new__(cls, *args: Any, **kwargs: Any) -> Self:
        """Set the attributes of all layers, even if a class does not call ``super().__init__``."""
        self = super().__new__(cls, *args, **kwargs)
        self.name, self.trainable, self.built = snake_case(cls.__name__), True, False
        self._kept, self._new, self._early, self._added = {}, [], {}, []
        self._calls = Calls()
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
        if name == "built" and value and "input_shape" not in vars(self):
            return  # a class may say so in `__init__`; shapes are found by the first call
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
            if name in ("input", "output") and self.built:
                if self._calls:
                    call = self._calls[0]
                    return call.args[0] if name == "input" else call.output
                shape = self.input_shape if name == "input" else self.output_shape
                return SymbolicTensor(shape, self._dtype.name)
            raise AttributeError(missing(self, name))

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


def activation_of(activation: Any, name: str, where: str) -> Any:
    """Return an activation function; a layer, such as LeakyReLU, is a sublayer."""
    return activation if isinstance(activation, Layer) else activations.get(activation, where)


Function = Annotated[Any, activation_of]
