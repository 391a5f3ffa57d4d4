"""A lab's source: what is made of it, the same each time, and what is refused."""

import ast
import re
from pathlib import Path

import jupytext
import nbformat
import pytest
from tests.teach.collection import labs

from chainrule._src.teach import source
from chainrule._src.teach.regions import kinds, strip
from chainrule.errors import DataError

ROOT = Path(__file__).parents[2]
LABS = labs()
GOOD = """\
# %% [markdown]
# # A lab
#
# Some text.

# %% exercise="double" solution="double.py"
def double(x):
    ### BEGIN SOLUTION
    return 2 * x
    ### STUB
    # # TODO: twice x
    # for i in x:
    #     pass
    ### END SOLUTION

# %% check="double" weight=2
check.double(double)
### BEGIN HIDDEN TESTS
assert double(-3) == -6, "double(-3) is not -6"
### END HIDDEN TESTS
"""


def lab_of(text, tmp_path):
    path = tmp_path / "00_lab.py"
    path.write_text(text)
    return source.read(path)


@pytest.fixture
def good(tmp_path):
    return lab_of(GOOD, tmp_path)


@pytest.mark.parametrize("lab", LABS, ids=lambda lab: lab.name)
def test_what_is_made_is_what_is_kept(lab):
    for name, text in source.generated_files(lab).items():
        kept = (ROOT / name).read_bytes()
        assert kept == text.encode(), f"{name} is not what its source makes: run make notebooks"


def test_nothing_else_is_kept_beside_what_is_made():
    made = {ROOT / name for lab in LABS for name in source.generated_files(lab)}
    folders = {path.parent for path in made}
    assert {path for folder in folders for path in folder.glob("*.*")} == made


@pytest.mark.parametrize("lab", LABS, ids=lambda lab: lab.name)
def test_cells_are_those_that_jupytext_reads(lab):
    cells = jupytext.read(lab.path, fmt="py:percent").cells
    kinds = [(cell.cell_type == "markdown", cell.source.strip("\n")) for cell in cells]
    assert kinds == [(cell.text, cell.source) for cell in lab.cells]


def test_a_second_reading_makes_the_same_bytes():
    again = source.sources()
    assert [source.generated_files(lab) for lab in LABS] == [
        source.generated_files(lab) for lab in again
    ]


@pytest.mark.parametrize("lab", LABS, ids=lambda lab: lab.name)
@pytest.mark.parametrize("solved", [False, True])
def test_a_notebook_is_valid_and_its_cells_have_names_of_their_own(lab, solved):
    notebook = lab.notebook(solved=solved)
    nbformat.validate(notebook)
    assert len({cell.id for cell in notebook.cells}) == len(notebook.cells)


@pytest.mark.parametrize("lab", LABS, ids=lambda lab: lab.name)
def test_no_solution_or_hidden_test_is_in_the_students_notebook(lab):
    cells = [cell.source for cell in lab.notebook(solved=False).cells]
    assert not re.search("### (BEGIN|END|STUB)", "".join(cells))
    everything = "".join(source.generated_files(lab).values())
    for cell in lab.cells:
        for region in re.findall(r"### BEGIN HIDDEN TESTS\n(.*?)### END", cell.source, re.DOTALL):
            assert not [text for text in re.findall(r'"(.*?)"', region) if text in everything]
            assert region.strip() not in everything
        if "SOLUTION" in kinds(cell.source):
            assert lab.code(cell, solved=False) in cells
            assert lab.code(cell, solved=True) not in cells


def test_the_student_gets_the_stub_and_a_cell_that_loads_the_solution(good):
    cells = good.notebook(solved=False).cells
    assert [cell.source for cell in cells[1:]] == [
        "def double(x):\n    # TODO: twice x\n    for i in x:\n        pass",
        "# %load solutions/double.py",
        "check.double(double)",
    ]


def test_the_solved_notebook_and_the_file_hold_the_solution(good):
    solved = "def double(x):\n    return 2 * x"
    assert [cell.source for cell in good.notebook(solved=True).cells[1:]] == [
        solved,
        "check.double(double)",
    ]
    assert good.solutions == {"double.py": solved + "\n"}


def test_the_page_is_the_solved_lab(good):
    assert good.page() == (
        "# A lab\n\nSome text.\n\n"
        "```python\ndef double(x):\n    return 2 * x\n```\n\n"
        "```python\ncheck.double(double)\n```\n"
    )


def test_hidden_tests_stay_where_they_are_asked_for(good):
    assert "is not -6" in good.code(good.cells[-1], solved=True, hidden=True)


def test_title_and_exercises(good):
    assert (good.title, good.exercises, good.cells[-1].weight) == ("A lab", ["double"], 2)


def test_without_a_stub_the_student_gets_one():
    code = "def f(x):\n    ### BEGIN SOLUTION\n    return x\n    ### END SOLUTION"
    assert strip(code, solved=False) == "def f(x):\n    # TODO\n    raise NotImplementedError"


def test_the_sources_are_found_in_the_checkout():
    assert source.folder() == ROOT / "notebooks" / "source"


@pytest.mark.parametrize("lab", LABS, ids=lambda lab: lab.name)
def test_the_text_of_a_solution_parses(lab):
    for text in lab.solutions.values():
        ast.parse(text)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("    ### END SOLUTION\n", "", "line 8: ### BEGIN SOLUTION is never closed"),
        ("    ### BEGIN SOLUTION\n", "", "line 9: ### STUB belongs once"),
        ("### BEGIN HIDDEN", "### BEGIN HIDEN", "line 18: ### BEGIN HIDEN TESTS: expected"),
        ("### STUB", "### BEGIN SOLUTION", "line 10: ### BEGIN SOLUTION inside the region"),
        ("### END HIDDEN TESTS", "### END SOLUTION", "but the region open here is HIDDEN TESTS"),
        ("    # for i in x:\n", "    for i in x:\n", "line 12: a line of a stub begins with '# '"),
        ("    # for i in x:", "    # for i in x", "line 12: the stub does not parse: expected ':'"),
        ("return 2 * x", "return 2 *", "line 9: the solution does not parse"),
        ("solution=", "solutoin=", "line 6: unknown metadata 'solutoin': did you mean 'solution'"),
        ("weight=2", 'weight="two"', "line 16: weight is a whole number"),
        ('"double.py"', '"../double"', "is not the name of a Python file"),
        ('exercise="double"', 'exercise="triple"', "the stub does not define 'triple'"),
        ('check="double"', 'check="triple"', "no exercise of this name stands before it"),
        ("check.double(double)", "double(3)", "does not call check.double"),
        ('# %% check="double" weight=2\ncheck.double(double)', "# %%", "hidden tests belong"),
        ('exercise="double" solution="double.py"', "", "an exercise has a ### BEGIN SOLUTION"),
        ("# %% [markdown]\n# # A", "# # A", "line 1: a source begins with a line"),
        ("# %% [markdown]\n", "# %% [raw]\n", "line 1: a cell is code, or text"),
    ],
)
def test_a_bad_source_is_refused_with_its_line(old, new, said, tmp_path):
    assert old in GOOD
    with pytest.raises(DataError, match=re.escape(said)) as caught:
        lab_of(GOOD.replace(old, new, 1), tmp_path)
    assert str(caught.value).startswith(f"{tmp_path / '00_lab.py'}, line ")


def test_an_exercise_without_a_check_is_refused(tmp_path):
    with pytest.raises(DataError, match="line 7: exercise 'double' has no check"):
        lab_of(GOOD[: GOOD.index("# %% check")], tmp_path)


def test_two_cells_do_not_write_the_same_solution(tmp_path):
    again = GOOD[GOOD.index("# %% exercise") :]
    with pytest.raises(DataError, match=r"another cell writes solutions/double.py"):
        lab_of(GOOD + "\n" + again, tmp_path)
