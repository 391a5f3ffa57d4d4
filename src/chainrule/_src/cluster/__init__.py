"""Training in rounds: on data that do not fit in memory, or that lie on several machines."""

from chainrule._src.cluster.options import Rounds

__all__ = ["Rounds"]
