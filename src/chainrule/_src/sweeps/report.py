"""A sweep's page: one HTML file that needs nothing else."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any, Protocol

from chainrule._src.base import plots
from chainrule._src.base.errors import DataError
from chainrule._src.base.pages import page
from chainrule._src.sweeps import pictures
from chainrule._src.sweeps.table import Table, text

TEMPLATE = Path(__file__).with_name("templates") / "sweep.html"
ROWS, MISTAKES = 20, 10
GROUPS = {
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


class Result(Protocol):
    """What came of a sweep."""

    interrupted: bool

    @property
    def monitor(self) -> str:
        """The score that decides."""

    @property
    def table(self) -> Table:
        """A row a model."""

    @property
    def best(self) -> Any:
        """The best model."""

    def luck(self) -> dict[str, float]:
        """Return how much is chance."""

    def points(self) -> pictures.Points:
        """Return what is drawn."""


def to_html(result: Result, title: str) -> str:
    """Return the page."""
    table = result.table
    failed = [error for error in table.get("error", ()) if error is not None]
    shown = [table.row(at) for at in range(min(ROWS, table.rows))]
    return page(
        TEMPLATE,
        title=title,
        best=", ".join(f"{name} {text(value)}" for name, value in result.best.settings.items()),
        tiles=_tiles(result, len(failed)),
        luck=_luck(result),
        columns=list(table),
        rows=[[text(value) for value in row.values()] for row in shown],
        left=max(table.rows - ROWS, 0),
        groups=_groups(result),
        errors=Counter(failed).most_common(MISTAKES),
    )


def _tiles(result: Result, failed: int) -> list[tuple[str, str]]:
    best = result.best
    return [
        (f"{result.table.rows:,}", "models"),
        (f"{best.score:.4g}", f"{result.monitor}, the best"),
        (f"{best.epochs}", "epochs that it was trained for"),
        *([(f"{failed:,}", "failed")] if failed else []),
        *([("yes", "interrupted: there is more to try")] if result.interrupted else []),
    ]


def _luck(result: Result) -> str:
    try:
        found = result.luck()
    except DataError:  # there is one seed
        return ""
    return (
        f"Chance: the same settings with other seeds differ by {found['deviation']:.2g} (standard "
        f"deviation), which is {found['share']:.0%} of all the variance between models."
    )


def _groups(result: Result) -> list[dict[str, Any]]:
    try:
        points = result.points()
    except DataError:  # nothing varies
        return []
    found = []
    for title, kinds in GROUPS.items():
        drawn = [_picture(points, kind, caption) for kind, caption in kinds.items()]
        found.append({"title": title, "pictures": [each for each in drawn if each]})
    return [group for group in found if group["pictures"]]


def _picture(points: pictures.Points, kind: str, caption: str) -> dict[str, str]:
    if (kind == "importance" and not points.importance) or (
        kind in ("map", "parallel") and len(points.dimensions) < 2
    ):
        return {}
    draw, size = pictures.KINDS[kind], pictures.size(kind, points)
    return {"caption": caption, "svg": plots.to_svg(lambda ax: draw(points, ax), size, kind)}
