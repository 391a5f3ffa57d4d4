"""``chainrule grade``."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
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
from chainrule._src.cli.problems import Interrupted, UsageError, tell, warn

if TYPE_CHECKING:
    from chainrule._src.teach.grading.classroom import Classroom
    from chainrule._src.teach.grading.course import Intake
    from chainrule._src.teach.grading.grade import Graded

# Options that are paths: of files that are read, and of those that are written.
READ, WRITTEN = (
    ("folder", "roster", "points"),
    ("output", "report", "json", "junit", "canvas", "moodle", "feedback"),
)
# The labs' answers import the first two.
GRADING = ("sklearn", "matplotlib", "jinja2")


def grade(
    context: typer.Context,
    folder: Annotated[
        Path,
        typer.Argument(
            metavar="FOLDER",
            help="Notebooks or .py files, or a folder for each student; or a zip.",
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
    feedback: Annotated[
        Path | None,
        typer.Option(metavar="FOLDER", help="Write a page and a text for each student there."),
    ] = None,
    roster: Annotated[
        Path | None,
        typer.Option(metavar="CSV", help="The students, as Canvas, Moodle or you list them."),
    ] = None,
    canvas: Annotated[
        str | None, typer.Option(metavar="CSV", help="Write the marks for Canvas's gradebook.")
    ] = None,
    moodle: Annotated[
        str | None, typer.Option(metavar="CSV", help="Write them as Moodle's grading worksheet.")
    ] = None,
    points: Annotated[
        Path | None,
        typer.Option(metavar="CSV", help="Your points: columns exercise, check and points."),
    ] = None,
    due: Annotated[
        str | None, typer.Option(metavar="TIME", help="When it was due: 2026-11-20T23:59.")
    ] = None,
    late: Annotated[
        str, typer.Option(metavar="RULE", help="What a late day costs: 10%/day, or 2/day.")
    ] = "",
    free_days: Annotated[int, typer.Option(min=0, help="Late days that cost nothing.")] = 0,
    again: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME", help="Grade this student again; others stay as they are."),
    ] = None,
    container: Annotated[
        str | None, typer.Option(metavar="ENGINE", help="Grade in a container: podman or docker.")
    ] = None,
) -> None:
    """Grade the submissions of a class, each in separate processes.

    Marks are on disk as they come, beside the CSV; a second run goes on.
    """
    from chainrule._src.teach.confined.sealing import gap
    from chainrule._src.teach.grading.classroom import grade_all
    from chainrule._src.teach.grading.course import check_names, rules_of, take_in
    from chainrule._src.teach.grading.lms import check_uploads
    from chainrule._src.teach.grading.record import MarkRecord
    from chainrule._src.teach.grading.rules import late_rule
    from chainrule._src.teach.grading.setting import assignment

    if container is None:
        needs("chainrule grade", "teach", *GRADING)
    outputs = {
        "csv": output, "report": report, "json": json, "junit": junit, "canvas": canvas,
        "moodle": moodle,
    }  # fmt: skip
    marks = Path(check_output(output, str(folder), "marks.csv"))
    check_outputs(outputs)
    if roster is None and (canvas or moodle):
        raise UsageError("--canvas and --moodle need --roster: the table that they export")
    rule = late_rule(due, late, free_days)
    if container is not None:
        raise typer.Exit(in_container(context, container, feedback, outputs))
    tell(filter(None, [gap()]))
    with tempfile.TemporaryDirectory(prefix="chainrule-") as room:
        intake = take_in(folder, lab, roster, Path(room))
        if lab is None:
            warn(f"graded as {intake.lab}; --lab names another")
        check_names(again or (), intake)
        check_uploads(intake.roster, canvas is not None, moodle is not None)
        on_disk = marks.with_suffix(".record.jsonl")
        hide = [folder, Path(room), marks, on_disk]
        task = assignment(intake.lab, seconds, memory * 2**20, seed, hide)
        rules, notes = rules_of(intake, task, rule, points, marks)
        tell(notes)
        record = MarkRecord(on_disk, task)
        with progress(len(intake.entries)) as advance:
            classroom = grade_all(task, intake.entries, jobs, advance, record, again or ())
    classroom.rules = rules
    written = write(classroom, outputs, intake) + write_feedback(classroom, feedback)
    summary(Terminal(), classroom, written)
    if classroom.left:
        raise Interrupted(
            f"{len(classroom.graded)} of {len(intake.entries)} submissions are graded and in "
            f"{output}; the same command goes on"
        )


def in_container(
    context: typer.Context, engine: str, feedback: Path | None, outputs: dict[str, str | None]
) -> int:
    """Grade in a container with the options of this command, and return the exit status."""
    from chainrule._src.teach.exports.container import grade_in

    if feedback is not None:
        feedback.mkdir(parents=True, exist_ok=True)
    results = [Path(path).absolute().parent for path in outputs.values() if path is not None]
    values = [(name, value) for name, value in context.params.items() if value is not None]
    read = [Path(value) for name, value in values if name in READ or _is_lab_file(name, value)]
    write_into = [*results, *([feedback] if feedback else [])]
    return grade_in(engine, list(options_of(context)), read, write_into)


def options_of(context: typer.Context) -> Iterator[str]:
    """Yield the arguments of this command, with absolute paths, but for the container's option."""
    for parameter in context.command.params:
        value = context.params[parameter.name or ""]
        if parameter.name == "container" or value is None or value == parameter.default:
            continue
        for part in value if isinstance(value, list | tuple) else [value]:
            if parameter.param_type_name == "option":
                yield parameter.opts[0]
            is_path = parameter.name in (*READ, *WRITTEN) or _is_lab_file(parameter.name, part)
            yield str(Path(part).resolve()) if is_path else str(part)


def _is_lab_file(name: str | None, value: object) -> bool:
    """Return true for the option ``--lab`` if it is a file, and no name of a lab."""
    return name == "lab" and Path(str(value)).exists()


def check_outputs(outputs: dict[str, str | None]) -> None:
    """Refuse outputs that cannot be written, or two that are one file, before any work."""
    from chainrule._src.data.storage import check_writable

    paths = [path for path in outputs.values() if path is not None]
    for path in paths:
        check_writable(path)
    if len({Path(path).resolve() for path in paths}) < len(paths):
        raise UsageError(
            "two of -o, --report, --json, --junit, --canvas and --moodle name the same file"
        )


def write(classroom: Classroom, outputs: dict[str, str | None], intake: Intake) -> list[str]:
    """Write the outputs whose paths are not None, and return these paths."""
    from chainrule._src.data.storage.files import write_text
    from chainrule._src.teach.grading.lms import to_canvas, to_moodle
    from chainrule._src.teach.grading.marks import to_csv, to_json, to_junit
    from chainrule._src.teach.grading.report import to_html

    makers: dict[str, Callable[[Classroom], str]] = {
        "csv": to_csv, "report": to_html, "json": to_json, "junit": to_junit,
        "canvas": lambda room: to_canvas(room, intake.roster, intake.students),
        "moodle": lambda room: to_moodle(room, intake.roster, intake.students),
    }  # fmt: skip
    written = {path: makers[kind](classroom) for kind, path in outputs.items() if path is not None}
    for path, text in written.items():
        write_text(path, text.encode("utf-8", "replace").decode())
    return list(written)


def write_feedback(classroom: Classroom, folder: Path | None) -> list[str]:
    """Write a page and a text for each student into a folder; return the folder, if any."""
    from chainrule._src.data.storage.files import write_text
    from chainrule._src.teach.grading.feedback import feedback_files

    if folder is None:
        return []
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in feedback_files(classroom):
        write_text(str(folder / name), text.encode("utf-8", "replace").decode())
    return [f"{folder} ({2 * len(classroom.graded)} files)"]


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
        middle = median(mark.total for mark in classroom.marks)
        title = f"{classroom.assignment.lab}: {count_of(len(graded), 'submission')}"
        print_title(console, f"{title}, median {middle:.3g} of {classroom.most:g} points")
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
