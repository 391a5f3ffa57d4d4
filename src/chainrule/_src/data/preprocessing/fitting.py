"""The rows of a table taken in once, and columns of another kind than they were."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from chainrule._src.base.arrays import Array
from chainrule._src.base.errors import DataError
from chainrule._src.base.validation import lookup
from chainrule._src.data.preprocessing.columns import LeftOut
from chainrule._src.data.preprocessing.steps import Step, learn_step
from chainrule._src.data.preprocessing.summaries import Summary, summary_of
from chainrule._src.data.preprocessing.targets import Target, TargetSummary
from chainrule._src.data.preprocessing.values import (
    BOOLEANS,
    Chunk,
    Column,
    as_categories,
    by_number,
    column_values,
    kind_of,
    missing,
    quoted,
    rows_of,
    time_texts,
)


class Fit:
    """The summaries of a table's columns while its rows pass by."""

    def __init__(self, target: str) -> None:
        self.name = target
        self.rows = self.unlabelled = 0
        self._summaries: dict[str, Summary] = {}
        self._target: TargetSummary | None = None

    def add(self, chunk: Mapping[str, Any]) -> None:
        """Take in rows."""
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
                summary.add(as_kind(values[name], summary))

    def _start(self, values: Chunk) -> None:
        lookup("target column", self.name, values)
        self._target = TargetSummary(self.name, values[self.name])
        self._summaries = {n: summary_of(n, v) for n, v in values.items() if n != self.name}

    def target(self, task: str) -> Target:
        """Return what is predicted."""
        self._check_rows()
        assert self._target is not None
        return Target.of(self._target, task)

    @property
    def names(self) -> Mapping[str, Any]:
        """The columns of features."""
        return self._summaries

    def steps(
        self, max_categories: int, words: Mapping[str, int], signed: bool
    ) -> tuple[Step | LeftOut, ...]:
        """Return what becomes of each column."""
        self._check_rows()
        steps = tuple(
            learn_step(each, max_categories, words.get(name, 0), signed)
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


def as_kind(values: Array, wanted: Any) -> Array:
    """Return a column as training had it; nothing but missing values fits all other kinds.

    Categories that are numbers may come as numbers, and booleans as 0 and 1, or these as booleans.
    """
    here = kind_of(values)
    if here == wanted.kind:
        return values
    if (here, wanted.kind) == ("time", "category"):
        return time_texts(values)
    if (here, wanted.kind) == ("number", "category"):
        found = as_categories(values, getattr(wanted, "categories", ()))
        if found is not None:
            return found
    if (here, wanted.kind) == ("category", "number"):
        numbers = {name: number for number, name in by_number({*values.tolist()} - {None}).items()}
        if numbers:
            return np.array([numbers.get(value, np.nan) for value in values.tolist()])
    if "image" not in (here, wanted.kind) and missing(values).all():
        empty: Any = {"number": np.nan, "category": None, "time": np.datetime64("NaT", "s")}
        return np.full(len(values), empty[wanted.kind])
    raise DataError(other_kind(wanted, Column(wanted.name, here)))


def other_kind(wanted: Any, here: Column) -> str:
    """Return a message for a column that is of another kind here than in training."""
    held = {"number": "numbers", "category": "text", "time": "times", "image": "images"}
    is_boolean = {*getattr(wanted, "categories", [""])} <= {*BOOLEANS}
    was = "booleans" if is_boolean else held[wanted.kind]
    return (
        f"column {wanted.name!r} held {was}{_size(wanted)} in training, but holds "
        f"{held[here.kind]}{_size(here)} here; give values of that type, as frames have them by "
        "astype; of files, open_table(..., like=preprocessor.columns) reads a table as training did"
    )


def _size(column: Any) -> str:
    shape = getattr(column, "shape", ())
    return f" of shape {shape}" if shape else ""
