"""What a page is told of a run: the model, what it is like after an update, its curves."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np

from chainrule._src.base.arrays import Array
from chainrule._src.blackboard.run import Last, Place
from chainrule._src.blackboard.subject import IN_FLIGHT, LIMITS, Subject

SHOWN = 2000  # samples that the page gets to see
PROBED = 256  # samples that slopes are taken at, of a network of few weights
WORK, FEWEST = 2**24, 32  # multiplications for that; samples in any case
EXACT = 2**16  # bytes of parameters that are sent in full precision in any case
SHARE, QUICK = 0.04, 0.001  # of the time, that scoring may take; seconds that are little
AWAITED = 0.01  # seconds for scoring that a page may wait for where training stops
FLAT, DEAD = 0.05, 1e-6  # slopes below which a unit is saturated, or dead, at nearly all samples
NEARLY = 0.95
DENSE = 0.04  # of its updates, that a curve may be without a point
UNKNOWN: Mapping[str, Any] = {"predict": None, "learn": None}  # no pass can be taken apart
MANY = 8192  # points of a curve; of more, each second one goes


def setup(
    subject: Subject,
    *,
    anatomy: Mapping[str, Any] = UNKNOWN,
    mistakes: Sequence[Mapping[str, Any]] = (),
    scenes: Sequence[Mapping[str, Any]] = (),
) -> tuple[dict[str, Any], dict[str, Array]]:
    """Return header and arrays of a model and its data; the page relies on every field."""
    data, settings = subject.data, dict(subject.settings)
    header = {
        "data": {
            "name": data.name, "classes": data.classes, "features": data.features,
            "image": data.image, "ink": data.ink, "count": len(data.X), "held": len(data.X_held),
        },
        "model": {"title": subject.title, "kind": subject.kind},
        "parameters": [{"name": n, "shape": p.shape} for n, p in subject.params.items()],
        "units": [vars(unit) for unit in subject.units],
        "settings": {
            "values": settings, "choices": dict(subject.choices), "limits": LIMITS,
            "in_flight": [name for name in IN_FLIGHT if name in settings],
            "restart": list(settings) if subject.make else [],
        },
        "anatomy": anatomy, "mistakes": mistakes, "scenes": scenes,
    }  # fmt: skip
    arrays = {"X": data.X, "y": data.y, "X_held": data.X_held, "y_held": data.y_held}
    arrays = {name: array[:SHOWN] for name, array in arrays.items()}
    arrays |= {n: array.astype(np.float32) for n, array in arrays.items() if n.startswith("X")}
    if data.mean is not None and data.scale is not None:
        arrays |= {"mean": data.mean, "scale": data.scale}
    return header, arrays


class Viewed(Protocol):
    """What frames are made of: a run, or copies of parameters that another kind of run left."""

    subject: Subject
    place: Place
    last: Last | None

    @property
    def head(self) -> int:
        """The furthest update."""

    @property
    def params(self) -> dict[str, Array]:
        """The parameters."""

    @property
    def parts(self) -> Sequence[Any]:
        """What else goes from one update to the next."""

    @property
    def settings(self) -> dict[str, Any]:
        """What can be set in flight."""

    @property
    def epochs(self) -> float:
        """Epochs done."""

    def seek(self, update: int) -> None:
        """Go to an update."""


@dataclass
class Scores:
    """How a run does on data, as of an update."""

    update: int
    loss: float
    accuracy: float
    guess: dict[str, Array]


@dataclass
class Scorer:
    """Scores a run from time to time, so that it takes a small share of the training.

    Attributes
    ----------
    scores : Scores or None
        The last ones.
    """

    subject: Subject
    scores: Scores | None = None
    _next: float = 0.0
    _took: float = 0.0

    @property
    def is_quick(self) -> bool:
        """Whether scoring takes so little that it may be done whenever something is shown."""
        return self._took < QUICK

    @property
    def is_awaited(self) -> bool:
        """Whether where training stops it is shown with its scores at once."""
        return self._took < AWAITED

    def cut(self, update: int) -> None:
        """Forget what is behind an update."""
        if self.scores is not None and self.scores.update > update:
            self.scores = None

    def look(self, run: Viewed, params: Mapping[str, Array], now: bool) -> Scores | None:
        """Return the latest scores; those of this update if that costs little or is asked for."""
        forward, update = self.subject.forward, run.place.update
        if forward is None or not len(self.subject.data.X_held):
            return None
        began, used = time.perf_counter(), time.thread_time()
        known = self.scores
        rests = not (now or self.is_quick or began >= self._next)
        if known is not None and (known.update == update or rests):
            return known
        self.scores = _scores(self.subject, params, run.parts, update)
        ended = time.perf_counter()
        self._took = time.thread_time() - used
        self._next = ended + (ended - began) / SHARE
        return self.scores


def _scores(
    subject: Subject, params: Mapping[str, Array], parts: Sequence[Any], update: int
) -> Scores:
    data = subject.data
    assert subject.forward is not None
    with np.errstate(all="ignore"):
        found = np.asarray(subject.forward(params, data.X_held, *parts))
    if data.classes is None:
        with np.errstate(over="ignore"):
            loss = float(np.mean((found - data.y_held) ** 2) / 2)
        return Scores(update, loss, np.nan, {"value": found[:SHOWN].astype(float)})
    found = _of_classes(found)
    guess, sure = found.argmax(axis=1), found[np.arange(len(found)), data.y_held]
    loss = float(-np.mean(np.log(sure + 1e-8)))
    shown = {
        "guess": guess[:SHOWN].astype(np.int32), "sure": sure[:SHOWN].astype(np.float32)
    }  # fmt: skip
    return Scores(update, loss, float(np.mean(guess == data.y_held)), shown)


def _of_classes(found: Array) -> Array:
    """Return probabilities with a column a class; of two, the second one's may stand alone."""
    if found.ndim == 1 or found.shape[1] == 1:
        found = np.stack([1 - found.ravel(), found.ravel()], axis=1)
    return found


def _accuracy(subject: Subject, last: Last) -> float:
    """Return which share of its batch an update found guessed right."""
    if subject.forward is None or subject.data.classes is None:
        return np.nan
    X, y = last.batch
    parts = [last.carry[part] for part in subject.parts]
    with np.errstate(all="ignore"):
        found = np.asarray(subject.forward(last.carry["params"], X, *parts))
    return float(np.mean(_of_classes(found).argmax(axis=1) == y))


@dataclass
class View:
    """What a run looks like after an update.

    Attributes
    ----------
    header, arrays : dict
        Of a frame.
    point : dict of str to float or list of float
        Of the curves.
    """

    header: dict[str, Any]
    arrays: dict[str, Array]
    point: dict[str, Any] = field(default_factory=dict)


def view(run: Viewed, scorer: Scorer, whole: bool, loss: float | None) -> View:
    """Return what a run looks like now.

    Parameters
    ----------
    run : Viewed
    scorer : Scorer
    whole : bool
        Whether all is exact, and of this update.
    loss : float or None
        The mean loss of the updates since the last view; None: that of the last update.
    """
    subject, params, last = run.subject, run.params, run.last
    scores = scorer.look(run, params, whole)
    exact = whole or sum(p.nbytes for p in params.values()) <= EXACT
    dtype = np.dtype(np.float64 if exact else np.float32)
    known = {**params, **subject.states(run.parts)}
    arrays = {f"p:{name}": _as(p, dtype) for name, p in known.items()}
    point: dict[str, Any] = {"update": run.place.update, "loss": np.nan if loss is None else loss}
    if last is not None:
        with np.errstate(all="ignore"):
            gradient = subject.gradient(last.carry, *last.batch)
        change = {name: p - last.carry["params"][name] for name, p in params.items()}
        arrays |= {f"g:{name}": _as(gradient[name], dtype) for name in params}
        arrays |= {f"d:{name}": _as(change[name], dtype) for name in params}
        point["loss"] = last.loss if loss is None else loss
        point["accuracy"] = _accuracy(subject, last)
        point["norm"] = [_norm(gradient[name]) for name in params]
        point["ratio"] = [
            _norm(change[name]) / max(_norm(last.carry["params"][name]), 1e-30) for name in params
        ]
    if scores is not None:
        arrays |= scores.guess
        if scores.update == run.place.update:
            point["held_loss"], point["held_accuracy"] = scores.loss, scores.accuracy
    point["saturated"], point["dead"] = slopes(subject, params)
    header = {
        "update": run.place.update, "head": run.head, "epoch": run.place.epoch,
        "epochs": run.epochs, "loss": point["loss"], "settings": run.settings, "exact": exact,
        "scored": None if scores is None else scores.update,
        "held_loss": scores and scores.loss, "held_accuracy": scores and scores.accuracy,
    }  # fmt: skip
    return View(header, arrays, point)


def slopes(subject: Subject, params: Mapping[str, Array]) -> tuple[float, float]:
    """Return which shares of the hidden units are saturated and dead."""
    if subject.slopes is None:
        return np.nan, np.nan
    with np.errstate(all="ignore"):
        rows = max(min(PROBED, WORK // sum(p.size for p in params.values())), FEWEST)
        found = [np.abs(s) for s in subject.slopes(params, subject.data.X[:rows]).values()]
    flat = np.concatenate([np.mean(s < FLAT, axis=0) for s in found])
    dead = np.concatenate([s.max(axis=0) < DEAD for s in found])
    return float(np.mean(flat >= NEARLY)), float(np.mean(dead))


def _as(array: Any, dtype: Any) -> Array:
    return np.asarray(array).astype(dtype, copy=False)


def _norm(array: Any) -> float:
    flat = np.ravel(array)
    with np.errstate(all="ignore"):
        return float(np.sqrt(flat @ flat))


COLUMNS = ("loss", "held_loss", "accuracy", "held_accuracy", "saturated", "dead")


@dataclass
class Curves:
    """Points of a run, by update; the page is sent what is new.

    Attributes
    ----------
    points : list of dict
        With growing updates.
    start : int
        The first point that was not sent yet, or that is another one by now.
    """

    names: list[str]
    points: list[dict[str, Any]] = field(default_factory=list)
    start: int = 0

    @property
    def due(self) -> int:
        """The update by which there is to be another point: the first ones, then ever fewer."""
        last = int(self.points[-1]["update"]) if self.points else 0
        return last + max(int(DENSE * last), 1)

    def add(self, point: dict[str, Any]) -> None:
        """Add a point, if it is further on than all others."""
        if not self.points or point["update"] > self.points[-1]["update"]:
            self.points.append(point)
        if len(self.points) > MANY:
            del self.points[1::2]
            self.start = 0

    def cut(self, update: int) -> None:
        """Forget what is behind an update."""
        while self.points and self.points[-1]["update"] > update:
            self.points.pop()
        self.start = min(self.start, len(self.points))

    def message(self, branch: str, start: int) -> tuple[dict[str, Any], dict[str, Array]]:
        """Return header and arrays of the points from ``start`` on."""
        points, none = self.points[start:], [np.nan] * len(self.names)
        arrays: dict[str, Array] = {"update": np.array([p["update"] for p in points], np.int32)}
        with np.errstate(over="ignore"):  # before it diverges, a run has numbers beyond float32
            for column in COLUMNS:
                arrays[column] = np.array([p.get(column, np.nan) for p in points], np.float32)
            for column in ("norm", "ratio"):
                rows = [p.get(column, none) for p in points]
                arrays[column] = np.array(rows, np.float32).reshape(len(points), len(self.names))
        return {"branch": branch, "start": start}, arrays
