"""Checks before a submission runs: names are defined, and no forbidden library is used."""

from __future__ import annotations

import ast
import difflib
from collections.abc import Iterable, Iterator, Sequence

from chainrule._src.teach.calls import error_text
from chainrule._src.teach.submission import Submission, SubmissionPart

FOREIGN = (
    "autograd", "cupy", "jax", "keras", "mygrad", "numba", "scipy", "sklearn", "statsmodels",
    "tensorflow", "theano", "torch", "xgboost",
)  # fmt: skip
HELPFUL = (
    "sklearn.datasets",
    "sklearn.metrics",
    "sklearn.model_selection",
    "sklearn.preprocessing",
)


def problem(submission: Submission, names: Sequence[str], allows: Iterable[str] = ()) -> str:
    """Return the reason why an exercise cannot be run, or "".

    Parameters
    ----------
    submission : Submission
    names : sequence of str
        The names that must be defined, the exercise's own name first.
    allows : iterable of str
        Modules that an answer may import besides NumPy.
    """
    if submission.is_untouched(names[0]):
        return f"{names[0]} is still as it was handed out"
    sentences = (missing(submission, name) for name in names)
    reason = next(filter(None, sentences), "")
    return reason or foreign(submission.part(names), names[0], allows)


def missing(submission: Submission, name: str) -> str:
    """Return the reason why a submission does not define a name, or ""."""
    if submission.defines(name):
        return ""
    if submission.notes:
        return f"{name} is not defined; a part cannot be read: {submission.notes[0]}"
    defined = {d for s in submission.statements if s.is_definition for d in s.binds}
    close = difflib.get_close_matches(name, defined, n=1)
    hint = f": {close[0]} is; rename it" if close else ": was its cell deleted?"
    return f"{name} is not defined in {submission.path.name}{hint}"


def foreign(part: SubmissionPart, name: str, allows: Iterable[str] = ()) -> str:
    """Return a sentence if the code imports a library that replaces the exercise, else ""."""
    allowed = (*HELPFUL, *allows)
    for _, node in part.nodes():
        for module in imported(node):
            top = module.split(".")[0]
            if top in FOREIGN and not any(f"{module}.".startswith(f"{ok}.") for ok in allowed):
                if any(ok.startswith(f"{module}.") for ok in allowed):
                    continue  # import sklearn
                return f"{name} uses {module}: the exercise is to be solved with NumPy"
    return ""


def imported(node: ast.stmt) -> Iterator[str]:
    """Yield the full names of what a statement imports."""
    for inner in ast.walk(node):
        if isinstance(inner, ast.Import):
            yield from (alias.name for alias in inner.names)
        elif isinstance(inner, ast.ImportFrom) and inner.module and not inner.level:
            yield from (f"{inner.module}.{alias.name}" for alias in inner.names)
        elif isinstance(inner, ast.Call) and _is_import(inner.func):
            yield from (str(arg.value) for arg in inner.args[:1] if isinstance(arg, ast.Constant))


def _is_import(function: ast.expr) -> bool:
    name = getattr(function, "id", getattr(function, "attr", ""))
    return name in ("__import__", "import_module")


def loading_failed(name: str, error: dict[str, object]) -> str:
    """Return the sentence for an error raised while the learner's definitions are executed."""
    if error.get("type") == "NameError":
        return f"{name} uses what no cell defines: {error_text(error)}"
    return f"what {name} needs does not run: {error_text(error)}"
