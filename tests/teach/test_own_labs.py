"""A lab of one's own is graded as ours are: marks, dependences, questions, constants."""

import csv
import io
import re

import pytest
from tests.pace import SLOWNESS
from tests.teach.test_writing import LAB

from chainrule import check
from chainrule._src.teach.exports.folders import exported
from chainrule._src.teach.exports.making import MAKERS
from chainrule._src.teach.grading.classroom import Classroom
from chainrule._src.teach.grading.collect import Entry
from chainrule._src.teach.grading.grade import Grader
from chainrule._src.teach.grading.marks import to_csv
from chainrule._src.teach.grading.record import MarkRecord
from chainrule._src.teach.grading.rules import Decision, MarkingRules
from chainrule._src.teach.grading.setting import assignment
from chainrule._src.teach.learn.checker import Checker
from chainrule._src.teach.learn.workspace import Workspace
from chainrule._src.teach.loader import load
from chainrule.errors import DataError

CHAIN = """

# %% exercise="quarter"
def quarter(x):
    ### BEGIN SOLUTION
    return half(half(x))
    ### END SOLUTION

# %% checks="quarter" weight=3
hints = ["Half of a half."]
checks.values(8.0, points=2)
checks.human("Is it well written?", points=4)

# %% exercise="essay"
### BEGIN SOLUTION
essay = "A quarter is half of a half."
### STUB
# essay = ""
### END SOLUTION

# %% checks="essay"
hints = ["Write."]
checks.text(words=3)
"""
ANSWERS = """
import numpy as np

def half(x):
    return np.asarray(x) / 2

def quarter(x):
    return half(half(x))

essay = "halves of halves"
"""


@pytest.fixture
def grade(tmp_path, hosts):
    """Return a function that grades a text as a student's submission of a lab."""

    def graded(lab, answers, student="ada", seed=""):
        path = tmp_path / "lab" / "halves.py"
        path.parent.mkdir(exist_ok=True)
        path.write_text(lab)
        load.cache_clear()
        grader = Grader(assignment(str(path), 10.0, 2**28, seed))
        grader._host, grader._teacher = hosts["bare"], hosts["whole"]
        handed_in = tmp_path / f"{student}.py"
        handed_in.write_text(answers)
        return grader.assignment, grader.grade(Entry(student, handed_in))

    return graded


def test_points_weights_and_questions(grade):
    task, graded = grade(LAB + CHAIN, ANSWERS)
    assert [(r.exercise, r.points, r.most) for r in graded.results] == [
        ("half", 1, 1), ("quarter", 6, 6), ("essay", 1, 1),
    ]  # fmt: skip
    row = next(csv.DictReader(io.StringIO(to_csv(Classroom(task, [graded])))))
    assert row["open"] == "quarter: 12 (Is it well written?)"
    assert row["total"] == row["of"] == "8"


def test_points_of_a_question_are_open_until_a_decision(grade):
    _, graded = grade(LAB + CHAIN, ANSWERS)
    given = {("ada", "quarter"): Decision(16.0, "well written")}
    mark = MarkingRules(decisions=given).mark(graded)
    assert (mark.total, mark.most, mark.questions) == (18.0, 20.0, {})
    mark = MarkingRules(points={("quarter", ""): 9.0}).mark(graded)  # of the six and twelve points
    assert (mark.total, mark.most) == (5.0, 5.0)
    assert mark.exercises["quarter"].open == 6.0


def test_marks_of_a_lab_that_was_changed_are_given_anew(grade, tmp_path):
    task, graded = grade(LAB + CHAIN, ANSWERS)
    entry, path = Entry("ada", tmp_path / "ada.py"), tmp_path / "record.jsonl"
    MarkRecord(path, task).add(entry, graded)
    assert [*MarkRecord(path, task).known([entry])] == ["ada"]
    changed, _ = grade((LAB + CHAIN).replace("return half(half(x))", "return x / 4"), ANSWERS)
    assert MarkRecord(path, changed).known([entry]) == {}


def test_an_untouched_text_earns_nothing_and_a_short_one_hears_so(grade):
    begun = ANSWERS.replace("halves of halves", "")
    assert "as it was handed out" in grade(LAB + CHAIN, begun)[1].results[2].sentence
    short = ANSWERS.replace("halves of halves", "halves")
    assert grade(LAB + CHAIN, short)[1].results[2].sentence == "essay has 1 words, write at least 3"


@pytest.mark.parametrize(
    "half",
    ["np.asarray(x) * 2", "undefined", "None", "(x, x)"],
    ids=["wrong", "error", "none", "tuple"],
)
def test_one_mistake_is_paid_once(grade, half):
    _, graded = grade(LAB + CHAIN, ANSWERS.replace("np.asarray(x) / 2", half))
    assert [result.points for result in graded.results] == [0, 6, 1]
    assert graded.follows == {}


def test_an_answer_that_ends_its_process_is_not_called_again(grade, monkeypatch):
    run, runs = Grader._exercise, []

    def recorded(self, name, plan, student, line=None, *more, **options):
        runs.append((name, line is not None))
        return run(self, name, plan, student, line, *more, **options)

    monkeypatch.setattr(Grader, "_exercise", recorded)
    ends = ANSWERS.replace("return np.asarray(x) / 2", "import os; os._exit(3)")
    _, graded = grade(LAB + CHAIN, ends)
    assert [result.points for result in graded.results] == [0, 6, 1]
    assert runs == [("half", False), ("quarter", True), ("essay", False)]


def test_an_answer_that_is_missing_is_paid_once(grade):
    half = "def half(x):\n    return np.asarray(x) / 2\n\n"
    assert half in ANSWERS
    _, graded = grade(LAB + CHAIN, ANSWERS.replace(half, ""))
    assert [result.points for result in graded.results] == [0, 6, 1]


def test_a_mistake_of_its_own_is_paid_beside_another(grade):
    wrong = ANSWERS.replace("np.asarray(x) / 2", "3 * x").replace("half(half(x))", "half(x)")
    _, graded = grade(LAB + CHAIN, wrong)
    assert [result.points for result in graded.results] == [0, 0, 1]
    assert "must be 2" in graded.results[1].sentence


LAYERS = """

# %% exercise="Scale"
class Scale:
    def __init__(self, factor):
        self.factor, self.gradients = factor, {}

    def forward(self, x):
        ### BEGIN SOLUTION
        self.x = x
        return x * self.factor
        ### END SOLUTION

    def backward(self, gradient):
        ### BEGIN SOLUTION
        self.gradients["factor"] = np.sum(gradient * self.x)
        return gradient * self.factor
        ### END SOLUTION

# %% checks="Scale"
hints = ["Multiply."]
checks.values((2.0, 3.0), call=lambda Scale, a, x: Scale(a).forward(x))

# %% exercise="Chain"
class Chain:
    def __init__(self, layers):
        self.layers = layers

    def train(self, x, rate):
        ### BEGIN SOLUTION
        for layer in self.layers:
            x = layer.forward(x)
        gradient = np.ones_like(x)
        for layer in reversed(self.layers):
            gradient = layer.backward(gradient)
            layer.factor -= rate * layer.gradients.pop("factor")
        return x
        ### END SOLUTION

# %% checks="Chain"
hints = ["Forwards, then backwards."]
uses = ["Scale"]

def factors(Chain, x):
    Scale = Chain.beside("Scale") if hasattr(Chain, "beside") else solution.Scale
    layers = [Scale(2.0), Scale(5.0)]
    chain = Chain(layers)
    return chain.train(x, 0.1), [layer.factor for layer in layers]

checks.values(np.array([1.0, 3.0]), call=factors, points=2)

# %% exercise="trained"
def trained(x):
    ### BEGIN SOLUTION
    chain = Chain([Scale(3.0)])
    chain.train(x, 0.1)
    return chain.layers[0].factor
    ### END SOLUTION

# %% checks="trained"
hints = ["Train a chain."]
checks.values(np.array([1.0, 3.0]))
"""


@pytest.mark.parametrize(
    ("old", "new", "points"),
    [
        ("return x * self.factor", "return x + self.factor", [0, 2, 1]),
        ("return x * self.factor", "return undefined", [0, 2, 1]),
        ("gradient = np.ones_like(x)", "gradient = np.zeros_like(x)", [1, 0, 1]),
        # With an answer of its own that is wrong, the right class does not help.
        ("return chain.layers[0].factor", "return Scale(1.0).forward(x)", [1, 2, 0]),
    ],
)
def test_a_wrong_class_is_paid_once(grade, old, new, points):
    answers = LAYERS.replace("### BEGIN SOLUTION", "").replace("### END SOLUTION", "")
    answers = re.sub(r"# %% checks=.*?(?=# %% exercise|\Z)", "", answers, flags=re.DOTALL)
    assert old in answers
    _, graded = grade(LAB + LAYERS, ANSWERS + answers.replace(old, new))
    assert [result.points for result in graded.results[1:]] == points
    assert graded.follows == {}


def test_a_class_whose_objects_cannot_be_sent_stands_in_for_none():
    """Those of a tape hold functions and objects of another class."""
    tapes = load("03_reverse_mode")
    assert [*tapes.stand_ins("TapeNet")] == ["unbroadcast", "softmax_nll"]
    framework = load("04_minimal_framework")
    assert {*framework.stand_ins("Sequential")} == {*framework.depends("Sequential")}


def test_right_answers_stand_in_for_no_exercise_that_the_solution_does_not_use(grade):
    """Else an exercise could be had by calling another one."""
    lab = LAB + CHAIN.replace("return half(half(x))", "return x / 4")
    _, graded = grade(lab, ANSWERS.replace("np.asarray(x) / 2", "3 * x"))
    assert graded.results[1].points == 0
    assert graded.follows == {"quarter": "half"}


def test_values_drawn_for_a_student_are_those_that_are_graded(grade, tmp_path):
    task = '# %% task="PARTS"\ndef draw(rng):\n    return {"PARTS": rng.integers(2, 999)}\n\n'
    lab = LAB.replace("/ 2", "/ PARTS").replace("# %% exercise", task + "# %% exercise")
    lab = lab.partition("checks.wrong")[0]
    assigned, _ = grade(lab, ANSWERS)
    for seed, student in (("", "ada"), ("autumn", "ada"), ("", "bob")):
        parts = load(assigned.key).source.constants(f"{seed}/{student}" if seed else student)[
            "PARTS"
        ]
        answer = ANSWERS.replace("/ 2", f"/ {parts}")
        assert grade(lab, answer, student, seed)[1].points == 1
        assert grade(lab, answer, "eve", seed)[1].points == 0


@pytest.mark.parametrize("kind", MAKERS)
def test_an_export_of_a_lab_of_ones_own_gives_students_no_checks(kind, tmp_path):
    path = tmp_path / "halves.py"
    path.write_text(LAB)
    files = MAKERS[kind](exported(load(str(path))))
    assert files
    for name, content in files.items():
        if name.endswith(".ipynb") and "source/" not in name:
            assert "np.asarray(x) / 2" not in content, name
            assert "hints" not in content, name


def test_a_lab_of_ones_own_is_learned(tmp_path):
    path = tmp_path / "halves.py"
    path.write_text(LAB)
    workspace, checker = Workspace.start(tmp_path / "learn", [load(str(path))], ".py"), Checker(60)
    file = tmp_path / "learn" / "halves.py"
    begun = file.read_text("utf-8")
    assert not any(word in begun for word in ("checks", "hints", "check.half"))
    assert workspace.look(checker).result is None
    file.write_text(begun.replace("raise NotImplementedError", "return np.asarray(x) / 3"))
    assert "must be 2" in workspace.look(checker).result.sentence
    file.write_text(begun.replace("raise NotImplementedError", "return np.asarray(x) / 2"))
    assert Workspace(tmp_path / "learn").look(Checker(60 * SLOWNESS)).exercise == ""


def test_labs_that_do_not_fit_into_a_folder_are_refused(tmp_path):
    labs = []
    for name in ("one", "two"):
        path = tmp_path / f"{name}.py"
        path.write_text(LAB)
        labs.append(load(str(path)))
    with pytest.raises(DataError, match="two of the labs have an exercise half"):
        Workspace.start(tmp_path / "learn", labs, ".py")
    path.write_text('# %% task="A"\ndef draw(rng):\n    return {"A": 1}\n\n' + LAB)
    load.cache_clear()
    with pytest.raises(DataError, match="--student NAME"):
        Workspace.start(tmp_path / "learn", [load(str(path))], ".py")


def test_a_notebook_checks_itself_where_the_lab_is(tmp_path, monkeypatch, capsys):
    assert check.lab("halves").half(lambda x: x) is None
    assert "The checks of halves are not on this machine" in capsys.readouterr().out
    (tmp_path / "halves.py").write_text(LAB)
    monkeypatch.setenv("CHAINRULE_LABS", str(tmp_path))
    checks = check.lab("halves")
    assert not checks.half(lambda x: x).passed
    assert checks.hint() == "Hint 1 of 1: How many halves has a whole?"
    assert checks.half(lambda x: x / 2).passed
    with pytest.raises(AttributeError, match="unknown exercise 'hlf'"):
        _ = checks.hlf


DRAWN = """

# %% exercise="noise"
def noise(x):
    ### BEGIN SOLUTION
    return x + np.random.normal()
    ### END SOLUTION

# %% checks="noise"
hints = ["Draw."]
checks.shape(0.0)

# %% exercise="noises"
def noises(x):
    ### BEGIN SOLUTION
    return len({float(noise(x)) for _ in range(3)})
    ### END SOLUTION

# %% checks="noises"
hints = ["Draw several times."]
checks.values(0.0)
"""


def test_a_right_function_that_draws_draws_again(grade):
    answers = "def noise(x):\n    return [x, x]\n\ndef noises(x):\n"
    answers += "    return len({float(noise(x)) for _ in range(3)})\n"
    _, graded = grade(LAB + DRAWN, ANSWERS + answers)
    assert [result.points for result in graded.results] == [1, 0, 1]
    lab = load("01_softmax_and_backpropagation")
    assert all(each.is_fixed for each in lab.stand_ins("NeuralNet").values())
