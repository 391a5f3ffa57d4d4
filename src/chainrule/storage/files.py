"""Files appear whole or not at all."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from chainrule.errors import FileError


def check_writable(path: str | os.PathLike[str]) -> None:
    """Raise a `FileError` if a file at ``path`` could not be written; nothing is left there."""
    path = Path(path)
    if path.is_dir():
        raise FileError(f"cannot write {path}: it is a folder; name a file in it")
    try:
        with tempfile.TemporaryFile(dir=path.parent):
            pass
    except OSError as error:
        raise FileError(f"cannot write {path}: {_reason(path, error)}") from error


def write_text(path: str | os.PathLike[str], text: str) -> None:
    """Write ``text`` as UTF-8 so that ``path`` holds all of it, or what it held before.

    The text goes to a temporary file beside ``path``, is synced, and then takes its name.

    Raises
    ------
    FileError
        If that is not possible; no temporary file is left.

    Examples
    --------
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_text(Path(folder) / "a.txt", "whole")
    ...     (Path(folder) / "a.txt").read_text()
    'whole'
    """
    path = Path(path)
    check_writable(path)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        with temporary.open("w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except OSError as error:
        raise FileError(f"cannot write {path}: {_reason(path, error)}") from error
    finally:
        temporary.unlink(missing_ok=True)


def _reason(path: Path, error: OSError) -> str:
    if not path.parent.exists():
        return f"the folder {path.parent} does not exist; make it first"
    return error.strerror or str(error)
