"""The observation of the code's reads of sizes that is in progress in this thread, if any.

The lines that a function runs may depend on the batch size. A higher wing observes that: it is
informed of the shapes that the code reads, and it returns sizes that record how they are used.

A supporting module of `tensor`.
"""

from __future__ import annotations

import threading
from typing import Any, Protocol


class ShapeReader(Protocol):
    """Observer of the sizes that code reads while it is recorded."""

    follows: bool

    def read(self, shape: tuple[int, ...], library: str) -> Any:
        """Return the shape that the code gets; ``library`` is the file that reads on its behalf."""

    def plain(self, tree: Any) -> Any:
        """Return arguments or an index, with observed sizes replaced by plain numbers."""


class Observation(threading.local):
    """The reader that observes this thread, in the attribute ``by``."""

    by: ShapeReader | None = None


observation = Observation()


def not_followed() -> None:
    """Note that the code uses sizes in a way that the reader cannot follow."""
    if observation.by is not None:
        observation.by.follows = False
