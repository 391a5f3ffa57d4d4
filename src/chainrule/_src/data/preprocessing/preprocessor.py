"""Turn the columns of any table into the matrix that a network trains on."""

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
from chainrule._src.data.preprocessing.digests import TrainedRows
from chainrule._src.data.preprocessing.fitting import Fit, as_kind, other_kind
from chainrule._src.data.preprocessing.ranks import Ranks
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
    r"""Learns in one pass over a table's rows how to turn its columns into numbers.

    Numbers are scaled to mean 0 and deviation 1; a missing number becomes 0, and a second feature
    marks it if the training data had missing values. Categories are one-hot encoded, sorted by
    name; missing is a category of its own. Of times, the year is scaled, and month, day, weekday
    and hour are encoded as cyclic (`Calendar`). Images are flattened, and all pixels are scaled
    with the same mean and deviation. Columns that are constant, empty or different in nearly
    every row (ids, free text) are left out.

    Parameters
    ----------
    max_categories : int, default 5000
        Maximum number of categories of a column that get a feature each; the rarer ones share one
        feature, "other".
    text : iterable of str
        Columns of free text. The words of each are counted in ``words`` features (`Words`).
    words : int, default 1024
        Number of features of a column of free text.
    task : {"auto", "classification", "regression"}, default "auto"
        Kind of prediction; "auto" decides from the values of the target, see `Target`.
    signed : bool, default False
        If true, a column of two categories becomes one feature, 1 and -1, and missing values are
        no category but zeros.
    category, number : iterable of str
        Columns of numbers that are taken as categories, such as the hour of a day; and columns of
        text that are taken as numbers, such as ``"00501"``.
    order : dict of str to iterable of str, optional
        Texts of a column in ascending order, such as ``{"size": ["small", "medium", "large"]}``.
    ordered : bool, default False
        If true, categories with an order (that of the column's type, such as pandas's ordered
        categories, or of words such as low, medium, high) become one feature, their rank; not
        those of columns in ``category``.

    Attributes
    ----------
    target : Target
        The target: the name and scale or classes of the predicted column.
    columns : tuple of Column
        The columns from which the features are computed.
    feature_names : list of str
        Names of the features, in order; ``width`` is their number.
    rows : int
        Number of rows that the preprocessor was fitted on.
    unseen : Counter
        Number of values by column that `transform` received and that training did not have:
        categories, or missing values where training had none. They become "other" or zeros. See
        `unseen_notes`.
    trained_rows : TrainedRows or None
        Digests of the rows that the model was trained on, if it was trained on a table.

    Raises
    ------
    UnknownNameError
        If there is no such task.
    DataError
        If another argument is not a whole number of at least 1, or ``signed`` is not a bool.

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
        text: Iterable[str] = (), words: int = 1024, category: Iterable[str] = (),
        number: Iterable[str] = (), order: Mapping[str, Iterable[str]] | None = None,
        ordered: bool = False,
    ) -> None:  # fmt: skip
        self.max_categories = check_positive(max_categories, "max_categories", "Preprocessor")
        lookup("task", task, TASKS)
        self.task, self.text = task, tuple(text)
        self.category, self.number = tuple(category), tuple(number)
        if both := {*self.category} & {*self.number}:
            raise OptionError("category", f"{quoted(both)} cannot be both category and number")
        self.order = {name: tuple(texts) for name, texts in (order or {}).items()}
        if both := {*self.order} & {*self.category, *self.number, *self.text}:
            raise OptionError("order", f"{quoted(both)} cannot have an order and be of a kind")
        self.signed = check_flag(signed, "signed", "Preprocessor")
        self.ordered = check_flag(ordered, "ordered", "Preprocessor")
        self.words = check_positive(words, "words", "Preprocessor")
        self.unseen: Counter[str] = Counter()
        self._gaps: Counter[str] = Counter()  # the missing values among `unseen`
        self._written: dict[str, Writing] = {}
        self._steps: tuple[Step | LeftOut, ...] = ()
        self._target: Target | None = None
        self._rows = 0
        self._unlabelled = 0
        self._few_valued: tuple[str, ...] = ()
        self.trained_rows: TrainedRows | None = None

    def fit(
        self, chunks: Iterable[Mapping[str, Any]], target: str | Target,
        columns: Iterable[Column] = (),
    ) -> Self:  # fmt: skip
        """Learn from rows in one pass.

        Parameters
        ----------
        chunks : iterable of dict
            Dicts from a column's name to its values, all with the same columns: see
            `chainrule.tables.Table.chunks`.
        target : str or Target
            The column to predict; a `Target` is used unchanged. Rows whose target is missing are
            left out.
        columns : iterable of Column, optional
            The columns of the table that the rows come from. The notation of their texts is kept,
            so that other tables are read in the same way.

        Raises
        ------
        DataError, ShapeError, UnknownNameError
            If nothing can be learned from the rows; an earlier fit stays usable.
        """
        kinds = dict.fromkeys(self.category, "category") | dict.fromkeys(self.number, "number")
        fit = Fit(target.name if isinstance(target, Target) else target, kinds)
        for chunk in chunks:
            fit.add(chunk)
        learned = target if isinstance(target, Target) else fit.target(self.task)
        for name in self.text:
            lookup("column of text", name, fit.names)
        words = dict.fromkeys(self.text, self.words)
        columns, orders = tuple(columns), dict[str, tuple[str, ...]]()
        if self.ordered:
            orders = dict.fromkeys(fit.names, ()) | {c.name: c.order for c in columns}
            orders = {name: order for name, order in orders.items() if name not in self.category}
        fit.check_orders(self.order)
        orders |= self.order
        self._steps = fit.steps(self.max_categories, words, self.signed, orders)
        self._target, self._rows, self._unlabelled = learned, fit.rows, fit.unlabelled
        written = {column.name: column.written for column in columns}
        used = {learned.name, *(step.name for step in self._used())}
        self._written = {name: how for name, how in written.items() if how and name in used}
        self.unseen, self._gaps = Counter(), Counter()
        self._few_valued = fit.few_valued
        return self

    @property
    def target(self) -> Target:
        """The predicted column: its name, and its classes or its scale."""
        if self._target is None:
            raise DataError("the preprocessor has learned nothing yet; call fit first")
        return self._target

    def set_threshold(self, threshold: float) -> None:
        """Set the probability above which the second of two classes is predicted.

        Raises
        ------
        OptionError
            If the target does not have exactly two classes.
        """
        if len(self.target.classes) != 2:
            count = len(self.target.classes)
            description = f"has {count} classes" if count else "is a quantity"
            raise OptionError("threshold", f"needs two classes; {self.target.name!r} {description}")
        self._target = replace(self.target, threshold=threshold)

    def add_labels(self, y: Array) -> None:
        """Count more rows of training by class, of targets encoded as `Target.encode` does."""
        n_classes = len(self.target.classes)
        if n_classes:
            counts = np.bincount(y, minlength=n_classes) + self.target.counts
            self._target = replace(self.target, counts=tuple(counts.tolist()))

    def set_interval(self, share: float, widening: float = 0.0) -> None:
        """Set the share of true values that a quantity's interval must contain; see `Target`.

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
        """The columns from which the features are computed."""
        return tuple(
            Column(step.name, _kind(step), getattr(step, "shape", ()), self._written.get(step.name))
            for step in self._used()
        )

    @property
    def target_column(self) -> Column:
        """The target's column with the kind and notation that it had in training."""
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
        """Number of rows that the preprocessor was fitted on."""
        return self._rows

    @property
    def steps(self) -> tuple[Step, ...]:
        """The preprocessing step of each of `columns`, such as `Scaled` or `OneHot`."""
        return tuple(self._used())

    @property
    def left_out(self) -> tuple[LeftOut, ...]:
        """The columns that give no feature, with the reasons."""
        return tuple(step for step in self._steps if isinstance(step, LeftOut))

    @property
    def few_valued(self) -> tuple[str, ...]:
        """The columns of 3 to 100 different whole numbers, or of ranks, that may be categories.

        Numbers are unknown after loading, and those of ``number`` and ``order`` are left out.
        """
        numbers = [name for name in self._few_valued if name not in self.number]
        steps = [step for step in self.steps if step.name not in self.order]
        ranks = [step.name for step in steps if isinstance(step, Ranks)]
        return *numbers, *ranks

    def compare(self, columns: Iterable[Column]) -> list[str]:
        """Compare the columns of other data with those of training.

        Returns
        -------
        list of str
            Notes, for example on columns that are ignored.

        Raises
        ------
        DataError
            If a column of training is missing, or is of another kind.
        """
        columns_by_name = {column.name: column for column in columns}
        self._check_there(columns_by_name)
        for before, step in zip(self.columns, self._used(), strict=True):
            actual = columns_by_name[before.name]
            is_same = actual.shape == before.shape and actual.kind in (before.kind, step.kind)
            may_be = actual.kind == "number" and by_number(getattr(step, "categories", ()))
            if not is_same and not may_be:
                raise DataError(other_kind(step, actual))
        trained_names = {step.name for step in self._steps} | {self.target.name}
        extra = [name for name in columns_by_name if name not in trained_names]
        notes = [f"not looked at, as training did not have them: {quoted(extra)}"] if extra else []
        return notes + [
            f"column {before.name!r} held numbers with '%' in training; here it holds numbers alone"
            for before in self.columns
            if before.written
            and before.written.unit == "%"
            and not columns_by_name[before.name].written
        ]

    def transform(self, chunk: Mapping[str, Any]) -> Array:
        """Return a chunk's rows as features.

        Parameters
        ----------
        chunk : dict
            From a column's name to its values, in any order. Columns that training did not use
            are ignored.

        Returns
        -------
        ndarray of float32, shape (n, width)

        Raises
        ------
        DataError, ShapeError
            If a column is missing, of another kind than in training, or holds infinite values.
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
        """Return the lines of a report: the preprocessing step of every column."""
        lines = [f"{self.rows:,} rows → {self.width:,} features"]
        lines += [f"{step.name}: {step.describe()}" for step in self._steps]
        lines += [f"target {self.target.name}: {self.target.describe()}"]
        if self._unlabelled:
            lines += [f"{self._unlabelled:,} rows left out: their target is missing"]
        return lines + self.unseen_notes()

    def unseen_notes(self) -> list[str]:
        """Return notes on values that training did not have, and on their replacement."""
        notes = []
        for step in self._used():
            gaps = self._gaps[step.name]
            values = self.unseen[step.name] - gaps
            if gaps:
                is_unknown = self.signed and step.kind == "category"  # no step counts them
                notes.append(
                    f"column {step.name!r}: {gaps:,} missing value{'s' * (gaps != 1)}"
                    f"{'' if is_unknown else ', training had none'}: {_instead(step)}"
                )
            if values:
                notes.append(
                    f"column {step.name!r}: {values:,} value{'s' * (values != 1)} that training "
                    "did not have"
                )
        return notes

    def to_dict(self) -> dict[str, Any]:
        """Return the fitted state as plain values, which JSON stores exactly."""
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
            **({"trained": self.trained_rows.to_dict()} if self.trained_rows else {}),
        }

    @classmethod
    def from_dict(cls, description: Any) -> Self:
        """Return the preprocessor that `to_dict` described.

        Raises
        ------
        DataError, UnknownNameError
            If the description is invalid; it may come from an untrusted source.
        """
        record = Record(description, "preprocessor")
        record.text("format", (FORMAT,))
        if record.count("version") != VERSION:
            raise DataError(
                f"the preprocessor is of version {record.count('version')}, and this chainrule "
                f"reads version {VERSION}; a newer chainrule may read it"
            )
        config = record.inner("config", "preprocessor, config")
        preprocessor = cls(
            max_categories=config.count("max_categories"), task=config.text("task", tuple(TASKS)),
            text=config.texts("text") if "text" in config else (),
            words=config.count("words") if "words" in config else 1024,
            signed=config.value.get("signed", False), ordered=config.value.get("ordered", False),
            category=config.texts("category") if "category" in config else (),
            number=config.texts("number") if "number" in config else (),
            order=_read_orders(config) if config.value.get("order") else None,
        )  # fmt: skip
        steps = tuple(read_step(item, "preprocessor") for item in record.items("columns"))
        target = Target.from_dict(record.inner("target", "target").value)
        names = [step.name for step in steps] + [target.name]
        if len(set(names)) < len(names):
            raise DataError("preprocessor: a column is there twice")
        if all(isinstance(step, LeftOut) for step in steps):
            raise DataError("preprocessor: every column is left out")
        preprocessor._steps, preprocessor._target = steps, target
        preprocessor._rows, preprocessor._unlabelled = (
            record.count("rows"),
            record.count("unlabelled"),
        )
        preprocessor._written = _read_written(record) if "written" in record else {}
        if "trained" in record:
            inner = record.inner("trained", "preprocessor, trained")
            preprocessor.trained_rows = TrainedRows.from_record(inner)
        return preprocessor

    def _used(self) -> list[Step]:
        if self._target is None:
            raise DataError("the preprocessor has learned nothing yet; call fit first")
        return [step for step in self._steps if not isinstance(step, LeftOut)]

    def _check_there(self, names: Iterable[str]) -> None:
        present = set(names)
        absent = [step.name for step in self._used() if step.name not in present]
        if absent:
            raise DataError(
                f"columns of training are not there: {quoted(absent)}; the columns are "
                f"{quoted(sorted(present)) or 'none'}"
            )


def _read_orders(config: Record) -> dict[str, tuple[str, ...]]:
    """Return the texts of columns in their order, by name."""
    orders = config.inner("order", "preprocessor, config, order")
    return {name: orders.texts(name) for name in orders.value}


def _read_written(record: Record) -> dict[str, Writing]:
    """Return the notation of the columns' texts, by name."""
    written = record.inner("written", "preprocessor, written")
    notations = {}
    for name in written.value:
        how = written.inner(name, f"preprocessor, written, {name!r}")
        notations[name] = Writing(how.text("reading"), how.text("unit"))
    return notations


def _kind(step: Step) -> str:
    """Return the kind that the values of a column have in a file."""
    return "number" if getattr(step, "of_numbers", False) else step.kind


def _instead(step: Step) -> str:
    """Return the replacement of a missing value, for a note."""
    if step.kind == "number":
        return "set to the mean"
    return "taken as other" if getattr(step, "other", 0) else "the features are zeros"
