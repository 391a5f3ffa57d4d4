"""Data sets, split and scaled, ready to train on."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import Any

import numpy as np

from chainrule._src.base.arrays import Array
from chainrule._src.base.errors import DataError, ShapeError
from chainrule._src.base.extras import needs
from chainrule._src.base.showing import Shown
from chainrule._src.base.validation import check_features
from chainrule._src.data.preprocessing.splitting import shuffled

__all__ = ["DIGITS", "Digits", "load_digits"]

DIGITS = Path(__file__).with_name("assets") / "digits.csv.gz"


@dataclass(frozen=True, repr=False)
class Digits(Shown):
    """Holds scikit-learn's handwritten digits, split and standardised as in the lab.

    Parameters
    ----------
    X_train, X_test : ndarray of float32, shapes (1527, 64) and (270, 64)
        Pixels, standardised to mean 0 and standard deviation 1 over the training set. Pixels that
        never vary stay 0.
    y_train, y_test : ndarray of int32
        Labels 0 … 9.
    images : ndarray, shape (1797, 8, 8)
        Every original image, ink from 0 to 16.
    target : ndarray of int32, shape (1797,)
        Labels of the images.
    mean, scale : ndarray of float64, shape (64,)
        Mean of each pixel, which was subtracted, and the scale by which it was divided.

    Examples
    --------
    >>> digits = load_digits()
    >>> digits.n_features, digits.n_classes
    (64, 10)
    >>> digits.image(digits.X_train[0]).round().astype(int)[0]  # ink in the first row of pixels
    array([ 0,  5, 16, 15,  3,  0,  0,  0])
    """

    X_train: Array
    X_test: Array
    y_train: Array
    y_test: Array
    images: Array
    target: Array
    mean: Array
    scale: Array

    @cached_property
    def scaler(self) -> Any:
        """The standardisation of the pixels as scikit-learn's ``StandardScaler``."""
        with needs("the digits' scaler", "tables", "sklearn"):
            from sklearn.preprocessing import StandardScaler

        scaler = StandardScaler()
        scaler.mean_, scaler.scale_, scaler.var_ = self.mean, self.scale, self.scale**2
        scaler.n_features_in_, scaler.n_samples_seen_ = self.n_features, len(self.X_train)
        return scaler

    @property
    def n_features(self) -> int:
        """Number of pixels in an image."""
        return int(self.X_train.shape[1])

    @property
    def n_classes(self) -> int:
        """Number of classes."""
        return len(np.unique(self.target))

    def image(self, x: Array) -> Array:
        """Return standardised pixels ``x``, shape (64,), as the 8 × 8 picture they came from."""
        x = check_features(x, self.n_features, "Digits.image")
        if x.ndim != 1:
            raise ShapeError(f"Digits.image: expected one sample, received shape {x.shape}")
        picture: Array = (x * self.scale + self.mean).reshape(8, 8)
        return picture


def load_digits(test_size: float = 0.15, random_state: int = 37) -> Digits:
    """Load the digits, split and standardised as in the lab.

    Parameters
    ----------
    test_size : float, default 0.15
        Share of samples for testing, or an integer: their number.
    random_state : int, default 37
        Seed of the split.

    Returns
    -------
    Digits

    Raises
    ------
    DataError
        If the split is impossible.

    Examples
    --------
    >>> digits = load_digits()
    >>> digits.X_train.shape, digits.X_train.dtype, digits.y_train.dtype
    ((1527, 64), dtype('float32'), dtype('int32'))
    """
    data, target = map(np.copy, _read_digits())
    n_test = math.ceil(test_size * len(data)) if isinstance(test_size, float) else test_size
    if not 0 < n_test < len(data):
        raise DataError(f"load_digits: test_size={test_size} leaves no samples to train or to test")
    train, test = shuffled(len(data), int(n_test), random_state)
    mean, scale = _scale(data[train])
    X_train, X_test = (
        (data[rows] - mean.astype(data.dtype)) / scale.astype(data.dtype) for rows in (train, test)
    )
    return Digits(
        X_train, X_test, target[train], target[test],
        images=data.astype(float).reshape(-1, 8, 8), target=target, mean=mean, scale=scale,
    )  # fmt: skip


@cache
def _read_digits() -> tuple[Array, Array]:
    """Read pixels and labels as scikit-learn has them; they are copied and never changed."""
    table = np.loadtxt(DIGITS, np.float32, delimiter=",")
    return table[:, :-1], table[:, -1].astype(np.int32)


def _scale(X: Array) -> tuple[Array, Array]:
    """Return each pixel's mean and deviation (1 for a constant pixel), bit for bit scikit-learn's.

    Pixels are integers, so their sums are exact. The sum of the centred pixels, which is 0 apart
    from rounding errors, corrects the sum of their squares.
    """
    n = len(X)
    mean = X.sum(axis=0, dtype=float) / n
    centred = X - mean
    correction = centred.sum(axis=0) ** 2 / n
    scale = np.sqrt(((centred**2).sum(axis=0) - correction) / n)
    return mean, np.where(scale > 0, scale, 1.0)
