"""Right answers in the place of wrong ones, which a submission calls and never holds.

The right functions run in a process of their own. Where a submission calls one of them, its process
asks the grader, the grader asks that process, and plain values alone go back: no text, no code, no
objects. A stand-in that asks replaces the submission's own definition: see `confined.child`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Self

from chainrule._src.base.processes import Limits
from chainrule._src.teach.expect import Wrong
from chainrule._src.teach.plain import dumps
from chainrule._src.teach.running import Host, Worker
from chainrule._src.teach.submission import SubmissionPart


class RightAnswers:
    """Context manager for the process of right functions, and their caller.

    Parameters
    ----------
    host : Host
    limits : Limits
    part : SubmissionPart
        The solution's statements that define the functions.
    names : sequence of str
        The functions that may be called.
    """

    def __init__(
        self, host: Host, limits: Limits, part: SubmissionPart, names: Sequence[str]
    ) -> None:
        self._worker = Worker(host, limits, "the right answer")
        self._load: dict[str, Any] = {
            "do": "load", "names": list(names), "allows": [], "texts": part.texts,
            "statements": part.statements,
        }  # fmt: skip

    def __enter__(self) -> Self:
        self._worker.__enter__()
        return self

    def __exit__(self, *error: object) -> None:
        self._worker.__exit__(*error)

    def __call__(self, message: bytes) -> bytes:
        """Return the reply to a message of a submission's process, both serialised.

        The message may be forged: the process of right functions serves nothing but values.
        """
        try:
            if self._load:  # before the first call, of which there may be none
                request, self._load = self._load, {}
                self._worker.ask(request)
            return self._worker.relay(message)
        except Wrong as error:
            return dumps({"error": {"type": "RuntimeError", "message": str(error)}})


__all__ = ["RightAnswers"]
