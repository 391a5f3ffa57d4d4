"""Connectionist temporal classification: a sequence of labels at unknown steps."""

from __future__ import annotations

from typing import Any

import numpy as np

from chainrule._src.base.errors import ShapeError
from chainrule._src.nn.functions import logsumexp
from chainrule._src.nn.losses.base import FunctionLoss
from chainrule._src.nn.losses.operands import floats, numbers
from chainrule._src.ops.index import IN_RANGE
from chainrule._src.ops.nn import LOG_SOFTMAX
from chainrule._src.trace.recurrence import scan

NEVER = -1e5  # logarithm of the probability 0; finite, so that its gradients are finite


def ctc(y_true: Any, y_pred: Any) -> Any:
    r"""Return :math:`-\log P(y)` of each sample, summed over all alignments of labels and steps.

    An alignment has one label per step; a label may last several steps. Blanks, class 0, may stand
    between labels, and must between equal labels (Graves et al., *Connectionist Temporal
    Classification*, 2006).

    Parameters
    ----------
    y_true : array_like or Tensor, shape (n, labels)
        Class numbers; rows with fewer labels end with zeros.
    y_pred : array_like or Tensor, shape (n, steps, classes)
        Logits.

    Returns
    -------
    array, shape (n,)
        Some 100,000 if there are too few steps for the labels.

    Raises
    ------
    ShapeError, DataError
        If the shapes are wrong, or a label is not a class number.

    Examples
    --------
    >>> ctc([[1]], [[[0.0, 0.0], [0.0, 0.0]]]).round(4)  # 3 of 4 ways: 01, 10, 11
    array([0.2877])
    """
    logits = floats(y_pred, "y_pred", "ctc")
    labels = numbers(y_true, "y_true", "ctc")
    if logits.ndim != 3 or labels.ndim != 2:
        raise ShapeError(
            "ctc: expected labels (n, labels) and logits (n, steps, classes), received shapes "
            f"{labels.shape} and {logits.shape}"
        )
    labels = IN_RANGE(labels, size=logits.shape[-1], what="ctc: labels")
    # There may be blanks before, between and after the S labels: 2 S + 1 positions.
    places = np.pad(np.repeat(labels, 2, axis=1), ((0, 0), (1, 0)))
    at_label = np.arange(places.shape[1]) % 2 == 1
    places = np.where(at_label, places, 0)
    skips = at_label & (places != np.pad(places[:, :-2], ((0, 0), (2, 0)), constant_values=-1))
    chosen = (places[:, :, None] == np.arange(logits.shape[-1])).astype(logits.dtype)
    scores = np.einsum("ntk,npk->tnp", LOG_SOFTMAX(logits, axis=-1), chosen)
    barred = np.where(skips, 0.0, NEVER).astype(logits.dtype)

    def step(alpha: Any, score: Any) -> Any:
        ways = [alpha, _shifted(alpha, 1), _shifted(alpha, 2) + barred]  # to stay, to move, to skip
        return score + logsumexp(np.stack(ways), axis=0), None

    first = np.where(np.arange(places.shape[1]) == 0, 0.0, NEVER).astype(logits.dtype)
    last, _ = scan(step, scores[0] * 0 + first, scores)
    ends = 2 * np.sum(labels != 0, axis=1, keepdims=True) - np.arange(places.shape[1])
    return -logsumexp(np.where((ends == 0) | (ends == 1), last, NEVER))


def _shifted(alpha: Any, by: int) -> Any:
    """Return the values shifted to later positions, filled with `NEVER`."""
    return np.pad(alpha[:, :-by], ((0, 0), (by, 0)), constant_values=NEVER)


class CTC(FunctionLoss, function=ctc):
    """Averages `ctc` over the samples of a batch.

    Parameters
    ----------
    reduction, name, dtype
        Parameters of `Loss`.

    Examples
    --------
    >>> CTC()([[1]], [[[0.0, 0.0], [0.0, 0.0]]]).round(4)  # -log(3 / 4)
    np.float64(0.2877)
    """

    def target_shape(self, shape: tuple[Any, ...]) -> tuple[Any, ...]:
        """Return the shape of a sample's labels: at most one label per step."""
        return shape[:1]
