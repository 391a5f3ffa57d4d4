"""A lab for Otter: the student's notebook, and tests with a case for each check."""

from __future__ import annotations

import json

from chainrule._src.teach.exports.folders import PACKAGES, ExportedLab, Files, function
from chainrule._src.teach.grading.hidden import used_names

HEAD = """from otter.test_files import test_case

from chainrule._src.teach.exports.support import require

OK_FORMAT = False
lab, name = {lab!r}, {name!r}
points = None
"""
CASE = """

@test_case(name={title!r}, points={points}, hidden=False)
def test_{number}(env):
    require(lab, name, {number}, env)
"""
README = """# {name} for Otter

    otter generate -t tests -r requirements.txt -c otter_config.json -o autograder.zip
    otter run -a autograder.zip SUBMISSION.ipynb      # one, here
    otter grade -n {name} -a autograder.zip SUBMISSIONS    # all, in containers

`autograder.zip` is also what Gradescope takes. `student/` is for students: its notebook checks with
chainrule itself and has no hidden tests. Add to `requirements.txt` where chainrule comes from.
"""


def otter(lab: ExportedLab) -> Files:
    """Return the notebook for students, the tests, and the input of `otter generate`."""
    files: Files = {
        "README.md": README.format(name=lab.name),
        "requirements.txt": PACKAGES,
        "otter_config.json": json.dumps({"show_hidden": False, "show_stdout": False}) + "\n",
        f"student/{lab.name}.ipynb": lab.student_notebook(),
    }
    return files | {f"tests/{name}.py": _test_file(lab, name) for name in lab.exercises}


def _test_file(lab: ExportedLab, name: str) -> str:
    checks = lab.exercises[name].checks
    text = HEAD.format(lab=lab.name, name=name)
    for number, check in enumerate(checks):
        title = f"{name}: {check.name}"
        text += CASE.format(name=name, number=number, title=title, points=check.points)
    if name in lab.hidden:
        title = f"{name}: hidden"
        text += f"\n\n@test_case(name={title!r}, points=1, hidden=True)\n"
        parameters = ", ".join(used_names(lab.hidden[name], lab.exercises))
        body = f"import math\n\nimport numpy as np\n\n{lab.hidden[name]}"
        text += function(body, f"def test_{len(checks)}({parameters}):") + "\n"
    return text
