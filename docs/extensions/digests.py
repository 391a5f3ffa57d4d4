"""Parts of the site that are made from code are made again only when the code has changed."""

import hashlib
from collections.abc import Callable, Iterable
from functools import cache
from pathlib import Path

from sphinx.environment import BuildEnvironment

import chainrule

HERE = Path(__file__).parent


@cache
def library() -> tuple[Path, ...]:
    """Return the files of the library and of these extensions."""
    code = Path(chainrule.__file__).parent
    return tuple(
        sorted(
            [
                *code.rglob("*.py"),
                *code.rglob("export/web/**/*.js"),
                *HERE.glob("*.py"),
                *HERE.glob("*.toml"),
            ]
        )
    )


def made(folder: Path, make: Callable[[Path], None], others: Iterable[Path] = ()) -> None:
    """Call `make(folder)` unless it was called before for the same content of all files."""
    stamp = folder / ".digest"
    digest = _digest((*library(), *others))
    if stamp.exists() and stamp.read_text(encoding="utf-8") == digest:
        return
    folder.mkdir(parents=True, exist_ok=True)
    make(folder)
    stamp.write_text(digest, encoding="utf-8")


def depends_on_code(env: BuildEnvironment) -> None:
    """Have Sphinx read the present page again when the library or an extension has changed."""
    for path in library():
        env.note_dependency(str(path))


def _digest(paths: Iterable[Path]) -> str:
    digest = hashlib.sha256()
    for path in paths:
        digest.update(path.read_bytes())
    return digest.hexdigest()


def write_changed(path: Path, text: str) -> None:
    """Write a file if its content differs: Sphinx reads again what is newer."""
    if not path.exists() or path.read_text(encoding="utf-8") != text:
        path.write_text(text, encoding="utf-8")
