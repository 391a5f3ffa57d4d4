"""Check the files at every save, until the learner quits."""

from __future__ import annotations

import contextlib
from collections.abc import Callable

from rich.console import Console
from rich.markup import escape
from rich.syntax import Syntax

from chainrule._src.base.errors import ChainruleError
from chainrule._src.teach.learn.checker import Checker, Stopped
from chainrule._src.teach.learn.keys import pressed
from chainrule._src.teach.learn.saves import saves
from chainrule._src.teach.learn.screen import show, show_hint, show_list
from chainrule._src.teach.learn.workspace import Standing, Workspace


def look(
    console: Console,
    workspace: Workspace,
    checker: Checker,
    unwanted: Callable[[], bool] = lambda: False,
) -> Standing:
    """Check the changed exercises; a terminal shows which exercise is checked.

    If ``unwanted()`` is true while a check runs, `Stopped` is raised.
    """
    if not console.is_terminal:
        return workspace.look(checker, None, unwanted)
    with console.status("looking …") as status:
        return workspace.look(checker, lambda name: status.update(f"checking {name} …"), unwanted)


def watch(console: Console, workspace: Workspace, stop: Callable[[], bool] = lambda: False) -> None:
    """Check at every save and handle keys, until q, Ctrl-C, or ``stop()`` is true.

    A save or q ends the check that runs; other keys are answered after it.
    """
    checker = Checker()
    paths = [workspace.path(lab) for lab in workspace.labs]
    changes = saves(workspace.folder, [path.name for path in paths], "chainrule learn", "teach")
    is_changed = True

    def unwanted() -> bool:
        nonlocal is_changed
        is_changed = next(changes) or is_changed
        return is_changed or "q" in keys.waiting() or stop()

    with pressed() as keys:
        while not stop():
            if is_changed:
                is_changed = False
                with contextlib.suppress(Stopped):
                    show(console, workspace, look(console, workspace, checker, unwanted), True)
            while key := keys.next():
                if key == "q":
                    return
                is_changed = _answer(console, workspace, key) or is_changed
            is_changed = next(changes) or is_changed


def _answer(console: Console, workspace: Workspace, key: str) -> bool:
    """Run the command of a key; return true if it changed the file."""
    name = workspace.next_exercise
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
