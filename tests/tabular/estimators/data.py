"""Data sets that scikit-learn ships, scaled, with names of classes or several outputs."""

import numpy as np
from sklearn.datasets import (
    load_breast_cancer,
    load_diabetes,
    load_digits,
    load_iris,
    load_wine,
)
from sklearn.preprocessing import StandardScaler

CLASSES = {
    "digits": load_digits, "cancer": load_breast_cancer, "wine": load_wine, "iris": load_iris,
}  # fmt: skip


def classes(name):
    """Return scaled samples, and classes by name."""
    found = CLASSES[name]()
    return StandardScaler().fit_transform(found.data), found.target_names[found.target]


def numbered(name):
    """Return the same with classes by number: scikit-learn before 1.9 scores no others."""
    X, y = classes(name)
    return X, np.unique(y, return_inverse=True)[1]


def several_labels():
    X, y = load_digits(return_X_y=True)
    return X / 16, np.stack([y > 4, y % 2 == 0, y % 3 == 0], axis=1).astype(int)


def diabetes(outputs=1):
    X, y = load_diabetes(return_X_y=True)
    return X * 20, y / 100 if outputs == 1 else np.stack([y / 100, y[::-1] / 50], axis=1)


def deviation(one, other):
    """Return by how much the weights of two networks differ at most."""
    pairs = zip(one.coefs_ + one.intercepts_, other.coefs_ + other.intercepts_, strict=True)
    return max(np.abs(a - b).max() for a, b in pairs)
