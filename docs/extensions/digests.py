"""Parts of the site that are made from code are made again only when that code has changed.

A folder holds the digests of the files that its content was made from.
"""

from __future__ import annotations

import hashlib
import json
import marshal
import sys
import typing
from collections.abc import Callable, Iterable
from functools import cache
from pathlib import Path
from types import CodeType

import chainrule

if typing.TYPE_CHECKING:
    from sphinx.environment import BuildEnvironment

HERE = Path(__file__).parent
CODE = Path(chainrule.__file__).parent
STAMP = ".sources.json"
CODE_STAMP = HERE.parent / "live" / "build" / "code.json"


@cache
def library() -> tuple[Path, ...]:
    """Return the files of the library and of these extensions."""
    ours = [*HERE.glob("*.py"), *HERE.glob("*.toml")]
    return tuple(sorted([*CODE.rglob("*.py"), *scripts(), *ours]))


def scripts() -> list[Path]:
    """Return the files that the library writes into web pages."""
    return sorted(CODE.rglob("export/web/**/*.js"))


def imported() -> list[Path]:
    """Return the files of the library and of these extensions that this process has imported."""
    names = {getattr(module, "__file__", None) for module in list(sys.modules.values())}
    files = map(Path, filter(None, names))
    return [path for path in files if path.is_relative_to(CODE) or path.is_relative_to(HERE)]


def made(folder: Path, make: Callable[[Path], None], others: Iterable[Path] = ()) -> None:
    """Call `make(folder)` unless it was called before for the same content of all files."""
    present = _digests([*library(), *others], Path.read_bytes)
    if _noted(folder) != present:
        folder.mkdir(parents=True, exist_ok=True)
        make(folder)
        _note(folder, present)


def is_made(folder: Path) -> bool:
    """Return true if the code of the files that `note_code` wrote down is the same now."""
    noted = _noted(folder)
    return noted is not None and noted == _digests(map(Path, noted), code)


def note_code(folder: Path, files: Iterable[Path]) -> None:
    """Write down the code that the content of a folder was made from."""
    _note(folder, _digests(files, code))


@cache
def code(path: Path) -> bytes:
    """Return the content of a file; of Python, what runs: no comments, no text of docstrings."""
    content = path.read_bytes()
    if path.suffix != ".py":
        return content
    compiled = compile(content, "", "exec", dont_inherit=True, optimize=2)
    return marshal.dumps(_without_lines(compiled), 2)  # version 2: the same bytes for equal code


def _without_lines(compiled: CodeType) -> CodeType:
    constants = tuple(
        _without_lines(each) if isinstance(each, CodeType) else each for each in compiled.co_consts
    )
    return compiled.replace(co_consts=constants, co_firstlineno=1, co_linetable=b"")


def depends_on_code(env: BuildEnvironment) -> None:
    """Have Sphinx read the present page again when the code of the library or of these changes."""
    env.note_dependency(str(CODE_STAMP))


@cache
def stamp_code(*_: object) -> None:
    """Write down the code, before Sphinx asks which pages are older than what they depend on."""
    CODE_STAMP.parent.mkdir(parents=True, exist_ok=True)
    write_changed(CODE_STAMP, json.dumps(_digests(library(), code), indent=0))


def _digests(files: Iterable[Path], part: Callable[[Path], bytes]) -> dict[str, str]:
    return {
        str(path): hashlib.sha256(part(path)).hexdigest() if path.exists() else ""
        for path in sorted(files)
    }


def _noted(folder: Path) -> dict[str, str] | None:
    stamp = folder / STAMP
    return json.loads(stamp.read_text(encoding="utf-8")) if stamp.exists() else None


def _note(folder: Path, digests: dict[str, str]) -> None:
    (folder / STAMP).write_text(json.dumps(digests, indent=0), encoding="utf-8")


def write_changed(path: Path, text: str) -> None:
    """Write a file if its content differs: Sphinx reads again what is newer."""
    if not path.exists() or path.read_text(encoding="utf-8") != text:
        path.write_text(text, encoding="utf-8")
