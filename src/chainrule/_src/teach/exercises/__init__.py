"""The exercises of each lab, by name."""

from __future__ import annotations

import importlib
import os
from functools import cache

from chainrule._src.base.errors import UnknownNameError
from chainrule._src.core.names import count_names
from chainrule._src.teach.exercise import Exercise

count_names(os.path.dirname(__file__))

# Lab → its module. An exercise has the name of the function or class to write.
LABS: dict[str, str] = {
    "01_softmax_and_backpropagation": "softmax_and_backpropagation",
    "02_going_further": "going_further",
    "03_reverse_mode": "reverse_mode",
    "04_minimal_framework": "minimal_framework",
    "05_optimizers": "optimizers",
}


@cache
def exercises(lab: str) -> dict[str, Exercise]:
    """Return a lab's exercises by name, in the order of the lab."""
    module = importlib.import_module(f"chainrule._src.teach.exercises.{LABS[lab]}")
    members: list[Exercise] = module.EXERCISES
    return {exercise.name: exercise for exercise in members}


@cache
def every() -> dict[str, Exercise]:
    """Return all exercises of all labs by name."""
    return {name: exercise for lab in LABS for name, exercise in exercises(lab).items()}


def exercise(name: str) -> Exercise:
    """Return an exercise.

    Raises
    ------
    UnknownNameError
        If no lab has an exercise of this name; the message lists the names.
    """
    if name not in every():
        raise UnknownNameError("exercise", name, every())
    return every()[name]
