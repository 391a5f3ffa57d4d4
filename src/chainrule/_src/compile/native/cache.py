"""The cache of machine code on disk, in files that only this user can write.

The content of the cache is executed. So the folder and the files must belong to the user, and
nobody else may have permission to write. The check uses the open file, not its name, which could
point to another file a moment later. A file holds a digest and then machine code, or the form that
a run needs. It is written under a temporary name and renamed, so that several processes can write
at the same time. A damaged file is written again.
"""

from __future__ import annotations

import contextlib
import hashlib
import math
import os
import re
import secrets
import stat
import sys
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

MAGIC = b"chainrule kernel 2\n"
LIMIT = 100 * 2**20  # bytes of all files together
STALE = 3600.0  # seconds after which the writer of an unfinished file is dead
# Kinds of files: machine code, the form of a kernel, the result of this machine's self-check.
CODE, FORM, VERDICT = "kernel", "form", "verdict"
_KEPT = re.compile(rf"[0-9a-f]{{64}}\.({CODE}|{FORM}|{VERDICT})")
_UNFINISHED = re.compile(r"[0-9a-f]{64}\.[0-9a-f]{16}\.tmp|tmp[a-z0-9_]{8}")


def cache_folder() -> Path:
    """Return the folder of compiled kernels: ``CHAINRULE_CACHE``, or the user's cache folder.

    Raises
    ------
    OSError
        If neither exists: a user in a container may have no home folder.
    """
    named = os.environ.get("CHAINRULE_CACHE")
    if named:
        return Path(named)
    import platformdirs

    with contextlib.suppress(RuntimeError):
        path = platformdirs.user_cache_path("chainrule") / "kernels"
        if path.is_absolute():
            return path
    raise _UnusableError("there is no home folder to keep compiled kernels in")


def clear_cache() -> int:
    """Delete every compiled kernel on disk, and the unfinished files of killed processes.

    Returns
    -------
    int
        The number of deleted kernels.

    Raises
    ------
    OSError
        If a file cannot be deleted.
    """
    count = 0
    try:
        with _Folder.opened(cache_folder()) as folder:
            for name in folder.names():
                if _KEPT.fullmatch(name) or _UNFINISHED.fullmatch(name):
                    count += folder.delete(name) and name.endswith(CODE)
    except (FileNotFoundError, NotADirectoryError):
        pass
    return count


def read(key: str, kind: str = CODE) -> bytes | None:
    """Return the content of a cache file; None if it is missing, damaged or not this user's."""
    content, name = b"", f"{key}.{kind}"
    with contextlib.suppress(OSError), _usable() as folder, folder.reading(name) as file:
        with os.fdopen(os.dup(file), "rb") as stream:
            # Python reserves as many bytes as it is asked to read.
            content = stream.read(min(LIMIT, os.fstat(file).st_size))
        # The least recently used file is deleted first. Windows changes the time of a path alone.
        os.utime(file if os.utime in os.supports_fd else folder.path / name)
    digest, code = content[len(MAGIC) : len(MAGIC) + 32], content[len(MAGIC) + 32 :]
    sound = content.startswith(MAGIC) and hashlib.sha256(code).digest() == digest
    return code if sound else None


def write(key: str, code: bytes, kind: str = CODE) -> None:
    """Write a cache file, or nothing (and no error) if the disk is full or read-only."""
    with contextlib.suppress(OSError), _usable(to_write=True) as folder:
        folder.write(f"{key}.{kind}", MAGIC + hashlib.sha256(code).digest() + code)
        _shrink_sometimes(folder, len(code))


_new_bytes: float = math.inf  # bytes written since this process last measured the size of the cache


def _shrink_sometimes(folder: _Folder, size: int) -> None:
    """Shrink the cache at this process's first file, and then after every hundredth of the limit.

    To read the sizes of 20,000 files takes 120 ms.
    """
    global _new_bytes
    _new_bytes += size
    if _new_bytes > LIMIT / 100:
        _new_bytes = 0
        folder.shrink()


class _UnusableError(OSError):
    """The cache folder is missing, or other users can write to the folder or to a file."""


_warnings: set[str] = set()  # the warnings so far; each is shown once


@contextmanager
def _usable(to_write: bool = False) -> Iterator[_Folder]:
    """Open the cache; warn once if it, or a file in it, cannot be used.

    Parameters
    ----------
    to_write : bool, default False
        If true, a missing folder is created, and there is a warning if the disk is full or
        read-only, because every process will then compile again.

    Raises
    ------
    OSError
        If the cache cannot be used.
    """
    try:
        path = cache_folder()
        if to_write:
            path.parent.mkdir(parents=True, exist_ok=True)
            with contextlib.suppress(FileExistsError):
                path.mkdir(0o700)
        with _Folder.opened(path) as folder:
            folder.check()
            yield folder
    except _UnusableError as error:
        _warn(str(error))
        raise
    except OSError as error:
        if to_write:
            _warn(f"a compiled kernel cannot be kept in {path} ({error.strerror or error})")
        raise


def _warn(reason: str) -> None:
    if reason not in _warnings:
        _warnings.add(reason)
        warnings.warn(
            f"{reason}: each process compiles anew. CHAINRULE_CACHE names another folder",
            stacklevel=2,
        )


class _Folder:
    """An open folder. File names are resolved in this folder, not along a path that may change."""

    def __init__(self, path: Path, descriptor: int | None) -> None:
        self.path, self._descriptor = path, descriptor

    @classmethod
    @contextmanager
    def opened(cls, path: Path) -> Iterator[_Folder]:
        """Open a folder, if the operating system supports open folders; else use its path."""
        if sys.platform == "win32" or os.open not in os.supports_dir_fd:
            yield cls(path, None)
        else:
            descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
            try:
                yield cls(path, descriptor)
            finally:
                os.close(descriptor)

    def _at(self, name: str) -> str:
        return name if self._descriptor is not None else str(self.path / name)

    def names(self) -> list[str]:
        """Return the names of all files in the folder."""
        return os.listdir(self.path if self._descriptor is None else self._descriptor)

    def check(self) -> None:
        """Raise an error unless only this user can write to the folder."""
        if self._descriptor is not None:
            _check_own(os.fstat(self._descriptor), self.path)

    @contextmanager
    def reading(self, name: str) -> Iterator[int]:
        """Open a regular file that only this user can write to."""
        flags = os.O_RDONLY | getattr(os, "O_BINARY", 0)
        flags |= getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)  # never block
        file = os.open(self._at(name), flags, dir_fd=self._descriptor)
        try:
            status = os.fstat(file)
            if not stat.S_ISREG(status.st_mode):
                raise FileNotFoundError(f"{self.path / name} is no file")
            _check_own(status, self.path / name)
            yield file
        finally:
            os.close(file)

    def write(self, name: str, content: bytes) -> None:
        """Write a file atomically."""
        unfinished = self._at(f"{name.partition('.')[0]}.{secrets.token_hex(8)}.tmp")
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
        try:
            file = os.open(unfinished, flags, 0o600, dir_fd=self._descriptor)
            with os.fdopen(file, "wb") as stream:
                stream.write(content)
            os.replace(
                unfinished, self._at(name), src_dir_fd=self._descriptor, dst_dir_fd=self._descriptor
            )
        except BaseException:
            with contextlib.suppress(OSError):
                os.unlink(unfinished, dir_fd=self._descriptor)
            raise

    def delete(self, name: str) -> bool:
        """Delete a file, a link or a pipe; return true if it existed."""
        try:
            if stat.S_ISDIR(self._status(name).st_mode):
                return False
            os.unlink(self._at(name), dir_fd=self._descriptor)
        except FileNotFoundError:
            return False
        return True

    def _status(self, name: str) -> os.stat_result:
        return os.stat(self._at(name), dir_fd=self._descriptor, follow_symlinks=False)

    def shrink(self) -> None:
        """Delete unfinished files, and the least recently used kernels until the rest fits."""
        kernels, total, now = [], 0, time.time()
        for name in self.names():
            with contextlib.suppress(FileNotFoundError):
                status = self._status(name)
                if _UNFINISHED.fullmatch(name) and now - status.st_mtime > STALE:
                    self.delete(name)
                elif _KEPT.fullmatch(name):
                    kernels.append((status.st_mtime_ns, status.st_size, name))
                    total += status.st_size
        for _, size, name in sorted(kernels):
            if total <= LIMIT:
                break
            self.delete(name)
            total -= size


if sys.platform == "win32":

    def _check_own(status: os.stat_result, path: Path) -> None:
        """Do nothing: on Windows, the system protects the user's profile."""

else:

    def _check_own(status: os.stat_result, path: Path) -> None:
        """Raise an error unless only this user can have written the open file."""
        if status.st_uid != os.geteuid():
            raise _UnusableError(f"{path} belongs to another user (number {status.st_uid})")
        if status.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
            raise _UnusableError(f"others may write to {path} (chmod go-w forbids it)")
