"""A recurrence: a body that runs once a step and hands its carry on to the next.

Its equation has several results, the last carry and what every step gives, which others take out
of it one by one.
"""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np

from chainrule.ops.kernel import Recurrence, Result
from chainrule.ops.primitive import Family, Together

RECURRENCE = Family()


class Several:
    """What an operation with several results gives: arrays, or tensors."""

    __slots__ = ("parts",)
    dtype = np.dtype(object)

    def __init__(self, parts: tuple[Any, ...]) -> None:
        self.parts = parts

    @property
    def shape(self) -> tuple[Any, ...]:
        """The shapes of the results."""
        return tuple(np.shape(part) for part in self.parts)


class Adjoints(dict[int, Any]):
    """The adjoints of some of several results, by their number."""

    def __add__(self, other: Adjoints) -> Adjoints:
        both = Adjoints(self)
        for number, g in other.items():
            both[number] = both[number] + g if number in both else g
        return both


class Body(Protocol):
    """The equations of a step."""

    def run(
        self, operands: tuple[Any, ...], steps: int, reverse: bool, sketch: bool = False
    ) -> Several:
        """Run all steps on plain arrays; for a ``sketch``, one step stands for all."""

    def pulled(
        self, g: Adjoints, y: Any, wanted: tuple[int, ...], operands: Any, how: Any
    ) -> dict[int, Any]:
        """Return the adjoints of the operands that are asked for, where they have any."""


def _run(*operands: Any, body: Body, steps: int, reverse: bool, recompute: bool) -> Several:
    return body.run(operands, steps, reverse)


def _sketch(*operands: Any, body: Body, steps: int, reverse: bool, recompute: bool) -> Several:
    return body.run(operands, steps, reverse, sketch=True)


def _rule(g: Any, y: Any, wanted: Any, *operands: Any, body: Body, **how: Any) -> dict[int, Any]:
    return body.pulled(g, y, wanted, operands, how)


SCAN = RECURRENCE.add(
    "scan",
    _run,
    Together(_rule),
    lambda shapes, **_: f"scan({', '.join(f'_{i}' for i in range(len(shapes)))})",
    kernel=Recurrence(),
    form=_sketch,
)
"""The operands: the first carry, what is the same in every step, what steps are run over."""

ITEM = RECURRENCE.add(
    "item",
    lambda several, number: several.parts[number],
    (lambda g, y, several, number: Adjoints({number: g}),),
    "_0[number]",
    kernel=Result(),
)
