"""Files appear whole or not at all."""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
import tempfile
from pathlib import Path

from chainrule.errors import FileError


def check_writable(path: str | os.PathLike[str]) -> None:
    """Raise a `FileError` if a file at ``path`` could not be written; nothing is left there."""
    target = _target(path)
    try:
        with tempfile.TemporaryFile(dir=target.parent):
            pass
    except OSError as error:
        raise _failure(path, error) from error


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
    try:
        data = text.encode("utf-8")
    except UnicodeError as error:
        raise _failure(path, error) from error
    write_bytes(path, data)


def write_bytes(path: str | os.PathLike[str], data: bytes) -> None:
    """Write ``data`` so that ``path`` holds all of it, or what it held before.

    Raises
    ------
    FileError
        If that is not possible; no temporary file is left.

    Examples
    --------
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_bytes(Path(folder) / "a.bin", b"whole")
    ...     (Path(folder) / "a.bin").read_bytes()
    b'whole'
    """
    target = _target(path)
    temporary = target.with_name(f".{secrets.token_hex(8)}.tmp")
    try:
        with temporary.open("xb") as file:
            if target.exists():
                shutil.copymode(target, temporary)
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(target)
    except OSError as error:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)
        raise _failure(path, error) from error
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def _target(path: str | os.PathLike[str]) -> Path:
    """Return the file behind ``path``, links followed; refuse what is no file or is protected."""
    try:
        target = Path(path).resolve()
        if target.is_dir():
            raise FileError(f"cannot write {path}: it is a folder; name a file in it")
        if target.exists() and not target.is_file():
            raise FileError(f"cannot write {path}: it is a device or a pipe, not a file")
        if target.exists() and not os.access(target, os.W_OK):
            raise FileError(f"cannot write {path}: it is write-protected")
        if not target.parent.exists():
            raise FileError(
                f"cannot write {path}: the folder {target.parent} does not exist; make it first"
            )
    except (OSError, ValueError, TypeError) as error:
        if isinstance(error, FileError):
            raise
        raise _failure(path, error) from error
    return target


def _failure(path: object, error: Exception) -> FileError:
    return FileError(f"cannot write {path}: {getattr(error, 'strerror', None) or error}")
