"""The exports by name."""

from __future__ import annotations

from collections.abc import Callable

from chainrule.teaching.exports.classroom import classroom
from chainrule.teaching.exports.folders import Files, Lab
from chainrule.teaching.exports.nbgrader import nbgrader
from chainrule.teaching.exports.otter import otter
from chainrule.teaching.exports.services import gradescope, prairielearn

MAKERS: dict[str, Callable[[Lab], Files]] = {
    "nbgrader": nbgrader,
    "otter": otter,
    "gradescope": gradescope,
    "prairielearn": prairielearn,
    "classroom": classroom,
}
