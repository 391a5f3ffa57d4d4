"""Marks as CSV, JSON and JUnit's XML."""

from __future__ import annotations

import csv
import io
import json
import re
from typing import Any
from xml.etree import ElementTree as ET

from chainrule._src.base.escaping import for_csv
from chainrule._src.teach.grading.classroom import Classroom
from chainrule._src.teach.grading.grade import Graded

_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def to_csv(classroom: Classroom) -> str:
    """Return CSV with a row per submission: name, points of each exercise, total, message.

    If a person has points to give, a column ``open`` has them with their questions.
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    names = list(classroom.assignment.exercises)
    has_questions = any(graded.questions for graded in classroom.graded)
    open_marks = ["open"] if has_questions else []  # for a person to give
    writer.writerow(["name", *names, "total", "of", *open_marks, "file", "message"])
    for graded in classroom.graded:
        points = [result.points for result in graded.results]
        row: list[str | int] = [
            graded.name,
            *points,
            graded.points,
            graded.most,
            *([graded.questions] if has_questions else []),
            graded.file,
            graded.message,
        ]
        writer.writerow(map(for_csv, row))
    return text.getvalue()


def to_json(classroom: Classroom) -> str:
    """Return the marks of every check as JSON."""
    marks = {
        "lab": classroom.assignment.lab,
        "most": classroom.most,
        "not_graded": classroom.left,
        "submissions": [graded.to_dict() for graded in classroom.graded],
    }
    return json.dumps(_clean(marks), indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def _clean(value: Any) -> Any:
    """Replace lone surrogates, which UTF-8 cannot encode, in the texts of a value."""
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode()
    if isinstance(value, dict):
        return {key: _clean(item) for key, item in value.items()}
    return [_clean(item) for item in value] if isinstance(value, list) else value


def to_junit(classroom: Classroom) -> str:
    """Return JUnit's XML with a test suite per submission and a test case per check."""
    root = ET.Element("testsuites", name=_text(classroom.assignment.lab))
    for graded in classroom.graded:
        root.append(_suite(graded))
    ET.indent(root)
    return ET.tostring(root, encoding="unicode", xml_declaration=True) + "\n"


def _suite(graded: Graded) -> ET.Element:
    outcomes = [(result, outcome) for result in graded.results for outcome in result.outcomes]
    failed = sum(not outcome.passed for _, outcome in outcomes)
    suite = ET.Element(
        "testsuite", name=_text(graded.name), tests=str(len(outcomes)), failures=str(failed),
        errors="0", time=f"{graded.seconds:.3f}",
    )  # fmt: skip
    for result, outcome in outcomes:
        name = f"{outcome.check} ({outcome.points} point{'s' * (outcome.points != 1)})"
        case = ET.SubElement(suite, "testcase", classname=result.exercise, name=name, time="0")
        if not outcome.passed:
            sentence = _text(outcome.sentence)
            ET.SubElement(case, "failure", message=sentence).text = _text(result.sentence)
    return suite


def _text(text: str) -> str:
    return _NOT_XML.sub("�", text)
