"""The lab in a terminal: log lines, progress bars, a table at the end, and the report."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from functools import partial
from pathlib import Path
from textwrap import wrap

from rich.cells import cell_len
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from chainrule._src.base.errors import FileError, MissingDependencyError
from chainrule._src.base.extras import needs
from chainrule._src.base.validation import lookup
from chainrule._src.data.storage import check_writable, write_text
from chainrule._src.teach.lab.report import Artist, Drawing, render
from chainrule._src.teach.lab.results import format_number
from chainrule._src.teach.lab.sections import SECTIONS, SLOW_SECTIONS, section_text
from chainrule._src.teach.lab.session import Advance, Lab


def run_lab(
    console: Console,
    names: Sequence[str],
    *,
    quick: bool,
    seed: int,
    report: Path,
    replay: Callable[[Lab], str | None] = lambda lab: None,
) -> int:
    """Run sections of the lab, all of them if ``names`` is empty, and write the report.

    ``replay`` returns a page that shows the network's training, for `render`.

    Returns
    -------
    int
        The exit code: 1 if no section could run, else 0.

    Raises
    ------
    ChainruleError
        If a name or the seed is invalid; this is checked first.
    FileError
        If the report cannot be written; raised after the sections have run.
    """
    began = time.perf_counter()
    needs("the lab", "teach", "matplotlib", "jinja2")
    for name in names:
        lookup("section", name, SECTIONS)
    bars = Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=console,
        transient=True,
        disable=not console.is_terminal,
    )
    say = bars.console.print
    lab = Lab(
        seed=seed,
        quick=quick,
        log=lambda line: say(folded(line, console.width), markup=False),
        progress=partial(_bar, bars),
    )
    skipped = {} if names or not quick else dict(SLOW_SECTIONS)
    selected = [name for name in SECTIONS if name in (names or SECTIONS) and name not in skipped]

    unwritable: FileError | None = None
    try:
        check_writable(report)
    except FileError as error:
        unwritable = error
        say(f"[bold yellow]{escape(str(error))}; the lab runs all the same[/]")

    drawings: dict[str, list[Drawing]] = {}
    with bars, nullcontext() if unwritable else Artist() as artist:
        try:
            for name in selected:
                _run_section(lab, name, say, skipped)
                if artist and name in lab.results:
                    artist.draw(name, lab.results[name])
            for name, reason in skipped.items():
                say(f"\n[yellow]Section {name} not run: {escape(reason)}[/]")
        finally:
            _print_numbers(console, lab)
        if artist and lab.results:
            with lab.progress("drawing the report", 1):
                drawings = artist.drawings()

    if unwritable is not None:
        raise unwritable
    if not lab.results:
        return 1
    seconds = time.perf_counter() - began
    write_text(report, render(lab, drawings, skipped, seconds, replay(lab)))
    say("\nThe whole report, with pictures:")
    say(f"[bold]{escape(str(report.resolve()))}[/]", soft_wrap=True)  # on one line, to copy
    say(f"{time.perf_counter() - began:.1f} s")
    return 0


def folded(line: str, width: int) -> str:
    """Wrap a line at ``width`` columns; all lines except the first are indented.

    Examples
    --------
    >>> print(folded("  h = sigmoid(X @ W_h + b_h)", 22))
      h = sigmoid(X @ W_h
          + b_h)
    """
    if cell_len(line) <= width:
        return line
    indent = line[: len(line) - len(line.lstrip())]
    parts = wrap(line, width, subsequent_indent=f"{indent}    ", break_on_hyphens=False)
    return "\n".join(parts)


def _run_section(lab: Lab, name: str, say: Callable[[str], None], skipped: dict[str, str]) -> None:
    title, _ = section_text(name)
    say(f"\n[bold cyan]{list(SECTIONS).index(name) + 1}. {escape(title)}[/]")
    try:
        result = lab.run(name)
    except MissingDependencyError as error:
        skipped[name] = str(error)
    else:
        say(f"[italic]{escape(result.findings)}[/]")


@contextmanager
def _bar(bars: Progress, label: str, total: int) -> Iterator[Advance]:
    task = bars.add_task(label, total=total)
    try:
        yield partial(bars.advance, task)
    finally:
        bars.remove_task(task)


def _print_numbers(console: Console, lab: Lab) -> None:
    if not lab.results:
        return
    table = Table(title="\nThe lab in numbers", title_style="bold", show_edge=False)
    table.add_column("section", style="cyan", overflow="fold")
    table.add_column("what", overflow="fold")
    table.add_column("value", justify="right", overflow="fold")
    for name in (name for name in SECTIONS if name in lab.results):
        numbers = lab.results[name].numbers
        for row, (what, value) in enumerate(numbers.items()):
            table.add_row(
                name if row == 0 else "", escape(what), escape(format_number(value)),
                end_section=row == len(numbers) - 1,
            )  # fmt: skip
    console.print(table)
