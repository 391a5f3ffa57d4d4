"""A model as a table."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from chainrule.validation import shape_text


def print_summary(model: Any, print_fn: Callable[[str], Any] | None) -> None:
    """Print a model's layers, the shapes of their outputs, and how many weights they have."""
    from rich.console import Console
    from rich.table import Table

    table = Table(title=f"Model: {model.name}", title_justify="left")
    table.add_column("Layer (type)")
    table.add_column("Output Shape")
    table.add_column("Param #", justify="right")
    for layer in model.layers:
        shape = shape_text(layer.output_shape) if layer.built else "?"
        count = f"{layer.count_params():,}" if layer.built else "not built"
        table.add_row(f"{layer.name} ({type(layer).__name__})", shape, count)
    console = Console(width=None if print_fn is None else 80)
    with console.capture() as capture:
        console.print(table)
        if model.built:
            trained, others = model.trainable_weights, model.non_trainable_weights
            for kind, weights in (
                ("Total", model.weights), ("Trainable", trained), ("Non-trainable", others)
            ):  # fmt: skip
                size = sum(int(weight.value.size) for weight in weights)
                console.print(f"{kind} params: {size:,}", highlight=False)
    (print_fn or print)(capture.get().rstrip())
