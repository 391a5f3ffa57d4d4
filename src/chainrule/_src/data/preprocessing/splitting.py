"""Which rows are kept aside to validate on."""

from __future__ import annotations

import numpy as np

from chainrule._src.base.arrays import Array
from chainrule._src.base.errors import DataError
from chainrule._src.base.validation import check_number, check_seed


def split_rows(
    rows: int | Array,
    share: float,
    seed: int | np.random.Generator | None = 0,
    none: str = "a share of 0",
) -> Array:
    """Return which rows are kept aside; the same seed keeps the same ones.

    Parameters
    ----------
    rows : int or ndarray of int, shape (n,)
        Their number; or their classes, 0 … k - 1, each of which is then split in the same
        proportion, as near as whole rows allow, and keeps at least one row for training.
    share : float
        Of the rows, at least 0 and below 1.
    seed : int, Generator or None
    none : str
        How users say that none are to be kept aside, for an error to tell.

    Returns
    -------
    ndarray of bool, shape (n,)
        True for rows to validate on: ``round(share * n)`` of them, where classes allow, and at
        least one if the share is above 0.

    Raises
    ------
    DataError
        If a side would be empty.

    Examples
    --------
    >>> held = split_rows(np.array([0, 0, 0, 0, 1, 1, 1, 1]), 0.25, seed=0)
    >>> int(held[:4].sum()), int(held[4:].sum())
    (1, 1)
    """
    share = check_number(share, "share", "split_rows", high=1.0)
    rng = check_seed(seed, "split_rows")
    classes = np.zeros(rows, dtype=np.intp) if isinstance(rows, int) else np.asarray(rows)
    held = np.zeros(len(classes), dtype=bool)
    if not share:
        return held
    counts = np.bincount(classes)
    kept = _shares(counts, share)
    if not kept.sum():
        raise DataError(
            f"{len(classes)} rows, the largest class of {counts.max(initial=0)}, are too few to "
            f"keep some aside; give more, or {none}"
        )
    order = rng.permutation(len(classes))
    grouped = order[np.argsort(classes[order], kind="stable")]
    starts = np.cumsum(counts) - counts
    for start, count in zip(starts, kept, strict=True):
        held[grouped[start : start + count]] = True
    return held


def part_of_rows(
    rows: int | Array, part: int, parts: int, seed: int | np.random.Generator | None = 0
) -> Array:
    """Return which rows are one of so many parts, which hold each class in the same proportion.

    Parameters
    ----------
    rows : int or ndarray of int, shape (n,)
        As for `split_rows`.
    part, parts : int
        Which one, counted from 0, of how many.
    seed : int, Generator or None

    Returns
    -------
    ndarray of bool, shape (n,)

    Raises
    ------
    DataError
        If there are more parts than rows.

    Examples
    --------
    >>> sum(part_of_rows(7, i, 3) for i in range(3)).tolist()
    [1, 1, 1, 1, 1, 1, 1]
    """
    rng = check_seed(seed, "part_of_rows")
    classes = np.zeros(rows, dtype=np.intp) if isinstance(rows, int) else np.asarray(rows)
    if not 2 <= parts <= len(classes):
        raise DataError(f"{len(classes)} rows do not make {parts} parts")
    order = rng.permutation(len(classes))
    grouped = order[np.argsort(classes[order], kind="stable")]
    found = np.zeros(len(classes), dtype=bool)
    found[grouped[part::parts]] = True
    return found


def _shares(counts: Array, share: float) -> Array:
    """Return how many of each class to take, by the largest remainders."""
    most = np.maximum(counts - 1, 0)
    kept: Array = np.minimum((share * counts).astype(np.intp), most)
    wanted = max(1, round(share * int(counts.sum())))
    remainders = np.where(kept < most, share * counts - kept, -1.0)
    by_remainder = np.argsort(-remainders, kind="stable")
    open_ones = by_remainder[remainders[by_remainder] >= 0]
    kept[open_ones[: max(0, wanted - int(kept.sum()))]] += 1
    return kept
