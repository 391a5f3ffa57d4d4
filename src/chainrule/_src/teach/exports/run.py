"""Grade one submission in a service's container: ``python -m chainrule._src.teach.exports.run``."""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from pathlib import Path

from chainrule._src.data.storage.files import write_text
from chainrule._src.teach.exports.results import gradescope, prairielearn
from chainrule._src.teach.grading.collect import find_lab, of_student
from chainrule._src.teach.grading.grade import Grader
from chainrule._src.teach.grading.setting import assignment

FORMS = {"gradescope": gradescope, "prairielearn": prairielearn}


def main(arguments: Sequence[str] | None = None) -> None:
    """Grade the submission in a folder and write ``results.json``."""
    parser = argparse.ArgumentParser(prog="python -m chainrule._src.teach.exports.run")
    parser.add_argument("form", choices=sorted(FORMS))
    parser.add_argument("lab", help="the lab's name")
    parser.add_argument("folder", type=Path, help="where the submission's files are")
    parser.add_argument("output", type=Path, help="where results.json goes")
    parser.add_argument("--metadata", type=Path, help="Gradescope's submission_metadata.json")
    options = parser.parse_args(arguments)
    task = assignment(find_lab(options.lab, []))
    entry = of_student(options.folder, options.lab, _name(options.metadata))
    with Grader(task) as grader:
        graded = grader.grade(entry)
    options.output.parent.mkdir(parents=True, exist_ok=True)
    write_text(options.output, json.dumps(FORMS[options.form](graded), indent=1) + "\n")


def _name(metadata: Path | None) -> str:
    """Return the student's e-mail address, which seeds the random values; "" if unknown."""
    try:
        users = json.loads(metadata.read_text(encoding="utf-8"))["users"] if metadata else []
        return str(users[0]["email"])
    except (OSError, ValueError, LookupError, TypeError):
        return ""


if __name__ == "__main__":
    main()
