"""A graph of layers: the recorded calls that lead from symbolic inputs to symbolic outputs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from chainrule._src.base.config import plain
from chainrule._src.base.errors import DataError
from chainrule._src.base.showing import short
from chainrule._src.nn.layers import Input, Layer
from chainrule._src.nn.layers.given import by_key, ranked, shapes_in
from chainrule._src.nn.layers.symbols import (
    Calls,
    LayerCall,
    SymbolicTensor,
    map_symbolic,
    symbols_in,
)
from chainrule._src.nn.layers.tracking import free_name
from chainrule._src.nn.network.packing import Ref, function_named, name_of, packed, unpacked


@dataclass(frozen=True)
class GraphStep:
    """A call of a replay: of the layer at a position, or of a function."""

    function: Any
    args: Any
    kwargs: Any
    outputs: tuple[int, ...]

    @property
    def inputs(self) -> list[Ref]:
        """The values among the arguments."""
        refs: list[Ref] = []
        map_symbolic(refs.append, (self.args, self.kwargs), Ref)
        return refs


class LayerGraph:
    """The calls that lead from inputs to outputs, in order.

    Parameters
    ----------
    inputs, outputs : SymbolicTensor, or list, tuple or dict of SymbolicTensor

    Attributes
    ----------
    layers : list of Layer
        In Keras's order: by their distance from the outputs.
    names : list of str
        The names of the inputs in their order.
    shapes, output_shapes
        Shapes of inputs and outputs, in their structure.

    Raises
    ------
    DataError
        If the outputs do not depend on these inputs alone.
    """

    def __init__(self, inputs: Any, outputs: Any) -> None:
        inputs, outputs = by_key(inputs), by_key(outputs)
        starts, ends = _checked(inputs, "inputs"), _checked(outputs, "outputs")
        self.symbols = Calls([inputs, outputs])
        self.names = [symbol.name for symbol in starts]
        self.keys = [*inputs] if isinstance(inputs, Mapping) else self.names
        calls, order = _calls(starts, ends)
        heads = [
            symbol.source if isinstance(symbol.source, Input)
            else Input(batch_shape=symbol.shape, dtype=symbol.dtype.name, name=f"input_{index}")
            for index, symbol in enumerate(starts)
        ]  # fmt: skip
        self.layers = _in_keras_order(heads, starts, calls, order)
        indices = {id(layer): index for index, layer in enumerate(self.layers)}
        numbers: dict[int, int] = {}
        self.heads = [indices[id(head)] for head in heads]
        for symbol in (*starts, *(s for call in calls for s in symbols_in(call.output))):
            numbers.setdefault(id(symbol), len(numbers))

        def ref(symbol: SymbolicTensor) -> Ref:
            return Ref(numbers[id(symbol)])

        self.steps = [
            GraphStep(
                indices.get(id(call.function), call.function),
                map_symbolic(ref, call.args), map_symbolic(ref, call.kwargs),
                tuple(numbers[id(symbol)] for symbol in symbols_in(call.output)),
            )
            for call in calls
        ]  # fmt: skip
        self.shapes = map_symbolic(lambda symbol: symbol.shape, inputs)
        self.input_structure = map_symbolic(ref, inputs)
        self.structure = map_symbolic(ref, outputs)
        if isinstance(self.structure, list | tuple) and len(self.structure) == 1:
            self.structure = self.structure[0]
        self.output_shapes = map_symbolic(
            lambda symbol: symbol.shape, ends[0] if isinstance(self.structure, Ref) else outputs
        )

    def name_outputs(self) -> None:
        """Name the outputs by their keys in a dict, or by the present names of their layers."""
        outputs = self.symbols[1]
        names = outputs if isinstance(outputs, Mapping) else map(_name, symbols_in(outputs))
        self.output_names: list[str] = []
        for name in names:
            self.output_names.append(free_name(name, self.output_names))

    def replay(self, layers: Sequence[Any], values: Sequence[Any], **options: Any) -> Any:
        """Return the outputs for the values of the inputs.

        ``layers`` may be copies, or layers of Keras with ``function_for`` its functions.
        """
        return replayed(self.steps, self.structure, layers, values, **options)

    def symbols_of(self, layers: Sequence[Any]) -> tuple[Any, Any]:
        """Return the symbolic inputs and outputs; in a copy the calls are recorded again."""
        if not self.symbols:
            starts = [layers[index].output for index in self.heads]
            self.symbols += [self.inputs_from(starts), self.replay(layers, starts)]
        return self.symbols[0], self.symbols[1]

    def inputs_from(self, starts: Sequence[Any]) -> Any:
        """Return the values of the inputs in the structure of the inputs."""
        return map_symbolic(lambda ref: starts[ref.number], self.input_structure, Ref)

    @property
    def functions(self) -> list[Any]:
        """The functions that are called besides layers."""
        return [step.function for step in self.steps if not isinstance(step.function, int)]

    @property
    def exit(self) -> int | None:
        """The index of the layer whose one output is the graph's; None if no layer's is."""
        if not isinstance(self.structure, Ref):
            return None
        alone = (self.structure.number,)
        step = next((step for step in self.steps if step.outputs == alone), None)
        return step.function if step and isinstance(step.function, int) else None

    def connections(self, layers: Sequence[Layer]) -> dict[str, str] | None:
        """Return for each layer the values that it takes, as Keras writes them; None in a chain.

        ``dense[0][0]`` is the first output of the first call of the layer ``dense``.
        """
        names = [f"{layers[head].name}[0][0]" for head in self.heads]
        calls: Counter[str] = Counter()
        taken: dict[str, list[str]] = {}
        is_chain = len(self.heads) == 1
        for step in self.steps:
            function = layers[step.function] if isinstance(step.function, int) else step.function
            name = str(getattr(function, "name", getattr(function, "__name__", function)))
            inputs = [ref.number for ref in step.inputs]
            is_chain &= inputs == [len(names) - 1] and len(step.outputs) == 1
            taken.setdefault(name, []).extend(names[number] for number in inputs)
            names += [f"{name}[{calls[name]}][{index}]" for index in range(len(step.outputs))]
            is_chain &= not calls[name]
            calls[name] += 1
        return None if is_chain else {name: ", ".join(each) for name, each in taken.items()}

    def integer_layer(self, number: int, layers: Sequence[Any]) -> Any:
        """Return a layer that takes one of the inputs as whole numbers, or None."""
        takers = [step.function for step in self.steps if Ref(number) in step.inputs]
        indices = [*(each for each in takers if isinstance(each, int)), self.heads[number]]
        return next((layers[index] for index in indices if layers[index].integers), None)

    def flat(self, x: Any, where: str) -> list[Any]:
        """Return the values of the inputs in order, from an array, a list, or a dict by name."""
        if isinstance(x, Mapping):
            keys = self.keys if set(self.keys) <= set(x) else self.names
            missing = [key for key in keys if key not in x]
            if missing:
                raise DataError(
                    f"{where}: expected the inputs {', '.join(map(str, keys))}, received "
                    f"{', '.join(map(str, x))}"
                )
            x = [x[key] for key in keys]
        several = isinstance(x, list | tuple) and (len(self.names) > 1 or _holds_array(x))
        parts = [*x] if several else [x]
        if len(parts) != len(self.names):
            raise DataError(
                f"{where}: expected {len(self.names)} inputs ({', '.join(self.names)}), received "
                f"{len(parts)}; give a list of arrays, or a dict by name"
            )
        return [*map(ranked, parts, shapes_in(self.shapes))]

    def arrays(self, x: Any, where: str) -> list[Any]:
        """Return the values of the inputs in order, which fit the inputs; symbolic ones may."""
        parts = self.flat(x, where)
        for head, part in zip(self.heads, parts, strict=True):
            if not hasattr(part, "shape"):
                raise DataError(f"{where}: expected {len(parts)} arrays, received {part!r}")
            if not isinstance(part, SymbolicTensor):
                self.layers[head].check_fit(part.shape)
        return parts

    def described(self) -> dict[str, Any]:
        """Return the graph as plain values."""
        return {
            "layers": plain(self.layers),
            "heads": self.heads,
            "steps": [
                {
                    "call": s.function if isinstance(s.function, int) else name_of(s.function),
                    "args": packed(s.args), "kwargs": packed(s.kwargs), "outputs": [*s.outputs],
                }
                for s in self.steps
            ],
            "inputs": packed(self.input_structure),
            "outputs": packed(self.structure),
        }  # fmt: skip


def symbols_of(config: Mapping[str, Any], layers: Sequence[Layer]) -> tuple[Any, Any]:
    """Return the symbolic inputs and outputs of a description by `LayerGraph.described`."""
    heads = [layers[index] for index in config["heads"]]
    if not all(isinstance(head, Input) for head in heads):
        raise DataError("a model's inputs must be layers of the class Input")
    steps = [
        GraphStep(
            step["call"] if isinstance(step["call"], int) else function_named(step["call"]),
            unpacked(step["args"]), unpacked(step["kwargs"]), step["outputs"],
        )
        for step in config["steps"]
    ]  # fmt: skip
    structure = unpacked(config["inputs"]), unpacked(config["outputs"])
    both: tuple[Any, Any] = replayed(steps, structure, layers, [head.output for head in heads])
    return both


def replayed(
    steps: Iterable[GraphStep], structure: Any, layers: Sequence[Any], starts: Iterable[Any],
    function_for: Callable[[Any], Any] = lambda function: function,
) -> Any:  # fmt: skip
    """Return the results in ``structure`` of calls that begin with the values of the inputs."""
    values: dict[int, Any] = dict(enumerate(starts))

    def value(ref: Ref) -> Any:
        return values[ref.number]

    for step in steps:
        is_layer = isinstance(step.function, int)
        function = layers[step.function] if is_layer else function_for(step.function)
        args, kwargs = map_symbolic(value, (step.args, step.kwargs), Ref)
        values.update(zip(step.outputs, _flat(function(*args, **kwargs)), strict=True))
    return map_symbolic(value, structure, Ref)


def _checked(values: Any, what: str) -> list[SymbolicTensor]:
    symbols = symbols_in(values)
    parts = [*values.values()] if isinstance(values, Mapping) else values
    size = len(parts) if isinstance(parts, list | tuple) else 1
    if not symbols or (len(symbols) < size):
        hint = {Layer: "call the layer: Dense(3)(x)", np.ndarray: "begin with keras.Input((4,))"}
        advice = next((f"; {text}" for kind, text in hint.items() if isinstance(values, kind)), "")
        raise DataError(
            f"Model: {what} must be symbolic tensors, as from keras.Input and calls of layers, "
            f"received {short(values)}{advice}"
        )
    for symbol in symbols:
        if symbol.source is None:
            raise DataError(
                f"Model: {symbol!r} belongs to a layer that was not called with a symbolic tensor"
            )
    return symbols


def _calls(
    starts: Sequence[SymbolicTensor], ends: Sequence[SymbolicTensor]
) -> tuple[list[LayerCall], list[LayerCall]]:
    """Return the calls between inputs and outputs: in order, and in Keras's order of traversal."""
    calls: list[LayerCall] = []
    order: list[LayerCall] = []
    visited: set[int] = {id(symbol) for symbol in starts}
    pending: list[tuple[Any, bool]] = [(symbol, False) for symbol in reversed(ends)]
    while pending:
        item, is_after = pending.pop()
        if is_after:
            calls.append(item)
            continue
        if id(item) in visited:
            continue
        source = item.source
        if not isinstance(source, LayerCall):
            raise DataError(
                f"Model: the outputs depend on {item!r}, which is none of the inputs; add it"
            )
        visited.update(id(symbol) for symbol in symbols_in(source.output))
        order.append(source)
        pending.append((source, True))
        pending += [(s, False) for s in reversed(symbols_in((source.args, source.kwargs)))]
    return calls, order


def _in_keras_order(
    heads: Sequence[Layer],
    starts: Sequence[SymbolicTensor],
    calls: Sequence[LayerCall],
    order: Sequence[LayerCall],
) -> list[Layer]:
    """Return the layers by decreasing distance from the outputs, then in Keras's order."""
    layer_of = {id(symbol): head for symbol, head in zip(starts, heads, strict=True)}
    depths: dict[int, int] = {}
    of_layers: dict[int, int] = {}
    for call in reversed(calls):
        depth = depths.get(id(call), 0)
        if isinstance(call.function, Layer):  # which may be called more than once
            depth = of_layers[id(call.function)] = max(depth, of_layers.get(id(call.function), 0))
        for symbol in symbols_in((call.args, call.kwargs)):
            part: Any = layer_of.get(id(symbol), symbol.source)
            target = of_layers if id(symbol) in layer_of else depths
            target[id(part)] = max(target.get(id(part), 0), depth + 1)
    layers: dict[int, Layer] = {id(head): head for head in heads if id(head) not in of_layers}
    for call in order:
        starts_here = (layer_of.get(id(s)) for s in symbols_in((call.args, call.kwargs)))
        for layer in (call.function, *starts_here):
            if isinstance(layer, Layer):
                layers.setdefault(id(layer), layer)
    return sorted(layers.values(), key=lambda layer: -of_layers.get(id(layer), 0))


def _name(symbol: SymbolicTensor) -> str:
    source = symbol.source
    return str(getattr(getattr(source, "function", source), "name", symbol.name))


def _flat(result: Any) -> Iterator[Any]:
    """Yield the arrays in the result of a call."""
    if isinstance(result, Mapping):
        result = list(result.values())
    if isinstance(result, list | tuple):
        for part in result:
            yield from _flat(part)
    elif result is not None:
        yield result


def _holds_array(x: Sequence[Any]) -> bool:
    return len(x) == 1 and hasattr(x[0], "ndim") and x[0].ndim > 1
