"""The values that a page shows of a run: its setup, a view after an update, its curves."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from chainrule._src.base.arrays import Array
from chainrule._src.blackboard.run import Last, ReversibleRun
from chainrule._src.blackboard.subject import IN_FLIGHT, LIMITS, Subject

SHOWN = 2000  # samples that are sent to the page, at most
PROBED = 256  # samples for slopes, at most
WORK, FEWEST = 2**24, 32  # multiplications for slopes, at most; samples for slopes, at least
EXACT = 2**16  # bytes of parameters that are always sent in full precision
SHARE, QUICK = 0.04, 0.001  # scoring's share of the time; seconds of scoring that do not count
AWAITED = 0.01  # seconds of scoring that a paused page may wait for
FLAT, DEAD = 0.05, 1e-6  # slopes below which a unit is saturated, or dead
NEARLY = 0.95  # share of the samples at which a saturated unit's slope is flat
DENSE = 0.04  # distance of points, as a share of the updates so far
UNKNOWN: Mapping[str, Any] = {"predict": None, "learn": None}  # the anatomy is not available
MANY = 8192  # points of a curve, at most; then every second point is removed


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
            "image": data.image, "ink": data.ink, "sequence": data.sequence,
            "target": data.target and vars(data.target),
            "count": len(data.X), "held": len(data.X_held),
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


@dataclass
class Scores:
    """The scores of a run on the hold-out after an update."""

    update: int
    loss: float
    accuracy: float
    guess: dict[str, Array]


@dataclass
class Scorer:
    """Scores a run from time to time, in a small share of the training time.

    Attributes
    ----------
    scores : Scores or None
        The latest scores.
    """

    subject: Subject
    scores: Scores | None = None
    _next: float = 0.0
    _took: float = 0.0

    @property
    def is_quick(self) -> bool:
        """True if scoring is fast enough for every frame."""
        return self._took < QUICK

    @property
    def is_awaited(self) -> bool:
        """True if scoring is fast enough for the frame after a stop."""
        return self._took < AWAITED

    def cut(self, update: int) -> None:
        """Remove the scores if they belong to a later update."""
        if self.scores is not None and self.scores.update > update:
            self.scores = None

    def look(self, run: ReversibleRun, params: Mapping[str, Array], now: bool) -> Scores | None:
        """Return the latest scores; compute new ones if it is time, quick, or ``now`` is true."""
        forward, update = self.subject.forward, run.place.update
        if forward is None or not len(self.subject.data.X_held):
            return None
        began, used = time.perf_counter(), time.thread_time()
        latest = self.scores
        rests = not (now or self.is_quick or began >= self._next)
        if latest is not None and (latest.update == update or rests):
            return latest
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
        outputs = np.asarray(subject.forward(params, data.X_held, *parts))
        values = score_values(subject, outputs, data.y_held)
    if data.classes is None:
        guesses = {"value": values["value"][:SHOWN].astype(float)}
        return Scores(update, float(values["loss"]), np.nan, guesses)
    guesses = {
        "guess": values["guess"][:SHOWN].astype(np.int32),
        "sure": values["sure"][:SHOWN].astype(np.float32),
    }  # fmt: skip
    return Scores(update, float(values["loss"]), float(values["accuracy"]), guesses)


def score_values(subject: Subject, outputs: Any, y: Any) -> dict[str, Any]:
    """Return the mean loss of outputs, and the predictions by name; it can be recorded.

    For classes there are ``accuracy``, the predicted classes (``guess``) and the probabilities of
    the true ones (``sure``), else the predicted ``value`` of each sample.
    """
    if subject.data.classes is None:
        return {"loss": np.mean((outputs - y) ** 2) / 2, "value": outputs}
    outputs = _of_classes(outputs)
    guess, sure = np.argmax(outputs, axis=1), outputs[np.arange(len(outputs)), y]
    loss = -np.mean(np.log(sure + 1e-8))
    return {"loss": loss, "accuracy": np.mean(guess == y), "guess": guess, "sure": sure}


def _of_classes(probabilities: Array) -> Array:
    """Return probabilities with a column for each class; complete a single column to two."""
    if probabilities.ndim == 1 or probabilities.shape[1] == 1:
        probabilities = np.stack([1 - probabilities.ravel(), probabilities.ravel()], axis=1)
    return probabilities


def _accuracy(subject: Subject, last: Last) -> float:
    """Return the accuracy on an update's batch, before the update."""
    if subject.forward is None or subject.data.classes is None:
        return np.nan
    X, y = last.batch
    parts = [last.carry[part] for part in subject.parts]
    with np.errstate(all="ignore"):
        outputs = np.asarray(subject.forward(last.carry["params"], X, *parts))
    return float(np.mean(_of_classes(outputs).argmax(axis=1) == y))


@dataclass
class View:
    """The values of a run after an update.

    Attributes
    ----------
    header, arrays : dict
        Header and arrays of a frame.
    point : dict of str to float or list of float
        A point of the curves.
    """

    header: dict[str, Any]
    arrays: dict[str, Array]
    point: dict[str, Any] = field(default_factory=dict)


def view(run: ReversibleRun, scorer: Scorer, exact: bool, loss: float | None) -> View:
    """Return the view of a run at its present update.

    Parameters
    ----------
    run : ReversibleRun
    scorer : Scorer
    exact : bool
        If true, numbers have full precision, and the scores are computed for this update.
    loss : float or None
        The mean loss of the updates since the last view; None for the last update's loss.
    """
    subject, params, last = run.subject, run.params, run.last
    scores = scorer.look(run, params, exact)
    full_precision = exact or sum(p.nbytes for p in params.values()) <= EXACT
    dtype = np.dtype(np.float64 if full_precision else np.float32)
    values = {**params, **subject.states(run.parts)}
    arrays = {f"p:{name}": _as(p, dtype) for name, p in values.items()}
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
        "epochs": run.epochs, "loss": point["loss"], "settings": run.settings,
        "exact": full_precision, "scored": None if scores is None else scores.update,
        "held_loss": scores and scores.loss, "held_accuracy": scores and scores.accuracy,
    }  # fmt: skip
    return View(header, arrays, point)


def slopes(subject: Subject, params: Mapping[str, Array]) -> tuple[float, float]:
    """Return the shares of saturated and of dead hidden units."""
    if subject.slopes is None:
        return np.nan, np.nan
    with np.errstate(all="ignore"):
        saturated, dead = flat_units(subject, params, subject.data.X[: probed(subject)])
    return float(saturated), float(dead)


def probed(subject: Subject) -> int:
    """Return the number of samples for slopes."""
    return max(min(PROBED, WORK // sum(p.size for p in subject.params.values())), FEWEST)


def flat_units(subject: Subject, params: Mapping[str, Any], X: Any) -> tuple[Any, Any]:
    """Return the shares of saturated and of dead hidden units at samples; it can be recorded."""
    assert subject.slopes is not None
    all_slopes = [np.abs(s) for s in subject.slopes(params, X).values()]
    flat = np.concatenate([np.mean(s < FLAT, axis=0) for s in all_slopes])
    dead = np.concatenate([s.max(axis=0) < DEAD for s in all_slopes])
    return np.mean(flat >= NEARLY), np.mean(dead)


def _as(array: Any, dtype: Any) -> Array:
    return np.asarray(array).astype(dtype, copy=False)


def _norm(array: Any) -> float:
    flat = np.ravel(array)
    with np.errstate(all="ignore"):
        return float(np.sqrt(flat @ flat))


COLUMNS = ("loss", "held_loss", "accuracy", "held_accuracy", "saturated", "dead")


@dataclass
class Curves:
    """The points of a run's curves, of which new ones are sent to the page.

    Attributes
    ----------
    points : list of dict
        Points in the order of their updates.
    start : int
        Index of the first point that was not sent, or has changed since it was sent.
    """

    names: list[str]
    points: list[dict[str, Any]] = field(default_factory=list)
    start: int = 0

    @property
    def due(self) -> int:
        """The update of the next point; the distance between points grows with the updates."""
        last = int(self.points[-1]["update"]) if self.points else 0
        return last + max(int(DENSE * last), 1)

    def add(self, point: dict[str, Any]) -> None:
        """Add a point if its update is later than the last point's."""
        if not self.points or point["update"] > self.points[-1]["update"]:
            self.points.append(point)
        if len(self.points) > MANY:
            del self.points[1::2]
            self.start = 0

    def cut(self, update: int) -> None:
        """Remove the points after an update."""
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
