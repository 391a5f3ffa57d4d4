"""What a store is of: the conditions of its sweep, and which candidates it has."""

from __future__ import annotations

import ast
import hashlib
import inspect
import textwrap
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from chainrule.errors import DataError, FileError, OptionError
from chainrule.network.conditions import differences, digest, told
from chainrule.storage import write_new
from chainrule.storage.document import from_json, to_json
from chainrule.storage.files import check_readable
from chainrule.sweeps.space import SEARCHES, Space
from chainrule.validation import Array

USUAL = 100  # candidates
FORMAT = 1


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


def fingerprint(build: Callable[..., Any]) -> str:
    """Return what tells functions apart: name, code without comments, and what they hold."""
    if isinstance(build, partial):
        held = "".join(f", {_held(each)}" for each in (*build.args, build.keywords))
        return f"{fingerprint(build.func)}{held}"
    owner = getattr(build, "__self__", None)
    if owner is not None or not hasattr(build, "__code__"):
        function = getattr(build, "__func__", type(build).__call__)
        return f"{fingerprint(function)}, {_held(build if owner is None else owner)}"
    name = getattr(build, "__qualname__", type(build).__qualname__)
    try:
        tree = ast.parse(textwrap.dedent(inspect.getsource(build)))
        code = ast.dump(tree)
    except (OSError, TypeError, SyntaxError, ValueError):
        found = getattr(build, "__code__", None)
        code = "" if found is None else f"{found.co_code!r} {found.co_names} {found.co_varnames}"
    return f"{name} with digest {hashlib.blake2b(code.encode(), digest_size=8).hexdigest()}"


def _held(thing: Any) -> str:
    """Return what tells apart the values that a function comes with."""
    if isinstance(thing, np.ndarray):
        return digest(thing)
    if hasattr(thing, "get_params"):
        return f"{type(thing).__qualname__}: {_held(thing.get_params(deep=False))}"
    if isinstance(thing, dict):
        return "; ".join(f"{name}={_held(value)}" for name, value in thing.items())
    if isinstance(thing, list | tuple):
        return ", ".join(map(_held, thing))
    if hasattr(thing, "__code__"):
        return fingerprint(thing)
    if hasattr(thing, "__dict__"):
        return f"{type(thing).__qualname__}: {_held(vars(thing))}"
    return str(told(thing))


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
    except OSError as error:
        raise FileError(f"cannot write {folder}: {error.strerror or error}") from error
    _check_conditions(folder / "sweep.json", conditions)
    while True:
        parts = _parts(folder)
        wanted = new_part(parts, space, search, models, folder)
        if wanted is None:
            return parts
        path = folder / f"members-{len(parts)}.json"
        if write_new(path, to_json(asdict(wanted)) + "\n"):
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
        differing = "; ".join(differences(parts[-1].space, about))
        raise DataError(f"sweep: Optuna goes on in the same space alone; here {differing}")
    if search == "grid":
        count = space.combinations().shape[0]
        if models is not None and models != count:
            raise OptionError(
                "models",
                f"the grid has {count:,} combinations; leave models out, received {models}",
            )
    else:
        count = models or there or min(USUAL, space.size or USUAL)
    if space.size is not None and search in ("random", "quasi") and count > space.size:
        raise OptionError(
            "models", f"there are {space.size:,} different settings, fewer than {count:,} models; "
            "search='grid' tries each once. A range is cr.log(1e-4, 1e-1) or cr.uniform(0, 0.5); "
            "a list or tuple holds choices",
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
        else:
            drawn = narrow.draw(search, range(part.first, part.first + part.count), seed)
        placed = space.translated(narrow, drawn)
        if placed is None:
            differing = "; ".join(differences(part.space, space.described()))
            raise DataError(
                "sweep: the space may become wider, but must have all of what it was; here "
                f"{differing}"
            )
        if search == "grid":
            known = set(map(tuple, found.tolist()))
            placed = np.array([row for row in placed.tolist() if tuple(row) not in known])
            placed = placed.reshape(-1, len(space.dimensions))
        found = np.concatenate([found, placed])
    return found


def _check_conditions(path: Path, conditions: Mapping[str, Any]) -> None:
    here = {"format": FORMAT, **conditions}
    text = to_json(here) + "\n"
    if not path.exists() and write_new(path, text):
        return
    there = read_document(path)
    differing = list(differences(there, from_json(text)))
    if differing:
        raise DataError(
            f"sweep: {path.parent} holds another sweep; here {'; '.join(differing)}. Give the "
            "same, or another store"
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


def read_document(path: Path) -> dict[str, Any]:
    """Return a document that is a file of its own."""
    check_readable(path)
    try:
        return from_json(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise FileError(f"cannot read {path}: {error}") from error
