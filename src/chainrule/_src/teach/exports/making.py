"""The exports by name."""

from __future__ import annotations

from collections.abc import Callable

from chainrule._src.teach.exports.classroom import classroom
from chainrule._src.teach.exports.folders import ExportedLab, Files
from chainrule._src.teach.exports.nbgrader import nbgrader
from chainrule._src.teach.exports.otter import otter
from chainrule._src.teach.exports.services import gradescope, prairielearn

MAKERS: dict[str, Callable[[ExportedLab], Files]] = {
    "nbgrader": nbgrader,
    "otter": otter,
    "gradescope": gradescope,
    "prairielearn": prairielearn,
    "classroom": classroom,
}
