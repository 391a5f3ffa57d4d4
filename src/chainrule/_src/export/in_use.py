"""The computation of a model in use, in NumPy alone: from columns or samples to scores."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from chainrule._src.base.errors import DataError
from chainrule._src.data.preprocessing.calendar import ROUND, Calendar
from chainrule._src.data.preprocessing.columns import OneHot, Picture
from chainrule._src.data.preprocessing.ranks import Ranks
from chainrule._src.data.preprocessing.steps import Step
from chainrule._src.data.preprocessing.targets import Target
from chainrule._src.data.preprocessing.words import Words
from chainrule._src.nn import activations
from chainrule._src.nn.network.compiled import Compiled
from chainrule._src.nn.network.runs import example_data

DAY = 86400  # seconds


class InUse:
    """The computation of a model in use, in NumPy alone: from columns or samples to all outputs.

    Texts are represented by numbers, in inputs and outputs, because recorded NumPy code has only
    numbers. Times are integers: seconds since 1970, as in NumPy.

    Attributes
    ----------
    steps : tuple of Step
        The preprocessing of columns; empty without a preprocessor.
    inputs, outputs : list of str
    codes : dict of str to OneHot or Ranks
        The steps of columns that hold texts.
    label : str or None
        The name of the output with the class.
    classes : sequence of str
    """

    def __init__(self, model: Compiled, where: str) -> None:
        self.model, self.preprocessor, self.where = model, model.preprocessor, where
        self.steps = () if self.preprocessor is None else self.preprocessor.steps
        names = model.input_names
        self.inputs = [step.name for step in self.steps] or (names if len(names) > 1 else ["X"])
        self.codes = {step.name: step for step in self.steps if isinstance(step, OneHot | Ranks)}
        target = None if self.preprocessor is None else self.preprocessor.target
        self.quantity = target if target is not None and target.task == "regression" else None
        self.classes = tuple(model.class_names or (() if target is None else target.classes))
        if self.steps and model.network.first.input_shape[1:] != (self.preprocessor.width,):
            raise DataError(
                f"{where}: the preprocessor makes {self.preprocessor.width} features, the model "
                f"takes samples of shape {model.network.first.input_shape[1:]}"
            )
        self.threshold = 0.5 if target is None else target.threshold
        wishes = self._wishes()
        self.outputs = list(map(self._free, wishes))
        self.label = self.outputs[1] if wishes[1:] == ["label"] else None

    def _wishes(self) -> list[str]:
        """Return the preferred names of the outputs."""
        names = self.model.output_names
        if len(names) > 1:
            return names
        if self.quantity is not None:
            return ["prediction", *(["low", "high"] if self.quantity.interval else [])]
        kind = getattr(self.model.network.last, "activation", None)
        is_share = kind in (activations.softmax, activations.sigmoid)
        scores = ["probabilities" if is_share else "output"]
        return [*scores, "label"] if self._tells_class(kind) else scores

    def _tells_class(self, kind: Any) -> bool:
        """Return true if each sample has one class, and the names of the classes are known."""
        shape = self.model.network.last.output_shape
        if not self.classes or len(shape) != 2:
            return False
        count = len(self.classes)
        if shape[1] != count and (shape[1], count) != (1, 2):
            raise DataError(
                f"{self.where}: the model has {shape[1]} outputs, but {count} class names: "
                f"{', '.join(self.classes[:5])}"
            )
        # Several sigmoids may predict several classes of one sample.
        return shape[1] == 1 or kind is not activations.sigmoid

    def _free(self, wish: str) -> str:
        """Return a name, with underscores added until no input has the same name."""
        while wish in self.inputs:
            wish += "_"
        return wish

    def example(self) -> Any:
        """Return an example input for recording the computation."""
        if not self.steps:
            return example_data(self.model.network, None)[0]
        return {step.name: _column(step) for step in self.steps}

    def __call__(self, weights: Any, X: Any) -> Any:
        """Compute the outputs from the weights and the input."""
        return self._outputs(self.model.network.predicted(weights, self._samples(X)))

    def with_states(self, weights: Any, X: Any) -> Any:
        """Compute the outputs, and behind them the states that layers pass to the next call."""
        network = self.model.network
        state = {name: weights[name] for name in network.state}
        scores, new = network.apply(weights, state, self._samples(X), False)[:2]
        outputs = self._outputs(scores)
        return (*outputs, new) if isinstance(outputs, tuple) else (outputs, new)

    def _samples(self, X: Any) -> Any:
        return self.features(X) if self.steps else X

    def _outputs(self, scores: Any) -> Any:
        if self.quantity is not None:
            return self._quantities(scores.astype(np.float64), self.quantity)
        if self.label is None:
            return self.model.flat_outputs(scores)
        if scores.shape[1] == 1:
            return scores, (scores.reshape(len(scores)) > self.least).astype(np.int64)
        if self.threshold != 0.5:
            return scores, (scores[:, 1] > self.threshold).astype(np.int64)
        return scores, np.argmax(scores, axis=1)

    def _quantities(self, scores: Any, target: Target) -> Any:
        if not target.interval:
            return scores.reshape(len(scores)) * target.scale + target.mean
        columns = (scores[:, 0], *target.bounds(scores))
        return tuple(each * target.scale + target.mean for each in columns)

    @property
    def least(self) -> float:
        """The score above which a model with one output predicts the positive class."""
        odds = self.threshold / (1 - self.threshold)
        return math.log(odds) if getattr(self.model.loss, "from_logits", False) else self.threshold

    def features(self, columns: Any) -> Any:
        """Return the network's input for columns, given as numbers."""
        parts = [part for step in self.steps for part in _features_of(step, columns[step.name])]
        return np.concatenate(parts, axis=1).astype(self.model.dtype)


def _column(step: Step) -> Any:
    """Return two example values of a column; texts are numbers."""
    dtype = np.int64 if isinstance(step, OneHot | Ranks | Calendar) else np.float64
    return np.ones((2, *getattr(step, "shape", ())), dtype)


def _features_of(step: Step, values: Any) -> list[Any]:
    """Return the features of a column, equal to those of `Preprocessor.transform`."""
    if isinstance(step, Ranks):
        count = len(step.categories)
        is_of = (values[:, np.newaxis] == np.arange(count + 1)).astype(np.float32)
        scores = np.array(step.scores, np.float32)[:, np.newaxis]
        return [is_of[:, :count] @ scores, *([is_of[:, count:]] if step.missing else [])]
    if isinstance(step, OneHot):
        return [(values[:, np.newaxis] == np.arange(step.width)).astype(np.float32)]
    if isinstance(step, Picture):
        pixels = values.reshape(len(values), step.width)
        return [((pixels - step.mean) / step.scale).astype(np.float32)]
    if isinstance(step, Calendar):
        return _parts_of(step, values[:, np.newaxis])
    if isinstance(step, Words):
        raise DataError(
            f"column {step.name!r} is free text, and a graph of numbers cannot hash its words; "
            "eject (export --to numpy) writes them, or train without it"
        )
    values = values[:, np.newaxis]
    is_missing = np.isnan(values)
    filled = np.where(is_missing, step.mean, values)
    scaled = ((filled - step.mean) / step.scale).astype(np.float32)
    return [scaled, is_missing.astype(np.float32)] if step.missing else [scaled]


def _parts_of(step: Calendar, seconds: Any) -> list[Any]:
    """Return the features of times; dates are computed by Hinnant's *chrono-compatible dates*.

    The dates are computed in integers: rounding cannot move a time to another day.
    """
    missing = seconds == np.iinfo(np.int64).min
    seconds = np.where(missing, 0, seconds)
    days = seconds // DAY
    z = days + 719468  # since 1 March of the year 0
    of_era = z % 146097
    year = (of_era - of_era // 1460 + of_era // 36524 - of_era // 146096) // 365
    of_year = of_era - (365 * year + year // 4 - year // 100)
    shifted = (5 * of_year + 2) // 153  # months since March
    month = (shifted + 2) % 12
    year = year + 400 * (z // 146097) + np.where(month < 2, 1, 0)
    begin, end = _new_year(year) * DAY, _new_year(year + 1) * DAY
    round_ = {
        "month": month,
        "day": of_year - (153 * shifted + 2) // 5,
        "hour": (seconds - days * DAY).astype(np.float64) / 3600,
    }
    parts = []
    for part in step.parts:
        if part == "year":
            share = (seconds - begin).astype(np.float64) / (end - begin).astype(np.float64)
            parts.append((year.astype(np.float64) + share - step.mean) / step.scale)
        elif part == "weekday":
            parts.append((days + 3) % 7 == np.arange(7))
        else:
            angle = 2 * np.pi * round_[part].astype(np.float64) / ROUND[part]
            parts += [np.sin(angle), np.cos(angle)]
    filled = [np.where(missing, 0, each.astype(np.float32)) for each in parts]
    return [*filled, missing.astype(np.float32)] if step.missing else filled


def _new_year(year: Any) -> Any:
    """Return the number of days from 1970 to 1 January of a year."""
    before = year - 1
    return 365 * before + before // 4 - before // 100 + before // 400 - 719162
