"""``chainrule show``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import numpy as np
import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from chainrule._src.base.console import Terminal
from chainrule._src.base.errors import FileError
from chainrule._src.base.escaping import for_terminal

if TYPE_CHECKING:
    from chainrule._src.base.arrays import Array
    from chainrule._src.data.preprocessing import Preprocessor
    from chainrule._src.nn.callbacks import History
    from chainrule._src.nn.sequential import Sequential

COLUMNS = 40  # in the listing of the preprocessing, at most


def show(
    model: Annotated[str, typer.Argument(metavar="MODEL", help="A file that train wrote.")],
    source: Annotated[
        bool, typer.Option("--source", help="Print loss and gradient as NumPy instead.")
    ] = False,
    weights: Annotated[bool, typer.Option("--weights", help="Sum up the weights instead.")] = False,
) -> None:
    """Show a model: layers, preprocessing, how training went."""
    from chainrule._src.tabular.recipes.trained import load

    console = Terminal()
    loaded = load(model)
    if source:
        typer.echo(for_terminal(source_of(loaded, model)))
    if weights:
        print_weights(console, loaded)
    if not source and not weights:
        print_model(console, loaded, model)


def source_of(model: Sequential, path: str) -> str:
    """Return loss and gradient as NumPy; all networks of an ensemble share this text.

    Raises
    ------
    FileError
        If the file holds a model without a loss.
    """
    if model.loss is None or not model.built:
        raise FileError(f"{path} holds a model without a loss, so there is no gradient to show")
    from chainrule._src.tabular.recipes.ensembles import members

    each = members(model)
    note = f"# Of each of {len(each)} networks, whose outputs are averaged.\n"
    return (note if len(each) > 1 else "") + each[0].source().rstrip()


def print_model(console: Console, model: Sequential, path: str) -> None:
    """Print facts about a model: layers, preprocessing and history, without the weights."""
    from chainrule._src.cli.terminal import print_facts, print_title
    from chainrule._src.cli.train import describe, network
    from chainrule._src.tabular.recipes.ensembles import members

    each = members(model)
    facts = [] if model.preprocessor is None else describe(model.preprocessor)
    if len(each) > 1:
        facts += [("network", f"{network(each, len(each))}; their outputs are averaged")]
    print_facts(console, [("model", path), *facts, *_training(model)])
    of_one = f" of the first of {len(each)} networks" if len(each) > 1 else ""
    print_title(console, f"layers{of_one}")
    each[0].summary(print_fn=lambda text: console.print(text.partition("\n")[2], markup=False))
    if model.preprocessor is not None:
        print_title(console, "preprocessing")
        _print_report(console, model.preprocessor)
    if model.history.epoch:
        _print_history(console, model.history, of_one)


def _print_report(console: Console, preprocessor: Preprocessor) -> None:
    from chainrule._src.cli.terminal import print_facts

    columns = [*preprocessor.steps, *preprocessor.left_out]
    print_facts(console, [(column.name, column.describe()) for column in columns[:COLUMNS]])
    if len(columns) > COLUMNS:
        console.print(f"and {len(columns) - COLUMNS:,} more columns")


def _training(model: Sequential) -> list[tuple[str, str]]:
    if model.loss is None:
        return []
    from chainrule._src.cli.terminal import count_of

    epochs = len(model.history.epoch)
    rule = type(model.optimizer).__name__
    rate = f"learning rate {model.learning_rate:g}"
    return [("trained", f"{count_of(epochs, 'epoch')}, {rule}, {rate}, loss {model.loss.name}")]


def _print_history(console: Console, history: History, of_one: str) -> None:
    from chainrule._src.cli.terminal import count_of, print_title

    print_title(console, f"history{of_one}: {count_of(len(history.epoch), 'epoch')}")
    table = Table(show_edge=False)
    for name in ("score", "first", "last", "best", "in epoch"):
        table.add_column(name, justify="left" if name == "score" else "right")
    for name, values in history.history.items():
        ends = [f"{value:.4g}" for value in (values[0], values[-1])]
        table.add_row(escape(name), *ends, *_best(name, values))
    console.print(table)


def _best(name: str, values: Sequence[float]) -> list[str]:
    """Return a score's best value and its epoch, if the name implies a direction of improvement."""
    from chainrule._src.nn.callbacks.monitor import better

    find = {np.greater: np.nanargmax, np.less: np.nanargmin, None: None}[better(name)]
    if find is None or np.isnan(values).all():
        return []
    at = int(find(values))
    return [f"{values[at]:.4g}", str(at + 1)]


def print_weights(console: Console, model: Sequential) -> None:
    """Print shapes, ranges and spreads of a model's weights."""
    from chainrule._src.tabular.recipes.ensembles import members

    table = Table(show_edge=False)
    table.add_column("weight", overflow="fold", style="cyan")
    for name in ("shape", "lowest", "mean", "highest", "deviation"):
        table.add_column(name, justify="right")
    each = members(model)
    for number, one in enumerate(each, 1):
        for layer in one.layers:
            for name, weight in layer.arrays.items():
                if weight.dtype.kind == "f":
                    of = f"{number}: " if len(each) > 1 else ""
                    table.add_row(escape(f"{of}{layer.name}.{name}"), *_spread(weight))
    console.print(table)


def _spread(weight: Array) -> list[str]:
    numbers = (weight.min(), weight.mean(), weight.max(), weight.std())
    return [" × ".join(map(str, weight.shape)) or "1", *(f"{number:.3g}" for number in numbers)]
