"""Keras's way to name a file of the web that is on this machine already."""

from __future__ import annotations

import hashlib
import os
import shutil
import tarfile
import tempfile
import zipfile
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from urllib.request import url2pathname

from chainrule._src.base.errors import DataError, FileError

__all__ = ["get_file"]


def get_file(
    fname: Any = None,
    origin: Any = None,
    untar: bool = False,
    md5_hash: str | None = None,
    file_hash: str | None = None,
    cache_subdir: str = "datasets",
    hash_algorithm: str = "auto",
    extract: bool = False,
    archive_format: Any = "auto",
    cache_dir: Any = None,
    force_download: bool = False,
) -> str:
    """Return the path of a file in Keras's folder, or of a local file; nothing is downloaded.

    Parameters
    ----------
    fname : str, optional
        Name of the file; by default the last part of ``origin``.
    origin : str, optional
        Address of the file. That of a file on this machine, ``file:///…`` or a path, is used.
    untar, extract : bool, default False
        If true, the archive, of the kind zip or tar, is unpacked once, and the path is that of the
        folder.
    md5_hash, file_hash : str, optional
        Checksum of the file.
    cache_subdir : str, default "datasets"
        Folder within ``cache_dir``.
    hash_algorithm : {"auto", "sha256", "md5"}
    archive_format, force_download : ignored
        Accepted for compatibility with Keras.
    cache_dir : path-like, optional
        By default the environment variable ``KERAS_HOME``, or ``~/.keras``.

    Returns
    -------
    str

    Raises
    ------
    DataError
        If there is no such file; the message says where to put it.
    FileError
        If the checksum differs, or the file is no archive.

    Examples
    --------
    >>> import tempfile
    >>> from chainrule import keras
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     text = Path(folder, "rain.txt")
    ...     _ = text.write_text("rain")
    ...     keras.utils.get_file(origin=text.as_uri()) == str(text)
    True
    """
    address = os.fspath(origin or "")
    parts = urlsplit(address)
    name = os.fspath(fname) if fname else Path(parts.path).name
    if not name:
        raise DataError("get_file: give fname or origin, the name or the address of a file")
    home = cache_dir or os.environ.get("KERAS_HOME") or Path(os.path.expanduser("~"), ".keras")
    folder = Path(home).expanduser() / cache_subdir
    local = Path(url2pathname(parts.path) if parts.scheme == "file" else address)
    candidates = [folder / name, folder / f"{name}_archive", local]
    path = next((each for each in candidates if each.is_file()), None)
    if path is None:
        raise DataError(
            f"get_file: nothing is downloaded behind your back; put {address or name} to "
            f"{folder / name}"
        )
    _check_hash(path, md5_hash or file_hash, "md5" if md5_hash else hash_algorithm)
    return str(_unpacked(path, folder, name) if extract or untar else path)


def _check_hash(path: Path, expected: str | None, algorithm: str) -> None:
    if expected is None:
        return
    if algorithm == "auto":
        algorithm = "sha256" if len(expected) == 64 else "md5"
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, algorithm).hexdigest()
    if digest != expected:
        raise FileError(
            f"{path}: the {algorithm} checksum is {digest}, expected {expected}; put the file "
            "there again"
        )


def _unpacked(path: Path, folder: Path, name: str) -> Path:
    """Return the folder of an archive's files, which appears whole or not at all."""
    target = folder / (f"{name.partition('.')[0]}_extracted" if "." in name else name)
    if target.is_dir():
        return target
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder) as temporary:
        files = Path(temporary, "files")
        if zipfile.is_zipfile(path):
            shutil.unpack_archive(path, files, "zip")
        elif tarfile.is_tarfile(path):
            shutil.unpack_archive(path, files, "tar", filter="data")
        else:
            raise FileError(f"{path}: expected an archive of the kind zip or tar")
        files.replace(target)
    return target
