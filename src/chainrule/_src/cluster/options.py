"""How a run in rounds is shared out, put together and kept."""

from __future__ import annotations

import inspect
from typing import Any

from chainrule._src.base.config import Configurable
from chainrule._src.base.errors import DataError
from chainrule._src.base.validation import check_count, check_flag, check_number, check_positive

BANDWIDTH = 125e6  # bytes a second: of Ethernet with a gigabit


class Rounds(Configurable):
    r"""Local SGD in rounds: what `Sequential.fit` takes by these names.

    The data are dealt out to shards. In a round every shard makes updates of its own, from the same
    parameters; their mean, weighted by samples, begins the next round. A round is a pure function
    of parameters, optimizer's state, data and seed, and sums have a fixed order: how many workers
    there are, and which of them fail, changes no bit.

    The optimizer's state is averaged with the parameters; its numbers (updates done, learning
    rate) are those of the shard that made most updates. With ``outer_momentum`` the mean is taken
    by a step of Nesterov's (Douillard et al., *DiLoCo: Distributed Low-Communication Training of
    Language Models*, 2023), :math:`\Delta` being the mean less the parameters before:

    .. math:: v \leftarrow \mu v + \Delta, \qquad w \leftarrow w + \eta (\Delta + \mu v)

    Parameters
    ----------
    shards : int, default 8
        At most; there are never more than parts of the data. 1 is training as in memory, the data
        streaming by: best on one machine.
    round_steps : int, default 100
        Updates a shard in a round, at most; a round also ends with an epoch.
    outer_momentum, outer_rate : float, default 0 and 1
        :math:`\mu` and :math:`\eta`; DiLoCo's are 0.9 and 0.7.
    n_workers : int, optional
        Without a client: processes on this machine that Dask starts for this run; 0 for none. By
        default none, unless a client is active and the data are a collection of Dask's.
    checkpoint : path, optional
        Written after every round; where it is there, training goes on from it, with the seed that
        it began with, if all else that decides the bits is as it was. It is a model's file too.
    timeout : float, default 600
        Seconds without a result after which a cluster is given up.
    plan : bool, default False
        Print what the run would take with so many workers, and train nothing.
    bandwidth : float, default 125e6
        Bytes a second between machines, for the plan.

    Examples
    --------
    >>> Rounds(shards=4, outer_momentum=0.9, outer_rate=0.7)
    Rounds(shards=4, outer_momentum=0.9, outer_rate=0.7)
    """

    def __init__(
        self,
        *,
        shards: int = 8,
        round_steps: int = 100,
        outer_momentum: float = 0.0,
        outer_rate: float = 1.0,
        n_workers: int | None = None,
        checkpoint: Any = None,
        timeout: float = 600.0,
        plan: bool = False,
        bandwidth: float = BANDWIDTH,
    ) -> None:
        self.shards = check_positive(shards, "shards", "fit")
        self.round_steps = check_positive(round_steps, "round_steps", "fit")
        self.outer_momentum = check_number(outer_momentum, "outer_momentum", "fit", high=1.0)
        self.outer_rate = check_number(outer_rate, "outer_rate", "fit")
        self.n_workers = None if n_workers is None else check_count(n_workers, "n_workers", "fit")
        self.checkpoint = checkpoint
        self.timeout = check_number(timeout, "timeout", "fit")
        self.plan = check_flag(plan, "plan", "fit")
        self.bandwidth = check_number(bandwidth, "bandwidth", "fit")
        if not self.outer_rate or not self.timeout or not self.bandwidth:
            raise DataError("fit: outer_rate, timeout and bandwidth must be positive")

    @property
    def is_mean(self) -> bool:
        """Whether a round's result is the plain mean."""
        return not self.outer_momentum and self.outer_rate == 1

    @classmethod
    def of(cls, options: dict[str, Any]) -> Rounds:
        """Return the options of a call of ``fit``.

        Raises
        ------
        TypeError
            For a name that ``fit`` does not have.
        """
        for name in options:
            if name not in inspect.signature(cls).parameters:
                raise TypeError(f"fit() got an unexpected keyword argument {name!r}")
        return cls(**options)
