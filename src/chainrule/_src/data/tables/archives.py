"""Tables from NumPy's .npz files, whose arrays are read in chunks of rows, without pickle."""

from __future__ import annotations

import math
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import numpy as np

from chainrule._src.base.arrays import Array
from chainrule._src.base.errors import DataError, FileError, ShapeError
from chainrule._src.data.preprocessing.values import Column, column_values, kind_of, quoted
from chainrule._src.data.tables.table import Table, check_columns

PAIRS = (("x", "y"), ("features", "target"), ("data", "target"))
_HEADERS = {
    (1, 0): np.lib.format.read_array_header_1_0,
    (2, 0): np.lib.format.read_array_header_2_0,
}


@dataclass(frozen=True)
class _ArchiveMember:
    """Name, shape and dtype of an array in the archive."""

    name: str
    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    fortran: bool


class NpzTable(Table):
    """The arrays of an .npz file: features and an optional target.

    Their names are ``X`` and ``y``, ``features`` and ``target`` or ``data`` and ``target``.
    Otherwise the file must hold either two arrays, of which the one with one value per row is the
    target, or one, the features. Features of shape ``(n, d)`` are columns ``x0`` … ``x{d-1}``;
    ``(n, h, w)`` and ``(n, h, w, c)`` are images.

    Parameters
    ----------
    path : Path

    Raises
    ------
    DataError, ShapeError
        If the arrays have other names, shapes or dtypes.
    FileError
        If the file cannot be read.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        with self._opened() as archive:
            members = [_member(archive, name) for name in archive.namelist()]
        self._features, self._labels = _roles(members, str(path))
        for member in (self._features, self._labels):
            if member is not None:
                _check_member(member, str(path))
        columns = _feature_columns(self._features, str(path))
        if self._labels is not None:
            columns += [_label_column(self._labels, self._features, str(path))]
        target = self._labels.name if self._labels else None
        super().__init__(str(path), columns, self._features.shape[0], target=target)

    def _read(self, rows: int, names: list[str]) -> Iterator[dict[str, Array]]:
        places = {column.name: i for i, column in enumerate(self.columns)}
        members = [m for m in (self._features, self._labels) if m is not None]
        if names == [self.target]:
            members = members[1:]
        with self._opened() as archive, ExitStack() as stack:
            parts = [_rows(archive, member, rows, stack) for member in members]
            for arrays in zip(*parts, strict=True):
                arrays_by_name = dict(zip([member.name for member in members], arrays, strict=True))
                yield {name: self._values(arrays_by_name, name, places[name]) for name in names}

    def _values(self, arrays_by_name: dict[str, Array], name: str, index: int) -> Array:
        if name == self.target:
            return column_values(arrays_by_name[name].reshape(-1), name, self.name)
        values = arrays_by_name[self._features.name]
        wide = values.ndim == 2
        return column_values(values[:, index] if wide else values, name, self.name)

    @contextmanager
    def _opened(self) -> Iterator[zipfile.ZipFile]:
        try:
            with zipfile.ZipFile(self._path) as archive:
                yield archive
        except (DataError, ShapeError):
            raise
        except (
            OSError, ValueError, EOFError, RuntimeError, MemoryError, zipfile.BadZipFile, zlib.error
        ) as error:  # fmt: skip
            reason = getattr(error, "strerror", None) or error
            raise FileError(f"{self._path} cannot be read as .npz: {reason}") from error


def _member(archive: zipfile.ZipFile, name: str) -> _ArchiveMember:
    with archive.open(name) as file:
        version = np.lib.format.read_magic(file)
        if version not in _HEADERS:
            raise DataError(f"array {name!r} is in version {version} of NumPy's format")
        shape, fortran, dtype = _HEADERS[version](file)
    return _ArchiveMember(name.removesuffix(".npy"), shape, dtype, fortran and len(shape) > 1)


def _roles(
    members: list[_ArchiveMember], where: str
) -> tuple[_ArchiveMember, _ArchiveMember | None]:
    """Return the array with the features, and the one with the target or None."""
    by_name = {member.name.lower(): member for member in members}
    for features, target in PAIRS:
        if features in by_name and target in by_name:
            return by_name[features], by_name[target]
    if len(members) == 1:
        return members[0], None
    if len(members) != 2:
        raise DataError(
            f"{where}: expected arrays X and y, features and target, or data and target, or two "
            f"arrays of any name; it holds {quoted(m.name for m in members) or 'none'}"
        )
    first, second = members
    is_first = len(first.shape) < len(second.shape) or first.shape[1:] == (1,)
    return (second, first) if is_first else (first, second)


def _check_member(member: _ArchiveMember, where: str) -> None:
    if member.dtype.kind not in "fiubUM" or not member.dtype.itemsize:
        raise DataError(
            f"{where}: array {member.name!r} must hold numbers, text or booleans, but its dtype is "
            f"{member.dtype}" + ("; such arrays need pickle" if member.dtype.hasobject else "")
        )
    if not member.shape or min(member.shape) < 0:
        raise ShapeError(f"{where}: array {member.name!r} needs a sample a row, not {member.shape}")


def _feature_columns(features: _ArchiveMember, where: str) -> list[Column]:
    shape, kind = features.shape, _kind(features)
    if len(shape) in (3, 4) and kind == "number" and 0 not in shape[1:]:
        return [Column(features.name, "image", shape[1:])]
    if len(shape) == 1:
        return [Column(features.name, kind)]
    if len(shape) == 2 and shape[1]:
        check_columns(where, shape[1])
        return [Column(f"x{i}", kind) for i in range(shape[1])]
    raise ShapeError(
        f"{where}: array {features.name!r} must have shape (n, d) or hold images, (n, h, w) or "
        f"(n, h, w, c), but its shape is {shape}"
    )


def _label_column(labels: _ArchiveMember, features: _ArchiveMember, where: str) -> Column:
    n = features.shape[0]
    if labels.shape not in ((n,), (n, 1)):
        raise ShapeError(
            f"{where}: array {labels.name!r} must hold a value for each of the {n} rows of "
            f"{features.name!r}, shape ({n},), but its shape is {labels.shape}"
        )
    return Column(labels.name, _kind(labels))


def _kind(member: _ArchiveMember) -> str:
    return kind_of(column_values(np.empty(0, dtype=member.dtype), member.name, "npz"))


def _rows(
    archive: zipfile.ZipFile, member: _ArchiveMember, rows: int, stack: ExitStack
) -> Iterator[Array]:
    """Yield the array in chunks of ``rows`` rows."""
    file = stack.enter_context(archive.open(f"{member.name}.npy"))
    if member.fortran:  # column-major order: the values of a row are not contiguous
        array = np.lib.format.read_array(file, allow_pickle=False)
        return (array[start : start + rows] for start in range(0, len(array), rows))
    _HEADERS[np.lib.format.read_magic(file)](file)
    return _blocks(file, member, rows)


def _blocks(file: IO[bytes], member: _ArchiveMember, rows: int) -> Iterator[Array]:
    row_bytes = math.prod(member.shape[1:]) * member.dtype.itemsize
    for start in range(0, member.shape[0], rows):
        count = min(rows, member.shape[0] - start)
        data = file.read(count * row_bytes)
        if len(data) < count * row_bytes:
            raise EOFError(f"array {member.name!r} ends before its last row")
        yield np.frombuffer(data, dtype=member.dtype).reshape(count, *member.shape[1:])
