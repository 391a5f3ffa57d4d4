"""The command line: ``chainrule lab``, started by ``__main__.py``.

Exit codes: 0 done, 1 something could not be done (the report not written, say), 2 bad usage,
130 stopped by Ctrl-C.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape

import chainrule
from chainrule.errors import ChainruleError
from chainrule.lab import SECTIONS
from chainrule.lab.terminal import run_lab

app = typer.Typer(
    name="chainrule",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"chainrule {chainrule.__version__}")
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


@app.command("lab")
def lab_command(
    sections: Annotated[
        list[str] | None, typer.Argument(metavar="[SECTION]...", help="The same as --only.")
    ] = None,
    only: Annotated[
        list[str] | None,
        typer.Option(
            metavar="SECTION", help=f"Run these sections alone. Sections: {', '.join(SECTIONS)}."
        ),
    ] = None,
    quick: Annotated[
        bool,
        typer.Option("--quick", help="Fewer epochs, smaller searches, no Keras: a look around."),
    ] = False,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the initial weights.")] = 0,
    report: Annotated[Path, typer.Option(help="Where to write the report, one HTML file.")] = Path(
        "lab-report.html"
    ),
) -> None:
    """Run the backpropagation lab on the handwritten digits, and write its report."""
    names = [name for given in (only, sections) for name in given or []]
    console = Console(highlight=False)
    try:
        raise typer.Exit(run_lab(console, names, quick=quick, seed=seed, report=report))
    except ChainruleError as error:
        _complain(str(error))
        raise typer.Exit(2) from None
    except BrokenPipeError:  # the reader of a pipe has seen enough
        raise
    except OSError as error:
        _complain(f"cannot write the output: {error.strerror or error}")
        raise typer.Exit(1) from None
    except KeyboardInterrupt:
        typer.echo("Stopped by Ctrl-C; no report was written.", err=True)
        raise typer.Exit(130) from None


cache = typer.Typer(no_args_is_help=True, help="Compiled kernels kept on disk.")
app.add_typer(cache, name="cache")


@cache.command("clear")
def clear_cache() -> None:
    """Delete every compiled kernel; each is compiled again when it is needed."""
    from chainrule.program import native

    try:
        count = native.clear_cache()
    except OSError as error:
        _complain(f"cannot clear {native.cache_folder()}: {error.strerror or error}")
        raise typer.Exit(1) from None
    typer.echo(f"Deleted {count} compiled kernel{'s' * (count != 1)} from {native.cache_folder()}")


def _complain(message: str) -> None:
    Console(stderr=True, highlight=False, soft_wrap=True).print(
        f"[bold red]error:[/] {escape(message)}"
    )
