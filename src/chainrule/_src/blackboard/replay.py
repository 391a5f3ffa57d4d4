"""A recorded run as one interactive HTML file, which needs no server."""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from chainrule._src.base.arrays import Array
from chainrule._src.base.escaping import Html
from chainrule._src.base.pages import packed, page
from chainrule._src.blackboard import views
from chainrule._src.blackboard.frames import encode
from chainrule._src.blackboard.program import POLICY, digest, program
from chainrule._src.blackboard.run import ReversibleRun
from chainrule._src.blackboard.steps import StepLibrary

TEMPLATE = Path(__file__).with_name("templates") / "replay.html"
FRAMES = 120
SAMPLES = 400  # of the training data, and of the hold-out
PARAMETERS, PICTURES = 12, 5  # bits of the mantissa after rounding, in parameters and pictures


def replay(
    run: ReversibleRun, updates: Sequence[int], more: Mapping[str, Any], title: str = "Blackboard"
) -> str:
    """Return a self-contained HTML page that shows a recorded run.

    Parameters
    ----------
    run : ReversibleRun
        It seeks each of the updates in turn.
    updates : sequence of int
        The updates with a frame; see `spread`.
    more : dict
        Additional parts of the page's setup, as for `Session`.
    title : str

    Raises
    ------
    MissingDependencyError
        If the page's module was not built.
    """
    library = StepLibrary()
    if "anatomy" in more:
        more = {**more, "anatomy": library.without_script(more["anatomy"])}
    script = program("replay", library)
    return page(
        TEMPLATE, title=title, policy=POLICY.format(script=f"'sha256-{digest(script)}'"),
        script=Html(script), run=packed(b"".join(_parts(_messages(run, updates, more)))),
    )  # fmt: skip


def replay_of(run: ReversibleRun, more: Mapping[str, Any]) -> str:
    """Return the page of a run up to its present update; the run itself is not moved."""
    other = run.fork()
    return replay(other, spread(other.head), more, run.subject.title)


def spread(head: int, count: int = FRAMES) -> list[int]:
    """Return updates from 0 to the head: all of them, or ``count`` with growing distances.

    Examples
    --------
    >>> spread(5)
    [0, 1, 2, 3, 4, 5]
    >>> spread(1000, 8)
    [0, 1, 3, 10, 32, 100, 316, 1000]
    """
    if head < count:
        return list(range(head + 1))
    steps = np.geomspace(1, head, count - 1).round().astype(int)
    return sorted({0, *steps.tolist(), head})


def _messages(
    run: ReversibleRun, updates: Sequence[int], more: Mapping[str, Any]
) -> Iterator[bytes]:
    """Yield the page's messages: the setup, the curves, and a frame for each update."""
    header, arrays = views.setup(run.subject, **more)
    header["settings"]["restart"] = header["settings"]["in_flight"] = []
    shortened = {name: _shortened(array) for name, array in arrays.items()}
    header["recorded"] = list(updates)
    yield encode("setup", header, shortened)
    curves = views.Curves(run.subject.names)
    frames = []
    for update in updates:
        run.seek(update)
        view = views.view(run, views.Scorer(run.subject), True, None)
        curves.add(view.point)
        state = {"branch": "a", "branches": ["a"], "playing": False, "rate": None, "speed": None}
        fields = {**view.header, **state, "head": max(updates), "stop": {}, "marked": None}
        rounded = {name: _rounded(name, array) for name, array in view.arrays.items()}
        frames.append(encode("frame", {**fields, "exact": False}, rounded))
    yield encode("curves", *curves.message("a", 0))
    yield from frames


def _shortened(array: Array) -> Array:
    return array[:SAMPLES] if array.ndim else array


def _rounded(name: str, array: Array) -> Array:
    """Round floats to float32 with zeros in the last bits, which compress well."""
    if array.dtype.kind != "f":
        return array
    bits = PARAMETERS if name.startswith("p:") else PICTURES
    with np.errstate(over="ignore"):
        bits_of_numbers = np.ascontiguousarray(array, np.float32).view(np.uint32)
    dropped = 23 - bits
    rounded = (bits_of_numbers + np.uint32(1 << (dropped - 1))) & np.uint32(
        0xFFFFFFFF << dropped & 0xFFFFFFFF
    )
    return rounded.view(np.float32)


def _parts(messages: Iterator[bytes]) -> Iterator[bytes]:
    for message in messages:
        yield struct.pack("<Q", len(message))
        yield message
