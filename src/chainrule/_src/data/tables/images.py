"""Tables from folders of images: folder/class/image.png."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from chainrule._src.base.arrays import Array
from chainrule._src.base.errors import DataError, FileError
from chainrule._src.base.extras import needs
from chainrule._src.data.preprocessing.values import Column
from chainrule._src.data.storage.files import check_readable
from chainrule._src.data.tables.table import Table

SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp")
GREY = ("1", "L", "LA", "I", "I;16", "I;16B")


class ImageTable(Table):
    """Images in one folder per class, or all in one folder, then without a target.

    All images are grey, or all RGB if one is in colour, as float32 from 0 to 1. All are resized to
    the most frequent size.

    Parameters
    ----------
    folder : Path
    like : iterable of Column, optional
        Columns of training; the shape of an image column among them is used.

    Raises
    ------
    DataError
        If the folder holds no images.
    FileError
        If an image cannot be read.
    """

    def __init__(self, folder: Path, like: Iterable[Column] = ()) -> None:
        self._files, self._classes = _listed(folder)
        if not self._files:
            raise DataError(
                f"{folder} holds no images; expected a folder for each class in it, with files of "
                f"{', '.join(SUFFIXES)}"
            )
        kinds = Counter(_size_and_colour(path) for path in self._files)
        sizes: Counter[tuple[int, int]] = Counter()
        for (size, _), count in kinds.items():
            sizes[size] += count
        size = max(sizes, key=lambda each: (sizes[each], each))
        shape: tuple[int, ...] = (*size, 3) if any(colour for _, colour in kinds) else size
        shape = next((c.shape for c in like if c.kind == "image" and c.name == "image"), shape)
        self._shape = shape
        others = len(self._files) - sizes[shape[0], shape[1]]
        size_text = f"{shape[0]} × {shape[1]}"
        notes = [f"{others:,} images of another size are resized to {size_text}"] if others else []
        columns = [Column("image", "image", shape)]
        if self._classes:
            columns.append(Column("class", "category"))
        target = "class" if self._classes else None
        super().__init__(str(folder), columns, len(self._files), target=target, notes=notes)

    def _read(self, rows: int, names: list[str]) -> Iterator[dict[str, Array]]:
        for start in range(0, len(self._files), rows):
            chunk: dict[str, Array] = {}
            if "image" in names:
                files = self._files[start : start + rows]
                chunk["image"] = np.stack([_pixels(path, self._shape) for path in files])
            if "class" in names:
                chunk["class"] = np.array(self._classes[start : start + rows], dtype=object)
            yield {name: chunk[name] for name in names}


def _listed(folder: Path) -> tuple[list[Path], list[str]]:
    """Return the image files in order, and their classes; none if they lie in ``folder`` itself."""
    try:
        inside = sorted(path for path in folder.iterdir() if not path.name.startswith("."))
        by_class = {path.name: _images(path) for path in inside if path.is_dir()}
        if any(by_class.values()):
            pairs = [(file, name) for name, files in by_class.items() for file in files]
            return [file for file, _ in pairs], [name for _, name in pairs]
        return _images(folder), []
    except OSError as error:
        raise FileError(f"{folder} cannot be read: {error.strerror or error}") from error


def _images(folder: Path) -> list[Path]:
    return sorted(path for path in folder.iterdir() if path.suffix.lower() in SUFFIXES)


def _size_and_colour(path: Path) -> tuple[tuple[int, int], bool]:
    with _Opened(path) as image:
        return (image.height, image.width), image.mode not in GREY


def _pixels(path: Path, shape: tuple[int, ...]) -> Array:
    """Read an image, resized to this shape, with values from 0 to 1."""
    with _Opened(path) as image:
        if image.mode.startswith("I"):  # 16 bits of grey
            image = image.point(lambda value: value / 257).convert("L")
        image = image.convert("RGB" if len(shape) == 3 else "L")
        if (image.height, image.width) != shape[:2]:
            image = image.resize((shape[1], shape[0]))
        return np.asarray(image, dtype=np.float32) / np.float32(255)


class _Opened:
    """Context manager: an open image file; errors in it name the file."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __enter__(self) -> Any:
        with needs("reading a folder of images", "tables", "PIL"):
            from PIL import Image

        check_readable(self._path)
        try:
            self._image = Image.open(self._path)
            return self._image
        except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
            raise self._refusal(error) from error

    def __exit__(self, kind: Any, error: BaseException | None, trace: Any) -> None:
        self._image.close()
        if isinstance(error, OSError | SyntaxError | ValueError):
            raise self._refusal(error) from error

    def _refusal(self, error: BaseException) -> FileError:
        return FileError(f"{self._path} cannot be read as an image: {error}")
