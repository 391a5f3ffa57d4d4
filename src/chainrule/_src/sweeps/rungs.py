"""Successive halving and Hyperband: schedules of training and promotion."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from chainrule._src.base.arrays import Array
from chainrule._src.base.errors import OptionError


@dataclass(frozen=True)
class Bracket:
    """Candidates that are compared with each other, rung by rung.

    Attributes
    ----------
    first, count : int
        Candidates ``first … first + count - 1``.
    epochs : tuple of int
        The epoch until which candidates are trained, for each rung.
    factor : int
        One in ``factor`` candidates is promoted to the next rung.
    """

    first: int
    count: int
    epochs: tuple[int, ...]
    factor: int = 1

    @property
    def sizes(self) -> list[int]:
        """Number of candidates of each rung."""
        return [max(self.count // self.factor**rung, 1) for rung in range(len(self.epochs))]

    @property
    def cost(self) -> int:
        """Total number of epochs of training."""
        each = np.diff(self.epochs, prepend=0)
        return int(np.dot(each, self.sizes))


def all_the_way(first: int, count: int, epochs: int) -> list[Bracket]:
    """Return one bracket in which all candidates are trained to the end."""
    return [Bracket(first, count, (epochs,))]


def halving(first: int, count: int, epochs: int, factor: int) -> list[Bracket]:
    """Return successive halving (Jamieson and Talwalkar, 2016).

    Each rung has ``factor`` times fewer candidates than the one before, trained for ``factor``
    times as many epochs. The first rung has at least one epoch, and the last rung at least one
    candidate.

    Examples
    --------
    >>> halving(0, 100, 27, 3)
    [Bracket(first=0, count=100, epochs=(1, 3, 9, 27), factor=3)]
    """
    steps = min(_steps(epochs, factor), _steps(count, factor))
    return [_bracket(first, count, epochs, factor, steps)]


def hyperband(first: int, count: int, epochs: int, factor: int) -> list[Bracket]:
    r"""Return the brackets of Hyperband (Li et al., 2018) with ``count`` candidates in total.

    Bracket :math:`s = s_{max}, …, 0` halves :math:`s` times and has a share of the candidates in
    proportion to :math:`f^s / (s + 1)`: all brackets train for about the same number of epochs.

    Examples
    --------
    >>> [(b.count, b.epochs) for b in hyperband(0, 100, 9, 3)]
    [(55, (1, 3, 9)), (27, (3, 9)), (18, (9,))]
    """
    most = _steps(epochs, factor)
    shares = np.array([factor**s / (s + 1) for s in range(most, -1, -1)])
    ends = np.rint(np.cumsum(shares) / shares.sum() * count).astype(int)
    brackets = []
    for steps, begin, end in zip(range(most, -1, -1), [0, *ends[:-1]], ends, strict=True):
        if end > begin:
            fits = min(steps, _steps(int(end - begin), factor))
            brackets.append(_bracket(first + int(begin), int(end - begin), epochs, factor, fits))
    return brackets


def check_factor(factor: object, name: str) -> int:
    """Check the reduction factor of halving.

    Raises
    ------
    OptionError
        If the factor is not a whole number of at least 2.
    """
    if isinstance(factor, bool) or not isinstance(factor, int | np.integer) or factor < 2:
        raise OptionError(
            name,
            f"must be a whole number of at least 2 (one in so many goes on), received {factor!r}",
        )
    return int(factor)


def order(scores: Array, higher: bool) -> Array:
    """Return the positions of scores, the best first.

    The order of equal scores is kept; scores that are not finite come last.

    Examples
    --------
    >>> order(np.array([0.3, np.nan, 0.1, 0.3]), higher=False)
    array([2, 0, 3, 1])
    """
    lost = ~np.isfinite(scores)
    return np.lexsort((np.where(lost, 0.0, -scores if higher else scores), lost))


def keys_of(scores: Sequence[Array], higher: Sequence[bool]) -> Array:
    """Return keys of candidates by which the best come first in ascending order.

    Of one score they are the score or its negative. Of several they are the number of the Pareto
    front, plus a part below 1 that grows with the first score's rank: a front holds the candidates
    that no other of it and of later fronts equals or beats in all scores and beats in one.

    Examples
    --------
    >>> loss, accuracy = np.array([0.1, 0.2, 0.3, np.nan]), np.array([0.7, 0.9, 0.8, 1.0])
    >>> np.floor(keys_of([loss, accuracy], [False, True]))
    array([ 0.,  0.,  1., nan])
    """
    signed = [-each if is_higher else each for each, is_higher in zip(scores, higher, strict=True)]
    if len(signed) == 1:
        return signed[0]
    table = np.stack(signed, axis=1)
    keys, remaining = np.full(len(table), np.nan), np.flatnonzero(np.isfinite(table).all(axis=1))
    remaining = remaining[
        np.lexsort(table[remaining].T[::-1])
    ]  # later ones beat none of those before
    places, number = np.arange(len(remaining)) / (len(remaining) + 1), 0
    while len(remaining):
        front, later = np.empty((0, len(signed))), np.zeros(len(remaining), bool)
        for at, row in enumerate(table[remaining]):
            later[at] = ((front <= row).all(axis=1) & (front < row).any(axis=1)).any()
            front = front if later[at] else np.vstack([front, row])
        keys[remaining[~later]] = number + places[~later]
        remaining, places, number = remaining[later], places[later], number + 1
    return keys


def survivors(scores: Array, count: int, higher: bool) -> Array:
    """Return the positions of the ``count`` best finite scores, in ascending order.

    Examples
    --------
    >>> survivors(np.array([0.3, np.nan, 0.1, 0.3]), 2, higher=False)
    array([0, 2])
    """
    best = order(scores, higher)[:count]
    return np.sort(best[np.isfinite(scores[best])])


def _bracket(first: int, count: int, epochs: int, factor: int, steps: int) -> Bracket:
    reached = [max(round(epochs / factor**step), 1) for step in range(steps, -1, -1)]
    return Bracket(first, count, tuple(dict.fromkeys(reached)), factor)


def _steps(most: int, factor: int) -> int:
    """Return the number of times that ``most`` can be divided by ``factor``."""
    return int(math.log(most) / math.log(factor) + 1e-9)
