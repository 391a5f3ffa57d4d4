"""scikit-learn's network against the same one here, with the same result: `make bench`.

Every run has a process of its own; for chainrule *cold* has an empty cache for machine code, *warm*
is the second fit. Both import all that they need within the time of a cold run of a small fit.
Subjects take turns; each has its best round, since other work on the machine only adds. Writes
`estimators.md` beside this file.
"""

from __future__ import annotations

import argparse
import compileall
import json
import os
import subprocess
import sys
import time
import warnings
from collections.abc import Callable
from typing import Any

from machine import empty_cache, measured_on, results

HERE = os.path.dirname(__file__)
SUBJECTS = ("scikit-learn", "chainrule")
LONGEST = 10.0  # seconds of rounds after which no other begins


def classifier(subject: str) -> Any:
    """Return the class."""
    if subject == "scikit-learn":
        from sklearn.neural_network import MLPClassifier

        return MLPClassifier
    from chainrule.estimators import MLPClassifier

    return MLPClassifier


def timed(call: Callable[[], Any], repeat: int = 1) -> float:
    """Return the seconds of a call."""
    began = time.perf_counter()
    for _ in range(repeat):
        call()
    return (time.perf_counter() - began) / repeat


def fits(make: Callable[[Any], Any], X: Any, y: Any) -> Callable[[str], dict[str, float]]:
    """Return what times a first and a second fit."""

    def run(subject: str) -> dict[str, float]:
        cls = classifier(subject)
        return {kind: timed(lambda: make(cls).fit(X, y)) for kind in ("cold", "warm")}

    return run


def digits() -> Any:
    """Return fits at scikit-learn's defaults."""
    from sklearn.datasets import load_digits

    return fits(lambda cls: cls(random_state=0), *load_digits(return_X_y=True))


def large() -> Any:
    """Return fits of 100,000 × 20."""
    from sklearn.datasets import make_classification

    data = make_classification(100_000, 20, n_informative=10, random_state=0)
    return fits(lambda cls: cls((100,), random_state=0, max_iter=5), *data)


def each_sample() -> Any:
    """Return fits with an update a sample."""
    from sklearn.datasets import load_breast_cancer
    from sklearn.preprocessing import scale

    X, y = load_breast_cancer(return_X_y=True)
    options = {"random_state": 0, "batch_size": 1, "max_iter": 20, "solver": "sgd"}
    return fits(lambda cls: cls((10,), **options), scale(X), y)


def tiny() -> Any:
    """Return what times 50 epochs on iris, all imports included."""

    def run(subject: str) -> dict[str, float]:
        def first() -> None:
            from sklearn.datasets import load_iris

            classifier(subject)(max_iter=50, random_state=0).fit(*load_iris(return_X_y=True))

        return {"cold": timed(first), "warm": timed(first)}

    return run


def grid(search: Callable[[], tuple[Any, Any, dict[str, Any], int]]) -> Any:
    """Return what times a search in a grid of 24 settings, five folds, two processes."""
    from sklearn.model_selection import GridSearchCV

    X, y, settings, epochs = search()

    def run(subject: str) -> dict[str, float]:
        model = classifier(subject)(random_state=0, max_iter=epochs)
        found = GridSearchCV(model, settings, cv=5, n_jobs=2)
        kinds = ("cold", "warm") if subject == "chainrule" else ("warm",)
        return {kind: timed(lambda: found.fit(X, y)) for kind in kinds}

    return run


def wide() -> Any:
    """Return a grid whose fits are matrix products above all: batches of 200 digits."""
    from sklearn.datasets import load_digits

    settings = {
        "alpha": [1e-5, 1e-4, 1e-3, 1e-2], "learning_rate_init": [3e-4, 1e-3, 3e-3],
        "hidden_layer_sizes": [(50,), (100,)],
    }  # fmt: skip
    return *load_digits(return_X_y=True), settings, 60


def narrow() -> Any:
    """Return a grid whose fits are updates above all: small batches of 30 columns."""
    from sklearn.datasets import load_breast_cancer
    from sklearn.preprocessing import scale

    X, y = load_breast_cancer(return_X_y=True)
    settings = {
        "alpha": [1e-4, 1e-2], "learning_rate_init": [3e-4, 1e-3, 3e-3],
        "hidden_layer_sizes": [(50,), (100,)], "batch_size": [16, 32],
    }  # fmt: skip
    return scale(X), y, settings, 80


def predictions(rows: int) -> Any:
    """Return what times probabilities of some rows."""
    import numpy as np
    from sklearn.datasets import load_digits

    X, y = load_digits(return_X_y=True)
    many = np.tile(X, (-(-rows // len(X)), 1))[:rows]

    def run(subject: str) -> dict[str, float]:
        model = classifier(subject)(random_state=0, max_iter=2).fit(X, y)
        model.predict_proba(many)
        calls, repeats = (200, 30) if rows == 1 else (2, 5)
        seconds = (timed(lambda: model.predict_proba(many), calls) for _ in range(repeats))
        return {"warm": min(seconds)}

    return run


# By name: what is timed, and what is aimed at, cold and warm.
WORK: dict[str, tuple[Callable[[], Any], dict[str, float]]] = {
    "digits, defaults": (digits, {"cold": 2, "warm": 5}),
    "100,000 × 20, 5 epochs": (large, {"warm": 4}),
    "breast cancer, batches of 1": (each_sample, {"warm": 50}),
    "grid of 24 settings, 5 folds, 2 processes, batches of 16 and 32": (
        lambda: grid(narrow),
        {"warm": 8},
    ),
    "grid of 24 settings, 5 folds, 2 processes, batches of 200": (lambda: grid(wide), {}),
    "predict_proba, 1 row": (lambda: predictions(1), {"warm": 10}),
    "predict_proba, 100,000 rows": (lambda: predictions(100_000), {"warm": 2}),
    "iris, 50 epochs, imports included": (tiny, {"cold": 1 / 1.2, "warm": 1 / 1.2}),
}


def run(name: str, subject: str) -> dict[str, float]:
    """Return the seconds of a subject, from a process of its own."""
    # Settings for old builds of OpenBLAS would slow this one down.
    env = {
        k: v for k, v in os.environ.items() if k not in ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE")
    }
    with empty_cache() as empty:
        done = subprocess.run(
            [sys.executable, __file__, "--run", name, subject],
            env={**env, "CHAINRULE_CACHE": empty}, stdout=subprocess.PIPE, text=True, check=True,
        )  # fmt: skip
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found


def measured(name: str, rounds: int) -> list[dict[str, dict[str, float]]]:
    """Return what the subjects take in so many rounds, fewer where one takes long."""
    found, began = [], time.perf_counter()
    while len(found) < rounds and (not found or time.perf_counter() - began < LONGEST):
        found.append({subject: run(name, subject) for subject in SUBJECTS})
    return found


def main() -> None:
    """Measure, and write the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--run", nargs=2, metavar=("WORK", "SUBJECT"))
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--quick", action="store_true", help="one round, not to be published")
    parser.add_argument("only", nargs="*", help="beginnings of names")
    given = parser.parse_args()
    if given.run:
        warnings.simplefilter("ignore")
        name, subject = given.run
        print(json.dumps(WORK[name][0]()(subject)))
        return
    import chainrule

    compileall.compile_dir(os.path.dirname(chainrule.__file__), quiet=1)  # as pip does
    lines = ["| | scikit-learn | chainrule | ratio | aim |", "|---|---:|---:|---:|---:|"]
    for name, (_, aims) in WORK.items():
        if given.only and not name.startswith(tuple(given.only)):
            continue
        found = measured(name, 1 if given.quick else given.rounds)
        for kind in found[0]["chainrule"]:
            # scikit-learn compiles nothing: where it ran once, that is its first time as well.
            theirs = min(each["scikit-learn"].get(kind, each["scikit-learn"]["warm"])
                         for each in found)  # fmt: skip
            ours = min(each["chainrule"][kind] for each in found)
            aim = f"{aims[kind]:.3g}" if kind in aims else ""
            lines.append(
                f"| {name}, {kind} | {seconds(theirs)} | {seconds(ours)} | {theirs / ours:.3g} "
                f"| {aim} |"
            )
            print(lines[-1], flush=True)
    where = measured_on("numpy", "scikit-learn", "llvmlite")
    page = results(given.quick or bool(given.only)) / "estimators.md"
    page.write_text("\n".join([where + ".", "", *lines, ""]), encoding="utf-8")


def seconds(value: float) -> str:
    """Return a time with a unit."""
    for unit, size in (("s", 1.0), ("ms", 1e-3)):
        if value >= size:
            return f"{value / size:.3g} {unit}"
    return f"{value * 1e6:.3g} µs"


if __name__ == "__main__":
    main()
