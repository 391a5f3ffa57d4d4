"""Classic mistakes in a gradient written by hand, each made by the replacement of one line.

The gradient is written as text, in the style of the lab, for any number of layers. The diagnosis of
a mistake is not stored: the changed gradient is checked like any other, on a small network.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import count, pairwise
from typing import Any

import numpy as np

from chainrule._src.base.errors import DataError
from chainrule._src.blackboard.subject import Subject
from chainrule._src.check import GradientReport, check_gradients
from chainrule._src.check.code import written
from chainrule._src.nn.functions import ACTIVATIONS, nll, one_hot, softmax

FILE = "gradients.py"  # file name of the text in diagnoses
HEAD = "import numpy as np\n\nfrom chainrule.functions import {}\n"
ALIKE = "All weights begin at zero"
ZEROS = (
    "no line of the gradient is wrong, the start is: all units of {name} begin alike, so they get "
    "equal gradients, whatever the samples are, and stay alike: {name} is worth a single unit"
)


@dataclass(frozen=True)
class Outline:
    """The properties of a network that determine the text of its gradient.

    Attributes
    ----------
    names : tuple of str
        Names of the hidden layers.
    widths : tuple of int
        Numbers of units of the hidden layers.
    activation : str
    classes : int or None
        Number of classes; None for regression.
    """

    names: tuple[str, ...]
    widths: tuple[int, ...]
    activation: str
    classes: int | None

    @classmethod
    def of(cls, subject: Subject) -> Outline:
        """Return the outline of a network of `subjects.network`."""
        names, settings = tuple(unit.name for unit in subject.units), subject.settings
        classes = None if subject.data.classes is None else len(subject.data.classes)
        return cls(names, tuple(settings["layers"]), settings["activation"], classes)

    @property
    def layers(self) -> list[tuple[str, str, str, str]]:
        """For each layer, the names of its input, weights, biases and weighted sums."""
        inputs, sums = ["X", *self.names], [*(f"z_{name}" for name in self.names), "z"]
        ends = [*(f"_{name}" for name in self.names), "_o" if self.names else ""]
        return [(i, f"W{e}", f"b{e}", z) for i, e, z in zip(inputs, ends, sums, strict=True)]

    @property
    def sizes(self) -> tuple[int, ...]:
        """The number of units of every layer."""
        return *self.widths, self.classes or 1

    @property
    def output(self) -> str:
        """The name of the output, which the loss compares with the target."""
        return "z" if self.classes is None else "q"

    def target(self, y: str = "y") -> str:
        """Return the expression of the target, in the shape of the output."""
        return f"{y}[:, np.newaxis]" if self.classes is None else f"one_hot({self.classes}, {y})"

    def lines(self) -> dict[str, str]:
        """Return the expression of each line, by the name that the line assigns."""
        code: dict[str, str] = {}
        for inputs, W, b, z in self.layers:
            code[z] = f"{inputs} @ {W} + {b}"
            if z != "z":
                code[z[2:]] = f"{self.activation}({z})"
        if self.output == "q":
            code["q"] = "softmax(z)"
        code["d_z"] = f"({self.output} - {self.target()}) / len(X)"
        for inputs, W, b, z in reversed(self.layers):
            code[f"d_{W}"] = f"{inputs}.T @ d_{z}"
            code[f"d_{b}"] = f"d_{z}.sum(axis=0)"
            if inputs != "X":
                code[f"d_{inputs}"] = f"d_{z} @ {W}.T"
                code[f"d_z_{inputs}"] = f"d_{inputs} * d{self.activation}(z_{inputs})"
        return code

    def text(self, changed: Mapping[str, str]) -> str:
        """Return the gradient as a module, with the expressions of ``changed`` replaced."""
        read = [f'{W}, {b} = params["{W}"], params["{b}"]' for _, W, b, _ in self.layers]
        lines = [f"{name} = {code}" for name, code in {**self.lines(), **changed}.items()]
        names = [name for _, *both, _ in self.layers for name in both]
        result = ", ".join(f'"{name}": d_{name}' for name in names)
        body = "\n".join(f"    {line}" for line in [*read, *lines, f"return {{{result}}}"])
        used = [self.activation, f"d{self.activation}"] if self.names else []
        used += ["one_hot", "softmax"] if self.classes else []
        head = HEAD.format(", ".join(sorted(used))) if used else HEAD[:19]
        return f"{head}\n\ndef gradients(params, X, y):\n{body}\n"


Edit = Callable[[Outline], tuple[str, str] | None]


def _mean(outline: Outline) -> tuple[str, str]:
    return "d_z", f"{outline.output} - {outline.target()}"


def _sign(outline: Outline) -> tuple[str, str]:
    return "d_z", f"({outline.target()} - {outline.output}) / len(X)"


def _labels(outline: Outline) -> tuple[str, str]:
    return "d_z", f"({outline.output} - {outline.target('np.roll(y, 1)')}) / len(X)"


def _twice(outline: Outline) -> tuple[str, str] | None:
    if outline.classes is None:
        return None
    return "d_z", f"(q - {outline.target()}) * (q * (1 - q)) / len(X)"


def _bias(outline: Outline) -> tuple[str, str]:
    return f"d_{outline.layers[-1][2]}", "d_z[0]"


def _slope(outline: Outline) -> tuple[str, str] | None:
    return (f"d_z_{outline.names[-1]}", f"d_{outline.names[-1]}") if outline.names else None


def _place(outline: Outline) -> tuple[str, str] | None:
    if not outline.names or outline.activation == "relu":  # relu(z) has the same slope as z
        return None
    name = outline.names[-1]
    return f"d_z_{name}", f"d_{name} * d{outline.activation}({name})"


def _other(outline: Outline) -> tuple[str, str] | None:
    for widths, (name, behind) in zip(
        pairwise(outline.widths), pairwise(outline.names), strict=True
    ):
        if len(set(widths)) == 1:
            return f"d_z_{name}", f"d_{name} * d{outline.activation}(z_{behind})"
    return None


def _transposed(outline: Outline) -> tuple[str, str] | None:
    behind = zip(outline.names, pairwise(outline.sizes), outline.layers[1:], strict=True)
    for name, sizes, (_, W, _, z) in reversed(list(behind)):
        if len(set(sizes)) == 1 and sizes != (1, 1):  # only square matrices still multiply
            return f"d_{name}", f"d_{z} @ {W}"
    return None


def _input(outline: Outline) -> tuple[str, str] | None:
    if not outline.names:
        return None
    return f"d_{outline.layers[-1][1]}", f"z_{outline.names[-1]}.T @ d_z"


EDITS: dict[str, tuple[str, Edit]] = {
    "slope": ("The slope of the activation is forgotten", _slope),
    "mean": ("The mean over the batch is forgotten", _mean),
    "transposed": ("The weights are not transposed on the way back", _transposed),
    "other": ("The slope is that of another layer", _other),
    "place": ("The slope is taken behind the activation", _place),
    "input": ("A layer's input is taken before its activation", _input),
    "bias": ("The bias hears of one sample, not of the whole batch", _bias),
    "twice": ("The slope of the output counts twice", _twice),
    "sign": ("The error has the wrong sign", _sign),
    "labels": ("The labels have slipped against the samples", _labels),
}
"""Mistakes in the gradient: a title, and a function that returns the name of a line and its wrong
expression, or None if a network cannot have the mistake."""


def mistakes(subject: Subject) -> list[dict[str, Any]]:
    """Return the mistakes that a network's gradient can have, for a page's setup.

    The subject's present mistake also has a ``diagnosis``, the report of the gradient check.

    Examples
    --------
    >>> from chainrule._src.blackboard import subjects
    >>> found = mistakes(subjects.network(subjects.digits(), {"layers": []}))
    >>> [mistake["name"] for mistake in found]
    ['mean', 'bias', 'twice', 'sign', 'labels']
    >>> print(found[0]["right"])
    d_z = (q - one_hot(10, y)) / len(X)
    >>> print(found[0]["wrong"])
    d_z = q - one_hot(10, y)
    """
    result = []
    for name, title, (right, wrong) in _possible(subject):
        mistake = {"name": name, "title": title, "right": right, "wrong": wrong}
        if name == subject.mistake:
            mistake["diagnosis"] = diagnosis(subject)
        result.append(mistake)
    return result


def mistaken(subject: Subject, name: str) -> Subject:
    """Return a network with a mistake.

    Raises
    ------
    DataError
        If its gradient cannot have such a mistake.
    """
    possible = {key: title for key, title, _ in _possible(subject)}
    if name not in possible:
        titles = {**{key: title for key, (title, _) in EDITS.items()}, "zeros": ALIKE}
        raise DataError(
            f"blackboard: {titles.get(name, name)!r} cannot be a mistake in this network; mend the "
            f"gradient first, or make another: {'; '.join(possible.values()) or 'there is none'}"
        )
    if name == "zeros":
        weights = {n: np.zeros_like(p) if p.ndim > 1 else p for n, p in subject.params.items()}
        return replace(subject, params=weights, mistake=name)
    outline = Outline.of(subject)
    return replace(subject, gradients=_gradients(outline, name), mistake=name)


def diagnosis(subject: Subject) -> str:
    """Return the diagnosis of a subject's mistake by the gradient check."""
    assert subject.mistake is not None
    if subject.mistake == "zeros":
        return ZEROS.format(name=subject.units[0].name)
    report = checked(_small(Outline.of(subject)), subject.mistake)
    return "\n".join(map(str, report.diagnoses))


@lru_cache(maxsize=64)
def checked(outline: Outline, name: str | None) -> GradientReport:
    """Check the gradient of a network, with a mistake or correct (None), and return the report."""
    rng, (features, samples) = np.random.default_rng(0), _others(outline.sizes, 2)
    params, inputs = {}, features
    for (_, W, b, _), units in zip(outline.layers, outline.sizes, strict=True):
        params[W], params[b] = (
            rng.normal(0, inputs**-0.5, (inputs, units)),
            rng.normal(0, 0.3, units),
        )
        inputs = units
    X = rng.normal(size=(samples, features))
    y = rng.normal(size=samples) if outline.classes is None else (
        rng.integers(0, outline.classes, samples)
    )  # fmt: skip
    return check_gradients(_loss(outline), _gradients(outline, name))(params, X, y)


def _possible(subject: Subject) -> Iterator[tuple[str, str, tuple[str, str]]]:
    """Yield possible mistakes: name, title, and the pair of the right and the wrong line."""
    if subject.kind != "lab":
        return
    outline = Outline.of(subject)
    for name, (title, edit) in EDITS.items():
        if (changed := edit(outline)) is not None:
            line, code = changed
            yield name, title, (f"{line} = {outline.lines()[line]}", f"{line} = {code}")
    if subject.units and subject.settings["init"] != "zeros":
        W, init = subject.units[0].weights, subject.settings["init"]
        shape = subject.params[W].shape
        lines = f'{W} = initial("{init}", {shape})', f"{W} = np.zeros({shape})"
        yield "zeros", ALIKE, lines


def _gradients(outline: Outline, name: str | None) -> Any:
    changed = None if name is None else EDITS[name][1](outline)
    return written(outline.text(dict([changed] if changed else ())), "gradients", FILE)


def _loss(outline: Outline) -> Callable[..., Any]:
    activate = ACTIVATIONS[outline.activation][0]

    def loss(params: Any, X: Any, y: Any) -> Any:
        for _, W, b, z in outline.layers:
            X = X @ params[W] + params[b]
            X = X if z == "z" else activate(X)
        if outline.classes is None:
            return np.mean((X[:, 0] - y) ** 2) / 2
        return nll(one_hot(outline.classes, y), softmax(X))

    return loss


def _small(outline: Outline) -> Outline:
    """Return an outline with few units; layers of equal width keep equal widths."""
    new_widths = {outline.sizes[-1]: outline.sizes[-1]}
    for width in outline.widths:
        new_widths.setdefault(width, _others(new_widths.values(), 1)[0])
    return replace(outline, widths=tuple(new_widths[width] for width in outline.widths))


def _others(used: Any, n: int) -> list[int]:
    """Return the smallest sizes above 3 that are not in ``taken``."""
    free = (size for size in count(4) if size not in used)
    return [next(free) for _ in range(n)]
