"""A teacher's rules, what is kept on disk, what students get, and what is uploaded."""

import csv
import html
import json
from datetime import datetime
from pathlib import Path

import pytest

from chainrule._src.base.processes import Limits
from chainrule._src.teach.exercise import CheckOutcome, ExerciseResult
from chainrule._src.teach.grading import classroom as rooms
from chainrule._src.teach.grading.collect import Entry
from chainrule._src.teach.grading.feedback import feedback_files
from chainrule._src.teach.grading.grade import Assignment, Graded, Grader
from chainrule._src.teach.grading.lms import to_canvas, to_moodle
from chainrule._src.teach.grading.marks import to_csv
from chainrule._src.teach.grading.record import MarkRecord
from chainrule._src.teach.grading.report import to_html
from chainrule._src.teach.grading.roster import read_roster, with_roster
from chainrule._src.teach.grading.rules import (
    Decision,
    MarkingRules,
    decisions,
    late_rule,
    points_set,
    times,
)
from chainrule._src.teach.grading.similar import similar_pairs
from chainrule._src.teach.loader import exercise
from chainrule.errors import DataError

TASK = Assignment("lab", {"softmax": exercise("softmax"), "nll": exercise("nll")},
                  {"nll": "assert True"}, Limits(1.0, 2**28))  # fmt: skip
MOST = sum(map(TASK.most, TASK.exercises))


def result(name, *wrong, sentence=""):
    outcomes = TASK.failed(name, "").outcomes
    outcomes = tuple(
        CheckOutcome(o.check, o.points, o.check not in wrong, sentence) for o in outcomes
    )
    return ExerciseResult(name, outcomes, sentence)


def graded(name, *wrong, sentence="", code=None):
    results = result("softmax", *wrong, sentence=sentence), result("nll")
    return Graded(name, f"{name}.py", results, code=code or {})


def room(*submissions, **rules):
    return rooms.Classroom(TASK, list(submissions), rules=MarkingRules(**rules))


# MarkingRules


def test_points_are_those_that_the_teacher_sets(tmp_path):
    (tmp_path / "p.csv").write_text("exercise;check;points\nsoftmax;;10\nnll;hidden;5\n")
    points = points_set(tmp_path / "p.csv", TASK)
    marks = room(graded("ada"), graded("bob", "values"), points=points).marks
    assert marks[0].total == marks[0].most == 10 + TASK.most("nll") + 4
    values = next(c.points for c in exercise("softmax").checks if c.name == "values")
    assert marks[0].total - marks[1].total == pytest.approx(10 * values / TASK.most("softmax"))
    wrong = {
        "soft,,1": "no exercise 'soft'", "softmax,a,1": "no check 'a'",
        "softmax,,x": "which is no number", "nll,,-1": "not negative",
    }  # fmt: skip
    for text, said in wrong.items():
        (tmp_path / "p.csv").write_text(f"exercise,check,points\n{text}\n")
        with pytest.raises(DataError, match=said):
            points_set(tmp_path / "p.csv", TASK)


LATE = [
    # what a day costs, free days, handed in, days, points lost of MOST
    ("10%/day", 0, "2026-11-20T23:59", 0, 0.0),
    ("10%/day", 0, "2026-11-21T00:00", 1, 0.1 * MOST),
    ("2/day", 0, "2026-11-23T12:00", 3, 6.0),
    ("10%/day", 2, "2026-11-23T12:00", 3, 0.1 * MOST),
    ("50% per day", 0, "2026-12-20T00:00", 30, MOST),
    ("", 0, "2026-12-20T00:00", 30, 0.0),
]


@pytest.mark.parametrize(("penalty", "free", "came", "days", "lost"), LATE)
def test_late_days_cost_points(penalty, free, came, days, lost):
    rule = late_rule("2026-11-20T23:59", penalty, free)
    handed_in = {"ada": datetime.fromisoformat(came)}
    (mark,) = room(graded("ada"), late=rule, handed_in=handed_in).marks
    assert (mark.days, mark.lost, mark.total) == pytest.approx((days, lost, MOST - lost))


def test_an_extension_and_canvas_s_flag():
    rule, day = late_rule("2026-11-20", "1/day", 0), datetime(2026, 11, 22)
    marks = room(graded("ada"), graded("bob"), late=rule, handed_in={"ada": day},
                 due={"ada": day}, flagged=frozenset(["bob"])).marks  # fmt: skip
    assert [mark.days for mark in marks] == [0, 1]


def test_rules_that_cannot_be_read_are_refused():
    with pytest.raises(DataError, match="a date and time are"):
        late_rule("next week", "", 0)
    with pytest.raises(DataError, match="10%/day or 2/day"):
        late_rule(None, "a lot", 0)


def test_a_teacher_s_decisions_are_kept_and_count(tmp_path):
    path = tmp_path / "m.decisions.csv"
    assert decisions(path, ["ada"], TASK) == ({}, [])
    path.write_text(path.read_text() + "Ada,softmax,2,half an idea\nada,late days,0,ill\neve,,9,\n")
    before = path.read_text()
    changed, notes = decisions(path, ["ada"], TASK)
    assert path.read_text() == before
    assert notes == [f"{path}, line 4: nobody is called 'eve'"]
    rule = late_rule("2026-11-20", "10%/day", 0)
    (mark,) = room(graded("ada", "values"), decisions=changed, late=rule,
                   handed_in={"ada": datetime(2027, 1, 1)}).marks  # fmt: skip
    assert (mark.total, mark.lost) == (2 + TASK.most("nll"), 0)
    assert mark.comments == ("softmax: half an idea", "ill")
    (row,) = csv.DictReader(to_csv(room(graded("ada"), decisions=changed)).splitlines())
    assert row["comment"] == "softmax: half an idea; ill"


def test_a_total_that_is_set_is_the_total():
    changed = {("ada", "total"): Decision(3.5, "agreed")}
    (mark,) = room(graded("ada"), decisions=changed).marks
    assert (mark.total, mark.comments) == (3.5, ("agreed",))


def test_when_a_submission_came_is_told_by_the_roster_or_the_file(tmp_path):
    (tmp_path / "a.py").write_text("")
    (tmp_path / "r.csv").write_text(
        'name,Last modified (submission),due\nAda,"Friday, 20 November 2026, 10:13 PM",2026-11-30\n'
    )
    entries = [Entry("Ada", tmp_path / "a.py"), Entry("bob", tmp_path / "a.py")]
    entries, students = with_roster(entries, read_roster(tmp_path / "r.csv"))
    came, due = times(entries, students)
    assert came["Ada"] == datetime(2026, 11, 20, 22, 13)
    assert came["bob"] == datetime.fromtimestamp((tmp_path / "a.py").stat().st_mtime)
    assert due == {"Ada": datetime(2026, 11, 30)}
    (tmp_path / ".git").mkdir()
    assert "bob" not in times(entries, students)[0]


# What is kept


@pytest.fixture
def counted(monkeypatch):
    """Count how often a submission is graded."""
    names = []

    def grade(self, entry):
        names.append(entry.name)
        return graded(entry.name, sentence="“é \ud800")

    monkeypatch.setattr(Grader, "grade", grade)
    return names


def entries_of(folder, *names):
    for name in names:
        (folder / f"{name}.py").write_text(f"# {name}")
    return [Entry(name, folder / f"{name}.py") for name in names]


def test_a_run_that_was_ended_goes_on(tmp_path, counted):
    entries, path = entries_of(tmp_path, "ada", "bob"), tmp_path / "record.jsonl"
    rooms.grade_all(TASK, entries[:1], record=MarkRecord(path, TASK))
    with path.open("ab") as file:
        file.write(b'\n{"key": "half a li')  # as a run that was killed leaves it
    whole = rooms.grade_all(TASK, entries, record=MarkRecord(path, TASK))
    assert counted == ["ada", "bob"]
    assert whole.graded == [graded(name, sentence="“é \ud800") for name in ("ada", "bob")]
    rooms.grade_all(TASK, entries, record=MarkRecord(path, TASK))
    assert counted == ["ada", "bob"]


def test_a_changed_file_other_checks_and_again_are_graded_anew(tmp_path, counted):
    entries, path = entries_of(tmp_path, "ada", "bob"), tmp_path / "record.jsonl"
    rooms.grade_all(TASK, entries, jobs=1, record=MarkRecord(path, TASK))
    rooms.grade_all(TASK, entries, record=MarkRecord(path, TASK), again=["Ada"])
    assert counted[2:] == ["ada"]
    (tmp_path / "bob.py").write_text("other")
    rooms.grade_all(TASK, entries, record=MarkRecord(path, TASK))
    assert counted[3:] == ["bob"]
    other = Assignment("lab", TASK.exercises, {}, TASK.limits)
    rooms.grade_all(other, entries, jobs=1, record=MarkRecord(path, other))
    assert counted[4:] == ["ada", "bob"]


# What students get

HOSTILE = "<script>*all* [right](http://a)\n# 100 of 100"


def test_feedback_names_nobody_else_and_shows_words_as_they_are():
    changed = {("ada", "total"): Decision(1.0, "See me")}
    class_ = room(
        graded("ada", "values", sentence=HOSTILE), graded("../Bob Bell"), decisions=changed
    )
    files = dict(feedback_files(class_))
    assert [*files] == ["ada.html", "ada.md", "Bob_Bell.html", "Bob_Bell.md"]
    for name, text in files.items():
        assert ("Bob" in text) == name.startswith("Bob"), name
        assert "<script>" not in text.replace("\\", "") or name.endswith(".md")
    assert html.escape("<script>*all*") in files["ada.html"]
    assert r"\<script\>\*all\* \[right\](http://a) \# 100 of 100" in files["ada.md"]
    assert "See me" in files["ada.md"]
    assert f"**1 of {MOST} points**" in files["ada.md"]


def test_names_that_are_one_file_get_files_of_their_own():
    files = [name for name, _ in feedback_files(room(graded("a b"), graded("a/b")))]
    assert files == ["a_b.html", "a_b.md", "a_b-2.html", "a_b-2.md"]


# What is uploaded


def listed(tmp_path, text, *names):
    (tmp_path / "r.csv").write_text(text)
    roster = read_roster(tmp_path / "r.csv")
    _, students = with_roster([Entry(name, tmp_path) for name in names], roster)
    return roster, students


def test_canvas_s_gradebook(tmp_path):
    text = (
        'Student,ID,SIS Login ID,Section,Old (7)\n    Points Possible,,,,5\n"Bell, Bob",42,b,A,3\n'
    )
    roster, students = listed(tmp_path, text, "bellbob")
    rows = [*csv.reader(to_canvas(room(graded("Bell, Bob")), roster, students).splitlines())]
    assert rows[0] == ["Student", "ID", "SIS Login ID", "Section", "lab"]
    assert (rows[1][0].strip(), rows[1][-1]) == ("Points Possible", str(MOST))
    assert rows[2] == ["Bell, Bob", "42", "b", "A", str(MOST)]
    with pytest.raises(DataError, match="has no column 'Identifier'"):
        to_moodle(room(), roster, students)


def test_moodle_s_worksheet(tmp_path):
    text = (
        "Identifier,Full name,Grade,Maximum Grade,Feedback comments\nParticipant 7,Bob Bell,,20,\n"
    )
    roster, students = listed(tmp_path, text, "bob bell")
    class_ = room(graded("Bob Bell", "values", sentence="=1+1"))
    (row,) = csv.DictReader(to_moodle(class_, roster, students).splitlines())
    assert row["Identifier"] == "Participant 7"
    assert float(row["Grade"]) == class_.marks[0].total
    assert row["Feedback comments"] == "'=1+1"
    assert row["Maximum Grade"] == "20"


# Who is alike

OWN = """def softmax(X):
    highest = np.max(X, axis=-1, keepdims=True)
    shifted = X - highest
    table = np.exp(shifted)
    scale = np.add.reduce(table, axis=-1, keepdims=True)
    return np.divide(table, scale, out=np.empty_like(table))
"""
OTHERS = [
    "def softmax(X):\n    e = np.exp(X)\n    return e / np.sum(e, axis=-1, keepdims=True)\n",
    "def softmax(X):\n    Y = np.atleast_2d(X)\n    for i, x in enumerate(Y):\n"
    "        Y[i] = np.exp(x) / np.exp(x).sum()\n    return Y.reshape(np.shape(X))\n",
    "def softmax(X):\n    return np.exp(X - np.logaddexp.reduce(X, axis=-1, keepdims=True))\n",
]


def test_who_renamed_another_s_code_is_asked_about_and_the_others_are_not():
    copied = (
        OWN.replace("highest", "m")
        .replace("table", "e")
        .replace("    shifted", "    # mine\n    s")
    )
    texts = {"ada": OWN, "bob": copied, "cy": OTHERS[0], "dora": OTHERS[1], "eve": OTHERS[2]}
    class_ = room(*(graded(name, code={"softmax": text}) for name, text in texts.items()))
    (pair,) = similar_pairs(class_)
    assert (pair.first, pair.second, pair.exercises) == ("ada", "bob", ["softmax"])
    assert pair.percent > 90
    assert any(alike for _, alike in pair.sides[0].first)
    assert "Did ada and bob work together?" in to_html(class_)


def test_what_was_handed_out_and_what_all_have_is_not_alike():
    given = Assignment("lab", TASK.exercises, {}, TASK.limits, "", (OWN,))
    texts = [OWN, OWN, *OTHERS]
    class_ = [graded(str(n), code={"softmax": text}) for n, text in enumerate(texts)]
    assert len(similar_pairs(rooms.Classroom(TASK, class_))) == 1
    assert similar_pairs(rooms.Classroom(given, class_)) == []
    class_ = room(*(graded(str(n), code={"softmax": OWN}) for n in range(30)))
    assert similar_pairs(class_) == []


def test_the_journal_is_plain(tmp_path, counted):
    path = tmp_path / "record.jsonl"
    rooms.grade_all(TASK, entries_of(tmp_path, "ada"), record=MarkRecord(path, TASK))
    assert json.loads(path.read_bytes())["marks"]["name"] == "ada"
    assert Path(path).stat().st_size < 10_000
