"""Header of a store: the conditions of its sweep, and its candidates."""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from chainrule._src.base.arrays import Array
from chainrule._src.base.errors import DataError, FileError, OptionError
from chainrule._src.data.storage import write_new
from chainrule._src.data.storage.document import from_json, to_json
from chainrule._src.data.storage.files import check_readable
from chainrule._src.nn.network.conditions import differences
from chainrule._src.sweeps.dimensions import spelled
from chainrule._src.sweeps.space import SEARCHES, Space, new_rows

USUAL = 100  # default number of candidates
MOST, LONG = 3, 200  # differences of a sweep that an error names; long texts come last
FORMAT = 2  # 1: fingerprints of builds had only the code, finite spaces were drawn with replacement


@dataclass(frozen=True)
class CandidateRange:
    """A range of candidates that were drawn from one space.

    Attributes
    ----------
    first, count : int
    space : dict
        Description by `Space.described`.
    """

    first: int
    count: int
    space: dict[str, Any]


def agree(
    folder: Path, conditions: Mapping[str, Any], space: Space, search: str, models: int | None
) -> list[CandidateRange]:
    """Return the candidates of a folder, which must be new or of the same sweep.

    Additional candidates are drawn from the current space.

    Raises
    ------
    DataError
        If the folder belongs to another sweep; the message names the differences.
    FileError
        If the folder cannot be read or written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except FileExistsError as error:
        raise FileError(
            f"cannot write {folder}: a store is a folder, and there is a file of that name"
        ) from error
    except OSError as error:
        raise FileError(f"cannot write {folder}: {error.strerror or error}") from error
    _check_conditions(folder / "sweep.json", conditions)
    while True:
        parts = _parts(folder)
        part = new_part(parts, space, search, models, folder)
        if part is None:
            return parts
        path = folder / f"members-{len(parts)}.json"
        if write_document(path, asdict(part)):
            return [*parts, part]


def new_part(
    parts: list[CandidateRange], space: Space, search: str, models: int | None, folder: Any = None
) -> CandidateRange | None:
    """Return the additional candidates, or None if the store has all.

    Raises
    ------
    DataError, OptionError
        If the space is narrower than before, or there are fewer candidates than before.
    """
    total = sum(part.count for part in parts)
    about = space.described()
    places_of(parts, space, search, 0, check=True)
    if search not in SEARCHES and parts and about != parts[-1].space:
        differing = "; ".join(differences(spelled(parts[-1].space), spelled(about)))
        raise DataError(f"sweep: Optuna goes on in the same space alone; here {differing}")
    if search == "grid":
        count = total + len(new_rows(_grid(space, models), places_of(parts, space, search, 0)))
    else:
        count = models or total or min(USUAL, space.size or USUAL)
        _check_enough(space, search, count)
    if count < total:
        raise OptionError(
            "models", f"{folder} has {total:,} already, received {count:,}; leave it out"
        )
    if count == total:
        if parts and about != parts[-1].space and search != "grid":
            raise OptionError(
                "models",
                f"{folder} has {total:,} already, drawn from a narrower space; models={2 * total} "
                "draws as many from this one",
            )
        return None
    return CandidateRange(total, count - total, about)


def _grid(space: Space, models: int | None) -> Array:
    """Return the places of all combinations, whose number ``models`` must be, if set."""
    grid = space.combinations()
    if models is not None and models != len(grid):
        raise OptionError(
            "models",
            f"the grid has {len(grid):,} combinations; leave models out, received {models}",
        )
    return grid


def _check_enough(space: Space, search: str, count: int) -> None:
    """Raise an error if a finite space has fewer settings than ``count`` candidates."""
    if space.size is not None and search in ("random", "quasi") and count > space.size:
        raise OptionError(
            "models", f"there are {space.size:,} different settings, fewer than {count:,} models; "
            "leave models out, and each is tried once. A range is cr.sweeps.LogUniform(1e-4, 1e-1) "
            "or cr.sweeps.Uniform(0, 0.5); a list or tuple holds choices",
        )  # fmt: skip


def places_of(
    parts: list[CandidateRange], space: Space, search: str, seed: int, check: bool = False
) -> Array:
    """Return the places of all candidates in the current space.

    Raises
    ------
    DataError
        If the current space lacks values of an earlier one.
    """
    places = np.empty((0, len(space.dimensions)))
    for part in parts:
        narrow = Space.from_described(part.space)
        if check:
            drawn = np.empty((0, len(narrow.dimensions)))
        elif search == "grid":
            drawn = narrow.combinations()
        else:  # a finite space is drawn from the start, as draws may repeat earlier candidates
            first = 0 if narrow.size is not None else part.first
            drawn = narrow.draw(search, range(first, part.first + part.count), seed)
        placed = space.translated(narrow, drawn)
        if placed is None:
            differing = "; ".join(differences(spelled(part.space), spelled(space.described())))
            raise DataError(
                "sweep: the space may become wider, but must have all of what it was; here "
                f"{differing}"
            )
        if search == "grid" or narrow.size is not None:
            placed = new_rows(placed, places)[: part.count]
        places = np.concatenate([places, placed])
    return places


def _check_conditions(path: Path, conditions: Mapping[str, Any]) -> None:
    if not path.exists() and write_document(path, {"format": FORMAT, **conditions}):
        return
    check_same(read_document(path), conditions, f"{path.parent} holds another sweep", "store")


def check_same(
    stored: Mapping[str, Any], current: Mapping[str, Any], where: str, what: str
) -> None:
    """Refuse to resume a sweep that was stored under other conditions.

    Raises
    ------
    DataError
        If a condition differs; the message names the differences.
    FileError
        If another version of the format was stored.
    """
    if stored.get("format") != FORMAT:
        raise FileError(
            f"sweep: {where}, of another version of chainrule, which notes other things of a sweep "
            f"and draws other settings; give another {what}"
        )
    differing = list(differences(stored, from_json(to_json({"format": FORMAT, **current}))))
    if differing:
        more = f"; and {len(differing) - MOST} more" if len(differing) > MOST else ""
        listing = "; ".join(sorted(differing, key=lambda text: len(text) > LONG)[:MOST])
        raise DataError(f"sweep: {where}; here {listing}{more}. Give the same, or another {what}")


def _parts(folder: Path) -> list[CandidateRange]:
    parts: list[CandidateRange] = []
    while (path := folder / f"members-{len(parts)}.json").exists():
        part = read_document(path)
        try:
            parts.append(
                CandidateRange(int(part["first"]), int(part["count"]), dict(part["space"]))
            )
            Space.from_described(part["space"])
        except (LookupError, TypeError, ValueError) as error:
            raise FileError(f"cannot read {path}: it is damaged: {error}") from error
    return parts


def write_document(path: Path, document: Mapping[str, Any]) -> bool:
    """Create a document with its checksum, unless it exists; return true if it was created."""
    return write_new(path, to_json({**document, "crc": _crc(document)}) + "\n")


def read_document(path: Path) -> dict[str, Any]:
    """Read a document and check its checksum.

    Raises
    ------
    FileError
        If the file cannot be read, or is damaged.
    """
    check_readable(path)
    try:
        document = from_json(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise FileError(f"cannot read {path}: {error}") from error
    crc = document.pop("crc", None)
    if crc is None and document.get("format", FORMAT) != FORMAT:  # earlier versions wrote none
        return document
    if crc != _crc(document):
        raise FileError(
            f"cannot read {path}: it is damaged, its checksum is wrong; give another store"
        )
    return document


def _crc(document: Mapping[str, Any]) -> int:
    return zlib.crc32(to_json(document).encode(errors="backslashreplace"))
