"""Which score decides, and which way it is better."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from chainrule._src.base.errors import DataError, OptionError
from chainrule._src.base.validation import lookup
from chainrule._src.nn.callbacks.monitor import MODES, better

USUAL = "val_loss"


class Ranking:
    """The score that decides.

    Parameters
    ----------
    monitor : str, optional
        By default ``"val_loss"``, and of estimators, which have none, ``"val_score"``.
    mode : {"auto", "min", "max"}
        Whether a lower or a higher score is better; ``"auto"`` tells by the name.
    """

    def __init__(self, monitor: str | None = None, mode: str = "auto") -> None:
        lookup("mode", mode, MODES)
        if monitor is not None and not isinstance(monitor, str):
            raise DataError(f"sweep: monitor must be a score's name, received {monitor!r}")
        self.monitor, self.mode = monitor, mode
        if monitor is not None:
            self.is_higher(monitor)

    def name(self, scores: Iterable[str]) -> str:
        """Return which of some scores decides."""
        if self.monitor is not None:
            return self.monitor
        names = list(scores)
        return names[0] if names and USUAL not in names else USUAL

    def check(self, scores: Iterable[str]) -> None:
        """Refuse scores without that which decides.

        Raises
        ------
        OptionError
            Naming those that are there.
        """
        names = list(scores)
        if self.name(names) not in names:
            raise OptionError(
                "monitor", f"there is no score {self.monitor!r}; there are {', '.join(names)}"
            )

    def is_higher(self, name: str) -> bool:
        """Whether a higher score is better.

        Raises
        ------
        OptionError
            If that cannot be told.
        """
        found = MODES[self.mode]
        if found is None:
            found = np.greater if name.endswith("score") else better(name)
        if found is None:
            raise OptionError(
                "mode", f"whether a higher {name!r} is better cannot be told; give 'min' or 'max'"
                f"{_meant(name)}"
            )  # fmt: skip
        return bool(found(1, 0))


def _meant(name: str) -> str:
    """Return which score may have been meant."""
    from difflib import get_close_matches  # takes a while to load, and is seldom needed

    from chainrule._src.nn.metrics import METRICS

    names = [f"val_{metric}" for metric in (*METRICS, "loss", "accuracy", "score")]
    found = get_close_matches(name, names, n=1, cutoff=0.8)
    return f"; did you mean {found[0]!r}?" if found else ""
