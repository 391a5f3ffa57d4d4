"""The house keeps its order: a room imports only from rooms above it, and importing stays light."""

import ast
import runpy
import subprocess
import sys
from pathlib import Path

import pytest

import chainrule

SOURCE = Path(chainrule.__file__).parent
ROOT = SOURCE.parents[1]
ROOMS = [
    "errors", "interrupts", "validation", "config", "ops", "autodiff", "program", "functions",
    "activations", "initializers", "regularizers", "schedules", "optimizers", "losses", "metrics",
    "layers", "storage", "callbacks", "supply", "trainer", "training", "data", "preprocessing",
    "tables", "sequential", "plots", "lab", "estimators", "cli", "blackboard", "__main__",
]  # fmt: skip
MODULES = sorted(SOURCE.rglob("*.py"))


def imports(path):
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)


def room(name):
    parts = name.split(".")
    return parts[1] if parts[0] == "chainrule" and len(parts) > 1 and parts[1] in ROOMS else None


# The package's own __init__ is the front door: it opens on every room.
@pytest.mark.parametrize(
    "path",
    [p for p in MODULES if p.parent != SOURCE or p.stem != "__init__"],
    ids=lambda path: path.relative_to(SOURCE).as_posix(),
)
def test_a_room_imports_only_from_rooms_above(path):
    here = path.relative_to(SOURCE).parts[0].removesuffix(".py")
    assert here in ROOMS, f"{here} has no place in the house plan"
    below = {there for there in map(room, imports(path)) if there} - set(
        ROOMS[: ROOMS.index(here) + 1]
    )
    assert not below


def test_importing_chainrule_loads_numpy_alone():
    code = (
        "import sys, numpy; before = set(sys.modules); import chainrule;"
        "print({name.split('.')[0] for name in set(sys.modules) - before}"
        " - {'chainrule', 'numpy'} - set(sys.stdlib_module_names))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


def test_the_architecture_page_names_every_module():
    page = (ROOT / "docs" / "architecture.md").read_text()
    names = {path.relative_to(SOURCE).as_posix() for path in MODULES}
    missing = {n for n in names if not n.endswith("__init__.py") and f"`{n}`" not in page}
    assert not missing


def test_every_public_name_is_there():
    for name in chainrule.__all__:
        assert hasattr(chainrule, name)
    assert chainrule.lab.NeuralNet.__module__ == "chainrule.lab.models"
    with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
        chainrule.nonsense  # noqa: B018


def test_the_page_of_functions_is_what_the_tables_say():
    space = runpy.run_path(str(ROOT / "docs" / "list_functions.py"))
    assert (ROOT / "docs" / "functions.md").read_text(encoding="utf-8") == space["page"]()
