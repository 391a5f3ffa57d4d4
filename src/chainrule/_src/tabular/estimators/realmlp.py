"""RealMLP as scikit-learn's classifier and regressor."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, ClassVar, Self

import numpy as np
from sklearn.base import ClassifierMixin, RegressorMixin
from sklearn.utils import column_or_1d
from sklearn.utils._param_validation import StrOptions
from sklearn.utils.multiclass import (
    check_classification_targets,
    type_of_target,
    unique_labels,
)

from chainrule._src.base.arrays import Array
from chainrule._src.base.errors import DataError, OptionError
from chainrule._src.data.preprocessing import Target
from chainrule._src.tabular.estimators.frames import TARGET
from chainrule._src.tabular.estimators.realmlp_base import PART, RealMLPBase
from chainrule._src.tabular.estimators.table_rows import TableRows
from chainrule._src.tabular.estimators.weights import weights_of


@dataclass(eq=False, repr=False, kw_only=True)
class RealMLPClassifier(ClassifierMixin, RealMLPBase):  # type: ignore[misc]
    """Trains a network for tables whose defaults were tuned on hundreds of tables.

    RealMLP of Holzmüller, Grinsztajn, Steinwart, *Better by Default: Strong Pre-Tuned MLPs and
    Boosted Trees on Tabular Data*, 2024. A fifth of the samples is a hold-out, and the weights of
    the epoch with the highest accuracy on it are kept.

    Parameters
    ----------
    preset : {"td", "td-s"}, default "td"
        The paper's settings; "td-s" is simpler and faster: no embeddings, dropout or decay.
    n_ens : int, default 1
        Number of networks whose probabilities are averaged.
    hidden_layer_sizes : int or sequence of int, default (256, 256, 256)
    learning_rate : float, optional
        The highest learning rate of the schedule; by default the preset's.
    epochs : int, default 256
    batch_size : int, default 256
    label_smoothing : float, default 0.1
    validation_fraction : float, default 0.2
        Share of the samples in the hold-out. With 0, all samples are trained on, and the weights
        of the last epoch are kept.
    class_weight : dict, "balanced" or list of these, optional
        Weights by class, by which those of samples are multiplied, in the hold-out too;
        "balanced" gives all classes the same total weight. A list has one for each label.
    max_categories : int, default 5000
        Maximum number of categories of a column; the rarer ones share one.
    categorical_features : sequence of str or int, optional
        Columns of numbers that are categories, by name or place; texts and columns of a type of
        categories are in any case.
    warm_start : bool, default False
        If true, `fit` goes on with the weights, scales and categories of the fit before; the
        schedules begin anew.
    engine : {"auto", "compiled", "numpy"}
    callbacks : sequence of Callback, optional
    random_state : int, RandomState or None

    Attributes
    ----------
    classes_ : ndarray
        The classes; of labels their numbers, 0 … k - 1.
    model_ : Sequential
        The network with its preprocessing; it can be saved, exported, ejected. ``models_`` is the
        list of all networks. With several labels or targets it is without ``preprocessor_``, and
        takes features.
    preprocessor_ : Preprocessor
        Turns the columns of samples into features.
    history_ : dict
        Scores of ``model_`` by epoch.
    n_features_in_ : int
    feature_names_in_ : ndarray
        Column names, if the samples were a frame.

    Raises
    ------
    DataError
        When fitted, if ``y`` holds one class alone or another number of rows than ``X``, a weight
        is negative, or a size is no whole number of at least 1.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> X, y = load_iris(return_X_y=True)
    >>> classifier = RealMLPClassifier(epochs=20, random_state=0).fit(X, y)
    >>> bool(classifier.score(X, y) > 0.9)
    True
    """

    label_smoothing: float = 0.1
    class_weight: Any = None

    _task = "classification"
    _more = ("label_smoothing",)
    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        **RealMLPBase._parameter_constraints, "label_smoothing": [PART],
        "class_weight": [None, dict, list, StrOptions({"balanced"})],
    }  # fmt: skip

    def partial_fit(self, X: Any, y: Any, sample_weight: Any = None, classes: Any = None) -> Self:
        """Train for one epoch more.

        The first call learns the columns' scales and categories. Learning rate, dropout and decay
        follow the schedules of ``epochs`` calls, and then begin anew. There is no hold-out.

        Parameters
        ----------
        X, y, sample_weight
            As for `fit`.
        classes : array_like, shape (k,)
            All classes; needed at the first call, unless there are several labels a sample.
        """
        if isinstance(self.class_weight, str):
            raise OptionError(
                "class_weight", "'balanced' needs all samples; give partial_fit weights by label"
            )
        if classes is None and not hasattr(self, "models_") and np.ndim(y) < 2:
            raise DataError("RealMLPClassifier: classes are needed at the first partial_fit")
        return self._partial_fit(X, y, sample_weight, classes)

    def _targets(self, y: Any) -> Array:
        if type_of_target(y, raise_unknown=False) == "multilabel-indicator":
            return np.asarray(y)
        labels: Array = column_or_1d(y, warn=True)
        return labels

    def _codes(self, y: Array, is_new: bool, classes: Any) -> Array:
        if is_new:
            check_classification_targets(y)
            self._learn_classes(y, classes)
        elif classes is not None and not np.array_equal(self.classes_, unique_labels(classes)):
            raise DataError(
                f"RealMLPClassifier.partial_fit: classes must stay {self.classes_}, received "
                f"{classes}"
            )
        if (y.ndim > 1) != self._has_labels or y.shape[1:] not in ((), self.classes_.shape):
            raise DataError(
                f"RealMLPClassifier: y must have the shape of training, "
                f"{(f'(n, {len(self.classes_)})' if self._has_labels else '(n,)')}, received "
                f"{y.shape}"
            )
        if self._has_labels:
            return y.astype(bool)
        codes = np.searchsorted(self.classes_, y).clip(max=len(self.classes_) - 1)
        new = self.classes_[codes] != y
        if new.any():
            raise DataError(
                f"RealMLPClassifier: y holds a class that training does not have: {y[new][0]!r}"
            )
        return codes

    def _learn_classes(self, y: Array, classes: Any) -> None:
        self._has_labels = y.ndim > 1
        if self._has_labels:
            self.classes_ = np.arange(y.shape[1])
            return
        self.classes_ = np.unique(y) if classes is None else unique_labels(classes)
        if len(self.classes_) < 2:
            raise DataError(
                f"RealMLPClassifier needs samples of at least two classes, y holds one class: "
                f"{self.classes_.tolist()[0]!r}"
            )

    def _groups(self, samples: TableRows) -> Any:
        return len(samples.y) if self._has_labels else samples.codes

    def _weighted(self, samples: TableRows) -> TableRows:
        if self.class_weight is None:
            return samples
        classes = np.arange(2) if self._has_labels else self.classes_
        labels = samples.codes.astype(int) if self._has_labels else classes[samples.codes]
        weight = weights_of(self.class_weight, labels, classes, samples.weight)
        return replace(samples, weight=weight)

    def _target(self, samples: TableRows) -> Target:
        if self._has_labels:
            return Target(TARGET, "number", "regression")
        is_number = self.classes_.dtype.kind in "iuf"
        names = [str(int(c)) if is_number else str(c) for c in self.classes_.tolist()]
        counts = np.bincount(samples.codes, minlength=len(names)).tolist()
        kind = "number" if is_number else "category"
        return Target(TARGET, kind, "classification", tuple(names), tuple(counts))

    def _encoded(self, codes: Array) -> Array:
        if self._has_labels:
            return codes
        one_hot: Array = np.eye(len(self.classes_), dtype=np.float32)[codes]
        return one_hot

    def predict_proba(self, X: Any) -> Array:
        """Return the probability of every class or label, shape (n, k)."""
        return self._output(X)

    def predict(self, X: Any) -> Array:
        """Return the most probable classes, shape (n,); or labels 0 and 1, shape (n, k)."""
        output = self.predict_proba(X)
        if self._has_labels:
            return (output > 0.5).astype(int)
        labels: Array = self.classes_[output.argmax(axis=1)]
        return labels

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = True
        return tags


class RealMLPRegressor(RegressorMixin, RealMLPBase):  # type: ignore[misc]
    """Trains a network for tables whose defaults were tuned on hundreds of tables.

    RealMLP of Holzmüller, Grinsztajn, Steinwart, *Better by Default: Strong Pre-Tuned MLPs and
    Boosted Trees on Tabular Data*, 2024. A fifth of the samples is a hold-out, and the weights of
    the epoch with the lowest error on it are kept.

    Parameters
    ----------
    preset : {"td", "td-s"}, default "td"
        The paper's settings; "td-s" is simpler and faster: no embeddings, dropout or decay.
    n_ens : int, default 1
        Number of networks whose predictions are averaged.
    hidden_layer_sizes, learning_rate, epochs, batch_size, validation_fraction, max_categories, \
categorical_features, warm_start, engine, callbacks, random_state
        As for `RealMLPClassifier`.

    Attributes
    ----------
    model_, models_, preprocessor_, history_, n_features_in_, feature_names_in_
        As for `RealMLPClassifier`.

    Raises
    ------
    DataError
        When fitted, if ``y`` is not finite or has another number of rows than ``X``, or a size is
        no whole number of at least 1.

    Examples
    --------
    >>> from sklearn.datasets import load_diabetes
    >>> X, y = load_diabetes(return_X_y=True)
    >>> regressor = RealMLPRegressor(epochs=60, random_state=0).fit(X, y)
    >>> bool(regressor.score(X, y) > 0.4)
    True
    """

    _task = "regression"

    def partial_fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Train for one epoch more; see `RealMLPClassifier.partial_fit`."""
        return self._partial_fit(X, y, sample_weight)

    def _targets(self, y: Any) -> Array:
        array = np.asarray(y)
        return array if array.ndim == 2 and array.shape[1] > 1 else column_or_1d(array)

    def _codes(self, y: Array, is_new: bool, classes: Any) -> Array:
        values: Array = np.asarray(y, np.float64)
        if not is_new and values.shape[1:] != self._mean.shape:
            raise DataError(
                f"RealMLPRegressor: y must have the targets of training, a row of shape "
                f"{self._mean.shape}, received {values.shape[1:]}"
            )
        return values

    def _target(self, samples: TableRows) -> Target:
        codes, weight = samples.codes, samples.weight
        self._mean = np.average(codes, axis=0, weights=weight)
        deviation = np.sqrt(np.average((codes - self._mean) ** 2, axis=0, weights=weight))
        self._scale = np.where(deviation > 0, deviation, 1.0)
        if codes.ndim > 1:
            return Target(TARGET, "number", "regression")
        mean, scale = float(self._mean), float(self._scale)
        return Target(TARGET, "number", "regression", mean=mean, scale=scale)

    def _encoded(self, codes: Array) -> Array:
        if codes.ndim == 1:
            return self.preprocessor_.target.encode(codes)
        encoded: Array = ((codes - self._mean) / self._scale).astype(np.float32)
        return encoded

    def predict(self, X: Any) -> Array:
        """Return the predicted quantities, shape (n,) or (n, k)."""
        output = self._output(X).astype(np.float64)
        return (output if self._mean.ndim else output[:, 0]) * self._scale + self._mean
