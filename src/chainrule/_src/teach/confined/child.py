"""The process for one exercise of one submission: it drops its rights, then answers requests."""

from __future__ import annotations

import builtins
import contextlib
import os
import random
import socket
import sys
import warnings
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from chainrule._src.base.errors import DataError
from chainrule._src.teach import library_calls
from chainrule._src.teach.calls import ObjectServer, error_values
from chainrule._src.teach.confined import limits
from chainrule._src.teach.confined.frames import receive, send
from chainrule._src.teach.plain import decode, encode
from chainrule._src.teach.plan import problem
from chainrule._src.teach.submission import SubmissionPart, parse

RIGHT = "__right__"
STAND_IN = f"def {{name}}(*args, **kwargs):\n    return {RIGHT}({{name!r}}, args, kwargs)\n"
MOST_CODE = 20_000  # characters of a definition that are compared with those of others

if sys.platform == "linux":
    from chainrule._src.teach.confined import kernel


def serve(connection: socket.socket, settings: dict[str, Any]) -> None:
    """Answer requests until the socket is closed by the other side.

    Parameters
    ----------
    connection : socket
    settings : dict
        ``folder`` is the working folder, ``seconds`` and ``memory`` are limits, ``hidden`` lists
        unreadable paths, ``seed`` seeds random generators; ``kind`` says how much of chainrule can
        be imported: see `limits.views`.
    """
    answer = _Answers(settings)
    setattr(builtins, RIGHT, partial(_right, connection))
    _give_up(connection, settings)
    while True:
        request = receive(connection)
        try:
            reply = answer(request)
        except BaseException as error:  # a learner's code may raise any error, even in __str__
            reply = {"error": {"type": type(error).__name__, "message": "", "line": None}}
        send(connection, reply)


class _Answers:
    """Handler of requests: it reads, loads, calls or explains a learner's code."""

    def __init__(self, settings: dict[str, Any]) -> None:
        self._server = ObjectServer({})
        self._has_answers = settings["kind"] == "whole"

    def __call__(self, request: dict[str, Any]) -> dict[str, Any]:
        if "ask" in request:
            return self.value(request["ask"])
        do = request["do"]
        if do in ("read", "load", "explain"):
            try:
                return {"value": getattr(self, do)(request)}
            except (Exception, SystemExit) as error:
                return {"error": error_values(error)}
        return self._server.answer(request)

    def read(self, request: dict[str, Any]) -> dict[str, Any]:
        """Parse a text; return for each name the statements to run, or the problem.

        ``right`` names the functions that are replaced by stand-ins, which ask for right values.
        """
        submission = parse(Path(request["path"]), request["text"], request["stubs"])
        for name in request.get("right", ()):
            stand_in = parse(Path(f"the right {name}.py"), STAND_IN.format(name=name))
            submission = submission.instead(name, stand_in.statements)
        plan = {}
        for name, spec in request["names"].items():
            needed, tested = spec["needs"], spec["tests"]
            part = submission.part([*needed, *tested])
            bound = {b for statement in submission.needed(name) for b in statement.binds}
            plan[name] = {
                "uses": [other for other in request["names"] if other in bound - {name}],
                "problem": problem(submission, needed, spec["allows"]),
                "names": [*needed, *tested], "allows": spec["allows"],
                "code": submission.text_of(name)[:MOST_CODE],
                "texts": part.texts, "statements": part.statements,
            }  # fmt: skip
        return plan

    def load(self, request: dict[str, Any]) -> None:
        """Run the part of a submission that defines an exercise and the names its tests use."""
        part = SubmissionPart(request["texts"], request["statements"])
        library_calls.watch(request["allows"])
        space = part.run(change=library_calls.instrumented)
        self._server = ObjectServer(
            {name: space[name] for name in request["names"] if name in space}
        )

    def value(self, call: Any) -> dict[str, Any]:
        """Return the value of a right function for a submission, whose request may be forged.

        Arguments and values are plain, and no line of the solution is in an error.
        """
        try:
            function = self._server.object_of(str(call["of"]))
            args = [decode(arg) for arg in call["args"]]
            kwargs = {key: decode(arg) for key, arg in call["kwargs"].items()}
            arrays = [arg for arg in args if isinstance(arg, np.ndarray)]
            before = [arg.tobytes() for arg in arrays]
            value = {"value": encode(function(*args, **kwargs))}
            if before != [arg.tobytes() for arg in arrays]:
                raise DataError("a right function that changes its arguments cannot stand in")
            return value
        except Exception as error:  # a solution may raise any error
            values = error_values(error)
            return {"error": {key: values[key] for key in ("type", "message")}}

    def explain(self, request: dict[str, Any]) -> str:
        """Diagnose the loaded answer; return "" if chainrule is not available here."""
        from chainrule._src.teach.exercise import CheckOutcome, ExerciseResult
        from chainrule._src.teach.loader import exercise

        if not self._has_answers:
            return ""
        name = request["name"]
        outcomes = tuple(CheckOutcome(check, 1, passed) for check, passed in request["checks"])
        task = exercise(name, request["lab"])
        return task.explain(
            self._server.object_of(name), ExerciseResult(name, outcomes), request["student"]
        )


def _right(connection: socket.socket, name: str, args: Any, kwargs: dict[str, Any]) -> Any:
    """Return the value of a right function, which runs in another process behind the grader."""
    send(connection, {
        "ask": {"of": name, "args": [encode(arg) for arg in args],
                "kwargs": {key: encode(arg) for key, arg in kwargs.items()}},
    })  # fmt: skip
    reply = receive(connection)
    if error := reply.get("error"):
        raise getattr(builtins, error["type"], RuntimeError)(error["message"])
    return decode(reply["value"])


def _give_up(connection: socket.socket, settings: dict[str, Any]) -> None:
    """Drop all rights and file descriptors that an answer does not need."""
    if sys.platform == "linux":
        kernel.die_with_parent()
    if hasattr(os, "setsid"):
        with contextlib.suppress(OSError):
            os.setsid()
    folder = os.path.realpath(settings["folder"])
    os.chdir(folder)
    _close_all_but(connection.fileno())
    np.random.seed(settings["seed"])  # noqa: NPY002  # of a learner's code
    random.seed(settings["seed"])
    warnings.simplefilter("ignore")
    read, hidden = limits.views(settings["kind"])
    hidden += [os.path.realpath(path) for path in settings["hidden"]]
    limits.limit(settings["seconds"], settings["memory"])  # before seccomp refuses it
    if sys.platform == "linux":
        kernel.confine(folder, read, hidden)
    limits.hook(folder, read, hidden, explains=settings["kind"] == "whole")


def _close_all_but(descriptor: int) -> None:
    nothing = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(nothing, stream)
    if sys.platform != "win32":
        os.closerange(3, descriptor)
        os.closerange(descriptor + 1, os.sysconf("SC_OPEN_MAX"))
    sys.stdin = open(os.devnull, encoding="utf-8")  # noqa: SIM115
    for name in ("stdout", "stderr"):
        setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: SIM115
