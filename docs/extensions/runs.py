"""The code of a page runs while the site is built, for directives that show its results."""

import contextlib
import doctest
import io
import re
from collections.abc import Iterator, Sequence
from functools import cache
from typing import Any

FENCE = re.compile(r"^```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def blocks(text: str) -> list[str]:
    """Return the code of the Python blocks of a page, without prompts and outputs.

    >>> blocks("Text\\n```python\\n>>> x = 1\\n>>> x\\n1\\n```\\n")
    ['x = 1\\nx\\n']
    """
    return [_without_prompts(code) for code in FENCE.findall(text)]


def _without_prompts(code: str) -> str:
    if not code.lstrip().startswith(">>>"):
        return str(code)
    return "".join(each.source for each in doctest.DocTestParser().get_examples(code))


@cache
def _run(code: str) -> dict[str, Any]:
    space: dict[str, Any] = {"__name__": "page"}
    with contextlib.redirect_stdout(io.StringIO()):
        exec(compile(code, "<page>", "exec"), space)
    return space


def namespace(path: str, line: int) -> tuple[str, dict[str, Any]]:
    """Return the code of a page before a line, and the names that it defines."""
    with open(path, encoding="utf-8") as file:
        before = "".join(file.readlines()[:line])
    code = "\n".join(blocks(before))
    return code, dict(_run(code))


def normal_lines(code: str) -> Iterator[str]:
    """Yield the lines of Python without indentation and without comments."""
    for line in code.splitlines():
        yield re.sub(r"\s+#.*$", "", line).strip()


def one_of(lines: Sequence[str], wanted: str) -> int | None:
    """Return the index of the line that is equal to the wanted one, or None."""
    return lines.index(wanted) if wanted in lines else None
