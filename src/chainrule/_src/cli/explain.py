"""``chainrule explain``."""

from __future__ import annotations

from typing import Annotated

import numpy as np
import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from chainrule._src.base.console import Terminal
from chainrule._src.base.errors import DataError, shortened
from chainrule._src.cli.problems import tell

ROWS = 10_000  # in the random sample, at most
COLUMNS = 40  # in the printed table, at most


def explain(
    model: Annotated[str, typer.Argument(metavar="MODEL", help="A file that train wrote.")],
    data: Annotated[
        str, typer.Argument(metavar="DATA", help="As for train, with the columns of training.")
    ],
    repeats: Annotated[
        int, typer.Option(metavar="N", min=1, help="How often each column is shuffled.")
    ] = 5,
    encoding: Annotated[str, typer.Option(metavar="NAME", help="Of a CSV file.")] = "utf-8",
) -> None:
    """Show the columns that predictions rest on, by the score that is lost without each column."""
    run_explain(Terminal(), model, data, repeats, encoding)


def run_explain(
    console: Console, path: str, source: str, repeats: int = 5, encoding: str = "utf-8"
) -> None:
    """Print the importance of every column."""
    from chainrule._src.cli.terminal import count_of, print_title
    from chainrule._src.data.tables import load_arrays
    from chainrule._src.tabular.recipes.importance import permutation_importance
    from chainrule._src.tabular.recipes.trained import open_data, open_model

    model = open_model(path)
    target = model.preprocessor.target
    table, notes = open_data(model, source, target.name, encoding=encoding)
    tell(notes)
    X, y = load_arrays(table, model.preprocessor)
    if len(X) > ROWS:
        picked = np.sort(np.random.default_rng(0).choice(len(X), ROWS, replace=False))
        X, y = X[picked], y[picked]
    try:
        score, importances = permutation_importance(model, X, y, repeats)
    except DataError as error:
        raise DataError(f"{source}: {error}") from error
    what = "accuracy" if target.classes else "R²"
    print_title(console, f"{what} {score:.4f} on {count_of(len(X), 'row')}; without a column:")
    result = Table(show_edge=False)
    result.add_column("column shuffled", style="cyan", overflow="fold")
    result.add_column(f"{what} lost", justify="right")
    result.add_column("±", justify="right")
    for each in importances[:COLUMNS]:
        result.add_row(escape(shortened(each.name)), f"{each.mean:.4f}", f"{each.deviation:.4f}")
    console.print(result)
    if len(importances) > COLUMNS:
        console.print(f"and {len(importances) - COLUMNS:,} more columns, of less")
