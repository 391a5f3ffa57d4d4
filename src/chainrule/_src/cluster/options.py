"""The options of a run in rounds."""

from __future__ import annotations

import inspect
from typing import Any

from chainrule._src.base.config import Configurable
from chainrule._src.base.errors import DataError
from chainrule._src.base.validation import check_count, check_flag, check_number, check_positive

BANDWIDTH = 125e6  # bytes per second: gigabit Ethernet


class Rounds(Configurable):
    r"""Trains by local SGD in rounds: the options of `Sequential.fit` for data in parts.

    The data are split into shards. In a round every shard starts from the same parameters and makes
    updates of its own; the mean of the results, weighted by samples, begins the next round. A round
    is a pure function of parameters, optimizer state, data and seed, and sums have a fixed order:
    the number of workers, and failures of workers, do not change a bit of the result.

    The optimizer's state is averaged with the parameters; its scalars (number of updates, learning
    rate) are those of the shard with the most updates. With ``outer_momentum`` the parameters move
    to the mean by a Nesterov step (Douillard et al., *DiLoCo: Distributed Low-Communication
    Training of Language Models*, 2023), :math:`\Delta` being the mean less the parameters before:

    .. math:: v \leftarrow \mu v + \Delta, \qquad w \leftarrow w + \eta (\Delta + \mu v)

    Parameters
    ----------
    shards : int, default 8
        Maximum number of shards; there are never more shards than parts of the data. 1 trains as
        in memory while the data stream by: best on one machine.
    round_steps : int, default 100
        Maximum number of updates of a shard in a round; a round also ends with the epoch.
    outer_momentum, outer_rate : float, default 0 and 1
        :math:`\mu` and :math:`\eta`; DiLoCo's are 0.9 and 0.7.
    n_workers : int, optional
        Without a client: the number of processes on this machine that Dask starts for this run; 0
        for none. By default none, but if the data are a collection of Dask's, the active client
        (if any) runs the rounds.
    checkpoint : path, optional
        File that is written after every round. If it exists, training resumes from it with its
        seed, provided that all other settings are equal. It can be loaded as a model's file too.
    timeout : float, default 600
        Seconds without a result after which the run ends with an error.
    plan : bool, default False
        If true, print the estimated time for several numbers of workers, and do not train.
    bandwidth : float, default 125e6
        Bytes per second between machines, for the plan.

    Raises
    ------
    DataError
        If ``outer_momentum`` is not in ``[0, 1)``, ``n_workers`` is negative, or another number is
        not above 0.

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
        """True if a round's result is the plain mean of the shards' results."""
        return not self.outer_momentum and self.outer_rate == 1

    @classmethod
    def of(cls, options: dict[str, Any]) -> Rounds:
        """Return the options of a call of ``fit``.

        Raises
        ------
        TypeError
            If a name is not an argument of ``fit``.
        """
        for name in options:
            if name not in inspect.signature(cls).parameters:
                raise TypeError(f"fit() got an unexpected keyword argument {name!r}")
        return cls(**options)
