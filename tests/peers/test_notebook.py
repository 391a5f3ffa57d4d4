"""The notebook runs from top to bottom; one of its sections asks Keras."""

import subprocess
import sys

import nbformat
import pytest
from tests.test_notebook import NOTEBOOK

pytest.importorskip("keras")


def test_the_notebook_runs(tmp_path):
    # With few epochs; `make lab` trains in full.
    text, whole = NOTEBOOK.read_text(encoding="utf-8"), "lab = Lab(seed=0)"
    assert text.count(whole) == 1
    quick, ran = tmp_path / "quick.ipynb", tmp_path / "ran.ipynb"
    quick.write_text(text.replace(whole, "lab = Lab(seed=0, quick=True)"), encoding="utf-8")
    # In a process of its own, so that the warnings of Jupyter's machinery are not ours.
    command = [sys.executable, "-m", "jupyter", "execute", "--output", str(ran), str(quick)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr[-3000:]
    outputs = [
        output
        for cell in nbformat.read(ran, as_version=4).cells
        if cell.cell_type == "code"
        for output in cell.outputs
    ]
    pictures = [o for o in outputs if o.output_type == "display_data" and "image/png" in o.data]
    assert len(pictures) > 20
    text = "".join(output.text for output in outputs if output.output_type == "stream")
    assert "Epoch #3, train loss: 0." in text
    shown = "".join(str(o.data.get("text/html")) for o in outputs if "data" in o)
    assert "at least one gradient is wrong" in shown  # the mistake made on purpose at the end
    assert "the derivative of the sigmoid" in shown
