"""The inputs of a model as the parts of a page: pads, pictures, fields and curves.

A part is a dict of plain values. Its ``kind`` is that of its control in the page: ``"number"``,
``"category"``, ``"time"``, ``"drawing"``, ``"picture"`` or ``"sequence"``.
"""

from __future__ import annotations

import math
import re
from typing import Any

import numpy as np

from chainrule._src.data.preprocessing.calendar import Calendar
from chainrule._src.data.preprocessing.columns import OneHot, Picture, Scaled
from chainrule._src.data.preprocessing.ranks import Ranks
from chainrule._src.data.preprocessing.steps import Step
from chainrule._src.nn import layers

Part = dict[str, Any]
DRAWINGS = {64: (8, 8), 784: (28, 28)}  # flat samples that are pictures
LEAST_SIDE = 5  # pixels of a picture
FIELDS = 16  # numbers of a sample that have a field each
WHITE = (1.0, 16.0, 255.0)  # the usual largest values of a pixel
SPREAD = 2.5  # deviations from the mean that a slider reaches
YEAR = 365.2425 * 86400  # seconds
PIXEL_AT = re.compile(r"pixel_(\d+)_(\d+)")


def parts_of_columns(steps: tuple[Step, ...], units: dict[str, str]) -> list[Part]:
    """Return the parts of a table; columns that are pixels of one picture are one part."""
    pixels = {
        (int(match[1]), int(match[2])): step
        for step in steps
        if isinstance(step, Scaled) and (match := PIXEL_AT.fullmatch(step.name))
    }
    if FIELDS < len(steps) == len(pixels):
        return [_pixels(pixels)]
    return [_part_of(step) | _unit(units.get(step.name, "")) for step in steps]


def _pixels(pixels: dict[tuple[int, int], Scaled]) -> Part:
    side = 1 + max(map(max, pixels))  # rows and columns that were always blank are left out
    names: list[str | None] = [None] * side**2
    typical = [0.0] * side**2
    for (row, column), step in pixels.items():
        names[row * side + column] = step.name
        typical[row * side + column] = round(step.mean, 3)
    picture = _picture((side, side, 1), max(typical))
    return {**picture, "name": "", "names": names, "typical": typical}


def _part_of(step: Step) -> Part:
    part: Part = {"name": step.name}
    if isinstance(step, OneHot | Ranks):
        return {**part, "kind": "category", "typical": 0}
    if isinstance(step, Picture):
        shape = step.shape if len(step.shape) == 3 else (*step.shape, 1)
        return {**part, **_picture(shape, step.mean + step.scale), "typical": step.mean}
    if isinstance(step, Calendar):
        seconds = round((step.mean - 1970) * YEAR)
        return {**part, "kind": "time", "hours": "hour" in step.parts, "typical": seconds}
    assert isinstance(step, Scaled)  # a network for the web has no `Words`
    return {**part, **number_part(step.mean, step.scale)}


def _unit(unit: str) -> Part:
    return {"unit": unit} if unit else {}


def parts_of_sample(
    first: Any, shape: tuple[int, ...], integers: bool = False, name: str = ""
) -> list[Part]:
    """Return the parts of a sample that is one array.

    Parameters
    ----------
    first : Layer
        What takes the array.
    shape : tuple of int
    integers : bool
        If true, the numbers are whole.
    name : str
        Of the array, if there are several.
    """
    picture = _picture_shape(shape)
    if picture is not None:
        return [{"name": name, **_picture(picture, _brightness(first))}]
    n = math.prod(shape)
    is_sequence = integers or isinstance(first, layers.Reshape)
    if len(shape) == 1 and n <= FIELDS and not is_sequence:
        mean, scale = np.zeros(n), np.ones(n)
        if isinstance(first, layers.Normalization):
            mean, scale = (
                np.broadcast_to(np.ravel(each), n) for each in (first.mean, first.variance**0.5)
            )
        names = [name] if name and n == 1 else [f"{name or 'x'}{i + 1}" for i in range(n)]
        return [
            {"name": names[i], **number_part(float(mean[i]), float(scale[i]))} for i in range(n)
        ]
    steps = shape if len(shape) == 2 else (n, 1)
    return [{"name": name, "kind": "sequence", "shape": steps, "whole": integers}]


def _picture_shape(shape: tuple[int, ...]) -> tuple[int, int, int] | None:
    """Return height, width and channels if a sample is a picture."""
    if len(shape) == 1:
        square = DRAWINGS.get(shape[0])
        return None if square is None else (*square, 1)
    height, width, *channels = shape
    is_large = min(height, width) >= LEAST_SIDE
    if not is_large or (not channels and height != width) or channels not in ([], [1], [3]):
        return None
    return height, width, channels[0] if channels else 1


def _picture(shape: tuple[int, ...], largest: float) -> Part:
    """Describe a picture; ``largest`` is a number that some pixels exceed."""
    if shape[2] not in (1, 3):
        return {"kind": "sequence", "shape": (math.prod(shape[:2]), shape[2]), "whole": False}
    high = next((white for white in WHITE if largest <= white), largest)
    kind = "drawing" if shape[2] == 1 else "picture"
    return {"kind": kind, "shape": shape, "low": 0.0, "high": high}


def _brightness(first: Any) -> float:
    """Return a number that some pixels exceed, as far as the first layer tells."""
    if isinstance(first, layers.Rescaling):
        scale = float(np.max(np.abs(first.scale)))
        return min(WHITE, key=lambda white: abs(math.log(max(white * scale, 1e-9))))
    if isinstance(first, layers.Normalization) and first.built:
        return float(np.max(first.mean + first.variance**0.5))
    return 0.0


def number_part(mean: float, scale: float, low: float | None = None, high: float | None = None,
                integers: bool = False) -> Part:  # fmt: skip
    """Describe a number: its typical value, and the range and step of its slider."""
    if low is None or high is None:
        low, high = mean - SPREAD * scale, mean + SPREAD * scale
        low = 0.0 if low < 0 < mean - scale else low  # a quantity that is not negative
    step = 1.0 if integers else 10.0 ** math.floor(math.log10(max(scale, 1e-300) / 5))
    below, above = (
        round(rounding(end / step) * step, 12)
        for rounding, end in ((math.floor, low), (math.ceil, high))
    )
    typical = round(round(mean / step) * step, 12)
    return {
        "kind": "number", "typical": typical, "low": below, "high": above, "step": step,
    }  # fmt: skip
