"""Many models: the lab's network on the digits at many learning rates, and peers: `make bench`.

Every subject trains networks of 64-10-10 units, one sample an update, 15 epochs, and scores each on
digits kept aside. Peers that are slow train fewer, and the time of a model is compared. Each has a
process of its own and begins with nothing compiled. Writes `many.md` beside this file.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from machine import empty_cache, measured_on, results

HERE = Path(__file__).parent
EPOCHS, KEPT = 15, 270
LOW, HIGH = 0.01, 1.0


def digits() -> Any:
    """Return the digits, scaled, as a training and a test set."""
    from sklearn.datasets import load_digits

    X, y = load_digits(return_X_y=True)
    X = (X / 16).astype(np.float32)
    return X[:-KEPT], y[:-KEPT], X[-KEPT:], y[-KEPT:]


def rates(models: int) -> list[float]:
    """Return learning rates, on a logarithmic scale."""
    return np.geomspace(LOW, HIGH, models).tolist()


def lab(lr: float) -> Any:
    """Return the lab's network."""
    import chainrule as cr

    model = cr.Sequential(
        [cr.layers.Dense(10, activation="sigmoid"), cr.layers.Dense(10, activation="softmax")]
    )
    model.compile(cr.optimizers.SGD(lr), "sparse_categorical_crossentropy", ["accuracy"])
    return model


def swept(models: int) -> float:
    """Train by `cr.sweep`; return the best accuracy."""
    import chainrule as cr

    X, y, X_test, y_test = digits()
    result = cr.sweep(
        lab, {"lr": cr.sweeps.LogUniform(LOW, HIGH)}, X, y, models=models, epochs=EPOCHS,
        batch_size=1, validation_data=(X_test, y_test), monitor="val_accuracy", verbose=0,
    )  # fmt: skip
    return float(result.best.score)


def theirs(rate: float) -> Any:
    """Return scikit-learn's network like the lab's."""
    from sklearn.neural_network import MLPClassifier

    return MLPClassifier(
        (10,), activation="logistic", solver="sgd", momentum=0.0, alpha=0.0, batch_size=1,
        learning_rate_init=rate, max_iter=EPOCHS, n_iter_no_change=EPOCHS, random_state=0,
    )  # fmt: skip


def grid_search(models: int) -> float:
    """Train scikit-learn's networks by its grid search, in two processes."""
    import warnings

    from sklearn.model_selection import GridSearchCV, PredefinedSplit

    warnings.simplefilter("ignore")
    X, y, X_test, y_test = digits()
    kept = PredefinedSplit([-1] * len(X) + [0] * len(X_test))
    search = GridSearchCV(
        theirs(0.1), {"learning_rate_init": rates(models)}, cv=kept, n_jobs=2, refit=False
    )
    search.fit(np.concatenate([X, X_test]), np.concatenate([y, y_test]))
    return float(search.best_score_)


def optuna(models: int) -> float:
    """Train scikit-learn's networks by Optuna."""
    import warnings

    import optuna as package

    warnings.simplefilter("ignore")
    package.logging.set_verbosity(package.logging.ERROR)
    X, y, X_test, y_test = digits()

    def objective(trial: Any) -> float:
        model = theirs(trial.suggest_float("rate", LOW, HIGH, log=True)).fit(X, y)
        return float(model.score(X_test, y_test))

    study = package.create_study(direction="maximize")
    study.optimize(objective, models, n_jobs=2)
    return float(study.best_value)


def jax(models: int) -> float:
    """Train all networks in one program: `jax.vmap` around a `jax.lax.scan`."""
    import jax as package
    import jax.numpy as jnp

    X, y, X_test, y_test = digits()
    rng = np.random.default_rng(0)
    start = {
        "W_h": rng.normal(size=(64, 10)) / 8, "b_h": np.zeros(10),
        "W_o": rng.normal(size=(10, 10)) / 4, "b_o": np.zeros(10),
    }  # fmt: skip
    start = {name: jnp.asarray(w, jnp.float32) for name, w in start.items()}

    def logits(params: Any, X: Any) -> Any:
        h = package.nn.sigmoid(X @ params["W_h"] + params["b_h"])
        return h @ params["W_o"] + params["b_o"]

    def loss(params: Any, x: Any, label: Any) -> Any:
        return -package.nn.log_softmax(logits(params, x))[label]

    def accuracy(rate: Any, order: Any) -> Any:
        def update(params: Any, row: Any) -> Any:
            gradient = package.grad(loss)(params, X_all[row], y_all[row])
            return package.tree.map(lambda w, g: w - rate * g, params, gradient), None

        params, _ = package.lax.scan(update, start, order)
        return jnp.mean(jnp.argmax(logits(params, X_test), -1) == y_test)

    X_all, y_all = jnp.asarray(X), jnp.asarray(y)
    order = np.concatenate([rng.permutation(len(X)) for _ in range(EPOCHS)])
    found = package.jit(package.vmap(accuracy, in_axes=(0, None)))(
        jnp.asarray(rates(models)), order
    )
    return float(jnp.max(found))


SUBJECTS: dict[str, tuple[Callable[[int], float], int]] = {
    "chainrule": (swept, 1000),
    "chainrule, 10,000": (swept, 10_000),
    "JAX vmap": (jax, 1000),
    "GridSearchCV, 2 jobs, scikit-learn's network": (grid_search, 8),
    "Optuna, 2 threads, scikit-learn's network": (optuna, 8),
}


def measured(subject: str, models: int) -> dict[str, float]:
    """Return the seconds of a subject and its best accuracy, from a process of its own."""
    with empty_cache() as cache:
        command = [sys.executable, __file__, "--run", subject, "--models", str(models)]
        done = subprocess.run(
            command, capture_output=True, text=True, check=True, env=_environment(cache)
        )
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found


def _environment(cache: str) -> dict[str, str]:
    import os

    return {**os.environ, "CHAINRULE_CACHE": cache, "JAX_PLATFORMS": "cpu"}


def overhead() -> dict[int, float]:
    """Return what a model takes besides its updates, in µs, for numbers of models."""
    import chainrule as cr

    X, y, X_test, y_test = digits()
    found = {}
    for models in (1000, 10_000, 100_000):
        began = time.process_time()
        cr.sweep(
            lab, {"lr": cr.sweeps.LogUniform(LOW, HIGH)}, X[:1], y[:1], models=models, epochs=1,
            batch_size=1, validation_data=(X_test[:1], y_test[:1]), monitor="val_accuracy",
            verbose=0, workers=1,
        )  # fmt: skip
        found[models] = (time.process_time() - began) / models * 1e6
    return found


def main() -> None:
    """Measure all subjects, and write the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--run", choices=SUBJECTS)
    parser.add_argument("--models", type=int)
    parser.add_argument("--quick", action="store_true")
    options = parser.parse_args()
    if options.run:
        digits()  # imports what all of them need
        began = time.perf_counter()
        best = SUBJECTS[options.run][0](options.models)
        print(json.dumps({"seconds": time.perf_counter() - began, "best": best}))
        return
    lines = ["| what | models | seconds | ms a model | × chainrule's | best accuracy |",
             "|---|---|---|---|---|---|"]  # fmt: skip
    ours = None
    for subject, (_, models) in SUBJECTS.items():
        models = max(4, models // 50) if options.quick else models
        found = measured(subject, models)
        each = found["seconds"] / models * 1e3
        ours = ours or each
        lines.append(
            f"| {subject} | {models:,} | {found['seconds']:.2f} | {each:.2f} | {each / ours:.2f} | "
            f"{found['best']:.3f} |"
        )
        print(lines[-1], flush=True)
    more = ", ".join(f"{each:.0f} µs of {models:,}" for models, each in overhead().items())
    lines += ["", f"A model's share of all but updates: {more} (processor time, one thread)."]
    place = measured_on("chainrule", "numpy", "scikit-learn", "jax", "optuna")
    text = "\n".join([f"{place}.", "", *lines]) + "\n"
    (results(options.quick) / "many.md").write_text(text, encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main()
