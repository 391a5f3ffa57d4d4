"""docs/first-lab.md, followed word for word."""

import re
import shlex
from pathlib import Path

import pytest
from typer.testing import CliRunner

from chainrule._src.cli.app import app
from chainrule._src.teach.loader import load

pytestmark = pytest.mark.usefixtures("processor_time")

PAGE = Path(__file__).parents[2] / "docs" / "first-lab.md"
BLOCK = re.compile(
    r"^```(?:\{code-block\} )?(\w+)\n(?::caption: (At the end of )?(\S+)\n\n)?(.*?)^```$",
    re.MULTILINE | re.DOTALL,
)


@pytest.mark.thorough  # a whole lab
def test_the_page_does_what_it_says(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    printed, compared = "", 0
    for kind, appends, name, content in BLOCK.findall(PAGE.read_text("utf-8")):
        path = tmp_path / name
        if kind == "console":
            load.cache_clear()
            results = [
                CliRunner().invoke(app, shlex.split(line.removeprefix("$ "))[1:])
                for line in content.splitlines()
            ]
            printed = "".join(line.rstrip() + "\n" for line in results[-1].stdout.splitlines())
            # `learn` ends with 1 as long as exercises are left.
            assert all(r.exit_code == 0 or "exercises" in r.output for r in results), printed
        elif kind == "text":
            assert content == (path.read_text("utf-8") if name else printed)
            compared += 1
        elif appends:
            path.write_text(path.read_text("utf-8") + "\n" + content, "utf-8")
        elif name:
            path.parent.mkdir(exist_ok=True)
            path.write_text(content, "utf-8")
    assert compared == 5
    assert (tmp_path / "try" / "logistic.py").exists()
