"""Detect that files are saved."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import chain
from pathlib import Path

from chainrule._src.base.extras import needs

POLL = 100  # milliseconds between two polls
SETTLED = 150  # debounce: a save ends after so many milliseconds without a change


def saves(folder: Path, names: Iterable[str], command: str, extra: str) -> Iterator[bool]:
    """Yield at each poll true if a file with one of these names has been saved, else false.

    Parameters
    ----------
    folder : Path
        The folder of the files.
    names : iterable of str
        File names, without folder.
    command, extra : str
        The command that watches, and the extra of chainrule that provides watchfiles.

    Raises
    ------
    MissingDependencyError
        If watchfiles is missing.
    """
    with needs(command, extra, "watchfiles"):
        import watchfiles
    watched = frozenset(names)
    changes = watchfiles.watch(
        folder, recursive=False, rust_timeout=POLL, yield_on_timeout=True, debounce=SETTLED,
        step=50, watch_filter=lambda _, path: Path(path).name in watched,
    )  # fmt: skip
    first = next(changes)  # begins to watch: a save after this is not missed
    return map(bool, chain([first], changes))
