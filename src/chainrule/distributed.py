"""Training on a cluster, and on files larger than memory."""

from chainrule._src.cluster.options import Rounds

__all__ = ["Rounds"]
