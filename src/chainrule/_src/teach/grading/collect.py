"""Submissions in a folder or zip, in the forms of Moodle, Canvas, GitHub Classroom, nbgrader.

Whatever is not taken is an entry without a file, whose note says why. Links are never followed:
they would hand in what somebody else wrote.
"""

from __future__ import annotations

import os
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from chainrule._src.base.errors import DataError, FileError
from chainrule._src.teach.grading.unpacking import STUDENTS_BYTES, STUDENTS_FILES, unpack
from chainrule._src.teach.loader import find, load, our_labs
from chainrule._src.teach.submission import ENDINGS

# Of tools and systems, never a student's own.
IGNORED = {"__pycache__", "node_modules", "__MACOSX", "Thumbs.db", "desktop.ini"}
BESIDE = {"solutions", "venv", "tests"}  # in a student's folder: handed out, or installed
LOOKED_AT = 20  # number of submissions that are searched to detect the lab
MOST_DEPTH = 12  # folders in one another
MOODLE = re.compile(r"(?P<name>.+?)_(?P<id>\d+)_assignsubmission_(?:file|onlinetext)_?(?P<file>.*)")
CANVAS = re.compile(r"(?P<name>[^_]+)_(?P<late>LATE_)?(?P<id>\d{2,})_\d{2,}_(?P<file>.+)")
ZIP = ".zip"


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
    id : str
        The number that Moodle or Canvas has put into the name, or "".
    late : bool
        True if Canvas has marked the file as late.
    """

    name: str
    path: Path | None
    note: str = ""
    id: str = ""
    late: bool = False

    @property
    def file(self) -> str:
        """The file's name, or ""."""
        return self.path.name if self.path else ""


def collect(folder: str | Path, lab: str = "", unpacked: str | Path | None = None) -> list[Entry]:
    """Return the submissions in a folder or zip, sorted by name.

    Parameters
    ----------
    folder : path
    lab : str, optional
        If a student has several files, the file with this name is graded.
    unpacked : path, optional
        An empty folder into which zips are unpacked; without it a zip is not taken.

    Raises
    ------
    FileError
        If there is no such folder.
    DataError
        If the folder contains no submissions.
    """
    folder, room = Path(folder), Path(unpacked) if unpacked else None
    entries = _entries(folder, lab, room)
    if not any(entry.path for entry in entries):
        reasons = "; ".join(f"{entry.name}: {entry.note}" for entry in entries[:3])
        raise DataError(
            f"{folder} has no submissions: put notebooks (.ipynb) or Python files (.py) there, "
            f"or a folder of them for each student{f' ({reasons})' if reasons else ''}"
        )
    return _with_distinct_names(sorted(entries, key=lambda entry: (entry.name, str(entry.path))))


def _entries(folder: Path, lab: str, unpacked: Path | None) -> list[Entry]:
    if folder.suffix.lower() == ZIP and folder.is_file() and unpacked:
        refused = unpack(folder, unpacked / "class")
        left_out = [Entry(name, None, reason) for name, reason in refused.items()]
        return [*_entries(unpacked / "class", lab, unpacked), *left_out]
    if not folder.is_dir():
        what = "a file: name the folder it is in" if folder.exists() else "not there"
        raise FileError(f"{folder} is {what}")
    inner = sorted(path for path in folder.iterdir() if not _is_ignored(path))
    if len(inner) == 1 and inner[0].is_dir() and not inner[0].is_symlink() and _holds(inner[0]):
        return _entries(inner[0], lab, unpacked)  # a zip often has one folder around all others
    prefix = _common_prefix([path.name for path in inner if (path / ".git").exists()])
    entries = [
        _of_folder(path, lab, path.name.removeprefix(prefix), unpacked)
        for path in inner
        if path.is_dir() and not path.is_symlink()
    ]
    by_student = defaultdict(list)
    for path in inner:
        if path.is_symlink() or not path.is_dir():
            by_student[_named(path)].append(path)
    return [*entries, *(_of_files(*pair, lab, unpacked) for pair in by_student.items())]


def _holds(folder: Path) -> bool:
    """Return true if a lone folder holds folders or several files: a class, not a student."""
    inner = [path for path in folder.iterdir() if not _is_ignored(path)]
    return any(path.is_dir() for path in inner) or len(inner) > 1


@dataclass(frozen=True)
class _NamedStudent:
    """The student whom a file's name means: a name, an id, whether it came late."""

    name: str
    id: str = ""
    late: bool = False


def _named(path: Path) -> _NamedStudent:
    """Read a file's name as Moodle's or Canvas's; else it is the student's name."""
    if match := MOODLE.fullmatch(path.name):
        return _NamedStudent(match["name"], match["id"])
    if match := CANVAS.fullmatch(path.name):
        return _NamedStudent(match["name"], match["id"], bool(match["late"]))
    if _reason(path):
        return _NamedStudent(path.name)
    return _NamedStudent(path.stem, path.suffix)


def _of_files(who: _NamedStudent, files: list[Path], lab: str, unpacked: Path | None) -> Entry:
    """Return the submission of a student whose files lie in the folder of the class."""
    number = who.id if who.id.isdigit() else ""
    if len(files) == 1 and files[0].suffix.lower() == ZIP and not _reason(files[0]):
        entry = _of_zip(files[0], lab, who.name, unpacked)
    else:
        entry = _best(who.name, files, lab, files[0].parent)
    return replace(entry, id=number, late=who.late)


def _of_zip(archive: Path, lab: str, name: str, unpacked: Path | None) -> Entry:
    if unpacked is None:
        return Entry(name, None, f"{archive.name} is a zip, which is not unpacked here")
    to = unpacked / f"student-{archive.stat().st_ino}-{abs(hash(str(archive)))}"
    try:
        refused = unpack(archive, to, STUDENTS_FILES, STUDENTS_BYTES) if not to.exists() else {}
    except FileError as error:
        return Entry(name, None, str(error))
    reasons = [f"{file}: {reason}" for file, reason in [*refused.items()][:3]]
    if not to.is_dir():
        return Entry(name, None, "; ".join(reasons) or f"{archive.name} is empty")
    entry = of_student(to, lab, name)
    return replace(entry, note="; ".join(filter(None, [entry.note, *reasons])))


def _of_folder(folder: Path, lab: str, name: str, unpacked: Path | None) -> Entry:
    match = MOODLE.fullmatch(name)
    entry = of_student(folder, lab, match["name"] if match else name, unpacked)
    return replace(entry, id=match["id"] if match else "")


def of_student(folder: Path, lab: str, name: str = "", unpacked: Path | None = None) -> Entry:
    """Return the submission in a student's folder; by default the folder's name is its name."""
    files = sorted(_files(folder))
    zips = [path for path in files if path.suffix.lower() == ZIP and not path.is_symlink()]
    if len(zips) == 1 and not any(_is_file(path) for path in files) and unpacked:
        return _of_zip(zips[0], lab, name or folder.name, unpacked)
    return _best(name or folder.name, files, lab, folder)


def _best(name: str, files: list[Path], lab: str, folder: Path) -> Entry:
    """Return the file that counts: that of the lab, a notebook, the newest."""
    usable = [path for path in files if _is_file(path)]
    others = [f"{path.relative_to(folder)}: {_reason(path)}" for path in files
              if not _is_file(path)]  # fmt: skip
    if not usable:
        nothing = "no notebook (.ipynb) and no Python file (.py) was handed in"
        return Entry(name, None, "; ".join([nothing, *others[:3]]) if others else nothing)
    best = max(usable, key=lambda path: (_is_lab(path, lab), _ending(path) == ".ipynb",
                                         _attempt(path), path.stat().st_mtime))  # fmt: skip
    left_out = [str(path.relative_to(folder)) for path in usable if path != best]
    note = [f"{best.name} counts, not {', '.join(left_out)}"] if left_out else []
    return Entry(name, best, "; ".join([*note, *(o for o in others if "link" in o)]))


def _is_lab(path: Path, lab: str) -> bool:
    """Return true for the lab's file, also where Canvas has put names before and numbers behind."""
    return bool(lab) and re.search(rf"(^|_){re.escape(lab)}(-\d+)?$", path.stem) is not None


def _attempt(path: Path) -> int:
    """Return the number that Canvas puts behind the name of a file that is handed in again."""
    match = re.search(r"-(\d+)$", path.stem)
    return int(match[1]) if match and CANVAS.fullmatch(path.name) else 0


def _files(folder: Path, depth: int = 0) -> Iterator[Path]:
    for path in folder.iterdir():
        if _is_ignored(path) or path.name in BESIDE:
            continue
        if path.is_dir() and not path.is_symlink():
            if depth < MOST_DEPTH:
                yield from _files(path, depth + 1)
        else:
            yield path


def _is_ignored(path: Path) -> bool:
    return path.name.startswith(".") or path.name in IGNORED


def _ending(path: Path) -> str:
    return path.suffix.lower()


def _is_file(path: Path) -> bool:
    return not _reason(path) and _ending(path) != ZIP


def _reason(path: Path) -> str:
    """Return why a path is no submission, or "" if it is one, or a zip."""
    if path.is_symlink():
        return "a link, which is not followed"
    if not path.is_file():
        return "no file"
    if _ending(path) not in (*ENDINGS, ZIP):
        return "neither a notebook (.ipynb) nor a Python file (.py)"
    return "" if os.access(path, os.R_OK) else "not readable"


def _common_prefix(names: list[str]) -> str:
    """Return the prefix of GitHub Classroom, which is the assignment and a hyphen."""
    first, last = min(names, default=""), max(names, default="")
    words = [a for a, b in zip(first.split("-")[:-1], last.split("-"), strict=False) if a == b]
    prefix = "".join(f"{word}-" for word in words)
    return prefix if len(names) > 1 and first.startswith(prefix) and last.startswith(prefix) else ""


def _with_distinct_names(entries: list[Entry]) -> list[Entry]:
    """Use file names or ids where entries share a name, for example ada.py and ada.ipynb."""
    counts = Counter(entry.name for entry in entries)
    distinct: dict[str, Entry] = {}
    for entry in entries:
        name = entry.name
        if counts[name] > 1 and entry.path and entry.path.stem == name:
            name = entry.path.name
        elif counts[name] > 1 and entry.id:
            name = f"{name} ({entry.id})"
        number = 2
        while name in distinct:
            name, number = f"{entry.name} ({number})", number + 1
        distinct[name] = replace(entry, name=name)
    return [*distinct.values()]


def find_lab(name: str | None, entries: Iterable[Entry]) -> str:
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
