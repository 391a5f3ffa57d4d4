"""A stack of layers: calls, a summary, and the layers as a function of their weights."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Self

import numpy as np

from chainrule._src.base.arrays import Array, as_numbers
from chainrule._src.base.config import made
from chainrule._src.base.errors import DataError
from chainrule._src.base.registered import known_as
from chainrule._src.base.validation import check_flag, lookup
from chainrule._src.core.trees import leaves, map_leaves
from chainrule._src.nn.layers import Layer
from chainrule._src.nn.layers.given import is_shape, shape_of
from chainrule._src.nn.layers.hooks import OF_MODELS, STEPS, check_setting
from chainrule._src.nn.layers.surroundings import around
from chainrule._src.nn.layers.symbols import symbols_in
from chainrule._src.nn.layers.tracking import free_name
from chainrule._src.nn.network.network import Network, constant
from chainrule._src.nn.network.summary import summary_text

MOST_LAYERS = 10_000


class Stack(Layer):
    """A layer that is made of layers: a model without training.

    Attributes
    ----------
    layers : list of Layer
        In a chain without the `Input`.
    trainable : bool
        If set to False, no weight is trained, nor one of nested layers.
    """

    _hooks: tuple[str, ...] = OF_MODELS
    input: Any
    output: Any
    rng: Any
    _mask: Any = None  # of the output of the last call

    def __setattr__(self, name: str, value: Any) -> None:
        check_setting(type(self).__name__, name, (*self._hooks, *STEPS))
        if name == "layers":
            raise AttributeError(
                f"{type(self).__name__}: layers cannot be set. Use `add()` and `pop()` of a "
                "Sequential"
            )
        super().__setattr__(name, value)

    def _begin(self) -> None:
        """Set the attributes of a model without layers."""
        self._layers: list[Layer] = []
        self._network: Network | None = None

    def _changed(self) -> None:
        """Reset attributes that depend on the layers."""
        self._network = None

    @property
    def layers(self) -> list[Layer]:
        """The layers."""
        return self._layers

    @property
    def inputs(self) -> list[Any]:
        """The symbolic inputs, for a model of the same layers."""
        return symbols_in(self.input)

    @property
    def outputs(self) -> list[Any]:
        """The symbolic outputs, for a model of the same layers."""
        return symbols_in(self.output)

    @property
    def network(self) -> Network:
        """The layers as a pure function of their weights."""
        if not self.built:
            raise DataError(
                "Sequential: the model has no weights yet; put an Input(shape) first, call "
                "build((None, …)), or fit it"
            )
        if self._network is None or self._network.layers != self.layers:
            self._network = Network(self, self.layers)
        return self._network

    def __call__(self, x: Any, *more: Any, training: bool | None = None, **options: Any) -> Array:
        """Return the output for arrays or tensors: a plain function, for `cr.grad` or `cr.jit`."""
        if around() is not None or symbols_in((x, more, options)) or isinstance(x, Layer):
            inner: Array = super().__call__(x, *more, training=training, **options)
            return inner
        training = check_flag(training is not None and training, "training", type(self).__name__)
        x = map_leaves(self._as_input, x) if self.is_several(x) else self._as_input(x)
        if not self.built:
            self.build(shape_of(x))
        network = self.network
        params, state = network.params, network.state
        result = network.apply(params, state, x, training)
        y: Array = result.output
        if any(hasattr(weight, "level") for weight in params.values()):
            network.take(map_leaves(constant, result.state))  # variables hold tensors
        elif any(hasattr(part, "level") for _, part in leaves((x, y, result.state))):
            return y
        else:
            network.take(result.state)
        self._added, self._mask = result.losses, result.mask
        return y

    def _as_input(self, x: Any) -> Any:
        return x if hasattr(x, "level") else as_numbers(x, "x", type(self).__name__)

    @property
    def entry(self) -> list[Any]:
        """The layers of which the first takes the input; empty if it is not known."""
        return self.layers

    @property
    def exit(self) -> Any:
        """The layer that gives the output; the stack itself if no single layer does."""
        return self.layers[-1]

    def refuse_several(self, where: str) -> None:
        """Raise an error if the model has several inputs or outputs."""
        if not all(
            shape is None or is_shape(shape) for shape in (self.input_shape, self.output_shape)
        ):
            raise DataError(
                f"{where}: needs a model with one input and one output; make one of its tensors "
                "with keras.Model(input, output), or join inputs with Concatenate"
            )

    def inputs_taken(self) -> list[tuple[Any, bool]]:
        """Return the shape of each input, and true if it is taken as whole numbers."""
        return [(self.layers[0].input_shape, self.layers[0].integers)]

    def in_dtype(self, x: Any, dtype: Any) -> Any:
        """Return samples in the dtype in which the layers compute; whole numbers if they are."""
        first = self.layers[0]
        return x if first.integers or dtype == x.dtype else x.astype(dtype)

    def flat_outputs(self, y: Any) -> Any:
        """Return the output, or a tuple of several outputs in their order."""
        return y

    def config_of(self, **parts: Any) -> dict[str, Any]:
        """Return a config: the name, the dtype and these parts."""
        frozen = {} if self.trainable else {"trainable": False}
        return {"name": self.name, "dtype": self._dtype.name, **parts, **frozen}

    @classmethod
    def from_config(cls, config: Mapping[str, Any], custom_objects: Any = None) -> Self:
        """Return a model with the architecture of a config, with new weights.

        ``custom_objects`` are your own classes and functions by their names.

        Raises
        ------
        DataError, UnknownNameError, ShapeError
            If ``config`` is not from `get_config`, or names a class that is not defined.
        """
        with known_as(custom_objects):
            model = cls._from_config(config)
        if not check_flag(config.get("trainable", True), "trainable", cls.__name__):
            model.trainable = False
        return model

    @classmethod
    def _from_config(cls, config: Any) -> Self:
        raise NotImplementedError

    def get_layer(self, name: str | None = None, index: int | None = None) -> Layer:
        """Return a layer by name or position."""
        if (name is None) == (index is None):
            raise DataError("get_layer: give a name or an index")
        if index is not None:
            number = isinstance(index, int | np.integer) and not isinstance(index, bool)
            if not number or not -len(self.layers) <= index < len(self.layers):
                raise DataError(
                    f"get_layer: there are {len(self.layers)} layers, received index {index!r}"
                )
            return self.layers[index]
        return lookup("layer", str(name), {layer.name: layer for layer in self.layers})

    def summary(
        self,
        line_length: int | None = None,
        positions: Any = None,
        print_fn: Callable[[str], Any] | None = None,
        expand_nested: bool = False,
        show_trainable: bool = False,
        layer_range: Any = None,
    ) -> None:
        """Print layers, shapes and numbers of weights, in the layout of Keras.

        Parameters
        ----------
        line_length : int, optional
            Width of the table; by default at most that of the terminal.
        positions : sequence of float, optional
            Where the columns end, as shares of the width.
        print_fn : callable, optional
            Function that takes the text instead.
        expand_nested : bool, default False
            If true, the layers of models within the model are listed, too.
        show_trainable : bool, default False
            If true, a column says which layers are trained.
        layer_range : pair of str, optional
            Names of the first and the last layer, or patterns of them.
        """
        text = summary_text(
            self, line_length, positions, print_fn is None, expand_nested, show_trainable,
            layer_range,
        )  # fmt: skip
        (print_fn or print)(text)


def name_among(layer: Layer, others: Sequence[Layer], where: str) -> None:
    """Make a layer's name different from those of others, unless it was chosen."""
    names = {other.name for other in others}
    if layer.name in names:
        if layer in others or layer.__config__.get("name") is not None:
            raise DataError(
                f"{where}: there is a layer {layer.name!r} already; give layers different names. A "
                "layer that is called more than once belongs into a graph: "
                "keras.Model(x, layer(layer(x)))"
            )
        layer.name = free_name(layer.name, names)


def layers_from(config: Mapping[str, Any], where: str) -> list[Any]:
    """Return the layers of a model's config."""
    described = config.get("layers", [])
    if not isinstance(described, list) or len(described) > MOST_LAYERS:
        raise DataError(f"{where}.from_config: layers must be a list of at most {MOST_LAYERS:,}")
    return [*made(unbuilt(described))]


def unbuilt(config: Any) -> Any:
    """Return a config in which nested models have no input shape.

    A nested model with an input shape would be built and draw its weights before they are read.
    """
    if isinstance(config, list):
        return [unbuilt(part) for part in config]
    if not isinstance(config, Mapping):
        return config
    parts = {key: unbuilt(part) for key, part in config.items()}
    return {**parts, "input_shape": None} if {"layers", "input_shape"} <= set(parts) else parts
