"""Compare Dask's estimators on eight shards with one machine: ``python benchmarks/local_steps.py``.

Each table is trained by five seeds with the defaults of `DaskMLPClassifier` on eight shards, and as
one shard; the mean accuracy on a quarter of the rows is printed by epoch. With ``--workers`` the
weights of 2, 4 and 8 workers are compared bit by bit with those of this process.
"""

from __future__ import annotations

import argparse
import warnings
from typing import Any

import numpy as np
from sklearn.datasets import load_breast_cancer, load_digits
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import scale

import chainrule as cr

TABLES = {"digits": load_digits, "breast cancer": load_breast_cancer}
EPOCHS = 20  # of one machine


def table(name: str, seed: int) -> Any:
    """Return the rows of training and of testing, scaled."""
    X, y = TABLES[name](return_X_y=True)
    return train_test_split(scale(X).astype(np.float32), y, random_state=seed, stratify=y)


def accuracies(name: str, seed: int, shards: int) -> list[float]:
    """Return the accuracy after each of one and a half times `EPOCHS`."""
    X, X_test, y, y_test = table(name, seed)
    model = cr.estimators.DaskMLPClassifier(
        max_iter=EPOCHS * 3 // 2, shards=shards, n_workers=0, random_state=seed
    )
    model.fit(X, y, validation_data=(X_test, y_test))
    return [float(each) for each in model.history_["val_accuracy"]]


def weights(workers: int) -> list[bytes]:
    """Return the weights after three epochs of the digits."""
    X, _, y, _ = table("digits", 0)
    model = cr.estimators.DaskMLPClassifier(max_iter=3, n_workers=workers, random_state=0)
    return [each.tobytes() for each in model.fit(X, y).model_.get_weights()]


def main() -> None:
    """Print the curves, and whether the workers agree."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--workers", action="store_true")
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    for name in TABLES:
        one, eight = (
            np.array([accuracies(name, seed, shards) for seed in range(options.seeds)])
            for shards in (1, 8)
        )
        goal, rows = one[:, EPOCHS - 1].mean(), len(table(name, 0)[3])
        noise = 2 * np.sqrt(goal * (1 - goal) / rows / options.seeds)
        reached = np.flatnonzero(eight.mean(axis=0) >= goal - noise)
        epoch = int(reached[0]) + 1 if len(reached) else None
        print(f"{name}: one machine {goal:.4f} ± {noise:.4f} in {EPOCHS} epochs; eight shards "
              f"{eight[:, EPOCHS - 1].mean():.4f}, in {eight.shape[1]} epochs "
              f"{eight[:, -1].mean():.4f}; within the noise from epoch {epoch}")  # fmt: skip
        for epoch in (5, 10, 15, 20, 25, 30):
            print(f"  {epoch:2}: {one[:, epoch - 1].mean():.4f} {eight[:, epoch - 1].mean():.4f}")
    if options.workers:
        here = weights(0)
        for count in (2, 4, 8):
            print(f"{count} workers: {'same bits' if weights(count) == here else 'OTHER BITS'}")


if __name__ == "__main__":
    main()
