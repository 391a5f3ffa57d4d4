"""Check the files at every save, until the learner quits."""

from __future__ import annotations

from collections.abc import Callable

from rich.console import Console
from rich.markup import escape
from rich.syntax import Syntax

from chainrule._src.base.errors import ChainruleError
from chainrule._src.teach.learn.checker import Checker
from chainrule._src.teach.learn.keys import pressed
from chainrule._src.teach.learn.saves import saves
from chainrule._src.teach.learn.screen import show, show_hint, show_list
from chainrule._src.teach.learn.workspace import Standing, Workspace


def look(console: Console, workspace: Workspace, checker: Checker) -> Standing:
    """Check the changed exercises; a terminal shows which exercise is checked."""
    if not console.is_terminal:
        return workspace.look(checker)
    with console.status("looking …") as status:
        return workspace.look(checker, lambda name: status.update(f"checking {name} …"))


def watch(console: Console, workspace: Workspace, stop: Callable[[], bool] = lambda: False) -> None:
    """Check at every save and handle keys, until q, Ctrl-C, or ``stop()`` is true."""
    checker = Checker()
    paths = [workspace.path(lab) for lab in workspace.labs]
    changes = saves(workspace.folder, [path.name for path in paths], "chainrule learn", "teach")
    with pressed() as keys:
        standing = look(console, workspace, checker)
        show(console, workspace, standing, keys=True)
        for changed in changes:
            key = keys.next()
            if key == "q" or stop():
                return
            if changed or _answer(console, workspace, standing, key):
                standing = look(console, workspace, checker)
                show(console, workspace, standing, keys=True)


def _answer(console: Console, workspace: Workspace, standing: Standing, key: str) -> bool:
    """Run the command of a key; return true if it changed the file."""
    name = standing.exercise
    try:
        if key == "l":
            show_list(console, workspace)
        elif key == "h" and name:
            show_hint(console, workspace, name)
        elif key == "s":
            show_solution(console, workspace, workspace.last_passed)
        elif key == "r" and name:
            workspace.reset(name)
            return True
    except ChainruleError as error:
        console.print(f"[yellow]{escape(str(error))}[/]", highlight=False)
    return False


def show_solution(console: Console, workspace: Workspace, name: str) -> None:
    """Print the solution of an exercise that has been passed."""
    code = workspace.solution(name)
    console.print(f"[bold]{name}, one solution[/]", highlight=False)
    console.print(Syntax(code, "python", background_color="default", word_wrap=True))
