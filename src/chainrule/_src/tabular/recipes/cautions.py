"""Notes on data that may not mean what they seem to: spellings, equal rows, leaks of the target."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

import numpy as np

from chainrule._src.base.arrays import Array
from chainrule._src.base.errors import listed
from chainrule._src.data.preprocessing import OneHot
from chainrule._src.data.preprocessing.digests import digests
from chainrule._src.data.preprocessing.values import as_option, quote, quoted
from chainrule._src.data.tables import TrainingData

EQUAL = 0.01  # share of equal rows that is told
LEAST = 30  # rows from which on a column that tells the target is no accident
ROWS = 2_000  # that are looked at for such columns, at most
MOST = 1000  # features that are looked at, at most


def cautions(data: TrainingData, of_rows: Array) -> list[str]:
    """Return notes on categories, rows and columns that a user should look at.

    ``of_rows`` are the digests of the rows of training.
    """
    return [*_spellings(data), *_equal_rows(data, of_rows), *_leaks(data)]


def _spellings(data: TrainingData) -> Iterator[str]:
    """Yield a note on each column whose categories or classes differ in case or spaces alone."""
    target, steps = data.preprocessor.target, data.preprocessor.steps
    categories = {step.name: step.categories for step in steps if isinstance(step, OneHot)}
    for column, texts in {**categories, target.name: target.classes}.items():
        groups: dict[str, list[str]] = defaultdict(list)
        for category in texts:
            groups[" ".join(category.split()).casefold()].append(category)
        equivalent = [names for names in groups.values() if len(names) > 1]
        if equivalent:
            more = f", and {len(equivalent) - 1:,} more such groups" if len(equivalent) > 1 else ""
            first = equivalent[0]
            yield (
                f"column {quote(column)}: {quoted(first)} are {len(first)} categories, which "
                f"differ in case or spaces alone{more}; write alike what means the same"
            )


def _equal_rows(data: TrainingData, first: Array) -> Iterator[str]:
    """Yield a note on rows that are equal, and on those that are kept aside as well."""
    n_equal = len(first) - len(np.unique(first))
    if n_equal < EQUAL * len(first):
        return
    aside = int(np.isin(digests(data.X_val, data.y_val), first).sum())
    beside = f"; {aside:,} of the rows kept aside are among them, so that scores flatter"
    yield (
        f"{n_equal:,} of {len(first):,} rows of training have the features and the target of "
        f"another row{beside * (aside > 0)}"
    )


def _leaks(data: TrainingData) -> Iterator[str]:
    """Yield a note on columns each of which tells the target by itself."""
    X, y, at = data.X_train[:ROWS], data.y_train[:ROWS], 0
    first = np.unique(digests(X, y), return_index=True)[1]  # equal rows would count as evidence
    X, y = X[first], y[first]
    if len(X) < LEAST or data.preprocessor.width > MOST:
        return
    names = []
    for step in data.preprocessor.steps:
        part = X[:, at : at + step.width]
        is_code = isinstance(step, OneHot)
        is_class = bool(data.preprocessor.target.classes)
        if _names_target(part, y) if is_code else _sorts(part, y, is_class):
            names.append(step.name)
        at += step.width
    if names:
        yield (
            f"{listed(map(quote, names), 5)}: {'each' if len(names) > 1 else 'it'} alone tells the "
            f"target {quote(data.preprocessor.target.name)} in all of {len(X):,} rows: a copy, "
            "or an id by which the rows are sorted? If it is not known before the target is, "
            f"leave it out: --drop {as_option(names)}"
        )


def _names_target(codes: Array, y: Array) -> bool:
    """Return true if each category has rows of one class alone, or of one quantity."""
    code = codes.argmax(axis=1)
    n_codes = len(np.unique(code))
    if n_codes < 2 or (len(np.unique(y)) < 2) or 3 * n_codes > len(y):
        return False
    pairs = np.unique(np.stack([code, y.astype(np.float64)]), axis=1).shape[1]
    return bool(pairs == n_codes)


def _sorts(part: Array, y: Array, is_class: bool) -> bool:
    """Return true if rows sorted by one feature have the classes, or quantities, in order."""
    return any(_is_sorted(x, y, is_class) for x in part.T[:3])


def _is_sorted(x: Array, y: Array, is_class: bool) -> bool:
    order = np.lexsort([y, x])
    x, y = x[order], y[order]
    if not is_class:
        steps = np.diff(y)
        return bool(x[0] != x[-1] and ((steps >= 0).all() or (_falling(x, y))))
    changes = np.flatnonzero(np.diff(y))
    is_between = (x[changes] != x[changes + 1]).all()
    return bool(is_between and len(changes) == len(np.unique(y)) - 1 and len(changes))


def _falling(x: Array, y: Array) -> bool:
    order = np.lexsort([-y, x])
    return bool((np.diff(y[order]) <= 0).all())
