"""A learner's file of a lab, and what its source says of an exercise: the stubs, a solution."""

from __future__ import annotations

import ast

from chainrule.teaching.source import Source


def handout(lab: Source, ending: str) -> str:
    """Return a lab as a learner gets it, a notebook or percent format; no solutions beside it."""
    import jupytext
    import nbformat

    notebook = lab.notebook(solved=False)
    notebook.cells = [cell for cell in notebook.cells if not cell.source.startswith("# %load ")]
    if ending == ".ipynb":
        return f"{nbformat.writes(notebook)}\n"  # type: ignore[no-untyped-call]
    notebook.metadata = {"jupytext": {"notebook_metadata_filter": "-all"}}
    return str(jupytext.writes(notebook, fmt="py:percent"))


def stubs(lab: Source, name: str) -> list[str]:
    """Return what stands for an exercise before anything is written, in each of its steps."""
    return _definitions(lab, name, solved=False)


def solution(lab: Source, name: str) -> str:
    """Return one solution of an exercise."""
    return _definitions(lab, name, solved=True)[-1]


def _definitions(lab: Source, name: str, *, solved: bool) -> list[str]:
    found = []
    for cell in lab.cells:
        if name in cell.exercises:
            code = lab.code(cell, solved=solved)
            found += [
                str(ast.get_source_segment(code, node))
                for node in ast.parse(code).body
                if getattr(node, "name", None) == name
            ]
    return found
