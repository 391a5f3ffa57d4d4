"""Find the submissions in a folder: files, or a folder per student as in Moodle and nbgrader."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from chainrule._src.base.errors import DataError, FileError
from chainrule._src.teach.loader import find, load, our_labs
from chainrule._src.teach.submission import ENDINGS

SKIPPED = {"__pycache__", "solutions", "node_modules", "venv"}
LOOKED_AT = 20  # number of submissions that are searched to detect the lab
MOODLE = re.compile(r"_\d+_assignsubmission_file_?$")


@dataclass(frozen=True)
class Entry:
    """A submission on disk.

    Attributes
    ----------
    name : str
        The student's name, taken from the folder or the file.
    path : Path or None
        The file to grade, or None if there is none.
    note : str
        A remark for the grader, for example that there are several files, or none.
    """

    name: str
    path: Path | None
    note: str = ""

    @property
    def file(self) -> str:
        """The file's name, or ""."""
        return self.path.name if self.path else ""


def collect(folder: str | Path, lab: str = "") -> list[Entry]:
    """Return the submissions in a folder, sorted by name.

    Parameters
    ----------
    folder : path
    lab : str, optional
        If a student has several files, the file with this name is graded.

    Raises
    ------
    FileError
        If there is no such folder.
    DataError
        If the folder contains no submissions.
    """
    folder = Path(folder)
    if not folder.is_dir():
        what = "a file: name the folder it is in" if folder.exists() else "not there"
        raise FileError(f"{folder} is {what}")
    inner = sorted(path for path in folder.iterdir() if not _is_skipped(path))
    entries = [Entry(path.stem, path) for path in inner if _is_file(path)]
    entries += [of_student(path, lab) for path in inner if path.is_dir()]
    if not any(entry.path for entry in entries):
        raise DataError(
            f"{folder} has no submissions: put notebooks (.ipynb) or Python files (.py) there, "
            "or a folder of them for each student"
        )
    return _with_distinct_names(sorted(entries, key=lambda entry: (entry.name, str(entry.path))))


def _with_distinct_names(entries: list[Entry]) -> list[Entry]:
    """Use file names where entries share a name, for example ada.py and ada.ipynb."""
    counts = Counter(entry.name for entry in entries)
    return [
        Entry(entry.path.name, entry.path, entry.note)
        if counts[entry.name] > 1 and entry.path and entry.path.stem == entry.name
        else entry
        for entry in entries
    ]


def of_student(folder: Path, lab: str, name: str = "") -> Entry:
    """Return the submission in a student's folder; by default the folder's name is its name."""
    name = name or MOODLE.sub("", folder.name)
    files = sorted(_files(folder))
    if not files:
        return Entry(name, None, "no notebook (.ipynb) and no Python file (.py) was handed in")
    best = max(files, key=lambda path: (path.stem == lab, path.suffix == ".ipynb", _time(path)))
    others = [str(path.relative_to(folder)) for path in files if path != best]
    note = f"{best.name} counts, not {', '.join(others)}" if others else ""
    return Entry(name, best, note)


def _files(folder: Path) -> Iterator[Path]:
    for path in folder.iterdir():
        if _is_skipped(path):
            continue
        if _is_file(path):
            yield path
        elif path.is_dir() and not path.is_symlink():
            yield from _files(path)


def _is_skipped(path: Path) -> bool:
    return path.name.startswith(".") or path.name in SKIPPED


def _is_file(path: Path) -> bool:
    return path.suffix in ENDINGS and path.is_file()


def _time(path: Path) -> float:
    return path.stat().st_mtime


def find_lab(name: str | None, entries: list[Entry]) -> str:
    """Return the key of the lab that is named; if None, detect one of ours from the submissions.

    Raises
    ------
    DataError
        If there is no such lab, or the submissions define none of our labs' exercises.
    """
    if name is not None:
        labs = find(name)
        if len(labs) > 1:
            names = ", ".join(lab.name for lab in labs)
            raise DataError(f"{name} has several labs, name one of them: {names}")
        return labs[0].key
    votes: Counter[str] = Counter()
    for entry in [entry for entry in entries if entry.path][:LOOKED_AT]:
        votes.update(_votes(entry))
    if not votes:
        names = ", ".join(our_labs())
        raise DataError(f"the submissions define no lab's exercises; name one with --lab: {names}")
    return max(our_labs(), key=lambda lab: votes[lab])


def _votes(entry: Entry) -> Counter[str]:
    assert entry.path is not None
    labs = our_labs()
    if entry.path.stem in labs:
        return Counter({entry.path.stem: 100})
    try:
        text = entry.path.read_bytes()[: 2**20].decode(errors="replace")
    except OSError:
        return Counter()
    defined = set(re.findall(r"(?:def|class) (\w+)", text))
    return Counter({lab: len(defined & set(load(lab).source.exercises)) for lab in labs if defined})
