"""Data sets, split and scaled, ready to train on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from chainrule.config import Shown
from chainrule.errors import DataError, ShapeError
from chainrule.validation import Array, check_features


@dataclass(frozen=True, repr=False)
class Digits(Shown):
    """scikit-learn's handwritten digits as the lab uses them.

    Attributes
    ----------
    X_train, X_test : ndarray of float32, shapes (1527, 64) and (270, 64)
        Pixels, standardised to mean 0 and standard deviation 1 over the training set. Pixels that
        never vary stay 0.
    y_train, y_test : ndarray of int32
        Labels 0 … 9.
    images : ndarray, shape (1797, 8, 8)
        Every original image, ink from 0 to 16.
    target : ndarray of int32, shape (1797,)
        Their labels.
    scaler : sklearn.preprocessing.StandardScaler
        What standardised the pixels.
    """

    X_train: Array
    X_test: Array
    y_train: Array
    y_test: Array
    images: Array
    target: Array
    scaler: Any

    @property
    def n_features(self) -> int:
        """Pixels of an image."""
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
        picture: Array = self.scaler.inverse_transform(x[None])[0].reshape(8, 8)
        return picture


def load_digits(test_size: float = 0.15, random_state: int = 37) -> Digits:
    """Load the digits, split and standardised as in the lab.

    Parameters
    ----------
    test_size : float, default 0.15
        Share of samples kept for testing.
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
    from sklearn import datasets
    from sklearn.model_selection import train_test_split
    from sklearn.preprocessing import StandardScaler

    bunch = datasets.load_digits()
    data = np.asarray(bunch.data, dtype="float32")
    target = np.asarray(bunch.target, dtype="int32")
    try:
        X_train, X_test, y_train, y_test = train_test_split(
            data, target, test_size=test_size, random_state=random_state
        )
    except (ValueError, TypeError) as error:
        raise DataError(f"load_digits: {' '.join(str(error).split())}") from error
    scaler = StandardScaler()
    return Digits(
        X_train=scaler.fit_transform(X_train),
        X_test=scaler.transform(X_test),
        y_train=y_train,
        y_test=y_test,
        images=bunch.images,
        target=target,
        scaler=scaler,
    )
