"""A lab for other systems: what is written, and what their runners make of it."""

import ast
import io
import json
import linecache
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
from chainrule._src.teach.exports.nbgrader import stubs_of
from chainrule._src.teach.loader import load, our_labs
from chainrule._src.teach.regions import strip, without_stubs
from chainrule.errors import UnknownNameError

LAB = "01_softmax_and_backpropagation"
# What is given to students of each export, by path.
STUDENTS = {
    "nbgrader": (),  # nbgrader itself makes it: see test_judges.py
    "otter": ("student/",),
    "gradescope": ("student/",),
    "prairielearn": (r"questions/.*/(question\.html|\w+\.py)$",),
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


# PrairieLearn's schema of info.json: the required keys and others, with their types.
INFO = {
    "uuid": str, "type": str, "title": str, "topic": str, "tags": list, "gradingMethod": str,
    "partialCredit": bool, "singleVariant": bool, "externalGradingOptions": dict,
}  # fmt: skip
OPTIONS = {"enabled": bool, "image": str, "entrypoint": str, "timeout": int}


def test_prairielearn_has_a_question_for_each_exercise(labs):
    seen = set()
    for name, lab in labs.items():
        files = MAKERS["prairielearn"](lab)
        for exercise in lab.exercises:
            question = f"questions/{name}/{exercise}"
            info = json.loads(files[f"{question}/info.json"])
            assert {key: type(value) for key, value in info.items()} == INFO
            options = info["externalGradingOptions"]
            assert {key: type(value) for key, value in options.items()} == OPTIONS
            assert re.fullmatch("[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", info["uuid"])
            seen.add(info["uuid"])
            assert (info["type"], info["gradingMethod"]) == ("v3", "External")
            assert f"{question}/tests/{Path(options['entrypoint']).name}" in files
            page = files[f"{question}/question.html"]
            assert f'file-name="{exercise}.py"' in page
            assert "{{" not in page
            assert exercise in files[f"{question}/{exercise}.py"]
    assert len(seen) == sum(len(lab.exercises) for lab in labs.values())


@pytest.mark.thorough  # a process
@pytest.mark.usefixtures("light_hosts")
def test_prairielearn_s_results(labs, tmp_path):
    """An answer that uses another exercise's is marked with that of the lab."""
    (tmp_path / "student").mkdir()
    answer = tmp_path / "student" / "dsigmoid.py"
    arguments = ["prairielearn", LAB, str(tmp_path / "student"), str(tmp_path / "results.json")]
    scores = {}
    stub = MAKERS["prairielearn"](labs[LAB])[f"questions/{LAB}/dsigmoid/dsigmoid.py"]
    right = "def dsigmoid(X):\n    sig = sigmoid(X)\n    return sig * (1 - sig)\n"
    for text in (right, right.replace("(1 - sig)", "1"), stub):
        answer.write_text(text)
        run.main([*arguments, "--exercise", "dsigmoid"])
        results = json.loads((tmp_path / "results.json").read_text())
        assert results["gradable"] is True
        assert {case["name"].split(":")[0] for case in results["tests"]} == {"dsigmoid"}
        scores[text] = results["score"]
    assert scores[right] == 1.0
    assert 0 < scores[right.replace("(1 - sig)", "1")] < 1
    assert scores[stub] == 0.0


def test_what_a_classroom_installs_is_on_pypi(labs):
    files = MAKERS["classroom"](labs[LAB])
    assert "chainrule" not in files["requirements.txt"]
    assert "pytest" in files["requirements.txt"].split()
    assert "wheels/*.whl" in files["tests.json"]


@pytest.mark.sampled(quick=1)
@pytest.mark.parametrize("name", our_labs())
def test_nbgrader_s_untouched_notebook_earns_nothing(labs, name):
    """Its cells run as in a kernel: the text of each is in Python's cache of lines."""
    lab = labs[name]
    checked = support.points

    def run_cell(number, text, space):
        file = f"<cell {number} of {name}>"
        linecache.cache[file] = (len(text), None, text.splitlines(keepends=True), file)
        exec(compile(text, file, "exec"), space)

    for number, cell in enumerate(cell for cell in lab.source.cells if cell.exercises):
        for solved in (False, True):
            space = {"__name__": f"kernel{number}"}
            text = strip(without_stubs(cell.source), solved=solved)
            functions = "\n\n".join(
                ast.unparse(node) for node in ast.parse(text).body if hasattr(node, "name")
            )
            run_cell(
                number,
                "import numpy as np\nfrom typing import *\n" + _bases(functions) + functions,
                space,
            )
            for exercise in cell.exercises:
                handed_out = [support.definition_digest(t) for t in stubs_of(lab, exercise)]
                result = lab.exercises[exercise].failed("")
                earned = support._digest_of(space[exercise]) not in handed_out
                assert earned == solved, exercise
                if not solved:
                    assert checked(result, space[exercise], handed_out) == 0.0


def _bases(text):
    """Return stand-ins for what the definitions derive from."""
    bases = {
        b.id for n in ast.parse(text).body for b in getattr(n, "bases", ()) if hasattr(b, "id")
    }
    return "".join(f"class {base}: pass\n" for base in sorted(bases - {"object"}))


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

    assert support.points(result, hidden_tests=fails) == result.points
    assert support.points(result, hidden_tests=lambda: None) == result.points + 1
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
