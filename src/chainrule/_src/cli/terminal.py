"""Output of the verbs: small tables that fit a terminal of 80 columns."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
from rich.cells import cell_len
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from chainrule._src.base.console import Terminal
from chainrule._src.base.errors import shortened
from chainrule._src.base.interrupts import deferred
from chainrule._src.tabular.recipes.scores import ClassScores, Scores, percent

CLASSES = 20  # in the table of precision and recall, at most
MISTAKES = 10  # in the list that replaces a confusion matrix that is too wide


def print_facts(console: Console, facts: Sequence[tuple[str, str]]) -> None:
    """Print pairs of a name and a text as a table with two columns."""
    grid = Table.grid(padding=(0, 2))
    grid.add_column(style="cyan", no_wrap=True, max_width=console.width // 3)
    grid.add_column(overflow="fold")
    for name, text in facts:
        grid.add_row(_name(name), escape(text))
    console.print(grid)


def _name(name: str) -> str:
    return escape(shortened(name))


def print_title(console: Console, title: str) -> None:
    """Print the title of a table."""
    console.print(f"\n[bold]{escape(title)}[/]", soft_wrap=True)


def print_scores(console: Console, scores: Scores, what: str) -> None:
    """Print scores beside the baseline's, and for classes the confusion matrix."""
    print_title(console, f"{what}: {count_of(scores.rows, 'row')}")
    table = Table(show_edge=False)
    table.add_column("")
    table.add_column("model", justify="right", style="bold")
    table.add_column("baseline", justify="right")
    for name, (of_model, of_baseline) in scores.table().items():
        table.add_row(name, of_model, of_baseline)
    console.print(table)
    console.print(f"[dim]baseline: {escape(scores.baseline)}[/]")
    if isinstance(scores, ClassScores):
        if len(scores.target.classes) <= CLASSES:
            _print_classes(console, scores)
        _print_confusion(console, scores)


def print_spread(console: Console, rows: Sequence[dict[str, float]], what: str) -> None:
    """Print mean, deviation and range of scores."""
    print_title(console, what)
    table = Table(show_edge=False)
    table.add_column("")
    for name in ("mean", "deviation", "lowest", "highest"):
        table.add_column(name, justify="right")
    for name in rows[0]:
        values = np.array([each[name] for each in rows if name in each])
        numbers = values.mean(), values.std(), values.min(), values.max()
        table.add_row(name, *(f"{number:.4g}" for number in numbers))
    console.print(table)


def _print_classes(console: Console, scores: ClassScores) -> None:
    print_title(console, "by class")
    table = Table(show_edge=False)
    table.add_column("class", style="cyan", overflow="fold")
    for name in ("rows", "precision", "recall"):
        table.add_column(name, justify="right")
    for name, rows, *shares in scores.by_class():
        cells = ["·" if share is None else percent(share) for share in shares]
        table.add_row(_name(name), f"{rows:,}", *cells)
    console.print(table)


def _print_confusion(console: Console, scores: ClassScores) -> None:
    classes, counts = scores.target.classes, scores.confusion
    cells = [len(f"{n:,}") for n in counts.max(axis=0)]
    names = [cell_len(name) for name in classes]
    width = max(4, *names) + 3 + sum(max(pair) + 3 for pair in zip(cells, names, strict=True))
    if width <= console.width:
        _print_matrix(console, scores)
    elif worst := scores.worst(MISTAKES):
        _print_mistakes(console, worst)


def _print_matrix(console: Console, scores: ClassScores) -> None:
    print_title(console, "confusion: true classes down, predicted ones across")
    table = Table(show_edge=False)
    table.add_column("true", style="cyan", no_wrap=True)
    for name in scores.target.classes:
        table.add_column(escape(name), justify="right", no_wrap=True)
    for i, (name, row) in enumerate(zip(scores.target.classes, scores.confusion, strict=True)):
        cells = [_cell(int(count), i == j) for j, count in enumerate(row)]
        table.add_row(escape(name), *cells)
    console.print(table)


def _cell(count: int, right: bool) -> str:
    if not count:
        return "[dim]·[/]"
    return f"[green]{count:,}[/]" if right else f"[bold red]{count:,}[/]"


def _print_mistakes(console: Console, worst: Sequence[tuple[str, str, int, float]]) -> None:
    print_title(console, "most frequent mistakes")
    table = Table(show_edge=False)
    table.add_column("true", style="cyan", overflow="fold")
    table.add_column("predicted", overflow="fold")
    table.add_column("rows", justify="right")
    table.add_column("of the class", justify="right")
    for true, predicted, rows, share in worst:
        table.add_row(_name(true), _name(predicted), f"{rows:,}", percent(share))
    console.print(table)


def count_of(number: int, what: str) -> str:
    """Return a number with its noun, singular or plural.

    Examples
    --------
    >>> count_of(1, "row"), count_of(1200, "row")
    ('1 row', '1,200 rows')
    """
    return f"{number:,} {what}{'s' * (number != 1)}"


@contextmanager
def row_progress(label: str, total: int | None) -> Iterator[Callable[[int], Any]]:
    """Show the number of processed rows on stderr, if it is a terminal.

    The value of the context is the function that adds to the number.
    """
    with deferred():
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
        from rich.progress import TimeRemainingColumn as TimeLeft

    console = Terminal(stderr=True)
    if not console.is_terminal:  # a bar that is disabled ends with an empty line before Rich 14.3
        yield lambda rows: None
        return
    columns = (TextColumn("{task.description}"), BarColumn(bar_width=24), MofNCompleteColumn())
    with Progress(*columns, TimeLeft(), console=console, transient=True) as bars:
        task = bars.add_task(label, total=total)
        yield lambda rows: bars.advance(task, rows)
