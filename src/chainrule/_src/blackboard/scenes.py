"""Scenes for teachers: sequences of steps, each with a text, actions, a highlight, a condition."""

from __future__ import annotations

import json
from functools import cache
from importlib.resources import files
from typing import Any

from chainrule._src.blackboard.subject import Subject

ORDER = (
    "softmax-regression", "hidden-layer", "learning-rate", "batch-size", "zero-weights",
    "vanishing-gradient",
)  # fmt: skip


@cache
def scenes() -> tuple[dict[str, Any], ...]:
    """Return the scenes that the page offers, as plain values.

    Returns
    -------
    tuple of dict
        Each with ``title``, ``about`` and ``steps``.

    Examples
    --------
    >>> [scene["title"] for scene in scenes()][:2]
    ['Softmax regression', 'The hidden layer']
    """
    folder = files("chainrule._src.blackboard") / "scenes"
    texts = ((folder / f"{name}.json").read_text(encoding="utf-8") for name in ORDER)
    return tuple(json.loads(text) for text in texts)


def scenes_of(subject: Subject) -> tuple[dict[str, Any], ...]:
    """Return the scenes for a subject: all for the lab's network on the digits, else no scenes."""
    return scenes() if subject.kind == "lab" and subject.data.name == "digits" else ()
