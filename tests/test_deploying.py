"""docs/deploying.md says what is there: variables, errors, extras, formats, the cache's size."""

import re

import pytest

from chainrule import errors
from chainrule._src.compile.native import cache
from chainrule._src.data.storage import tensors
from tests.base import ROOT, project
from tests.test_architecture import SOURCE

PAGE = (ROOT / "docs" / "deploying.md").read_text(encoding="utf-8")


def test_all_variables_of_the_environment_are_there():
    code = "".join(path.read_text(encoding="utf-8") for path in SOURCE.rglob("*.py"))
    used = set(re.findall(r'"(CHAINRULE_[A-Z_]+)"', code)) - {"CHAINRULE_PATH"}  # between processes
    assert used == set(re.findall(r"^\| `(CHAINRULE_\w+)` \|", PAGE, flags=re.M))


def test_the_tree_of_errors_is_that_of_the_code():
    tree = re.search(r"```text\nChainruleError\n(.*?)```", PAGE, flags=re.S)[1]
    above, rows = ["ChainruleError"], {}
    for line in tree.splitlines():
        name, bases = re.search(r"─ (\w+) {2,}((?:[A-Z]\w+(?:, )?)+)", line).groups()
        depth = line.index("─") // 4 + 1
        above[depth:] = [name]
        rows[name] = {above[depth - 1], *bases.split(", ")}
    known = {
        name: {base.__name__ for base in kind.__bases__}
        for name, kind in vars(errors).items()
        if isinstance(kind, type) and issubclass(kind, errors.ChainruleError)
    }
    del known["ChainruleError"]
    assert rows == known


def test_the_extras_are_those_of_pyproject():
    shown = re.findall(r"^\| `chainrule\[(\w+)\]` \|", PAGE, flags=re.M)
    others = {"bench", "bench-tables", "docs", "judges", "test", "dev"}
    assert set(shown) == set(project()["optional-dependencies"]) - others


@pytest.mark.parametrize(
    "text", [f"at most {cache.LIMIT // 2**20} MB", f"format, which is {tensors.VERSION}."]
)
def test_the_numbers_are_those_of_the_code(text):
    assert text in PAGE
