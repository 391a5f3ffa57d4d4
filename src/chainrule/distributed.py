"""Training on a cluster, and on files larger than memory."""

from chainrule._src.cluster import (
    Rounds,
)

__all__ = [
    "Rounds",
]
