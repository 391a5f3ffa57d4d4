"""What a store is of: the conditions of its sweep, and which candidates it has."""

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

USUAL = 100  # candidates
FORMAT = 2  # 1: builds were told by their code alone, finite spaces drawn with replacement


@dataclass(frozen=True)
class Part:
    """Candidates that were drawn from one space.

    Attributes
    ----------
    first, count : int
    space : dict
        As `Space.described` tells it.
    """

    first: int
    count: int
    space: dict[str, Any]


def agree(
    folder: Path, conditions: Mapping[str, Any], space: Space, search: str, models: int | None
) -> list[Part]:
    """Return which candidates there are, in a folder that is new or of the same sweep.

    More candidates than there were come from the space as it is now.

    Raises
    ------
    DataError
        If the folder is of another sweep; the message says what differs.
    FileError
        If it cannot be read or written.
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
        wanted = new_part(parts, space, search, models, folder)
        if wanted is None:
            return parts
        path = folder / f"members-{len(parts)}.json"
        if write_document(path, asdict(wanted)):
            return [*parts, wanted]


def new_part(
    parts: list[Part], space: Space, search: str, models: int | None, folder: Any = None
) -> Part | None:
    """Return the candidates that are to come, or None if all are there.

    Raises
    ------
    DataError, OptionError
        If the space is narrower than it was, or there are fewer candidates than there were.
    """
    there = sum(part.count for part in parts)
    about = space.described()
    places_of(parts, space, search, 0, check=True)
    if search not in SEARCHES and parts and about != parts[-1].space:
        differing = "; ".join(differences(spelled(parts[-1].space), spelled(about)))
        raise DataError(f"sweep: Optuna goes on in the same space alone; here {differing}")
    if search == "grid":
        grid = space.combinations()
        if models is not None and models != len(grid):
            raise OptionError(
                "models",
                f"the grid has {len(grid):,} combinations; leave models out, received {models}",
            )
        count = there + len(new_rows(grid, places_of(parts, space, search, 0)))
    else:
        count = models or there or min(USUAL, space.size or USUAL)
    if space.size is not None and search in ("random", "quasi") and count > space.size:
        raise OptionError(
            "models", f"there are {space.size:,} different settings, fewer than {count:,} models; "
            "leave models out, and each is tried once. A range is cr.log(1e-4, 1e-1) or "
            "cr.uniform(0, 0.5); a list or tuple holds choices",
        )  # fmt: skip
    if count < there:
        raise OptionError(
            "models", f"{folder} has {there:,} already, received {count:,}; leave it out"
        )
    if count == there:
        if parts and about != parts[-1].space and search != "grid":
            raise OptionError(
                "models",
                f"{folder} has {there:,} already, drawn from a narrower space; models={2 * there} "
                "draws as many from this one",
            )
        return None
    return Part(there, count - there, about)


def places_of(
    parts: list[Part], space: Space, search: str, seed: int, check: bool = False
) -> Array:
    """Return where each candidate is in a space that has room for all of them.

    Raises
    ------
    DataError
        If it has not.
    """
    found = np.empty((0, len(space.dimensions)))
    for part in parts:
        narrow = Space.from_described(part.space)
        if check:
            drawn = np.empty((0, len(narrow.dimensions)))
        elif search == "grid":
            drawn = narrow.combinations()
        else:  # of what can be counted, all that came before may be among the first
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
            placed = new_rows(placed, found)[: part.count]
        found = np.concatenate([found, placed])
    return found


def _check_conditions(path: Path, conditions: Mapping[str, Any]) -> None:
    if not path.exists() and write_document(path, {"format": FORMAT, **conditions}):
        return
    check_same(read_document(path), conditions, f"{path.parent} holds another sweep", "store")


def check_same(there: Mapping[str, Any], here: Mapping[str, Any], where: str, what: str) -> None:
    """Refuse to go on from a sweep under other conditions.

    Raises
    ------
    DataError
        Saying what differs.
    FileError
        If another version wrote it.
    """
    if there.get("format") != FORMAT:
        raise FileError(
            f"sweep: {where}, of another version of chainrule, which notes other things of a sweep "
            f"and draws other settings; give another {what}"
        )
    differing = list(differences(there, from_json(to_json({"format": FORMAT, **here}))))
    if differing:
        raise DataError(
            f"sweep: {where}; here {'; '.join(differing)}. Give the same, or another {what}"
        )


def _parts(folder: Path) -> list[Part]:
    found: list[Part] = []
    while (path := folder / f"members-{len(found)}.json").exists():
        part = read_document(path)
        try:
            found.append(Part(int(part["first"]), int(part["count"]), dict(part["space"])))
            Space.from_described(part["space"])
        except (LookupError, TypeError, ValueError) as error:
            raise FileError(f"cannot read {path}: it is damaged: {error}") from error
    return found


def write_document(path: Path, document: Mapping[str, Any]) -> bool:
    """Write a document with its checksum, unless there is one; whether there was none."""
    return write_new(path, to_json({**document, "crc": _crc(document)}) + "\n")


def read_document(path: Path) -> dict[str, Any]:
    """Return a document that is a file of its own.

    Raises
    ------
    FileError
        If it cannot be read, or is damaged.
    """
    check_readable(path)
    try:
        found = from_json(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise FileError(f"cannot read {path}: {error}") from error
    crc = found.pop("crc", None)
    if crc is None and found.get("format", FORMAT) != FORMAT:  # earlier versions wrote none
        return found
    if crc != _crc(found):
        raise FileError(
            f"cannot read {path}: it is damaged, its checksum is wrong; give another store"
        )
    return found


def _crc(document: Mapping[str, Any]) -> int:
    return zlib.crc32(to_json(document).encode(errors="backslashreplace"))
