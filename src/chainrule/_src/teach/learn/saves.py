"""Files that are saved, heard of."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from chainrule._src.base.extras import needs

POLL = 100  # milliseconds between two looks
SETTLED = 150  # milliseconds without a change that end a save


def saves(folder: Path, names: Iterable[str], command: str, extra: str) -> Iterator[bool]:
    """Yield, again and again, whether files of these names have been saved since the last time.

    Parameters
    ----------
    folder : Path
    names : iterable of str
    command, extra : str
        Who watches, and with which extra of the package it can.

    Raises
    ------
    MissingDependencyError
        Where watchfiles is missing.
    """
    with needs(command, extra, "watchfiles"):
        import watchfiles
    known = frozenset(names)
    changes = watchfiles.watch(
        folder, recursive=False, rust_timeout=POLL, yield_on_timeout=True, debounce=SETTLED,
        step=50, watch_filter=lambda _, path: Path(path).name in known,
    )  # fmt: skip
    return map(bool, changes)
