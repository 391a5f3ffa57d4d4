"""The command line, ``chainrule VERB``, started by ``__main__.py``."""

from __future__ import annotations

from typing import Annotated

import typer

from chainrule import __version__
from chainrule.cli.blackboard import blackboard
from chainrule.cli.cache import cache
from chainrule.cli.evaluate import evaluate
from chainrule.cli.explain import explain
from chainrule.cli.export import export
from chainrule.cli.export_lab import export_lab
from chainrule.cli.grade import grade
from chainrule.cli.lab import lab
from chainrule.cli.learn import learn
from chainrule.cli.plot import plot
from chainrule.cli.predict import predict
from chainrule.cli.problems import EXIT_CODES, Verbs
from chainrule.cli.show import show
from chainrule.cli.sweep import sweep
from chainrule.cli.train import train
from chainrule.escaping import for_terminal

CODES = ", ".join(f"{code} {meaning}" for code, meaning in EXIT_CODES.items())

app = typer.Typer(
    name="chainrule",
    cls=Verbs,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    epilog=f"Exit codes: {CODES}.",
)


def _print_version(wanted: bool) -> None:
    if wanted:
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
    train, sweep, evaluate, predict, explain, show, export, plot, lab, blackboard,
    grade, export_lab,
)  # fmt: skip
for verb in VERBS:
    app.command()(verb)
app.add_typer(cache, name="cache")
app.add_typer(learn, name="learn")
