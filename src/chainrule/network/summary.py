"""A model as a table."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from chainrule.layers import Layer
from chainrule.validation import shape_text


def print_summary(model: Any, print_fn: Callable[[str], Any] | None) -> None:
    """Print a model's layers, the shapes of their outputs, and how many weights they have."""
    from rich.console import Console
    from rich.table import Table

    table = Table(title=f"Model: {model.name}", title_justify="left")
    table.add_column("Layer (type)")
    table.add_column("Output shape")
    table.add_column("Weights", justify="right")
    for layer in model.layers:
        shape = shape_text(layer.output_shape) if layer.built else "?"
        table.add_row(f"{layer.name} ({type(layer).__name__})", shape, _count(layer))
    console = Console(width=None if print_fn is None else 80)
    with console.capture() as capture:
        console.print(table)
        if model.built:
            trained, others = (count(tree) for tree in (model.network.params, _floats(model)))
            console.print(f"Trainable weights: {trained:,}", highlight=False)
            if others:
                console.print(f"Other weights: {others:,}", highlight=False)
    (print_fn or print)(capture.get().rstrip())


def count(weights: dict[str, Any]) -> int:
    """Return how many numbers there are."""
    return sum(int(np.size(w)) for w in weights.values())


def _count(layer: Layer) -> str:
    return f"{count(_shown(layer.weights)):,}" if layer.built else "not built"


def _floats(model: Any) -> dict[str, Any]:
    return _shown(model.network.state)


def _shown(weights: dict[str, Any]) -> dict[str, Any]:
    """Return the weights without what dropout counts."""
    return {name: w for name, w in weights.items() if w.dtype.kind == "f"}
