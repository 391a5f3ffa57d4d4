"""Models: a graph of layers, or a class of the user with a `call`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self

import numpy as np

from chainrule._src.base.errors import DataError, ShapeError
from chainrule._src.base.validation import check_seed
from chainrule._src.core.trees import map_leaves
from chainrule._src.nn.layers.dropout import Random
from chainrule._src.nn.layers.given import (
    Shape,
    by_key,
    is_several,
    is_shape,
    shapes_given,
    shapes_in,
)
from chainrule._src.nn.layers.hooks import OF_GRAPHS
from chainrule._src.nn.layers.surroundings import within
from chainrule._src.nn.layers.symbols import generator_or
from chainrule._src.nn.layers.tracking import Path, name_of, sublayers
from chainrule._src.nn.network.fitting import Trainable
from chainrule._src.nn.network.graph import LayerGraph, symbols_of
from chainrule._src.nn.network.inputs import checked_x
from chainrule._src.nn.network.stack import Stack, layers_from, name_among

OF_A_GRAPH = ("name", "dtype", "trainable", "layers", "heads", "steps", "inputs", "outputs")


class Graphed(Trainable):
    """A model of the layers between symbolic inputs and outputs, or of those in its attributes."""

    _hooks = OF_GRAPHS
    takes_several = True
    _graph: LayerGraph | None = None
    _attributes: frozenset[str] = frozenset()  # of every model: they hold no layers

    def __init__(
        self,
        inputs: Any = None,
        outputs: Any = None,
        name: str | None = None,
        *,
        trainable: bool = True,
        dtype: Any = None,
        seed: int | np.random.Generator | None = None,
    ) -> None:
        super().__init__(name=name, dtype=dtype)
        self.rng = check_seed(seed, type(self).__name__)
        self._dtype = np.dtype(dtype or "float32")
        self._begin()
        self._graph = None
        self._attributes = frozenset(vars(self)) - {"_layers"}
        if inputs is not None or outputs is not None:
            self._follow(LayerGraph(inputs, outputs))
        if not trainable:
            self.trainable = False

    def _follow(self, graph: LayerGraph) -> None:
        """Take the layers of a graph, with unique names."""
        for index, layer in enumerate(graph.layers):
            name_among(layer, graph.layers[:index], "Model")
        graph.name_outputs()
        for head in graph.heads:
            layer = graph.layers[head]
            if not layer.built:
                layer.prepare(layer.batch_shape)  # type: ignore[attr-defined]
        if self.__config__.get("name") is None and self.name == "model":
            self.name = "functional"
        self._graph, self._layers = graph, graph.layers
        self.input_shape = shapes_given(graph.shapes)
        self.output_shape = self.structure = graph.output_shapes
        self.gives_several, self.built = not is_shape(graph.output_shapes), True
        self._dtype = next(
            (layer.dtype for layer in graph.layers if layer.weights), np.dtype("float32")
        )

    @property
    def layers(self) -> list[Any]:
        """The layers, with the inputs, in Keras's order."""
        others = [part for part in sublayers(self).values() if part not in self._layers]
        return [*self._layers, *others]

    def held_in(self) -> dict[str, Any]:
        """Return the attributes that may hold weights and layers."""
        return {name: v for name, v in vars(self).items() if name not in self._attributes}

    def prefix_of(self, path: Path, part: Any) -> str:
        """Return the prefix of the names of a layer's weights: its name, or the attribute's."""
        return str(part.name) if path[0] == "_layers" else name_of(path)

    @property
    def input(self) -> Any:
        """The symbolic input."""
        return self.graph.symbols_of(self._layers)[0]

    @property
    def output(self) -> Any:
        """The symbolic output."""
        return self.graph.symbols_of(self._layers)[1]

    @property
    def connections(self) -> dict[str, str] | None:
        """For each layer the values that it takes; None if each takes that of the one before."""
        return None if self._graph is None else self._graph.connections(self._layers)

    @property
    def graph(self) -> LayerGraph:
        """The graph of the layers."""
        if self._graph is not None:
            return self._graph
        raise AttributeError(
            f"{type(self).__name__}: only a model of symbolic inputs and outputs has these"
        )

    def build(self, input_shape: Any = None) -> None:
        """Create the weights for an input of this shape; a graph of layers has them already."""
        if self._graph is None and not self._is_building:
            self.prepare(input_shape)

    def prepare(
        self, input_shape: Any, rng: Any = None, dtype: Any = None, called_with: Any = None
    ) -> Shape:
        """Build the model: a trial of its `call` creates the weights."""
        self._network = None
        rng = rng or generator_or(self.rng)
        if self.overrides("train_step") and type(self).call is Graphed.call:  # it has no output
            for layer in self.layers:
                if isinstance(layer, Random) and not layer.built:
                    layer.prepare(shapes_in(input_shape)[0], rng, self._dtype)
                if not layer.built:
                    raise DataError(
                        f"{self}: has no call, so that {layer} must have its weights before fit; "
                        "put an Input first, or call its build"
                    )
            self.input_shape = self.output_shape = shapes_given(input_shape)
            self.built = True
            return self.output_shape
        super().prepare(input_shape, rng, dtype or self._dtype, called_with)
        if self.gives_several:
            self.output_shape = by_key(self.structure)
        return self.output_shape

    def run(self, x: Any, training: bool, *more: Any, **options: Any) -> Any:
        """Return the output for an input; the layers of a graph check their own inputs."""
        if self._graph is None:
            return super().run(x, training, *more, **options)
        with within(self._surroundings(training)):
            return self.call(x)

    def call(self, x: Any) -> Any:
        """Return the outputs: the recorded calls are made again."""
        if self._graph is None:
            raise NotImplementedError(f"{type(self).__name__} must define call(self, inputs)")
        return self._graph.replay(self._layers, self._graph.arrays(x, str(self)))

    # Data, and losses of outputs

    @property
    def input_names(self) -> list[str]:
        """The names of the inputs: those of their layers, or numbers."""
        return super().input_names if self._graph is None else self._graph.names

    @property
    def output_names(self) -> list[str]:
        """The names of the outputs: those of their layers, or numbers; empty if not known."""
        return super().output_names if self._graph is None else self._graph.output_names

    @property
    def entry(self) -> list[Any]:
        """The layer of the one input, if it is known."""
        graph = self._graph
        if graph is None or len(graph.heads) > 1:
            return []
        return [graph.integer_layer(0, self._layers) or self._layers[graph.heads[0]]]

    @property
    def exit(self) -> Any:
        """The layer that gives the output; the model itself if no single layer does."""
        index = None if self._graph is None else self._graph.exit
        return self if index is None else self._layers[index]

    def inputs_taken(self) -> list[tuple[Any, bool]]:
        """Return the shape of each input, and true if it is taken as whole numbers."""
        shapes, graph = shapes_in(self.input_shape), self._graph
        return [
            (shape, graph is not None and graph.integer_layer(index, self._layers) is not None)
            for index, shape in enumerate(shapes)
        ]

    def in_dtype(self, x: Any, dtype: Any) -> Any:
        """Return samples in the dtypes of the inputs."""
        if self._graph is None:
            return map_leaves(
                lambda part: part if part.dtype.kind != "f" else part.astype(dtype), x
            )
        cast = tuple(
            part if is_whole or part.dtype == dtype else part.astype(dtype)
            for part, (_, is_whole) in zip(
                self._graph.arrays(x, str(self)), self.inputs_taken(), strict=True
            )
        )
        return cast if len(cast) > 1 else cast[0]

    def flat_outputs(self, y: Any) -> Any:
        """Return the output, or a tuple of several outputs in their order."""
        if not isinstance(y, Mapping | list | tuple):
            return y
        names = self.output_names or y
        parts = tuple(y[name] for name in names) if isinstance(y, Mapping) else tuple(y)
        return parts if len(parts) > 1 else parts[0]

    def _checked_x(self, x: Any, where: str) -> Any:
        if self._graph is not None:
            x = self._graph.flat(x, where)
        if self._graph is not None and len(x) == 1:
            return super()._checked_x(x[0], where)
        if not is_several(x):
            return super()._checked_x(x, where)
        heads: Any = [None] * len(x) if self._graph is None else self._graph.heads
        parts = {
            key: checked_x(x[key], [] if head is None else [self._layers[head]], where)
            for key, head in zip(x if isinstance(x, Mapping) else range(len(x)), heads, strict=True)
        }
        lengths = {len(part) for part in parts.values()}
        if len(lengths) > 1:
            raise ShapeError(
                f"{where}: all inputs must hold equally many samples, received "
                f"{', '.join(str(part.shape) for part in parts.values())}"
            )
        return parts if isinstance(x, Mapping) else tuple(parts.values())

    # Description

    def get_config(self) -> dict[str, Any]:
        """Return the architecture as plain values: the calls of a graph, or the arguments."""
        if self._graph is None or self.__config__.get("inputs") is None:
            return super().get_config()
        return self.config_of(**self._graph.described())

    @classmethod
    def _from_config(cls, config: Any) -> Self:
        if isinstance(config, Mapping) and "steps" in config:
            return cls._from_graph(config)
        return super(Stack, cls).from_config(config)

    @classmethod
    def _from_graph(cls, config: Mapping[str, Any]) -> Self:
        try:
            inputs, outputs = symbols_of(config, layers_from(config, "Model"))
        except (LookupError, TypeError, ValueError) as error:
            raise DataError(f"Model.from_config: the calls do not fit: {error}") from error
        more = {key: value for key, value in config.items() if key not in OF_A_GRAPH}
        name, dtype = config.get("name"), config.get("dtype")
        return cls(inputs=inputs, outputs=outputs, name=name, dtype=dtype, **more)
