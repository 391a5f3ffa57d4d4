"""The command line, ``chainrule VERB``, started by ``__main__.py``."""

from __future__ import annotations

from typing import Annotated

import typer

from chainrule._src.base.escaping import for_terminal
from chainrule._src.base.version import __version__
from chainrule._src.cli.blackboard import blackboard
from chainrule._src.cli.cache import cache
from chainrule._src.cli.evaluate import evaluate
from chainrule._src.cli.explain import explain
from chainrule._src.cli.export import export
from chainrule._src.cli.export_lab import export_lab
from chainrule._src.cli.grade import grade
from chainrule._src.cli.lab import lab
from chainrule._src.cli.learn import learn
from chainrule._src.cli.plot import plot
from chainrule._src.cli.predict import predict
from chainrule._src.cli.problems import EXIT_CODES, Verbs
from chainrule._src.cli.show import show
from chainrule._src.cli.sweep import sweep
from chainrule._src.cli.train import train

CODES = ", ".join(f"{code} {meaning}" for code, meaning in EXIT_CODES.items())

app = typer.Typer(
    name="chainrule",
    cls=Verbs,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    epilog=f"Exit codes: {CODES}.",
)


def _print_version(value: bool) -> None:
    if value:
        typer.echo(for_terminal(f"chainrule {__version__}"))
        raise typer.Exit


@app.callback()
def chainrule_command(
    version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_print_version, is_eager=True, help="Print the version."
        ),
    ] = False,
) -> None:
    """Backpropagation you can read: train and explain small networks in NumPy."""


VERBS = (
    train, sweep, evaluate, predict, explain, show, export, plot, blackboard,
    grade, export_lab,
)  # fmt: skip
for verb in VERBS:
    app.command()(verb)
app.add_typer(cache, name="cache")
app.add_typer(learn, name="learn")
app.add_typer(lab, name="lab")
