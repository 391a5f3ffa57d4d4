"""Right answers in the place of wrong ones, which a submission calls and never holds.

The right functions and classes run in a process of their own, which has a socket in common with
that of the submission. Plain values alone cross: no text, no code. A stand-in that asks for them
replaces the submission's own definition: see `confined.right_values`.
"""

from __future__ import annotations

import socket
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any, Self

from chainrule._src.base.processes import Limits
from chainrule._src.teach.confined.right_values import class_stand_in, function_stand_in
from chainrule._src.teach.loader import LoadedLab, StandIn
from chainrule._src.teach.running import Host, Worker
from chainrule._src.teach.submission import SubmissionPart


@dataclass(frozen=True)
class RightDefinitions:
    """The right definitions that stand in for wrong ones.

    Attributes
    ----------
    part : SubmissionPart
        The solution's statements that define them.
    stand_ins : dict of str
        By name the text that replaces the submission's definition.
    methods : dict of list
        By name of a class the methods that may be called.
    """

    part: SubmissionPart
    stand_ins: dict[str, str]
    methods: dict[str, list[str]]


def right_definitions(
    lab: LoadedLab, name: str, wrong: Collection[str], student: str
) -> RightDefinitions | None:
    """Return right definitions for the wrong ones that an exercise uses, or None if it uses none.

    Where a class is wrong, all classes that the exercise uses are replaced: a method of a right
    class takes objects of right classes.
    """
    usable = lab.stand_ins(name)
    chosen = [other for other in usable if other in wrong]
    if any(usable[other].is_class for other in chosen):
        chosen = [other for other in usable if other in chosen or usable[other].is_class]
    if not chosen:
        return None
    texts = {other: _text(other, usable[other]) for other in chosen}
    methods = {other: usable[other].methods for other in chosen if usable[other].is_class}
    return RightDefinitions(lab.solution.submission(student).part(chosen), texts, methods)


def _text(name: str, right: StandIn) -> str:
    if right.is_class:
        return class_stand_in(name, right.bases, right.methods)
    return function_stand_in(name, right.is_fixed)


class RightAnswers:
    """Context manager for the process of right definitions.

    Parameters
    ----------
    host : Host
    limits : Limits
    right : RightDefinitions

    Attributes
    ----------
    line : socket
        The submission's end of the socket on which the process answers calls.
    """

    def __init__(self, host: Host, limits: Limits, right: RightDefinitions) -> None:
        other, self.line = socket.socketpair()
        with other:
            self._worker = Worker(host, limits, "the right answer", line=other)
        request: dict[str, Any] = {
            "do": "stand_in", "names": list(right.stand_ins), "methods": right.methods,
            "texts": right.part.texts, "statements": right.part.statements,
        }  # fmt: skip
        self._worker.tell(request)

    def __enter__(self) -> Self:
        self._worker.__enter__()
        return self

    def __exit__(self, *error: object) -> None:
        self.line.close()
        self._worker.__exit__(*error)


__all__ = ["RightAnswers", "RightDefinitions", "right_definitions"]
