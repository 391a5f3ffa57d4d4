"""Code of users under ``mypy --strict`` and pyright: types come through, examples pass."""

import ast
import doctest
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import chainrule as cr
from chainrule._src.core.methods import Methods

ROOT = Path(__file__).parents[1]


def class_of_the_tour(name):
    """Return the tour's class as code: the lines of its doctest."""
    text = (ROOT / "docs" / "tour.md").read_text(encoding="utf-8")
    example = re.search(rf">>> class {name}\(.*\n(?:\.\.\. .*\n)+", text)
    return "".join(line[4:] + "\n" for line in example[0].splitlines())


@pytest.fixture
def programs(tmp_path):
    """Return a folder of programs: the two of tests/typing, the tour's class, Tensor's example."""
    for path in (ROOT / "tests" / "typing").glob("*.py"):
        shutil.copy(path, tmp_path)
    (tmp_path / "tour.py").write_text(
        "# mypy: allow-untyped-defs\nimport chainrule as cr\nfrom chainrule import layers\n\n\n"
        + class_of_the_tour("Gate"),
        encoding="utf-8",
    )
    examples = doctest.DocTestParser().get_examples(cr.Tensor.__doc__)
    lines = [example.source for example in examples]
    head = "import numpy as np\nfrom chainrule import Tensor\n"
    (tmp_path / "example.py").write_text(head + "".join(lines), encoding="utf-8")
    return tmp_path


@pytest.mark.thorough  # a type checker
def test_mypy_accepts_them(programs):
    cache = ROOT / ".mypy_cache" / "users"
    names = sorted(path.name for path in programs.glob("*.py"))
    flags = ["--strict", "--config-file=", "--follow-imports=silent", f"--cache-dir={cache}"]
    done = subprocess.run(
        [sys.executable, "-m", "mypy", *flags, *names],
        cwd=programs, capture_output=True, text=True, timeout=300,
        env={**os.environ, "MYPYPATH": str(ROOT / "src")},
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.thorough  # the second type checker
def test_pyright_accepts_tensors(programs):
    """the tour's class has no annotations, of which pyright's strict mode asks more than mypy."""
    pytest.importorskip("pyright")
    (programs / "pyrightconfig.json").write_text(
        json.dumps({
            "include": ["tensor.py", "example.py"], "extraPaths": [str(ROOT / "src")],
            "typeCheckingMode": "strict", "reportUnusedExpression": False,
        })
    )  # fmt: skip
    done = subprocess.run(
        [sys.executable, "-m", "pyright", "--pythonpath", sys.executable],
        cwd=programs, capture_output=True, text=True, timeout=300,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr


def names_of(path, name):
    """Return what a class defines or declares, as it is written."""
    (body,) = (
        node.body for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.ClassDef) and node.name == name
    )  # fmt: skip
    nodes = [inner for node in body for inner in ast.walk(node)]
    functions = {node.name for node in nodes if isinstance(node, ast.FunctionDef)}
    return functions | {n.target.id for n in nodes if isinstance(n, ast.AnnAssign)}


def test_what_is_set_in_loops_is_declared():
    source = Path(cr.__file__).parent
    written = names_of(source / "_src" / "core" / "methods.py", "Methods") | {
        "conjugate",
        "__slots__",
    }
    made = {name for name, value in vars(Methods).items() if callable(value)} - written
    assert names_of(source / "_src" / "core" / "declared.pyi", "Declared") == made
