"""A lab for nbgrader: the instructor's notebook with its metadata, schema 3."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import Any

from chainrule._src.teach.exports.folders import ExportedLab, Files, function, notebook_text
from chainrule._src.teach.exports.support import definition_digest
from chainrule._src.teach.regions import strip, without_stubs
from chainrule._src.teach.source import Cell

CONFIG = '''"""nbgrader's settings for the labs of chainrule."""

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
    return {
        "nbgrader_config.py": CONFIG,
        "README.md": README.format(name=lab.name),
        f"source/{lab.name}/{lab.name}.ipynb": notebook_text(_notebook(lab)),
    }


def _notebook(lab: ExportedLab) -> Any:
    notebook = lab.source.notebook(solved=True)
    last = {cell.check: i for i, cell in enumerate(lab.source.cells) if cell.check}
    for i, (cell, output) in enumerate(zip(lab.source.cells, notebook.cells, strict=True)):
        if cell.exercises:
            output.source = without_stubs(cell.source)
            output.metadata["nbgrader"] = _metadata(output, solution=True)
        elif cell.check in lab.exercises and last[cell.check] == i:
            output.source = _graded(lab, cell)
            output.metadata["nbgrader"] = _metadata(output, points=lab.most(cell.check))
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


def _graded(lab: ExportedLab, cell: Cell) -> str:
    """Return a cell that runs the check for students and returns the points in nbgrader."""
    name = cell.check
    lines = [lab.source.code(cell, solved=True), "### BEGIN HIDDEN TESTS"]
    lines.append("from chainrule._src.teach.exports.support import points")
    handed_out = [definition_digest(text) for text in stubs_of(lab, name)]
    arguments = f"check.{name}({name}), {name}, {handed_out}"
    call = f"points({arguments})"
    if name in lab.hidden:
        body = f"import math\nimport numpy as np\n{lab.hidden[name]}"
        lines.append(function(body, "def hidden_tests():"))
        call = f"points({arguments}, hidden_tests)"
    return "\n".join([*lines, call, "### END HIDDEN TESTS"])
