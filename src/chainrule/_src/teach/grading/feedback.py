"""Feedback for each student: a page and a text, in which nobody else is named."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from chainrule._src.base.escaping import for_terminal
from chainrule._src.base.pages import page
from chainrule._src.teach.exercise import ExerciseResult
from chainrule._src.teach.grading.classroom import Classroom
from chainrule._src.teach.grading.marks import number
from chainrule._src.teach.grading.report import late_text, title_of
from chainrule._src.teach.grading.rules import FinalMark

TEMPLATE = Path(__file__).with_name("templates") / "student.html"
_SPECIAL = re.compile(r"([\\`*_{}\[\]<>#|!&~])")


def feedback_files(classroom: Classroom) -> Iterator[tuple[str, str]]:
    """Yield the name and the content of each file."""
    used: set[str] = set()
    for mark in classroom.marks:
        name = stem = file_name(mark.name)
        count = 1
        while name.casefold() in used:
            count += 1
            name = f"{stem}-{count}"
        used.add(name.casefold())
        yield f"{name}.html", to_html(classroom, mark)
        yield f"{name}.md", to_markdown(classroom, mark)


def file_name(name: str) -> str:
    """Return a student's name as the name of a file on any system.

    Examples
    --------
    >>> file_name("../Ada Lovelace"), file_name("con")
    ('Ada_Lovelace', '_con')
    """
    stem = re.sub(r"[^\w-]+", "_", name).strip("_")[:80] or "student"
    return f"_{stem}" if re.fullmatch(r"(?i)con|prn|aux|nul|com\d|lpt\d", stem) else stem


def to_html(classroom: Classroom, mark: FinalMark) -> str:
    """Return a student's page."""
    return page(
        TEMPLATE, title=title_of(classroom.assignment.lab), name=mark.name,
        total=number(mark.total), most=number(mark.most), late=late_text(mark),
        note=mark.graded.note, file=mark.graded.file, comments=mark.comments,
        rows=[
            {
                "exercise": result.exercise, "passed": result.passed,
                "points": _points(mark, result), "outcomes": result.outcomes,
                "sentence": _sentence(mark, result),
            }
            for result in mark.graded.results
        ],
    )  # fmt: skip


def to_markdown(classroom: Classroom, mark: FinalMark) -> str:
    """Return a student's text, in which what a submission says is no markup."""
    lines = [f"# {plain(title_of(classroom.assignment.lab))}", "", plain(mark.name), ""]
    lines += [f"**{number(mark.total)} of {number(mark.most)} points**", ""]
    if mark.graded.file:
        lines += [f"Graded: {plain(mark.graded.file)}.", ""]
    for text in (mark.graded.note, late_text(mark)):
        lines += [f"{plain(text)}.", ""] if text else []
    for result in mark.graded.results:
        lines += [f"## {plain(result.exercise)}: {_points(mark, result)}", ""]
        lines += [f"- [{'x' if o.passed else ' '}] {plain(o.check)}" for o in result.outcomes]
        sentence = _sentence(mark, result)
        lines += ["", plain(sentence), ""] if sentence else [""]
    if mark.comments:
        lines += ["## Your teacher's comments", "", *(f"- {plain(c)}" for c in mark.comments), ""]
    return "\n".join(lines)


def plain(text: str) -> str:
    r"""Return a text as one line of Markdown that is shown as it is.

    Examples
    --------
    >>> print(plain("*all* <b>right</b>"))
    \*all\* \<b\>right\</b\>
    """
    return _SPECIAL.sub(r"\\\1", " ".join(for_terminal(text).split()))


def _points(mark: FinalMark, result: ExerciseResult) -> str:
    points = mark.exercises[result.exercise]
    return f"{number(points.got)} of {number(points.most)}"


def _sentence(mark: FinalMark, result: ExerciseResult) -> str:
    return "" if result.passed else mark.graded.sentence(result)
