"""Figures that are drawn while an exercise is checked, as pictures for the learner."""

from __future__ import annotations

import base64
import io
import sys
from typing import Any

MOST_BYTES = 500_000  # of a picture; larger ones are left out
SIGNATURE = b"\x89PNG\r\n\x1a\n"


class Figures:
    """The newest figure of the learner's code, and the newest that the lab's checks draw.

    Attributes
    ----------
    pictures : dict
        By "yours" and "lab": a picture as ``png``, in base64, and ``alt``, its texts.
    """

    def __init__(self) -> None:
        self.pictures: dict[str, dict[str, str]] = {}

    def take(self, whose: str) -> None:
        """Take the newest figure that is open in pyplot, if there is one, and close all."""
        pyplot: Any = sys.modules.get("matplotlib.pyplot")
        if pyplot is None or not pyplot.get_fignums():
            return
        figure, file = pyplot.gcf(), io.BytesIO()
        try:
            figure.savefig(file, format="png", dpi=80, bbox_inches="tight")
        except Exception:  # for instance a text that is no formula
            return
        finally:
            pyplot.close("all")
        if len(file.getvalue()) <= MOST_BYTES:
            data = base64.b64encode(file.getvalue()).decode()
            self.pictures[whose] = {"png": data, "alt": _texts(figure)}


def _texts(figure: Any) -> str:
    """Return the titles and labels of a figure."""
    texts = [figure.get_suptitle()]
    for axes in figure.axes:
        texts += [axes.get_title(), axes.get_xlabel(), axes.get_ylabel()]
    return "; ".join(filter(None, texts))[:300]


def is_picture(data: str) -> bool:
    """Return true if a text is a PNG of at most `MOST_BYTES` in base64."""
    try:
        png = base64.b64decode(data, validate=True)
    except (ValueError, TypeError):
        return False
    return len(png) <= MOST_BYTES and png.startswith(SIGNATURE)


__all__ = ["Figures", "is_picture"]
