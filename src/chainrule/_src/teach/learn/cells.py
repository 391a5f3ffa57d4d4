"""The cell of an exercise in a learner's file, which an editor in a page shows and saves."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from chainrule._src.base.errors import DataError
from chainrule._src.data.storage.files import write_text
from chainrule._src.teach.submission import text_of

_MARKER = re.compile(r"# ?%%( |$)")


@dataclass(frozen=True)
class ExerciseCell:
    """The cell that defines an exercise.

    Attributes
    ----------
    text : str
        Its code, without empty lines around.
    line : int
        The number of its first line in a ``.py`` file, or of the code cell in a notebook.
    """

    text: str
    line: int


def read_cell(path: Path, name: str) -> ExerciseCell:
    """Return the last cell of a file that defines a name.

    Raises
    ------
    DataError
        If no cell defines it.
    FileError
        If the file cannot be read.
    """
    return _read(path, text_of(path), name)


def write_cell(path: Path, name: str, before: str, text: str) -> None:
    """Replace the code of the cell that defines a name.

    Parameters
    ----------
    path : Path
    name : str
    before : str
        The code that the editor began with.
    text : str
        The code that takes its place.

    Raises
    ------
    DataError
        If the file has other code in the cell: another editor has saved it meanwhile.
    FileError
        If the file cannot be read.
    """
    content = text_of(path)
    cell = _read(path, content, name)
    if cell.text != before:
        raise DataError(f"{path.name} has been changed in another editor: save once more to keep "
                        "the text of this page, or take that of the file")  # fmt: skip
    if path.suffix == ".ipynb":
        notebook = json.loads(content)
        code = [each for each in notebook["cells"] if each["cell_type"] == "code"]
        code[cell.line - 1] |= {"source": text.splitlines(keepends=True), "outputs": []}
        write_text(path, json.dumps(notebook, indent=1, ensure_ascii=False) + "\n")
        return
    lines = content.split("\n")
    first = cell.line - 1
    lines[first : first + before.count("\n") + 1] = text.strip("\n").split("\n")
    write_text(path, "\n".join(lines))


def _read(path: Path, content: str, name: str) -> ExerciseCell:
    """Find the cell by a pattern: a text that is being written has syntax errors."""
    defines = re.compile(rf"^(?:def|class) +{name}\b|^{name} *=", re.MULTILINE)
    cells = [cell for cell in _cells(path, content) if defines.search(cell.text)]
    if not cells:
        raise DataError(f"{name} is not defined in {path.name}: write it there again")
    return cells[-1]


def _cells(path: Path, content: str) -> list[ExerciseCell]:
    if path.suffix == ".ipynb":
        code = [cell for cell in json.loads(content)["cells"] if cell["cell_type"] == "code"]
        return [ExerciseCell("".join(cell["source"]), n) for n, cell in enumerate(code, 1)]
    cells, lines = [], content.split("\n")
    starts = [-1, *(i for i, line in enumerate(lines) if _MARKER.match(line)), len(lines)]
    for start, end in pairwise(starts):
        body = lines[start + 1 : end]
        blank = next((i for i, line in enumerate(body) if line.strip()), len(body))
        cells.append(ExerciseCell("\n".join(body).strip("\n"), start + 2 + blank))
    return cells


__all__ = ["ExerciseCell", "read_cell", "write_cell"]
