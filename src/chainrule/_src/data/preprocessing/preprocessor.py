"""Columns of anyone's table as the matrix that a network trains on."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any, Self

import numpy as np

from chainrule._src.base.arrays import Array
from chainrule._src.base.config import Configurable
from chainrule._src.base.errors import DataError, OptionError
from chainrule._src.base.validation import check_flag, check_number, check_positive, lookup
from chainrule._src.data.preprocessing.columns import LeftOut
from chainrule._src.data.preprocessing.fitting import Fit, as_kind, other_kind
from chainrule._src.data.preprocessing.records import Record
from chainrule._src.data.preprocessing.steps import Step, read_step, step_to_dict
from chainrule._src.data.preprocessing.targets import TASKS, Target
from chainrule._src.data.preprocessing.values import (
    Column,
    Writing,
    by_number,
    column_values,
    missing,
    quoted,
    rows_of,
)

FORMAT, VERSION = "chainrule preprocessor", 1


class Preprocessor(Configurable):
    r"""Learns from a table's rows, once through, how to make numbers of its columns.

    Numbers are scaled to mean 0 and deviation 1; a missing one becomes 0, and a second feature
    marks it where training had missing ones. Categories become a feature each, sorted by name;
    missing is a category of its own. Of times, the year is scaled and month, day, weekday and hour
    go round (`Calendar`). Images are flattened and scaled alike for all pixels. Columns that are
    constant, empty or different in nearly every row (ids, free text) are left out.

    Parameters
    ----------
    max_categories : int, default 5000
        Most features of a column of categories; the rarest ones beyond it share one, "other".
    text : iterable of str
        Columns of free text: their words are counted in ``words`` features each (`Words`).
    words : int, default 1024
    task : {"auto", "classification", "regression"}, default "auto"
        What the target is, see `Target`.
    signed : bool, default False
        Whether two categories become one feature, 1 and -1, and missing ones no category: zeros.

    Attributes
    ----------
    target : Target
        What is predicted.
    columns : tuple of Column
        The columns that features are made of.
    feature_names : list of str
        The features, in order; ``width`` is their number.
    rows : int
        Rows that it was fitted on.
    unseen : Counter
        For every column, how many values `transform` met that training did not know: categories,
        or missing values where there were none. They become "other" or zeros. See `unseen_notes`.

    Examples
    --------
    >>> rows = {"age": [20.0, 30.0, 40.0, 30.0], "city": ["Bern", "Chur", "Bern", None],
    ...         "member": ["yes", "no", "yes", "no"]}
    >>> preprocessor = Preprocessor().fit([rows], "member")
    >>> preprocessor.feature_names
    ['age', 'city=Bern', 'city=Chur', 'city (missing)']
    >>> preprocessor.transform({"city": ["Chur", "Genf"], "age": [30.0, 40.0]})
    array([[0.    , 0.    , 1.    , 0.    ],
           [1.4142, 0.    , 0.    , 0.    ]], dtype=float32)
    >>> preprocessor.unseen
    Counter({'city': 1})
    >>> preprocessor.target.decode([0.2, 0.7])
    array(['no', 'yes'], dtype=object)
    """

    def __init__(
        self, *, max_categories: int = 5000, task: str = "auto", signed: bool = False,
        text: Iterable[str] = (), words: int = 1024,
    ) -> None:  # fmt: skip
        self.max_categories = check_positive(max_categories, "max_categories", "Preprocessor")
        lookup("task", task, TASKS)
        self.task, self.text = task, tuple(text)
        self.signed = check_flag(signed, "signed", "Preprocessor")
        self.words = check_positive(words, "words", "Preprocessor")
        self.unseen: Counter[str] = Counter()
        self._gaps: Counter[str] = Counter()  # of these, those that are missing
        self._written: dict[str, Writing] = {}
        self._steps: tuple[Step | LeftOut, ...] = ()
        self._target: Target | None = None
        self._rows = 0
        self._unlabelled = 0

    def fit(
        self, chunks: Iterable[Mapping[str, Any]], target: str | Target,
        columns: Iterable[Column] = (),
    ) -> Self:  # fmt: skip
        """Learn from rows that pass by once.

        Parameters
        ----------
        chunks : iterable of dict
            Name of a column → its values, of the same columns every time: see
            `chainrule.tables.Table.chunks`.
        target : str or Target
            The column that is to be predicted; a `Target` is taken as it is. Rows without its
            value are left out.
        columns : iterable of Column, optional
            The columns of the table that the rows are from. How their texts were understood is
            kept, so that other tables are read alike.

        Raises
        ------
        DataError, ShapeError, UnknownNameError
            If nothing can be learned from the rows; what was fitted before stays.
        """
        fit = Fit(target.name if isinstance(target, Target) else target)
        for chunk in chunks:
            fit.add(chunk)
        learned = target if isinstance(target, Target) else fit.target(self.task)
        for name in self.text:
            lookup("column of text", name, fit.names)
        words = dict.fromkeys(self.text, self.words)
        self._steps = fit.steps(self.max_categories, words, self.signed)
        self._target, self._rows, self._unlabelled = learned, fit.rows, fit.unlabelled
        written = {column.name: column.written for column in columns}
        used = {learned.name, *(step.name for step in self._used())}
        self._written = {name: how for name, how in written.items() if how and name in used}
        self.unseen, self._gaps = Counter(), Counter()
        return self

    @property
    def target(self) -> Target:
        """What is predicted."""
        if self._target is None:
            raise DataError("the preprocessor has learned nothing yet; call fit first")
        return self._target

    def set_threshold(self, threshold: float) -> None:
        """Set from which probability on the second of two classes is predicted.

        Raises
        ------
        OptionError
            If the target has not two classes.
        """
        if len(self.target.classes) != 2:
            what = self.target.describe().partition(":")[0].partition(",")[0]
            raise OptionError("threshold", f"needs two classes; {self.target.name!r} has {what}")
        self._target = replace(self.target, threshold=threshold)

    def set_interval(self, share: float, widening: float = 0.0) -> None:
        """Set which share of true values a quantity's interval is to hold; see `Target`.

        Raises
        ------
        OptionError
            If the target has classes.
        """
        if self.target.classes:
            raise OptionError(
                "interval", f"is for quantities, but {self.target.name!r} has classes"
            )
        share = check_number(share, "share", "Preprocessor", high=1.0, strict=True)
        widening = check_number(widening, "widening", "Preprocessor", low=-np.inf)
        self._target = replace(self.target, interval=share, widening=widening)

    @property
    def columns(self) -> tuple[Column, ...]:
        """The columns that features are made of."""
        return tuple(
            Column(step.name, step.kind, getattr(step, "shape", ()), self._written.get(step.name))
            for step in self._used()
        )

    @property
    def target_column(self) -> Column:
        """The column of the target, as training had it."""
        name = self.target.name
        return Column(name, self.target.kind, written=self._written.get(name))

    @property
    def feature_names(self) -> list[str]:
        """Names of the features, in the order of the matrix's columns."""
        return [name for step in self._used() for name in step.features]

    @property
    def width(self) -> int:
        """Number of features."""
        return sum(step.width for step in self._used())

    @property
    def rows(self) -> int:
        """Rows that it was fitted on."""
        return self._rows

    @property
    def steps(self) -> tuple[Step, ...]:
        """What is done to each of `columns`, such as `Scaled` or `OneHot`."""
        return tuple(self._used())

    @property
    def left_out(self) -> tuple[LeftOut, ...]:
        """The columns that nothing is learned from, with the reasons."""
        return tuple(step for step in self._steps if isinstance(step, LeftOut))

    def compare(self, columns: Iterable[Column]) -> list[str]:
        """Hold the columns of other data against those of training.

        Returns
        -------
        list of str
            Notes, such as which columns are not looked at.

        Raises
        ------
        DataError
            If a column of training is not there, or is of another kind.
        """
        found = {column.name: column for column in columns}
        self._check_there(found)
        for wanted, step in zip(self.columns, self._used(), strict=True):
            here = found[wanted.name]
            is_same = (here.kind, here.shape) == (wanted.kind, wanted.shape)
            may_be = here.kind == "number" and by_number(getattr(step, "categories", ()))
            if not is_same and not may_be:
                raise DataError(other_kind(step, here))
        known = {step.name for step in self._steps} | {self.target.name}
        extra = [name for name in found if name not in known]
        notes = [f"not looked at, as training did not have them: {quoted(extra)}"] if extra else []
        return notes + [
            f"column {wanted.name!r} held numbers with '%' in training; here it holds numbers alone"
            for wanted in self.columns
            if wanted.written and wanted.written.unit == "%" and not found[wanted.name].written
        ]

    def transform(self, chunk: Mapping[str, Any]) -> Array:
        """Return a chunk's rows as features.

        Parameters
        ----------
        chunk : dict
            Name of a column → its values, in any order. Columns that training did not use are
            not looked at.

        Returns
        -------
        ndarray of float32, shape (n, width)

        Raises
        ------
        DataError, ShapeError
            If a column is not there, of another kind than in training, or holds infinite values.
        """
        self._check_there(chunk)
        values = {
            step.name: column_values(chunk[step.name], step.name, "transform")
            for step in self._used()
        }
        out = np.zeros((rows_of(values, "transform"), self.width), dtype=np.float32)
        start = 0
        for step in self._used():
            column = as_kind(values[step.name], step)
            new = step.write(column, out[:, start : start + step.width])
            if new:
                self.unseen[step.name] += new
                gaps = 0 if getattr(step, "missing", 0) else int(missing(column).sum())
                self._gaps[step.name] += gaps
            start += step.width
        return out

    def report(self) -> list[str]:
        """Return what is done to every column, a line each."""
        lines = [f"{self.rows:,} rows → {self.width:,} features"]
        lines += [f"{step.name}: {step.describe()}" for step in self._steps]
        lines += [f"target {self.target.name}: {self.target.describe()}"]
        if self._unlabelled:
            lines += [f"{self._unlabelled:,} rows left out: their target is missing"]
        return lines + self.unseen_notes()

    def unseen_notes(self) -> list[str]:
        """Return what `transform` met that training did not have, and what became of it."""
        notes = []
        for step in self._used():
            gaps = self._gaps[step.name]
            values = self.unseen[step.name] - gaps
            if gaps:
                notes.append(
                    f"column {step.name!r}: {gaps:,} missing value{'s' * (gaps != 1)}, training "
                    f"had none: {_instead(step)}"
                )
            if values:
                notes.append(
                    f"column {step.name!r}: {values:,} value{'s' * (values != 1)} that training "
                    "did not have"
                )
        return notes

    def to_dict(self) -> dict[str, Any]:
        """Return what was learned as plain values, which JSON keeps exactly."""
        written = {name: vars(how).copy() for name, how in self._written.items()}
        return {
            "format": FORMAT,
            "version": VERSION,
            "config": self.get_config(),
            "rows": self._rows,
            "unlabelled": self._unlabelled,
            "columns": [step_to_dict(step) for step in self._steps],
            "target": self.target.to_dict(),
            **({"written": written} if written else {}),
        }

    @classmethod
    def from_dict(cls, description: Any) -> Self:
        """Return the preprocessor that `to_dict` described.

        Raises
        ------
        DataError, UnknownNameError
            If the description is none, from whatever source it came.
        """
        record = Record(description, "preprocessor")
        record.text("format", (FORMAT,))
        if record.count("version") != VERSION:
            raise DataError(
                f"the preprocessor is of version {record.count('version')}, and this chainrule "
                f"reads version {VERSION}; a newer chainrule may read it"
            )
        config = record.inner("config", "preprocessor, config")
        made = cls(
            max_categories=config.count("max_categories"), task=config.text("task", tuple(TASKS)),
            text=config.texts("text") if "text" in config else (),
            words=config.count("words") if "words" in config else 1024,
            signed=config.value.get("signed", False),
        )  # fmt: skip
        steps = tuple(read_step(item, "preprocessor") for item in record.items("columns"))
        target = Target.from_dict(record.inner("target", "target").value)
        names = [step.name for step in steps] + [target.name]
        if len(set(names)) < len(names):
            raise DataError("preprocessor: a column is there twice")
        if all(isinstance(step, LeftOut) for step in steps):
            raise DataError("preprocessor: every column is left out")
        made._steps, made._target = steps, target
        made._rows, made._unlabelled = record.count("rows"), record.count("unlabelled")
        made._written = _read_written(record) if "written" in record else {}
        return made

    def _used(self) -> list[Step]:
        if self._target is None:
            raise DataError("the preprocessor has learned nothing yet; call fit first")
        return [step for step in self._steps if not isinstance(step, LeftOut)]

    def _check_there(self, names: Iterable[str]) -> None:
        there = set(names)
        absent = [step.name for step in self._used() if step.name not in there]
        if absent:
            raise DataError(
                f"columns of training are not there: {quoted(absent)}; the columns are "
                f"{quoted(sorted(there)) or 'none'}"
            )


def _read_written(record: Record) -> dict[str, Writing]:
    """Read how columns were written."""
    written = record.inner("written", "preprocessor, written")
    found = {}
    for name in written.value:
        how = written.inner(name, f"preprocessor, written, {name!r}")
        found[name] = Writing(how.text("reading"), how.text("unit"))
    return found


def _instead(step: Step) -> str:
    """Return what becomes of a missing value."""
    if step.kind == "number":
        return "set to the mean"
    return "taken as other" if getattr(step, "other", 0) else "the features are zeros"
