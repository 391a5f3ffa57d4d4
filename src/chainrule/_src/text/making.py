"""One text at a time."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from chainrule._src.base.errors import CompileError
from chainrule._src.base.forks import lock

_making = lock()


@contextmanager
def making() -> Iterator[None]:
    """Let one thread at a time write a text: several may not parse syntax trees at once.

    Python counts how deep a tree is in one place for all threads, and fails where they differ.

    Raises
    ------
    CompileError
        If an expression nests more deeply than Python reads.
    """
    with _making:
        try:
            yield
        except RecursionError:
            raise CompileError(
                "expressions nest too deeply, since a loop is recorded turn by turn"
            ) from None
