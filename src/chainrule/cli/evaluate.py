"""``chainrule evaluate``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from chainrule.cli.problems import warn
from chainrule.errors import DataError

if TYPE_CHECKING:
    from chainrule.cli.scores import Scores
    from chainrule.sequential import Sequential
    from chainrule.tables import Table


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
    from chainrule.cli.models import open_data, open_model, tell_unseen
    from chainrule.cli.terminal import count_of, print_scores

    model = open_model(path)
    name = model.preprocessor.target.name if target is None else target
    table = open_data(model, source, name)
    scores = score(model, table, name)
    tell_unseen(model)
    if lost := (table.rows or 0) - scores.rows:
        warn(f"{count_of(lost, 'row')} without a value of {name!r} left out")
    print_scores(console, scores, f"scores of {path} on {source}")


def score(model: Sequential, table: Table, target: str) -> Scores:
    """Return the scores of a model's predictions for a table, in one pass.

    Raises
    ------
    DataError
        If no row has a true value, or one is of a class that training did not have.
    """
    from chainrule.cli.models import labelled_chunks, probabilities
    from chainrule.cli.scores import new_scores
    from chainrule.cli.terminal import row_progress

    scores = new_scores(model.preprocessor.target)
    with row_progress("evaluating", table.rows) as advance:
        for features, y in labelled_chunks(model, table, target):
            scores.add(y, probabilities(model, features))
            advance(len(y))
    if not scores.rows:
        raise DataError(f"{table.name}: no row has a value of {target!r}")
    return scores
