"""Data sets of scikit-learn; for others, an error says how to get the data.

Examples
--------
>>> from chainrule import keras
>>> (x_train, y_train), (x_test, y_test) = keras.datasets.iris.load_data(test_split=0.2)
>>> x_train.shape, x_test.shape
((120, 4), (30, 4))
"""

from __future__ import annotations

import os
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np

from chainrule._src.base.errors import DataError
from chainrule._src.base.extras import needs

Pairs = tuple[tuple[Any, Any], tuple[Any, Any]]

_SHIPPED = ("breast_cancer", "diabetes", "digits", "iris", "wine")
_ARRAYS = {"mnist": "mnist.npz", "boston_housing": "boston_housing.npz",
           "california_housing": "california_housing.npz"}  # fmt: skip
_SOURCE = "https://storage.googleapis.com/tensorflow/tf-keras-datasets/"
_ELSEWHERE = ("cifar10", "cifar100", "fashion_mnist", "imdb", "reuters")


NAMES = (*_SHIPPED, *_ARRAYS, *_ELSEWHERE)


def _shipped(name: str) -> Any:
    """Return a data set of scikit-learn with the interface of Keras's modules."""

    def load_data(test_split: float = 0.2, seed: int = 113) -> Pairs:
        """Return ``(x_train, y_train), (x_test, y_test)``, in an order drawn with the seed.

        Parameters
        ----------
        test_split : float, default 0.2
            Share of the samples in the second pair.
        seed : int, default 113
            Seed of the order.

        Raises
        ------
        MissingDependencyError
            If scikit-learn is not installed.
        """
        with needs(f"datasets.{name}", "tables", "sklearn"):
            import sklearn.datasets

        dataset = getattr(sklearn.datasets, f"load_{name}")()
        x = dataset.images if name == "digits" else dataset.data
        order = np.random.default_rng(seed).permutation(len(x))
        train, test = np.split(order, [int(len(x) * (1 - test_split))])
        return (x[train], dataset.target[train]), (x[test], dataset.target[test])

    return SimpleNamespace(load_data=load_data)


def _stored(name: str, file: str) -> Any:
    """Return a data set from a file that Keras or the user has downloaded."""

    def load_data(
        path: Any = file, test_split: float = 0.2, seed: int = 113, **options: Any
    ) -> Pairs:
        """Return ``(x_train, y_train), (x_test, y_test)`` from a ``.npz`` file.

        Parameters
        ----------
        path : path-like
            The file, or its name in Keras's folder ``~/.keras/datasets``.
        test_split : float, default 0.2
            Share of the samples in the second pair, if the file has one part only.
        seed : int, default 113
            Seed of the order, if the file has one part only.
        **options : ignored
            Accepted for compatibility with Keras.

        Raises
        ------
        DataError
            If there is no such file.
        """
        home = os.path.expanduser("~")  # "~" where there is none
        paths = [Path(path), Path(home, ".keras", "datasets", Path(path).name)]
        source = next((each for each in paths if each.is_file()), None)
        if source is None:
            raise DataError(
                f"datasets.{name}: nothing is downloaded behind your back; put {_SOURCE}{file} to "
                f"{paths[1]}, or give its path; sklearn.datasets has others "
                "(chainrule.keras.datasets.digits is here)"
            )
        with np.load(source, allow_pickle=False) as arrays:
            if "x_train" in arrays:
                return (
                    (arrays["x_train"], arrays["y_train"]), (arrays["x_test"], arrays["y_test"]),
                )  # fmt: skip
            x, y = arrays["x"], arrays["y"]
        order = np.random.RandomState(seed).permutation(len(x))
        train, test = np.split(order, [int(len(x) * (1 - test_split))])
        return (x[train], y[train]), (x[test], y[test])

    return SimpleNamespace(load_data=load_data)


def _elsewhere(name: str) -> Any:
    def load_data(*args: Any, **options: Any) -> Pairs:
        """Raise an error that says how to get the data."""
        raise DataError(
            f"datasets.{name}: nothing is downloaded behind your back, and Keras's file holds "
            f"pickled objects, which are not loaded; sklearn.datasets.fetch_openml({name!r}) or "
            "your own files give arrays; chainrule.keras.datasets.digits is here"
        )

    return SimpleNamespace(load_data=load_data)


def __getattr__(name: str) -> Any:
    if name in _SHIPPED:
        return _shipped(name)
    if name in _ARRAYS:
        return _stored(name, _ARRAYS[name])
    if name in _ELSEWHERE:
        return _elsewhere(name)
    raise AttributeError(f"chainrule.keras.datasets has no {name!r}; there are {', '.join(NAMES)}")
