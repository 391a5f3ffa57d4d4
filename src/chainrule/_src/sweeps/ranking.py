"""The monitored score, and its direction."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from chainrule._src.base.errors import DataError, OptionError
from chainrule._src.base.validation import lookup
from chainrule._src.nn.callbacks.monitor import MODES, better

USUAL = "val_loss"
PARAMETERS = "parameters"  # the number of trained weights: a score of networks, lower is better


class Ranking:
    """The monitored score, or several, by which candidates are compared.

    Parameters
    ----------
    monitor : str or sequence of str, optional
        Name of the score; by default ``"val_loss"``, or for estimators ``"val_score"``. Several are
        compared by Pareto fronts.
    mode : {"auto", "min", "max"}
        Direction: a lower or a higher score is better; ``"auto"`` infers it from the name.
    """

    def __init__(self, monitor: Any = None, mode: str = "auto") -> None:
        lookup("mode", mode, MODES)
        names = [monitor] if isinstance(monitor, str) else [] if monitor is None else monitor
        if not isinstance(names, list | tuple) or not all(isinstance(name, str) for name in names):
            raise DataError(
                f"sweep: monitor must be a score's name or a list of names, received {monitor!r}"
            )
        self.monitor: str | None = names[0] if names else None
        self.mode = mode
        self.others = tuple(names[1:])
        for name in names:
            self.is_higher(name)

    def names(self, scores: Iterable[str]) -> list[str]:
        """Return the names of the monitored scores among some scores."""
        return [self.name(scores), *self.others]

    def name(self, scores: Iterable[str]) -> str:
        """Return the name of the monitored score among some scores."""
        if self.monitor is not None:
            return self.monitor
        names = list(scores)
        return names[0] if names and USUAL not in names else USUAL

    def check(self, scores: Iterable[str]) -> None:
        """Refuse scores that lack the monitored score.

        Raises
        ------
        OptionError
            If the score is missing; the message names the available scores.
        """
        names = list(scores)
        for name in self.names(names):
            if name not in names:
                raise OptionError(
                    "monitor", f"there is no score {name!r}; there are {', '.join(names)}"
                )

    def is_higher(self, name: str) -> bool:
        """Return true if a higher score is better.

        Raises
        ------
        OptionError
            If the name does not determine the direction.
        """
        if name == PARAMETERS:
            return False
        comparison = MODES[self.mode]
        if comparison is None:
            comparison = np.greater if name.endswith("score") else better(name)
        if comparison is None:
            raise OptionError(
                "mode", f"whether a higher {name!r} is better cannot be told; give 'min' or 'max'"
                f"{_meant(name)}"
            )  # fmt: skip
        return bool(comparison(1, 0))


def _meant(name: str) -> str:
    """Return a hint at a score with a similar name."""
    from difflib import get_close_matches  # takes a while to load, and is seldom needed

    from chainrule._src.nn.metrics import METRICS

    names = [f"val_{metric}" for metric in (*METRICS, "loss", "accuracy", "score")]
    matches = get_close_matches(name, names, n=1, cutoff=0.8)
    return f"; did you mean {matches[0]!r}?" if matches else ""
