"""A lock for writing text, because Python's parser is not safe in several threads."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from chainrule._src.base.errors import CompileError
from chainrule._src.base.forks import lock

_making = lock()


@contextmanager
def making() -> Iterator[None]:
    """Context manager: only one thread at a time writes a text.

    Python counts the depth of syntax trees in one variable for all threads, and fails if the counts
    differ.

    Raises
    ------
    CompileError
        If an expression is nested more deeply than Python's parser allows.
    """
    with _making:
        try:
            yield
        except RecursionError:
            raise CompileError(
                "expressions nest too deeply, since a loop is recorded turn by turn"
            ) from None
