"""Networks of a page without Python, for tables of all sizes up to a limit.

Their kernels take the largest table. A smaller one is filled up with columns of zeros, whose
weights are zero and stay zero, and with classes whose bias makes their probability zero, to the
last bit.
The texts are written for a table of two marked sizes, which the page replaces by its own.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from chainrule._src.blackboard import subjects
from chainrule._src.blackboard.subject import Data, Subject

LARGEST = (64, 16)  # columns, after categories have become several; classes
MARKED = (89, 97)  # no other number of the texts is a product of these primes
ROWS = 32
RANGES = ((", ", ""), (",", ".0"))  # between the numbers of all classes, and behind each
NEVER = -1e30  # the bias of a class that a table does not have


def of_largest(subject: Subject) -> Subject:
    """Return the network for the largest table, with a subject's settings."""
    return _of_size(subject, *LARGEST)


def of_marked(subject: Subject) -> Subject:
    """Return the network for a table of the marked sizes, with a subject's settings."""
    return _of_size(subject, *MARKED)


def _of_size(subject: Subject, features: int, classes: int) -> Subject:
    X, quantity = np.zeros((ROWS, features)), subject.data.classes is None
    y = np.zeros(ROWS, float if quantity else np.int32)
    data = Data(
        name=subject.data.name, X=X, y=y, X_held=X, y_held=y,
        classes=None if quantity else tuple(map(str, range(classes))),
        features=tuple(map(str, range(features))),
    )  # fmt: skip
    return subjects.network(data, subject.settings)


def sizes(subject: Subject) -> dict[str, Any]:
    """Return the sizes of the largest table, and where texts have the marked ones.

    Parameters
    ----------
    subject : Subject
        The network for a table of any size.
    """
    params: Mapping[str, Any] = of_largest(subject).params
    classes = subject.data.classes is not None
    return {
        "features": LARGEST[0], "never": NEVER,
        "shapes": {name: p.shape for name, p in params.items()},
        "output": [*params][-1] if classes else None,
        "marks": list(_marks(subject.settings["layers"], classes)),
        "ranges": [[_range(*form), *form] for form in RANGES],
    }  # fmt: skip


def _marks(layers: list[int], classes: bool) -> Iterator[tuple[str, int, int, int, int]]:
    """Yield the numbers that depend on the marked sizes.

    Each is a text, and ``a, i, j, b`` of the number ``a * features**i * classes**j + b``.
    """
    n, k = MARKED
    for units in {1, *layers}:
        yield str(units * n), units, 1, 0, 0
        if classes:
            yield str(units * k), units, 0, 1, 0
    if classes:
        yield str(k - 1), 1, 0, 1, -1
        yield str(n * k), 1, 1, 1, 0


def _range(between: str, behind: str) -> str:
    """Return the class numbers of the marked size, as texts write class numbers."""
    return between.join(f"{number}{behind}" for number in range(MARKED[1]))
