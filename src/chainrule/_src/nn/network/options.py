"""The options of `fit` that describe its batches, its weights and its validation data."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from chainrule._src.base.validation import check_flag, check_number, check_positive

BATCH_SIZE = 32


@dataclass
class Weights:
    """The weights of the samples, and of the classes by class number."""

    of_samples: Any = None
    of_classes: Any = None


@dataclass
class BatchSizes:
    """The batches to train on.

    Attributes
    ----------
    batch_size : int
    steps : int or None
        Largest number of updates per epoch.
    drop_remainder : bool
        If true, a last batch with fewer samples is left out.
    """

    batch_size: Any
    steps: Any
    drop_remainder: Any

    def __post_init__(self) -> None:
        if self.batch_size is None:
            self.batch_size = BATCH_SIZE
        self.batch_size = check_positive(self.batch_size, "batch_size", "fit")
        self.steps = positive_or_none(self.steps, "steps_per_epoch")
        self.drop_remainder = check_flag(self.drop_remainder, "drop_remainder", "fit")


@dataclass
class ValidationOptions:
    """The validation data and their batches.

    Attributes
    ----------
    share : float
        Share of the samples, the last ones, that is held out unless there are ``data``.
    data : tuple or iterable of tuple, optional
    batch_size : int
    steps : int or None
        Largest number of batches.
    """

    share: Any
    data: Any
    batch_size: Any
    steps: Any

    def __post_init__(self) -> None:
        self.share = check_number(self.share, "validation_split", "fit", high=1.0)
        self.batch_size = check_positive(self.batch_size, "validation_batch_size", "fit")
        self.steps = positive_or_none(self.steps, "validation_steps")


def positive_or_none(value: Any, name: str) -> int | None:
    """Return a positive whole number, or None; ``name`` is the option's name in errors."""
    return None if value is None else check_positive(value, name, "fit")
