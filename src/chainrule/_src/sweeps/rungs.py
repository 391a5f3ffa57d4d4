"""Successive halving and Hyperband: who is trained for how long, and who goes on."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from chainrule._src.base.arrays import Array
from chainrule._src.base.errors import OptionError


@dataclass(frozen=True)
class Bracket:
    """Candidates that are held against each other, rung by rung.

    Attributes
    ----------
    first, count : int
        Candidates ``first … first + count - 1``.
    epochs : tuple of int
        For each rung, until which epoch they are trained.
    factor : int
        One in so many goes on to the next rung.
    """

    first: int
    count: int
    epochs: tuple[int, ...]
    factor: int = 1

    @property
    def sizes(self) -> list[int]:
        """How many candidates each rung has."""
        return [max(self.count // self.factor**rung, 1) for rung in range(len(self.epochs))]

    @property
    def cost(self) -> int:
        """Epochs of training, all in all."""
        each = np.diff(self.epochs, prepend=0)
        return int(np.dot(each, self.sizes))


def all_the_way(first: int, count: int, epochs: int) -> list[Bracket]:
    """Return one bracket in which all are trained to the end."""
    return [Bracket(first, count, (epochs,))]


def halving(first: int, count: int, epochs: int, factor: int) -> list[Bracket]:
    """Return successive halving (Jamieson and Talwalkar, 2016).

    Until the last rung, from rung to rung there are ``factor`` times fewer candidates, trained for
    ``factor`` times more epochs; the first rung has at least one epoch, the last one candidate.

    Examples
    --------
    >>> halving(0, 100, 27, 3)
    [Bracket(first=0, count=100, epochs=(1, 3, 9, 27), factor=3)]
    """
    steps = min(_steps(epochs, factor), _steps(count, factor))
    return [_bracket(first, count, epochs, factor, steps)]


def hyperband(first: int, count: int, epochs: int, factor: int) -> list[Bracket]:
    r"""Return the brackets of Hyperband (Li et al., 2018), so many candidates all in all.

    Bracket :math:`s = s_{max}, …, 0` halves :math:`s` times and has a share of the candidates in
    proportion to :math:`f^s / (s + 1)`: all brackets train for about as many epochs.

    Examples
    --------
    >>> [(b.count, b.epochs) for b in hyperband(0, 100, 9, 3)]
    [(55, (1, 3, 9)), (27, (3, 9)), (18, (9,))]
    """
    most = _steps(epochs, factor)
    shares = np.array([factor**s / (s + 1) for s in range(most, -1, -1)])
    ends = np.rint(np.cumsum(shares) / shares.sum() * count).astype(int)
    found = []
    for steps, begin, end in zip(range(most, -1, -1), [0, *ends[:-1]], ends, strict=True):
        if end > begin:
            fits = min(steps, _steps(int(end - begin), factor))
            found.append(_bracket(first + int(begin), int(end - begin), epochs, factor, fits))
    return found


def check_factor(factor: object, name: str) -> int:
    """Return a factor of halving.

    Raises
    ------
    OptionError
        If it is none.
    """
    if isinstance(factor, bool) or not isinstance(factor, int | np.integer) or factor < 2:
        raise OptionError(
            name,
            f"must be a whole number of at least 2 (one in so many goes on), received {factor!r}",
        )
    return int(factor)


def order(scores: Array, higher: bool) -> Array:
    """Return the positions of scores, the best first.

    Of equal ones the first comes first; what is not finite comes last.

    Examples
    --------
    >>> order(np.array([0.3, np.nan, 0.1, 0.3]), higher=False)
    array([2, 0, 3, 1])
    """
    lost = ~np.isfinite(scores)
    return np.lexsort((np.where(lost, 0.0, -scores if higher else scores), lost))


def survivors(scores: Array, count: int, higher: bool) -> Array:
    """Return the positions of the ``count`` best, in their order; none without a finite score.

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
    """Return how often a number can be divided."""
    return int(math.log(most) / math.log(factor) + 1e-9)
