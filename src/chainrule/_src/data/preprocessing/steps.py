"""Kinds of preprocessing steps, made from a column's summary or read from a description."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from chainrule._src.data.preprocessing.calendar import Calendar
from chainrule._src.data.preprocessing.columns import LeftOut, OneHot, Picture, Scaled
from chainrule._src.data.preprocessing.ranks import Ranks
from chainrule._src.data.preprocessing.records import Record
from chainrule._src.data.preprocessing.summaries import Counts, Pixels, Summary, Times
from chainrule._src.data.preprocessing.values import KINDS
from chainrule._src.data.preprocessing.words import Words

Step = Scaled | OneHot | Ranks | Words | Calendar | Picture
READERS: dict[str, Callable[[str, Record], Step]] = {
    "number": Scaled.from_record, "category": OneHot.from_record, "image": Picture.from_record,
    "time": Calendar.from_record,
}  # fmt: skip


def learn_step(
    summary: Summary, max_categories: int, words: int = 0, signed: bool = False,
    order: Sequence[str] | None = None,
) -> Step | LeftOut:  # fmt: skip
    """Return the preprocessing step of a column, from the summary of all its rows."""
    if words:
        return Words.learn(summary, words)
    if isinstance(summary, Times):
        return Calendar.learn(summary)
    if isinstance(summary, Counts):
        return OneHot.learn(summary, max_categories, signed, order)
    if isinstance(summary, Pixels):
        return Picture.learn(summary)
    return Scaled.learn(summary)


def step_to_dict(step: Step | LeftOut) -> dict[str, Any]:
    """Return the description of one column's step."""
    return {"name": step.name, "kind": step.kind, **step.to_dict()}


def read_step(value: Any, where: str) -> Step | LeftOut:
    """Return the step of one column from its description."""
    name = Record(value, where).text("name")
    record = Record(value, f"{where}, column {name!r}")
    kind = record.text("kind", KINDS)
    if "left_out" in record:
        return LeftOut(name, kind, record.text("left_out"))
    return Words.from_record(name, record) if "words" in record else READERS[kind](name, record)
