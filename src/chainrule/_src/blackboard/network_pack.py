"""Networks of pages without Python: kernels, initial weights, and the texts that a page shows.

Training in such a page is `run.ReversibleRun` again, in TypeScript (``blackboard-web/src/course``).
All numbers come from kernels, which are recorded from the functions that a server calls.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from chainrule._src.base.arrays import Array
from chainrule._src.blackboard import views
from chainrule._src.blackboard.anatomy import anatomy_of
from chainrule._src.blackboard.mistakes import diagnosis, mistaken, mistakes
from chainrule._src.blackboard.program import compact
from chainrule._src.blackboard.steps import StepLibrary
from chainrule._src.blackboard.subject import Subject
from chainrule._src.export.web.content import tensor_file
from chainrule._src.export.web.kernels import (
    WebKernel,
    function_for_web,
    keyed,
    step_for_web,
)

TYPICAL = 32  # batch size
NOT_OF_NETWORK = ("data", "settings", "scenes")  # parts of a setup that lessons and data have


@dataclass
class Pack:
    """A document and arrays, which become one file of a page.

    Attributes
    ----------
    name : str
    document : dict
        Plain values.
    arrays : dict of str to ndarray
    """

    name: str
    document: dict[str, Any] = field(default_factory=dict)
    arrays: dict[str, Array] = field(default_factory=dict)

    def add(self, name: str, kernel: WebKernel) -> None:
        """Add a kernel."""
        self.document.setdefault("kernels", {})[name] = kernel.form
        self.arrays |= {f"constant/{name}/{key}": each for key, each in kernel.constants.items()}
        self.arrays[f"code/{name}"] = np.frombuffer(kernel.code, np.uint8)

    def file(self) -> bytes:
        """Return the pack as a file in the safetensors format."""
        return tensor_file(self.arrays, {"document": compact(self.document)})


def network_pack(
    name: str, subjects: Mapping[str, Subject], library: StepLibrary, text: Subject | None = None
) -> Pack:
    """Return the pack of a network.

    Parameters
    ----------
    name : str
        Name of the pack.
    subjects : mapping of str to Subject
        The network with each of its optimizers, by their names.
    library : StepLibrary
        Takes the code of the microscope.
    text : Subject, optional
        The subject whose texts the page shows, if it is another one.
    """
    subject = next(iter(subjects.values()))
    text = subject if text is None else text
    pack = Pack(name)
    anatomy = library.without_script(anatomy_of(text))
    setup, _ = views.setup(text, anatomy=anatomy, mistakes=mistakes(text))
    of_network = {key: each for key, each in setup.items() if key not in NOT_OF_NETWORK}
    pack.document = {"setup": of_network, "probed": views.probed(subject)}
    for rule, each in subjects.items():
        _add_steps(pack, each, rule)
        carry = each.carry()
        pack.arrays |= {
            f"start/{rule}/{key}": leaf
            for key, leaf in keyed(carry).items()
            if not key.startswith("params/")
        }
    _add_views(pack, subject)
    return pack


def mistakes_pack(name: str, subject: Subject) -> Pack:
    """Return the pack of a network's mistakes: the kernels of their gradients, and diagnoses."""
    pack = Pack(name, {"diagnoses": {}, "kernels": {}})
    for each in mistakes(subject):
        key = each["name"]
        wrong = mistaken(subject, key)
        pack.document["diagnoses"][key] = diagnosis(wrong)
        if wrong.gradients is not None:
            pack.add(f"train/{key}", _step(wrong, TYPICAL))
            pack.add(f"gradient/{key}", _gradient(wrong))
    return pack


def data_pack(name: str, subject: Subject) -> Pack:
    """Return the pack of a subject's data, with the data's part of the page's setup."""
    header, arrays = views.setup(subject)
    data = subject.data
    samples = {"X": data.X, "y": data.y, "X_held": data.X_held, "y_held": data.y_held}
    arrays |= {key: _short(array) for key, array in samples.items()}
    return Pack(name, {"data": header["data"], "shown": views.SHOWN}, arrays)


def _short(array: Array) -> Array:
    """Return float32 if that is exact."""
    short = array.astype(np.float32)
    return short if array.dtype.kind == "f" and np.array_equal(short, array) else array


def _add_steps(pack: Pack, subject: Subject, rule: str) -> None:
    pack.add(f"train/{rule}", _step(subject, TYPICAL))
    pack.add(f"single/{rule}", _step(subject, 1))


def _step(subject: Subject, size: int) -> WebKernel:
    data = subject.data.X, subject.data.y
    return step_for_web(
        subject.step(), subject.loss, subject.carry(), data, size, subject.title, large=math.inf
    )


def _gradient(subject: Subject) -> WebKernel:
    def gradient(carry: Any, X: Any, y: Any) -> Any:
        return {"gradient": subject.gradient(carry, X, y), **_accuracy(subject, carry, X, y)}

    return _function(gradient, subject, ("X", "y"), slice(TYPICAL))


def _accuracy(subject: Subject, carry: Any, X: Any, y: Any) -> dict[str, Any]:
    if subject.forward is None or subject.data.classes is None:
        return {}
    return {"accuracy": _scores(subject, carry, X, y)["accuracy"]}


def _scores(subject: Subject, carry: Any, X: Any, y: Any) -> dict[str, Any]:
    assert subject.forward is not None
    outputs = subject.forward(carry["params"], X, *(carry[part] for part in subject.parts))
    return views.score_values(subject, outputs, y)


def _add_views(pack: Pack, subject: Subject) -> None:
    def scores(carry: Any, X: Any, y: Any) -> Any:
        return _scores(subject, carry, X, y)

    def slopes(carry: Any, X: Any) -> Any:
        return views.flat_units(subject, carry["params"], X)

    pack.add("gradient", _gradient(subject))
    pack.add("scores", _function(scores, subject, ("X", "y"), slice(TYPICAL)))
    if subject.slopes is not None:
        pack.add("slopes", _function(slopes, subject, ("X",), slice(TYPICAL)))


def _function(f: Any, subject: Subject, data: Sequence[str], rows: slice) -> WebKernel:
    samples = {"X": subject.data.X[rows], "y": subject.data.y[rows]}
    arguments = {"carry": subject.carry(), **{name: samples[name] for name in data}}
    return function_for_web(f, arguments, subject.title, data, large=math.inf)
