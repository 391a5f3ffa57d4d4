"""Grade one submission in a service's container: ``python -m chainrule._src.teach.exports.run``."""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from chainrule._src.base.errors import FileError
from chainrule._src.base.escaping import for_terminal
from chainrule._src.data.storage.files import write_text
from chainrule._src.teach.confined.sealing import gap
from chainrule._src.teach.exports.results import gradescope, prairielearn
from chainrule._src.teach.grading.collect import Entry, find_lab, of_student
from chainrule._src.teach.grading.grade import Assignment, Grader
from chainrule._src.teach.grading.setting import assignment
from chainrule._src.teach.loader import load
from chainrule._src.teach.source import Source
from chainrule._src.teach.submission import text_of

FORMS = {"gradescope": gradescope, "prairielearn": prairielearn}


def main(arguments: Sequence[str] | None = None) -> None:
    """Grade the submission in a folder and write ``results.json``."""
    parser = argparse.ArgumentParser(prog="python -m chainrule._src.teach.exports.run")
    parser.add_argument("form", choices=sorted(FORMS))
    parser.add_argument("lab", help="the lab's name")
    parser.add_argument("folder", type=Path, help="where the submission's files are")
    parser.add_argument("output", type=Path, help="where results.json goes")
    parser.add_argument("--exercise", default="", help="grade the answer to this exercise alone")
    parser.add_argument("--metadata", type=Path, help="Gradescope's submission_metadata.json")
    options = parser.parse_args(arguments)
    if sentence := gap():
        print(for_terminal(sentence), file=sys.stderr)
    task = assignment(find_lab(options.lab, []))
    entry = of_student(options.folder, options.exercise or options.lab, _name(options.metadata))
    with tempfile.TemporaryDirectory(prefix="chainrule-") as room:
        if options.exercise:
            source = load(task.key).source
            task = only(task, options.exercise)
            entry = completed(entry, source, options.exercise, Path(room))
        with Grader(task) as grader:
            graded = grader.grade(entry)
    options.output.parent.mkdir(parents=True, exist_ok=True)
    write_text(options.output, json.dumps(FORMS[options.form](graded), indent=1) + "\n")


def only(task: Assignment, name: str) -> Assignment:
    """Return an assignment with one of the exercises."""
    hidden = {name: task.hidden[name]} if name in task.hidden else {}
    return replace(task, exercises={name: task.exercises[name]}, hidden=hidden)


def completed(entry: Entry, source: Source, name: str, room: Path) -> Entry:
    """Return a notebook with an answer behind the lab's other cells, which it may use."""
    if entry.path is None:
        return entry
    try:
        answer = text_of(entry.path)
    except FileError as error:
        return replace(entry, path=None, note=str(error))
    others: list[str] = []
    for cell in source.cells:
        if name in cell.exercises:
            beside = (source.definitions(n, solved=True) for n in cell.exercises if n != name)
            others += [text for texts in beside for text in texts]
        elif not cell.text and not cell.check:
            others.append(source.code(cell, solved=True))
    cells = [{"cell_type": "code", "source": text} for text in [*others, answer]]
    path = room / f"{entry.path.stem}.ipynb"
    path.write_text(json.dumps({"cells": cells}), encoding="utf-8")
    return replace(entry, path=path)


def _name(metadata: Path | None) -> str:
    """Return the student's e-mail address, which seeds the random values; "" if unknown."""
    try:
        users = json.loads(metadata.read_text(encoding="utf-8"))["users"] if metadata else []
        return str(users[0]["email"])
    except (OSError, ValueError, LookupError, TypeError):
        return ""


if __name__ == "__main__":
    main()
