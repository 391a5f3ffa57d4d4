"""A sweep's page: one HTML file that needs nothing else."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from chainrule import plots
from chainrule.errors import DataError
from chainrule.sweeps import pictures

if TYPE_CHECKING:
    from chainrule.sweeps.result import Result

TEMPLATES = Path(__file__).with_name("templates")
ROWS, MISTAKES = 20, 10
MOST = 8  # settings that have a picture, the most important


def to_html(result: Result, title: str = "Sweep") -> str:
    """Return the page."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader(TEMPLATES), autoescape=True, undefined=StrictUndefined,
        trim_blocks=True, lstrip_blocks=True,
    )  # fmt: skip
    table = result.table
    failed = [error for error in table.get("error", ()) if error is not None]
    return environment.get_template("sweep.html").render(
        title=title,
        about=_about(result),
        tiles=_tiles(result, len(failed)),
        luck=_luck(result),
        columns=list(table),
        rows=[[text(value) for value in table.row(at).values()] for at in range(min(ROWS, table.rows))],
        left=max(table.rows - ROWS, 0),
        groups=_groups(result),
        errors=Counter(failed).most_common(MISTAKES),
    )
