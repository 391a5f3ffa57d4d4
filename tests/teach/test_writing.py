"""Labs of one's own: a first source, its check, a course made of it."""

import json
import re
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from chainrule._src.cli.app import app
from chainrule._src.teach.loader import find, load, our_labs
from chainrule._src.teach.writing.course import first_source, write_course
from chainrule._src.teach.writing.mutants import mutants
from chainrule._src.teach.writing.proof import prove, result
from chainrule.errors import DataError

pytestmark = pytest.mark.usefixtures("processor_time")

EXAMPLES = sorted((Path(__file__).parents[2] / "docs/example_labs").glob("*.py"))
LAB = """\
# %% [markdown]
# # Halves

# %%
import numpy as np

# %% exercise="half"
def half(x):
    ### BEGIN SOLUTION
    return np.asarray(x) / 2
    ### END SOLUTION

# %% checks="half"
hints = ["How many halves has a whole?"]
checks.values(3.0, lambda rng: rng.normal(size=3))
checks.wrong("/ 2", "/ 3", says="must be 2")
checks.right("np.asarray(x) / 2", "0.5 * np.asarray(x)")
"""


def lab_of(text, folder):
    path = folder / "halves.py"
    path.write_text(text, encoding="utf-8")
    return load(str(path))


def faults(text, folder):
    return [fault for proof in prove(lab_of(text, folder), most=0) for fault in proof.faults]


@pytest.mark.thorough
@pytest.mark.parametrize("most", [2, 60])
def test_the_first_lab_has_three_exercises_and_no_fault(most, tmp_path):
    proofs = list(prove(lab_of(first_source("A lab"), tmp_path), most))
    assert [(proof.exercise, proof.faults, proof.survivors) for proof in proofs] == [
        ("sigmoid", [], []), ("gradient", [], []), ("fit", [], []),
    ]  # fmt: skip
    assert all(proof.mutants for proof in proofs)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("### END SOLUTION", "### STUB\n    # return x / 2\n    ### END SOLUTION", "stub passes"),
        ("How many halves has a whole?", "try np.asarray(x) / 2", "hint 1 gives the solution away"),
        ("/ 3", "/ 2.0", "a wrong answer passes: / 2 → / 2.0"),
        ('says="must be 2"', 'says="third"', "without 'third'"),
        ('"/ 2", "/ 3"', '"// 2", "/ 3"', "the solution has no '// 2'"),
        ("0.5 * np", "0.6 * np", "a right answer does not pass"),
        (
            "checks.wrong",
            'checks.property("no")(lambda half, rng: half(1) > 1)\nchecks.wrong',
            "breaks a rule: no",
        ),
    ],
)  # fmt: skip
def test_a_fault_of_a_lab_is_told(old, new, said, tmp_path):
    assert old in LAB
    assert faults(LAB, tmp_path) == []
    load.cache_clear()
    assert said in " ".join(faults(LAB.replace(old, new), tmp_path))


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("checks.values(3.0", "chekcs.values(3.0", "line 15: the checks of half do not run"),
        ("hints = [", "hnts = [", "half has no hints"),
        ("checks.values(3.0, lambda rng: rng.normal(size=3))", "", "half has no check"),
        ("3.0, lambda rng: rng.normal(size=3)", "", "add a case"),
    ],
)
def test_checks_that_do_not_run_are_refused_with_their_line(old, new, said, tmp_path):
    with pytest.raises(DataError, match=re.escape(said)):
        _ = lab_of(LAB.replace(old, new), tmp_path).exercises


def test_what_no_check_sees_is_told(tmp_path):
    (proof,) = prove(lab_of(LAB.replace("lambda rng: rng.normal(size=3)", "0.0"), tmp_path))
    assert proof.survivors == []
    blind = LAB.replace("checks.values(3.0, lambda rng: rng.normal(size=3))", "checks.shape(3.0)")
    load.cache_clear()
    (proof,) = prove(lab_of(re.sub("checks.wrong.*", "", blind), tmp_path))
    assert "np.asarray(x) * 2" in {mutant.new for mutant in proof.survivors}


@pytest.mark.thorough  # all mutants of a lab
def test_a_proposed_answer_is_one_that_the_file_can_list(tmp_path):
    lab = lab_of(first_source("A lab"), tmp_path)
    (proof,) = [proof for proof in prove(lab, explained=True) if proof.exercise == "sigmoid"]
    lines = list(proof.proposals)
    assert lines
    listed = first_source("A lab").replace(
        "\nchecks.right(", "\n" + "\n".join([*lines, "checks.right("]), 1
    )
    load.cache_clear()
    assert faults(listed, tmp_path) == []


def test_mutants_differ_and_parse():
    text = "def f(x, n=3):\n    if x < 0 and n:\n        x = -x\n    return np.sum(x, axis=0)\n"
    changed = mutants(text)
    assert len({m.text for m in changed}) == len(changed) > 8
    for mutant in changed:
        compile(mutant.text, "mutant", "exec")
        old, new = mutant.replacement
        assert text.replace(old, new, 1) == mutant.text


def test_a_course_has_no_checks_and_no_solutions_for_students(tmp_path):
    lab = lab_of(first_source("A lab"), tmp_path)
    paths = write_course(lab.source, tmp_path / "course")
    names = {path.relative_to(tmp_path / "course").as_posix() for path in paths}
    assert names == {
        "student/halves.ipynb", "student/halves.py", "solved/halves.ipynb", "solved/halves.py",
        "halves.md", "halves.html",
    }  # fmt: skip
    for path in paths:
        text = path.read_text("utf-8")
        assert not any(word in text for word in ("checks", "says=", "SOLUTION", "hints")), path
        assert ("np.exp(-x)" in text) == ("solved" in path.parts), path
    cells = json.loads((tmp_path / "course/student/halves.ipynb").read_text("utf-8"))["cells"]
    assert "check.sigmoid(sigmoid)" in "".join("".join(cell["source"]) for cell in cells)


def test_the_verbs_write_check_and_build_a_lab(tmp_path):
    run, path = CliRunner().invoke, tmp_path / "my_lab.py"
    assert run(app, ["lab", "new", str(path)]).exit_code == 0
    assert "# # My lab" in path.read_text("utf-8")
    assert run(app, ["lab", "new", str(path)]).exit_code == 2
    path = tmp_path / "halves.py"  # another test checks the lab that is new
    path.write_text(LAB, "utf-8")
    done = run(app, ["lab", "check", str(path), "--mutants", "3"])
    assert done.exit_code == 0, done.output
    assert "3 of 3 mutants are caught" in done.output
    path.write_text(LAB.replace('says="must be 2"', 'says="nothing"'), "utf-8")
    load.cache_clear()
    assert run(app, ["lab", "check", str(path), "--mutants", "0"]).exit_code == 1
    assert run(app, ["lab", "build", str(path), "-o", str(tmp_path / "course")]).exit_code == 0


def test_labs_are_found_in_files_folders_and_packages(tmp_path, monkeypatch):
    lab = lab_of(LAB, tmp_path)
    (tmp_path / "no_lab.py").write_text("x = 1\n")
    assert find(str(tmp_path)) == find(lab.key) == [lab]
    assert [found.name for found in find("5")] == ["05_optimizers"]
    monkeypatch.setenv("CHAINRULE_LABS", str(tmp_path))
    assert find("halves") == [lab]
    with pytest.raises(DataError, match="there is no lab 'thirds'"):
        find("thirds")


def test_a_package_brings_labs_by_its_entry_point(tmp_path, monkeypatch):
    package = tmp_path / "course_of_halves"
    package.mkdir()
    (package / "__init__.py").write_text("")
    lab_of(LAB, package)
    info = tmp_path / "course_of_halves-1.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: course-of-halves\nVersion: 1\n")
    (info / "entry_points.txt").write_text("[chainrule.labs]\nhalf-course = course_of_halves\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    assert [lab.name for lab in find("half-course")] == ["halves"]
    assert [lab.name for lab in find("halves")] == ["halves"]


def test_a_gradient_is_told_the_learner_s_line(tmp_path):
    lab = lab_of(first_source("A lab"), tmp_path)
    answer = "def gradient(w, X, y):\n    return X.T @ (sigmoid(X @ w) - y)\n"
    outcome = result(lab, "gradient", answer)
    assert "line 2: the average over the batch is missing" in outcome.sentence
    assert 0 < outcome.points < outcome.most == 6


def test_a_structure_is_compared_entry_by_entry(tmp_path):
    text = LAB.replace("np.asarray(x) / 2", '{"half": x / 2, "parts": (x, "text", [1, 2])}')
    lab = lab_of(re.sub(r"checks\.(wrong|right).*", "", text), tmp_path)
    right = '{"half": x / 2, "parts": (x, "text", [1, 2])}'

    def said(returned):
        return result(lab, "half", f"def half(x):\n    return {returned}\n").sentence

    assert said(right) == said(right.replace("[1, 2]", "np.array([1, 2])")) == ""
    assert said(right.replace("text", "txt")) == "half(3.0)['parts'][1] is txt, it must be text"
    assert "half(3.0)['half'] is 1" in said(right.replace("/ 2", "/ 3"))
    assert "it must have 3 entries" in said(right.replace('"text", ', ""))
    assert "must be a dict with 'half', 'parts'" in said(right.replace("half", "hlf"))


@pytest.mark.thorough  # whole labs
@pytest.mark.parametrize("path", EXAMPLES, ids=lambda p: p.stem)
def test_labs_of_other_fields_have_no_fault(path):
    """Each is written in less than 150 lines, as a teacher would."""
    assert len(path.read_text("utf-8").splitlines()) < 150
    for proof in prove(load(str(path)), most=12):
        assert proof.faults == [], proof.exercise
        assert len(proof.mutants) > len(proof.survivors) or proof.exercise == "discussion"


@pytest.mark.sampled(quick=1)
@pytest.mark.parametrize("key", our_labs())
def test_our_labs_pass_the_check_of_labs(key):
    assert [fault for proof in prove(load(key), most=0) for fault in proof.faults] == []


def test_constants_of_a_student_are_hers(tmp_path):
    task = '# %% task="PARTS"\ndef draw(rng):\n    return {"PARTS": rng.integers(2, 999)}\n\n'
    text = LAB.replace(
        "# %% exercise", task + "# %% [markdown]\n# Into {{PARTS}}.\n\n# %% exercise"
    )
    text = text.replace("np.asarray(x) / 2\n", "np.asarray(x) / PARTS\n").replace(
        '"/ 2"', '"/ PARTS"'
    )
    lab = lab_of(
        text.replace('says="must be 2"', 'says="half("').replace(
            'checks.right("np.asarray(x) / 2", "0.5 * np.asarray(x)")', ""
        ),
        tmp_path,
    )
    assert faults(lab.source.path.read_text("utf-8"), tmp_path) == []
    ada, bob = (lab.source.constants(name)["PARTS"] for name in ("ada", "bob"))
    assert ada != bob
    with pytest.raises(DataError, match="--student"):
        write_course(lab.source, tmp_path / "course")
    write_course(lab.source, tmp_path / "course", ["ada", "bob"])
    for name, parts in (("ada", ada), ("bob", bob)):
        handed = (tmp_path / f"course/student/{name}/halves.py").read_text("utf-8")
        assert f"PARTS = {parts}\n" in handed
        assert f"# Into {parts}." in handed
    answer = f"def half(x):\n    return np.asarray(x) / {ada}\n"
    assert result(lab, "half", answer, "ada").passed
    assert not result(lab, "half", answer, "bob").passed
    assert np.isclose(lab.source.constants("ada")["PARTS"], ada)


def test_a_mistake_that_many_make_has_a_sentence_of_its_own(tmp_path):
    mistakes = 'mistakes={"it is doubled: halve it": lambda x: 2 * np.asarray(x)}'
    lab = lab_of(LAB.replace("rng.normal(size=3))", f"rng.normal(size=3), {mistakes})"), tmp_path)
    half = lab.exercises["half"]
    assert half.run_here(lambda x: 2 * np.asarray(x)).sentence == "it is doubled: halve it"
    assert "must be" in half.run_here(lambda x: 3 * np.asarray(x)).sentence
    assert half.run_here(lambda x: np.asarray(x) / 2).passed


HELPED = """
# %% exercise="third"
class Divisor:
    ### BEGIN SOLUTION
    value = 3
    ### END SOLUTION


def third(x):
    ### BEGIN SOLUTION
    return x / Divisor.value
    ### END SOLUTION


print("a plot", half(4) + 1)

# %% checks="third"
hints = ["Divide."]
checks.values(3.0)
"""


def test_mutants_are_of_all_that_an_exercise_is_made_of_and_of_nothing_else(tmp_path):
    lab = lab_of(LAB + HELPED, tmp_path)
    proof = [*prove(lab)][-1]
    assert {mutant.line for mutant in proof.mutants} == {2, 6}
    assert proof.survivors == []
