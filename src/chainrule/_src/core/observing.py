"""The observation of reads of sizes that is in progress in this thread, if any.

Which lines a function runs may depend on the batch size. A higher wing observes that: it is told
which shapes the code reads, and it gives the code sizes that know where they come from.
"""

from __future__ import annotations

import threading
from typing import Any, Protocol


class Reader(Protocol):
    """Observes the sizes that code reads while it is recorded."""

    follows: bool

    def read(self, shape: tuple[int, ...], library: str) -> Any:
        """Return a shape for the code to read; ``library`` is the file that reads it for others."""

    def plain(self, tree: Any) -> Any:
        """Return arguments or an index with plain numbers in the place of observed sizes."""


class Observation(threading.local):
    """The reader of this thread."""

    by: Reader | None = None


observation = Observation()


def not_followed() -> None:
    """Note that the code uses sizes in a way that the reader cannot follow."""
    if observation.by is not None:
        observation.by.follows = False
