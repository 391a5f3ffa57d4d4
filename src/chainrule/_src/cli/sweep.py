"""``chainrule sweep``."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from chainrule._src.base.console import Terminal
from chainrule._src.base.errors import DataError, OptionError, UnknownNameError
from chainrule._src.base.extras import needs
from chainrule._src.cli.problems import Interrupted, UsageError, tell
from chainrule._src.cli.settings import hidden_units
from chainrule._src.cli.train import DATA_HELP, describe

if TYPE_CHECKING:
    from chainrule._src.sweeps.result import Result

BEST = 10  # networks in the printed table, at most
EXAMPLES = {
    "hidden": "16,64,64x32", "activation": "relu,tanh", "lr": "0.001,0.01", "dropout": "0,0.2",
    "l2": "0,0.001", "optimizer": "adam,sgd", "batch_size": "16,64",
}  # fmt: skip
NAMES = tuple(EXAMPLES)
SETTING_HELP = (
    "What a setting may be, for instance lr=0.001:0.1, hidden=16,64,64x32 or activation=relu; one "
    f"of {', '.join(NAMES)}. As often as wanted; others keep their usual range."
)


def sweep(
    data: Annotated[str, typer.Argument(metavar="DATA", help=DATA_HELP)],
    models: Annotated[
        int | None, typer.Option(metavar="N", min=1, help="Networks to try; by default 100.")
    ] = None,
    target: Annotated[str | None, typer.Option(metavar="COLUMN", help="What to predict.")] = None,
    setting: Annotated[
        list[str] | None, typer.Option(metavar="NAME=VALUES", help=SETTING_HELP)
    ] = None,
    epochs: Annotated[int, typer.Option(metavar="N", min=1, help="For the best.")] = 27,
    halving: Annotated[
        int,
        typer.Option(
            metavar="N", min=0, help="One in so many goes on, from few epochs on; 0: all do."
        ),
    ] = 3,
    search: Annotated[
        str, typer.Option(metavar="random|quasi|grid", help="How settings are chosen.")
    ] = "quasi",
    cv: Annotated[
        int,
        typer.Option(metavar="N", min=0, help="Parts kept aside in turn; 0: a fifth of the rows."),
    ] = 0,
    seeds: Annotated[int, typer.Option(metavar="N", min=1, help="For each setting.")] = 1,
    seed: Annotated[int, typer.Option(metavar="N", min=0)] = 0,
    workers: Annotated[
        int | None, typer.Option(metavar="N", min=1, help="Threads; by default one a processor.")
    ] = None,
    store: Annotated[
        str | None, typer.Option(metavar="FOLDER", help="Keeps everything; goes on from there.")
    ] = None,
    report: Annotated[
        str, typer.Option(metavar="FILE.html", help="The page with pictures.")
    ] = "sweep.html",
    output: Annotated[
        str | None, typer.Option("-o", "--output", metavar="FILE", help="Where the best goes.")
    ] = None,
    encoding: Annotated[str, typer.Option(metavar="NAME", help="Of a CSV file.")] = "utf-8",
) -> None:
    """Train many networks on a table, and find the best settings."""
    options = {
        "models": models, "epochs": epochs, "halving": halving or None, "search": search,
        "cv": cv or None, "seeds": seeds, "seed": seed, "workers": workers, "store": store,
    }  # fmt: skip
    run_sweep(Terminal(), data, target, setting or [], report, output, encoding, options)


def run_sweep(
    console: Console, source: str, target: str | None, settings: Sequence[str], report: str,
    output: str | None, encoding: str, options: dict[str, Any],
) -> None:  # fmt: skip
    """Sweep, print the best networks, write the report and the best model."""
    from chainrule._src.cli.output import save_result
    from chainrule._src.cli.terminal import count_of, print_facts
    from chainrule._src.data.tables import open_table
    from chainrule._src.sweeps.sweep import sweep
    from chainrule._src.tabular.recipes.recipe import Recipe
    from chainrule._src.tabular.recipes.tabular import prepare
    from chainrule._src.tabular.sweeps import SPACE, builder

    needs("chainrule sweep", "tables", "sklearn", "scipy", "matplotlib", "jinja2")
    space = {**SPACE, **settings_of(settings)}
    if options["cv"] == 1:
        raise UsageError("--cv 1: expected at least 2 parts, or 0 for a fifth of the rows")
    _check_grid(options["search"], space)
    _check_files(report, output, source)
    places = [os.path.abspath(each) for each in (report, output or report)]
    with console.status("reading the data …"):
        table = open_table(source, encoding=encoding)
    tell(table.notes)
    recipe = Recipe(recipe="mlp", target=target, seed=options["seed"], ensemble=1)
    validation = 0.0 if options["cv"] else recipe.validation
    with console.status("preparing the data …"):
        data = prepare(table, replace(recipe, validation=validation))
    console.print(f"[bold]{escape(table.name)}[/]", soft_wrap=True)
    ranges = [(name, str(values)) for name, values in space.items()]
    print_facts(console, [*describe(data.preprocessor), *ranges])
    tell(data.notes)
    monitor = "val_accuracy" if data.preprocessor.target.classes else "val_r2"
    began = time.perf_counter()
    with _in_words_of_the_command():
        result = sweep(
            builder(data, recipe), space, data.X_train, data.y_train, monitor=monitor,
            batch_size=32, validation_data=(data.X_val, data.y_val) if validation else None,
            verbose=1 if console.is_terminal else 2, **options,
        )  # fmt: skip
    seconds = time.perf_counter() - began
    if result.interrupted and not result.search.by_epochs():
        raise Interrupted("no network was done yet, nothing was written")
    _print_best(console, result, seconds)
    errors = [error for error in result.table.get("error", ()) if error is not None]
    count = count_of(len(errors), "network")
    tell([f"{count} failed, the first: {errors[0]}"] if errors else [])
    report = save_result(
        report, places[0], lambda path: result.report(path, f"Sweep of {table.name}")
    )
    console.print(f"\n{escape(report)} has the pictures", soft_wrap=True)
    if output is not None:
        output = save_result(output, places[1], partial(result.best.model.save, training=False))
        console.print(f"{escape(output)} is the best network", soft_wrap=True)
    if result.interrupted:
        more = " the same command goes on from there" if options["store"] else " --store keeps it"
        raise Interrupted(f"the sweep was interrupted;{more}")


# Patterns in error messages of the function `sweep`, and replacements for the command line.
WORDS = [
    (r"\b(models|search|halving|cv|seeds|seed|epochs|store)=('?)([\w./]+)\2", r"--\1 \3"),
    (r"\bleave (?:models|it) out\b", "leave --models out"),
    (
        r"A range is cr\.sweeps\.LogUniform.*",
        "A range has a colon, --setting lr=0.001:0.1; choices have commas",
    ),
]


@contextmanager
def _in_words_of_the_command() -> Iterator[None]:
    """Context manager that rewrites error messages, so that they name the command's options."""
    try:
        yield
    except OptionError as error:
        reason = error.reason
        for python, command in WORDS:
            reason = re.sub(python, command, reason)
        raise OptionError(error.option, reason) from error


def _check_files(report: str, output: str | None, source: str) -> None:
    """Raise an error if the page or the best model cannot be written to its file."""
    from chainrule._src.cli.output import check_output
    from chainrule._src.data.storage import check_name

    if report == "-":
        raise UsageError("--report -: expected the name of a file, such as sweep.html")
    check_output(report, source, option="--report")
    if output is not None:
        check_name(check_output(output, source))
        if os.path.realpath(output) == os.path.realpath(report):
            raise UsageError(f"-o {output} would overwrite the page; give it or --report a name")


def _check_grid(search: str, space: Mapping[str, Any]) -> None:
    """Raise an error if a grid search has ranges instead of choices."""
    ranges = [name for name, values in space.items() if not isinstance(values, list)]
    if search == "grid" and ranges:
        each = " ".join(f"--setting {name}={EXAMPLES[name]}" for name in ranges)
        raise UsageError(f"--search grid: give choices with commas, such as {each}")


def settings_of(texts: Sequence[str]) -> dict[str, Any]:
    """Parse the space of settings, each of which may occur once."""
    space = dict(map(setting_of, texts))
    names = [text.partition("=")[0] for text in texts]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise UsageError(
            f"--setting {twice} is given twice; give all choices at once: {twice}={EXAMPLES[twice]}"
        )
    return space


def setting_of(text: str) -> tuple[str, Any]:
    """Parse ``name=values`` to a setting's name and its range or choices.

    Examples
    --------
    >>> setting_of("lr=0.001:0.1")
    ('lr', LogUniform(low=0.001, high=0.1))
    >>> setting_of("hidden=16,64x32,none")
    ('hidden', [(16,), (64, 32), ()])
    """
    name, _, values = text.partition("=")
    if name not in NAMES or not values:
        raise UsageError(
            f"--setting {text!r}: expected NAME=VALUES with one of {', '.join(NAMES)}, such as "
            "lr=0.001:0.1 or hidden=16,64"
        )
    where = f"--setting {name}"
    try:
        return name, _values(name, values, where)
    except (DataError, UnknownNameError) as error:
        raise UsageError(f"{where}: {str(error).removeprefix(f'{where}: ')}") from error


def _values(name: str, values: str, where: str) -> Any:
    from chainrule._src.base.validation import check_number, check_positive, lookup
    from chainrule._src.nn import activations, optimizers
    from chainrule._src.sweeps.dimensions import LogUniform, Uniform
    from chainrule._src.tabular.sweeps import LOGARITHMIC

    limits: Any = {"dropout": {"high": 1.0}, "lr": {"strict": True}}.get(name, {})
    if ":" in values:
        low, _, high = values.partition(":")
        if name in ("hidden", "activation", "optimizer", "batch_size"):
            raise UsageError(f"{where}: give choices with commas, such as {name}=16,64")
        between = LogUniform if name in LOGARITHMIC else Uniform
        ends = [check_number(_number(end, where), name, where, **limits) for end in (low, high)]
        return between(ends[0], ends[1])
    choices = values.split(",")
    if name == "hidden":
        return [hidden_units(each.replace("x", ","), where) for each in choices]
    if name == "activation":
        for each in choices:
            activations.get(each, where)
        return choices
    if name == "optimizer":
        for each in choices:
            lookup(name, each, optimizers.OPTIMIZERS)
        return choices
    if name == "batch_size":
        return [check_positive(_whole(each, where), name, where) for each in choices]
    numbers = [_number(each, where) for each in choices]
    return [check_number(each, name, where, **limits) for each in numbers]


def _whole(text: str, where: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise UsageError(f"{where}: {text!r} is no whole number") from None


def _number(text: str, where: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise UsageError(f"{where}: {text!r} is no number") from None


def _print_best(console: Console, result: Result, seconds: float) -> None:
    from chainrule._src.cli.terminal import print_title
    from chainrule._src.sweeps.table import text

    table = result.table
    print_title(
        console, f"{table.rows:,} networks in {seconds:.1f} s; the best, by {result.monitor}:"
    )
    candidates = result.search.candidates
    names = [
        *candidates.space.names,
        *(["seed"] if candidates.seeds > 1 else []),
        "epochs",
        result.monitor,
    ]
    listing = Table(show_edge=False)
    for name in names:
        listing.add_column(name, justify="right", style="bold" if name == result.monitor else None)
    for at in range(min(BEST, table.rows)):
        row = table.row(at)
        listing.add_row(*(escape(text(row[name])) for name in names))
    console.print(listing)
