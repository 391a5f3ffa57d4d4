"""Atomic writing of files: a reader sees either the complete new file or the old file."""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
import stat
import sys
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import BinaryIO

from chainrule._src.base.errors import FileError

TEMPORARY = ".chainrule-{}.tmp"


def check_writable(path: str | os.PathLike[str]) -> None:
    """Raise an error if a file at ``path`` could not be written; the file is not changed.

    Parameters
    ----------
    path : path-like

    Raises
    ------
    FileError
        If the folder does not exist, or the file is a folder, a device or write-protected.

    Examples
    --------
    >>> check_writable("no-such-folder/model.safetensors")  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    ...
    chainrule.errors.FileError: cannot write no-such-folder/model.safetensors: the folder ...
    """
    target = _target(path)
    try:
        with tempfile.TemporaryFile(dir=target.parent):
            pass
    except OSError as error:
        raise _failure("write", path, error) from error


def write_whole(path: str | os.PathLike[str], chunks: Iterable[bytes | memoryview]) -> None:
    """Write ``chunks`` atomically: ``path`` holds all of them, or its old content.

    The bytes go to a temporary file beside ``path``, which is synced and then renamed. Temporary
    files in the folder whose writers were killed are removed.

    Parameters
    ----------
    path : path-like
    chunks : iterable of bytes

    Raises
    ------
    FileError
        If the file cannot be written; no temporary file remains.

    Examples
    --------
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_whole(Path(folder) / "a", [b"all ", b"of it"])
    ...     (Path(folder) / "a").read_bytes()
    b'all of it'
    """
    _remove_stale(_target(path).parent)
    with _written(path, chunks) as (temporary, target):
        temporary.replace(target)


def write_text(path: str | os.PathLike[str], text: str) -> None:
    """Write ``text`` as UTF-8 atomically: ``path`` holds all of it, or its old content.

    Parameters
    ----------
    path : path-like
    text : str

    Raises
    ------
    FileError
        If the file cannot be written; no temporary file remains.

    Examples
    --------
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_text(Path(folder) / "a.txt", "whole")
    ...     (Path(folder) / "a.txt").read_text()
    'whole'
    """
    write_whole(path, [_encoded(path, text)])


def write_new(path: str | os.PathLike[str], text: str) -> bool:
    """Create a file with ``text`` atomically, unless it exists.

    If several processes write at once, exactly one succeeds.

    Parameters
    ----------
    path : path-like
    text : str

    Returns
    -------
    bool
        True if the file was created.

    Raises
    ------
    FileError
        If the file cannot be written.

    Examples
    --------
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_new(Path(folder) / "a", "first"), write_new(Path(folder) / "a", "second")
    (True, False)
    """
    with _written(path, [_encoded(path, text)]) as (temporary, target):
        try:
            os.link(temporary, target)
        except FileExistsError:
            return False
        except OSError:  # a file system without links
            if target.exists():
                return False
            temporary.rename(target)
    return True


def open_file(path: str | os.PathLike[str]) -> BinaryIO:
    """Open the file at ``path`` to read its bytes.

    Raises
    ------
    FileError
        If the file does not exist, is a folder or device, or may not be read.
    """
    check_readable(path)
    try:
        return Path(path).open("rb")
    except OSError as error:
        raise _failure("read", path, error) from error


def check_readable(path: str | os.PathLike[str]) -> None:
    """Raise a `FileError` unless ``path`` is a regular file; reading a pipe could block forever."""
    try:
        mode = Path(path).stat().st_mode  # not os.stat, which takes a number for a file descriptor
    except (OSError, ValueError, TypeError) as error:
        raise _failure("read", path, error) from error
    _check_kind("read", path, mode)


def _check_kind(verb: str, path: object, mode: int) -> None:
    if stat.S_ISDIR(mode):
        raise FileError(f"cannot {verb} {path}: it is a folder; name a file in it")
    if not stat.S_ISREG(mode):
        raise FileError(f"cannot {verb} {path}: it is a device or a pipe, not a file")


def _target(path: str | os.PathLike[str]) -> Path:
    """Resolve the links of ``path``; refuse a folder, a device or a write-protected file."""
    try:
        target = Path(os.path.realpath(path))
        if not target.parent.exists():
            raise FileError(
                f"cannot write {path}: the folder {target.parent} does not exist; make it first"
            )
        with contextlib.suppress(FileNotFoundError):
            _check_kind("write", path, os.stat(target).st_mode)
            if not os.access(target, os.W_OK):
                raise FileError(f"cannot write {path}: it is write-protected")
    except FileError:
        raise
    except (OSError, ValueError, TypeError) as error:
        raise _failure("write", path, error) from error
    return target


def _encoded(path: object, text: str) -> bytes:
    try:
        return text.encode()
    except UnicodeError as error:
        raise _failure("write", path, error) from error


@contextlib.contextmanager
def _written(
    path: str | os.PathLike[str], chunks: Iterable[bytes | memoryview]
) -> Iterator[tuple[Path, Path]]:
    """Context manager: yield a synced temporary file with ``chunks``, and the target of ``path``.

    The temporary file is removed afterwards, unless it was renamed.
    """
    target = _target(path)
    temporary = target.with_name(TEMPORARY.format(secrets.token_hex(8)))
    try:
        with _claimed(temporary):
            with temporary.open("wb") as file:
                if target.exists():
                    shutil.copymode(target, temporary)
                for chunk in chunks:
                    file.write(chunk)
                file.flush()
                os.fsync(file.fileno())
            yield temporary, target
        sync_folder(target.parent)
    except OSError as error:
        raise _failure("write", path, error) from error
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)


if sys.platform == "win32":

    @contextlib.contextmanager
    def _claimed(temporary: Path) -> Iterator[None]:
        """Context manager: create the file, unlocked: an open file could not be renamed."""
        temporary.open("xb").close()
        yield

    def _remove_stale(folder: Path) -> None:
        """Do nothing: without locks nobody knows which writers are dead."""

else:
    import fcntl

    @contextlib.contextmanager
    def _claimed(temporary: Path) -> Iterator[None]:
        """Context manager: create the file and lock it; a lock dies with its process."""
        with temporary.open("xb") as claim:
            with contextlib.suppress(OSError):  # a file system without locks: it is never stale
                fcntl.flock(claim, fcntl.LOCK_EX)
            yield

    def _remove_stale(folder: Path) -> None:
        """Remove the temporary files in ``folder`` whose writing processes are dead.

        An empty file stays, because its writer may not have locked it yet.
        """
        for temporary in folder.glob(TEMPORARY.format("*")):
            with contextlib.suppress(OSError), temporary.open("r+b") as file:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                if os.fstat(file.fileno()).st_size:
                    temporary.unlink()


def sync_folder(folder: Path) -> None:
    """Sync a folder, so that new names reach the disk; errors of the file system are ignored."""
    if os.name != "posix":
        return
    with contextlib.suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _failure(verb: str, path: object, error: Exception) -> FileError:
    return FileError(f"cannot {verb} {path}: {getattr(error, 'strerror', None) or error}")
