"""The process for one exercise of one submission: it drops its rights, then answers requests."""

from __future__ import annotations

import ast
import builtins
import contextlib
import os
import random
import socket
import sys
import warnings
from collections.abc import Callable, Sequence
from functools import cache, partial
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from chainrule._src.base.errors import DataError
from chainrule._src.teach import library_calls
from chainrule._src.teach.calls import ObjectServer, error_values
from chainrule._src.teach.confined import limits
from chainrule._src.teach.confined.frames import receive, send
from chainrule._src.teach.confined.right_values import CALL, RightValues, call_right
from chainrule._src.teach.plan import imported, problem
from chainrule._src.teach.submission import SubmissionPart, parse

MOST_CODE = 20_000  # characters of a definition that are compared with those of others

if sys.platform == "linux":
    from chainrule._src.teach.confined import kernel


def serve(
    connection: socket.socket, settings: dict[str, Any], line: socket.socket | None = None
) -> None:
    """Answer requests until the socket is closed by the other side.

    Parameters
    ----------
    connection : socket
    settings : dict
        ``folder`` is the working folder, ``seconds`` and ``memory`` are limits, ``hidden`` lists
        unreadable paths, ``seed`` seeds random generators; ``kind`` says how much of chainrule can
        be imported: see `limits.views`.
    line : socket, optional
        The socket for calls of right functions: the process of a submission writes calls, the
        process that holds the functions answers them.
    """
    answer = _Answers(settings, line)
    if line is not None:
        setattr(builtins, CALL, partial(call_right, line))
    _give_up([each for each in (connection, line) if each is not None], settings)
    while True:
        request = receive(connection)
        try:
            reply = answer(request)
        except BaseException as error:  # a learner's code may raise any error, even in __str__
            reply = {"error": {"type": type(error).__name__, "message": "", "line": None}}
        send(connection, reply)


class _Answers:
    """Handler of requests: it reads, loads, calls or explains a learner's code."""

    def __init__(self, settings: dict[str, Any], line: socket.socket | None) -> None:
        self._server, self._line = ObjectServer({}), line
        self._has_answers = settings["kind"] == "whole"

    def __call__(self, request: dict[str, Any]) -> dict[str, Any]:
        do = request["do"]
        if do in ("read", "load", "stand_in", "explain"):
            try:
                return {"value": getattr(self, do)(request)}
            except (Exception, SystemExit) as error:
                return {"error": error_values(error)}
        return self._server.answer(request)

    def read(self, request: dict[str, Any]) -> dict[str, Any]:
        """Parse a text; return for each name the statements to run, or the problem.

        ``right`` has the texts of stand-ins, by the names of the functions that they replace.
        """
        submission = parse(Path(request["path"]), request["text"], request["stubs"])
        for name, text in request.get("right", {}).items():
            stand_in = parse(Path(f"the right {name}.py"), text)
            submission = submission.instead(name, stand_in.statements)
        plan = {}
        for name, spec in request["names"].items():
            needed, tested = spec["needs"], spec["tests"]
            part = submission.part([*needed, *tested])
            bound = {b for statement in submission.needed(name) for b in statement.binds}
            modules = {each.split(".")[0] for _, node in part.nodes() for each in imported(node)}
            plan[name] = {
                "uses": [other for other in request["names"] if other in bound - {name}],
                "problem": problem(submission, needed, spec["allows"]),
                "names": [*needed, *tested], "allows": spec["allows"], "imports": sorted(modules),
                "code": submission.text_of(name)[:MOST_CODE],
                "texts": part.texts, "statements": part.statements,
            }  # fmt: skip
        return plan

    def load(self, request: dict[str, Any]) -> None:
        """Run the part of a submission that defines an exercise and the names its tests use."""
        library_calls.watch(request["allows"])
        self._server = ObjectServer(_run(request, library_calls.instrumented))

    def stand_in(self, request: dict[str, Any]) -> None:
        """Run the part of a solution that defines right functions, and answer their calls."""
        if self._line is None:
            raise DataError("no line to a submission's process")
        with self._line as line:  # the submission's process waits until it is closed
            RightValues(_run(request), request["methods"]).serve(line)

    def explain(self, request: dict[str, Any]) -> str:
        """Diagnose the loaded answer; return "" if chainrule is not available here."""
        from chainrule._src.check.clock import at_most
        from chainrule._src.teach.exercise import CheckOutcome, ExerciseResult
        from chainrule._src.teach.loader import exercise

        if not self._has_answers:
            return ""
        name = request["name"]
        outcomes = tuple(
            CheckOutcome(check, 1, passed, sentence)
            for check, passed, sentence in request["checks"]
        )
        task = exercise(name, request["lab"])
        with at_most(request["seconds"]):
            return task.explain(
                self._server.object_of(name), ExerciseResult(name, outcomes), request["student"]
            )


def _run(
    request: dict[str, Any], change: Callable[[ast.stmt], ast.stmt] | None = None
) -> dict[str, Any]:
    """Run statements and return the values of the names that are requested."""
    space = SubmissionPart(request["texts"], request["statements"]).run(change=change)
    return {name: space[name] for name in request["names"] if name in space}


@cache
def view(kind: str, hidden: tuple[str, ...]) -> tuple[list[str], list[str], list[str]]:
    """Return the paths that a kind of process reads, those among them that are hidden, the rest.

    To search the folders takes longer than all else that a process does before it begins: the host
    does it once, before it forks.
    """
    read, secrets = limits.views(kind)
    secrets = secrets + [os.path.realpath(path) for path in hidden]
    paths: list[str] = []
    if sys.platform == "linux":
        paths = kernel.open_paths(read, secrets)
    return read, secrets, paths


def _give_up(sockets: Sequence[socket.socket], settings: dict[str, Any]) -> None:
    """Drop all rights and file descriptors that an answer does not need."""
    if sys.platform == "linux":
        kernel.die_with_parent()
    if hasattr(os, "setsid"):
        with contextlib.suppress(OSError):
            os.setsid()
    folder = os.path.realpath(settings["folder"])
    os.chdir(folder)
    _close_all_but(sorted(each.fileno() for each in sockets))
    np.random.seed(settings["seed"])  # noqa: NPY002  # of a learner's code
    random.seed(settings["seed"])
    warnings.simplefilter("ignore")
    read, hidden, paths = view(settings["kind"], tuple(settings["hidden"]))
    limits.limit(settings["seconds"], settings["memory"])  # before seccomp refuses it
    if sys.platform == "linux":
        kernel.confine(folder, paths)
    limits.hook(folder, read, hidden, explains=settings["kind"] == "whole")


def _close_all_but(descriptors: Sequence[int]) -> None:
    nothing = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(nothing, stream)
    if sys.platform != "win32":
        for before, after in pairwise([2, *descriptors, os.sysconf("SC_OPEN_MAX")]):
            os.closerange(before + 1, after)
    sys.stdin = open(os.devnull, encoding="utf-8")  # noqa: SIM115
    for name in ("stdout", "stderr"):
        setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: SIM115
