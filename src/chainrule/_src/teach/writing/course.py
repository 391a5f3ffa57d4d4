"""A course made of a lab: notebooks, ``.py`` files and solutions, and a page to read."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from chainrule._src.base.errors import DataError
from chainrule._src.base.escaping import Html
from chainrule._src.base.extras import needs
from chainrule._src.base.pages import page
from chainrule._src.data.storage.files import write_text
from chainrule._src.teach.learn.handout import handout
from chainrule._src.teach.source import Source

TEMPLATE = Path(__file__).with_name("templates") / "lab.html"
FIRST = Path(__file__).with_name("templates") / "first_lab.txt"


def first_source(title: str) -> str:
    """Return a lab with three worked exercises, as a start for another lab."""
    return FIRST.read_text("utf-8").replace("TITLE", title)


def course_files(lab: Source, students: Sequence[str] = (), seed: str = "") -> dict[str, str]:
    """Return the texts of a course's files by path.

    Parameters
    ----------
    lab : Source
    students : sequence of str
        The names for whom a lab draws its constants; each gets a folder.
    seed : str
        The seed that `chainrule grade` will be given.

    Raises
    ------
    DataError
        If the lab draws constants and no student is named.
    """
    if lab.has_tasks and not students:
        raise DataError(f"{lab.name} draws values for each student: name them with --student")
    folders = (
        {f"student/{name}": f"{seed}/{name}" for name in students}
        if lab.has_tasks
        else {"student": ""}
    )
    files = {
        f"{folder}/{lab.name}{ending}": handout(lab, ending, name)
        for folder, name in folders.items()
        for ending in (".ipynb", ".py")
    }
    markdown = lab.page(solved=False)
    return files | {
        f"solved/{lab.name}.ipynb": handout(lab, ".ipynb", solved=True),
        f"solved/{lab.name}.py": handout(lab, ".py", solved=True),
        f"{lab.name}.md": markdown,
        f"{lab.name}.html": html_page(lab.title, markdown),
    }


def html_page(title: str, markdown: str) -> str:
    """Return Markdown as a page, in one file that needs nothing else."""
    with needs("writing a lab's page", "teach", "markdown_it"):
        from markdown_it import MarkdownIt

    body = MarkdownIt("commonmark", {"html": False}).enable("table").render(markdown)
    return page(TEMPLATE, title=title, body=Html(body))


def write_course(lab: Source, to: Path, students: Sequence[str] = (), seed: str = "") -> list[Path]:
    """Write a course's files below a folder; return their paths."""
    paths = []
    for name, text in course_files(lab, students, seed).items():
        path = to / name
        path.parent.mkdir(parents=True, exist_ok=True)
        write_text(path, text)
        paths.append(path)
    return paths
