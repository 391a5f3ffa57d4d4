"""Lab 1: softmax regression and a hidden layer, the gradients by hand."""

from __future__ import annotations

from typing import Any

import numpy as np

import chainrule.functions as right
from chainrule.teaching import expect
from chainrule.teaching.exercise import Draw, Exercise, compared_with

softmax = Exercise(
    "softmax",
    "turn scores into probabilities, for one sample or a batch",
    (
        "Look at the sum in the denominator: over which numbers does it run?",
        "Each row is a sample of its own: sum along the last axis and keep it as an axis of one "
        "entry, so that the division broadcasts row by row. Large scores overflow unless the "
        "largest of each row is subtracted first.",
        "softmax(x)_i = exp(x_i - m) / Σ_j exp(x_j - m), with m = max_j x_j of the same row",
    ),
)


@softmax.check("shape")
def _(softmax: Any, draw: Draw) -> None:
    expect.shape(softmax([10, 2, -3]), (3,), "softmax([10, 2, -3])")
    expect.shape(softmax(draw.normal(size=(4, 3))), (4, 3), "softmax of a (4, 3) array")
    expect.shape(softmax(draw.normal(size=(3, 3))), (3, 3), "softmax of a (3, 3) array")


@softmax.check("dtype")
def _(softmax: Any, draw: Draw) -> None:
    expect.floating(softmax([10, 2, -3]), "softmax([10, 2, -3])")
    X = draw.normal(size=(2, 3)).astype(np.float32)
    expect.floating(softmax(X), "softmax of float32", np.float32)


@softmax.check("values", points=2)
def _(softmax: Any, draw: Draw) -> None:
    expect.close(softmax([10, 2, -3]), right.softmax([10, 2, -3]), "softmax([10, 2, -3])")
    X = draw.normal(0, 2, size=(4, 3))
    expect.close(softmax(X), right.softmax(X), "softmax of a batch")


@softmax.check("properties")
def _(softmax: Any, draw: Draw) -> None:
    X = draw.normal(0, 3, size=(5, 4))
    sums = expect.array(softmax(X), "softmax of a batch").sum(axis=-1)
    expect.close(sums, np.ones(5), "the sum of each row's probabilities")
    expect.close(softmax(X + 5), softmax(X), "softmax(X + 5), which is softmax(X),")


softmax.diagnosis("shape", "values", "properties")(
    compared_with(lambda X: right.softmax(X), lambda draw: (draw.normal(0, 2, size=(4, 3)),))
)

EXERCISES = [softmax]
