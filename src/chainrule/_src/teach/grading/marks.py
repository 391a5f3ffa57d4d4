"""Marks as CSV, JSON and JUnit's XML."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterable
from typing import Any
from xml.etree import ElementTree as ET

from chainrule._src.base.escaping import for_csv
from chainrule._src.teach.grading.classroom import Classroom
from chainrule._src.teach.grading.grade import Graded
from chainrule._src.teach.grading.rules import FinalMark

_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def to_csv(classroom: Classroom) -> str:
    """Return CSV with a row per submission: name, points of each exercise, total, message.

    If a person has points to give, a column ``open`` has them with their questions.
    """
    names = list(classroom.assignment.exercises)
    has_questions = any(mark.questions for mark in classroom.marks)
    head = ["name", *names, "late days", "lost", "total", "of", "file", "message", "comment"]
    rows = [[*head, "open"] if has_questions else head]
    for mark in classroom.marks:
        points = [number(mark.exercises[name].got) for name in names]
        sums = map(number, (mark.days, mark.lost, mark.total, mark.most))
        texts = [mark.graded.file, mark.graded.message, "; ".join(mark.comments)]
        rows.append([mark.name, *points, *sums, *texts, *([_open(mark)] if has_questions else [])])
    return csv_text(rows)


def _open(mark: FinalMark) -> str:
    """Return the points that a person has yet to give, with the questions."""
    return "; ".join(
        f"{name}: {number(mark.exercises[name].open)} ({question})"
        for name, question in mark.questions.items()
    )


def csv_text(rows: Iterable[Iterable[object]]) -> str:
    """Return rows as CSV in which no cell is a formula."""
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(map(for_csv, row) for row in rows)
    return text.getvalue()


def number(value: float) -> str:
    """Return points as text, with at most two digits behind the point.

    Examples
    --------
    >>> number(3.0), number(2.5), number(10 / 3)
    ('3', '2.5', '3.33')
    """
    return f"{value:.2f}".rstrip("0").rstrip(".")


def to_json(classroom: Classroom) -> str:
    """Return the marks of every check as JSON."""
    marks = {
        "lab": classroom.assignment.lab,
        "most": classroom.most,
        "not_graded": classroom.left,
        "submissions": [
            mark.graded.to_dict()
            | {
                "total": mark.total,
                "of": mark.most,
                "late_days": mark.days,
                "lost": mark.lost,
                "comments": list(mark.comments),
            }
            for mark in classroom.marks
        ],
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
