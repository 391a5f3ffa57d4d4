"""Short runs called again and again, by the default engine and by each of both: `make bench`.

Every series is a process of its own with an empty cache. Writes `repeated.md` beside this file.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
import warnings
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from machine import empty_cache, measured_on, results

HERE = Path(__file__).parent
WORKLOADS = "ABCDFGHJKLMN"  # for one epoch each
SHOWN = (1, 2, 5, 10, 20)  # calls
LONG = 3.0  # seconds after which a series of one engine alone ends
Series = dict[str, dict[str, list[float]]]  # by workload and engine, seconds of each call


def call_of(key: str, engine: str) -> Callable[[], Any]:
    """Return what is called: an epoch of a workload, or folds of scikit-learn's iris."""
    if key in WORKLOADS:
        import peers
        import workloads

        workload = replace(workloads.WORKLOADS[key], epochs=1)
        train = peers.chainrule(workload, engine)
        return lambda: train(1)
    from sklearn.datasets import load_iris
    from sklearn.model_selection import GridSearchCV, cross_val_score

    import chainrule as cr

    X, y = load_iris(return_X_y=True)
    model = cr.estimators.MLPClassifier((50,), random_state=0, max_iter=60, engine=engine)
    if key == "cross_val_score":
        return lambda: cross_val_score(model, X, y, cv=3)
    grid = {"alpha": [1e-4, 1e-2], "learning_rate_init": [1e-3, 1e-2]}
    return lambda: GridSearchCV(model, grid, cv=3).fit(X, y)


def series_here(key: str, engine: str) -> list[float]:
    """Return the seconds of call after call."""
    warnings.simplefilter("ignore")
    call, seconds = call_of(key, engine), list[float]()
    while len(seconds) < max(SHOWN):
        began = time.perf_counter()
        call()
        seconds.append(time.perf_counter() - began)
        if engine != "auto" and len(seconds) > 2 and sum(seconds) > LONG:
            break
    return seconds


def series(key: str, engine: str) -> list[float]:
    """Return the same from a new process with an empty cache."""
    with empty_cache() as folder:
        env = {**os.environ, "CHAINRULE_CACHE": folder}
        done = subprocess.run(
            [sys.executable, __file__, "--run", key, engine],
            env=env, stdout=subprocess.PIPE, text=True, check=True,
        )  # fmt: skip
    seconds: list[float] = json.loads(done.stdout.splitlines()[-1])
    return seconds


def table(found: Series) -> Iterator[str]:
    """Yield the lines: a workload's calls by default, and by how much the better engine wins."""
    heads = " | ".join(f"call {call}" for call in SHOWN)
    yield f"| milliseconds | NumPy | compiled | {heads} | × the better, call 10 | call 20 |"
    yield f"|---|---|---|{'---|' * len(SHOWN)}---|---|"
    for key, by_engine in found.items():
        warm = {e: statistics.median(by_engine[e][1:]) for e in ("numpy", "compiled")}
        better = min(warm.values())
        calls = [by_engine["auto"][call - 1] for call in SHOWN]
        cells = " | ".join(f"{1e3 * s:.3g}" for s in (*warm.values(), *calls))
        # One call may fall together with something else: the median of three around it counts.
        around = [statistics.median(by_engine["auto"][call - 2 : call + 1]) for call in (10, 20)]
        yield f"| {title(key)} | {cells} | {' | '.join(f'{s / better:.2f}' for s in around)} |"


def title(key: str) -> str:
    """Return what a workload is called."""
    if key not in WORKLOADS:
        return f"{key}, iris, 60 epochs at most"
    import workloads

    return workloads.WORKLOADS[key].title


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", help="workloads, by their letters")
    parser.add_argument("--out", type=Path, help="folder for the results")
    parser.add_argument("--run", nargs=2, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.run:
        print(json.dumps(series_here(*given.run)))
        return
    found: Series = {}
    for key in given.only or [*WORKLOADS, "cross_val_score", "GridSearchCV"]:
        print(f"{key} ...", file=sys.stderr, flush=True)
        found[key] = {engine: series(key, engine) for engine in ("numpy", "compiled", "auto")}
    machine = measured_on("numpy", "llvmlite", "scikit-learn")
    text = "\n".join([f"{machine}.", "", *table(found), ""])
    print(text)
    ((given.out or results(bool(given.only))) / "repeated.md").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
