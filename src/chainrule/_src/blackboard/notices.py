"""Warnings about a run (dead units, vanishing gradients, …), each sent once when it begins."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from chainrule._src.base.arrays import Array
from chainrule._src.blackboard.subject import Subject

MANY_SATURATED, MANY_DEAD, SMALL, LARGE, RISEN = 0.5, 0.25, 1e-3, 0.1, 1.5
ALIKE = 1e-12
SATURATED = (
    "{:.0%} of the hidden units are saturated: the slope of their activation is near 0, so that "
    "hardly any gradient comes through"
)
DEAD = "{:.0%} of the hidden units are dead: they give no gradient for any sample"
RISING = "the loss has risen to {:.3g} from {:.3g}: the learning rate may be too high"
EQUAL = "all units of {} have equal weights: they get equal gradients, and will stay equal"
VANISHING = "the gradient vanishes on its way back: its norm is {:.2g} at {} and {:.2g} at {}"
DIVERGED = "the next update's loss is not finite: this is the last good one"
HOPELESS = (
    "the loss is not finite with the weights that training starts with: no update can be made"
)
CHANGES = "an update changes {} by {:.0%} of its size; some 0.1 % is usual"
RULES = {
    "texts": {
        "saturated": SATURATED, "dead": DEAD, "rising": RISING, "alike": EQUAL,
        "vanishing": VANISHING, "large": CHANGES, "diverged": DIVERGED, "hopeless": HOPELESS,
    },
    "limits": {
        "saturated": MANY_SATURATED, "dead": MANY_DEAD, "vanishing": SMALL, "large": LARGE,
        "rising": RISEN, "alike": ALIKE,
    },
}  # fmt: skip
"""The texts and limits of all notices, for a page that trains by itself."""


@dataclass
class Notices:
    """The notices of a run.

    Attributes
    ----------
    said : list of dict
        The notices so far, each with ``update``, ``kind`` and ``text``.
    """

    said: list[dict[str, Any]] = field(default_factory=list)
    _on: set[str] = field(default_factory=set)
    _best: float = np.inf

    def look(self, subject: Subject, point: Mapping[str, Any], params: Any) -> list[dict[str, Any]]:
        """Return the notices that begin at a point of the curves."""
        if self.said and point["update"] <= self.said[-1]["update"]:
            return []
        present = dict(self._conditions(subject, point, params))
        new = [
            {"update": point["update"], "kind": kind, "text": text}
            for kind, text in present.items()
            if kind not in self._on
        ]
        self._on = set(present)
        self.said += new
        return new

    def cut(self, update: int) -> None:
        """Remove the notices after an update."""
        self.said = [each for each in self.said if each["update"] <= update]
        self._on, self._best = set(), np.inf

    def _conditions(self, subject: Subject, point: Any, params: Any) -> Iterator[tuple[str, str]]:
        if point["saturated"] >= MANY_SATURATED:
            yield "saturated", SATURATED.format(point["saturated"])
        if point["dead"] >= MANY_DEAD:
            yield "dead", DEAD.format(point["dead"])
        loss, self._best = point["loss"], min(self._best, point["loss"])
        if point["update"] and loss > RISEN * self._best + 0.5:
            yield "rising", RISING.format(loss, self._best)
        yield from _of_norms(subject, point)
        if point["update"] and subject.units and _alike(params[subject.units[0].weights]):
            yield "alike", EQUAL.format(subject.units[0].name)


def _of_norms(subject: Subject, point: Any) -> Iterator[tuple[str, str]]:
    if "norm" not in point or len(subject.units) < 2:
        return
    norms, ratios = (dict(zip(subject.params, point[k], strict=True)) for k in ("norm", "ratio"))
    first, last = subject.units[0].weights, subject.units[-1].out
    if norms[last] > 0 and norms[first] < SMALL * norms[last]:
        yield "vanishing", VANISHING.format(norms[last], last, norms[first], first)
    if ratios[last] > LARGE and point["update"] > 10:
        yield "large", CHANGES.format(last, ratios[last])


def _alike(W: Array) -> bool:
    return W.shape[1] > 1 and bool(np.ptp(W, axis=1).max() <= ALIKE)
