"""Reader of jupytext's percent format: cells that begin with a line ``# %%``, as plain values.

The labs are read without jupytext, so that checks and marks are the same where it is not installed.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from chainrule._src.base.errors import DataError

_MARKER = re.compile(r"# ?%%(?: (.*))?$")
_KIND = re.compile(r"\[(\w+)\]")
_PAIR = re.compile(r'(\w+)=("(?:[^"\\]|\\.)*"|\S+)\s*')
_COMMENTED_MAGIC = re.compile(r"^(\s*)# ?(%[a-z]|%%[a-z]|!)", re.MULTILINE)


@dataclass(frozen=True)
class PercentCell:
    """A cell of a file in percent format.

    Attributes
    ----------
    kind : str
        ``"code"``, ``"markdown"`` or another word in brackets behind the marker.
    metadata : dict
        The values of ``key=value`` behind the marker.
    source : str
        The text of the cell; Markdown has no ``# ``, and magics are not commented.
    marker, line : int
        The line of the marker, and the first line of ``source`` in the file.
    """

    kind: str
    source: str
    marker: int
    line: int
    metadata: dict[str, Any] = field(default_factory=dict)


def percent_cells(text: str, where: str) -> Iterator[PercentCell]:
    r"""Yield the cells of a text in percent format.

    Parameters
    ----------
    text : str
    where : str
        The name of the file, for error messages.

    Raises
    ------
    DataError
        If text stands before the first marker, or a marker cannot be read.

    Examples
    --------
    >>> text = "# %% [markdown]\n# # A lab\n\n# %%\nx = 1\n"
    >>> [cell.source for cell in percent_cells(text, "lab.py")]
    ['# A lab', 'x = 1']
    """
    lines = text.split("\n")
    starts = [number for number, line in enumerate(lines) if _MARKER.match(line)]
    if any(line.strip() for line in lines[: starts[0] if starts else None]):
        raise DataError(f"{where}, line 1: a source begins with a line '# %%', a cell's first line")
    for start, end in zip(starts, [*starts[1:], len(lines)], strict=True):
        marker = _MARKER.match(lines[start])
        assert marker is not None
        kind, metadata = _marked(marker[1] or "", f"{where}, line {start + 1}")
        body = lines[start + 1 : end]
        first = next((i for i, line in enumerate(body) if line.strip()), 0)
        if kind == "markdown":
            source = "\n".join(re.sub("^# ?", "", line) for line in body)
        else:
            source = _COMMENTED_MAGIC.sub(r"\1\2", "\n".join(body))
        yield PercentCell(kind, source.strip("\n"), start + 1, start + 2 + first, metadata)


def _marked(text: str, at: str) -> tuple[str, dict[str, Any]]:
    """Return the kind and the metadata of a marker."""
    kind = _KIND.match(text)
    pairs = (text[kind.end() :] if kind else text).strip()
    metadata: dict[str, Any] = {}
    while pairs:
        pair = _PAIR.match(pairs)
        if pair is None:
            raise DataError(f'{at}: expected key="value" behind # %%, not {pairs!r}')
        try:
            metadata[pair[1]] = json.loads(pair[2])
        except ValueError:
            raise DataError(f"{at}: {pair[1]} is a text in quotes or a number") from None
        pairs = pairs[pair.end() :]
    return kind[1] if kind else "code", metadata
