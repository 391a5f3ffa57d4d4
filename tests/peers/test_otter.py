"""Otter itself makes its autograder of the tests, and grades two notebooks with it."""

import json
import subprocess
import sys
import zipfile

import otter
import pytest
from tests.peers.submissions import LAB, SENTENCE, export, hand_in, marks

assert otter.__version__


def run(folder, *words):
    command = [sys.executable, "-m", "otter", *map(str, words)]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-3000:] + done.stdout[-3000:]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("otter")
    lab = export("otter", folder)
    command = "generate -t tests -r requirements.txt -c otter_config.json -o autograder.zip"
    run(folder, *command.split())
    for student, wrong in (("ada", False), ("bob", True)):
        given = folder / "student" / f"{LAB}.ipynb"
        path = hand_in(lab, given, folder / student / f"{LAB}.ipynb", wrong)
        run(folder, "run", "-a", "autograder.zip", "-o", path.parent, "--no-logo", path)
    return folder


def results(folder, student):
    return json.loads((folder / student / "results.json").read_text())["tests"]


def test_marks_are_those_of_chainrule_grade_with_partial_credit(folder):
    found = {}
    for student in ("ada", "bob"):
        cases = results(folder, student)
        score = sum(case.get("score", 0) for case in cases)
        most = sum(case.get("max_score", 0) for case in cases)
        assert (score, most) == marks(folder / student / f"{LAB}.ipynb")
        found[student] = score, most
    assert found["ada"][0] == found["ada"][1]
    assert 0 < found["bob"][0] < found["bob"][1]


def test_the_message_arrives_and_hidden_tests_are_not_shown(folder):
    public = next(case for case in results(folder, "bob") if case["name"] == "Public Tests")
    assert SENTENCE in public["output"]
    assert "equal logits" not in public["output"]
    whole = next(case for case in results(folder, "bob") if case["name"] == "softmax")
    assert "equal logits" in whole["output"]


def test_the_zip_has_every_exercise(folder):
    names = zipfile.ZipFile(folder / "autograder.zip").namelist()
    tests = {name for name in names if name.startswith("tests/") and name.endswith(".py")}
    assert tests == {f"tests/{path.name}" for path in (folder / "tests").glob("*.py")}
