"""The learner's screen: progress, the next exercise, and its result."""

from __future__ import annotations

from collections.abc import Iterator

from rich.console import Console
from rich.markup import escape
from rich.padding import Padding
from rich.rule import Rule
from rich.syntax import Syntax

from chainrule._src.teach.learn.session import HintShown, SolutionShown
from chainrule._src.teach.learn.workspace import Standing, Workspace
from chainrule._src.teach.loader import load, our_labs

KEYS = "h hint · l list · s solution · r reset · q quit"


def show(console: Console, workspace: Workspace, standing: Standing, keys: bool = False) -> None:
    """Clear the screen and draw it again."""
    if console.is_terminal:
        console.clear()
    _bar(console, workspace, standing)
    if not standing.exercise:
        console.print("\n[bold green]All exercises are done.[/] Well done.\n")
        for line in afterwards(workspace):
            console.print(f"  {escape(line)}", highlight=False)
        console.print()
    elif standing.problem:
        console.print(f"\n[yellow]{escape(standing.problem)}[/]\n")
    else:
        _next(console, workspace, standing)
    if keys:
        console.print(Rule(KEYS, style="dim"))


def _bar(console: Console, workspace: Workspace, standing: Standing) -> None:
    names = standing.lab.source.exercises
    passed = [name for name in names if name in standing.passed]
    width = 20
    filled = round(width * len(passed) / max(1, len(names)))
    console.print(
        f"[bold]{escape(standing.lab.source.title)}[/]\n[green]{'█' * filled}[/]"
        f"[dim]{'░' * (width - filled)}[/] {len(passed)} of {len(names)} exercises"
        + _others(workspace, standing),
        highlight=False,
    )
    marks = []
    for name in names:
        if name in standing.passed:
            marks.append(f"[green]✓\u00a0{name}[/]")
        elif name == standing.exercise:
            marks.append(f"[bold]→\u00a0{name}[/]")
        else:
            marks.append(f"[dim]·\u00a0{name}[/]")
    console.print("  ".join(marks), highlight=False)


def _others(workspace: Workspace, standing: Standing) -> str:
    if len(workspace.labs) == 1:
        return ""
    every = workspace.exercises
    return f"[dim]; {len(standing.passed & set(every))} of {len(every)} in all labs[/]"


def afterwards(workspace: Workspace) -> Iterator[str]:
    """Yield what a learner may do after the last exercise: compare, the next lab, a lab of hers."""
    yield "Compare: s, or chainrule learn solution EXERCISE, shows one of many solutions."
    present, names = {lab.key for lab in workspace.labs}, our_labs()
    last = max((names.index(key) for key in present if key in names), default=-1)
    coming = [key for key in (*names[last + 1 :], *names) if key not in present]
    if coming:
        title, number = load(coming[0]).source.title, names.index(coming[0]) + 1
        yield f"Next: {title}, by chainrule learn start FOLDER --lab {number}"
    else:
        yield "Next: chainrule blackboard shows networks while they learn."
        yield "Then: chainrule lab new FILE.py begins a lab of your own."


def _done_before(console: Console, workspace: Workspace, standing: Standing) -> None:
    """Say that a lab is done where the first exercise of the one after it comes next."""
    number = workspace.labs.index(standing.lab)
    if number and standing.exercise == standing.lab.source.exercises[0]:
        before, title = workspace.labs[number - 1].source.title, standing.lab.source.title
        console.print(f"\n[green]✓ {escape(before)}[/] is done; {escape(title)} is next.")


def _next(console: Console, workspace: Workspace, standing: Standing) -> None:
    task, path = standing.lab.exercises[standing.exercise], workspace.path(standing.lab)
    location = f"{path.name}, line {standing.line}" if path.suffix == ".py" else path.name
    if standing.result is None:
        _done_before(console, workspace, standing)
        console.print(f"\n[bold]Next: {task.name}[/]  [dim]{escape(location)}[/]", highlight=False)
        console.print(Padding(escape(f"{task.title}."), (0, 0, 1, 2)), highlight=False)
        return
    result = standing.result
    dots = " ".join(
        f"[green]● {o.check}[/]" if o.passed else f"[yellow]○ {o.check}[/]" for o in result.outcomes
    )
    console.print(f"\n[bold yellow]✗ {task.name}[/]  {dots}", highlight=False)
    console.print(Padding(escape(result.sentence), (0, 0, 1, 2)), highlight=False)


def show_list(console: Console, workspace: Workspace) -> None:
    """Print all labs with their exercises."""
    for lab in workspace.labs:
        console.print(
            f"\n[bold]{escape(lab.source.title)}[/]  [dim]{escape(workspace.path(lab).name)}[/]"
        )
        for name, task in lab.exercises.items():
            mark = "[green]✓[/]" if name in workspace.progress.passed else "[dim]·[/]"
            console.print(f"  {mark} {name}  [dim]{escape(task.title)}[/]", highlight=False)


def show_hint(console: Console, hint: HintShown) -> None:
    """Print a hint."""
    heading = f"{hint.exercise}, hint {hint.number} of {hint.count}"
    console.print(f"[bold]{heading}[/]", highlight=False)
    console.print(Padding(escape(hint.text), (0, 0, 0, 2)), highlight=False)


def show_solution(console: Console, solution: SolutionShown) -> None:
    """Print the solution of an exercise that has been passed."""
    console.print(f"[bold]{solution.exercise}, one solution[/]", highlight=False)
    console.print(Syntax(solution.code, "python", background_color="default", word_wrap=True))
