"""What a model in use computes, in NumPy alone: from a table's columns, or samples, to scores."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from chainrule._src.base.errors import DataError
from chainrule._src.data.preprocessing.calendar import ROUND, Calendar
from chainrule._src.data.preprocessing.columns import OneHot, Picture, Signs
from chainrule._src.data.preprocessing.steps import Step
from chainrule._src.data.preprocessing.targets import Target
from chainrule._src.data.preprocessing.words import Words
from chainrule._src.nn import activations
from chainrule._src.nn.network.compiled import Compiled
from chainrule._src.nn.network.runs import example_data

DAY = 86400  # seconds


class InUse:
    """What a model in use computes, in NumPy alone: from columns or samples to all its outputs.

    Texts are numbers here, on the way in and out: NumPy code that is recorded knows no others.
    Times are seconds since 1970, in whole numbers, as NumPy keeps them.

    Attributes
    ----------
    steps : tuple of Step
        What is done to columns; none without a preprocessor.
    inputs, outputs : list of str
    codes : dict of str to OneHot or Signs
        The columns of texts.
    label : str or None
        The output that tells the class.
    classes : sequence of str
    """

    def __init__(self, model: Compiled, where: str) -> None:
        self.model, self.preprocessor, self.where = model, model.preprocessor, where
        self.steps = () if self.preprocessor is None else self.preprocessor.steps
        self.inputs = [step.name for step in self.steps] or ["X"]
        self.codes = {step.name: step for step in self.steps if isinstance(step, OneHot | Signs)}
        target = None if self.preprocessor is None else self.preprocessor.target
        self.quantity = target if target is not None and target.task == "regression" else None
        self.classes = tuple(model.class_names or (() if target is None else target.classes))
        if self.steps and model.network.layers[0].input_shape[1:] != (self.preprocessor.width,):
            raise DataError(
                f"{where}: the preprocessor makes {self.preprocessor.width} features, the model "
                f"takes samples of shape {model.network.layers[0].input_shape[1:]}"
            )
        self.threshold = 0.5 if target is None else target.threshold
        self.outputs = list(map(self._free, self._wishes()))
        self.label = (
            None if self.quantity is not None or len(self.outputs) == 1 else self.outputs[1]
        )

    def _wishes(self) -> list[str]:
        """Return what outputs are to be called."""
        if self.quantity is not None:
            return ["prediction", *(["low", "high"] if self.quantity.interval else [])]
        kind = getattr(self.model.network.layers[-1], "activation", None)
        is_share = kind in (activations.softmax, activations.sigmoid)
        scores = ["probabilities" if is_share else "output"]
        return [*scores, "label"] if self._tells_class(kind) else scores

    def _tells_class(self, kind: Any) -> bool:
        """Whether a sample is of one class, whose name is known."""
        shape = self.model.network.layers[-1].output_shape
        if not self.classes or len(shape) != 2:
            return False
        count = len(self.classes)
        if shape[1] != count and (shape[1], count) != (1, 2):
            raise DataError(
                f"{self.where}: the model has {shape[1]} outputs, but {count} class names: "
                f"{', '.join(self.classes[:5])}"
            )
        return shape[1] == 1 or kind is not activations.sigmoid  # which may say yes to several

    def _free(self, wish: str) -> str:
        """Return a name that no input has."""
        while wish in self.inputs:
            wish += "_"
        return wish

    def example(self) -> Any:
        """Return an input that the computation can be recorded with."""
        if not self.steps:
            return example_data(self.model.network, None)[0]
        return {step.name: _column(step) for step in self.steps}

    def __call__(self, weights: Any, X: Any) -> Any:
        """Return the outputs."""
        samples = self._features(X) if self.steps else X
        scores = self.model.network.apply(weights, {}, samples, False).output
        if self.quantity is not None:
            return self._quantities(scores.astype(np.float64), self.quantity)
        if self.label is None:
            return scores
        if scores.shape[1] == 1:
            return scores, (scores.reshape(len(scores)) > self.least).astype(np.int64)
        if self.threshold != 0.5:
            return scores, (scores[:, 1] > self.threshold).astype(np.int64)
        return scores, np.argmax(scores, axis=1)

    def _quantities(self, scores: Any, target: Target) -> Any:
        if not target.interval:
            return scores.reshape(len(scores)) * target.scale + target.mean
        found = (scores[:, 0], *target.bounds(scores))
        return tuple(each * target.scale + target.mean for each in found)

    @property
    def least(self) -> float:
        """The score above which a model of one output says yes."""
        odds = self.threshold / (1 - self.threshold)
        return math.log(odds) if getattr(self.model.loss, "from_logits", False) else self.threshold

    def _features(self, columns: Any) -> Any:
        parts = [part for step in self.steps for part in _features_of(step, columns[step.name])]
        return np.concatenate(parts, axis=1).astype(self.model.dtype)


def _column(step: Step) -> Any:
    """Return some values of a column, texts as numbers."""
    dtype = np.int64 if isinstance(step, OneHot | Signs | Calendar) else np.float64
    return np.ones((2, *getattr(step, "shape", ())), dtype)


def _features_of(step: Step, values: Any) -> list[Any]:
    """Return what becomes of a column, as `Preprocessor.transform` makes it."""
    if isinstance(step, Signs):
        signs = (values == 0).astype(np.float32) - (values == 1).astype(np.float32)
        return [signs[:, np.newaxis]]
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
    """Return the parts of times; days as years and months by Hinnant's *chrono-compatible dates*.

    Whole numbers throughout, which no rounding moves to another day.
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
    found = []
    for part in step.parts:
        if part == "year":
            share = (seconds - begin).astype(np.float64) / (end - begin).astype(np.float64)
            found.append((year.astype(np.float64) + share - step.mean) / step.scale)
        elif part == "weekday":
            found.append((days + 3) % 7 == np.arange(7))
        else:
            angle = 2 * np.pi * round_[part].astype(np.float64) / ROUND[part]
            found += [np.sin(angle), np.cos(angle)]
    made = [np.where(missing, 0, each.astype(np.float32)) for each in found]
    return [*made, missing.astype(np.float32)] if step.missing else made


def _new_year(year: Any) -> Any:
    """Return the days from 1970 to 1 January."""
    before = year - 1
    return 365 * before + before // 4 - before // 100 + before // 400 - 719162
