"""``chainrule train``."""

from __future__ import annotations

import inspect
import os
import sys
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape

from chainrule._src.base.console import Terminal
from chainrule._src.base.errors import DivergenceError, listed, shortened
from chainrule._src.base.escaping import for_shell
from chainrule._src.base.interrupts import deferred
from chainrule._src.cli.problems import Interrupted, tell
from chainrule._src.cli.settings import OPTIONS, Option, Settings

if TYPE_CHECKING:
    from chainrule._src.data.preprocessing import Preprocessor
    from chainrule._src.data.tables import Table, TrainingData
    from chainrule._src.nn.sequential import Sequential
    from chainrule._src.tabular.recipes.scores import Scores

Fact = tuple[str, str]
DATA_HELP = (
    "digits, iris, wine, breast_cancer, diabetes; a CSV, Parquet or .npz file; a folder of images "
    "with a folder for each class; or - for standard input."
)


CONFIG = Option("FILE.toml", str, str, "Options by these names; the command line wins.")


def train(data: str, config: str | None, **options: Any) -> None:
    """Train a network on any table, and write it to a file."""
    path = None if config is None else Path(config)
    run_train(_DetachableTerminal(), data, Settings.of(options, path))


def _option_parameter(name: str, option: Option) -> inspect.Parameter:
    """Return an option as a parameter for Typer. The default is None: a file may set the option."""
    default, text = getattr(Settings, name, None), option.purpose
    default = next(iter(default), None) if isinstance(default, tuple) else default
    if default is not None and default is not False and "Default" not in text:
        text += f" Default: {f'{default:g}' if isinstance(default, float) else default}."
    info = typer.Option(*option.names, metavar=option.metavar, help=text, show_default=False)
    return _parameter(name, option.kind | None, info, default=None)


def _parameter(name: str, kind: Any, info: Any, **default: None) -> inspect.Parameter:
    by_name = inspect.Parameter.KEYWORD_ONLY
    return inspect.Parameter(name, by_name, annotation=Annotated[kind, info], **default)


# Typer reads the options from the signature.
train.__signature__ = inspect.Signature([  # type: ignore[attr-defined]
    _parameter("data", str, typer.Argument(metavar="DATA", help=DATA_HELP)),
    *(_option_parameter(name, option) for name, option in {**OPTIONS, "config": CONFIG}.items()),
])  # fmt: skip


class _DetachableTerminal(Terminal):
    """A terminal that survives a broken pipe: training and saving matter more than the output."""

    def on_broken_pipe(self) -> None:
        """Discard all further output."""
        self.quiet = True
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def run_train(console: Console, source: str, settings: Settings) -> None:
    """Train, save the model, and print its scores."""
    from chainrule._src.cli.output import check_output, save_result
    from chainrule._src.cli.progress import TrainingProgress
    from chainrule._src.data.storage import check_name
    from chainrule._src.data.tables import open_table
    from chainrule._src.tabular.recipes.folds import check_parts
    from chainrule._src.tabular.recipes.kinds import RECIPES
    from chainrule._src.tabular.recipes.tabular import prepare, train

    output = settings.output
    if output is not None:
        check_name(check_output(output, source))
        absolute = os.path.abspath(output)
    with console.status("reading the data …"):
        table = open_table(source, encoding=settings.encoding)
    tell(table.notes)
    with console.status("preparing the data …"):
        data = prepare(table, settings)
    if settings.cv:
        tell(check_parts(table, data, settings.cv))
    makers = RECIPES[settings.recipe].makers[: settings.ensemble]
    models = [maker(data, settings) for maker in makers]
    _print_before(console, table, data, models, settings)
    if settings.cv:
        _cross_validate(console, table, settings)
    saved, watch = False, TrainingProgress(console, settings.ensemble)
    try:
        with deferred():
            model, interrupted = train(data, settings, watch.watchers)
            if output is not None:
                output = save_result(output, absolute, partial(model.save, training=False))
            saved = True
    except DivergenceError as error:
        raise _diverged(models[0], watch.epochs + 1) from error
    except KeyboardInterrupt:
        if not saved:
            raise Interrupted("nothing was trained yet, no model was written") from None
        interrupted = True
    _print_after(console, source, data, model, replace(settings, output=output))
    if interrupted:
        where = f"what was trained is in {output}" if output else "no model was asked for"
        raise Interrupted(f"{watch.completed(settings.epochs)}; {where}")


def _cross_validate(console: Console, table: Table, settings: Settings) -> None:
    """Cross-validate, and print mean and deviation of the scores."""
    from chainrule._src.cli.terminal import print_spread, row_progress
    from chainrule._src.tabular.recipes.folds import cross_validate

    with row_progress("cross-validating", settings.cv) as advance:
        scores = [each.values() for each in cross_validate(table, settings, advance)]
    print_spread(console, scores, f"scores on {settings.cv} parts kept aside in turn")
    console.print()


def _diverged(model: Sequential, epoch: int) -> DivergenceError:
    rate = model.learning_rate
    return DivergenceError(
        f"the loss became NaN or infinite in epoch {epoch}, at learning rate {rate:g}; no model "
        f"was written. Try --lr {min(rate / 10, 1e-3):g}"
    )


def _print_before(
    console: Console,
    table: Table,
    data: TrainingData,
    models: Sequence[Sequential],
    settings: Settings,
) -> None:
    from chainrule._src.cli.terminal import print_facts

    rows = f"{table.rows:,} rows × " if table.rows else ""
    console.print(
        f"[bold]{escape(table.name)}[/]: {rows}{len(table.columns):,} columns", soft_wrap=True
    )
    facts = [
        *describe(data.preprocessor),
        ("rows", _rows_text(data, settings)),
        ("network", network(models, settings.ensemble)),
    ]
    print_facts(console, facts)
    tell([*joined(data.preprocessor), *data.notes])
    console.print()


def joined(preprocessor: Preprocessor) -> list[str]:
    """Return notes on categories that share a feature."""
    from chainrule._src.data.preprocessing import OneHot

    return [
        f"column {step.name!r}: the {len(step.categories):,} most frequent texts have a feature "
        f"each, {step.other:,} values of rarer ones share one; --max-categories takes more"
        for step in preprocessor.steps
        if isinstance(step, OneHot) and step.other
    ]


def describe(preprocessor: Preprocessor) -> list[Fact]:
    """Return facts about the target, the features, missing values and excluded columns."""
    from chainrule._src.data.preprocessing.values import as_option

    target = preprocessor.target
    facts = [("target", f"{shortened(target.name)} → {target.task}, {target.describe()}")]
    facts += [("features", text) for text in _features(preprocessor)]
    counts = {step.name: getattr(step, "missing", 0) for step in preprocessor.steps}
    gaps = [f"{name} ({count:,})" for name, count in counts.items() if count]
    if gaps:
        facts.append(("missing", f"{_some(gaps)}: marked by a feature of their own"))
    reasons: dict[str, list[str]] = {}
    for step in preprocessor.left_out:
        option = f"; --text {as_option([step.name])} counts its words" if step.is_text else ""
        reasons.setdefault(step.reason + option, []).append(step.name)
    return facts + [("left out", f"{_some(names)}: {why}") for why, names in reasons.items()]


def _features(preprocessor: Preprocessor) -> list[str]:
    from chainrule._src.cli.terminal import count_of
    from chainrule._src.data.preprocessing import Calendar, OneHot, Picture, Ranks, Scaled, Words

    kinds = {
        Scaled: "of numbers, scaled", OneHot: "of categories, one-hot",
        Ranks: "of ordered texts, by rank", Calendar: "of times",
        Words: "of free text, hashed", Picture: "of images",
    }  # fmt: skip
    lines = []
    for kind, text in kinds.items():
        steps = [step for step in preprocessor.steps if isinstance(step, kind)]
        if steps:
            width = sum(step.width for step in steps)
            lines.append(f"{count_of(len(steps), 'column')} {text} → {count_of(width, 'feature')}")
    return lines


def _rows_text(data: TrainingData, settings: Settings) -> str:
    from chainrule._src.tabular.recipes.turns import takes_turns

    n_train, n_validation = len(data.X_train), len(data.X_val)
    if takes_turns(data, settings):
        text = f"{n_train + n_validation:,} to train on, "
        text += f"of which each network keeps {n_validation:,} aside to validate, in turn"
    else:
        text = f"{n_train:,} to train on, "
        text += f"{n_validation:,} kept aside to validate" if n_validation else "none kept aside"
    lost = data.unlabelled
    return text + (f"; {lost:,} without a target left out" if lost else "")


def network(models: Sequence[Sequential], count: int) -> str:
    """Describe ``count`` networks in a line, by the models or by one of each kind."""
    from chainrule._src.cli.terminal import count_of

    sizes = [model.count_params() for model in models]
    is_whole, kinds = len(models) == count, dict.fromkeys(map(_layers_text, models))
    weights = count_of(sum(sizes) if is_whole else count * max(sizes), "weight")
    chains = " or ".join(kinds)
    if len(kinds) > 1 and not is_whole:
        weights = f"at most {weights}"
    return f"{chains}; {weights}" if count == 1 else f"{count} × ({chains}); {weights}"


def _layers_text(model: Sequential) -> str:
    sizes = [str(model.layers[0].input_shape[1])]
    for layer in model.layers:
        config = layer.get_config()
        if "units" in config:
            kind = config.get("activation")
            sizes.append(f"{config['units']}{'' if kind in (None, 'linear') else f' {kind}'}")
        elif layer.output_shape[1] != layer.input_shape[1]:
            sizes.append(str(layer.output_shape[1]))
    return " → ".join(sizes)


def _print_after(
    console: Console, source: str, data: TrainingData, model: Sequential, settings: Settings
) -> None:
    from chainrule._src.cli.terminal import print_scores
    from chainrule._src.tabular.recipes.kinds import is_watched
    from chainrule._src.tabular.recipes.scores import add_arrays, new_scores
    from chainrule._src.tabular.recipes.turns import held_out, takes_turns

    output, scores = settings.output, new_scores(data.preprocessor.target)
    what = "scores on rows kept aside" if len(data.X_val) else "scores on the rows of training"
    what += ", each row by one network" * takes_turns(data, settings)
    for each, X, y in held_out(model, data, settings):
        add_arrays(scores, each, X, y)
    print_scores(console, scores, what)
    tell(_below_baseline(scores, model, settings))
    if chosen := ["the epoch"] * is_watched(settings) + ["the intervals"] * bool(settings.interval):
        console.print(
            f"[dim]these rows set {' and '.join(chosen)}, too; --cv 5 scores on others[/]"
        )
    if output is None:
        console.print("\nno model was written; -o model.safetensors keeps one")
        return
    size = Path(output).stat().st_size
    console.print(
        f"\nmodel: [bold]{escape(output)}[/] ({size / 1000:,.0f} kB). Try:", soft_wrap=True
    )
    model_name, data_name = for_shell(output), "DATA" if source == "-" else for_shell(source)
    for line in (
        f"evaluate {model_name} {data_name}",
        f"predict {model_name} {data_name} -o predictions.csv",
        f"show {model_name} --source",
        f"export {model_name} --to numpy",
    ):
        console.print(f"  chainrule {escape(line)}", soft_wrap=True)


def _below_baseline(scores: Scores, model: Sequential, settings: Settings) -> list[str]:
    """Return a note on a model that is no better than its baseline, and on what may help."""
    from chainrule._src.data.preprocessing.values import as_option

    if not scores.below_baseline:
        return []
    remedies, preprocessor = [], model.preprocessor
    if len(model.history.epoch) == settings.epochs:  # training ended by their number alone
        remedies.append(f"--epochs above {settings.epochs}")
    counts = preprocessor.target.counts
    if settings.class_weight == "none" and counts and max(counts) > 2 * min(counts):
        remedies.append("--class-weight balanced, if rare classes matter")
    texts = [step.name for step in preprocessor.left_out if step.is_text]
    if texts:
        remedies.append(f"--text {as_option(texts)}")
    remedies.append("more columns or rows")
    return [
        f"the model is no better than the baseline ({'; '.join(scores.below_baseline)}); what may "
        f"help: {', '.join(remedies)}"
    ]


def _some(names: list[str], most: int = 8) -> str:
    return listed(names, most)
