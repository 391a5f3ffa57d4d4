"""``chainrule export-lab``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from chainrule._src.base.console import Terminal
from chainrule._src.cli.problems import UsageError

KINDS = ("nbgrader", "otter", "gradescope", "prairielearn", "classroom")


def export_lab(
    lab: Annotated[str, typer.Argument(metavar="LAB", help="Its name or number, or a file.")],
    to: Annotated[str, typer.Option(metavar="KIND", help=f"One of: {', '.join(KINDS)}.")],
    output: Annotated[
        Path | None, typer.Option("-o", "--output", metavar="FOLDER", help="Where it goes.")
    ] = None,
) -> None:
    """Write a lab for nbgrader, Otter, Gradescope, PrairieLearn or a classroom's repositories."""
    from chainrule._src.base.validation import lookup
    from chainrule._src.teach.exports.folders import exported, write_files
    from chainrule._src.teach.exports.making import MAKERS
    from chainrule._src.teach.grading.collect import find_lab
    from chainrule._src.teach.loader import load

    if output is None:
        raise UsageError("-o is missing: say which folder it goes to, for instance -o course")
    make = lookup("kind of export", to, MAKERS)
    source = exported(load(find_lab(lab, [])))
    paths = write_files(make(source), output)
    console = Terminal()
    listed = [path for path in paths if "source/chainrule" not in path.as_posix()]
    for path in listed:
        console.print(f"[dim]wrote[/] {escape(str(path))}", soft_wrap=True)
    if len(listed) < len(paths):
        console.print(f"[dim]wrote[/] {len(paths) - len(listed)} files of chainrule itself")
