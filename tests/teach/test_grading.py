"""A class is graded: every file gets its marks and a message, whatever it is."""

import csv
import html
import json
import re
import sys
import threading
from pathlib import Path
from unittest import mock
from xml.etree import ElementTree

import nbformat
import pytest
from tests.pace import SLOWNESS

from chainrule._src.teach.grading import classroom as rooms
from chainrule._src.teach.grading.collect import Entry, collect, find_lab
from chainrule._src.teach.grading.grade import Assignment, Grader
from chainrule._src.teach.grading.marks import to_csv, to_json, to_junit
from chainrule._src.teach.grading.report import to_html
from chainrule._src.teach.grading.setting import assignment
from chainrule._src.teach.grading.statistics import exercise_rows, mistakes
from chainrule._src.teach.loader import our_labs
from chainrule._src.teach.source import folder, read
from chainrule.errors import DataError, FileError

pytestmark = pytest.mark.portable

NOTEBOOKS = Path(__file__).parents[2] / "notebooks"
LAB = "01_softmax_and_backpropagation"
RIGHT = """
import numpy as np

def softmax(X):
    e = np.exp(X - np.max(X, axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)
"""
EVE = "<b>eve" if sys.platform != "win32" else "&lt;eve"  # a page escapes it
HALF = RIGHT.replace("e.sum(axis=-1, keepdims=True)", "np.sum(e)")
MUTATES = RIGHT.replace("    e =", "    if np.ndim(X) > 1:\n        X *= 1.5\n    e =")


def notebook(*cells, version=4):
    made = [{"cell_type": "code", "source": cell, "input": cell} for cell in cells]
    whole = {"cells": made} if version == 4 else {"worksheets": [{"cells": made}]}
    return json.dumps({"nbformat": version, "nbformat_minor": 0, "metadata": {}, **whole})


@pytest.fixture(scope="module")
def grader(hosts):
    """Softmax alone, with the hidden tests of the lab."""
    whole = assignment(LAB, 3.0 * SLOWNESS, 2**28, "")
    task = Assignment(
        LAB,
        {"softmax": whole.exercises["softmax"]},
        {"softmax": whole.hidden["softmax"]},
        whole.limits,
    )
    grader = Grader(task)
    grader._host, grader._library, grader._teacher = hosts.values()
    return grader


def asked(grader, task):
    """Have another assignment meanwhile."""
    return mock.patch.object(grader, "assignment", task)


def graded(grader, path, content):
    if isinstance(content, bytes):
        path.write_bytes(content)
    else:
        path.write_text(content, encoding="utf-8")
    return grader.grade(Entry(path.stem, path))


def test_right_answers_earn_all_and_half_right_ones_a_part_with_its_line(grader, tmp_path):
    right = graded(grader, tmp_path / "ada.py", RIGHT)
    assert (right.points, right.message) == (right.most, "all right")
    half = graded(grader, tmp_path / "bob.ipynb", notebook("# softmax", HALF))
    assert 0 < half.points < half.most
    assert "bob.ipynb cell 2, line 6: summed (or averaged) over the wrong axis" in half.message


def test_hidden_tests_count_and_their_sentence_is_told(grader, tmp_path):
    code = RIGHT.replace("    e =", "    if np.shape(X) == (2, 3): return X\n    e =")
    found = graded(grader, tmp_path / "eve.py", code)
    assert found.results[0].outcomes[-1].check == "hidden"
    assert not found.results[0].outcomes[-1].passed
    assert found.points < found.most


# A file, and what is said of it.
BAD = {
    "no.ipynb": (b"not JSON", "no notebook"),
    "list.ipynb": (b"[]", "no notebook"),
    "deep.ipynb": (b"[" * 10**5, "no notebook|nested"),
    "empty.ipynb": (b"", "is empty"),
    "spaces.py": (b"  \n ", "is empty"),
    "huge.ipynb": (b"x" * 50 * 2**20, "50 MB; at most 20 MB"),
    "latin.py": ("# é".encode("latin-1"), "not UTF-8"),
    "null.py": (b"def softmax(X):\n    return \x00", "null"),
    "nocells.ipynb": (notebook(), "not defined in nocells.ipynb"),
    "misnamed.py": (RIGHT.replace("softmax", "soft_max"), "soft_max is; rename it"),
    "torch.py": ("import torch\ndef softmax(X): return torch.softmax(X, -1)", "uses torch"),
    "scipy.py": ("from scipy.special import softmax", "uses scipy"),
    "syntax.ipynb": (notebook("x = 1", "def softmax(X)\n    return X"), "2, line 1: def soft"),
    "globals.py": ("def softmax(X):\n    return np.exp(X) / total", "np"),
    "none.py": ("def softmax(X):\n    pass", "is None"),
    "prints.py": (RIGHT.replace("return", "print(e);"), "prints its result"),
    "mutates.py": (MUTATES, "changes its argument"),
    "nested.py": ("softmax = " + "-" * 10**5 + "1", "softmax"),
    "brackets.py": ("softmax = " + "(" * 10**5, "not defined"),
    "sum.py": ("softmax = " + "1+" * 10**5 + "1", "softmax"),
    "wide.py": ("x = 1\n" * 20_000, "not defined"),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD)
def test_bad_files_get_a_sentence_and_no_marks(grader, tmp_path, name):
    content, sentence = BAD[name]
    found = graded(grader, tmp_path / name, content)
    assert found.points < found.most / 2
    assert any(part in found.message for part in sentence.split("|")), found.message
    assert len(found.message) < 500


def test_a_notebook_of_format_3_and_of_two_definitions_count(grader, tmp_path):
    old = graded(grader, tmp_path / "old.ipynb", notebook(RIGHT, version=3))
    assert old.points == old.most
    twice = graded(grader, tmp_path / "twice.ipynb", notebook(HALF, "while True: pass", RIGHT))
    assert twice.points == twice.most


def test_values_are_drawn_from_the_name_and_the_seed(grader, monkeypatch):
    drawn = []
    exercise = grader.assignment.exercises["softmax"]
    for student in ("/ada", "/ada", "/bob", "2027/ada"):
        drawn.append(exercise.draw(student, 0).normal())
    assert drawn[0] == drawn[1]
    assert len(set(drawn)) == 3


def test_what_follows_from_another_mistake_is_told_as_such(grader, tmp_path):
    task = assignment(LAB, 20.0 * SLOWNESS)
    names = ("sigmoid", "dsigmoid", "softmax")
    task = Assignment(LAB, {name: task.exercises[name] for name in names}, {}, task.limits)
    code = """
def sigmoid(X):
    return 1 / (1 + np.exp(X))

def dsigmoid(X):
    return sigmoid(X) * (1 - sigmoid(X)) * 1.0001
"""
    with asked(grader, task):
        found = graded(grader, tmp_path / "ada.py", RIGHT + code)
    assert found.follows == {"dsigmoid": "sigmoid"}
    assert "(sigmoid, which it uses, is wrong)" in found.message
    assert [m.exercise for m in mistakes(rooms.Classroom(task, [found]))] == ["sigmoid"]


# Folders


def test_files_and_folders_of_students_are_found(tmp_path):
    (tmp_path / "ada.py").write_text(RIGHT)
    for inner in ("bob_123_assignsubmission_file_", "eve/lab", "eve/.ipynb_checkpoints", "nil"):
        (tmp_path / inner).mkdir(parents=True)
    (tmp_path / "bob_123_assignsubmission_file_" / "my.ipynb").write_text("{}")
    (tmp_path / "eve/lab" / f"{LAB}.ipynb").write_text("{}")
    (tmp_path / "eve/lab/other.ipynb").write_text("{}")
    (tmp_path / "eve/.ipynb_checkpoints/x-checkpoint.ipynb").write_text("{}")
    (tmp_path / "notes.txt").write_text("no submission")
    entries = collect(tmp_path, LAB)
    assert [entry.name for entry in entries] == ["ada", "bob", "eve", "nil", "notes.txt"]
    assert entries[2].path.stem == LAB
    assert "other.ipynb" in entries[2].note
    assert entries[3].path is None


def test_what_is_no_folder_of_submissions_is_said(tmp_path):
    with pytest.raises(FileError, match="not there"):
        collect(tmp_path / "nothing")
    with pytest.raises(DataError, match="has no submissions"):
        collect(tmp_path)
    (tmp_path / "a.py").write_text("x = 1")
    with pytest.raises(FileError, match="a file"):
        collect(tmp_path / "a.py")
    with pytest.raises(DataError, match="name one with --lab"):
        find_lab(None, collect(tmp_path))
    with pytest.raises(DataError, match="no lab '99'"):
        find_lab("99", collect(tmp_path))


def test_the_lab_is_told_by_the_answers(tmp_path):
    (tmp_path / "a.py").write_text(RIGHT)
    assert find_lab(None, collect(tmp_path)) == LAB
    assert find_lab("1", []) == find_lab("01", []) == find_lab(LAB, []) == LAB


# Marks


@pytest.fixture(scope="module")
def room(grader, tmp_path_factory):
    folder = tmp_path_factory.mktemp("class")
    found = [
        graded(grader, folder / "ada.py", RIGHT),
        graded(grader, folder / "=cmd().py", HALF),
        graded(grader, folder / "bob.py", HALF),
        graded(grader, folder / f"{EVE}.py", "def softmax(X):\n    raise ValueError('<script>')"),
    ]
    return rooms.Classroom(grader.assignment, found)


def test_the_csv_has_a_row_each_and_no_formulas(room):
    rows = list(csv.DictReader(to_csv(room).splitlines()))
    assert [row["name"] for row in rows] == ["ada", "'=cmd()", "bob", EVE]
    assert int(rows[0]["softmax"]) == int(rows[0]["total"]) == int(rows[0]["of"]) == room.most
    assert "<script>" in rows[3]["message"]


def test_json_and_junit_have_every_check(room):
    whole = json.loads(to_json(room))
    assert whole["submissions"][0]["points"] == whole["most"] == room.most
    suites = ElementTree.fromstring(to_junit(room))
    assert [suite.get("failures") == "0" for suite in suites] == [True, False, False, False]
    assert int(suites[0].get("tests")) == len(room.graded[0].results[0].outcomes)


def test_common_mistakes_and_checks_that_fail_most(room):
    assert len(mistakes(room)[0].names) == 2
    (row,) = exercise_rows(room)
    assert (row.right, row.count) == (1, 4)


def test_one_that_breaks_the_grader_is_told_and_the_others_are_graded(
    grader, monkeypatch, tmp_path
):
    def grade(self, entry):
        if entry.name == "b":
            raise RuntimeError("a bug")
        return self.failed(entry, "read")

    monkeypatch.setattr(Grader, "grade", grade)
    entries = [Entry(name, tmp_path) for name in "abc"]
    found = rooms.grade_all(grader.assignment, entries, jobs=2)
    assert [g.message for g in found.graded] == ["read", "not graded: RuntimeError: a bug", "read"]


def test_ctrl_c_keeps_what_is_done(grader, monkeypatch, tmp_path):
    hangs = threading.Event()

    def grade(self, entry):
        if entry.name == "b":
            hangs.wait(30)
        return self.failed(entry, "read")

    def done(graded):
        raise KeyboardInterrupt

    monkeypatch.setattr(Grader, "grade", grade)
    entries = [Entry(name, tmp_path) for name in "abc"]
    found = rooms.grade_all(grader.assignment, entries, jobs=1, on_graded=done)
    hangs.set()
    assert ([g.name for g in found.graded], found.left) == (["a"], 2)


# The page


def test_the_page_escapes_everything_and_needs_nothing_else(room):
    page = to_html(room)
    assert "<script>')" not in page
    assert "&lt;script&gt;" in page
    assert EVE not in page
    assert html.escape(EVE) in page
    assert not re.search(r"(src|href)=|https?://|@import", page)


def test_the_page_counts_checks_and_mistakes(room):
    page = to_html(room)
    assert "1 of 4" in page
    assert re.search(r"2×</span>\s*<div>.*summed \(or averaged\) over the wrong axis", page, re.S)


def test_a_class_of_one_and_of_none_have_a_page(room):
    assert "1 of 1" in to_html(rooms.Classroom(room.assignment, room.graded[:1]))
    assert "3 submissions were not graded" in to_html(rooms.Classroom(room.assignment, [], 3))


# The labs themselves


@pytest.mark.sampled(quick=1)
@pytest.mark.parametrize("lab", our_labs())
def test_the_solved_lab_earns_all_points_and_the_student_s_notebook_none(grader, lab, tmp_path):
    task = assignment(lab, 60.0, 2**30, "2027")
    path, begun = NOTEBOOKS / "solved" / f"{lab}.ipynb", tmp_path / "begun.ipynb"
    source = read(folder() / f"{lab}.py")
    made = source.notebook(solved=True).cells
    assert [c.source for c in nbformat.read(path, 4).cells] == [c.source for c in made]
    nbformat.write(source.notebook(solved=False), begun)
    with asked(grader, task):
        right, none = (grader.grade(Entry("ada", each)) for each in (path, begun))
    assert (right.points, right.message) == (right.most, "all right")
    assert none.points == 0
    assert all("as it was handed out" in result.sentence for result in none.results)
