"""The house keeps its order: imports go down, never in circles, and importing stays light."""

import ast
import inspect
import io
import re
import runpy
import subprocess
import sys
import tokenize
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

import chainrule
from chainrule import layers
from chainrule.running import form

SOURCE = Path(chainrule.__file__).parent
ROOT = SOURCE.parents[1]
# From the ground up. A room imports only from rooms above it in this list; a wing stands right
# above the last room that it leans on.
ROOMS = [
    "errors", "escaping", "console", "forks", "interrupts", "extras", "mentions", "sizes",
    "validation", "alternatives", "refusals", "arguments", "variables", "registered", "config",
    "plots", "pages", "formulas",
    "storage", "ops", "autodiff", "program", "recurrence", "batching",
    "checking", "onnx", "compiler",
    "native", "running", "functions", "activations", "initializers", "regularizers", "constraints",
    "schedules", "optimizers", "losses", "metrics", "layers", "callbacks",
    "training",
    "data", "preprocessing", "tables",
    "network", "distributed", "export", "sequential", "recipes",
    "keras", "sweeps", "lab", "estimators", "accel", "teaching", "blackboard", "cli", "__main__",
]  # fmt: skip
# What a reader must know to understand the gradient and its text, and how long that may be.
CORE = ["autodiff", "program", "ops/primitive.py", "ops/elementwise.py"]
TEXT = {  # of what was recorded
    "aliases.py", "helpers.py", "lines.py", "literals.py", "making.py", "naming.py", "show.py",
    "templates.py", "text.py",
}  # fmt: skip
LINES_OF_CODE, LINES_OF_TEXT = 2_100, 600
NO_CODE = {
    tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT,
    tokenize.ENDMARKER,
}  # fmt: skip


def dotted(path):
    parts = ("chainrule", *path.relative_to(SOURCE).with_suffix("").parts)
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {dotted(path): path for path in sorted(SOURCE.rglob("*.py"))}


def imports(path):
    """Yield the modules that a file imports anywhere, for its annotations too."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module:
            for alias in node.names:
                if alias.name == "__version__":  # any room may tell it
                    continue
                whole = f"{node.module}.{alias.name}"
                yield whole if whole in MODULES else node.module
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)


@cache
def imported():
    """Return for each module those of the package that it imports."""
    return {
        name: [module for module in imports(path) if module in MODULES]
        for name, path in MODULES.items()
    }


def room(name):
    return name.split(".")[1] if "." in name else "the front door"


def circle(graph):
    """Return modules that import one another all round, or nothing."""
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        return error.args[1]
    return []


# The package's own __init__ is the front door: it opens on every room.
def test_a_room_imports_only_from_rooms_above():
    rooms = {room(name) for name in MODULES if "." in name}
    assert rooms - set(ROOMS) == set(), "they have no place in the house plan"
    assert [
        (name, there)
        for name, found in imported().items()
        for there in found
        if "." in name and room(there) not in ROOMS[: ROOMS.index(room(name)) + 1]
    ] == []


def test_the_modules_of_a_room_import_each_other_in_no_circle():
    assert not circle(
        {
            name: [there for there in found if room(there) == room(name)]
            for name, found in imported().items()
            if "." in name
        }
    )


def test_what_becomes_of_a_recording_is_decided_in_rooms_whose_code_a_cached_kernel_names():
    reached, waiting = set(), ["chainrule.running.compiling", "chainrule.autodiff.transforms"]
    while waiting:
        name = waiting.pop()
        if name not in reached and "." in name:
            reached.add(name)
            waiting += imported()[name]
    ground = ROOMS[: ROOMS.index("config") + 1]  # they check, tell and name
    assert {*map(room, reached)} - {*ground} <= {*form.ROOMS}


def lines_of_code(text):
    """Count lines, without docstrings, comments and blank ones."""
    found = set()
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type not in NO_CODE:
            found.update(range(token.start[0], token.end[0] + 1))
    documented = ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, documented) and ast.get_docstring(node) is not None:
            found.difference_update(range(node.body[0].lineno, node.body[0].end_lineno + 1))
    return len(found)


def test_lines_of_code_are_not_docstrings_comments_and_blank_ones():
    text = '''"""A module.

    About it.
    """

import os  # a comment behind code

# one alone
class A:
    """A class."""

    text = """a string

    that is code"""

    def f(self):
        """A function."""
        return (

            self.text
        )
'''
    assert lines_of_code(text) == 9


def test_the_core_is_short_enough_to_be_read():
    parts = [SOURCE / part for part in CORE]
    files = [file for part in parts for file in (part.rglob("*.py") if part.is_dir() else [part])]
    lines = {file: lines_of_code(file.read_text("utf-8")) for file in files}
    text = sum(count for file, count in lines.items() if file.name in TEXT)
    assert text <= LINES_OF_TEXT
    assert sum(lines.values()) - text <= LINES_OF_CODE


def test_importing_chainrule_loads_numpy_alone():
    code = (
        "import sys, numpy; before = set(sys.modules); import chainrule;"
        "print({name.split('.')[0] for name in set(sys.modules) - before}"
        " - {'chainrule', 'numpy'} - set(sys.stdlib_module_names))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


def test_the_architecture_page_names_every_module():
    page = (ROOT / "docs" / "architecture.md").read_text("utf-8")
    names = {path.relative_to(SOURCE).as_posix() for path in MODULES.values()}
    missing = {n for n in names if not n.endswith("__init__.py") and f"`{n}`" not in page}
    assert not missing


def test_the_architecture_page_has_the_rooms_in_their_order():
    page = (ROOT / "docs" / "architecture.md").read_text("utf-8").partition("\nInside the lab")[0]
    listed = re.findall(r"^\| `(\w+)", page, re.MULTILINE)
    assert list(dict.fromkeys(listed)) == [room for room in ROOMS if room in listed]


def test_every_public_name_is_there():
    for name in chainrule.__all__:
        assert hasattr(chainrule, name)
    assert chainrule.lab.NeuralNet.__module__ == "chainrule.lab.models"
    with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
        chainrule.nonsense  # noqa: B018


def test_the_page_of_functions_is_what_the_tables_say():
    space = runpy.run_path(str(ROOT / "docs" / "list_functions.py"))
    assert (ROOT / "docs" / "functions.md").read_text(encoding="utf-8") == space["page"]()


def test_what_layers_override_is_told_by_a_docstring_of_theirs_or_of_a_base():
    known = {cls for name in layers.__all__ for cls in getattr(layers, name).__mro__}
    untold = {
        f"{cls.__name__}.{name}"
        for cls in known
        if cls.__module__.startswith("chainrule.layers")
        for name, value in vars(cls).items()
        if not name.startswith("_") and callable(value) and not inspect.getdoc(getattr(cls, name))
    }
    assert not untold
