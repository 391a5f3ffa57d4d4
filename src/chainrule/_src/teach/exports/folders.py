"""The common base of the exports: files by path, and the lab to export."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from chainrule._src.base.extras import needs
from chainrule._src.teach.exercise import Exercise
from chainrule._src.teach.grading.hidden import hidden_tests
from chainrule._src.teach.loader import LoadedLab
from chainrule._src.teach.source import NOTEBOOKS, Source

Files = dict[str, str | bytes]
PACKAGES = "numpy\nscipy\nscikit-learn\nmatplotlib\n"


@dataclass(frozen=True)
class ExportedLab:
    """A lab to be exported; ``key`` is what `loader.load` takes."""

    source: Source
    exercises: Mapping[str, Exercise]
    hidden: Mapping[str, str]
    key: str

    @property
    def name(self) -> str:
        """The lab's name, which is also the notebook's name."""
        return self.source.name

    @property
    def is_own(self) -> bool:
        """True if the lab does not belong to chainrule."""
        return self.key != self.name

    def most(self, name: str) -> int:
        """The points of a correct answer to an exercise, with hidden tests."""
        return self.exercises[name].most + (name in self.hidden)

    def student_notebook(self) -> str:
        """Return the student's notebook, without solutions and hidden tests."""
        return notebook_text(self.source.notebook(solved=False))


def exported(lab: LoadedLab) -> ExportedLab:
    """Return a lab with its hidden tests."""
    return ExportedLab(lab.source, lab.exercises, hidden_tests(lab.source), lab.key)


def notebook_text(notebook: Any) -> str:
    """Serialise a notebook as JSON text."""
    with needs(*NOTEBOOKS):
        import nbformat

    text: str = nbformat.writes(notebook)  # type: ignore[no-untyped-call]
    return text + "\n"


def function(text: str, head: str) -> str:
    """Return the source of a function with this head and these statements as its body."""
    return f"{head}\n{textwrap.indent(text, '    ')}"


def write_files(files: Files, to: Path) -> list[Path]:
    """Write files below a folder; return the paths."""
    from chainrule._src.data.storage.files import write_whole

    paths = []
    for name, content in sorted(files.items()):
        path = to / name
        path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(path, [content.encode() if isinstance(content, str) else content])
        if name.endswith((".sh", "run_autograder")):
            path.chmod(0o755)
        paths.append(path)
    return paths
