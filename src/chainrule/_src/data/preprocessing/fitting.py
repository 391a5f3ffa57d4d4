"""Summarise a table in one pass over its rows, and convert columns between kinds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from chainrule._src.base.arrays import Array
from chainrule._src.base.errors import DataError, OptionError
from chainrule._src.base.validation import lookup
from chainrule._src.data.preprocessing.columns import LeftOut
from chainrule._src.data.preprocessing.steps import Step, learn_step
from chainrule._src.data.preprocessing.summaries import Counts, Summary, summary_of
from chainrule._src.data.preprocessing.targets import Target, TargetSummary
from chainrule._src.data.preprocessing.values import (
    BOOLEANS,
    Chunk,
    Column,
    as_categories,
    column_values,
    is_number,
    kind_of,
    missing,
    number_texts,
    quoted,
    rows_of,
    text_numbers,
    time_texts,
)


class Fit:
    """Summaries of a table's columns, updated with each chunk of rows."""

    def __init__(self, target: str, kinds: Mapping[str, str] | None = None) -> None:
        self.name, self._kinds = target, kinds or {}
        self.rows = self.unlabelled = 0
        self._summaries: dict[str, Summary] = {}
        self._target: TargetSummary | None = None

    def add(self, chunk: Mapping[str, Any]) -> None:
        """Add rows to the summaries."""
        values = {str(n): column_values(v, str(n), "fit") for n, v in chunk.items()}
        rows = rows_of(values, "fit")
        if self._target is None:
            self._start(values)
        elif set(values) != {*self._summaries, self.name}:
            raise DataError(
                f"fit: a chunk has other columns than those before it: {quoted(values)}"
            )
        labelled = ~missing(values[self.name])
        if not labelled.all():
            values = {name: column[labelled] for name, column in values.items()}
        self.rows += int(labelled.sum())
        self.unlabelled += rows - int(labelled.sum())
        for name, summary in {**self._summaries, self.name: self._target}.items():
            if summary is not None:
                summary.add(_converted(values[name], summary, self._kinds.get(name, "")))

    def _start(self, values: Chunk) -> None:
        lookup("target column", self.name, values)
        self._target = TargetSummary(self.name, values[self.name])
        self._summaries = {n: summary_of(n, v, self._kinds.get(n, "")) for n, v in values.items()}
        del self._summaries[self.name]
        for name, option in self._kinds.items():
            lookup("column", name, self._summaries)
            if values[name].dtype.kind == "M":
                raise OptionError(option, f"{name!r} holds times, whose parts become features")

    def target(self, task: str) -> Target:
        """Return the target, learned from its summary."""
        self._check_rows()
        assert self._target is not None
        return Target.of(self._target, task)

    @property
    def names(self) -> Mapping[str, Any]:
        """The summaries of the feature columns, by name."""
        return self._summaries

    @property
    def few_valued(self) -> tuple[str, ...]:
        """The columns of numbers with 3 to 100 different whole numbers."""
        return tuple(
            name
            for name, summary in self._summaries.items()
            if summary.kind == "number" and len(getattr(summary, "levels", None) or ()) > 2
        )

    def check_orders(self, orders: Mapping[str, Sequence[str]]) -> None:
        """Raise an error unless each column of ``orders`` holds texts, all of them in its order."""
        for name, texts in orders.items():
            summary = lookup("column with an order", name, self._summaries)
            if not isinstance(summary, Counts):
                raise DataError(f"column {name!r} holds no texts, which alone take an order")
            if len({*texts}) < len(texts) or len(texts) < 2:
                raise DataError(f"column {name!r}: an order has two texts or more, each once")
            unlisted = sorted(str(text) for text in {*summary.counter} - {*texts})
            if unlisted or summary.too_many:
                more = quoted(unlisted) if unlisted else f"more than {summary.limit:,} texts"
                raise DataError(f"column {name!r} holds {more}, and its order is {quoted(texts)}")

    def steps(
        self, max_categories: int, words: Mapping[str, int], signed: bool,
        orders: Mapping[str, Sequence[str] | None],
    ) -> tuple[Step | LeftOut, ...]:  # fmt: skip
        """Return the preprocessing step of each column."""
        self._check_rows()
        steps = tuple(
            learn_step(each, max_categories, words.get(name, 0), signed, orders.get(name))
            for name, each in self._summaries.items()
        )
        if all(isinstance(step, LeftOut) for step in steps):
            reasons = "; ".join(f"{step.name}: {step.describe()}" for step in steps[:5])
            raise DataError(f"fit: no column is left to learn from. {reasons}")
        return steps

    def _check_rows(self) -> None:
        if not self.rows:
            what = f"with a value of {self.name!r}" if self.unlabelled else "at all"
            raise DataError(f"fit: there is no row {what}")


def _converted(values: Array, summary: Any, kind: str) -> Array:
    """Convert a column of training to the kind of its summary, or to ``kind``."""
    if (kind_of(values), kind) == ("number", "category"):
        return number_texts(values)
    if (kind_of(values), kind) == ("category", "number"):
        return text_numbers(values, summary.name)
    return as_kind(values, summary)


def as_kind(values: Array, step: Any) -> Array:
    """Convert a column to the kind that it had when ``step`` was learned.

    Categories that are numbers may come as numbers, booleans as 0 and 1, and 0 and 1 as booleans.
    A column of missing values alone fits every kind except images.
    """
    kind = kind_of(values)
    if kind == step.kind:
        return values
    if (kind, step.kind) == ("time", "category"):
        return time_texts(values)
    if (kind, step.kind) == ("number", "category"):
        if getattr(step, "of_numbers", False):
            return number_texts(values)
        categories = as_categories(values, getattr(step, "categories", ()))
        if categories is not None:
            return categories
    if (kind, step.kind) == ("category", "number"):
        present = {*values.tolist()} - {None}
        if present and all(map(is_number, present)):
            return text_numbers(values, step.name)
    if "image" not in (kind, step.kind) and missing(values).all():
        empty: Any = {"number": np.nan, "category": None, "time": np.datetime64("NaT", "s")}
        return np.full(len(values), empty[step.kind])
    raise DataError(other_kind(step, Column(step.name, kind)))


def other_kind(step: Any, now: Column) -> str:
    """Return an error message for a column whose kind differs from that in training."""
    noun = {"number": "numbers", "category": "text", "time": "times", "image": "images"}
    is_boolean = {*getattr(step, "categories", [""])} <= {*BOOLEANS}
    was = "booleans" if is_boolean else noun[step.kind]
    return (
        f"column {step.name!r} held {was}{_size(step)} in training, but holds "
        f"{noun[now.kind]}{_size(now)} here; give values of that type, as frames have them by "
        "astype; of files, open_table(..., like=preprocessor.columns) reads a table as training did"
    )


def _size(column: Any) -> str:
    shape = getattr(column, "shape", ())
    return f" of shape {shape}" if shape else ""
