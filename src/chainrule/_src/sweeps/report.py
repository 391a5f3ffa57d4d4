"""Report of a sweep: one self-contained HTML file."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any, Protocol

from chainrule._src.base import plots
from chainrule._src.base.errors import DataError
from chainrule._src.base.pages import page
from chainrule._src.sweeps import pictures
from chainrule._src.sweeps.table import SweepTable, text

TEMPLATE = Path(__file__).with_name("templates") / "sweep.html"
ROWS, MISTAKES = 20, 10
GROUPS = {
    "Several scores": {
        "front": "Every model is a point; no other model equals or beats an orange one in all "
        "monitored scores and beats it in one.",
    },
    "How the search went": {
        "best": "Every model's score in the order of their numbers, and the best so far.",
        "importance": "How much of the score hangs on each setting: what a forest that predicts it "
        "loses when the setting is permuted (Breiman, 2001).",
    },
    "The score over each setting": {
        "settings": "Every model is a point. Far worse ones are beyond the edge.",
    },
    "All settings together": {
        "parallel": "Every model is a line through its settings; the better, the stronger.",
    },
    "The two most important settings": {
        "map": "The best score for their values; the best of all is framed.",
    },
}


class ReportedResult(Protocol):
    """Protocol of a sweep's result, with the parts that a report needs."""

    interrupted: bool

    @property
    def monitor(self) -> str:
        """Name of the monitored score."""

    @property
    def table(self) -> SweepTable:
        """Table with one row per model."""

    @property
    def best(self) -> Any:
        """The best model."""

    def luck(self) -> dict[str, float]:
        """Return the part of the scores' variance that is due to seeds."""

    def points(self) -> pictures.Points:
        """Return the data of the pictures."""


def to_html(result: ReportedResult, title: str) -> str:
    """Return the report as HTML."""
    table = result.table
    failed = [error for error in table.get("error", ()) if error is not None]
    top_rows = [table.row(at) for at in range(min(ROWS, table.rows))]
    return page(
        TEMPLATE,
        title=title,
        best=", ".join(f"{name} {text(value)}" for name, value in result.best.settings.items()),
        tiles=_tiles(result, len(failed)),
        luck=_luck(result),
        columns=list(table),
        rows=[[text(value) for value in row.values()] for row in top_rows],
        left=max(table.rows - ROWS, 0),
        groups=_groups(result),
        errors=Counter(failed).most_common(MISTAKES),
    )


def _tiles(result: ReportedResult, failed: int) -> list[tuple[str, str]]:
    best = result.best
    return [
        (f"{result.table.rows:,}", "models"),
        (f"{best.score:.4g}", f"{result.monitor}, the best"),
        (f"{best.epochs}", "epochs that it was trained for"),
        *([(f"{failed:,}", "failed")] if failed else []),
        *([("yes", "interrupted: there is more to try")] if result.interrupted else []),
    ]


def _luck(result: ReportedResult) -> str:
    try:
        luck = result.luck()
    except DataError:  # there is one seed
        return ""
    return (
        f"Chance: the same settings with other seeds differ by {luck['deviation']:.2g} (standard "
        f"deviation), which is {luck['share']:.0%} of all the variance between models."
    )


def _groups(result: ReportedResult) -> list[dict[str, Any]]:
    try:
        points = result.points()
    except DataError:  # nothing varies
        return []
    groups = []
    for title, kinds in GROUPS.items():
        drawn = [_picture(points, kind, caption) for kind, caption in kinds.items()]
        groups.append({"title": title, "pictures": [each for each in drawn if each]})
    return [group for group in groups if group["pictures"]]


def _picture(points: pictures.Points, kind: str, caption: str) -> dict[str, str]:
    if (
        (kind == "importance" and not points.importance)
        or (kind == "front" and points.second is None)
        or (kind in ("map", "parallel") and len(points.dimensions) < 2)
    ):
        return {}
    draw, size = pictures.KINDS[kind], pictures.size(kind, points)
    return {"caption": caption, "svg": plots.to_svg(lambda ax: draw(points, ax), size, kind)}
