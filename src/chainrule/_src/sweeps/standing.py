"""The order of the candidates of a sweep, for its table, its best models and its ranks."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from chainrule._src.base.arrays import Array
from chainrule._src.sweeps.outcomes import Rung


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

    Attributes
    ----------
    rungs : sequence of Rung
    rung, at : ndarray of int, shape (candidates,)
        The last rung in which each was trained, -1 for none, and its position there.
    scores : ndarray, shape (candidates,)
    order : ndarray of int
        The candidates that were tried, the best first.
    """

    def __init__(self, rungs: Sequence[Rung], count: int) -> None:
        self.rungs, self.scores = rungs, np.full(count, np.nan)
        self.rung, self.at = np.full(count, -1), np.zeros(count, np.intp)
        # The epochs of the rung; a candidate's own setting may be lower.
        reached = np.zeros(count, np.int64)
        for number, rung in enumerate(rungs):
            complete = np.flatnonzero(rung.done)
            candidates = rung.candidates[complete]
            self.rung[candidates], self.at[candidates] = number, complete
            self.scores[candidates] = rung.score()[complete]
            reached[candidates] = rung.epochs.max(initial=0)
        self.tried = np.flatnonzero(self.rung >= 0)
        lost = ~np.isfinite(self.scores)
        sign = -1.0 if rungs and rungs[0].higher else 1.0
        keys = np.where(lost, 0.0, sign * self.scores), np.where(lost, 0, -reached), lost
        self._keys = np.stack(keys)
        self.order = self.tried[np.lexsort(self._keys[:, self.tried])]

    @property
    def best(self) -> Array:
        """The candidates that have a score, the best first."""
        return np.asarray(self.order[np.isfinite(self.scores[self.order])])

    def ranks(self) -> Array:
        """Return the rank, from 1, of each candidate that was tried; equal ones share a rank."""
        keys = self._keys[:, self.order]
        first = np.append(True, (keys[:, 1:] != keys[:, :-1]).any(axis=0))[: len(self.order)]
        ranks = np.empty(len(self.rung), np.int32)
        places = np.arange(1, len(self.order) + 1)
        ranks[self.order] = np.maximum.accumulate(np.where(first, places, 0))
        return ranks[self.tried]
