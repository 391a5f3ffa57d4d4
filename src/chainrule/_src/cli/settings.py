"""Settings of training: options from the command line and a TOML file, checked before any work."""

from __future__ import annotations

import csv
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, NamedTuple

from chainrule._src.base.errors import ChainruleError, UnknownNameError
from chainrule._src.base.validation import (
    check_count,
    check_flag,
    check_number,
    check_positive,
    lookup,
)
from chainrule._src.cli.problems import UsageError
from chainrule._src.tabular.recipes.recipe import CLASS_WEIGHTS, PATIENCE, Recipe


@dataclass(frozen=True)
class Settings(Recipe):
    """Options of ``chainrule train``; each field is an option, with ``_`` for ``-``.

    Attributes
    ----------
    output : str or None
        Path of the model's file; by default no file is written.
    encoding : str
        Encoding of a CSV file.
    """

    output: str | None = None
    encoding: str = "utf-8"

    @classmethod
    def of(cls, options: Mapping[str, Any], config: Path | None = None) -> Settings:
        """Return the settings from options and a TOML file; options take precedence.

        Parameters
        ----------
        options : dict
            The options' values by field; None for an option that is not on the command line.
        config : Path, optional
            The TOML file.

        Raises
        ------
        UsageError, UnknownNameError
            If a value or a key is invalid.
        FileError
            If the file cannot be read.
        """
        present = {name: value for name, value in options.items() if value not in (None, [])}
        from_file = {} if config is None else read_config(config)
        values = {n: _checked(n, v, f"{config}: {key_of(n)}") for n, v in from_file.items()}
        values |= {n: _checked(n, v, f"--{key_of(n)}") for n, v in present.items()}
        settings = cls(**{**_of_kind(values), **values})
        if settings.early_stop and not settings.validation:
            raise UsageError(
                "--early-stop needs rows kept aside: give --validation a share above 0"
            )
        return settings


def _of_kind(values: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the defaults of the recipe's kind; raise an error for settings that the kind fixes."""
    kind = _recipes()[values.get("recipe", Recipe.recipe)]
    for name in kind.fixed:
        if name in values:
            raise UsageError(
                f"--{key_of(name)} is not for --recipe {values['recipe']}, which settles it; "
                "--recipe mlp leaves it open"
            )
    return {**kind.defaults, **({} if values.get("validation", 1) else kind.unwatched)}


def key_of(field: str) -> str:
    """Return an option's name without the leading dashes."""
    return field.replace("_", "-")


def read_config(path: Path) -> dict[str, Any]:
    """Return the fields that a TOML file sets.

    Raises
    ------
    UsageError, UnknownNameError
        If the file is no TOML, or has a key that is no option.
    FileError
        If the file cannot be read.
    """
    from chainrule._src.data.storage.files import open_file

    try:
        with open_file(path) as file:
            table = tomllib.load(file)
    except RecursionError:
        raise UsageError(f"{path} is nested too deep: options are keys with plain values") from None
    except ValueError as error:  # bad TOML, or not UTF-8
        raise UsageError(f"{path} is not valid TOML: {error}") from error
    keys = {key_of(field.name): field.name for field in fields(Settings)}
    return {_field(key, keys, path): value for key, value in table.items()}


def _field(key: str, keys: Mapping[str, str], path: Path) -> str:
    if key not in keys:
        raise UnknownNameError(f"option in {path}:", key, keys)
    return keys[key]


def hidden_units(value: Any, where: str = "--hidden") -> tuple[int, ...]:
    """Return the sizes of hidden layers from ``"100,50"``, ``[100, 50]``, 100 or ``"none"``.

    Examples
    --------
    >>> hidden_units("100,50"), hidden_units("none")
    ((100, 50), ())
    """
    if value == "none":
        return ()
    parts = value.split(",") if isinstance(value, str) else value
    parts = parts if isinstance(parts, list | tuple) else [parts]
    try:
        units = [int(part) if isinstance(part, str) else part for part in parts]
        return tuple(check_positive(size, "units", where) for size in units)
    except ValueError:  # chainrule's errors about values are subclasses
        raise UsageError(
            f"{where}: expected sizes of layers such as 100,50, or none, received {value!r}"
        ) from None


def _text(value: Any, where: str) -> str:
    if not isinstance(value, str) or not value:
        raise UsageError(f"{where}: expected a text, received {value!r}")
    return value


def _names(value: Any, where: str) -> tuple[str, ...]:
    """Return names from a line of CSV, or a list."""
    names = next(csv.reader([value]), []) if isinstance(value, str) else value
    if not isinstance(names, list) or not names:
        raise UsageError(f"{where}: expected names such as age,city, received {value!r}")
    return tuple(_text(name.strip() if isinstance(name, str) else name, where) for name in names)


def _orders(value: Any, where: str) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """Return columns with their texts in order, from ``"size=S,M,L"``, a list of such or a dict."""
    if not isinstance(value, Mapping):
        pairs = [_text(pair, where) for pair in (value if isinstance(value, list) else [value])]
        if wrong := [pair for pair in pairs if "=" not in pair]:
            raise UsageError(f"{where}: expected NAME=TEXTS, as size=S,M,L, received {wrong[0]!r}")
        value = {name.strip(): texts for name, _, texts in (pair.partition("=") for pair in pairs)}
        if len(value) < len(pairs):
            raise UsageError(f"{where}: a column is given twice; give all its texts at once")
    return tuple((name, _names(texts, where)) for name, texts in value.items())


def _encoding(value: Any, where: str) -> str:
    from chainrule._src.data.tables.opening import check_encoding

    check_encoding(_text(value, where))
    return str(value)


def _name(kind: str, names: Callable[[], Mapping[str, Any]]) -> Callable[[Any, str], str]:
    def check(value: Any, where: str) -> str:
        lookup(kind, value, names())
        return str(value)

    return check


def _number(**bounds: Any) -> Callable[[Any, str], float]:
    def check(value: Any, where: str) -> float:
        number = float(value) if type(value) is int else value
        return check_number(number, "the value", where, **bounds)

    return check


def _count(value: Any, where: str) -> int:
    return check_positive(value, "the value", where)


def _threshold(value: Any, where: str) -> float | str:
    if value == "balanced":
        return "balanced"
    try:
        share = float(value)
    except (TypeError, ValueError):
        share = 0.0
    if not 0 < share < 1:
        raise UsageError(f"{where}: expected balanced, or a number between 0 and 1, not {value!r}")
    return share


def _parts(value: Any, where: str) -> int:
    parts = check_count(value, "the value", where)
    if parts == 1:
        raise UsageError(f"{where}: there must be at least 2 parts, or 0 for none")
    return parts


def _seed(value: Any, where: str) -> int:
    return check_count(value, "the value", where)


def _flag(value: Any, where: str) -> bool:
    return check_flag(value, "the value", where)


def _activations() -> Mapping[str, Any]:
    from chainrule._src.nn.activations import ACTIVATIONS

    return ACTIVATIONS


def _optimizers() -> Mapping[str, Any]:
    from chainrule._src.nn.optimizers import OPTIMIZERS

    return OPTIMIZERS


def _recipes() -> Mapping[str, Any]:
    from chainrule._src.tabular.recipes.kinds import RECIPES

    return RECIPES


def _tasks() -> Mapping[str, Any]:
    from chainrule._src.data.preprocessing.targets import TASKS

    return TASKS


class Option(NamedTuple):
    """An option: its metavar, type, check, help text, and names other than the field's."""

    metavar: str | None
    kind: Any
    check: Callable[[Any, str], Any]
    purpose: str
    names: tuple[str, ...] = ()


STOP = f"Stop when rows kept aside get no better for {PATIENCE} epochs; keep the best epoch."
OPTIONS = {
    "target": Option("COLUMN", str, _text, "The column to predict."),
    "output": Option("MODEL", str, _text, "Where the model goes. Default: nowhere.",
                     ("-o", "--output")),
    "columns": Option("NAMES", str, _names, "Learn from these columns alone, as age,city."),
    "drop": Option("NAMES", str, _names, "Leave these columns out."),
    "text": Option("NAMES", str, _names, "Columns of free text, whose words are counted."),
    "category": Option("NAMES", str, _names, "Columns of numbers that are categories, as hour."),
    "number": Option("NAMES", str, _names, "Columns that are quantities, never categories."),
    "order": Option("ORDER", list[str], _orders,
                    "Texts in ascending order, as size=small,medium,large; may be repeated."),
    "max_categories": Option("N", int, _count, "Features of a column of text, at most."),
    "recipe": Option("NAME", str, _name("recipe", _recipes),
                     "ensemble: five networks; mlp: one of them, sooner; linear; or realmlp."),
    "hidden": Option("SIZES", str, hidden_units, "Hidden layers, as 100,50, or none."),
    "activation": Option("NAME", str, _name("activation", _activations), "Of the hidden layers."),
    "optimizer": Option("NAME", str, _name("optimizer", _optimizers), "The update rule."),
    "lr": Option("RATE", float, _number(strict=True),
                 "The learning rate. Default: the optimizer's."),
    "epochs": Option("N", int, _count, "Passes over the rows."),
    "batch_size": Option("N", int, _count, "Rows of an update."),
    "validation": Option("SHARE", float, _number(high=1.0), "Share of the rows kept aside."),
    "early_stop": Option(None, bool, _flag, STOP),
    "dropout": Option("SHARE", float, _number(high=1.0), "Hidden units switched off at random."),
    "l2": Option("FACTOR", float, _number(), "Penalty on large weights."),
    "class_weight": Option("NAME", str, _name("class weight", lambda: CLASS_WEIGHTS),
                           "balanced: every class counts alike."),
    "task": Option("NAME", str, _name("task", _tasks),
                   "classification or regression. Default: auto, told from the target."),
    "encoding": Option("NAME", str, _encoding, "Of a CSV file, such as latin-1."),
    "threshold": Option("P", str, _threshold, "Of two classes, the second from this probability "
                        "on; balanced: the best on rows kept aside."),
    "cv": Option("N", int, _parts, "Score on N parts, each kept aside once."),
    "ensemble": Option("N", int, _count, "Networks whose outputs are averaged."),
    "interval": Option("SHARE", float, _number(high=1.0),
                       "Intervals that hold this share of the true values."),
    "seed": Option("N", int, _seed, "Same seed, same model."),
}  # fmt: skip


def _checked(field: str, value: Any, where: str) -> Any:
    try:
        return OPTIONS[field].check(value, where)
    except UnknownNameError:
        raise
    except ChainruleError as error:
        raise UsageError(str(error)) from None
