"""``chainrule predict``."""

from __future__ import annotations

import csv
import io
import sys
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape

from chainrule.cli.problems import Interrupted
from chainrule.validation import Array

if TYPE_CHECKING:
    from chainrule.sequential import Sequential
    from chainrule.tables import Table

CELLS = 2**20  # probabilities that are written at once, at most
CHUNK = 2**14  # rows, likewise


def predict(
    model: Annotated[str, typer.Argument(metavar="MODEL", help="A file that train wrote.")],
    data: Annotated[
        str, typer.Argument(metavar="DATA", help="As for train, with the columns of training.")
    ],
    output: Annotated[
        str,
        typer.Option("-o", "--output", metavar="FILE.csv", help="Where to; - is standard output."),
    ] = "-",
    probabilities: Annotated[
        bool, typer.Option("--probabilities", help="Write the probability of every class.")
    ] = False,
) -> None:
    """Write a prediction for every row, whatever the size of the data."""
    run_predict(Console(highlight=False), model, data, output, probabilities)


def run_predict(
    console: Console, path: str, source: str, output: str = "-", every_class: bool = False
) -> None:
    """Write predictions to a file, whole or not at all, or to standard output."""
    from chainrule.cli.models import open_data, open_model, tell_unseen
    from chainrule.cli.terminal import count_of, row_progress
    from chainrule.cli.training import check_output
    from chainrule.storage import write_whole

    if output != "-":
        check_output(output, source)
        check_output(output, path)
    model = open_model(path)
    table = open_data(model, source)
    written = 0

    def count(rows: int) -> None:
        nonlocal written
        written += rows
        advance(rows)

    try:
        with row_progress("predicting", table.rows) as advance:
            blocks = csv_blocks(model, table, every_class, count)
            if output == "-":
                _print(blocks)
            else:
                write_whole(output, blocks)
    except KeyboardInterrupt:
        raise Interrupted(f"{'only a part' if output == '-' else 'nothing'} was written") from None
    tell_unseen(model)
    if output != "-":
        console.print(
            f"{count_of(written, 'prediction')} in [bold]{escape(output)}[/]", soft_wrap=True
        )


def csv_blocks(
    model: Sequential, table: Table, every_class: bool, done: Callable[[int], Any]
) -> Iterator[bytes]:
    """Yield the lines of a CSV file of predictions, some thousands at a time.

    Its columns are ``prediction`` and, for classes, ``probability``, that of the prediction; or
    ``probability of A`` and so on, for every class.

    Parameters
    ----------
    model : Sequential
    table : Table
    every_class : bool
    done : callable
        Called with the number of rows of every block.
    """
    from chainrule.cli.models import probabilities

    target = model.preprocessor.target
    names = ["prediction"]
    if target.classes:
        names += [f"probability of {c}" for c in target.classes] if every_class else ["probability"]
    yield _lines([names])
    rows = min(CHUNK, max(1, CELLS // len(names)))
    for chunk in table.chunks(rows, [column.name for column in model.preprocessor.columns]):
        output = probabilities(model, model.preprocessor.transform(chunk))
        yield _lines(_rows(output, target, every_class))
        done(len(output))


def _rows(output: Array, target: Any, every_class: bool) -> Iterator[tuple[str, ...]]:
    decoded = target.decode(output)
    if not target.classes:
        return zip(_numbers(decoded, 7), strict=True)
    shown = output.T if every_class else [output.max(axis=1)]
    return zip(decoded, *(_numbers(column, 6) for column in shown), strict=True)


def _numbers(values: Array, digits: int) -> list[str]:
    return [f"{value:.{digits}g}" for value in values.tolist()]


def _lines(rows: Any) -> bytes:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue().encode()


def _print(blocks: Iterator[bytes]) -> None:
    for block in blocks:
        sys.stdout.buffer.write(block)
        sys.stdout.buffer.flush()
