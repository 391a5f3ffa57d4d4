"""The code of docs/web.md runs, word for word."""

import re
from pathlib import Path

import numpy as np
import pytest
from tests.export.web.node import needs_node, run

pytestmark = needs_node
PAGE = (Path(__file__).parents[3] / "docs" / "web.md").read_text("utf-8")


def blocks(language):
    return re.findall(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)


@pytest.mark.thorough  # a whole page of docs
def test_the_page_s_python_and_javascript_run(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    names = {}
    for block in blocks("python"):
        exec(block, names)
    (script,) = blocks("js")
    head, _, script = script.partition("const net = await load();\n")
    assert head.strip() == 'import { load } from "./digits.mjs";'
    rng = np.random.default_rng(0)
    script = "const { X, y } = input, pixels = X.slice(0, 64);" + script
    script += "return { scores, loss, history, gradients, size: file.length };"
    script = script.replace("console.log", "console.error")
    X, y = rng.uniform(size=64 * 40), rng.integers(0, 10, 40)
    answer = run(tmp_path / "digits.mjs", script, X=X, y=y)
    assert len(answer["scores"]) == 10
    assert len(answer["history"]["accuracy"]) == 15
    assert answer["history"]["loss"][-1] < answer["loss"]
    script = "return (await net.train(input.X, input.y, { epochs: 100 })).loss;"
    losses = run(tmp_path / "line.mjs", script, X=names["X"], y=names["y"])
    assert losses[-1] < losses[0]
