"""A lab for nbgrader: the instructor's notebook with its metadata, schema 3."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import Any

from chainrule._src.teach.exports.folders import ExportedLab, Files, function, notebook_text
from chainrule._src.teach.exports.support import definition_digest
from chainrule._src.teach.regions import strip, without_stubs

CONFIG = '''"""nbgrader's settings for the labs of chainrule."""

import os
from pathlib import Path

os.environ["CHAINRULE_LABS"] = str(Path(__file__).parent / "labs")  # checks of labs of your own
c = get_config()  # noqa: F821
c.CourseDirectory.course_id = "chainrule"
c.ClearSolutions.code_stub = {"python": "# TODO\\nraise NotImplementedError"}
c.ExecutePreprocessor.timeout = 300
'''
README = """# {name} for nbgrader

In this folder:

    nbgrader generate_assignment {name} --create --force    # release/{name}: for students
    nbgrader autograde {name} --create                      # submitted/STUDENT/{name}/*.ipynb
    nbgrader generate_feedback {name} --force
    nbgrader export                                         # grades.csv

chainrule must be installed where the notebooks run. Each graded cell ends with the points earned,
which nbgrader takes as partial credit, and prints what is wrong; hidden tests are put back when
submissions are graded. Students' code runs in the same kernel as the checks: against those who want
to deceive them, `chainrule grade` keeps the two apart.
"""


def nbgrader(lab: ExportedLab) -> Files:
    """Return a course folder: the source notebook and nbgrader's settings."""
    checks = {f"labs/{lab.name}.py": lab.source.path.read_text("utf-8")} if lab.is_own else {}
    return {
        **checks,
        "nbgrader_config.py": CONFIG,
        "README.md": README.format(name=lab.name),
        f"source/{lab.name}/{lab.name}.ipynb": notebook_text(_notebook(lab)),
    }


def _notebook(lab: ExportedLab) -> Any:
    notebook = lab.source.notebook(solved=True)
    checking = {}  # exercise → its last cell that calls a check
    for (_, cell, _), output in zip(lab.source.blocks(solved=True), notebook.cells, strict=True):
        if cell.exercises:
            output.source = without_stubs(cell.source)
            output.metadata["nbgrader"] = _metadata(output, solution=True)
        elif cell.check or cell.checks:
            checking[cell.check or cell.checks] = output
    for name, output in checking.items():
        output.source = _graded(lab, name, output.source)
        output.metadata["nbgrader"] = _metadata(output, points=lab.most(name))
    return notebook


def stubs_of(lab: ExportedLab, name: str) -> Iterator[str]:
    """Yield the definitions of an exercise that nbgrader's students begin with."""
    for cell in lab.source.cells:
        if name in cell.exercises:
            code = strip(without_stubs(cell.source), solved=False)
            for node in ast.parse(code).body:
                if getattr(node, "name", None) == name:
                    yield ast.unparse(node)


def _metadata(output: Any, solution: bool = False, points: int | None = None) -> dict[str, Any]:
    graded = points is not None
    metadata = {
        "schema_version": 3, "grade_id": output["id"], "cell_type": "code", "task": False,
        "grade": graded, "solution": solution, "locked": graded,
    }  # fmt: skip
    return {**metadata, "points": points} if graded else metadata


def _graded(lab: ExportedLab, name: str, code: str) -> str:
    """Return a cell that runs the check for students and returns the points in nbgrader."""
    lines = [code, "### BEGIN HIDDEN TESTS"]
    lines.append("from chainrule._src.teach.exports.support import points")
    handed_out = [definition_digest(text) for text in stubs_of(lab, name)]
    arguments = f"check.{name}({name}), {name}, {handed_out}"
    call = f"points({arguments})"
    if name in lab.hidden:
        body = f"import math\nimport numpy as np\n{lab.hidden[name]}"
        lines.append(function(body, "def hidden_tests():"))
        call = f"points({arguments}, hidden_tests)"
    return "\n".join([*lines, call, "### END HIDDEN TESTS"])
