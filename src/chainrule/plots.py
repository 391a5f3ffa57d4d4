"""Figures: each function draws on given axes."""

from chainrule._src.base.plots import (
    COLOURS,
    agreement,
    curves,
    finish,
    gradient_rows,
    graph,
    heat_map,
    image,
    new_axes,
    panels,
    prediction,
    to_svg,
    weight_images,
)

__all__ = [
    "COLOURS", "agreement", "curves", "finish", "gradient_rows", "graph", "heat_map", "image",
    "new_axes", "panels", "prediction", "to_svg", "weight_images",
]  # fmt: skip
