"""RealMLP as scikit-learn's classifier and regressor."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from numbers import Integral, Real
from typing import Any, ClassVar, Self

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin, _fit_context
from sklearn.utils import check_random_state, column_or_1d
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import (
    _check_sample_weight,
    check_is_fitted,
    validate_data,
)

from chainrule._src.base.arrays import Array
from chainrule._src.base.errors import DataError
from chainrule._src.base.validation import check_positive, lookup
from chainrule._src.compile.native import cores
from chainrule._src.data.preprocessing import Preprocessor, Target, split_rows
from chainrule._src.nn.sequential import Sequential
from chainrule._src.tabular.estimators.base import undone_on_error, validation_parts
from chainrule._src.tabular.estimators.frames import TARGET, checked, columns_of, is_frame
from chainrule._src.tabular.estimators.one_row import OneRow
from chainrule._src.tabular.estimators.weights import weights_of
from chainrule._src.tabular.recipes.realmlp import (
    PRESETS,
    RealMLPSettings,
    fit_realmlp,
    make_realmlp,
)

_COUNT = Interval(Integral, 1, None, closed="left")
_PART = Interval(Real, 0, 1, closed="left")
_ABOVE = Interval(Real, 0, None, closed="neither")


@dataclass(eq=False, repr=False, kw_only=True)
class _RealMLPParameters:
    """The parameters that the classifier and the regressor share, stored as they are given."""

    preset: str = "td"
    n_ens: int = 1
    hidden_layer_sizes: Any = (256, 256, 256)
    learning_rate: float | None = None
    epochs: int = 256
    batch_size: int = 256
    validation_fraction: float = 0.2
    max_categories: int = 5000
    categorical_features: Any = None
    engine: str = "auto"
    callbacks: Any = None
    random_state: Any = None


class _RealMLPBase(_RealMLPParameters, BaseEstimator):  # type: ignore[misc]
    """Base class of the classifier and the regressor."""

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "preset": [StrOptions({"td", "td-s"})],
        "n_ens": [_COUNT],
        "hidden_layer_sizes": ["array-like", _COUNT],
        "learning_rate": [None, _ABOVE],
        "epochs": [_COUNT],
        "batch_size": [_COUNT],
        "validation_fraction": [_PART],
        "max_categories": [_COUNT],
        "categorical_features": [None, "array-like"],
        "engine": [StrOptions({"auto", "compiled", "numpy"})],
        "callbacks": [None, list, tuple],
        "random_state": ["random_state"],
    }
    _task: str
    _more: tuple[str, ...] = ()
    _one_row: OneRow | None = None

    models_: list[Sequential]

    @_fit_context(prefer_skip_nested_validation=True)  # type: ignore[untyped-decorator]
    def fit(self, X: Any, y: Any, sample_weight: Any = None, validation_data: Any = None) -> Self:
        """Train.

        Parameters
        ----------
        X : array_like or frame of pandas, Polars or PyArrow, shape (n, d)
            Numbers, text and booleans; values may be missing.
        y : array_like, shape (n,)
        sample_weight : array_like, shape (n,), optional
            Relative weights of the training samples.
        validation_data : tuple, optional
            ``(X, y)`` or ``(X, y, sample_weight)`` by which the best epoch is chosen, instead of a
            random hold-out.

        Returns
        -------
        self
        """
        with undone_on_error(self):
            self._fit(X, y, sample_weight, validation_data)
        return self

    def _fit(self, X: Any, y: Any, sample_weight: Any, validation_data: Any) -> None:
        settings = self._settings()
        columns, y = self._checked(X, y, reset=True)
        if sample_weight is not None:
            sample_weight = _check_sample_weight(sample_weight, y)
            if not sample_weight.sum() > 0:
                raise DataError(f"{type(self).__name__}: sample_weight must have a sum above 0")
        rng = check_random_state(self.random_state)
        codes, hold_out = self._learned(y), None
        if validation_data is not None:
            X_val, y_val, *weights = validation_parts(validation_data)
            val_columns, y_val = self._checked(X_val, y_val, reset=False)
            hold_out = val_columns, self._learned(y_val, fitted=True), *weights
        elif self.validation_fraction:
            groups = codes if self._task == "classification" else len(codes)
            share, seed = self.validation_fraction, rng.randint(2**31)
            aside = split_rows(groups, share, seed, "validation_fraction=0")
            hold_out = {name: values[aside] for name, values in columns.items()}, codes[aside]
            columns = {name: values[~aside] for name, values in columns.items()}
            codes, y = codes[~aside], y[~aside]
            sample_weight = None if sample_weight is None else sample_weight[~aside]
        sample_weight = self._weighted(codes, sample_weight)
        self._train(settings, columns, codes, y, hold_out, sample_weight, rng)

    def _train(
        self,
        settings: RealMLPSettings,
        columns: Any,
        codes: Array,
        y: Array,
        hold_out: Any,
        weight: Any,
        rng: Any,
    ) -> None:
        target = self._target(codes)
        preprocessor = Preprocessor(
            max_categories=self.max_categories, task=self._task, signed=True,
            category=self._category(),
        )  # fmt: skip
        preprocessor.fit([{**columns, target.name: y}], target)
        data = preprocessor.transform(columns), self._encoded(codes, target)
        if hold_out is not None:
            hold_out = (
                preprocessor.transform(hold_out[0]),
                self._encoded(hold_out[1], target),
                *hold_out[2:],
            )
        self.models_ = [
            make_realmlp(settings, preprocessor, *data, rng.randint(2**31), self.engine)
            for _ in range(self.n_ens)
        ]

        def fit(model: Sequential) -> None:
            fit_realmlp(model, settings, data, hold_out, weight, self.callbacks or ())

        together = 1 if self.callbacks else min(self.n_ens, cores())  # they run in one thread
        try:
            if together == 1:
                list(map(fit, self.models_))
            else:
                fit(self.models_[0])  # the others reuse its compiled kernels
                with ThreadPoolExecutor(together, "chainrule") as pool:
                    list(pool.map(fit, self.models_[1:]))
        except KeyboardInterrupt:
            for model in self.models_:
                model.stop_training = True
            raise
        self.model_ = self.models_[0]
        self.history_ = self.model_.history.history
        self._one_row = OneRow(self)

    def _settings(self) -> RealMLPSettings:
        """Return the preset's settings, updated by the estimator's parameters."""
        options = {name: getattr(self, name) for name in ("epochs", "batch_size", *self._more)}
        if self.learning_rate is not None:
            options["learning_rate"] = self.learning_rate
        sizes = tuple(
            check_positive(size, "hidden_layer_sizes", type(self).__name__)
            for size in np.atleast_1d(self.hidden_layer_sizes).tolist()
        )
        return replace(PRESETS[self.preset, self._task], hidden=sizes, **options)

    def _checked(self, X: Any, y: Any, reset: bool) -> tuple[dict[str, Array], Array]:
        """Return the checked samples by column, and the checked targets."""
        columns = self._columns(X, reset)
        if y is None:
            validate_data(self, X, y, reset=False, skip_check_array=True)  # raises its error
        y = column_or_1d(y, warn=True)
        if y.dtype.kind == "f" and not np.isfinite(y).all():
            raise DataError(f"{type(self).__name__}: y holds NaN or infinite values")
        rows = len(next(iter(columns.values())))
        if len(y) != rows:
            raise DataError(f"X has {rows} rows, y {len(y)}; they must be of the same samples")
        return columns, y

    def _columns(self, X: Any, reset: bool) -> dict[str, Array]:
        """Return the checked samples by column; a frame must have the names of training."""
        X = checked(self, X, reset)
        if is_frame(X) and not reset:
            validate_data(self, X, reset=False, skip_check_array=True)
        return dict(zip(self._names, map(np.asarray, columns_of(X).values()), strict=True))

    @property
    def _names(self) -> list[str]:
        """The names of the columns: those of a frame, or ``x0``, ``x1`` and so on."""
        usual = [f"x{j}" for j in range(self.n_features_in_)]
        return [str(name) for name in getattr(self, "feature_names_in_", usual)]

    def _category(self) -> list[str]:
        """Return the names of the columns of numbers that are categories."""
        names, columns = self._names, []
        for column in self.categorical_features or ():
            is_number = isinstance(column, Integral) and not isinstance(column, bool)
            name = names[int(column)] if is_number and column < len(names) else column
            lookup("column of categorical_features", str(name), dict.fromkeys(names))
            columns.append(str(name))
        return [name for name in names if name in columns]

    def _weighted(self, codes: Array, weight: Any) -> Any:
        """Return the weights of samples, with those of their classes if there are any."""
        return weight

    def _output(self, X: Any) -> Array:
        """Return the ensemble's mean output for samples, shape (n, k)."""
        quick = None if self._one_row is None else self._one_row(X, self.engine)
        if quick is not None:
            return quick
        check_is_fitted(self)
        columns = self._columns(X, reset=False)
        features = self.model_.preprocessor.transform(columns)
        outputs = [model.predict(features) for model in self.models_]
        return np.mean(outputs, axis=0) if len(outputs) > 1 else outputs[0]

    def _learned(self, y: Array, fitted: bool = False) -> Array:
        raise NotImplementedError

    def _target(self, codes: Array) -> Target:
        raise NotImplementedError

    def _encoded(self, codes: Array, target: Target) -> Array:
        raise NotImplementedError

    def __getstate__(self) -> dict[str, Any]:
        state: dict[str, Any] = super().__getstate__()
        return {name: value for name, value in state.items() if name != "_one_row"}

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)
        if "models_" in state:
            self._one_row = OneRow(self)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = tags.input_tags.categorical = tags.input_tags.string = True
        return tags


@dataclass(eq=False, repr=False, kw_only=True)
class RealMLPClassifier(ClassifierMixin, _RealMLPBase):  # type: ignore[misc]
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
    class_weight : dict or "balanced", optional
        Weights by label, by which those of samples are multiplied; "balanced" gives all classes the
        same total weight.
    max_categories : int, default 5000
        Maximum number of categories of a column; the rarer ones share one.
    categorical_features : sequence of str or int, optional
        Columns of numbers that are categories, by name or place; texts and columns of a type of
        categories are in any case.
    engine : {"auto", "compiled", "numpy"}
    callbacks : sequence of Callback, optional
    random_state : int, RandomState or None

    Attributes
    ----------
    classes_ : ndarray
    model_ : Sequential
        The network with its preprocessing; it can be saved, exported, ejected. ``models_`` is the
        list of all networks.
    history_ : dict
        Scores of ``model_`` by epoch.
    n_features_in_ : int
    feature_names_in_ : ndarray
        Column names, if the samples were a frame.

    Raises
    ------
    DataError
        When fitted, if ``y`` holds one class alone or another number of rows than ``X``, or a size
        is no whole number of at least 1.

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
        **_RealMLPBase._parameter_constraints, "label_smoothing": [_PART],
        "class_weight": [None, dict, StrOptions({"balanced"})],
    }  # fmt: skip

    def _learned(self, y: Array, fitted: bool = False) -> Array:
        if not fitted:
            check_classification_targets(y)
            self.classes_, codes = np.unique(y, return_inverse=True)
            if len(self.classes_) < 2:
                raise DataError(
                    f"RealMLPClassifier needs samples of at least two classes, y holds one class: "
                    f"{self.classes_[0]!r}"
                )
            return codes
        codes = np.searchsorted(self.classes_, y).clip(max=len(self.classes_) - 1)
        new = self.classes_[codes] != y
        if new.any():
            raise DataError(
                f"RealMLPClassifier: validation_data holds a class that y does not: {y[new][0]!r}"
            )
        return codes

    def _weighted(self, codes: Array, weight: Any) -> Any:
        if self.class_weight is None:
            return weight
        return weights_of(self.class_weight, self.classes_[codes], self.classes_, weight)

    def _target(self, codes: Array) -> Target:
        is_number = self.classes_.dtype.kind in "iuf"
        names = [str(int(c)) if is_number else str(c) for c in self.classes_.tolist()]
        counts = np.bincount(codes, minlength=len(names)).tolist()
        kind = "number" if is_number else "category"
        return Target(TARGET, kind, "classification", tuple(names), tuple(counts))

    def _encoded(self, codes: Array, target: Target) -> Array:
        one_hot: Array = np.eye(len(target.classes), dtype=np.float32)[codes]
        return one_hot

    def predict_proba(self, X: Any) -> Array:
        """Return the probability of every class, shape (n, k)."""
        return self._output(X)

    def predict(self, X: Any) -> Array:
        """Return the most probable classes, shape (n,)."""
        likeliest = self.predict_proba(X).argmax(axis=1)
        labels: Array = self.classes_[likeliest]
        return labels


class RealMLPRegressor(RegressorMixin, _RealMLPBase):  # type: ignore[misc]
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
categorical_features, engine, callbacks, random_state
        As for `RealMLPClassifier`.

    Attributes
    ----------
    model_, models_, history_, n_features_in_, feature_names_in_
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

    def _learned(self, y: Array, fitted: bool = False) -> Array:
        values: Array = np.asarray(y, np.float64)
        return values

    def _target(self, codes: Array) -> Target:
        mean, deviation = float(codes.mean()), float(codes.std())
        return Target(TARGET, "number", "regression", mean=mean, scale=deviation or 1.0)

    def _encoded(self, codes: Array, target: Target) -> Array:
        return target.encode(codes)

    def predict(self, X: Any) -> Array:
        """Return the predicted quantities, shape (n,)."""
        output = self._output(X)
        target = self.model_.preprocessor.target
        quantities: Array = output[:, 0].astype(np.float64) * target.scale + target.mean
        return quantities
