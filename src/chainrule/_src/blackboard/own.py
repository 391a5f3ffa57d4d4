"""A learner's Python file as a subject: a compiled model, or a loss of parameters in NumPy.

The file defines ``model``, a compiled `Sequential`; or ``loss(params, X, y)`` and ``params``, a
dict of arrays or a function that returns one for a seed. It may also define the forward pass,
``forward(params, X)`` or ``predict(params, X)``; a gradient written by hand,
``gradients(params, X, y)``, which then replaces the derived one; the data, ``X`` and ``y``; and
``learning_rate``, with which training starts.
"""

from __future__ import annotations

import inspect
import linecache
import re
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from chainrule._src.base.arrays import Array
from chainrule._src.base.errors import ChainruleError, DataError
from chainrule._src.base.validation import set_random_seed
from chainrule._src.blackboard.models import data_of, layered
from chainrule._src.blackboard.subject import FLIGHT, Data, Subject, checked
from chainrule._src.blackboard.subjects import function, of_arrays
from chainrule._src.check import GradientReport, Where, check_gradients
from chainrule._src.nn.functions import one_hot, softmax

SAMPLES = 12  # for the check of a gradient
AWAY = 0.1  # deviation of the check's parameters from the initial ones: zeros hide mistakes
NEAR = 5  # lines of context around a wrong line
NO_GRADIENT = (
    "There is no gradients(params, X, y) in the file: chainrule derives the gradient of the loss."
)
A_MODEL = "The layers' gradients are chainrule's own."


@dataclass(frozen=True)
class FileReport:
    """A report on a file; its attributes are the fields of a message ``code``.

    Attributes
    ----------
    state : {"checking", "right", "wrong", "broken", "endless"}
    text : str
    lines : list of dict
        Lines of the file: ``number``, ``text``, ``marked`` (a bool) and ``repaired``, the corrected
        line or None.
    """

    state: str
    text: str = ""
    lines: tuple[dict[str, Any], ...] = ()


class UserFile:
    """A learner's file, loaded.

    Parameters
    ----------
    path : Path
    data : Data
        Training data for a file that defines no data.

    Attributes
    ----------
    subject : Subject

    Raises
    ------
    DataError
        If the file defines neither a model nor a loss with parameters.
    Exception
        Whatever the file raises.
    """

    def __init__(self, path: Path, data: Data) -> None:
        self.path, self._names = path, vars(_loaded(path))
        if "X" in self._names and "y" in self._names:
            data = of_arrays(self._names["X"], self._names["y"], name=path.stem)
        self.subject = self._subject(data)
        few = self._few()
        with np.errstate(all="ignore"):
            self.subject.gradient(self.subject.carry(), *few)  # raises the file's errors at once

    def check(self) -> FileReport:
        """Check a gradient written by hand, and return the report."""
        if self.subject.model is not None or self.subject.gradients is None:
            return FileReport("right", A_MODEL if self.subject.model is not None else NO_GRADIENT)
        rng, start = np.random.default_rng(0), self.subject.params
        params = {n: p + AWAY * rng.normal(size=p.shape) for n, p in start.items()}
        report = check_gradients(self._names["loss"], self._names["gradients"])(
            params, *self._few()
        )
        return self._report_on(report)

    def _few(self) -> tuple[Array, Array]:
        data = self.subject.data
        return data.X[:SAMPLES], data.y[:SAMPLES]

    def _report_on(self, report: GradientReport) -> FileReport:
        if report.passed:
            return FileReport("right", "\n".join([report.verdict, *report.notes]))
        wheres = [d.where for d in report.diagnoses if d.where is not None]
        in_file = [where for where in wheres if Path(where.file) == self.path]
        return FileReport("wrong", "\n".join(map(str, report.diagnoses)), self._lines(in_file))

    def _lines(self, wheres: list[Where]) -> tuple[dict[str, Any], ...]:
        """Return the source lines of the gradient, with marks at the wrong lines."""
        wrong = {where.line: where.repaired for where in wheres}
        source, first = inspect.getsourcelines(self._names["gradients"])
        last = first + len(source) - 1
        return shown(self.path, min([first, *wrong]), max([last, *wrong]), wrong)

    def _subject(self, data: Data) -> Subject:
        names = self._names
        if "learning_rate" in names:
            FLIGHT["rate"](f"{self.path.name}: learning_rate", names["learning_rate"])
        code = f"UserFile(Path({str(self.path)!r}), {data.code or 'subjects.digits()'}).subject"
        if "model" in names:
            if "X" in names and "y" in names:
                data = data_of(names["model"], names["X"], names["y"], data.name)
            return layered(names["model"], data, code=code)
        missing = [name for name in ("loss", "params") if name not in names]
        if missing:
            raise DataError(
                f"{self.path.name} defines no {' and no '.join(missing)}: it needs a compiled "
                "`model`, or `loss(params, X, y)` and `params`"
            )
        initial = function(names["loss"], self._params(0), data, names.get("learning_rate"))
        initial = replace(
            initial, title=self.path.name, gradients=names.get("gradients"),
            forward=self._forward(initial), code=code,
        )  # fmt: skip

        def make(chosen: Mapping[str, Any]) -> Subject:
            settings = checked(chosen, initial.settings, initial.choices)
            reseeded = settings["seed"] != initial.settings["seed"]
            start = self._params(settings["seed"]) if reseeded else initial.params
            return replace(initial, settings=settings, params=start, make=make)

        return replace(initial, make=make)

    def _params(self, seed: int) -> dict[str, Array]:
        params = self._names["params"]
        params = params(seed) if callable(params) else params
        if not isinstance(params, Mapping) or not params:
            raise DataError(
                f"{self.path.name}: params must be a dict of arrays by name, or a function of a "
                f"seed that returns one; received {type(params).__name__}"
            )
        return {str(name): self._array(name, value) for name, value in params.items()}

    def _array(self, name: Any, value: Any) -> Array:
        try:
            return np.array(value, float)
        except (TypeError, ValueError):
            raise DataError(
                f"{self.path.name}: params must be a dict of arrays by name, with nothing nested "
                f"in it; {name!r} is of type {type(value).__name__}"
            ) from None

    def _forward(self, subject: Subject) -> Callable[..., Any] | None:
        """Return the file's forward pass, converted to return probabilities or values."""
        forward = self._names.get("forward") or self._names.get("predict")
        if forward is None:
            return None
        X, classes = subject.data.X[:SAMPLES], subject.data.classes
        with np.errstate(all="ignore"):
            output = np.asarray(forward(subject.params, X))
        single = output.shape in ((len(X),), (len(X), 1))
        if classes is None and single:
            return lambda params, X: np.reshape(forward(params, X), (len(X),))
        if classes is not None and output.shape == (len(X), len(classes)):
            sums = (output >= 0).all() and np.allclose(output.sum(axis=1), 1, atol=1e-4)
            # Rows that are no probabilities are logits.
            return forward if sums else lambda params, X: softmax(forward(params, X))
        if classes is not None and single and output.dtype.kind in "iu":
            return lambda params, X: one_hot(
                len(classes), np.reshape(forward(params, X), (len(X),))
            )
        if classes is not None and single and len(classes) == 2:
            return forward  # type: ignore[no-any-return]
        raise DataError(
            f"{self.path.name}: for {len(X)} samples {forward.__name__} gives an array of shape "
            f"{output.shape}; it should be {(len(X), len(classes)) if classes else (len(X),)}"
        )


def _loaded(path: Path) -> ModuleType:
    """Run a file as a module, which can import the files in its folder; return the module."""
    text = path.read_text(encoding="utf-8")
    linecache.cache[str(path)] = len(text), None, text.splitlines(keepends=True), str(path)
    sys.path.insert(0, str(path.parent))
    module = ModuleType(path.stem)
    module.__file__ = str(path)
    sys.modules[path.stem] = module
    set_random_seed(0)  # unseeded random numbers of the file are the same at every save
    exec(compile(text, str(path), "exec", dont_inherit=True), vars(module))
    return module


def broken(path: Path, error: BaseException) -> FileReport:
    """Return the report on a file that raises an error."""
    text = str(error) if isinstance(error, ChainruleError) else f"{type(error).__name__}: {error}"
    if isinstance(error, SystemExit):
        text = "the file ends the program: leave exit() and the like out"
    if isinstance(error, SyntaxError) and error.filename == str(path):
        return stopped(path, "broken", f"{type(error).__name__}: {error.msg}", error.lineno)
    line, step = None, error.__traceback__
    while step is not None:
        if step.tb_frame.f_code.co_filename == str(path):
            line = step.tb_lineno
        step = step.tb_next
    return stopped(path, "broken", text, line)


def stopped(path: Path, state: str, text: str, line: int | None) -> FileReport:
    """Return the report on a file that stopped in a line; None if the line is unknown."""
    if line is None:
        return FileReport(state, text)
    text = f"{path.name}, line {line}: {text}"
    return FileReport(state, text, shown(path, line - NEAR, line + NEAR, {line: ""}))


def shown(path: Path, first: int, last: int, marked: Mapping[int, str]) -> tuple[Any, ...]:
    """Return lines of a file for a report; ``marked`` maps wrong lines to their corrections."""
    lines = linecache.getlines(str(path)) or path.read_text(encoding="utf-8").splitlines()
    return tuple(
        {"number": n, "text": lines[n - 1].rstrip("\n"), "marked": n in marked,
         "repaired": marked.get(n) or None}
        for n in range(max(first, 1), min(last, len(lines)) + 1)
    )  # fmt: skip


def last_line(path: Path, trace: str) -> int | None:
    """Return the number of a file's line that ran last, according to a stack trace, or None."""
    match = re.search(rf'File "{re.escape(str(path))}", line (\d+)', trace)
    return None if match is None else int(match[1])
