"""A lab for services that run commands in a student's repository: ``tests.json`` and pytest."""

from __future__ import annotations

import json

from chainrule._src.teach.exports.folders import ExportedLab, Files
from chainrule._src.teach.exports.services import requirements

HEAD = '''"""The checks of the lab, one test each: pytest tests"""

from pathlib import Path

import pytest

from chainrule._src.teach.exports.support import require_of_file

LAB = {lab!r}
FILE = str(Path(__file__).parents[1] / f"{{LAB}}.ipynb")
'''
SETUP = "pip install -r requirements.txt wheels/*.whl"
WHEELS = """Put chainrule's wheel here: `pip wheel --no-deps PATH_OF_ITS_CHECKOUT`.

`requirements.txt` names the packages from PyPI alone.
"""
TEST = """

@pytest.mark.parametrize("check", {checks!r})
def test_{name}(check):
    require_of_file(FILE, LAB, {name!r}, {checks!r}.index(check))
"""


def classroom(lab: ExportedLab) -> Files:
    """Return a repository for students: the notebook, pytest's tests, and ``tests.json``.

    It contains no hidden tests, because students see every file.
    """
    text, listed = HEAD.format(lab=lab.name), []
    for name, exercise in lab.exercises.items():
        checks = [f"{number}-{check.name}" for number, check in enumerate(exercise.checks)]
        text += TEST.format(name=name, checks=checks)
        listed += [
            {
                "name": f"{name}: {check.name}", "setup": SETUP,
                "run": f"python -m pytest -q 'tests/test_lab.py::test_{name}[{title}]'",
                "input": "", "output": "", "comparison": "included", "timeout": 5,
                "points": check.points,
            }
            for title, check in zip(checks, exercise.checks, strict=True)
        ]  # fmt: skip
    tests = json.dumps({"tests": listed}, indent=1) + "\n"
    return {
        f"{lab.name}.ipynb": lab.student_notebook(),
        "requirements.txt": "\n".join([*requirements(), "pytest"]) + "\n",
        "wheels/README.md": WHEELS,
        "tests/test_lab.py": text,
        "tests.json": tests,
        ".github/classroom/autograding.json": tests,
    }
