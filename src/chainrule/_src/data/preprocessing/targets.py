"""The target of a prediction: classes with their names, or a quantity."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from chainrule._src.base.arrays import Array, as_floats
from chainrule._src.base.errors import DataError, ShapeError, shortened
from chainrule._src.base.validation import lookup
from chainrule._src.data.preprocessing.columns import FEW, scaled
from chainrule._src.data.preprocessing.records import Record
from chainrule._src.data.preprocessing.summaries import Counts, RunningMoments, constant_text
from chainrule._src.data.preprocessing.values import (
    as_categories,
    column_values,
    missing,
    quote,
    quoted,
)

TASKS = {"auto": "auto", "classification": "classification", "regression": "regression"}
MAX_CLASSES = 1000
EXACT = 2.0**53  # from here on not every whole number is a float


class TargetSummary:
    """Summary of the target's column, updated with each chunk of rows."""

    def __init__(self, name: str, values: Array) -> None:
        if values.ndim > 1:
            raise DataError(f"target {name!r} must hold numbers or text, but it holds images")
        if values.dtype.kind == "M":
            raise DataError(
                f"target {name!r} holds times; give what is to be predicted as a number, such as "
                "days since a day"
            )
        self.name = name
        self.kind = "category" if values.dtype == object else "number"
        self.counts = Counts(name, MAX_CLASSES)
        self.moments = RunningMoments(name)
        self.whole = True

    def add(self, values: Array) -> None:
        """Add values, none of which may be missing."""
        if self.kind == "number":
            self.moments.add(values)
            self.whole = self.whole and bool((values == np.trunc(values)).all())
        if self.whole:
            self.counts.add(values)


@dataclass(frozen=True)
class Target:
    """Describes the column to predict: its name and task, its classes or its scale.

    Text and booleans are classes. Numbers are classes if all are whole, at most 20 are different,
    and fewer than half as many are different as there are rows; otherwise a quantity.

    Parameters
    ----------
    name : str
        Name of the column.
    kind : {"number", "category"}
        Kind of the column's values.
    task : {"classification", "regression"}
        Kind of prediction.
    classes : tuple of str
        Names of the classes: numbers in ascending order, texts sorted so that digits count as
        numbers ("b2", "b10").
    counts : tuple of int
        Number of training rows of each class.
    mean, scale : float
        For a quantity: the network learns ``(y - mean) / scale``.
    threshold : float
        With two classes, the second is predicted if its probability is above this threshold.
    interval : float
        For a quantity: share of the true values that the prediction interval must contain. The
        network then predicts the median and both ends. If 0, it predicts one number.
    widening : float
        Distance by which an interval reaches beyond the predicted ends, on the learned scale; may
        be negative.

    Examples
    --------
    >>> target = Target.learn("species", ["cat", "dog", "cat"])
    >>> target.classes, target.counts, target.encode(["dog", "cat"]).tolist()
    (('cat', 'dog'), (2, 1), [1, 0])
    >>> Target.learn("price", [1.5, 2.5]).decode([-1.0, 0.0, 1.0])
    array([1.5, 2. , 2.5])
    """

    name: str
    kind: str
    task: str
    classes: tuple[str, ...] = ()
    counts: tuple[int, ...] = ()
    mean: float = 0.0
    scale: float = 1.0
    threshold: float = 0.5
    interval: float = 0.0
    widening: float = 0.0

    @classmethod
    def learn(cls, name: str, values: Any, task: str = "auto") -> Target:
        """Learn a target from a column's values, none of which may be missing.

        Parameters
        ----------
        name : str
        values : array_like, shape (n,)
        task : {"auto", "classification", "regression"}, default "auto"

        Raises
        ------
        DataError
            If there is nothing to learn, or the values do not fit the task.

        Examples
        --------
        >>> Target.learn("species", ["cat", "dog", "cat"]).classes
        ('cat', 'dog')
        """
        array = column_values(values, name, "Target")
        summary = TargetSummary(name, array)
        _check_present(array, name)
        summary.add(array)
        return cls.of(summary, task)

    @classmethod
    def of(cls, summary: TargetSummary, task: str = "auto") -> Target:
        """Learn a target from the summary of its column; see `learn`."""
        lookup("task", task, TASKS)
        if task == "auto":
            task = _task_of(summary)
        if task == "classification":
            return cls._classes(summary)
        return cls._quantity(summary)

    @classmethod
    def _classes(cls, summary: TargetSummary) -> Target:
        name, counter = summary.name, summary.counts.counter
        if not summary.whole:
            raise DataError(f"target {name!r}: classes must be whole numbers or text")
        large = [value for value in counter if isinstance(value, float) and abs(value) >= EXACT]
        if large:
            raise DataError(
                f"target {name!r} holds classes such as {int(large[0])}, but numbers from 2^53 on "
                "lose their last digits, which tell classes apart; write them as text: 'id 123'"
            )
        if summary.counts.too_many:
            raise DataError(
                f"target {name!r} holds more than {MAX_CLASSES:,} classes; is it the right column?"
            )
        if len(counter) < 2:
            raise DataError(
                f"target {name!r} needs at least two classes, but it holds "
                f"{quoted(map(_class_name, counter)) or 'no value'}"
            )
        if len(counter) > FEW and max(counter.values()) == 1:
            raise DataError(
                f"target {name!r} is different in each of {len(counter):,} rows, so there are no "
                "classes to learn; is it the right column?"
            )
        named = {_class_name(value): count for value, count in counter.items()}
        key = float if summary.kind == "number" else natural_order
        ordered = sorted(named, key=key)
        counts = tuple(named[name] for name in ordered)
        return cls(name, summary.kind, "classification", tuple(ordered), counts)

    @classmethod
    def _quantity(cls, summary: TargetSummary) -> Target:
        if summary.kind != "number":
            raise DataError(
                f"target {summary.name!r} holds text; regression needs numbers, and "
                "task='classification' learns the texts as classes"
            )
        moments = summary.moments
        if not moments.deviation:
            value = constant_text(moments) if moments.count else "without a value"
            raise DataError(f"target {summary.name!r} is {value}; there is nothing to learn")
        return cls(summary.name, "number", "regression", mean=moments.mean, scale=moments.deviation)

    def encode(self, y: Any, rows: Array | None = None) -> Array:
        """Encode the column as the numbers that a network learns.

        Parameters
        ----------
        y : array_like, shape (n,)
        rows : ndarray of int, shape (n,), optional
            Row numbers of the values in their table, counted from 0, for error messages.

        Returns
        -------
        ndarray, shape (n,)
            Classes as int32, 0 … k - 1; a quantity as float32 of mean 0 and deviation 1.

        Raises
        ------
        DataError
            For a missing value, or a class that training did not have.

        Examples
        --------
        >>> Target.learn("species", ["cat", "dog", "cat"]).encode(["dog", "cat"])
        array([1, 0], dtype=int32)
        """
        values = column_values(y, self.name, "encode")
        _check_present(values, self.name)
        if self.kind == "number" and values.dtype == object:
            raise DataError(f"target {self.name!r} held numbers in training, but holds text here")
        if self.task == "regression":
            return scaled(values, self)
        if self.kind == "category" and values.dtype != object:
            named = as_categories(values, self.classes)
            if named is None:
                raise DataError(
                    f"target {self.name!r} held text in training, but holds numbers here"
                )
            values = named
        keys: dict[Any, int] = {self._key(name): code for code, name in enumerate(self.classes)}
        codes = [keys.get(value, -1) for value in values.tolist()]
        if -1 in codes:
            at = codes.index(-1)
            row = (at if rows is None else int(rows[at])) + 1
            raise DataError(
                f"target {self.name!r}, row {row:,}: {quote(str(values[at]))} is none of the "
                f"classes of training: {quoted(self.classes, 20)}"
            )
        return np.array(codes, dtype=np.int32)

    def decode(self, scores: Any) -> Array:
        """Decode scores into predictions: names of classes, or quantities in the column's units.

        Parameters
        ----------
        scores : array_like
            For classes: shape ``(n, k)``, the highest score wins; or, for two classes, the
            probability of the second, shape ``(n,)`` or ``(n, 1)``. For a quantity: shape
            ``(n,)`` or ``(n, 1)``, or ``(n, 3)`` if it has an interval.

        Returns
        -------
        ndarray, shape (n,)
            Names of classes (dtype object), or quantities as float64.

        Raises
        ------
        ShapeError
            If the shape of the scores does not fit the target.

        Examples
        --------
        >>> Target.learn("species", ["cat", "dog", "cat"]).decode([[0.1, 0.9], [0.6, 0.4]])
        array(['dog', 'cat'], dtype=object)
        """
        array = as_floats(scores, "scores", "decode")
        if not self.classes:
            return self._quantities(array)
        names: Array = np.array(self.classes, dtype=object)[self.codes(array)]
        return names

    def codes(self, scores: Array) -> Array:
        """Return the numbers of the classes that scores predict, shape ``(n,)``; see `decode`."""
        k, is_row = len(self.classes), scores.ndim == 2 and scores.shape[1] == len(self.classes)
        if is_row and (k > 2 or self.threshold == 0.5):
            return np.asarray(scores.argmax(axis=1), dtype=np.intp)
        if k == 2 and (is_row or (scores.ndim and scores.shape[1:] in ((), (1,)))):
            second = scores[:, 1] if is_row else scores.reshape(-1)
            return np.asarray(second > self.threshold, dtype=np.intp)
        raise self._other_shape(scores)

    @property
    def outputs(self) -> int:
        """Number of outputs of the network for a sample."""
        return len(self.classes) or (3 if self.interval else 1)

    def bounds(self, scores: Array) -> tuple[Array, Array]:
        """Return the lower and upper ends of intervals, shape ``(n,)``, from outputs, ``(n, 3)``.

        They are on the learned scale; `decode` converts them to the column's units.
        """
        low, high = scores[:, 1].astype(np.float64), scores[:, 2].astype(np.float64)
        middle = (low + high) / 2  # used if the ends would cross because of a negative widening
        return (
            np.minimum(low - self.widening, middle), np.maximum(high + self.widening, middle)
        )  # fmt: skip

    def _quantities(self, scores: Array) -> Array:
        several = bool(self.interval) and scores.shape[1:] == (3,)
        if not scores.ndim or (scores.shape[1:] not in ((), (1,)) and not several):
            raise self._other_shape(scores)
        first = scores[:, 0] if several else scores.reshape(-1)
        quantities: Array = first.astype(np.float64) * self.scale + self.mean
        return quantities

    def _other_shape(self, scores: Array) -> ShapeError:
        k = len(self.classes)
        expected = {0: "(n,) or (n, 1)", 2: "(n, 2), (n,) or (n, 1)"}.get(k, f"(n, {k})")
        return ShapeError(
            f"decode: expected scores of shape {expected} for target {self.name!r}, received "
            f"{scores.shape}"
        )

    def describe(self) -> str:
        """Return a description of the target for a report."""
        if self.task == "regression":
            note = f"; with an interval that holds {self.interval:.3g}" if self.interval else ""
            return f"quantity, mean {self.mean:.6g}, deviation {self.scale:.6g}{note}"
        names = [
            f"{shortened(name)} ({n:,})" for name, n in zip(self.classes, self.counts, strict=True)
        ]
        more = ["…"] if len(names) > FEW else []
        note = f"; {shortened(self.classes[1])} from a probability of {self.threshold:g}"
        note = "" if self.threshold == 0.5 else note
        return f"{len(names)} classes: {', '.join(names[:FEW] + more)}{note}"

    def to_dict(self) -> dict[str, Any]:
        """Return the target as plain JSON values."""
        about: dict[str, Any] = {"name": self.name, "kind": self.kind, "task": self.task}
        if self.task == "regression":
            about |= {"mean": self.mean, "scale": self.scale}
            ends = {"interval": self.interval, "widening": self.widening}
            return about | (ends if self.interval else {})
        about |= {"classes": list(self.classes), "counts": list(self.counts)}
        return about if self.threshold == 0.5 else about | {"threshold": self.threshold}

    @classmethod
    def from_dict(cls, value: Any, where: str = "target") -> Target:
        """Return the target that `to_dict` described.

        Raises
        ------
        DataError
            If the description is invalid.
        """
        record = Record(value, where)
        name = record.text("name")
        kind = record.text("kind", ("number", "category"))
        if record.text("task", ("classification", "regression")) == "regression":
            if kind != "number":
                raise DataError(f"{where}: regression needs a target of numbers")
            mean, scale = record.number("mean"), record.scale("scale")
            quantity = cls(name, kind, "regression", mean=mean, scale=scale)
            if "interval" not in record:
                return quantity
            interval = record.scale("interval")
            if interval >= 1:
                raise DataError(f"{where}: interval must be below 1")
            return replace(quantity, interval=interval, widening=record.number("widening"))
        classes, counts = record.texts("classes"), record.counts("counts")
        if not 2 <= len(classes) <= MAX_CLASSES or len(counts) != len(classes):
            raise DataError(f"{where}: classes must be at least two, with a count each")
        if kind == "number" and not all(_is_whole(name) for name in classes):
            raise DataError(f"{where}: the classes of a target of numbers must be whole numbers")
        threshold = record.number("threshold") if "threshold" in record else 0.5
        if not 0 < threshold < 1:
            raise DataError(f"{where}: threshold must lie between 0 and 1")
        return cls(name, kind, "classification", classes, counts, threshold=threshold)

    def _key(self, name: str) -> str | float:
        return float(name) if self.kind == "number" else name


def natural_order(name: str) -> tuple[Any, ...]:
    """Return the sort key of a name, so that "b2" comes before "b10"."""
    pieces = re.split("([0-9]+)", name)  # text, digits, text, …
    key: list[Any] = [piece.lstrip("0") for piece in pieces]
    key[::2] = pieces[::2]
    key[1::2] = [(len(digits), digits) for digits in key[1::2]]
    return tuple(key), name


def _task_of(summary: TargetSummary) -> str:
    different = len(summary.counts.counter)
    few = different <= FEW and 2 * different < summary.moments.count
    if summary.kind == "number" and not (summary.whole and few and not summary.counts.too_many):
        return "regression"
    return "classification"


def _class_name(value: Any) -> str:
    return str(int(value)) if isinstance(value, float) else str(value)


def _is_whole(name: str) -> bool:
    return re.fullmatch("0|-?[1-9][0-9]{0,308}", name) is not None and np.isfinite(float(name))


def _check_present(values: Array, name: str) -> None:
    if missing(values).any():
        row = int(missing(values).argmax()) + 1
        raise DataError(
            f"target {name!r}: the value in row {row:,} is missing; leave such rows out"
        )
