"""Teaching the lab: exercises, checks whose messages say what is wrong, and marks."""

from chainrule._src.teach import check

# The modules that other wings may import; the rest is private to this wing.
DOORS = (
    "confined.limits", "confined.sealing", "exports.container", "exports.folders",
    "exports.making", "figures", "grading.classroom", "grading.collect", "grading.course",
    "grading.feedback", "grading.grade", "grading.lms", "grading.marks", "grading.record",
    "grading.report", "grading.rules", "grading.setting", "grading.statistics", "lab.classifier",
    "lab.hidden_layer", "lab.models", "lab.sections", "lab.session", "lab.terminal",
    "learn.cells", "learn.saves", "learn.screen", "learn.session",
    "learn.task_text", "learn.watching", "learn.workspace", "loader",
    "writing.course", "writing.proof",
)  # fmt: skip


__all__ = ["check"]
