"""Containers of several results of one equation, and of their adjoints."""

from __future__ import annotations

from typing import Any

import numpy as np


class Several:
    """The results of an operation that has several: arrays, or tensors."""

    __slots__ = ("parts",)
    dtype = np.dtype(object)

    def __init__(self, parts: tuple[Any, ...]) -> None:
        self.parts = parts

    @property
    def shape(self) -> tuple[Any, ...]:
        """The shapes of the results."""
        return tuple(np.shape(part) for part in self.parts)


class Adjoints(dict[int, Any]):
    """The adjoints of some of several results, by position."""

    def __add__(self, other: Adjoints) -> Adjoints:
        both = Adjoints(self)
        for number, g in other.items():
            both[number] = both[number] + g if number in both else g
        return both
