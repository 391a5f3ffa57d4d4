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

The generated files are reproducible byte by byte: ids of cells are names, and there are no dates.
"""

from __future__ import annotations

import ast
import hashlib
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from chainrule._src.base.errors import DataError, UnknownNameError
from chainrule._src.base.extras import needs
from chainrule._src.teach.regions import HIDDEN, SOLUTION, kinds, strip, stripped_lines

if TYPE_CHECKING:
    from nbformat import NotebookNode

METADATA = ("exercise", "solution", "check", "points")
_MARKER = re.compile(r"# ?%%( |$)")
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
        The exercise that the cell checks, or "".
    points : float or None
    """

    text: bool
    source: str
    line: int
    exercises: tuple[str, ...] = ()
    solution: str = ""
    check: str = ""
    points: float | None = None


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
                    if getattr(node, "name", None) == name
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

    def code(self, cell: Cell, *, solved: bool, hidden: bool = False) -> str:
        """Return a cell's code without markers: solutions or stubs, hidden tests or not."""
        return strip(
            cell.source, solved=solved, hidden=hidden, where=str(self.path), first=cell.line
        )

    def notebook(self, *, solved: bool) -> NotebookNode:
        """Return the solved notebook or the student's, without outputs and hidden tests."""
        with needs(*NOTEBOOKS):
            import nbformat

        v4: Any = nbformat.v4  # nbformat is only partly annotated
        notebook = v4.new_notebook(
            metadata={"kernelspec": _KERNEL, "language_info": {"name": "python"}}
        )
        used: Counter[str] = Counter()
        for cell in self.cells:
            if cell.text:
                new = v4.new_markdown_cell(cell.source)
            else:
                new = v4.new_code_cell(self.code(cell, solved=solved))
            notebook.cells.append(_with_id(new, _cell_id(cell), used))
            if cell.solution and not solved:
                new = v4.new_code_cell(f"# %load solutions/{cell.solution}")
                notebook.cells.append(_with_id(new, f"load-{Path(cell.solution).stem}", used))
        return cast("NotebookNode", notebook)

    def page(self) -> str:
        """Return the solved lab as Markdown."""
        blocks = [
            cell.source if cell.text else f"```python\n{self.code(cell, solved=True)}\n```"
            for cell in self.cells
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
    MissingDependencyError
        jupytext is not installed.
    """
    with needs(*NOTEBOOKS):
        import jupytext
    path = Path(path)
    text = path.read_text(encoding="utf-8")
    notebook = jupytext.reads(text, fmt="py:percent")
    starts = _starts(text)
    if len(starts) != len(notebook.cells):
        raise DataError(
            f"{path}, line 1: {len(notebook.cells)} cells, but {len(starts)} lines that begin with "
            "'# %%'; a source begins with such a line and has none inside a text"
        )
    cells = tuple(
        _cell(cell, f"{path}, line {marker}", first)
        for cell, (marker, first) in zip(notebook.cells, starts, strict=True)
    )
    source = Source(path, cells)
    _check(source)
    return source


def _starts(text: str) -> list[tuple[int, int]]:
    """Return for each cell the line number of its marker and of its first line with text."""
    lines = text.split("\n")
    starts = []
    for i, line in enumerate(lines):
        if _MARKER.match(line):
            first = next((j for j in range(i + 1, len(lines)) if lines[j].strip()), i + 1)
            starts.append((i + 1, first + 1))
    return starts


def _cell(cell: NotebookNode, at: str, first: int) -> Cell:
    metadata: dict[str, Any] = {
        key: value for key, value in cell.metadata.items() if key != "lines_to_next_cell"
    }
    for key in metadata:
        if key not in METADATA:
            raise DataError(f"{at}: {UnknownNameError('metadata', key, METADATA)}")
    if cell.cell_type == "raw" or (cell.cell_type == "markdown" and metadata):
        raise DataError(f"{at}: a cell is code, or text without metadata")
    points = metadata.get("points")
    if points is not None and (isinstance(points, bool) or not isinstance(points, int | float)):
        raise DataError(f"{at}: points is a number, not {points!r}")
    for key in ("exercise", "solution", "check"):
        if not isinstance(metadata.get(key, ""), str):
            value = metadata[key]
            raise DataError(f'{at}: {key} is a text, such as {key}="softmax", not {value!r}')
    return Cell(
        text=cell.cell_type == "markdown",
        source=cell.source.strip("\n"),
        line=first,
        exercises=tuple(metadata.get("exercise", "").split()),
        solution=metadata.get("solution", ""),
        check=metadata.get("check", ""),
        points=points,
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
        checked.add(cell.check)
        files.add(cell.solution)
    for cell in source.cells:
        for name in cell.exercises:
            if name not in checked:
                raise DataError(
                    f"{source.path}, line {cell.line}: exercise {name!r} has no check; add a cell "
                    f'# %% check="{name}" behind it'
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
    if cell.check:
        if cell.check not in defined:
            yield f"check={cell.check!r}, but no exercise of this name stands before it"
        if f"check.{cell.check}(" not in cell.source:
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
    definitions = ast.FunctionDef | ast.ClassDef
    return {node.name for node in tree.body if isinstance(node, definitions)}


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
