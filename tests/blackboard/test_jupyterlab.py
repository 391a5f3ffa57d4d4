"""The blackboard in JupyterLab itself, where `jupyter-lab` is on the path: else skipped."""

import json
import os
import re
import shutil
import subprocess
import time
from contextlib import contextmanager
from pathlib import Path

import pytest

LAB = shutil.which("jupyter-lab")
pytestmark = pytest.mark.skipif(LAB is None, reason="jupyter-lab is not on the path")
WAIT = 60_000  # milliseconds: a kernel starts
KERNEL = {"name": "python3", "display_name": "Python 3", "language": "python"}
CELLS = {
    "net": "import chainrule as cr\ncr.lab.NeuralNet(64, 10, 10, seed=0).blackboard()",
    "model": "import chainrule as cr\n"
    "model = cr.Sequential([cr.layers.Dense(10, activation='softmax')], seed=0)\n"
    "model.compile('adam', 'sparse_categorical_crossentropy')\nmodel.blackboard()",
}


@contextmanager
def jupyterlab(folder):
    """Start JupyterLab on a folder; yields its address."""
    places = {f"JUPYTER_{name}_DIR": str(folder / name) for name in ("CONFIG", "DATA", "RUNTIME")}
    source = str(Path(__file__).parents[2] / "src")
    log = folder / "log"
    with log.open("w") as told:
        process = subprocess.Popen(
            [LAB, "--no-browser", "--ip=127.0.0.1", "--port=0", "--allow-root",
             f"--ServerApp.root_dir={folder}", "--IdentityProvider.token=known"],
            env={**os.environ, **places, "PYTHONPATH": source}, stderr=told,
        )  # fmt: skip
    try:
        end = time.monotonic() + WAIT / 1000
        while not (found := re.search(r"http://127.0.0.1:\d+/lab", log.read_text())):
            assert time.monotonic() < end, log.read_text()
            time.sleep(0.1)
        yield found[0]
    finally:
        process.terminate()
        process.wait(20)


@pytest.mark.parametrize("kind", CELLS)
def test_a_cell_shows_the_page_which_trains_and_obeys(chrome, tmp_path, kind):
    cell = {"cell_type": "code", "execution_count": None, "id": "a", "metadata": {},
            "outputs": [], "source": CELLS[kind]}  # fmt: skip
    notebook = {
        "cells": [cell],
        "metadata": {"kernelspec": KERNEL},
        "nbformat": 4,
        "nbformat_minor": 5,
    }
    (tmp_path / "of_mine.ipynb").write_text(json.dumps(notebook), encoding="utf-8")
    with jupyterlab(tmp_path) as address:
        page = chrome.new_page()
        page.set_default_timeout(WAIT)
        page.goto(f"{address}/tree/of_mine.ipynb?token=known")
        page.locator(".jp-Notebook:visible .jp-CodeCell").first.click()
        page.keyboard.press("Shift+Enter")
        update = page.locator(".cb-counters dt:text-is('Update') + dd")
        page.wait_for_function("(dd) => Number(dd.textContent) > 20", arg=update.element_handle())
        page.get_by_role("button", name="Pause", exact=True).click()
        page.get_by_role("button", name="Train", exact=True).wait_for()
        before = int(update.text_content())
        page.locator(".cb-root").focus()
        page.keyboard.press("ArrowRight")
        page.locator(f".cb-counters dd:text-is('{before + 1}')").wait_for()
        page.close()
