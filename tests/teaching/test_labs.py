"""Every lab, solved: it runs in a fresh kernel, passes its checks and reaches its numbers."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from chainrule._src.teach.exercises import LABS
from chainrule._src.teach.regions import HIDDEN, kinds
from chainrule._src.teach.source import sources
from chainrule._src.teach.submission import read

ROOT = Path(__file__).parents[2]
LABS_HERE = [lab for lab in sources() if lab.name in LABS]
RUN = """
import sys, nbformat
from nbclient import NotebookClient
notebook = nbformat.read(sys.argv[1], 4)
NotebookClient(notebook, timeout=300, resources={"metadata": {"path": sys.argv[3]}}).execute()
nbformat.write(notebook, sys.argv[2])
"""


def printed(cell):
    return "".join("".join(out.get("text", "")) for out in cell["outputs"])


@pytest.mark.parametrize("lab", LABS_HERE, ids=lambda lab: lab.name)
def test_a_solved_lab_runs_in_a_fresh_kernel_and_passes_its_checks(lab, tmp_path):
    for module in ("nbclient", "ipykernel"):
        pytest.importorskip(module)
    ran = tmp_path / "ran.ipynb"
    path = ROOT / "notebooks" / "solved" / f"{lab.name}.ipynb"
    subprocess.run(
        [sys.executable, "-c", RUN, path, ran, tmp_path], check=True, capture_output=True
    )
    cells = [c for c in json.loads(ran.read_text())["cells"] if c["cell_type"] == "code"]
    results = [c["outputs"][-1] for c in cells if c["id"].startswith("check-")]
    assert len(results) == len(lab.exercises)
    for result in results:
        assert "".join(result["data"]["text/plain"]).startswith("✓")
    if lab.name.startswith("01"):
        accuracies = re.findall(r"Epoch #15, .* test acc: (.*)", "".join(map(printed, cells)))
        assert float(accuracies[-1]) > 0.95


HIDING = [(lab, cell) for lab in LABS_HERE for cell in lab.cells if HIDDEN in kinds(cell.source)]


@pytest.mark.parametrize(("lab", "cell"), HIDING, ids=lambda value: getattr(value, "check", None))
@pytest.mark.parametrize("solved", [True, False])
def test_hidden_tests_pass_with_the_solution_and_fail_with_the_stub(lab, cell, solved, tmp_path):
    kind = "solved" if solved else "student"
    submission = read(ROOT / "notebooks" / kind / f"{lab.name}.ipynb")
    space = submission.load([cell.check, "np"])
    with_hidden = lab.code(cell, solved=True, hidden=True)
    asserts = with_hidden.removeprefix(lab.code(cell, solved=True))
    if solved:
        exec(asserts, space)
    else:
        with pytest.raises(Exception):  # noqa: B017, PT011  # a stub may do anything
            exec(asserts, space)
