"""Right answers in the place of wrong ones, which a submission calls and never holds.

The right functions run in a process of their own. Where a submission calls one of them, its process
asks the grader, the grader asks that process, and plain values alone go back: no text, no code, no
objects. A stand-in that asks replaces the submission's own definition: see `confined.child`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self

from chainrule._src.base.errors import DataError
from chainrule._src.base.processes import Limits
from chainrule._src.teach.calls import name_of
from chainrule._src.teach.expect import Wrong
from chainrule._src.teach.plain import decode, encode
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
        self, host: Host, limits: Limits, part: SubmissionPart, names: tuple[str, ...]
    ) -> None:
        self._names = names
        self._worker = Worker(host, limits, "the right answer")
        self._load = {
            "do": "load", "names": list(names), "allows": [], "texts": part.texts,
            "statements": part.statements,
        }  # fmt: skip

    def __enter__(self) -> Self:
        self._worker.__enter__()
        return self

    def __exit__(self, *error: object) -> None:
        self._worker.__exit__(*error)

    def __call__(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """Return ``{"value": ...}`` or ``{"error": ...}`` for a request of a submission's process.

        The request may be forged: arguments are plain values, or the call is refused.
        """
        try:
            reply = self._worker.ask(self._loading() or _call(request, self._names))
            if error := reply.get("error"):
                # No line of the solution goes back.
                return {"error": {key: error.get(key) for key in ("type", "message")}}
            if reply.get("changed"):
                raise DataError("a right answer that changes its arguments cannot stand in")
            return {"value": encode(decode(reply["value"]))}
        except (DataError, Wrong) as error:
            return {"error": {"type": "ValueError", "message": str(error)}}

    def _loading(self) -> dict[str, Any] | None:
        """Load the functions before the first call, of which there may be none."""
        if self._load:
            request, self._load = self._load, {}
            self._worker.ask(request)
        return None


def _call(request: Mapping[str, Any], names: tuple[str, ...]) -> dict[str, Any]:
    """Return a request of the grader's own with the name and the values of a submission's.

    Raises
    ------
    DataError
        If the name is not allowed, or an argument is not plain.
    """
    name, args, kwargs = name_of(request.get("of"), ""), request.get("args"), request.get("kwargs")
    if name not in names or not isinstance(args, list) or not isinstance(kwargs, dict):
        raise DataError("a call of what does not stand in")
    return {
        "do": "call", "of": name, "args": [encode(decode(arg)) for arg in args],
        "kwargs": {str(key): encode(decode(arg)) for key, arg in kwargs.items()},
    }  # fmt: skip


__all__ = ["RightAnswers"]
