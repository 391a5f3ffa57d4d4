"""The labs: ours, a teacher's file or folder of files, and those of installed packages.

A lab has a key, by which other processes load it: the name of one of ours, or the path of a file.
"""

from __future__ import annotations

import ast
import importlib.util
import os
from dataclasses import dataclass, field
from functools import cache, cached_property
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np

from chainrule._src.base.errors import DataError, UnknownNameError
from chainrule._src.teach import expect
from chainrule._src.teach.exercise import Exercise
from chainrule._src.teach.notation import ChecksBuilder
from chainrule._src.teach.solution import LabSolution
from chainrule._src.teach.source import Cell, Source, folder, read
from chainrule._src.teach.submission import TopLevelStatement

GROUP = "chainrule.labs"  # entry points of packages that bring labs
FOLDERS = "CHAINRULE_LABS"  # environment variable with more folders of labs


@dataclass(frozen=True)
class LoadedLab:
    """A lab: its source, and the exercises with their checks.

    Attributes
    ----------
    source : Source
    key : str
        `load` returns this lab for it.
    """

    source: Source
    key: str
    checks: dict[str, ChecksBuilder] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """The file's name without its ending."""
        return self.source.name

    @cached_property
    def solution(self) -> LabSolution:
        """Whatever the solved lab defines."""
        return LabSolution(self.source)

    @cached_property
    def exercises(self) -> dict[str, Exercise]:
        """The exercises by name, in the order of the lab.

        Raises
        ------
        DataError
            If a cell of checks does not run.
        """
        by_name: dict[str, Exercise] = {}
        space: dict[str, Any] = {"np": np, "expect": expect, "solution": self.solution}
        for cell in self.source.cells:
            if cell.checks:
                by_name[cell.checks] = self._exercise(cell, space)
        return {name: by_name[name] for name in self.source.exercises if name in by_name}

    def _exercise(self, cell: Cell, shared: dict[str, Any]) -> Exercise:
        """Run a cell of checks; later cells may use what it defines."""
        name = cell.checks
        checks = self.checks[name] = ChecksBuilder(
            Exercise(name, name, ()), self.solution, cell.weight
        )
        space = shared | {"checks": checks, "__name__": f"checks of {name}"}
        # Empty lines in front, so that a traceback has the line of the file.
        text = "\n" * (cell.line - 1) + cell.source
        try:
            exec(compile(text, str(self.source.path), "exec", dont_inherit=True), space)
        except Exception as error:  # a teacher's code may raise any error
            line = _line(error, str(self.source.path)) or cell.line
            raise DataError(
                f"{self.source.path}, line {line}: the checks of {name} do not run: "
                f"{type(error).__name__}: {error}"
            ) from error
        if not checks.exercise.hints:  # a module's exercise is complete
            self._describe(checks.exercise, space, cell)
        shared |= {key: value for key, value in space.items() if key not in _OF_ONE_CELL}
        return checks.exercise

    def _describe(self, exercise: Exercise, values: dict[str, Any], cell: Cell) -> None:
        """Set the attributes of an exercise that its cell of checks assigns."""
        at = f"{self.source.path}, line {cell.line}: {exercise.name}"
        hints = values.get("hints", ())
        if not exercise.checks:
            raise DataError(f"{at} has no check; add one, such as checks.values(...)")
        if not hints or isinstance(hints, str) or not all(isinstance(h, str) for h in hints):
            raise DataError(f"{at} has no hints; set hints to a list of texts")
        exercise.title = str(values.get("title", exercise.name))
        exercise.hints = tuple(hints)
        exercise.allows = tuple(values.get("allows", ()))
        exercise.uses = tuple(values.get("uses", ()))

    def depends(self, name: str) -> list[str]:
        """Return the other exercises that the solution or the checks of an exercise use."""
        submission = self.solution.submission()
        parts = [part for used in self.exercises[name].names for part in submission.needed(used)]
        bound = {bound for part in parts for bound in part.binds}
        return [other for other in self.exercises if other in bound - {name}]

    def stand_ins(self, name: str) -> dict[str, StandIn]:
        """Return the exercises that one exercise uses and whose right definitions can stand in."""
        return {
            other: stand_in for other in self.depends(name)
            if (stand_in := self._stand_in(other)) is not None
        }  # fmt: skip

    def _stand_in(self, name: str) -> StandIn | None:
        """Return the head of an exercise's right definition; None if it cannot stand in.

        A class has plain methods alone, and creates no objects of classes that are no exercises:
        such objects cannot be sent.
        """
        submission = self.solution.submission()
        definition = submission.definition(name)
        node = definition.node if definition else None
        if isinstance(node, ast.FunctionDef):
            return StandIn(is_fixed=not any(map(_varies, submission.needed(name))))
        if definition is None or not isinstance(node, ast.ClassDef) or node.decorator_list:
            return None
        parts = [part for part in node.body if not isinstance(part, ast.Expr)]
        methods = [part for part in parts if isinstance(part, ast.FunctionDef)]
        others = {base.id for base in node.bases if isinstance(base, ast.Name)}
        foreign = [
            used for used in definition.reads - others - set(self.exercises)
            if (read := submission.definition(used)) and isinstance(read.node, ast.ClassDef)
        ]  # fmt: skip
        if foreign or methods != parts or any(method.decorator_list for method in methods):
            return None
        bases = ", ".join(map(ast.unparse, node.bases))
        return StandIn(True, bases, [method.name for method in methods])


@dataclass(frozen=True)
class StandIn:
    """The head of a right definition that can stand in for a wrong answer.

    Attributes
    ----------
    is_class : bool
    bases : str
        The classes from which a class derives, as text.
    methods : list of str
        The methods of a class.
    is_fixed : bool
        True if a function returns equal values for equal arguments: it draws and counts nothing.
    """

    is_class: bool = False
    bases: str = ""
    methods: list[str] = field(default_factory=list)
    is_fixed: bool = False


VARYING = {"random", "default_rng", "rng", "time"}  # names in a function whose values may vary


def _varies(statement: TopLevelStatement) -> bool:
    nodes = [*ast.walk(statement.node)]
    names = {node.id for node in nodes if isinstance(node, ast.Name)}
    names |= {node.attr for node in nodes if isinstance(node, ast.Attribute)}
    is_stateful = any(isinstance(node, ast.Global | ast.Nonlocal) for node in nodes)
    return is_stateful or not VARYING.isdisjoint(names)


_OF_ONE_CELL = ("checks", "title", "hints", "allows", "uses")


def _line(error: BaseException, path: str) -> int | None:
    """Return the last line of a file in an error's traceback."""
    if isinstance(error, SyntaxError):
        return error.lineno
    lines, trace = [], error.__traceback__
    while trace is not None:
        if trace.tb_frame.f_code.co_filename == path:
            lines.append(trace.tb_lineno)
        trace = trace.tb_next
    return lines[-1] if lines else None


@cache  # a process that has given up its rights cannot look again
def our_labs() -> list[str]:
    """Return the names of the labs that belong to chainrule, in order."""
    return sorted(path.stem for path in folder().glob("[0-9]*.py"))


@cache
def load(key: str) -> LoadedLab:
    """Return the lab of a key.

    Raises
    ------
    DataError, FileError
        If the file cannot be read, or is no valid source.
    """
    path = Path(key)
    return LoadedLab(read(path if path.suffix else folder() / f"{key}.py"), key)


def find(what: str) -> list[LoadedLab]:
    """Return the labs that a teacher or a student names.

    Parameters
    ----------
    what : str
        The name or number of one of our labs; a file; a folder of files; the name of an installed
        package that brings labs, or of one of its labs.

    Raises
    ------
    DataError, FileError
        If there is no such lab, or a source is not valid.
    """
    path = Path(what)
    if path.is_file():
        return [load(str(path.resolve()))]
    if path.is_dir():
        labs = [load(str(file.resolve())) for file in _files(path)]
        if not labs:
            raise DataError(f"{what} has no labs: a lab is a .py file that begins with # %%")
        return labs
    wish = what.removesuffix(".py").removesuffix(".ipynb")
    names = our_labs()
    matches = [lab for lab in names if lab == wish] or [
        lab for lab in names if wish and lab.lstrip("0").startswith(wish.lstrip("0"))
    ]
    if len(matches) == 1 and wish.strip("0"):
        return [load(matches[0])]
    brought = installed()
    if wish in brought:
        return [load(str(file)) for file in brought[wish]]
    for files in brought.values():
        for file in files:
            if file.stem == wish:
                return [load(str(file))]
    listed = ", ".join([*names, *brought])
    raise DataError(f"there is no lab {what!r}; --lab takes a file, a folder, or one of: {listed}")


def installed() -> dict[str, list[Path]]:
    """Return the files of labs of packages and of the folders of ``CHAINRULE_LABS``, by name."""
    brought = {}
    for entry in metadata.entry_points(group=GROUP):
        spec = importlib.util.find_spec(entry.module)
        folders = (spec.submodule_search_locations or ()) if spec else ()
        brought[entry.name] = [file for path in folders for file in _files(Path(path))]
    for path in filter(None, os.environ.get(FOLDERS, "").split(os.pathsep)):
        brought[path] = _files(Path(path))
    return brought


def _files(directory: Path) -> list[Path]:
    """Return the sources of labs in a folder, sorted."""
    return [
        path
        for path in sorted(directory.glob("*.py"))
        if path.read_bytes()[:4] in (b"# %%", b"#%% ")
    ]


def exercises(key: str) -> dict[str, Exercise]:
    """Return a lab's exercises by name, in the order of the lab."""
    return load(key).exercises


def every() -> dict[str, Exercise]:
    """Return all exercises of our labs by name."""
    return {name: task for lab in our_labs() for name, task in exercises(lab).items()}


def exercise(name: str, key: str = "") -> Exercise:
    """Return an exercise of a lab, or of one of ours if no key is passed.

    Raises
    ------
    UnknownNameError
        If there is no exercise of this name; the message lists the names.
    """
    for lab in [key] if key else our_labs():
        if name in load(lab).source.exercises:
            return exercises(lab)[name]
    raise UnknownNameError("exercise", name, exercises(key) if key else every())


__all__ = ["LoadedLab", "every", "exercise", "exercises", "find", "load", "our_labs"]
