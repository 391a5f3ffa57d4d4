"""nbgrader itself makes the students' notebook, grades two of them, and tells what is wrong."""

import csv
import html
import os
import subprocess
import sys
from pathlib import Path

import nbgrader
import pytest
from tests.peers.submissions import LAB, SENTENCE, export, hand_in, marks

assert nbgrader.__version__


def run(folder, *words):
    command = [sys.executable, "-m", "nbgrader", *words]
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"  # alembic is there
    environment = os.environ | {"PATH": path}
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stderr


@pytest.fixture(scope="module")
def course(tmp_path_factory):
    folder = tmp_path_factory.mktemp("course")
    lab = export("nbgrader", folder)
    run(folder, "generate_assignment", LAB, "--create")
    released = folder / "release" / LAB / f"{LAB}.ipynb"
    for student, wrong in (("ada", False), ("bob", True)):
        hand_in(lab, released, folder / "submitted" / student / LAB / f"{LAB}.ipynb", wrong)
    run(folder, "autograde", LAB, "--create")
    run(folder, "generate_feedback", LAB)
    run(folder, "export")
    return folder


def test_students_get_no_solutions_and_no_hidden_tests(course):
    text = (course / "release" / LAB / f"{LAB}.ipynb").read_text()
    for secret in ("HIDDEN", "hidden_tests", "BEGIN SOLUTION", "exports.support", "sig * (1"):
        assert secret not in text


def test_marks_are_those_of_chainrule_grade_with_partial_credit(course):
    with (course / "grades.csv").open(newline="") as file:
        rows = {row["student_id"]: row for row in csv.DictReader(file)}
    for student, row in rows.items():
        path = course / "submitted" / student / LAB / f"{LAB}.ipynb"
        assert (float(row["score"]), float(row["max_score"])) == marks(path)
    assert float(rows["ada"]["score"]) == float(rows["ada"]["max_score"])
    assert 0 < float(rows["bob"]["score"]) < float(rows["bob"]["max_score"])


def test_the_message_arrives_in_the_feedback(course):
    pages = {
        student: html.unescape((course / "feedback" / student / LAB / f"{LAB}.html").read_text())
        for student in ("ada", "bob")
    }
    assert SENTENCE in pages["bob"]
    assert "✗ softmax, hidden tests: equal logits" in pages["bob"]
    assert "✗" not in pages["ada"]
