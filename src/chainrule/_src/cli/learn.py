"""``chainrule learn``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from chainrule._src.base.console import Terminal
from chainrule._src.base.escaping import for_terminal
from chainrule._src.cli.problems import Interrupted, Verbs

if TYPE_CHECKING:
    from chainrule._src.teach.learn.session import LearningSession
    from chainrule._src.teach.learn.workspace import Workspace

learn = typer.Typer(
    name="learn",
    cls=Verbs,
    no_args_is_help=True,
    help="Do the labs' exercises, checked at every save.",
)
Folder = Annotated[Path, typer.Argument(help="The folder that start has made.")]
In = Annotated[Path, typer.Option("--in", metavar="FOLDER", help="The folder of the labs.")]
Exercise = Annotated[str, typer.Argument(metavar="[EXERCISE]", help="By default the next one.")]
Web = Annotated[
    bool, typer.Option("--web", help="In a page of the browser, with an editor, not the terminal.")
]
Port = Annotated[
    int, typer.Option(metavar="N", min=0, max=65535, help="Of the page; 0: one is chosen.")
]
Browser = Annotated[
    bool, typer.Option("--browser/--no-browser", help="Open the page in the browser.")
]
HERE = Path()


@learn.command()
def start(
    folder: Annotated[Path, typer.Argument(help="Where to put the labs' files; made anew.")],
    lab: Annotated[
        list[str] | None,
        typer.Option(
            metavar="LAB", help="This lab alone: its name or number, a file, a folder of files."
        ),
    ] = None,
    student: Annotated[
        str, typer.Option(metavar="NAME", help="For whom a lab draws its values, if it does so.")
    ] = "",
    notebooks: Annotated[
        bool, typer.Option("--notebooks", help="Notebooks in place of .py files.")
    ] = False,
    watching: Annotated[
        bool, typer.Option("--watch/--no-watch", help="Stay, and check at every save.")
    ] = True,
    web: Web = False,
    port: Port = 0,
    browser: Browser = True,
) -> None:
    """Write the labs' files into a folder, and check them at every save."""
    from chainrule._src.base.extras import needs
    from chainrule._src.teach.learn.workspace import LEARNING, Workspace
    from chainrule._src.teach.loader import find, our_labs

    needs(*LEARNING)
    chosen = [source for name in lab or our_labs() for source in find(name)]
    workspace = Workspace.start(folder, chosen, ".ipynb" if notebooks else ".py", student)
    first = workspace.path(workspace.labs[0])
    typer.echo(for_terminal(f"The labs are in {folder}: open {first} in an editor."))
    if watching:
        _watch(workspace, web, port, browser)
    else:
        _check(workspace)


@learn.command()
def watch(folder: Folder = HERE, web: Web = False, port: Port = 0, browser: Browser = True) -> None:
    """Go on: check at every save."""
    from chainrule._src.teach.learn.workspace import Workspace

    _watch(Workspace(folder), web, port, browser)


@learn.command()
def check(folder: Folder = HERE) -> None:
    """Check once, say what comes next, and end: with code 0 if everything is done."""
    from chainrule._src.teach.learn.workspace import Workspace

    _check(Workspace(folder))


@learn.command("list")
def list_(folder: Folder = HERE) -> None:
    """List the exercises and what is done."""
    from chainrule._src.teach.learn.screen import show_list
    from chainrule._src.teach.learn.workspace import Workspace

    show_list(Terminal(), Workspace(folder))


@learn.command()
def hint(name: Exercise = "", folder: In = HERE) -> None:
    """Give the next of three hints: where to look, what is needed, the formula."""
    session = _session(folder)
    session.tell(session.hint(name or session.workspace.next_exercise))


@learn.command()
def solution(name: Exercise = "", folder: In = HERE) -> None:
    """Show a solution, once your own has passed; by default of the last one that has."""
    session = _session(folder)
    session.tell(session.solution(name or session.workspace.last_passed))


@learn.command()
def reset(name: Annotated[str, typer.Argument(metavar="EXERCISE")], folder: In = HERE) -> None:
    """Begin an exercise anew; your file is kept beside the new one."""
    from chainrule._src.teach.learn.workspace import Workspace

    backup = Workspace(folder).reset(name)
    line = f"{name} is as it was in the beginning; your file before that: {backup}"
    typer.echo(for_terminal(line))


KEPT = "your files and what has passed are kept"


def _watch(workspace: Workspace, web: bool, port: int, browser: bool) -> None:
    from chainrule._src.teach.learn.watching import watch

    if web:
        _serve(workspace, port, browser)
        return
    try:
        watch(Terminal(), workspace)
    except KeyboardInterrupt:
        raise Interrupted(KEPT) from None


def _serve(workspace: Workspace, port: int, browser: bool) -> None:
    from chainrule._src.base.extras import needs
    from chainrule._src.cli.serving import NEEDED, serve_page

    needs("chainrule learn --web", "blackboard", *NEEDED)
    from chainrule._src.blackboard.learning import LearningPages

    serve_page(lambda: LearningPages(workspace), "The lab", port, browser, KEPT)


def _check(workspace: Workspace) -> None:
    standing = _session(workspace).look()
    raise typer.Exit(1 if standing.exercise else 0)


def _session(folder: Path | Workspace) -> LearningSession:
    """Return a session of a folder whose events are printed."""
    from chainrule._src.teach.learn.session import LearningSession
    from chainrule._src.teach.learn.watching import TerminalScreen
    from chainrule._src.teach.learn.workspace import Workspace

    workspace = folder if isinstance(folder, Workspace) else Workspace(folder)
    return LearningSession(workspace, TerminalScreen(Terminal(), workspace))
