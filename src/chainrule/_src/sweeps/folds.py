"""Split the samples of a sweep into training and validation samples."""

from __future__ import annotations

from typing import Any

import numpy as np

from chainrule._src.base.arrays import as_floats, refuse_foreign
from chainrule._src.base.errors import DataError, OptionError
from chainrule._src.base.extras import needs
from chainrule._src.base.validation import check_number
from chainrule._src.data.preprocessing.splitting import split_rows
from chainrule._src.nn.training.supply import gives_batches
from chainrule._src.sweeps.building import SEEDS, Fold, Samples
from chainrule._src.sweeps.grouped import GroupedRows, are_in_parts


def samples_of(X: Any, y: Any, weight: Any = None) -> Samples:
    """Return samples, targets and, if there are any, weights; those of files stay on disk.

    Raises
    ------
    DataError, FileError
        If there are none, or not equally many of each; if the weights are not one number of at
        least 0 a sample, some above 0.
    """
    if are_in_parts(X):
        rows = GroupedRows.of(X, y, weight)
        if weight is not None:
            _checked_weights(rows.targets[1], rows.targets[0])
        return rows
    X, y = _arrays(X, y)
    return (X, y) if weight is None else (X, y, _checked_weights(weight, y))


def _checked_weights(weight: Any, y: Any) -> Any:
    weight = as_floats(weight, "sample_weight", "sweep")
    if weight.shape != np.shape(y)[:1] or not (weight >= 0).all() or not weight.any():
        raise DataError(
            "sweep: sample_weight must hold one number of at least 0 a sample, some above 0, "
            f"received shape {weight.shape} for {len(y)} samples"
        )
    return weight


def folds_of(
    samples: Samples, *, cv: Any, groups: Any, validation_data: Any, share: float, seed: int
) -> list[Fold]:
    """Return the folds; see `sweep` for the meaning of the arguments.

    Raises
    ------
    DataError, OptionError
        If the data cannot be split in this way.
    """
    if validation_data is not None and cv is groups is None:  # targets need not be read
        if not isinstance(validation_data, tuple | list) or len(validation_data) not in (2, 3):
            raise DataError("sweep: validation_data must be (X, y) or (X, y, sample_weight)")
        return [Fold(samples, samples_of(*validation_data))]
    y = samples.targets[0] if isinstance(samples, GroupedRows) else samples[1]
    if validation_data is None and len(y) < 2:
        raise DataError(
            "sweep: one sample cannot be divided into those to train on and those to score on; "
            "give more, or validation_data=(X, y)"
        )
    if groups is not None and np.shape(groups) != (len(y),):
        raise DataError(
            f"sweep: groups must hold one value a sample, {len(y)}, received shape "
            f"{np.shape(groups)}"
        )
    if cv is not None:
        if validation_data is not None:
            raise OptionError("cv", "holds samples back by itself; leave validation_data out")
        return _crossed(samples, y, cv, groups, seed)
    if groups is not None:
        raise OptionError("groups", "are for cross-validation; give cv=5, or a splitter")
    share = check_number(share, "validation_split", "sweep", strict=True, high=1.0)
    labels = _labels(y)
    is_validation = split_rows(len(y) if labels is None else labels, share, seed)
    return [Fold(_rows(samples, ~is_validation), _rows(samples, is_validation))]


def _crossed(samples: Samples, y: Any, cv: Any, groups: Any, seed: int) -> list[Fold]:
    X = np.empty((len(y), 0)) if isinstance(samples, GroupedRows) else samples[0]
    with needs("cross-validation", "tables", "sklearn"):
        from sklearn import model_selection

    if isinstance(cv, str) or (isinstance(cv, int | np.integer) and cv < 2):
        raise OptionError(
            "cv", f"must be a number of parts, at least 2, or a splitter, received {cv!r}"
        )
    if isinstance(cv, int | np.integer):
        stratified = _labels(y) is not None
        if groups is not None:
            kind = "StratifiedGroupKFold" if stratified else "GroupKFold"
        else:
            kind = "StratifiedKFold" if stratified else "KFold"
        cv = getattr(model_selection, kind)(int(cv), shuffle=True, random_state=seed % SEEDS)
    try:
        if not hasattr(cv, "split"):
            cv = model_selection.check_cv(cv)
        parts = list(cv.split(X, y, groups))
    except (TypeError, ValueError) as error:
        raise OptionError("cv", str(error)) from error
    return [Fold(_rows(samples, train), _rows(samples, validation)) for train, validation in parts]


def _arrays(X: Any, y: Any) -> tuple[Any, Any]:
    for each, name in ((X, "X"), (y, "y")):
        refuse_foreign(each, name, "sweep", frames=False)
    if gives_batches(X):
        raise DataError(
            "sweep: X must be arrays, files or Dask's collections, whose rows are divided and read "
            "anew for each model; an iterable of batches cannot be divided"
        )
    X, y = (each if hasattr(each, "iloc") else np.asarray(each) for each in (X, y))
    if X.ndim == 0 or y.ndim == 0 or len(X) != len(y) or not len(X):
        raise DataError(
            "sweep: X and y must hold equally many samples, at least one, received shapes "
            f"{X.shape} and {y.shape}"
        )
    return X, y


def _rows(samples: Samples, rows: Any) -> Samples:
    if isinstance(samples, GroupedRows):
        return samples.chosen(rows)
    return tuple(part.iloc[rows] if hasattr(part, "iloc") else part[rows] for part in samples)


def _labels(y: Any) -> Any:
    """Return classes as codes from 0; None unless ``y`` has several classes of several samples."""
    values = np.asarray(y)
    if values.ndim != 1 or values.dtype.kind not in "iubUSO":
        return None
    classes, labels, counts = np.unique(values, return_inverse=True, return_counts=True)
    return labels if len(classes) > 1 and counts.min() > 1 else None
