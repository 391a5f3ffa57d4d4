"""A right and a half-right notebook of a lab, as students hand them in."""

from dataclasses import replace

import nbformat

from chainrule._src.teach.exports.folders import exported
from chainrule._src.teach.exports.making import MAKERS
from chainrule._src.teach.grading.collect import Entry
from chainrule._src.teach.grading.grade import Grader
from chainrule._src.teach.grading.setting import assignment
from chainrule._src.teach.loader import load

LAB = "01_softmax_and_backpropagation"
MISTAKES = {
    "np.sum(exp, axis=-1, keepdims=True)": "np.sum(exp)",
    "sig * (1 - sig)": "sig",
}
SENTENCE = "summed (or averaged) over the wrong axis"


def export(kind, folder):
    from chainrule._src.teach.exports.folders import write_files

    lab = exported(load(LAB))
    write_files(MAKERS[kind](lab), folder)
    return lab


def hand_in(lab, released, path, wrong):
    """Write the student's notebook with its exercises solved, or some of them with a mistake."""
    solved = {cell["id"]: cell.source for cell in lab.source.notebook(solved=True).cells}
    notebook = nbformat.read(released, 4)
    for cell in notebook.cells:
        if cell["id"].startswith("exercise-"):
            cell.source = solved[cell["id"]]
        for right, mistake in MISTAKES.items() if wrong else ():
            cell.source = cell.source.replace(right, mistake)
    path.parent.mkdir(parents=True, exist_ok=True)
    nbformat.write(notebook, path)
    return path


def marks(path):
    """Return what chainrule grade gives for a notebook: the points, and how many there are."""
    # A kernel holds a student's own answers alone: nothing right stands in for what is wrong.
    task = replace(assignment(LAB), key="")
    with Grader(task) as grader:
        graded = grader.grade(Entry("", path))
    return graded.points, graded.most
