"""Data that pass between the search and the training of many models."""

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
        Arguments of `build`, and settings of the training.
    seed : int
        Seed of the initial weights and of the order of samples.
    """

    number: int
    settings: Settings
    seed: int


class TrainingTask(NamedTuple):
    """A member to train until an epoch, from the start or from a checkpoint."""

    member: Member
    epochs: int
    checkpoint: Checkpoint | None = None


@dataclass
class TaskOutcome:
    """Outcome of a task.

    Attributes
    ----------
    member : Member
    epochs : int
        Number of epochs that the member was trained for, from the start.
    scores : dict of str to float
        Scores on the validation samples, means over the folds: ``val_loss`` and so on.
    folds : dict of str to list of float
        The scores of each fold.
    losses : list of list of float
        For each fold the mean training loss of each epoch of this task.
    checkpoint : list, optional
        State from which training can continue.
    error : str
        Reason why there is no score: an error of `build`, or a loss that turned NaN.
    times : list of tuple of float
        For each fold the seconds of training and of scoring.
    """

    member: Member
    epochs: int
    scores: dict[str, float] = field(default_factory=dict)
    folds: dict[str, list[float]] = field(default_factory=dict)
    losses: list[list[float]] = field(default_factory=list)
    checkpoint: Checkpoint | None = None
    error: str = ""
    times: list[tuple[float, float]] = field(default_factory=list)

    def add(self, logs: Mapping[str, float]) -> None:
        """Add the scores of a fold."""
        for name, score in logs.items():
            each = self.folds.setdefault(f"val_{name}", [])
            each.append(score)
            self.scores[f"val_{name}"] = sum(each) / len(each)

    def failed(self, error: str) -> None:
        """Store an error, and remove all scores."""
        self.scores, self.folds, self.checkpoint, self.error = {}, {}, None, error


class Trains(Protocol):
    """Protocol of a trainer of members."""

    def run(self, tasks: Iterable[TrainingTask]) -> Iterator[TaskOutcome]:
        """Yield the outcome of each task, in the order of the tasks.

        It takes from ``tasks`` only a few tasks ahead.
        """
