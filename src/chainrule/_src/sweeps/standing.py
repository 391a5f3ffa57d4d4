"""Where the candidates of a sweep stand: one order for its table, its best, and its ranks."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from chainrule._src.base.arrays import Array
from chainrule._src.sweeps.outcomes import Rung


class Standing:
    """What came of each candidate where it was trained last, and in which order that puts them.

    Those that got further come first, of these the better; of equal ones the first. Those without
    a score come last, wherever they lost it.

    Parameters
    ----------
    rungs : sequence of Rung
        In the order in which they were trained.
    count : int
        How many candidates there are.

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
        reached = np.zeros(count, np.int64)  # of the rung: a setting may say less for one of it
        for number, rung in enumerate(rungs):
            there = np.flatnonzero(rung.done)
            who = rung.candidates[there]
            self.rung[who], self.at[who] = number, there
            self.scores[who] = rung.score()[there]
            reached[who] = rung.epochs.max(initial=0)
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
        """Return the rank of each candidate that was tried, from 1 on; equal ones share theirs."""
        keys = self._keys[:, self.order]
        first = np.append(True, (keys[:, 1:] != keys[:, :-1]).any(axis=0))[: len(self.order)]
        ranks = np.empty(len(self.rung), np.int32)
        places = np.arange(1, len(self.order) + 1)
        ranks[self.order] = np.maximum.accumulate(np.where(first, places, 0))
        return ranks[self.tried]
