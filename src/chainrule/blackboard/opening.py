"""From what was asked for to a session that trains it."""

from __future__ import annotations

from typing import Any

from chainrule.blackboard import subjects
from chainrule.blackboard.anatomy import anatomy
from chainrule.blackboard.scenes import scenes_of
from chainrule.blackboard.session import Session
from chainrule.blackboard.subject import Subject
from chainrule.validation import lookup

KINDS: dict[str, list[int]] = {"network": [10], "deep": [32, 32], "softmax": []}
"""The lab's networks by name, with their hidden layers."""
PACE = 25  # updates a second, to be followed by eye


def begin(subject: Subject) -> Session:
    """Return a session that trains already."""
    session = Session(subject, more=_More())
    session.handle({"do": "play", "rate": PACE})
    return session


class _More:
    """What pages are told of a subject beside its numbers, found once."""

    def __init__(self) -> None:
        self._subject: Subject | None = None
        self._found: dict[str, Any] = {}

    def __call__(self, subject: Subject) -> dict[str, Any]:
        """Return it."""
        if subject is not self._subject:
            self._subject, self._found = subject, {"anatomy": anatomy_of(subject)}
        return {**self._found, "mistakes": [], "scenes": scenes_of(subject)}


def anatomy_of(subject: Subject) -> dict[str, Any]:
    """Return what the model computes of one sample."""
    if subject.forward is None:
        return {"predict": None, "learn": None}
    data = subject.data
    return anatomy(subject.forward, subject.loss, subject.params, data.X[:1], data.y[:1])


def subject_of(data: str = "digits", target: str | None = None, model: str = "network") -> Subject:
    """Return what is to be trained.

    Parameters
    ----------
    data : str
        A data set by name, or a file.
    target : str, optional
        The column of a table to predict.
    model : str
        One of `KINDS`, or a file that `Sequential.save` wrote.

    Raises
    ------
    DataError, FileError, UnknownNameError
        If it cannot be read or trained.
    """
    found = subjects.digits() if data == "digits" else subjects.table(data, target)
    return subjects.network(found, {"layers": lookup("model", model, KINDS)})
