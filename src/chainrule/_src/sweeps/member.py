"""What passes between the search and the training of many models."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Protocol

Settings = dict[str, Any]
Checkpoint = list[dict[str, Any]]  # for each fold: nested dicts of arrays and plain numbers


class Member(NamedTuple):
    """One model of a sweep.

    Attributes
    ----------
    number : int
    settings : dict
        What `build` is called with, and what is told to the training.
    seed : int
        Of its initial weights and of the order of its samples.
    """

    number: int
    settings: Settings
    seed: int


class Task(NamedTuple):
    """A member that is to be trained until an epoch, from the start or from a checkpoint."""

    member: Member
    epochs: int
    checkpoint: Checkpoint | None = None


@dataclass
class Outcome:
    """What came of a task.

    Attributes
    ----------
    member : Member
    epochs : int
        That it was trained for, from the start.
    scores : dict of str to float
        Of the samples held back, the means over the folds: ``val_loss`` and so on.
    folds : dict of str to list of float
        The same for each fold.
    losses : list of list of float
        For each fold the training's mean loss, of each epoch of this task.
    checkpoint : list, optional
        What training goes on from.
    error : str
        Why there is no score: what `build` raised, or that the loss turned NaN.
    """

    member: Member
    epochs: int
    scores: dict[str, float] = field(default_factory=dict)
    folds: dict[str, list[float]] = field(default_factory=dict)
    losses: list[list[float]] = field(default_factory=list)
    checkpoint: Checkpoint | None = None
    error: str = ""

    def add(self, logs: Mapping[str, float]) -> None:
        """Add the scores of a fold."""
        for name, score in logs.items():
            each = self.folds.setdefault(f"val_{name}", [])
            each.append(score)
            self.scores[f"val_{name}"] = sum(each) / len(each)

    def failed(self, error: str) -> None:
        """Let there be no score, of no fold."""
        self.scores, self.folds, self.checkpoint, self.error = {}, {}, None, error


class Trains(Protocol):
    """What trains members."""

    def run(self, tasks: Iterable[Task]) -> Iterator[Outcome]:
        """Yield the outcome of each task, in the order of the tasks.

        It takes from ``tasks`` little more than what is trained at the moment.
        """
