"""The lab's report: one self-contained HTML file."""

from __future__ import annotations

import importlib
import multiprocessing
import os
import platform
import re
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Self

import numpy as np

from chainrule._src.base.errors import ChainruleError
from chainrule._src.base.escaping import Html, element, for_html
from chainrule._src.base.interrupts import ignored
from chainrule._src.base.pages import page
from chainrule._src.base.plots import to_svg
from chainrule._src.base.version import __version__
from chainrule._src.teach.lab.results import SectionResult, as_tables, format_number
from chainrule._src.teach.lab.sections import SECTIONS, section_text
from chainrule._src.teach.lab.session import Lab

TEMPLATE = Path(__file__).with_name("templates") / "report.html"


@dataclass(frozen=True)
class Drawing:
    """A drawn picture: an inline ``<svg>``, its caption, and its width in CSS pixels."""

    svg: str
    caption: str
    width: int


def draw_pictures(name: str, result: SectionResult) -> list[Drawing]:
    """Draw the pictures of a section's result."""
    return [
        Drawing(
            to_svg(picture.draw, picture.size, f"{name}-{i}"),
            picture.caption,
            round(96 * picture.size[0]),
        )
        for i, picture in enumerate(result.pictures)
    ]


class Artist:
    """Draws pictures in a second process while the next section trains in this process."""

    def __init__(self) -> None:
        # Spawned, not forked: this process may already run threads of BLAS and JAX.
        self._pool = ProcessPoolExecutor(
            1,
            mp_context=multiprocessing.get_context("spawn"),
            initializer=_get_ready,
        )
        with ignored():  # the new process ignores Ctrl-C, this one handles it
            self._pool.submit(int)  # starts the process now, while the data loads
        self._pending: dict[str, Future[list[Drawing]]] = {}

    def draw(self, name: str, result: SectionResult) -> None:
        """Begin to draw a result's pictures."""
        self._pending[name] = self._pool.submit(draw_pictures, name, result)

    def drawings(self) -> dict[str, list[Drawing]]:
        """Wait for all pending drawings, and return them by section."""
        try:
            return {name: future.result() for name, future in self._pending.items()}
        except BrokenProcessPool as error:
            raise ChainruleError("the process that draws the pictures has ended early") from error

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self._pool.shutdown(wait=True, cancel_futures=True)


def render(
    lab: Lab,
    drawings: Mapping[str, list[Drawing]],
    skipped: Mapping[str, str],
    seconds: float,
    replay: str | None = None,
) -> str:
    """Return the report as a complete HTML page without external resources.

    Parameters
    ----------
    lab : Lab
        The lab whose results are shown.
    drawings : mapping of str to list of Drawing
        Section → drawings.
    skipped : mapping of str to str
        Skipped section → reason.
    seconds : float
        Run time of the lab.
    replay : str, optional
        A page that replays the network's training, deflated and encoded in base64.
    """
    filters: dict[str, Callable[..., Any]] = {
        "code": _with_code,
        "number": format_number,
        "tables": as_tables,
    }
    sections = []
    for number, name in enumerate(SECTIONS, start=1):
        if name in lab.results or name in skipped:
            title, paragraphs = section_text(name)
            sections.append(
                {
                    "number": number,
                    "name": name,
                    "title": title,
                    "paragraphs": [_paragraph(text) for text in paragraphs],
                    "result": lab.results.get(name),
                    "drawings": drawings.get(name, []),
                    "skipped": skipped.get(name),
                }
            )
    about = {
        "seed": lab.seed,
        "extent": "quick" if lab.quick else "full",
        "time": f"{seconds:.1f} s",
        "made": f"{datetime.now():%Y-%m-%d %H:%M}",
        "with": f"chainrule {__version__}, NumPy {np.__version__}, "
        f"Python {platform.python_version()}",
        "on": f"{platform.system()} {platform.machine()}",
    }
    return page(TEMPLATE, filters, sections=sections, about=about, replay=replay)


def _get_ready() -> None:
    threading.Thread(target=_end_with_parent, daemon=True).start()
    importlib.import_module("matplotlib.figure")


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _with_code(text: str) -> Html:
    """Return prose as HTML; text in backticks becomes code."""
    parts = re.split("`+([^`]+)`+", text)
    return for_html(*(element("code", p) if i % 2 else p for i, p in enumerate(parts)))


def _paragraph(text: str) -> dict[str, str]:
    """Return a paragraph as HTML: indented text is a formula, other text is prose."""
    formula = text.startswith("    ")
    lines = [line.strip() for line in text.splitlines()]
    if formula:
        return {"kind": "formula", "text": "\n".join(lines)}
    return {"kind": "prose", "text": " ".join(lines)}
