"""A lab for other systems: what is written, and what their runners make of it."""

import io
import json
import os
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import nbformat
import pytest

from chainrule._src.teach.exports import run, support
from chainrule._src.teach.exports.folders import exported, write_files
from chainrule._src.teach.exports.making import MAKERS
from chainrule._src.teach.loader import load, our_labs
from chainrule.errors import UnknownNameError

LAB = "01_softmax_and_backpropagation"
# What is given to students of each export, by path.
STUDENTS = {
    "nbgrader": (),  # nbgrader itself makes it: see test_judges.py
    "otter": ("student/",),
    "gradescope": ("student/",),
    "prairielearn": ("questions/.*/clientFilesQuestion/",),
    "classroom": ("",),
}


@pytest.fixture(scope="module")
def labs():
    return {name: exported(load(name)) for name in our_labs()}


def text_of(content):
    return content if isinstance(content, str) else content.decode("utf-8", "replace")


@pytest.mark.sampled(quick=6)
@pytest.mark.parametrize("kind", MAKERS)
@pytest.mark.parametrize("name", our_labs())
def test_no_student_gets_hidden_tests_or_solutions(labs, name, kind):
    lab = labs[name]
    hidden = "\n".join(lab.hidden.values())
    secrets = re.findall(r"^ *(assert .{12,})$", hidden, re.MULTILINE)
    secrets += re.findall(r'"([^"]{12,})"', hidden)
    assert secrets
    files = {
        path: text_of(content)
        for path, content in MAKERS[kind](lab).items()
        if any(re.match(pattern, path) for pattern in STUDENTS[kind])
    }
    assert files or kind == "nbgrader"
    for path, text in files.items():
        assert "HIDDEN" not in text, path
        assert "BEGIN SOLUTION" not in text, path
        assert not [line for line in secrets if json.dumps(line)[1:-1] in text], path
        assert not [line for line in secrets if line in text], path


@pytest.mark.parametrize("kind", MAKERS)
def test_exports_are_the_same_bytes_each_time(labs, kind):
    assert MAKERS[kind](labs[LAB]) == MAKERS[kind](exported(load(LAB)))


def test_the_metadata_of_nbgrader(labs):
    for name, lab in labs.items():
        files = MAKERS["nbgrader"](lab)
        notebook = nbformat.reads(files[f"source/{name}/{name}.ipynb"], 4)
        nbformat.validate(notebook)
        found = [cell for cell in notebook.cells if "nbgrader" in cell.metadata]
        graded = {c.metadata.nbgrader.grade_id: c for c in found if c.metadata.nbgrader.grade}
        assert set(graded) == {f"check-{exercise}" for exercise in lab.exercises}
        points = sum(cell.metadata.nbgrader.points for cell in graded.values())
        assert points == sum(map(lab.most, lab.exercises))
        assert {cell.metadata.nbgrader.schema_version for cell in found} == {3}
        for cell in found:
            assert cell.metadata.nbgrader.grade != cell.metadata.nbgrader.solution
            marker = "HIDDEN TESTS" if cell.metadata.nbgrader.grade else "SOLUTION"
            assert f"### BEGIN {marker}" in cell.source
            assert "### STUB" not in cell.source


@pytest.mark.thorough  # a whole grader
def test_the_zip_for_gradescope_runs_where_only_it_is(labs, tmp_path):
    """Its package, its command; the environment's libraries stand in for those that it installs.

    Its host loads neither plots nor scikit-learn, which would take most of the time.
    """
    content = MAKERS["gradescope"](labs[LAB])[f"autograder-{LAB}.zip"]
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        archive.extractall(tmp_path / "source")
        assert archive.getinfo("run_autograder").external_attr >> 16 == 0o755
    host = tmp_path / "source/chainrule/_src/teach/confined/host.py"
    begin, end = host.read_text("utf-8").split('if __name__ == "__main__":')
    host.write_text(f'{begin}LOADED = ("numpy", *LOADED[-2:])\n\nif True:{end}', "utf-8")
    script = (tmp_path / "source/run_autograder").read_text()
    assert subprocess.run(["bash", "-n"], input=script, text=True).returncode == 0
    (tmp_path / "submission").mkdir()
    notebook = labs[LAB].source.notebook(solved=True)
    for cell in notebook.cells:
        cell.source = cell.source.replace("sig * (1 - sig)", "sig")
    nbformat.write(notebook, tmp_path / "submission" / "my lab.ipynb")
    users = {"users": [{"email": "ada@example.org", "name": "Ada"}]}
    (tmp_path / "submission_metadata.json").write_text(json.dumps(users))
    command = script.partition("/autograder/venv/bin/python")[2].replace("\\\n", " ").split()
    command = [part.replace("/autograder", str(tmp_path)) for part in command]
    environment = os.environ | {"PYTHONPATH": str(tmp_path / "source")}
    subprocess.run([sys.executable, *command], check=True, env=environment, cwd=tmp_path)
    results = json.loads((tmp_path / "results/results.json").read_text())
    cases = {case["name"]: case for case in results["tests"]}
    assert results["score"] == sum(case["score"] for case in cases.values())
    assert sum(c["max_score"] for c in cases.values()) == sum(
        map(labs[LAB].most, labs[LAB].exercises)
    )
    assert cases["softmax: hidden"]["status"] == "passed"
    assert cases["dsigmoid: values"]["output"].startswith(("dsigmoid", "my lab.ipynb"))


@pytest.mark.usefixtures("light_hosts")
def test_prairielearn_s_results(labs, tmp_path):
    (tmp_path / "student").mkdir()
    nbformat.write(labs[LAB].source.notebook(solved=True), tmp_path / "student" / f"{LAB}.ipynb")
    run.main(["prairielearn", LAB, str(tmp_path / "student"), str(tmp_path / "out/results.json")])
    results = json.loads((tmp_path / "out/results.json").read_text())
    assert (results["gradable"], results["score"]) == (True, 1.0)
    assert sum(t["points"] for t in results["tests"]) == sum(
        t["max_points"] for t in results["tests"]
    )
    files = MAKERS["prairielearn"](labs[LAB])
    info = json.loads(files[f"questions/{LAB}/info.json"])
    assert (
        f"questions/{LAB}/tests/{Path(info['externalGradingOptions']['entrypoint']).name}" in files
    )


def test_nothing_handed_in_is_no_points(tmp_path):
    (tmp_path / "student").mkdir()
    run.main(["gradescope", LAB, str(tmp_path / "student"), str(tmp_path / "results.json")])
    results = json.loads((tmp_path / "results.json").read_text())
    assert results["score"] == 0
    assert "was handed in" in results["tests"][0]["output"]


@pytest.mark.thorough  # a whole repository
def test_a_classroom_s_repository_runs_with_pytest(labs, tmp_path, light_hosts):
    write_files(MAKERS["classroom"](labs[LAB]), tmp_path)
    (tmp_path / "conftest.py").write_text(light_hosts)
    notebook = labs[LAB].source.notebook(solved=True)
    for cell in notebook.cells:
        cell.source = cell.source.replace("sig * (1 - sig)", "sig")
    nbformat.write(notebook, tmp_path / f"{LAB}.ipynb")
    listed = json.loads((tmp_path / "tests.json").read_text())["tests"]
    most = sum(exercise.most for exercise in labs[LAB].exercises.values())
    assert sum(test["points"] for test in listed) == most
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "tests"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    failed = re.findall(r"FAILED \S+::(\S+)", done.stdout)
    assert failed
    assert all(name.startswith(("test_dsigmoid", "test_NeuralNet")) for name in failed)
    assert f"{len(listed) - len(failed)} passed" in done.stdout
    names = [test["run"].partition("::")[2].rstrip("'") for test in listed]
    assert set(failed) <= set(names)


def test_points_are_printed_with_what_is_wrong(capsys):
    from chainrule._src.teach.loader import exercise

    result = exercise("softmax").run_here(lambda X: X)

    def fails():
        raise AssertionError("rows do not sum to 1")

    assert support.points(result, fails) == result.points
    assert support.points(result, lambda: None) == result.points + 1
    said = capsys.readouterr().out
    assert "✗ softmax, hidden tests: rows do not sum to 1" in said


def test_otters_cases_say_what_is_wrong():
    with pytest.raises(AssertionError, match="was its cell deleted"):
        support.require(LAB, "softmax", 0, {})
    with pytest.raises(AssertionError, match="raised ZeroDivisionError"):
        support.require(LAB, "softmax", 0, {"softmax": lambda X: 1 / 0})


def test_an_unknown_kind_names_the_known(tmp_path):
    from chainrule._src.cli.export_lab import KINDS, export_lab

    assert set(KINDS) == set(MAKERS)
    with pytest.raises(UnknownNameError, match="did you mean 'otter'"):
        export_lab("1", "oter", tmp_path)
