"""The order of the candidates of a sweep, for its table, its best models and its ranks."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from chainrule._src.base.arrays import Array
from chainrule._src.sweeps.outcomes import Rung
from chainrule._src.sweeps.rungs import keys_of


class CandidateOrder:
    """The candidates of a sweep, ordered by their last rungs and scores.

    Candidates that were trained longer come first; among these the better score, then the lower
    number. Candidates without a score come last.

    Parameters
    ----------
    rungs : sequence of Rung
        Rungs in the order of their training.
    count : int
        Number of candidates.
    name : str, optional
        The score; by default the monitored one.
    instead : float, optional
        Score of the candidates that have none.

    Attributes
    ----------
    rungs : sequence of Rung
    rung, at : ndarray of int, shape (candidates,)
        The last rung in which each was trained, -1 for none, and its position there.
    scores : ndarray, shape (candidates,)
    order : ndarray of int
        The candidates that were tried, the best first.
    """

    def __init__(
        self, rungs: Sequence[Rung], count: int, name: str | None = None, instead: float = np.nan
    ) -> None:
        self.rungs = rungs
        names = [name] if name or not rungs else rungs[0].ranking.names(rungs[0].scores)
        table = np.full((len(names), count), np.nan)
        self.rung, self.at = np.full(count, -1), np.zeros(count, np.intp)
        # The epochs of the rung; a candidate's own setting may be lower.
        reached = np.zeros(count, np.int64)
        for number, rung in enumerate(rungs):
            complete = np.flatnonzero(rung.done)
            candidates = rung.candidates[complete]
            self.rung[candidates], self.at[candidates] = number, complete
            table[:, candidates] = [rung.score(each)[complete] for each in names]
            reached[candidates] = rung.epochs.max(initial=0)
        self.tried = np.flatnonzero(self.rung >= 0)
        self.scores = table[0]
        self.scores[self.tried[np.isnan(self.scores[self.tried])]] = instead
        higher = [bool(rungs) and rungs[0].ranking.is_higher(n or rungs[0].monitor) for n in names]
        merits = np.full(count, np.nan)
        for epochs in np.unique(reached):
            same = reached == epochs
            merits[same] = keys_of([*table[:, same]], higher)
        lost = ~np.isfinite(merits)
        self._keys = np.stack([np.where(lost, 0.0, merits), np.where(lost, 0, -reached), lost])
        self.order = self.tried[np.lexsort(self._keys[:, self.tried])]

    @property
    def front(self) -> Array:
        """The candidates of the first Pareto front among those that were trained longest."""
        keys = self._keys[:, self.best]
        front: Array = self.best[(keys[1] == keys[1][:1]) & (np.floor(keys[0]) == 0)]
        return front

    @property
    def best(self) -> Array:
        """The candidates that have a score, the best first."""
        return np.asarray(self.order[self._keys[2, self.order] == 0])

    def ranks(self) -> Array:
        """Return the rank, from 1, of each candidate that was tried; equal ones share a rank."""
        keys = self._keys[:, self.order]
        first = np.append(True, (keys[:, 1:] != keys[:, :-1]).any(axis=0))[: len(self.order)]
        ranks = np.empty(len(self.rung), np.int32)
        places = np.arange(1, len(self.order) + 1)
        ranks[self.order] = np.maximum.accumulate(np.where(first, places, 0))
        return ranks[self.tried]
