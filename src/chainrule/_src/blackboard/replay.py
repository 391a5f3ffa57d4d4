"""A recorded run as one HTML file: to go back and forth in, to look into, to draw for."""

from __future__ import annotations

import base64
import struct
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from chainrule._src.base.arrays import Array
from chainrule._src.base.pages import page
from chainrule._src.blackboard import built, subjects, views
from chainrule._src.blackboard.anatomy import anatomy_of
from chainrule._src.blackboard.frames import encode
from chainrule._src.blackboard.run import Last, Place, Run
from chainrule._src.blackboard.subject import Subject
from chainrule._src.teach.lab.hidden_layer import LEARNING_RATE, HiddenLayerResult

TEMPLATE = Path(__file__).with_name("templates") / "replay.html"
FRAMES = 120
SAMPLES = 400  # of those to train on, and of those held back
PARAMETERS, PICTURES = 12, 5  # bits of the numbers' fractions that are kept


@dataclass
class Snapshots:
    """Parameters after some updates, of a run that was trained elsewhere.

    Attributes
    ----------
    subject : Subject
    copies : dict of int to dict of str to ndarray
        The parameters by update, in order.
    epoch_length : int
        Updates of an epoch.
    """

    subject: Subject
    copies: Mapping[int, Mapping[str, Array]]
    epoch_length: int
    place: Place = field(default_factory=Place)
    last: Last | None = None
    parts: Sequence[Any] = ()

    @property
    def head(self) -> int:
        """The last update."""
        return max(self.copies)

    @property
    def params(self) -> dict[str, Array]:
        """The parameters."""
        return dict(self.copies[self.place.update])

    @property
    def settings(self) -> dict[str, Any]:
        """What can be set in flight."""
        return {name: self.subject.settings[name] for name in ("rate", "momentum", "batch_size")}

    @property
    def epochs(self) -> float:
        """Epochs done."""
        return self.place.update / self.epoch_length

    def seek(self, update: int) -> None:
        """Go to an update; what led there is what changed since the copy before."""
        before = [each for each in self.copies if each < update]
        self.place = Place(update, update // self.epoch_length)
        data = self.subject.data
        batch = data.X[: views.PROBED], data.y[: views.PROBED]
        carry = {"params": dict(self.copies[before[-1] if before else update])}
        self.last = Last(carry, batch, float(self.subject.loss(self.params, *batch)))


def replay(
    run: views.Viewed, updates: Sequence[int], more: Mapping[str, Any], title: str = "Blackboard"
) -> str:
    """Return a page that shows a run as it was, whole: it loads nothing from anywhere.

    Parameters
    ----------
    run : Run or Snapshots
        It goes to each of the updates.
    updates : sequence of int
        Those to be shown; see `spread`.
    more : dict
        More of the page's setup, as for `Session`.
    title : str

    Raises
    ------
    MissingDependencyError
        If the page's module was not built.
    """
    return page(
        TEMPLATE, title=title, module=packed(built.module().read_bytes()),
        run=packed(b"".join(_parts(_messages(run, updates, more)))),
    )  # fmt: skip


def replay_of(run: Run, more: Mapping[str, Any]) -> str:
    """Return the same of a run as it is now, which stays where it is."""
    other = run.fork()
    return replay(other, spread(other.head), more, run.subject.title)


def replay_of_lab(result: HiddenLayerResult) -> str:
    """Return the same of the lab's network as the lab has trained it, epoch by epoch."""
    data, rate = subjects.digits(), {"rate": LEARNING_RATE, "batch_size": 1}
    subject = replace(subjects.network(data, rate), params=result.epochs[0])
    copies = {epoch * len(data.X): params for epoch, params in result.epochs.items()}
    run = Snapshots(subject, copies, len(data.X))
    return replay(run, list(copies), {"anatomy": anatomy_of(subject)}, "The lab's network")


def spread(head: int, count: int = FRAMES) -> list[int]:
    """Return updates from 0 to the head: all, or the first ones and then ever fewer.

    Examples
    --------
    >>> spread(5)
    [0, 1, 2, 3, 4, 5]
    >>> spread(1000, 8)
    [0, 1, 3, 10, 32, 100, 316, 1000]
    """
    if head < count:
        return list(range(head + 1))
    found = np.geomspace(1, head, count - 1).round().astype(int)
    return sorted({0, *found.tolist(), head})


def _messages(
    run: views.Viewed, updates: Sequence[int], more: Mapping[str, Any]
) -> Iterator[bytes]:
    """Yield what a page is told: the model, its curves, and a frame for each update."""
    header, arrays = views.setup(run.subject, **more)
    header["settings"]["restart"] = header["settings"]["in_flight"] = []
    shown = {name: _shortened(array) for name, array in arrays.items()}
    header["recorded"] = list(updates)
    yield encode("setup", header, shown)
    curves = views.Curves(run.subject.names)
    frames = []
    for update in updates:
        run.seek(update)
        seen = views.view(run, views.Scorer(run.subject), True, None)
        curves.add(seen.point)
        state = {"branch": "a", "branches": ["a"], "playing": False, "rate": None, "speed": None}
        whole = {**seen.header, **state, "head": max(updates), "stop": {}, "marked": None}
        kept = {name: _rounded(name, array) for name, array in seen.arrays.items()}
        frames.append(encode("frame", {**whole, "exact": False}, kept))
    yield encode("curves", *curves.message("a", 0))
    yield from frames


def _shortened(array: Array) -> Array:
    return array[:SAMPLES] if array.ndim else array


def _rounded(name: str, array: Array) -> Array:
    """Return numbers that pack well: as float32, whose last bits are 0."""
    if array.dtype.kind != "f":
        return array
    bits = PARAMETERS if name.startswith("p:") else PICTURES
    with np.errstate(over="ignore"):
        whole = np.ascontiguousarray(array, np.float32).view(np.uint32)
    dropped = 23 - bits
    rounded = (whole + np.uint32(1 << (dropped - 1))) & np.uint32(
        0xFFFFFFFF << dropped & 0xFFFFFFFF
    )
    return rounded.view(np.float32)


def _parts(messages: Iterator[bytes]) -> Iterator[bytes]:
    for message in messages:
        yield struct.pack("<Q", len(message))
        yield message


def packed(content: bytes) -> str:
    """Return bytes deflated, in base64, as a page can hold and unpack them."""
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    return base64.b64encode(packer.compress(content) + packer.flush()).decode()
