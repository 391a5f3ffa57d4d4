"""Equations for what must be added to an expression, so that wrong results become right."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from chainrule._src.base.arrays import Array


class Addition(NamedTuple):
    """The amount that must be added to an expression at a turn, the first with such an amount."""

    turn: int
    amount: Array
    slack: float


class Equations(NamedTuple):
    """Equations for what must be added to an expression: ``rows @ addition = gaps``.

    The additions of several turns are one behind the other.
    """

    turns: Sequence[int]
    rows: Array  # an equation each, over the entries of the expression
    gaps: Array
    slack: Array
    names: Sequence[str]  # the result of each equation; none if the equations are of all results

    def failing(self, addition: Array) -> set[str]:
        """Return the results of which an equation does not hold."""
        holds = np.abs(self.rows @ addition - self.gaps) <= self.slack
        return {name for name, is_right in zip(self.names, holds, strict=True) if not is_right}

    def hold(self, additions: Array) -> Array:
        """Return a mask of the additions that fulfil all equations.

        ``additions`` has an axis of its own for the equations: the last one.
        """
        mask: Array = (np.abs(additions - self.gaps) <= self.slack).all(axis=-1)
        return mask


class SlopesOfShare(NamedTuple):
    """A random combination of a turn's share in a result: its slopes, and what must be added."""

    adjoints: dict[int, Any]
    gap: float
    slack: float


NEVER = Equations((), np.zeros((1, 0)), np.ones(1), np.zeros(1), ())
IMPOSSIBLE = Addition(-1, np.zeros(0), 0.0)  # no values of the expression make the results right
