"""Pages without Python: a course in one HTML file, or in a folder."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from chainrule._src.base.errors import OptionError
from chainrule._src.base.escaping import Html
from chainrule._src.base.pages import page
from chainrule._src.blackboard import subjects
from chainrule._src.blackboard.course import Course, Lesson, Tell, network_key
from chainrule._src.blackboard.lessons import ACTIVATIONS, lessons, own_lessons
from chainrule._src.blackboard.opening import subject_of
from chainrule._src.blackboard.program import POLICY, compact, digest, program
from chainrule._src.blackboard.subject import IN_FLIGHT, Subject
from chainrule._src.data.storage.files import check_writable, write_text
from chainrule._src.teach.lab.hidden_layer import LEARNING_RATE, HiddenLayerResult

PACK = "blackboardPack("  # beginning of a pack's file
TEMPLATE = Path(__file__).with_name("templates") / "course.html"


def course_of(data: str, target: str | None, model: str, tell: Tell = print) -> Course:
    """Return the course of a data set and a model; for those by default, of all lessons.

    Parameters
    ----------
    data, target, model
        As for `opening.subject_of`.
    tell : callable
        ``tell(text)`` is called with each network that is compiled.

    Raises
    ------
    DataError, ExportError, FileError, OptionError, UnknownNameError
        If the data or the model cannot be read, or cannot train in a page.
    """
    if Path(model).suffix == ".py":
        raise OptionError("model", f"{model} is Python, which a page has not; leave --export out")
    if (data, target, model) == ("digits", None, "network"):
        return Course.of(lessons(), tell, own_lessons())
    return Course.of([lesson_of(subject_of(data, target, model))], tell)


def lesson_of(subject: Subject) -> Lesson:
    """Return the lesson of one subject; with the lab's networks, also of its mistakes."""
    if subject.kind != "lab":
        return Lesson("network", subject.title, subject)
    layers = subject.settings["layers"]
    broken = [network_key(subject.settings)]
    return Lesson("network", subject.title, subject, [layers], ACTIVATIONS, broken)


def lab_page(result: HiddenLayerResult) -> str:
    """Return a page that repeats the lab's training of its network, and can train it further."""
    settings = {"rate": LEARNING_RATE, "batch_size": 1}
    subject = subjects.network(subjects.digits(), settings)
    lesson = Lesson(
        "lab", "The lab's network", subject, [subject.settings["layers"]], ACTIVATIONS[:1],
        optimizers=("sgd",), shuffles=False, start=result.epochs[0],
    )  # fmt: skip
    run = {
        "lesson": "lab", "values": subject.settings, "mistake": None, "samples": [],
        "settings": [[0, {name: subject.settings[name] for name in IN_FLIGHT}]],
        "head": max(result.epochs) * len(subject.data.X), "update": 0,
    }  # fmt: skip
    return single_page(Course.of([lesson], lambda text: None), "The lab's network", run)


def write_course(course: Course, path: Path, *, single: bool) -> int:
    """Write a course into a folder or, if ``single``, into one HTML file; return its bytes."""
    files = {path: single_page(course)} if single else folder_of(course, path)
    for each in files:
        each.parent.mkdir(parents=True, exist_ok=True)
        check_writable(each)
    for each, text in files.items():
        write_text(each, text)
    if not single:
        _remove_old_packs(path, files)
    return sum(each.stat().st_size for each in files)


def _remove_old_packs(folder: Path, files: Mapping[Path, str]) -> None:
    """Remove the packs of an earlier course in this folder; other files stay."""
    for each in (folder / "packs").glob("*.js"):
        if each not in files and each.read_bytes().startswith(PACK.encode()):
            each.unlink()


def single_page(
    course: Course, title: str = "Blackboard", run: Mapping[str, Any] | None = None
) -> str:
    """Return a course as one HTML file; the page begins with ``run`` or at update 0."""
    script = program("course", course.library, course.index)
    policy = POLICY.format(script=f"'sha256-{digest(script)}'")
    begun = run and Html(compact(run).replace("<", "\\u003c"))
    return page(
        TEMPLATE, title=title, policy=policy, packs=course.files(), first=course.first,
        script=Html(script), run=begun,
    )  # fmt: skip


def folder_of(course: Course, folder: Path, title: str = "Blackboard") -> dict[Path, str]:
    """Return the files of a course in a folder: its program, a file for each pack, the page."""
    policy = POLICY.format(script="'self'")
    packs = {
        folder / "packs" / f"{name}.js": f'{PACK}"{name}", "{content}");\n'
        for name, content in course.files().items()
    }
    text = page(TEMPLATE, title=title, policy=policy, packs={}, first=(), script=None, run=None)
    return {
        **packs,
        folder / "blackboard.js": program("course", course.library, course.index),
        folder / "index.html": text,
    }
