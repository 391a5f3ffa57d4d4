"""A lab's source, and the files generated from it: notebooks, solutions, a documentation page.

The source is Python in jupytext's percent format. A cell's metadata gives its kind:

``# %% [markdown]``
    text
``# %%``
    code in both the student's and the solved notebook
``# %% exercise="softmax" solution="numpy_softmax.py"``
    code that defines ``softmax``, with regions that the student writes (see `regions`). The names
    of several are set apart by spaces. ``solution`` names the file in ``solutions/`` that holds the
    solved cell; the student's notebook gets a ``# %load`` cell for it.
``# %% check="softmax"``
    code that calls ``check.softmax(softmax)``, perhaps with hidden tests
``# %% checks="softmax" weight=2``
    the checks themselves (see `notation`). No student receives this cell; where the source has no
    cell ``check="softmax"``, the student's notebook calls ``check.softmax(softmax)`` in its place.
    ``weight`` multiplies the points.
``# %% task="RATE SIZE"``
    code that defines ``draw(rng)``, which returns a dict of these constants. Each student receives
    constants of her own, and ``{{RATE}}`` in a text stands for their value.

The generated files are reproducible byte by byte: ids of cells are names, and there are no dates.
"""

from __future__ import annotations

import ast
import hashlib
import re
import zlib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from chainrule._src.base.errors import DataError, FileError, UnknownNameError
from chainrule._src.base.extras import needs
from chainrule._src.teach.percent import PercentCell, percent_cells
from chainrule._src.teach.regions import HIDDEN, SOLUTION, kinds, strip, stripped_lines

if TYPE_CHECKING:
    from nbformat import NotebookNode

# The metadata of a cell, with the values that they have where they are missing.
METADATA = {"exercise": "", "solution": "", "check": "", "checks": "", "weight": 1, "task": ""}
_MAGIC = re.compile(r"^(\s*)(?:%[a-z]|!).*$", re.MULTILINE)
NOTEBOOKS = "reading the labs", "teach", "jupytext", "nbformat"  # arguments of `needs`
_KERNEL = {"display_name": "Python 3", "language": "python", "name": "python3"}


@dataclass(frozen=True)
class Cell:
    """A cell of a source.

    Attributes
    ----------
    text : bool
        True for Markdown, false for code.
    source : str
        The text of the cell, with the markers of its regions.
    line : int
        Number of the first line of ``source`` in the file.
    exercises : tuple of str
        The exercises that the cell defines.
    solution : str
        A file name in ``solutions/``, or "".
    check : str
        The exercise that the cell checks by a call, or "".
    checks : str
        The exercise whose checks the cell contains, or "".
    weight : int
        Factor of the points of these checks.
    task : str
        The names of the constants that the cell draws for each student, or "".
    """

    text: bool
    source: str
    line: int
    exercises: tuple[str, ...] = ()
    solution: str = ""
    check: str = ""
    checks: str = ""
    weight: int = 1
    task: str = ""

    @property
    def is_code(self) -> bool:
        """True if students receive the cell's code as it is, or its stub."""
        return not (self.text or self.checks or self.task)


LOAD = Cell(text=False, source="# %load", line=0)  # the student's cell that shows a solution


@dataclass(frozen=True)
class Source:
    """A lab's source; `read` creates one from a file.

    Attributes
    ----------
    path : Path
    cells : tuple of Cell
    """

    path: Path
    cells: tuple[Cell, ...]

    @property
    def name(self) -> str:
        """The file's name without its ending, such as ``01_softmax_and_backpropagation``."""
        return self.path.stem

    @property
    def title(self) -> str:
        """The first heading, or the name."""
        headings = (re.match(r"# (.+)", cell.source) for cell in self.cells if cell.text)
        return next((match[1].strip() for match in headings if match), self.name)

    @property
    def exercises(self) -> list[str]:
        """Names of the exercises, in order; an exercise with two steps is listed once."""
        return list(dict.fromkeys(name for cell in self.cells for name in cell.exercises))

    def definitions(self, name: str, *, solved: bool) -> list[str]:
        """Return the text of an exercise for each of its steps: solutions or stubs."""
        texts = []
        for cell in self.cells:
            if name in cell.exercises:
                code = self.code(cell, solved=solved)
                texts += [
                    str(ast.get_source_segment(code, node))
                    for node in ast.parse(code).body
                    if name in _bound_by(node)
                ]
        return texts

    @property
    def stubs(self) -> list[str]:
        """The stubs of all exercises."""
        return [text for name in self.exercises for text in self.definitions(name, solved=False)]

    @cached_property
    def solutions(self) -> dict[str, str]:
        """The text of each file of ``solutions/``."""
        return {
            cell.solution: self.code(cell, solved=True) + "\n"
            for cell in self.cells
            if cell.solution
        }

    @property
    def calls_checks(self) -> bool:
        """True if the source itself has cells that call checks."""
        return any(cell.check for cell in self.cells)

    @property
    def has_tasks(self) -> bool:
        """True if each student has constants of her own."""
        return any(cell.task for cell in self.cells)

    def constants(self, student: str) -> dict[str, Any]:
        """Return the constants that are drawn for a student.

        Raises
        ------
        DataError
            If ``draw`` fails, or does not return the constants that the cell names.
        """
        drawn: dict[str, Any] = {}
        for cell in self.cells:
            if cell.task:
                drawn |= self._drawn(cell, student)
        return drawn

    def _drawn(self, cell: Cell, student: str) -> dict[str, Any]:
        at = f"{self.path}, line {cell.line}"
        # A grader without a seed calls the student Ada "/ada".
        rng = np.random.default_rng(zlib.crc32(f"{self.name}/{student.lstrip('/')}".encode()))
        space: dict[str, Any] = {"np": np}
        try:
            exec(compile(cell.source, str(self.path), "exec", dont_inherit=True), space)
            values = {name: np.asarray(v).tolist() for name, v in space["draw"](rng).items()}
        except Exception as error:  # a teacher's code may raise any error
            raise DataError(
                f"{at}: the task does not run: {type(error).__name__}: {error}"
            ) from error
        if sorted(values) != sorted(cell.task.split()):
            raise DataError(f"{at}: draw returns {', '.join(values)}; the cell names {cell.task}")
        return values

    def text(self, cell: Cell, student: str = "") -> str:
        """Return a text of the lab, in which ``{{NAME}}`` is replaced by a student's constant."""
        constants = self.constants(student) if "{{" in cell.source else {}
        return re.sub(
            r"\{\{(\w+)\}\}", lambda match: str(constants.get(match[1], match[0])), cell.source
        )

    def code(self, cell: Cell, *, solved: bool, hidden: bool = False) -> str:
        """Return a cell's code without markers: solutions or stubs, hidden tests or not."""
        return strip(
            cell.source, solved=solved, hidden=hidden, where=str(self.path), first=cell.line
        )

    def blocks(self, *, solved: bool, student: str = "") -> Iterator[tuple[str, Cell, str]]:
        """Yield the cells of a notebook: a name, the cell of the source, and the text or code."""
        called = {cell.check for cell in self.cells}
        front = f'from chainrule import check\n\ncheck = check.lab("{self.name}")'
        for cell in self.cells:
            if cell.text:
                yield _cell_id(cell), cell, self.text(cell, student)
            elif cell.is_code:
                yield _cell_id(cell), cell, self.code(cell, solved=solved)
            elif cell.task:
                lines = [f"{name} = {value!r}" for name, value in self.constants(student).items()]
                yield "task", cell, "\n".join(lines)
            elif cell.checks not in called:
                call = f"check.{cell.checks}({cell.checks})"
                yield f"check-{cell.checks}", cell, f"{front}\n{call}" if front else call
                front = ""
            if cell.solution and not solved:
                yield f"load-{Path(cell.solution).stem}", LOAD, f"# %load solutions/{cell.solution}"

    def notebook(self, *, solved: bool, student: str = "") -> NotebookNode:
        """Return the solved notebook or the student's, without outputs and hidden tests."""
        with needs(*NOTEBOOKS):
            import nbformat

        v4: Any = nbformat.v4  # nbformat is only partly annotated
        notebook = v4.new_notebook(
            metadata={"kernelspec": _KERNEL, "language_info": {"name": "python"}}
        )
        used: Counter[str] = Counter()
        for name, cell, content in self.blocks(solved=solved, student=student):
            new = v4.new_markdown_cell(content) if cell.text else v4.new_code_cell(content)
            notebook.cells.append(_with_id(new, name, used))
        return cast("NotebookNode", notebook)

    def page(self, *, solved: bool = True) -> str:
        """Return the lab as Markdown, by default with the solutions."""
        blocks = [
            content if cell.text else f"```python\n{content}\n```"
            for _, cell, content in self.blocks(solved=solved)
            if cell is not LOAD
        ]
        return "\n\n".join(blocks) + "\n"


def folder() -> Path:
    """Return the folder of the labs' sources: in the package, or beside it in a checkout."""
    installed = Path(__file__).with_name("labs")
    return installed if installed.is_dir() else Path(__file__).parents[4] / "notebooks" / "source"


def sources() -> list[Source]:
    """Read all labs, in order."""
    return [read(path) for path in sorted(folder().glob("[0-9]*.py"))]


def generated_files(lab: Source) -> dict[str, str]:
    """Return the texts generated from a lab, by path: notebooks, solutions, page."""
    with needs(*NOTEBOOKS):
        import nbformat

    writes: Any = nbformat.writes  # nbformat does not annotate it
    student, solved = (writes(lab.notebook(solved=solved)) + "\n" for solved in (False, True))
    return {
        f"notebooks/student/{lab.name}.ipynb": student,
        f"notebooks/solved/{lab.name}.ipynb": solved,
        **{f"notebooks/student/solutions/{name}": text for name, text in lab.solutions.items()},
        f"docs/labs/{lab.name}.md": lab.page(),
    }


def write(root: Path, labs: list[Source]) -> None:
    """Write the files generated from some labs below ``root``."""
    for lab in labs:
        for name, text in generated_files(lab).items():
            path = root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8", newline="\n")


def read(path: str | Path) -> Source:
    """Read a lab's source.

    Raises
    ------
    DataError
        The source is invalid: unknown metadata, a region that is not closed, a version of a cell
        that does not parse or does not define its exercise, an exercise without a check. The
        message contains file and line.
    FileError
        The file cannot be read.
    """
    path = Path(path)
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise FileError(f"{path} cannot be read: {error}") from None
    cells = percent_cells(text, str(path))
    source = Source(path, tuple(_cell(cell, f"{path}, line {cell.marker}") for cell in cells))
    _check(source)
    return source


def _cell(cell: PercentCell, at: str) -> Cell:
    for key in cell.metadata:
        if key not in METADATA:
            raise DataError(f"{at}: {UnknownNameError('metadata', key, METADATA)}")
    if cell.kind not in ("code", "markdown") or (cell.kind == "markdown" and cell.metadata):
        raise DataError(f"{at}: a cell is code, or text without metadata")
    values = {key: cell.metadata.get(key, empty) for key, empty in METADATA.items()}
    for key, value in values.items():
        if isinstance(METADATA[key], str) and not isinstance(value, str):
            raise DataError(f'{at}: {key} is a text, such as {key}="softmax", not {value!r}')
        if isinstance(METADATA[key], int) and type(value) is not int:
            raise DataError(f"{at}: {key} is a whole number, not {value!r}")
    return Cell(
        text=cell.kind == "markdown",
        source=cell.source,
        line=cell.line,
        **values | {"exercises": tuple(values.pop("exercise").split())},
    )


def _check(source: Source) -> None:
    """Raise `DataError` if the source is not valid."""
    defined: set[str] = set()
    checked: set[str] = set()
    files: set[str] = set()
    for cell in source.cells:
        if cell.text:
            continue
        for complaint in _complaints(source, cell, defined, files):
            raise DataError(f"{source.path}, line {cell.line}: {complaint}")
        defined.update(cell.exercises)
        checked |= {cell.check, cell.checks}
        files.add(cell.solution)
    for cell in source.cells:
        for name in cell.exercises:
            if name not in checked:
                raise DataError(
                    f"{source.path}, line {cell.line}: exercise {name!r} has no checks; add a cell "
                    f'# %% checks="{name}" behind it'
                )


def _complaints(source: Source, cell: Cell, defined: set[str], files: set[str]) -> Iterator[str]:
    regions = kinds(cell.source)
    stubs = _definitions(source, cell, solved=False)
    solved = _definitions(source, cell, solved=True)
    if (SOLUTION in regions) != bool(cell.exercises):
        yield "an exercise has a ### BEGIN SOLUTION region, and nothing else has"
    if HIDDEN in regions and not cell.check:
        yield "hidden tests belong into a cell with check="
    for version, names in (("stub", stubs), ("solution", solved)):
        for name in cell.exercises:
            if name not in names:
                yield f"the {version} does not define {name!r}"
    if cell.solution:
        if not cell.exercises:
            yield "solution= belongs to an exercise"
        if not re.fullmatch(r"\w+\.py", cell.solution):
            yield f"solution={cell.solution!r} is not the name of a Python file"
        if cell.solution in files:
            yield f"another cell writes solutions/{cell.solution}"
    for key, name in (("check", cell.check), ("checks", cell.checks)):
        if name and name not in defined:
            yield f"{key}={name!r}, but no exercise of this name stands before it"
    if cell.check and f"check.{cell.check}(" not in cell.source:
        yield f"the cell does not call check.{cell.check}({cell.check})"


def _definitions(source: Source, cell: Cell, *, solved: bool) -> set[str]:
    """Return the names of the functions and classes that a version of a cell defines."""
    lines = stripped_lines(
        cell.source, solved=solved, hidden=True, where=str(source.path), first=cell.line
    )
    code = _MAGIC.sub(r"\1pass", "\n".join(line for _, line in lines))
    try:
        tree = ast.parse(code)
    except SyntaxError as error:
        at = min((error.lineno or 1), len(lines)) - 1
        version = "solution" if solved else "stub"
        raise DataError(
            f"{source.path}, line {lines[at][0]}: the {version} does not parse: {error.msg}"
        ) from error
    return {name for node in tree.body for name in _bound_by(node)}


def _bound_by(node: ast.stmt) -> set[str]:
    """Return the name of a function or class, or the names that an assignment binds."""
    if isinstance(node, ast.FunctionDef | ast.ClassDef):
        return {node.name}
    targets = node.targets if isinstance(node, ast.Assign) else []
    return {target.id for target in targets if isinstance(target, ast.Name)}


def _cell_id(cell: Cell) -> str:
    if cell.exercises:
        return "exercise-" + "-".join(cell.exercises)
    if cell.check:
        return f"check-{cell.check}"
    digest = hashlib.sha256(cell.source.encode()).hexdigest()[:8]
    return ("text-" if cell.text else "code-") + digest


def _with_id(cell: NotebookNode, name: str, used: Counter[str]) -> NotebookNode:
    """Set the id of a cell: the name, with a number if an earlier cell has the same name."""
    used[name] += 1
    suffix = f"-{used[name]}" if used[name] > 1 else ""
    cell["id"] = name[: 64 - len(suffix)] + suffix
    return cell
