"""Outcomes of the members of a sweep, stored as columns: a few arrays for all members."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from chainrule._src.base.arrays import Array
from chainrule._src.sweeps.member import TaskOutcome
from chainrule._src.sweeps.ranking import Ranking
from chainrule._src.sweeps.rungs import keys_of, order

TIMES = "fit_time", "score_time"
LONGEST = 500  # characters of an error


@dataclass
class OutcomeBatch:
    """Some outcomes in the form in which they are stored; missing values are None.

    Attributes
    ----------
    numbers : list of int
        Numbers of the members.
    scores : dict of str to list of float
    folds : dict of str to list of list of float
        The scores of each fold, if there are several folds.
    losses : list of float
        Mean training loss of the last epoch.
    errors : dict of int to str
    times : dict of str to list of list of float
        Seconds of each fold; they are not stored, because they differ from run to run.
    """

    numbers: list[int]
    scores: dict[str, list[float | None]] = field(default_factory=dict)
    folds: dict[str, list[list[float] | None]] = field(default_factory=dict)
    losses: list[float | None] = field(default_factory=list)
    errors: dict[int, str] = field(default_factory=dict)
    times: dict[str, list[list[float] | None]] = field(default_factory=dict)

    @classmethod
    def of(cls, outcomes: Iterable[TaskOutcome]) -> OutcomeBatch:
        """Collect outcomes into columns."""
        outcomes = list(outcomes)
        names = dict.fromkeys(name for each in outcomes for name in each.scores)
        several = any(len(fold) > 1 for each in outcomes for fold in each.folds.values())
        return cls(
            [each.member.number for each in outcomes],
            {name: [_finite(each.scores.get(name)) for each in outcomes] for name in names},
            {name: [each.folds.get(name) for each in outcomes] for name in names if several},
            [_finite(_last(each.losses)) for each in outcomes],
            {each.member.number: each.error[:LONGEST] for each in outcomes if each.error},
            {
                name: [[fold[part] for fold in each.times] or None for each in outcomes]
                for part, name in enumerate(TIMES)
            },
        )

    def record(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        errors = {str(number): error for number, error in self.errors.items()}
        stored = {name: value for name, value in vars(self).items() if name != "times"}
        return {**stored, "errors": errors}

    @classmethod
    def from_record(cls, record: Mapping[str, Any]) -> OutcomeBatch:
        """Return the batch of a record.

        Raises
        ------
        LookupError, TypeError, ValueError
            If the record is invalid.
        """
        numbers = [int(number) for number in record["numbers"]]
        columns = {**record["scores"], "": record["losses"]}
        if any(len(column) != len(numbers) for column in columns.values()):
            raise ValueError("columns of different lengths")
        errors = {int(number): str(error) for number, error in record["errors"].items()}
        return cls(numbers, record["scores"], record["folds"], record["losses"], errors)


class Rung:
    """Candidates that are trained until the same epoch, and their outcomes.

    Parameters
    ----------
    bracket, number : int
        Number of the bracket, and of the rung within it.
    candidates : ndarray of int
        Numbers of the candidates, in ascending order.
    epochs : ndarray of int
        The epoch until which each candidate is trained.
    seeds : int
        Number of seeds, and thus of members, of a candidate. Member ``candidate * seeds + i`` has
        the ``i``-th seed.
    n_best : int
        Number of the best candidates whose checkpoints are needed.
    ranking : Ranking
        The monitored score.

    Attributes
    ----------
    is_last : bool
        True if no candidate is promoted from this rung.
    done : ndarray of bool
        True for each candidate whose members are all trained.
    scores : dict of str to ndarray, shape (candidates, seeds)
    folds, times : dict of str to ndarray, shape (candidates, seeds, folds)
    losses : ndarray, shape (candidates, seeds)
    errors : dict of int to str
        Error messages by the number of the member.
    """

    def __init__(
        self, bracket: int, number: int, candidates: Array, epochs: Array, seeds: int, n_best: int,
        ranking: Ranking,
    ) -> None:  # fmt: skip
        self.bracket, self.number, self.candidates = bracket, number, candidates
        self.epochs, self.seeds, self.n_best = epochs, seeds, n_best
        self.ranking, self.is_last = ranking, False
        self.done = np.zeros(len(candidates), bool)
        self.scores: dict[str, Array] = {}
        self.folds: dict[str, Array] = {}
        self.times: dict[str, Array] = {}
        self.losses = self._empty()
        self.errors: dict[int, str] = {}

    @property
    def name(self) -> str:
        """Name of the rung in the names of files."""
        return f"{self.bracket}-{self.number}"

    @property
    def complete(self) -> bool:
        """True if all candidates are trained."""
        return bool(self.done.all())

    def members(self, positions: Iterable[int]) -> list[int]:
        """Return the numbers of the members of the candidates at some positions."""
        firsts = [int(self.candidates[at]) * self.seeds for at in positions]
        return [first + seed for first in firsts for seed in range(self.seeds)]

    def batch(self, at: int) -> OutcomeBatch:
        """Return the outcomes of the candidate at a position."""
        numbers = self.members([at])
        return OutcomeBatch(
            numbers,
            {name: list(map(_finite, scores[at].tolist())) for name, scores in self.scores.items()},
            {name: folds[at].tolist() for name, folds in self.folds.items()},
            list(map(_finite, self.losses[at].tolist())),
            {number: self.errors[number] for number in numbers if number in self.errors},
        )

    def take(self, batch: OutcomeBatch) -> Array:
        """Add a batch of outcomes; return the positions of the newly trained candidates.

        A candidate counts only if the batch holds all of its members.
        """
        numbers = np.asarray(batch.numbers, np.int64)
        candidates, seeds = np.divmod(numbers, self.seeds)
        at = np.searchsorted(self.candidates, candidates)
        at = np.minimum(at, max(len(self.candidates) - 1, 0))
        is_here = self.candidates[at] == candidates if len(self.candidates) else at < 0
        new = is_here & ~self.done[at] if len(at) else is_here
        rows, columns = at[new], seeds[new]
        for name, values in batch.scores.items():
            of_all = self.scores.setdefault(name, self._empty())
            of_all[rows, columns] = _floats(values)[new]
        for name, parts in batch.folds.items():
            self._take_folds(self.folds, name, parts, new, rows, columns)
        for name, parts in batch.times.items():
            self._take_folds(self.times, name, parts, new, rows, columns)
        self.losses[rows, columns] = _floats(batch.losses)[new]
        self.errors.update(
            {n: e for n, e in batch.errors.items() if n in set(numbers[new].tolist())}
        )
        counts = np.bincount(rows, minlength=len(self.candidates))
        complete = np.flatnonzero(counts == self.seeds)
        self.done[complete] = True
        return complete

    def score(self, name: str | None = None) -> Array:
        """Return each candidate's score, the mean over its seeds; NaN if a seed has no score.

        By default it is the monitored score.
        """
        name = name or self.monitor
        if name not in self.scores:
            return np.full(len(self.candidates), np.nan)
        return np.where(self.done, self.scores[name].mean(axis=1), np.nan)

    @property
    def monitor(self) -> str:
        """Name of the monitored score."""
        return self.ranking.name(self.scores)

    @property
    def higher(self) -> bool:
        """True if a higher score is better."""
        return self.ranking.is_higher(self.monitor)

    def best(self, count: int) -> Array:
        """Return the positions of the best candidates so far, the best first."""
        keys = self.keys()
        positions = order(keys, higher=False)[:count]
        return positions[np.isfinite(keys[positions])]

    def keys(self) -> Array:
        """Return each candidate's key, lower for better ones; NaN without a score."""
        names = self.ranking.names(self.scores)
        return keys_of([self.score(n) for n in names], [self.ranking.is_higher(n) for n in names])

    def _take_folds(
        self, table: dict[str, Array], name: str, values: list[Any], new: Array, rows: Array,
        columns: Array,
    ) -> None:  # fmt: skip
        several = max((len(each) for each in values if each is not None), default=0)
        if not several:
            return
        if name not in table:
            table[name] = np.full((len(self.candidates), self.seeds, several), np.nan)
        lost = [None] * several
        filled = np.array([lost if each is None else each for each in values], np.float64)
        table[name][rows, columns] = filled[new]

    def _empty(self) -> Array:
        return np.full((len(self.candidates), self.seeds), np.nan)


def _finite(value: float | None) -> float | None:
    """Convert a number for strict JSON: None if it is not finite."""
    return None if value is None or not math.isfinite(value) else float(value)


def _floats(values: list[float | None]) -> Array:
    return np.array(values, np.float64)  # None is NaN


def _last(losses: list[list[float]]) -> float | None:
    """Return the last epoch's loss, averaged over the folds."""
    ends = [each[-1] for each in losses if each]
    return sum(ends) / len(ends) if ends else None
