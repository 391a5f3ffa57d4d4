"""``chainrule lab new``, ``check`` and ``build``: labs of one's own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape

from chainrule._src.base.console import Terminal
from chainrule._src.base.escaping import for_terminal
from chainrule._src.cli.problems import UsageError

if TYPE_CHECKING:
    from rich.console import Console

    from chainrule._src.teach.writing.proof import ExerciseProof

Source = Annotated[str, typer.Argument(metavar="LAB", help="A lab's file, or a folder of them.")]


def new(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The file to write, a .py file.")],
) -> None:
    """Write a lab with three worked exercises, to be changed into your own."""
    from chainrule._src.data.storage.files import write_text
    from chainrule._src.teach.writing.course import first_source

    if file.suffix != ".py":
        raise UsageError(f"{file} is no .py file: name one, such as {file.stem}.py")
    if file.exists():
        raise UsageError(f"{file} is there already; name another file")
    write_text(file, first_source(file.stem.replace("_", " ").capitalize()))
    typer.echo(for_terminal(f"{file} has three exercises. Next: chainrule lab check {file}"))


def check(
    lab: Source,
    mutants: Annotated[
        int, typer.Option(min=0, help="Changed solutions that are tried for an exercise, at most.")
    ] = 60,
    propose: Annotated[
        bool, typer.Option("--propose", help="Print wrong answers for the file, with sentences.")
    ] = False,
) -> None:
    """Check a lab: solutions pass, stubs fail, listed answers get what the file says."""
    from chainrule._src.teach.loader import find
    from chainrule._src.teach.writing.proof import prove

    console, faults = Terminal(), 0
    for loaded in find(lab):
        console.print(f"[bold]{escape(loaded.source.title)}[/]", highlight=False)
        for proof in prove(loaded, mutants, propose):
            faults += len(proof.faults)
            _show(console, proof, propose)
    raise typer.Exit(1 if faults else 0)


def build(
    lab: Source,
    output: Annotated[
        Path | None, typer.Option("-o", "--output", metavar="FOLDER", help="Where it goes.")
    ] = None,
    student: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME", help="For whom a lab draws its values, if it does so."),
    ] = None,
    seed: Annotated[
        str, typer.Option(metavar="TEXT", help="Values are drawn from it and the student's name.")
    ] = "",
) -> None:
    """Write a lab's notebooks, .py files and solutions, and a page to read."""
    from chainrule._src.teach.loader import find
    from chainrule._src.teach.writing.course import write_course

    if output is None:
        raise UsageError("-o is missing: say which folder it goes to, for instance -o course")
    console = Terminal()
    for loaded in find(lab):
        for path in write_course(loaded.source, output, student or (), seed):
            console.print(f"[dim]wrote[/] {escape(str(path))}", soft_wrap=True)


def _show(console: Console, proof: ExerciseProof, propose: bool) -> None:
    """Print what is wrong with an exercise, and the mutants that pass."""
    sign = "[red]✗[/]" if proof.faults else "[green]✓[/]"
    caught = len(proof.mutants) - len(proof.survivors)
    console.print(
        f"{sign} {proof.exercise}  [dim]{proof.wrong} wrong and {proof.right} right answers; "
        f"{caught} of {len(proof.mutants)} mutants are caught[/]",
        highlight=False,
    )
    for line in _lines(proof, propose):
        console.print(f"    {escape(line)}", highlight=False, soft_wrap=True)


def _lines(proof: ExerciseProof, propose: bool) -> Iterator[str]:
    yield from proof.faults
    for mutant in proof.survivors:
        yield f"no check sees {mutant.old} → {mutant.new} (line {mutant.line} of the solution)"
    if propose:
        yield from proof.proposals
