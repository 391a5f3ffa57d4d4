"""``chainrule evaluate``."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.console import Console

from chainrule.cli.problems import tell, warn


def evaluate(
    model: Annotated[str, typer.Argument(metavar="MODEL", help="A file that train wrote.")],
    data: Annotated[
        str, typer.Argument(metavar="DATA", help="As for train, with the columns of training.")
    ],
    target: Annotated[
        str | None,
        typer.Option(metavar="COLUMN", help="The true values, if called otherwise than then."),
    ] = None,
) -> None:
    """Score a model's predictions on data whose target is known."""
    run_evaluate(Console(highlight=False), model, data, target)


def run_evaluate(console: Console, path: str, source: str, target: str | None = None) -> None:
    """Print a model's scores on data."""
    from chainrule.cli.terminal import count_of, print_scores, row_progress
    from chainrule.recipes.trained import open_data, open_model, score, unseen

    model = open_model(path)
    name = model.preprocessor.target.name if target is None else target
    table, notes = open_data(model, source, name)
    tell(notes)
    with row_progress("evaluating", table.rows) as advance:
        scores = score(model, table, name, advance)
    tell(unseen(model))
    if lost := (table.rows or 0) - scores.rows:
        warn(f"{count_of(lost, 'row')} without a value of {name!r} left out")
    print_scores(console, scores, f"scores of {path} on {source}")
