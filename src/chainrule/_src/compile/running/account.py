"""The predicted time of each structure in NumPy, summed over all its runs in this process.

Times are predicted by a cost model and not measured, so that the same calls get the same engines.
"""

from __future__ import annotations

from collections.abc import Hashable

STRUCTURES = 1024  # the latest ones are remembered

_seconds: dict[Hashable, float] = {}  # by structure, the latest last


def expected_seconds(structure: Hashable, seconds: float) -> float:
    """Add the time of a run, and return the time that NumPy is expected to take from now on.

    A structure that was run before is expected to run for another five times its total so far.
    So a loop of short runs is compiled after a few of them.

    Parameters
    ----------
    structure : hashable
        A cache key that is equal for runs that share machine code.
    seconds : float
        The predicted time of this run in NumPy.
    """
    earlier = _seconds.pop(structure, 0.0)
    _seconds[structure] = total = earlier + seconds
    if len(_seconds) > STRUCTURES:
        _seconds.pop(next(iter(_seconds)), None)
    return 6 * total if earlier else total
