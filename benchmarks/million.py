"""Training and evaluation from a file of a million rows, against scikit-learn's pipeline.

``python benchmarks/million.py`` writes tables of numbers and categories as CSV and Parquet files,
trains a network of 64 units for some epochs and evaluates it on the same file, by the command line
and by pandas with scikit-learn's pipeline, each in a process of its own, in turns. It prints
processor time and the largest amount of memory that a process took (``VmHWM``, on Linux alone).
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

SHAPES = {43: (35, 1, 8), 230: (30, 8, 25)}  # by features: numbers, categories, values of each
EPOCHS, BATCH, UNITS = 1, 256, 64
MODEL = {"chainrule": ".safetensors", "scikit-learn": ".joblib"}


def write(folder: Path, features: int, rows: int) -> None:
    """Write a table of two classes as a CSV and a Parquet file, in pieces."""
    import pyarrow as pa
    from pyarrow import csv, parquet

    numbers, texts, values = SHAPES[features]
    rng, writers = np.random.default_rng(0), []
    for start in range(0, rows, 50_000):
        count = min(50_000, rows - start)
        X = rng.normal(size=(count, numbers)).round(4)
        codes = rng.integers(values, size=(count, texts))
        y = X[:, 0] * X[:, 1] + np.sin(codes[:, 0]) > 0.3
        table = pa.table(
            {f"x{j}": X[:, j] for j in range(numbers)}
            | {f"c{j}": pa.array([f"value {c}" for c in codes[:, j]]) for j in range(texts)}
            | {"y": pa.array(np.where(y, "yes", "no"))}
        )
        writers = writers or [
            csv.CSVWriter(folder / "rows.csv", table.schema),
            parquet.ParquetWriter(folder / "rows.parquet", table.schema),
        ]
        for writer in writers:
            writer.write_table(table)
    for writer in writers:
        writer.close()


def ours(verb: str, path: Path) -> None:
    """Train or evaluate by the command line."""
    from chainrule.__main__ import main

    model = str(path.with_suffix(MODEL["chainrule"]))
    options = ["--recipe", "mlp", "--hidden", str(UNITS), "--epochs", str(EPOCHS)]
    options += ["--batch-size", str(BATCH), "--target", "y", "-o", model]
    arguments = [str(path), *options] if verb == "train" else [model, str(path)]
    sys.argv = ["chainrule", verb, *arguments]
    main()


def theirs(verb: str, path: Path) -> None:
    """Train or evaluate scikit-learn's pipeline on a frame of pandas."""
    import joblib
    import pandas as pd
    from sklearn import metrics
    from sklearn.compose import make_column_selector, make_column_transformer
    from sklearn.model_selection import train_test_split
    from sklearn.neural_network import MLPClassifier
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder, StandardScaler

    frame = (pd.read_csv if path.suffix == ".csv" else pd.read_parquet)(path)
    X, y = frame.drop(columns="y"), frame["y"]
    kept = path.with_suffix(MODEL["scikit-learn"])
    if verb == "train":
        X, X_test, y, y_test = train_test_split(X, y, test_size=0.2, random_state=0, stratify=y)
        first = make_column_transformer(
            (StandardScaler(), make_column_selector(dtype_include="number")),
            (OneHotEncoder(handle_unknown="ignore"), make_column_selector(dtype_exclude="number")),
        )
        network = MLPClassifier((UNITS,), max_iter=EPOCHS, batch_size=BATCH, random_state=0)
        model = make_pipeline(first, network).fit(X, y)
        joblib.dump(model, kept)
        X, y = X_test, y_test
    else:
        model = joblib.load(kept)
    output = model.predict_proba(X)
    labels = model.classes_[output.argmax(axis=1)]
    print(metrics.classification_report(y, labels), metrics.confusion_matrix(y, labels))
    print(metrics.log_loss(y, output), metrics.roc_auc_score(y == model.classes_[1], output[:, 1]))


def measured(who: str, verb: str, path: Path) -> dict[str, float]:
    """Return the figures of a process of its own."""
    command = [sys.executable, __file__, "--one", who, verb, str(path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(done.stderr)
    found: dict[str, float] = json.loads(done.stdout.strip().splitlines()[-1])
    return found


def one(who: str, verb: str, path: Path) -> None:
    """Do one thing in this process; print its figures as the last line."""
    try:
        {"chainrule": ours, "scikit-learn": theirs}[who](verb, path)
    except SystemExit as end:
        if end.code:
            raise
    status = Path("/proc/self/status")
    peak = re.search(r"VmHWM:\s+(\d+)", status.read_text("utf-8")) if status.exists() else None
    gigabytes = int(peak[1]) * 1024 / 1e9 if peak else float("nan")
    print(json.dumps({"cpu": time.process_time(), "GB": gigabytes}))


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--rows", type=int, default=1_000_000)
    options.add_argument("--features", type=int, nargs="*", default=list(SHAPES))
    options.add_argument("--verbs", nargs="*", default=["train", "evaluate"])
    options.add_argument("--times", type=int, default=3, help="runs, of which the median counts")
    options.add_argument("--folder", type=Path, help="of the files; by default a temporary one")
    options.add_argument("--one", nargs=3, help=argparse.SUPPRESS)
    given = options.parse_args()
    if given.one:
        one(given.one[0], given.one[1], Path(given.one[2]))
        return
    with tempfile.TemporaryDirectory() as temporary:
        for features in given.features:
            folder = (given.folder or Path(temporary)) / str(features)
            if not folder.exists():
                folder.mkdir(parents=True)
                write(folder, features, given.rows)
            for kind in "csv", "parquet":
                for verb in given.verbs:
                    compare(verb, folder / f"rows.{kind}", features, given.times)


def compare(verb: str, path: Path, features: int, times: int) -> None:
    """Print the medians of both, measured in turns."""
    runs: dict[str, list[Any]] = {"chainrule": [], "scikit-learn": []}
    for _ in range(times):
        for who, figures in runs.items():
            figures.append(measured(who, verb, path))
    (cpu, peak), (other, other_peak) = (
        [float(np.median([each[key] for each in figures])) for key in ("cpu", "GB")]
        for figures in runs.values()
    )
    print(
        f"{features} features, {path.suffix[1:]}, {verb}: {cpu:.1f} s and {peak:.2f} GB; "
        f"scikit-learn {other:.1f} s and {other_peak:.2f} GB; {other / cpu:.2f} × as fast",
        flush=True,
    )


if __name__ == "__main__":
    main()
