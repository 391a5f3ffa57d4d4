"""Teaching the lab: exercises, checks whose messages say what is wrong, and marks."""

from chainrule._src.teach import check

# The modules that other wings may import; the rest is private to this wing.
DOORS = (
    "confined.limits", "exports.folders", "exports.making", "grading.classroom",
    "grading.collect", "grading.grade", "grading.marks", "grading.report", "grading.setting",
    "grading.statistics", "lab.classifier", "lab.hidden_layer", "lab.models", "lab.sections",
    "lab.session", "lab.terminal", "learn.checker", "learn.saves", "learn.screen",
    "learn.watching", "learn.workspace", "loader", "writing.course", "writing.proof",
)  # fmt: skip


__all__ = ["check"]
