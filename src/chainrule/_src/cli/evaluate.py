"""``chainrule evaluate``."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.console import Console

from chainrule._src.base.console import Terminal
from chainrule._src.cli.problems import tell, warn


def evaluate(
    model: Annotated[str, typer.Argument(metavar="MODEL", help="A file that train wrote.")],
    data: Annotated[
        str, typer.Argument(metavar="DATA", help="As for train, with the columns of training.")
    ],
    target: Annotated[
        str | None,
        typer.Option(metavar="COLUMN", help="The true values, if called otherwise than then."),
    ] = None,
    threshold: Annotated[
        float | None,
        typer.Option(metavar="P", help="Of two classes, the second from this probability on."),
    ] = None,
    encoding: Annotated[str, typer.Option(metavar="NAME", help="Of a CSV file.")] = "utf-8",
) -> None:
    """Score a model's predictions on data whose target is known."""
    run_evaluate(Terminal(), model, data, target, threshold, encoding)


def run_evaluate(
    console: Console,
    path: str,
    source: str,
    target: str | None = None,
    threshold: float | None = None,
    encoding: str = "utf-8",
) -> None:
    """Print a model's scores on data."""
    from chainrule._src.cli.terminal import count_of, print_scores, row_progress
    from chainrule._src.data.preprocessing.digests import KnownRows
    from chainrule._src.tabular.recipes.trained import open_data, open_model, score, unseen

    model = open_model(path, threshold)
    name = model.preprocessor.target.name if target is None else target
    table, notes = open_data(model, source, name, encoding=encoding)
    tell(notes)
    with row_progress("evaluating", table.rows) as advance:
        known_rows = KnownRows(model.preprocessor.trained_rows)
        scores = score(model, table, name, advance, known_rows)
    if known_rows.count:
        warn(
            f"the model was trained on {known_rows.count} of these "
            f"{count_of(scores.rows, 'row')}: scores on them say nothing about new data"
        )
    tell(unseen(model))
    if lost := (table.rows or 0) - scores.rows:
        warn(f"{count_of(lost, 'row')} without a value of {name!r} left out")
    print_scores(console, scores, f"scores of {path} on {source}")
