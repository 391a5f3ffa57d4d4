"""``chainrule grade``."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape

from chainrule._src.base.console import Terminal
from chainrule._src.base.extras import needs
from chainrule._src.base.interrupts import deferred
from chainrule._src.cli.output import check_output
from chainrule._src.cli.problems import Interrupted, UsageError, warn

if TYPE_CHECKING:
    from chainrule._src.teach.grading.classroom import Classroom
    from chainrule._src.teach.grading.grade import Graded

# The labs' answers import the first two.
GRADING = ("sklearn", "matplotlib", "jinja2")


def grade(
    folder: Annotated[
        Path,
        typer.Argument(
            metavar="FOLDER", help="Notebooks or .py files, or a folder of them for each student."
        ),
    ],
    output: Annotated[
        str | None, typer.Option("-o", "--output", metavar="CSV", help="Where the marks go.")
    ] = None,
    lab: Annotated[
        str | None,
        typer.Option(metavar="LAB", help="Its name, number or file; else told by the answers."),
    ] = None,
    report: Annotated[
        str | None, typer.Option(metavar="HTML", help="Write a page for the class, too.")
    ] = None,
    json: Annotated[
        str | None, typer.Option(metavar="FILE", help="Write all marks, check by check, as JSON.")
    ] = None,
    junit: Annotated[
        str | None, typer.Option(metavar="XML", help="Write them as JUnit's XML.")
    ] = None,
    jobs: Annotated[int, typer.Option(min=1, help="Submissions that are run at a time.")] = 2,
    seconds: Annotated[
        float, typer.Option(min=0.1, help="What one exercise of one submission may take.")
    ] = 20.0,
    memory: Annotated[int, typer.Option(min=64, help="Megabytes that an answer may fill.")] = 1024,
    seed: Annotated[
        str, typer.Option(metavar="TEXT", help="Values are drawn from it and the student's name.")
    ] = "",
) -> None:
    """Grade a class's submissions of a lab, each submission in a process of its own."""
    from chainrule._src.teach.grading.classroom import grade_all
    from chainrule._src.teach.grading.collect import collect, find_lab
    from chainrule._src.teach.grading.setting import assignment

    needs("chainrule grade", "teach", *GRADING)
    outputs = {"csv": output, "report": report, "json": json, "junit": junit}
    check_output(output, str(folder), "marks.csv")
    check_outputs(outputs)
    entries = collect(folder)
    key = find_lab(lab, entries)
    if lab is None:
        warn(f"graded as {key}; --lab names another")
    task = assignment(key, seconds, memory * 2**20, seed, [folder])
    entries = collect(folder, task.lab)
    with progress(len(entries)) as advance:
        classroom = grade_all(task, entries, jobs, advance)
    written = write(classroom, outputs)
    summary(Terminal(), classroom, written)
    if classroom.left:
        raise Interrupted(
            f"{len(classroom.graded)} of {len(entries)} submissions are graded and in {output}"
        )


def check_outputs(outputs: dict[str, str | None]) -> None:
    """Refuse outputs that cannot be written, or two that are one file, before any work."""
    from chainrule._src.data.storage import check_writable

    paths = [path for path in outputs.values() if path is not None]
    for path in paths:
        check_writable(path)
    if len({Path(path).resolve() for path in paths}) < len(paths):
        raise UsageError("two of -o, --report, --json and --junit name the same file")


def write(classroom: Classroom, outputs: dict[str, str | None]) -> list[str]:
    """Write the outputs whose paths are not None, and return these paths."""
    from chainrule._src.data.storage.files import write_text
    from chainrule._src.teach.grading.marks import to_csv, to_json, to_junit
    from chainrule._src.teach.grading.report import to_html

    makers = {"csv": to_csv, "report": to_html, "json": to_json, "junit": to_junit}
    written = {path: makers[kind](classroom) for kind, path in outputs.items() if path is not None}
    for path, text in written.items():
        write_text(path, text.encode("utf-8", "replace").decode())
    return list(written)


@contextmanager
def progress(total: int) -> Iterator[Any]:
    """Show the number of graded submissions and the last student's name on stderr."""
    with deferred():
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
        from rich.progress import TimeRemainingColumn as TimeLeft

    console = Terminal(stderr=True)
    if not console.is_terminal:
        yield lambda graded: None
        return
    columns = (BarColumn(bar_width=24), MofNCompleteColumn(), TimeLeft())
    last = TextColumn("[dim]{task.fields[last]}")
    with Progress(*columns, last, console=console, transient=True) as bars:
        task = bars.add_task("grading", total=total, last="")

        def show(graded: Graded) -> None:
            bars.update(task, advance=1, last=escape(graded.name[:30]))

        yield show


def summary(console: Console, classroom: Classroom, written: list[str]) -> None:
    """Print a summary for the teacher: number of submissions, median, results by exercise."""
    with deferred():
        from rich.table import Table

    from chainrule._src.cli.terminal import count_of, print_title
    from chainrule._src.teach.grading.statistics import exercise_rows, median

    graded = classroom.graded
    if graded:
        middle = median(g.points for g in graded)
        title = f"{classroom.assignment.lab}: {count_of(len(graded), 'submission')}"
        print_title(console, f"{title}, median {middle:g} of {classroom.most} points")
        table = Table(show_edge=False)
        table.add_column("exercise", style="cyan", no_wrap=True)
        table.add_column("right", justify="right")
        table.add_column("points", justify="right")
        table.add_column("fails most", overflow="ellipsis", no_wrap=True)
        for row in exercise_rows(classroom):
            share = f"{row.mean:.1f} of {row.most}"
            table.add_row(row.name, f"{row.right} of {row.count}", share, escape(row.worst))
        console.print(table)
    for path in written:
        console.print(f"[dim]wrote[/] {escape(path)}", soft_wrap=True)
