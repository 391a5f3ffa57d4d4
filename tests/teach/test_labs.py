"""Every lab, solved: it runs in a kernel, passes its checks and reaches its numbers."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from tests.teach.collection import labs

from chainrule._src.teach.regions import HIDDEN, kinds
from chainrule._src.teach.submission import read

ROOT = Path(__file__).parents[2]
LABS_HERE = labs()
RUN = """
import json, sys, nbformat
from nbclient import NotebookClient
labs = [nbformat.read(path, 4) for path in sys.argv[2:]]
for lab in labs[1:]:
    lab.cells.insert(0, nbformat.v4.new_code_cell("%reset -s -f"))
whole = nbformat.v4.new_notebook(cells=[cell for lab in labs for cell in lab.cells])
path = {"metadata": {"path": sys.argv[1]}}
NotebookClient(whole, timeout=300, allow_errors=True, resources=path).execute()
for path, lab in zip(sys.argv[2:], labs):
    nbformat.write(lab, path)
"""
# Nobody looks at the pictures: they are small, without numbers at their axes, and drawn once each.
SMALL = (
    "figure.dpi: 20", "savefig.dpi: 20", "xtick.labelbottom: False", "ytick.labelleft: False",
    "xtick.bottom: False", "ytick.left: False",
)  # fmt: skip
DRAWN_ONCE = "get_config().InlineBackend.print_figure_kwargs = {'bbox_inches': None}\n"
FEWER_SAMPLES = "test_size=0.15", "test_size=0.9"  # for training


@pytest.fixture(scope="module")
def solved(request, tmp_path_factory):
    """Return the code cells of each solved lab that this run tests, with their outputs.

    One kernel runs them all and forgets their names in between. The first lab, whose accuracy is
    tested, trains with all samples.
    """
    for module in ("nbclient", "ipykernel"):
        pytest.importorskip(module)
    folder = tmp_path_factory.mktemp("labs")
    tested = {item.name.partition("checks")[2] for item in request.session.items}
    names = [lab.name for lab in LABS_HERE if f"[{lab.name}]" in tested]
    paths = [folder / f"{name}.ipynb" for name in names]
    for path in paths:
        text = (ROOT / "notebooks" / "solved" / path.name).read_text("utf-8")
        path.write_text(
            text if path.name.startswith("01") else text.replace(*FEWER_SAMPLES), "utf-8"
        )
    (folder / "matplotlibrc").write_text("\n".join(SMALL))
    (folder / "profile_default").mkdir()
    (folder / "profile_default" / "ipython_kernel_config.py").write_text(DRAWN_ONCE)
    small = {**os.environ, "MATPLOTLIBRC": str(folder), "IPYTHONDIR": str(folder)}
    subprocess.run([sys.executable, "-c", RUN, folder, *paths], check=True, env=small)
    cells = {path.stem: json.loads(path.read_text("utf-8"))["cells"] for path in paths}
    return {name: [c for c in each if c["cell_type"] == "code"] for name, each in cells.items()}


def printed(cell):
    return "".join("".join(out.get("text", "")) for out in cell["outputs"])


@pytest.mark.thorough
@pytest.mark.parametrize("lab", LABS_HERE, ids=lambda lab: lab.name)
def test_a_solved_lab_runs_from_top_to_bottom_and_passes_its_checks(lab, solved):
    cells = solved[lab.name]
    outputs = [output for cell in cells for output in cell["outputs"]]
    assert [out["traceback"] for out in outputs if out["output_type"] == "error"] == []
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
