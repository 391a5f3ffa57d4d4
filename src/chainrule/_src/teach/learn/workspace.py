"""A learner's folder: the labs' files, the passed exercises, and the hints used."""

from __future__ import annotations

import ast
import hashlib
import json
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cached_property, partial
from pathlib import Path
from typing import Any

from chainrule._src.base.errors import DataError, FileError
from chainrule._src.base.extras import needs
from chainrule._src.data.storage.files import write_text
from chainrule._src.teach.exercise import ExerciseResult
from chainrule._src.teach.learn.checker import Checker
from chainrule._src.teach.learn.handout import handout
from chainrule._src.teach.loader import LoadedLab, load
from chainrule._src.teach.submission import Submission, TopLevelStatement, parse, read, text_of

# Arguments of `needs`. The labs' answers import the first two packages.
LEARNING = (
    "chainrule learn", "teach", "sklearn", "matplotlib", "jupytext", "nbformat", "watchfiles",
)  # fmt: skip
STATE = Path(".chainrule") / "progress.json"


@dataclass
class LearnerProgress:
    """The saved state: passed exercise → hash of its code, exercise → number of hints.

    ``labs`` are keys of labs; ``student`` is the name for which constants are drawn.
    """

    labs: list[str]
    ending: str
    student: str = ""
    passed: dict[str, str] = field(default_factory=dict)
    hints: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Standing:
    """The progress of a learner, and the next exercise.

    Attributes
    ----------
    lab : LoadedLab
        The lab of the next exercise; the last lab if all exercises have passed.
    passed : frozenset of str
        The exercises that have passed, in all labs.
    exercise : str
        The next exercise; "" if all have passed.
    result : ExerciseResult or None
        The result of its checks; None if it is still the stub.
    line : int
        The line of its definition in the file; 0 if there is no definition.
    problem : str
        The reason why the file cannot be read, or "".
    """

    lab: LoadedLab
    passed: frozenset[str]
    exercise: str = ""
    result: ExerciseResult | None = None
    line: int = 0
    problem: str = ""


class Workspace:
    """A folder with the labs' files.

    Parameters
    ----------
    folder : path
        A folder that `start` has created.

    Raises
    ------
    DataError
        If `start` has not created the folder.
    MissingDependencyError
        If a package that the labs need is not installed.
    """

    def __init__(self, folder: str | Path) -> None:
        needs(*LEARNING)
        self.folder = Path(folder)
        self.last_result: ExerciseResult | None = None  # of the last check
        try:
            self.progress = LearnerProgress(**json.loads((self.folder / STATE).read_text("utf-8")))
        except FileNotFoundError:
            raise DataError(
                f"{folder} holds no labs; begin with: chainrule learn start FOLDER"
            ) from None
        except (OSError, ValueError, TypeError) as error:
            raise DataError(f"{self.folder / STATE} cannot be read ({error}); remove it") from None

    @classmethod
    def start(
        cls, folder: str | Path, labs: list[LoadedLab], ending: str, student: str = ""
    ) -> Workspace:
        """Write the labs' files and open the folder; keep the files if they exist already.

        ``student`` is the name for which a lab draws its constants.

        Raises
        ------
        DataError
            If the folder contains other files, two labs have exercises of one name, or a lab draws
            constants for each student and no name is passed.
        FileError
            If the folder cannot be created.
        """
        folder = Path(folder)
        _check_labs(labs, student)
        if (folder / STATE).exists():
            return cls(folder)
        if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
            raise DataError(f"{folder} is there already and holds other things; name a new folder")
        try:
            (folder / STATE).parent.mkdir(parents=True)
        except OSError as error:
            raise FileError(f"{folder} cannot be made: {error.strerror}") from None
        for lab in labs:
            write_text(folder / f"{lab.name}{ending}", handout(lab.source, ending, student))
        state = LearnerProgress([lab.key for lab in labs], ending, student)
        write_text(folder / STATE, json.dumps(vars(state), indent=1) + "\n")
        return cls(folder)

    @cached_property
    def labs(self) -> list[LoadedLab]:
        """The labs in the folder."""
        return [load(key) for key in self.progress.labs]

    @property
    def exercises(self) -> list[str]:
        """The names of all exercises, in the order of the labs."""
        return [name for lab in self.labs for name in lab.source.exercises]

    @property
    def next_exercise(self) -> str:
        """The first exercise that has not passed; "" if all have."""
        return next((name for name in self.exercises if name not in self.progress.passed), "")

    @property
    def last_passed(self) -> str:
        """The last exercise in order that has passed; the first one if none has."""
        passed = [name for name in self.exercises if name in self.progress.passed]
        return passed[-1] if passed else self.exercises[0]

    def path(self, lab: LoadedLab) -> Path:
        """Return the path of a lab's file."""
        return self.folder / f"{lab.name}{self.progress.ending}"

    def save(self) -> None:
        """Save the progress to disk."""
        write_text(self.folder / STATE, json.dumps(vars(self.progress), indent=1) + "\n")

    def look(
        self, checker: Checker, on_check: Any = None, unwanted: Callable[[], bool] = lambda: False
    ) -> Standing:
        """Check the exercises whose code has changed, up to the first one that fails.

        Parameters
        ----------
        checker : Checker
        on_check : callable, optional
            Callback with the name of an exercise and its checks so far: before the first check, and
            after each.
        unwanted : callable, optional
            If it returns true while a check runs, `Stopped` is raised.
        """
        for lab in self.labs:
            try:
                path = self.path(lab)
                text = text_of(path)
                submission = parse(path, text, lab.source.stubs)
            except FileError as error:
                first = lab.source.exercises[0]
                return Standing(lab, self._passed, first, problem=str(error))
            for name in lab.source.exercises:
                check = partial(checker.check, path, text)
                standing = self._look_at(lab, submission, name, check, on_check, unwanted)
                if standing is not None:
                    return standing
        return Standing(self.labs[-1], self._passed)

    def _look_at(
        self,
        lab: LoadedLab,
        submission: Submission,
        name: str,
        check: Callable[..., ExerciseResult],
        on_check: Any,
        unwanted: Callable[[], bool],
    ) -> Standing | None:
        digest = _digest(submission.needed(name))
        if self.progress.passed.get(name) == digest:
            return None
        definition = submission.definition(name)
        line = definition.node.lineno if definition else 0
        result = None
        self.progress.passed.pop(name, None)  # until its check has ended
        if not submission.is_untouched(name):
            checks: list[tuple[str, bool]] = []

            def on_outcome(*outcome: Any) -> None:
                checks.extend([outcome] if outcome else [])
                if on_check is not None:
                    on_check(name, tuple(checks))

            on_outcome()
            student = self.progress.student
            result = self.last_result = check(name, lab, student, unwanted, on_outcome)
        if result is not None and result.passed:
            self.progress.passed[name] = digest
        self.save()
        if result is not None and result.passed:
            return None
        return Standing(lab, self._passed, name, result, line)

    @property
    def _passed(self) -> frozenset[str]:
        return frozenset(self.progress.passed)

    def lab_of(self, name: str) -> LoadedLab:
        """Return the lab of an exercise.

        Raises
        ------
        DataError
            If no lab of the folder has this exercise.
        """
        for lab in self.labs:
            if name in lab.source.exercises:
                return lab
        raise DataError(
            f"there is no exercise {name!r} here; there are {', '.join(self.exercises)}"
        )

    def hint(self, name: str) -> int:
        """Count a hint and return the hint's level, from 0."""
        last = len(self.lab_of(name).exercises[name].hints) - 1
        level = min(self.progress.hints.get(name, 0), last)
        self.progress.hints[name] = level + 1
        self.save()
        return level

    def solution(self, name: str) -> str:
        """Return the solved code of an exercise that has been passed.

        Raises
        ------
        DataError
            If the exercise has not passed.
        """
        lab = self.lab_of(name)
        if name not in self.progress.passed:
            raise DataError(f"{name} has not passed yet; chainrule learn hint {name} helps on")
        return lab.source.definitions(name, solved=True)[-1]

    def reset(self, name: str) -> Path:
        """Replace an exercise's definition by its stub; return the path of a backup copy.

        Raises
        ------
        DataError
            If there is no such exercise, or the file does not define it.
        """
        lab = self.lab_of(name)
        path = self.path(lab)
        before = path.read_text("utf-8")
        definition = read(path).definition(name)
        if definition is None:
            raise DataError(
                f"{name} is not defined in {path.name}, so there is nothing to take away; a new "
                f"start: move the folder away and run chainrule learn start again"
            )
        backup = self.folder / STATE.parent / f"{path.stem}-before-reset{path.suffix}"
        write_text(backup, before)
        write_text(
            path,
            _with_stub(before, path, definition, lab.source.definitions(name, solved=False)[-1]),
        )
        self.progress.passed.pop(name, None)
        self.progress.hints.pop(name, None)
        self.save()
        return backup


def _check_labs(labs: list[LoadedLab], student: str) -> None:
    """Raise `DataError` if the labs cannot be in one folder, or not without a student's name."""
    names = Counter(name for lab in labs for name in lab.source.exercises)
    twice = next((name for name, count in names.items() if count > 1), "")
    if twice:
        raise DataError(f"two of the labs have an exercise {twice}: put them into two folders")
    drawing = next((lab.name for lab in labs if lab.source.has_tasks), "")
    if drawing and not student:
        raise DataError(
            f"{drawing} draws values for each student: say for whom with --student NAME"
        )


def _digest(statements: list[TopLevelStatement]) -> str:
    text = "\n".join(ast.unparse(statement.node) for statement in statements)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _with_stub(text: str, path: Path, definition: TopLevelStatement, stub: str) -> str:
    """Return a file's text in which a stub replaces a definition."""
    if path.suffix != ".ipynb":
        return "".join(_spliced_lines(text.splitlines(keepends=True), definition, stub))
    notebook = json.loads(text)
    number = int(definition.file.rsplit(" ", 1)[1])
    code = [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]
    lines = "".join(code[number - 1]["source"]).splitlines(keepends=True)
    code[number - 1]["source"] = list(_spliced_lines(lines, definition, stub))
    code[number - 1]["outputs"] = []
    return json.dumps(notebook, indent=1, ensure_ascii=False) + "\n"


def _spliced_lines(lines: list[str], definition: TopLevelStatement, stub: str) -> Iterator[str]:
    first, last = definition.node.lineno - 1, definition.node.end_lineno or 0
    yield from lines[:first]
    end = "\n" if last < len(lines) or not lines or lines[-1].endswith("\n") else ""
    yield from (stub.strip("\n") + end).splitlines(keepends=True)
    yield from lines[last:]
