"""The file of a lab that a learner receives."""

from __future__ import annotations

from chainrule._src.base.extras import needs
from chainrule._src.teach.source import NOTEBOOKS, Source


def handout(lab: Source, ending: str, student: str = "", *, solved: bool = False) -> str:
    """Return a lab, by default without solutions, as a notebook or in percent format."""
    with needs(*NOTEBOOKS):
        import jupytext
        import nbformat

    notebook = lab.notebook(solved=solved, student=student)
    left_out = ("load-", "check-") if ending == ".py" and not lab.calls_checks else ("load-",)
    notebook.cells = [cell for cell in notebook.cells if not cell.id.startswith(left_out)]
    if ending == ".ipynb":
        return f"{nbformat.writes(notebook)}\n"  # type: ignore[no-untyped-call]
    notebook.metadata = {"jupytext": {"notebook_metadata_filter": "-all"}}
    return str(jupytext.writes(notebook, fmt="py:percent"))
