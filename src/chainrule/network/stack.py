"""A stack of layers: put together, built, described, its weights read and set."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Self

import numpy as np

from chainrule.config import cut, made, plain, short, snake_case
from chainrule.errors import DataError, ShapeError, UnknownNameError
from chainrule.layers import Input, Layer
from chainrule.layers.hooks import check_model, check_model_setting
from chainrule.layers.layer import Shape
from chainrule.layers.tracking import around
from chainrule.layers.weights import Blank, fitted
from chainrule.network.network import Network
from chainrule.network.summary import count, print_summary
from chainrule.network.unchanged import unchanged_on_error
from chainrule.validation import (
    Array,
    as_numbers,
    check_flag,
    check_positive,
    check_seed,
    lookup,
    shape_text,
)

MOST_LAYERS = 10_000
DTYPES = {"float32": np.float32, "float64": np.float64}


class Stack:
    """What a model is apart from training.

    Attributes
    ----------
    layers : list of Layer
        Without the `Input`.
    trainable : bool
        Set to False it keeps all weights as they are, of the layers within layers too.
    built : bool
        Whether the weights are there.
    """

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        check_model(cls)

    def __setattr__(self, name: str, value: Any) -> None:
        check_model_setting(name)
        object.__setattr__(self, name, value)

    def __init__(
        self,
        layers: Sequence[Layer] = (),
        name: str | None = None,
        *,
        dtype: str = "float32",
        seed: int | np.random.Generator | None = None,
    ) -> None:
        self.name = snake_case(type(self).__name__) if name is None else str(name)
        self.dtype = np.dtype(lookup("dtype", str(np.dtype(dtype)), DTYPES))
        self.rng = check_seed(seed, "Sequential")
        self.layers: list[Layer] = []
        self._trainable = True
        self._input: Input | None = None
        self._network: Network | None = None
        self._blank: Blank | None = None  # while the weights are to come from a file
        if isinstance(layers, Layer) or not isinstance(layers, Sequence):
            raise DataError(f"Sequential: layers must be a list of layers, received {layers!r}")
        for layer in layers:
            self.add(layer)

    def __repr__(self) -> str:
        layers = [self._input] if self._input is not None else []
        shown = ", ".join(map(short, [*layers, *self.layers]))
        return cut(f"{type(self).__name__}([{shown}", "])")

    def add(self, layer: Layer) -> None:
        """Put a layer on top.

        Raises
        ------
        DataError, ShapeError
            If it is no layer, has a taken name, or does not fit on the one below.
        """
        if isinstance(layer, type) and issubclass(layer, Layer):
            raise DataError(f"Sequential.add: received the class {layer.__name__}; call it first")
        if not isinstance(layer, Layer):
            raise DataError(f"Sequential.add: expected a layer, received {layer!r}")
        if isinstance(layer, Input):
            if self.layers or self._input is not None:
                raise DataError("Sequential.add: Input can only be the first layer")
            self._input = layer
            return
        self._name(layer)
        self.layers.append(layer)
        shape = self.output_shape if len(self.layers) > 1 else self._first_shape()
        if shape is not None:
            try:
                self._prepare([layer], shape)
            except Exception:
                self.layers.pop()
                raise
        self._changed()

    def pop(self) -> Layer:
        """Take the top layer away, and return it."""
        if not self.layers:
            raise DataError("Sequential.pop: there is no layer")
        self._changed()
        return self.layers.pop()

    def _changed(self) -> None:
        """Forget what depends on the layers."""
        self._network = None

    def _name(self, layer: Layer) -> None:
        """Make a layer's name unique, unless it was chosen."""
        taken = {other.name for other in self.layers}
        if layer.name not in taken:
            return
        if layer in self.layers or layer.__config__.get("name") is not None:
            raise DataError(f"Sequential.add: there is a layer {layer.name!r} already")
        if layer.built:  # another model may know it by its name
            raise DataError(
                f"Sequential.add: there is a layer {layer.name!r} already, and the new one is "
                "built: give one of them a name of its own"
            )
        base, number = layer.name, 1
        while f"{base}_{number}" in taken:
            number += 1
        layer.name = f"{base}_{number}"

    def _first_shape(self) -> Shape | None:
        if self._input is not None:
            return (None, *self._input.shape)
        return self.layers[0].input_shape if self.layers and self.layers[0].built else None

    def build(self, input_shape: Sequence[int | None]) -> None:
        """Make the weights for an input of this shape, ``(None, …)``.

        Raises
        ------
        ShapeError
            If the layers do not fit, or were built for another shape.
        """
        if not self.layers:
            raise DataError("Sequential: the model has no layers; add one first")
        if not isinstance(input_shape, Sequence) or len(input_shape) < 2:
            raise ShapeError(
                "Sequential.build: expected a shape such as (None, 64), with the batch size first, "
                f"received {input_shape!r}"
            )
        sizes = tuple(check_positive(s, "a size", "Sequential.build") for s in input_shape[1:])  # type: ignore[arg-type]
        shape: Shape = (None, *sizes)
        known = self._first_shape()
        if known is not None and known != shape:
            raise ShapeError(
                f"Sequential: built for an input of shape {shape_text(known)}, received "
                f"{shape_text(shape)}"
            )
        self._prepare(self.layers, shape)
        self._network = None

    def _prepare(self, layers: Sequence[Layer], shape: Shape) -> None:
        """Build layers on one another; those that are built keep their weights, and must fit."""
        source = self.rng if self._blank is None else self._blank
        with unchanged_on_error(self):
            for layer in layers:
                if not layer.built:
                    layer.prepare(shape, source, self.dtype)
                elif layer.input_shape != shape:
                    raise layer.misfit(layer.input_shape, shape, "it was built before")
                shape = layer.output_shape

    @property
    def trainable(self) -> bool:
        """Whether the weights are trained, but for those of layers that are not."""
        return self._trainable

    @trainable.setter
    def trainable(self, value: bool) -> None:
        self._trainable = check_flag(value, "trainable", "Sequential")
        for layer in self.layers:
            layer.trainable = value
        self._network = None

    @property
    def built(self) -> bool:
        """Whether the weights are there."""
        return bool(self.layers) and all(layer.built for layer in self.layers)

    @property
    def network(self) -> Network:
        """The layers as a pure function."""
        if not self.built:
            raise DataError(
                "Sequential: the model has no weights yet; put an Input(shape) first, call "
                "build((None, …)), or fit it"
            )
        if self._network is None or self._network.layers != self.layers:
            self._network = Network(self.layers, self._trainable)
        return self._network

    @property
    def input_shape(self) -> Shape | None:
        """The shape of the input, with None for the batch size."""
        return self._first_shape()

    @property
    def output_shape(self) -> Shape | None:
        """The shape of the output."""
        top = next((layer for layer in reversed(self.layers) if layer.built), None)
        return self._first_shape() if top is None else top.output_shape

    def __call__(self, x: Any, training: bool = False) -> Array:
        """Return the output for arrays or tensors: a plain function, for `cr.grad` or `cr.jit`."""
        outer = around()
        if outer is not None:
            raise DataError(
                f"{outer.outer}: calls the model {self.name!r}; models within layers are not "
                "supported, hold a list of its layers instead"
            )
        training = check_flag(training, "training", "Sequential")
        if not hasattr(x, "level"):
            x = as_numbers(x, "x", "Sequential")
        if not self.built:
            self.build((None, *x.shape[1:]))
        network = self.network
        y: Array
        y, state = network.apply(network.params, network.state, x, training)
        if training and not any(hasattr(value, "level") for value in state.values()):
            network.take(state)
        return y

    def get_layer(self, name: str | None = None, index: int | None = None) -> Layer:
        """Return a layer by name or position."""
        if (name is None) == (index is None):
            raise DataError("Sequential.get_layer: give a name or an index")
        if index is not None:
            number = isinstance(index, int | np.integer) and not isinstance(index, bool)
            if not number or not -len(self.layers) <= index < len(self.layers):
                raise DataError(
                    f"Sequential.get_layer: there are {len(self.layers)} layers, received index "
                    f"{index!r}"
                )
            return self.layers[index]
        return lookup("layer", str(name), {layer.name: layer for layer in self.layers})

    # Weights

    def get_weights(self) -> list[Array]:
        """Return copies of all weights, layer by layer, in Keras's order."""
        return [w.copy() for w in self._listed().values()]

    def set_weights(self, weights: Sequence[Any]) -> None:
        """Set all weights, in the order of `get_weights`.

        Raises
        ------
        ShapeError, DataError
            If one does not fit; then none is changed.
        """
        listed = self._listed()
        network = self.network
        network.take(fitted(listed, weights, "Sequential.set_weights"))

    def _listed(self) -> dict[str, Array]:
        """Return every weight by its name; what dropout counts is none."""
        weights = {name: place.read() for name, place in self.network.places.items()}
        return {name: w for name, w in weights.items() if w.dtype.kind == "f"}

    def count_params(self) -> int:
        """Return how many weights there are."""
        return count(self._listed())

    def summary(self, print_fn: Callable[[str], Any] | None = None) -> None:
        """Print layers, shapes and numbers of weights; ``print_fn`` takes the text instead."""
        print_summary(self, print_fn)

    # Description

    def get_config(self) -> dict[str, Any]:
        """Return the architecture as plain values."""
        shape = self._first_shape()
        return {
            "name": self.name,
            "dtype": self.dtype.name,
            "input_shape": None if shape is None else list(shape[1:]),
            "layers": plain(self.layers),
            **({} if self._trainable else {"trainable": False}),
        }

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> Self:
        """Return a model of an architecture, with new weights.

        Raises
        ------
        DataError, UnknownNameError, ShapeError
            If `get_config` did not make it, or a layer of your own is not defined.
        """
        if not isinstance(config, Mapping):
            raise DataError(f"Sequential.from_config: expected a dict, received {config!r}")
        keys = ("name", "dtype", "input_shape", "layers", "trainable")
        for key in config:
            if key not in keys:
                raise UnknownNameError("part of a model's config", key, keys)
        return cls._from_config(config, None)

    @classmethod
    def _from_config(cls, config: Mapping[str, Any], entries: int | None) -> Self:
        """Return a model; with ``entries`` its weights are to come from a file that has so many."""
        described, shape = config.get("layers", []), config.get("input_shape")
        if not isinstance(described, list) or len(described) > MOST_LAYERS:
            raise DataError(
                f"Sequential.from_config: layers must be a list of at most {MOST_LAYERS:,}"
            )
        model = cls([], config.get("name"), dtype=config.get("dtype", "float32"))
        model._blank = None if entries is None else Blank(entries)
        if shape is not None:
            model.add(Input(shape))
        for layer in made(described):
            model.add(layer)
        model._blank = None
        model._trainable = check_flag(config.get("trainable", True), "trainable", "Sequential")
        return model
