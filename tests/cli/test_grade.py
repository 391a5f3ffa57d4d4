"""chainrule grade and chainrule export-lab, as they are typed."""

import csv
import json
import os
import signal
import time

import pytest
from tests.cli.running import done, refused
from tests.pace import SLOWNESS

pytestmark = pytest.mark.portable

LAB = "01_softmax_and_backpropagation"
RIGHT = """
import numpy as np

def softmax(X):
    e = np.exp(X - np.max(X, axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)
"""
SLEEPS = """
import time

def softmax(X):
    open("asleep", "w").close()
    time.sleep(300)
"""


@pytest.fixture
def folder(tmp_path):
    made = tmp_path / "class"
    made.mkdir()
    (made / "ada.py").write_text(RIGHT)
    (made / "bob.py").write_text(RIGHT.replace("e.sum(axis=-1, keepdims=True)", "np.sum(e)"))
    return made


@pytest.mark.usefixtures("light_hosts")
def test_marks_report_json_and_junit_are_written(folder, tmp_path):
    names = {"-o": "marks.csv", "--report": "r.html", "--json": "m.json", "--junit": "m.xml"}
    options = [word for pair in names.items() for word in (pair[0], tmp_path / pair[1])]
    said = done("grade", folder, *options, "--lab", "1")
    assert "2 submissions, median" in said.stdout
    with (tmp_path / "marks.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["name"] for row in rows] == ["ada", "bob"]
    assert int(rows[0]["softmax"]) > int(rows[1]["softmax"]) > 0
    assert "bob.py, line 6: summed (or averaged) over the wrong axis" in rows[1]["message"]
    whole = json.loads((tmp_path / "m.json").read_text("utf-8"))
    assert [s["name"] for s in whole["submissions"]] == ["ada", "bob"]
    assert "<html" in (tmp_path / "r.html").read_text("utf-8")
    assert not list(tmp_path.glob(".chainrule-*"))


def test_what_cannot_be_graded_is_said_before_any_work(folder, tmp_path):
    assert "-o is missing" in refused(2, "grade", folder)
    assert "not there" in refused(4, "grade", tmp_path / "none", "-o", tmp_path / "m.csv")
    (tmp_path / "empty").mkdir()
    said = refused(3, "grade", tmp_path / "empty", "-o", tmp_path / "m.csv")
    assert "has no submissions: put notebooks" in said
    said = refused(3, "grade", folder, "-o", tmp_path / "m.csv", "--lab", "9")
    assert f"there is no lab '9'; --lab takes a file, a folder, or one of: {LAB}" in said
    said = refused(4, "grade", folder, "-o", tmp_path / "none" / "m.csv")
    assert "does not exist; make it first" in said
    said = refused(2, "grade", folder, "-o", tmp_path / "m", "--json", tmp_path / "m")
    assert "name the same file" in said
    assert "is a folder" in refused(
        4, "grade", folder, "-o", tmp_path / "m.csv", "--report", folder
    )
    assert not (tmp_path / "m.csv").exists()


@pytest.fixture
def sleeping(start, light_hosts, folder, tmp_path, monkeypatch):
    """Return a run that has graded two submissions; the third sleeps."""
    (folder / "cay.py").write_text(SLEEPS)
    monkeypatch.setenv("TMPDIR", str(tmp_path))  # where submissions have their folders
    options = "--lab", 1, "--seconds", 100, "--jobs", 1
    process = start("grade", folder, "-o", tmp_path / "marks.csv", *options, before=light_hosts)
    end = time.monotonic() + 60 * SLOWNESS
    while not any("asleep" in files for *_, files in os.walk(tmp_path)):
        assert process.poll() is None
        assert time.monotonic() < end
        time.sleep(0.05)
    return process


@pytest.mark.skipif(os.name != "posix", reason="Ctrl-C is a signal")
@pytest.mark.thorough  # a run that is killed, and another
def test_a_grader_that_is_killed_loses_no_marks(sleeping, folder, tmp_path):
    os.killpg(sleeping.pid, signal.SIGKILL)
    sleeping.communicate(timeout=60 * SLOWNESS)
    marks, record = tmp_path / "marks.csv", tmp_path / "marks.record.jsonl"
    assert not marks.exists()
    before = record.read_bytes()
    (folder / "cay.py").write_text(RIGHT)
    done("grade", folder, "-o", marks, "--lab", "1", "--seconds", "100")
    assert record.read_bytes().startswith(before)
    assert len(record.read_bytes().splitlines()) == 3
    with marks.open(newline="") as file:
        assert [row["name"] for row in csv.DictReader(file)] == ["ada", "bob", "cay"]


@pytest.mark.skipif(os.name != "posix", reason="Ctrl-C is a signal")
def test_ctrl_c_keeps_what_is_done_and_says_so(sleeping, tmp_path):
    process, marks = sleeping, tmp_path / "marks.csv"
    os.killpg(process.pid, signal.SIGINT)
    _, errors = process.communicate(timeout=60 * SLOWNESS)
    assert process.returncode == 130
    assert "2 of 3 submissions are graded and in" in errors
    with marks.open(newline="") as file:
        assert [row["name"] for row in csv.DictReader(file)] == ["ada", "bob"]


def test_a_lab_is_exported_and_unknown_kinds_are_refused(tmp_path):
    said = done("export-lab", "1", "--to", "otter", "-o", tmp_path / "out")
    assert "wrote" in said.stdout
    assert (tmp_path / "out" / "tests" / "softmax.py").exists()
    assert "-o is missing" in refused(2, "export-lab", "1", "--to", "otter")
    assert "did you mean 'otter'" in refused(2, "export-lab", "1", "--to", "oter", "-o", tmp_path)


@pytest.mark.thorough  # two runs; each part has a quick test of its own
@pytest.mark.usefixtures("light_hosts")
def test_a_roster_feedback_uploads_and_rules(folder, tmp_path):
    (tmp_path / "roster.csv").write_text(
        "Student,ID,Section\n    Points Possible,,\nBob,2,A\nAda,1,A\nCay,3,B\n"
    )
    (tmp_path / "points.csv").write_text("exercise,points\nsoftmax,100\n")
    (folder / "notes.txt").write_text("")
    marks = tmp_path / "marks.csv"
    arguments = ["grade", folder, "-o", marks, "--lab", "1", "--roster", tmp_path / "roster.csv"]
    arguments += ["--canvas", tmp_path / "canvas.csv", "--feedback", tmp_path / "feedback"]
    arguments += ["--points", tmp_path / "points.csv"]
    done(*arguments)
    with marks.open(newline="") as file:
        rows = {row["name"]: row for row in csv.DictReader(file)}
    assert (rows["Ada"]["softmax"], rows["Cay"]["total"]) == ("100", "0")
    assert "nothing was handed in" in rows["Cay"]["message"]
    assert "neither a notebook" in rows["notes.txt"]["message"]
    uploaded = [*csv.reader((tmp_path / "canvas.csv").read_text().splitlines())]
    assert [row[1] for row in uploaded[2:]] == ["1", "2", "3"]
    assert (tmp_path / "feedback" / "Ada.md").exists()
    with (tmp_path / "marks.decisions.csv").open("a") as file:
        file.write("ada,softmax,7,oh\n")
    done(*arguments, "--again", "bob")
    with marks.open(newline="") as file:
        rows = {row["name"]: row for row in csv.DictReader(file)}
    assert (rows["Ada"]["softmax"], rows["Ada"]["comment"]) == ("7", "softmax: oh")
    assert len((tmp_path / "marks.record.jsonl").read_text().split("\n")) == 4 + 1
    assert "did you mean 'Bob'" in refused(2, *arguments, "--again", "bbo")
    said = refused(3, *arguments, "--moodle", tmp_path / "moodle.csv")
    assert "no column 'Identifier'" in said
    assert "need --roster" in refused(2, *arguments[:6], "--moodle", tmp_path / "a.csv")
