"""The summary of a model: a table of its layers, in the layout of Keras."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from chainrule._src.base.errors import DataError
from chainrule._src.base.interrupts import deferred
from chainrule._src.core.trees import leaves
from chainrule._src.nn.layers.given import shapes_in
from chainrule._src.nn.layers.symbols import SymbolSource

Layout = tuple[int, tuple[float, ...]]  # largest width of the table, and the ends of its columns
CHAIN: Layout = 88, (0.45, 0.8, 1.0)
GRAPH: Layout = 108, (0.3, 0.56, 0.74, 1.0)
JUSTIFIED: Any = {"Param #": "right", "Trainable": "center"}


def summary_text(
    model: Any, line_length: int | None, positions: Sequence[float] | None, to_terminal: bool,
    expand_nested: bool, show_trainable: bool, layer_range: Sequence[str] | None,
) -> str:  # fmt: skip
    """Return layers, shapes and numbers of weights as text; see `Stack.summary`."""
    with deferred():
        from rich.markup import escape
        from rich.table import Column, Table

        from chainrule._src.base.console import Terminal

    connections = getattr(model, "connections", None)
    longest, ends = CHAIN if connections is None else GRAPH
    header = ["Layer (type)", "Output Shape", "Param #", *(["Connected to"] if connections else ())]
    if show_trainable:
        longest, ends = longest + 12, (*(0.9 * end for end in ends), 1.0)
        header.append("Trainable")
    width = line_length or min(longest, shutil.get_terminal_size().columns - 4)
    stops = [int(end * width) for end in positions or ends]
    columns = [
        Column(name, justify=JUSTIFIED.get(name, "left"), width=stop - start)
        for name, start, stop in zip(header, [0, *stops], stops, strict=False)
    ]
    table = Table(*columns, width=width, show_lines=True)
    for layer, depth in _rows(_within(model.layers, layer_range), expand_nested, 0):
        indent = "   " * depth + "└ " if depth else ""
        kind = "InputLayer" if isinstance(layer, SymbolSource) else type(layer).__name__
        cells = [f"{indent}{layer.name} ({kind})", _shape(layer), _count(layer)]
        if connections:
            cells.append(connections.get(layer.name, "-"))
        if show_trainable:
            cells.append("-" if not layer.weights else "Y" if layer.trainable else "N")
        table.add_row(*map(escape, cells))
    console = Terminal(width=None if to_terminal else max(80, width))
    with console.capture() as capture:
        console.print(f'Model: "{escape(model.name)}"')
        console.print(table)
        for line in _totals(model) if model.built else ():
            console.print(line)
    return capture.get().rstrip()


def _rows(layers: Sequence[Any], expand: bool, depth: int) -> Iterator[tuple[Any, int]]:
    """Yield layers, and with ``expand`` those within models, with their depths."""
    for layer in layers:
        yield layer, depth
        if expand:
            yield from _rows(getattr(layer, "layers", ()), expand, depth + 1)


def _within(layers: Sequence[Any], between: Sequence[str] | None) -> Sequence[Any]:
    """Return the layers from the first name to the last name, which may be patterns."""
    if between is None:
        return layers
    ends = [[i for i, each in enumerate(layers) if re.match(name, each.name)] for name in between]
    if len(ends) != 2 or not all(ends):
        raise DataError(
            f"summary: layer_range must be the names of two layers, received {between!r}; there "
            f"are {', '.join(layer.name for layer in layers)}"
        )
    return layers[min(ends[0]) : max(ends[1]) + 1]


def _shape(layer: Any) -> str:
    if not layer.built:
        return "?"
    shapes = [f"({', '.join(map(str, shape))})" for shape in shapes_in(layer.output_shape)]
    return shapes[0] if len(shapes) == 1 else f"[{', '.join(shapes)}]"


def _count(layer: Any) -> str:
    return f"{layer.count_params():,}" if layer.built else "0 (unbuilt)"


def _totals(model: Any) -> Iterator[str]:
    """Yield the lines with the numbers of weights, and of the optimizer's state if it has one."""
    parts = {
        "Trainable": [weight.value for weight in model.trainable_weights],
        "Non-trainable": [weight.value for weight in model.non_trainable_weights],
    }
    state = getattr(model, "optimizer_state", None)
    if state is not None:
        arrays = [np.asarray(array) for _, array in leaves(state)]
        parts["Optimizer"] = [a if a.ndim else np.float32(a) for a in arrays]  # as Keras counts
    everything = [array for arrays in parts.values() for array in arrays]
    for kind, arrays in {"Total": everything, **parts}.items():
        size = sum(int(array.size) for array in arrays)
        yield f" {kind} params: {size:,} ({_bytes(sum(int(array.nbytes) for array in arrays))})"


def _bytes(size: int) -> str:
    power = min(max(size.bit_length() - 1, 0) // 10, 3)
    return f"{size / 1024**power:.2f} {('B', 'KB', 'MB', 'GB')[power]}"
