"""A chain of layers: adding and removing layers, building and config."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Self

import numpy as np

from chainrule._src.base.config import plain
from chainrule._src.base.errors import DataError, ShapeError, UnknownNameError
from chainrule._src.base.showing import cut, short
from chainrule._src.base.validation import check_seed, shape_text
from chainrule._src.nn.layers import Input, Layer
from chainrule._src.nn.layers.given import Shape, fits, sizes_given
from chainrule._src.nn.layers.surroundings import within
from chainrule._src.nn.layers.symbols import (
    Calls,
    LayerCall,
    SymbolicTensor,
    generator_or,
)
from chainrule._src.nn.layers.tracking import Path
from chainrule._src.nn.network.stack import Stack, layers_from, name_among
from chainrule._src.nn.network.unchanged import unchanged_on_error


class Chain(Stack):
    """A stack whose layers follow one another."""

    builds_itself = True

    def __init__(
        self,
        layers: Sequence[Layer] = (),
        name: str | None = None,
        *,
        dtype: str = "float32",
        seed: int | np.random.Generator | None = None,
    ) -> None:
        super().__init__(name=name, dtype=dtype)
        self._dtype = np.dtype(dtype)
        self.rng = check_seed(seed, "Sequential")
        self._begin()
        if isinstance(layers, Layer) or not isinstance(layers, Sequence):
            raise DataError(f"Sequential: layers must be a list of layers, received {layers!r}")
        for layer in layers:
            self.add(layer)

    def _begin(self) -> None:
        super()._begin()
        self._input: Input | None = None
        self._values = Calls()  # the symbolic input, and the symbolic output of each layer

    def __repr__(self) -> str:
        layers = [self._input] if self._input is not None else []
        text = ", ".join(map(short, [*layers, *self.layers]))
        return cut(f"{type(self).__name__}([{text}", "])")

    def __str__(self) -> str:
        return repr(self)

    def add(self, layer: Layer) -> None:
        """Add a layer at the end of the chain.

        Raises
        ------
        DataError, ShapeError
            If ``layer`` is not a layer, has a name in use, or does not fit the previous layer.
        """
        if isinstance(layer, type) and issubclass(layer, Layer):
            raise DataError(f"Sequential.add: received the class {layer.__name__}; call it first")
        if isinstance(layer, SymbolicTensor) and isinstance(layer.source, Input):
            layer = layer.source
        if not isinstance(layer, Layer):
            raise DataError(f"Sequential.add: expected a layer, received {layer!r}")
        if isinstance(layer, Input):
            if self.layers or self._input is not None:
                raise DataError("Sequential.add: Input can only be the first layer")
            self._input = layer
            return
        if layer.given_shape is not None and not self.layers and self._input is None:
            self._input = Input(batch_shape=layer.given_shape)
        name_among(layer, self.layers, "Sequential.add")
        shape = self.output_shape if self.layers else None
        self._layers.append(layer)
        if len(self.layers) == 1:
            shape = self.input_shape
        if shape is not None:
            try:
                self._prepare([layer], shape)
            except Exception:
                self._layers.pop()
                raise
        self._changed()

    def pop(self, rebuild: bool = True) -> Layer:
        """Remove and return the last layer."""
        if not self.layers:
            raise DataError("Sequential.pop: there is no layer")
        self._changed()
        del self._values[len(self._layers) :]
        return self._layers.pop()

    def held_in(self) -> dict[str, Any]:
        """Return the attributes that hold parts: the list of layers only."""
        return {"_layers": vars(self).get("_layers", [])}

    def prefix_of(self, path: Path, part: Any) -> str:
        """Return the prefix of the names of a layer's weights: the layer's name."""
        return str(part.name)

    def build(self, input_shape: Sequence[int | None]) -> None:
        """Create the weights for an input of this shape, ``(None, …)``.

        Raises
        ------
        ShapeError
            If the layers do not fit, or were built for another shape.
        """
        if not self.layers:
            raise DataError("Sequential: the model has no layers; add one first")
        takes_numbers = self.layers[0].integers  # as `Embedding` takes one word a sample
        if not isinstance(input_shape, list | tuple) or len(input_shape) < 2 - takes_numbers:
            raise ShapeError(
                "Sequential.build: expected a shape such as (None, 64), with the batch size first, "
                f"received {input_shape!r}"
            )
        shape = (input_shape[0], *sizes_given(tuple(input_shape[1:]), "Sequential.build"))
        expected = self.input_shape
        if expected is not None and not fits(shape, expected):
            raise ShapeError(
                f"Sequential: built for an input of shape {shape_text(expected)}, received "
                f"{shape_text(shape)}"
            )
        self._prepare(self.layers, shape if expected is None else expected)
        self._network = None

    def prepare(
        self, input_shape: Shape, rng: Any = None, dtype: Any = None, called_with: Any = None
    ) -> Shape:
        """Build the layers when the stack is part of another model or layer."""
        if dtype is not None:
            self._dtype = np.dtype(dtype)
        self._prepare(self.layers, input_shape, rng)
        assert self.output_shape is not None
        return self.output_shape

    def _prepare(self, layers: Sequence[Layer], shape: Shape, rng: Any = None) -> None:
        """Build a chain of layers; layers that are built keep their weights, and must fit."""
        source = rng or generator_or(self.rng)
        with unchanged_on_error(self):
            for layer in layers:
                if not layer.built:
                    layer.prepare(shape, source, self._dtype)
                elif not fits(shape, layer.input_shape):
                    raise layer.misfit(layer.input_shape, shape, "it was built before")
                if layer.gives_several:
                    raise ShapeError(
                        f"{layer}: in a chain the output must be an array of rows, is a tuple; a "
                        "layer of your own may hold it, whose call takes what it needs"
                    )
                shape = layer.output_shape
        self._symbols()

    def _symbols(self) -> list[Any]:
        """Return the symbolic input and outputs; layers that are new are called, as in a graph."""
        if not self.built:
            raise AttributeError(f"{type(self).__name__}: has no symbols before it is built")
        if not self._values:
            shape = self.layers[0].input_shape
            start = self._input or Input(batch_shape=shape, name="input_layer")
            self._values.append(start.output)
        for layer in self._layers[len(self._values) - 1 :]:
            output = SymbolicTensor(layer.output_shape, layer.dtype)
            call = LayerCall(layer, (self._values[-1],), {}, output, layer.name)
            layer._calls.append(call)
            self._values.append(call.output)
        return self._values

    @property
    def input(self) -> Any:
        """The symbolic input, for a model of the same layers."""
        return self._symbols()[0]

    @property
    def output(self) -> Any:
        """The symbolic output, for a model of the same layers."""
        return self._symbols()[-1]

    @property
    def built(self) -> bool:
        """True if all layers have their weights."""
        return bool(self.layers) and all(layer.built for layer in self.layers)

    @built.setter
    def built(self, value: bool) -> None:
        """Ignore the value: `built` depends on the layers."""

    @property
    def input_shape(self) -> Shape | None:  # type: ignore[override]
        """The shape of the input, with None for the batch size."""
        if self._input is not None:
            return self._input.batch_shape
        return self.layers[0].input_shape if self.layers and self.layers[0].built else None

    @property
    def output_shape(self) -> Shape | None:  # type: ignore[override]
        """The shape of the output."""
        top = next((layer for layer in reversed(self.layers) if layer.built), None)
        return self.input_shape if top is None else top.output_shape

    def call(self, x: Any) -> Any:
        """Return the output of the chain of layers."""
        for layer in self.layers:
            x = layer(x)
        return x

    def run(self, x: Any, training: bool, *more: Any, **options: Any) -> Any:
        """Return the output for an input; each layer checks its own input."""
        with within(self._surroundings(training)):
            return self.call(x)

    def widen(self, name: str, shape: tuple[int, ...]) -> None:
        """Do nothing: the layers do this themselves."""

    def take_shapes(self, other: Any) -> None:
        """Do nothing: the layers do this themselves."""

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """Return the shape of the output for an input of a shape, ``(None, …)``."""
        for layer in self.layers:
            input_shape = layer.compute_output_shape(input_shape)
        return input_shape

    # Description

    def get_config(self) -> dict[str, Any]:
        """Return the architecture as plain values."""
        shape = self.input_shape
        rows = {} if shape is None or shape[0] is None else {"batch_size": shape[0]}
        sizes = None if shape is None else list(shape[1:])
        return self.config_of(input_shape=sizes, **rows, layers=plain(self.layers))

    @classmethod
    def _from_config(cls, config: Any) -> Self:
        if not isinstance(config, Mapping):
            raise DataError(f"Sequential.from_config: expected a dict, received {config!r}")
        keys = ("name", "dtype", "input_shape", "batch_size", "layers", "trainable")
        for key in config:
            if key not in keys:
                raise UnknownNameError("part of a model's config", key, keys)
        shape = config.get("input_shape")
        model = cls([], config.get("name"), dtype=config.get("dtype", "float32"))
        if shape is not None:
            model.add(Input(shape, config.get("batch_size")))
        for layer in layers_from(config, "Sequential"):
            model.add(layer)
        return model
