"""What a training run recorded, epoch by epoch."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass
class History:
    """Scores before training (epoch 0) and after every epoch.

    Attributes
    ----------
    epoch : list of int
    history : dict of str to list of float
        One list a score, aligned with ``epoch``. A score can also be read as an attribute:
        ``history.loss`` is ``history.history["loss"]``.

    Examples
    --------
    >>> history = History()
    >>> history.append(0, {"loss": 2.3})
    >>> history.append(1, {"loss": 0.4})
    >>> history.loss
    [2.3, 0.4]
    """

    epoch: list[int] = field(default_factory=list)
    history: dict[str, list[float]] = field(default_factory=dict)

    def append(self, epoch: int, scores: dict[str, float]) -> None:
        """Add one epoch's scores."""
        self.epoch.append(epoch)
        for name, score in scores.items():
            self.history.setdefault(name, []).append(score)

    def __getattr__(self, name: str) -> list[float]:
        history = self.__dict__.get("history", {})
        if name in history:
            scores: list[float] = history[name]
            return scores
        raise AttributeError(f"the history has no {name!r}; it holds {', '.join(history)}")
