"""The house keeps its order: imports go down, never in circles, and importing stays light."""

import ast
import inspect
import io
import runpy
import subprocess
import sys
import tokenize
from functools import cache
from graphlib import CycleError, TopologicalSorter
from importlib import import_module
from pathlib import Path

import pytest

import chainrule
from chainrule import layers
from chainrule._src.compile.running import form
from tests.code import nodes

SOURCE = Path(chainrule.__file__).parent
ROOT = SOURCE.parents[1]
# From the ground up: a wing imports only from itself and from wings before it in this list.
WINGS = [
    "base", "core", "ops", "trace", "text", "compile", "check", "data", "nn", "cluster", "export",
    "sweeps", "tabular", "teach", "blackboard", "cli",
]  # fmt: skip
# What one reads to understand the gradient and its recording, with all that it imports.
CORE_LINES = 2_000
NO_CODE = {
    tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT,
    tokenize.ENDMARKER,
}  # fmt: skip


def dotted(path):
    parts = ("chainrule", *path.relative_to(SOURCE).with_suffix("").parts)
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {dotted(path): path for path in sorted(SOURCE.rglob("*.py"))}


def imports(path):
    """Yield the modules that a file imports anywhere: for its annotations, and by a string, too."""
    for node in nodes(path):
        if isinstance(node, ast.ImportFrom) and node.module:
            for alias in node.names:
                whole = f"{node.module}.{alias.name}"
                yield whole if whole in MODULES else node.module
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.Dict):  # a table of modules, of which one is loaded
            values = (getattr(value, "value", None) for value in node.values)
            yield from (text for text in values if str(text).startswith("chainrule._src."))
        elif isinstance(node, ast.Call) and node.args and called(node) in ("load", "import_module"):
            text = node.args[0]
            if isinstance(text, ast.JoinedStr) and isinstance(text.values[0], ast.Constant):
                package = str(text.values[0].value)  # f"chainrule._src.teach.exercises.{name}"
                yield from (name for name in MODULES if name.startswith(package))


def called(node):
    return getattr(node.func, "attr", getattr(node.func, "id", ""))


@cache
def imported():
    """Return for each module those of the package that it imports."""
    return {
        name: [module for module in imports(path) if module in MODULES]
        for name, path in MODULES.items()
    }


def wing(name):
    """Return the wing of a module; None for a public module, which stands above all wings."""
    parts = name.split(".")
    return parts[2] if parts[1:2] == ["_src"] and len(parts) > 2 else None


def circle(graph):
    """Return modules that import one another all round, or nothing."""
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        return error.args[1]
    return []


def test_every_module_is_in_a_wing_or_public():
    assert {wing(name) for name in MODULES} - {None} == {*WINGS}


def test_a_wing_imports_only_from_wings_below():
    assert [
        (name, there)
        for name, found in imported().items()
        for there in found
        if wing(name) and (wing(there) or "cli") not in WINGS[: WINGS.index(wing(name)) + 1]
    ] == []


def entered(name):
    """Return the modules of a wing that other wings import, as paths within the wing."""
    return {
        there.removeprefix(f"chainrule._src.{name}.")
        for module, found in imported().items()
        for there in found
        if wing(there) == name != (wing(module) or name) and there != f"chainrule._src.{name}"
    }


@pytest.mark.parametrize("name", WINGS[WINGS.index("trace") : -1])
def test_a_wing_is_entered_by_its_doors_alone(name):
    assert entered(name) == {*import_module(f"chainrule._src.{name}").DOORS}


def test_nothing_private_imports_a_public_module():
    assert [
        (name, there)
        for name, found in imported().items()
        for there in found
        if wing(name) and wing(there) is None and there != "chainrule._src"
    ] == []


def test_the_modules_of_a_wing_import_each_other_in_no_circle():
    assert not circle(
        {
            name: [m for m in found if wing(m) == wing(name) and m != name]
            for name, found in imported().items()
            if wing(name)
        }
    )


def reached(*starts):
    """Return the modules in wings that some import, themselves included."""
    found, waiting = set(), [*starts]
    while waiting:
        name = waiting.pop()
        if name not in found and wing(name):
            found.add(name)
            waiting += imported()[name]
    return found


def test_what_becomes_of_a_recording_is_decided_in_wings_whose_code_a_cached_kernel_names():
    found = reached("chainrule._src.compile.running.compiling", "chainrule._src.core.transforms")
    folders = {MODULES[name].parent.relative_to(SOURCE / "_src").as_posix() for name in found}
    assert folders - {"base", "compile"} <= {*form.WINGS}


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
    files = reached(*(name for name in MODULES if wing(name) == "core"))
    assert {wing(name) for name in files} == {"base", "core"}
    assert sum(lines_of_code(MODULES[name].read_text("utf-8")) for name in files) <= CORE_LINES


def test_importing_chainrule_loads_numpy_alone():
    code = (
        "import sys, numpy; before = set(sys.modules); import chainrule;"
        "print({name.split('.')[0] for name in set(sys.modules) - before}"
        " - {'chainrule', 'numpy'} - set(sys.stdlib_module_names))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


def test_the_list_of_modules_is_what_their_first_lines_say():
    space = runpy.run_path(str(ROOT / "docs" / "list_modules.py"))
    assert (ROOT / "docs" / "modules.md").read_text(encoding="utf-8") == space["page"]()


def test_every_public_name_is_there():
    for name in chainrule.__all__:
        assert hasattr(chainrule, name)
    assert chainrule.lab.NeuralNet.__module__ == "chainrule._src.teach.lab.models"
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
        if cls.__module__.startswith("chainrule._src.nn.layers")
        for name, value in vars(cls).items()
        if not name.startswith("_") and callable(value) and not inspect.getdoc(getattr(cls, name))
    }
    assert not untold
