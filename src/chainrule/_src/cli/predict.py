"""``chainrule predict``."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.markup import escape

from chainrule._src.base.console import Terminal
from chainrule._src.cli.problems import Interrupted, UsageError, tell

if TYPE_CHECKING:
    from chainrule._src.data.preprocessing.values import Chunk


def predict(
    model: Annotated[str, typer.Argument(metavar="MODEL", help="A file that train wrote.")],
    data: Annotated[
        str, typer.Argument(metavar="DATA", help="As for train, with the columns of training.")
    ],
    output: Annotated[
        str,
        typer.Option(
            "-o",
            "--output",
            metavar="FILE.csv|tsv|parquet",
            help="Where to; - is standard output, as CSV.",
        ),
    ] = "-",
    probabilities: Annotated[
        bool, typer.Option("--probabilities", help="Write the probability of every class.")
    ] = False,
    safe_csv: Annotated[
        bool,
        typer.Option(
            "--safe-csv",
            help="Put ' before texts that begin with = + - @, which a spreadsheet would run.",
        ),
    ] = False,
    id_: Annotated[
        list[str] | None,
        typer.Option(
            "--id", metavar="COLUMN", help="Carry this column over as it is; may be repeated."
        ),
    ] = None,
    threshold: Annotated[
        float | None,
        typer.Option(metavar="P", help="Of two classes, the second from this probability on."),
    ] = None,
    encoding: Annotated[str, typer.Option(metavar="NAME", help="Of a CSV file.")] = "utf-8",
) -> None:
    """Write a prediction for every row, whatever the size of the data."""
    run_predict(
        Terminal(), model, data, output, probabilities, safe_csv, id_ or (),
        threshold, encoding,
    )  # fmt: skip


def run_predict(
    console: Console,
    path: str,
    source: str,
    output: str = "-",
    every_class: bool = False,
    safe: bool = False,
    ids: Sequence[str] = (),
    threshold: float | None = None,
    encoding: str = "utf-8",
) -> None:
    """Write predictions to a file, atomically, or to standard output."""
    from chainrule._src.cli.output import check_output
    from chainrule._src.cli.terminal import count_of, row_progress
    from chainrule._src.data.storage import write_whole
    from chainrule._src.tabular.recipes.trained import (
        open_data,
        open_model,
        output_names,
        predictions,
        unseen,
    )

    write = _writer(output, safe, ids)
    if output != "-":
        check_output(output, source)
        check_output(output, path)
    model = open_model(path, threshold)
    for name in output_names(model, every_class):
        if name in ids:
            raise UsageError(
                f"--id {name}: the output has a column of this name for what the model says; give "
                f"the column of {source} another name"
            )
    table, notes = open_data(model, source, ids=ids, encoding=encoding)
    tell(notes)
    written = 0

    def count(rows: int) -> None:
        nonlocal written
        written += rows
        advance(rows)

    try:
        with row_progress("predicting", table.rows) as advance:
            blocks = write(predictions(model, table, every_class, count, ids))
            if output == "-":
                _print(blocks)
            else:
                write_whole(output, blocks)
    except KeyboardInterrupt:
        raise Interrupted(f"{'only a part' if output == '-' else 'nothing'} was written") from None
    tell(unseen(model))
    if output != "-":
        console.print(
            f"{count_of(written, 'prediction')} in [bold]{escape(output)}[/]", soft_wrap=True
        )


def _writer(
    output: str, safe: bool, ids: Sequence[str]
) -> Callable[[Iterator[Chunk]], Iterator[bytes]]:
    """Return the function that encodes chunks of predictions in the format of the file's name."""
    from chainrule._src.data.tables.arrow import pyarrow
    from chainrule._src.data.tables.writing import WRITERS, parquet_file
    from chainrule._src.tabular.recipes.trained import as_texts

    suffix = Path(output).suffix.lower()
    if suffix not in WRITERS:
        kinds = ", ".join(filter(None, WRITERS))
        raise UsageError(f"-o {output}: predictions are written as {kinds}")
    write = WRITERS[suffix]
    if write is parquet_file:
        pyarrow()  # raises an error before any work if pyarrow is missing
        if safe:
            raise UsageError("--safe-csv is for CSV; a Parquet file holds no formulas")
        return write

    def as_text(chunk: Chunk) -> Chunk:
        return {name: as_texts(v) if name in ids else v for name, v in chunk.items()}

    return lambda chunks: write(map(as_text, chunks), safe=safe)


def _print(blocks: Iterator[bytes]) -> None:
    out = sys.stdout.buffer
    for block in blocks:
        remaining = memoryview(block)
        while remaining:  # unbuffered (python -u), a pipe may take a part
            remaining = remaining[out.write(remaining) :]
        out.flush()
