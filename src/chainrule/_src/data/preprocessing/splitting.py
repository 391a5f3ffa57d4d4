"""Split rows into training rows and a hold-out.

The rules differ, because each agrees with the library beside which it stands:

- `split_rows`: a random share of the rows, the same share of each class (``chainrule train``,
  `sweep`); `part_of_rows`: one of several such parts (``--cv``).
- `boundary_of_last`: the last rows, as Keras's ``validation_split`` (`Sequential.fit`).
- `shuffled`: random rows, as scikit-learn's ``ShuffleSplit`` (the lab's digits).

Estimators with scikit-learn's interface, and ``sweep(cv=…)``, call scikit-learn's own splitters.
"""

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
    """Draw the hold-out rows at random; the same seed draws the same rows.

    Parameters
    ----------
    rows : int or ndarray of int, shape (n,)
        Number of rows; or the class of each row, 0 … k - 1. Every class is then split in the same
        proportion, as near as whole rows allow, and keeps at least one row for training.
    share : float
        Share of rows in the hold-out, at least 0 and below 1.
    seed : int, Generator or None
        Seed or generator of the draw; with None the rows differ from call to call.
    none : str
        Setting by which users ask for no hold-out; error messages name it.

    Returns
    -------
    ndarray of bool, shape (n,)
        True for the hold-out rows: ``round(share * n)`` rows, where the classes allow that, and at
        least one if the share is above 0.

    Raises
    ------
    DataError
        If a side would be empty, or ``share`` is not from 0 to below 1.

    Examples
    --------
    >>> is_held_out = split_rows(np.array([0, 0, 0, 0, 1, 1, 1, 1]), 0.25, seed=0)
    >>> int(is_held_out[:4].sum()), int(is_held_out[4:].sum())
    (1, 1)
    """
    share = check_number(share, "share", "split_rows", high=1.0)
    rng = check_seed(seed, "split_rows")
    classes = np.zeros(rows, dtype=np.intp) if isinstance(rows, int) else np.asarray(rows)
    is_held_out = np.zeros(len(classes), dtype=bool)
    if not share:
        return is_held_out
    counts = np.bincount(classes)
    n_held_out = _shares(counts, share)
    if not n_held_out.sum():
        raise DataError(
            f"{len(classes)} rows, the largest class of {counts.max(initial=0)}, are too few to "
            f"keep some aside; give more, or {none}"
        )
    order = rng.permutation(len(classes))
    grouped = order[np.argsort(classes[order], kind="stable")]
    starts = np.cumsum(counts) - counts
    for start, count in zip(starts, n_held_out, strict=True):
        is_held_out[grouped[start : start + count]] = True
    return is_held_out


def part_of_rows(
    rows: int | Array, part: int, parts: int, seed: int | np.random.Generator | None = 0
) -> Array:
    """Return a mask of the rows of one fold; each fold has every class in the same proportion.

    Parameters
    ----------
    rows : int or ndarray of int, shape (n,)
        As for `split_rows`.
    part, parts : int
        Index of the fold, counted from 0, and number of folds.
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
    in_fold = np.zeros(len(classes), dtype=bool)
    in_fold[grouped[part::parts]] = True
    return in_fold


def boundary_of_last(rows: int, share: float, where: str) -> int:
    """Return the number of rows in front of the last ones, a share that is held out.

    Raises
    ------
    DataError
        If a side would be empty.

    Examples
    --------
    >>> boundary_of_last(10, 0.25, "fit")
    7
    """
    boundary = int(rows * (1 - share))
    if not 0 < boundary < rows:
        raise DataError(
            f"{where}: validation_split={share} of {rows} samples leaves nothing to "
            f"{'train on' if boundary == 0 else 'validate with'}"
        )
    return boundary


def shuffled(rows: int, n_held_out: int, random_state: int) -> tuple[Array, Array]:
    """Return the numbers of the training rows and of the hold-out, both in random order.

    Examples
    --------
    >>> train, held_out = shuffled(5, 2, random_state=0)
    >>> train.tolist(), held_out.tolist()
    ([1, 3, 4], [2, 0])
    """
    order = np.random.RandomState(random_state).permutation(rows)
    return order[n_held_out:], order[:n_held_out]


def _shares(counts: Array, share: float) -> Array:
    """Return the hold-out's number of rows by class, by the method of largest remainders."""
    most = np.maximum(counts - 1, 0)
    n_rows: Array = np.minimum((share * counts).astype(np.intp), most)
    total = max(1, round(share * int(counts.sum())))
    remainders = np.where(n_rows < most, share * counts - n_rows, -1.0)
    by_remainder = np.argsort(-remainders, kind="stable")
    open_ones = by_remainder[remainders[by_remainder] >= 0]
    n_rows[open_ones[: max(0, total - int(n_rows.sum()))]] += 1
    return n_rows
