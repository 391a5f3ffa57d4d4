"""``chainrule blackboard``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from chainrule._src.base.console import Terminal
from chainrule._src.base.errors import OptionError
from chainrule._src.base.escaping import for_terminal
from chainrule._src.base.extras import needs
from chainrule._src.base.pages import PAGES
from chainrule._src.cli.problems import Interrupted
from chainrule._src.cli.serving import NEEDED, serve_page

DATA_HELP = "What to learn from: digits, another of the data sets that are always there, or a file."
EXPORT_HELP = "Write a folder of pages that train without Python, instead of showing one."
SINGLE_HELP = "With --export: write one HTML file."
MODEL_HELP = "network, deep, softmax, the file of a model, or a Python file of your own."

RATE_HELP = "With which training starts; by default the model's own, or one its gradient suggests."


def blackboard(
    data: Annotated[str, typer.Option(metavar="NAME|FILE", help=DATA_HELP)] = "digits",
    target: Annotated[
        str | None, typer.Option(metavar="COLUMN", help="The column of a table to predict.")
    ] = None,
    model: Annotated[str, typer.Option(metavar="KIND|FILE", help=MODEL_HELP)] = "network",
    learning_rate: Annotated[
        float | None,
        typer.Option(metavar="NUMBER", min=1e-6, max=100, help=RATE_HELP),
    ] = None,
    port: Annotated[
        int, typer.Option(metavar="N", min=0, max=65535, help="Of this machine; 0: one is chosen.")
    ] = 0,
    browser: Annotated[
        bool, typer.Option("--browser/--no-browser", help="Open the page in the browser.")
    ] = True,
    export: Annotated[
        Path | None, typer.Option(metavar="PATH", help=EXPORT_HELP, show_default=False)
    ] = None,
    single: Annotated[bool, typer.Option("--single", help=SINGLE_HELP)] = False,
) -> None:
    """Watch a network learn, in the browser: stop it, step back, and see why."""
    if single and export is None:
        raise OptionError("single", "it belongs to --export: --export course.html --single")
    if export is not None:
        _export(export, single, data, target, model)
        return
    needs("the blackboard", "blackboard", *NEEDED)
    from chainrule._src.blackboard.opening import prepared

    begin = prepared(data, target, model, learning_rate)  # reports bad options first
    serve_page(
        begin,
        "The blackboard",
        port,
        browser,
        "what was trained is gone, but for what you took away",
    )


def _export(path: Path, single: bool, data: str, target: str | None, model: str) -> None:
    """Write a page without Python: of the data and the model, or of all lessons."""
    needs(*PAGES)
    from chainrule._src.blackboard import built
    from chainrule._src.blackboard.site import course_of, write_course

    built.module()
    console = Terminal(stderr=True)
    try:
        with console.status("compiling …") as status:
            course = course_of(data, target, model, lambda text: status.update(f"{text} …"))
        size = write_course(course, path, single=single)
    except KeyboardInterrupt:
        raise Interrupted("no page was written") from None
    typer.echo(for_terminal(f"Wrote {path}: {size / 1e6:.2f} MB, to be opened in a browser"))
