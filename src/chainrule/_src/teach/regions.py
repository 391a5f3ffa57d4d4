"""Marked regions of a code cell, as in nbgrader: solutions with their stubs, hidden tests.

::

    def softmax(X):
        ### BEGIN SOLUTION
        exp = np.exp(X)
        return exp / np.sum(exp, axis=-1, keepdims=True)
        ### STUB
        # # TODO:
        # return None
        ### END SOLUTION

The lines after ``### STUB`` replace the solution in the student's version, without their ``# ``.
Without ``### STUB`` the student gets a TODO and ``raise NotImplementedError``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from chainrule._src.base.errors import DataError

SOLUTION, HIDDEN = "SOLUTION", "HIDDEN TESTS"
_MARKER = re.compile(r"\s*###\s*(BEGIN|END|STUB)\b\s*(.*?)\s*$")
_COMMENTED = re.compile(r"(\s*)#(?: (.*)|)$")
NO_STUB = ("# TODO", "raise NotImplementedError")

Line = tuple[int, str]


def strip(
    source: str, *, solved: bool, hidden: bool = False, where: str = "", first: int = 1
) -> str:
    r"""Return a cell's code without its markers.

    Parameters
    ----------
    source : str
        The code of the cell, with markers.
    solved : bool
        If true, solutions are kept; if false, stubs replace them.
    hidden : bool, default False
        If true, hidden tests are kept.
    where, first : str, int
        The file, and the line of the file at which ``source`` begins, for error messages.

    Raises
    ------
    DataError
        A marker is not closed, not opened, unknown or inside another region; a line of a stub is
        not commented.

    Examples
    --------
    >>> print(strip("def f(x):\n    ### BEGIN SOLUTION\n    return 2 * x\n    ### END SOLUTION",
    ...             solved=False))
    def f(x):
        # TODO
        raise NotImplementedError
    """
    numbered = stripped_lines(source, solved=solved, hidden=hidden, where=where, first=first)
    return "\n".join(line for _, line in numbered).strip("\n")


def stripped_lines(
    source: str, *, solved: bool, hidden: bool = False, where: str = "", first: int = 1
) -> list[Line]:
    """Return the lines of `strip`, each with its line number in the file."""
    lines = list(enumerate(source.split("\n"), start=first))
    return list(_stripped(lines, solved, hidden, where or "<cell>"))


def kinds(source: str) -> set[str]:
    """Return the kinds of regions in a cell: ``SOLUTION``, ``HIDDEN TESTS``."""
    matches = map(_MARKER.match, source.split("\n"))
    return {match[2] for match in matches if match and match[1] == "BEGIN"}


def hidden_lines(source: str) -> str:
    r"""Return the hidden tests of a cell, without its other lines.

    Examples
    --------
    >>> hidden_lines("f(1)\n### BEGIN HIDDEN TESTS\nassert f(2) == 4\n### END HIDDEN TESTS")
    'assert f(2) == 4'
    """
    visible = {number for number, _ in stripped_lines(source, solved=True)}
    lines = stripped_lines(source, solved=True, hidden=True)
    return "\n".join(line for number, line in lines if number not in visible)


def without_stubs(source: str) -> str:
    """Return a cell with its markers but without stubs, which nbgrader does not support."""
    lines, in_stub = [], False
    for line in source.split("\n"):
        marker = _MARKER.match(line)
        in_stub = (in_stub and not marker) or bool(marker and marker[1] == "STUB")
        if not in_stub:
            lines.append(line)
    return "\n".join(lines)


def _stripped(lines: list[Line], solved: bool, hidden: bool, where: str) -> Iterator[Line]:
    region: _Region | None = None
    for number, line in lines:
        at = f"{where}, line {number}"
        marker = _MARKER.match(line)
        if marker is None:
            if region is not None and region.stub is not None:
                region.stub.append((number, _uncommented(line, at)))
            elif region is None or (solved if region.kind == SOLUTION else hidden):
                yield number, line
            continue
        word, name = marker[1], marker[2]
        if fault := _fault(word, name, region):
            raise DataError(f"{at}: {fault}")
        if region is None:
            region = _Region(name, number, line[: len(line) - len(line.lstrip())])
        elif word == "STUB":
            region.stub = []
        else:
            if region.kind == SOLUTION and not solved:
                yield from region.stub or [(region.begun, region.indent + line) for line in NO_STUB]
            region = None
    if region is not None:
        raise DataError(f"{where}, line {region.begun}: ### BEGIN {region.kind} is never closed")


@dataclass
class _Region:
    """An open region; ``stub`` has the lines after ``### STUB``, or is None before."""

    kind: str
    begun: int
    indent: str
    stub: list[Line] | None = None


def _fault(word: str, name: str, region: _Region | None) -> str:
    """Return the error of a marker that may not stand in this region, or ""."""
    if word == "STUB":
        is_right = region is not None and region.kind == SOLUTION and region.stub is None
        rule = "### STUB belongs once between ### BEGIN SOLUTION and ### END SOLUTION"
        return "" if is_right else rule
    if name not in (SOLUTION, HIDDEN):
        return f"### {word} {name or '(nothing)'}: expected {SOLUTION} or {HIDDEN}"
    if word == "BEGIN" and region is not None:
        return (
            f"### BEGIN {name} inside the region that began in line {region.begun}; "
            f"close that with ### END {region.kind}"
        )
    if word == "END" and region is None:
        return f"### END {name}, but no region is open here"
    if word == "END" and region is not None and region.kind != name:
        return f"### END {name}, but the region open here is {region.kind}"
    return ""


def _uncommented(line: str, at: str) -> str:
    if not line.strip():
        return ""
    match = _COMMENTED.match(line)
    if not match:
        raise DataError(f"{at}: a line of a stub begins with '# ', this one is {line.strip()!r}")
    return (match[1] + (match[2] or "")).rstrip()
