"""The marks on disk as they come: a line for each graded submission, in a file beside the marks.

A run that was ended loses nothing: the next one takes the marks whose submission and whose checks
are still the same, and grades the others.
"""

from __future__ import annotations

import hashlib
import inspect
import json
import os
from collections.abc import Callable, Collection, Sequence
from pathlib import Path
from typing import Any

from chainrule._src.base.errors import FileError
from chainrule._src.base.version import __version__
from chainrule._src.teach.grading.collect import Entry
from chainrule._src.teach.grading.grade import Assignment, Graded
from chainrule._src.teach.loader import load


class MarkRecord:
    """Marks on disk, by the student's name.

    Parameters
    ----------
    path : Path
    assignment : Assignment
        Marks of other checks, points, limits or seeds are not taken.
    """

    def __init__(self, path: Path, assignment: Assignment) -> None:
        self.path = path
        self._assignment = _digest(_contents(assignment))
        self._by_key: dict[str, tuple[dict[str, Any], dict[str, str]]] = {}
        if path.exists():
            self._read()

    def _read(self) -> None:
        try:
            lines = self.path.read_bytes().split(b"\n")
        except OSError as error:
            raise FileError(f"{self.path} cannot be read: {error.strerror}") from None
        for line in lines:
            try:
                values = json.loads(line)
                self._by_key[values["key"]] = values["marks"], values["code"]
            except (ValueError, KeyError, TypeError):
                continue  # the last line of a run that was ended is not complete

    def known(self, entries: Sequence[Entry], again: Collection[str] = ()) -> dict[str, Graded]:
        """Return the marks of entries whose submission is unchanged, except those named again."""
        names = {name.casefold() for name in again}
        return {
            entry.name: Graded.from_dict(*marks)
            for entry in entries
            if entry.name.casefold() not in names
            and (marks := self._by_key.get(self._key(entry))) is not None
        }

    def add(self, entry: Entry, graded: Graded) -> None:
        """Append the marks of a submission; they are on disk when this returns."""
        line = json.dumps({
            "key": self._key(entry), "marks": graded.to_dict(), "code": dict(graded.code),
        })  # fmt: skip

        with self.path.open("ab") as file:
            if file.tell():
                file.write(b"\n")  # also behind a line that is not complete
            file.write(line.encode("ascii"))
            file.flush()
            os.fsync(file.fileno())

    def _key(self, entry: Entry) -> str:
        try:
            content = entry.path.read_bytes() if entry.path else entry.note.encode()
        except OSError:
            content = b""
        return _digest(self._assignment, entry.name, entry.file, entry.note, content)


def _contents(assignment: Assignment) -> str:
    """Return all that decides about marks, as text."""
    checks = {
        name: [(check.name, check.points, _text(check.run)) for check in exercise.checks]
        for name, exercise in assignment.exercises.items()
    }
    limits = assignment.limits.seconds, assignment.limits.memory
    text = load(assignment.key).source.path.read_text("utf-8") if assignment.key else ""
    parts = (__version__, assignment.lab, text, checks, dict(assignment.hidden), assignment.seed)
    return repr((*parts, limits, assignment.stubs))


def _text(function: Callable[..., Any]) -> str:
    """Return the text of a check, so that a changed one is noticed."""
    try:
        return inspect.getsource(function)
    except (OSError, TypeError):
        return function.__code__.co_code.hex()


def _digest(*parts: str | bytes) -> str:
    digest = hashlib.sha256()
    for part in parts:
        data = part.encode("utf-8", "surrogateescape") if isinstance(part, str) else part
        digest.update(len(data).to_bytes(8, "big") + data)
    return digest.hexdigest()
