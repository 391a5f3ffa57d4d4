"""The content of pages without Python, in which WebAssembly trains: lessons and their packs."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from chainrule._src.base.arrays import Array
from chainrule._src.base.pages import packed
from chainrule._src.blackboard import tables, views
from chainrule._src.blackboard.network_pack import (
    Pack,
    data_pack,
    mistakes_pack,
    network_pack,
)
from chainrule._src.blackboard.notices import RULES
from chainrule._src.blackboard.scenes import scenes, scenes_of
from chainrule._src.blackboard.steps import StepLibrary
from chainrule._src.blackboard.subject import Subject

Tell = Callable[[str], Any]
DRAWN = ("uniform", "glorot_uniform", "zeros")
"""The initial weights that a page draws itself; others are in its file."""


@dataclass(frozen=True)
class Lesson:
    """A network on data, with which a page without Python begins.

    Attributes
    ----------
    name, title : str
    subject : Subject
    layers : sequence of list of int
        The hidden layers that a restart may choose, for the lab's networks.
    activations : sequence of str
        The activations that a restart may choose.
    broken : sequence of str
        The networks that can have mistakes, by their layers and activation: ``"10-10 tanh"``; one
        without hidden layers is ``""``.
    optimizers : sequence of str
        The optimizers that a restart may choose, for the lab's networks.
    seeds : int
        The number of seeds whose initial weights are in the file, where the page draws none.
    shuffles : bool
        If false, every epoch takes the samples in the order of the data.
    start : dict of str to ndarray, optional
        Initial weights that are not drawn, for the subject's settings.
    fits : bool
        If true, its networks take a table of any size, up to the largest; see `tables`.
    """

    name: str
    title: str
    subject: Subject
    layers: Sequence[Sequence[int]] = ()
    activations: Sequence[str] = ()
    broken: Sequence[str] = ()
    optimizers: Sequence[str] = ("sgd", "adam")
    seeds: int = 3
    shuffles: bool = True
    start: Mapping[str, Array] | None = None
    fits: bool = False

    def networks(self) -> Iterator[dict[str, Any]]:
        """Yield the settings of each network that a restart may choose."""
        if not self.layers:
            yield {}
        for layers in self.layers:
            if layers:
                yield from ({"layers": [*layers], "activation": a} for a in self.activations)
            else:
                yield {"layers": []}


@dataclass
class Course:
    """The content of a page without Python.

    Attributes
    ----------
    index : dict
        Plain values: the lessons, with the names of their packs.
    packs : dict of str to Pack
    library : StepLibrary
        The code of the microscope.
    """

    index: dict[str, Any]
    packs: dict[str, Pack] = field(default_factory=dict)
    library: StepLibrary = field(default_factory=StepLibrary)

    @classmethod
    def of(
        cls,
        lessons: Sequence[Lesson],
        tell: Tell = lambda text: None,
        table_lessons: Mapping[str, Lesson] | None = None,
    ) -> Course:
        """Return the course of some lessons.

        Parameters
        ----------
        lessons : sequence of Lesson
        tell : callable
            ``tell(text)`` is called with each network that is compiled.
        table_lessons : dict of str to Lesson, optional
            Lessons for tables that a reader brings, by the task of their target: ``"classes"``
            or ``"quantity"``.
        """
        course = cls({"notices": RULES, "scenes": scenes(), "lessons": []})
        for lesson in lessons:
            course.index["lessons"].append(course._entry(lesson, tell))
        if table_lessons:
            entries = {task: course._entry(lesson, tell) for task, lesson in table_lessons.items()}
            features, classes = tables.LARGEST
            course.index["own"] = {"features": features, "classes": classes, "lessons": entries}
        return course

    @property
    def first(self) -> tuple[str, str]:
        """The packs that a page begins with: the data and the network of the first lesson."""
        lesson = self.index["lessons"][0]
        values = lesson["settings"]["values"]
        return lesson["data"], lesson["networks"][network_key(values)]["pack"]

    def _entry(self, lesson: Lesson, tell: Tell) -> dict[str, Any]:
        subject, name = lesson.subject, lesson.subject.data.name
        if name and name not in self.packs:
            self.packs[name] = data_pack(name, subject)
        networks = {
            network_key(chosen): self._network(lesson, chosen, tell) for chosen in lesson.networks()
        }
        header, _ = views.setup(subject)
        settings = header["settings"]
        choices = {
            "activation": lesson.activations, "init": DRAWN, "optimizer": lesson.optimizers,
            "layers": [list(each) for each in lesson.layers],
        }  # fmt: skip
        settings["choices"] = choices if lesson.layers else {}
        return {
            "name": lesson.name, "title": lesson.title, "kind": subject.kind, "data": name,
            "settings": settings, "scenes": bool(scenes_of(subject)), "networks": networks,
            "shuffles": lesson.shuffles,
        }  # fmt: skip

    def _network(
        self, lesson: Lesson, chosen: Mapping[str, Any], tell: Tell
    ) -> dict[str, str | None]:
        of_kernels = tables.of_largest(lesson.subject) if lesson.fits else lesson.subject
        make = partial(_made, of_kernels, chosen)
        plain = make(lesson.subject.settings["optimizer"])
        title = f"{plain.title} {chosen.get('activation', '')}".strip()
        task = "quantity" if plain.data.classes is None else "classes"
        name = f"{task if lesson.fits else plain.data.name}-{title}".replace(" ", "-")
        mistakes = f"{name}-mistakes" if network_key(chosen) in lesson.broken else None
        if name not in self.packs:
            tell(title)
            rules = lesson.optimizers if lesson.layers else (plain.settings["optimizer"],)
            text = tables.of_marked(plain) if lesson.fits else None
            pack = network_pack(name, {rule: make(rule) for rule in rules}, self.library, text)
            if lesson.fits:
                pack.document["sizes"] = tables.sizes(plain)
            _add_weights(pack, lesson, plain)
            self.packs[name] = pack
        if mistakes is not None and mistakes not in self.packs:
            tell(f"{title} with mistakes")
            self.packs[mistakes] = mistakes_pack(mistakes, make("sgd"))
        return {"pack": name, "mistakes": mistakes}

    def files(self) -> dict[str, str]:
        """Return the packs as text: deflated bytes in base64, by name."""
        return {name: packed(pack.file()) for name, pack in self.packs.items()}


def network_key(settings: Mapping[str, Any]) -> str:
    """Return the name of a network; without hidden layers the activation does not matter."""
    layers = settings.get("layers")
    return f"{'-'.join(map(str, layers))} {settings['activation']}" if layers else ""


def _made(subject: Subject, chosen: Mapping[str, Any], optimizer: str) -> Subject:
    assert subject.make is not None
    return subject.make({**subject.settings, **chosen, "optimizer": optimizer})


def _add_weights(pack: Pack, lesson: Lesson, subject: Subject) -> None:
    """Add how the initial weights are drawn, or the weights themselves."""
    pack.document["draws"] = dict(_draws(subject)) if lesson.layers else {}
    assert subject.make is not None
    init = subject.settings.get("init", "")
    seeds = range(0 if lesson.layers else lesson.seeds)
    for settings in [*({"seed": seed} for seed in seeds), *_of_scenes(subject)]:
        seeded = subject.make({**subject.settings, **settings})
        prefix = f"weights/{settings.get('init', init)}/{seeded.settings['seed']}"
        pack.arrays |= {f"{prefix}/{key}": array for key, array in seeded.params.items()}
    if lesson.start is not None:
        prefix = f"weights/{init}/{subject.settings['seed']}"
        pack.arrays |= {f"{prefix}/{key}": array for key, array in lesson.start.items()}


def _draws(subject: Subject) -> Iterator[tuple[str, list[tuple[str, float, float]]]]:
    """Yield initial weights that a page draws: for each parameter, in order, limit and scale.

    Its numbers are uniform up to the limit on both sides, times the scale; limit 0 is for zeros.
    """
    hidden, uniform = bool(subject.units), 0.01 if subject.units else 0.1
    for init in DRAWN:
        draws = []
        for name, p in subject.params.items():
            limit, scale = {"uniform": (uniform, 1.0), "zeros": (0.0, 1.0)}.get(init, (0.0, 1.0))
            if init == "glorot_uniform" and p.ndim > 1:
                limit, scale = math.sqrt(3), math.sqrt(1 / (sum(p.shape) / 2))
            if p.ndim == 1 and hidden:
                limit = 0.0
            draws.append((name, limit, scale))
        yield init, draws


def _of_scenes(subject: Subject) -> Iterator[dict[str, Any]]:
    """Yield initial weights that scenes ask for and that a page does not draw."""
    for scene in scenes_of(subject):
        for step in scene["steps"]:
            for turn in step.get("do", ()):
                settings = turn.get("settings", {})
                same = all(settings.get(k) == subject.settings[k] for k in ("layers", "activation"))
                if settings and same and settings["init"] not in DRAWN:
                    yield {"init": settings["init"], "seed": settings["seed"]}
