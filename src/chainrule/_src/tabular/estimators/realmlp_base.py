"""The common part of RealMLP's classifier and regressor."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from numbers import Integral, Real
from typing import Any, ClassVar, Self

import numpy as np
from sklearn.base import BaseEstimator, _fit_context
from sklearn.utils import check_random_state
from sklearn.utils._param_validation import Interval, StrOptions
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
from chainrule._src.data.preprocessing.values import is_missing
from chainrule._src.nn.sequential import Sequential
from chainrule._src.tabular.estimators.base import undone_on_error, validation_parts
from chainrule._src.tabular.estimators.frames import checked, columns_of, is_frame
from chainrule._src.tabular.estimators.one_row import OneRow
from chainrule._src.tabular.estimators.table_rows import TableRows
from chainrule._src.tabular.estimators.training import dense
from chainrule._src.tabular.recipes.realmlp import (
    PRESETS,
    RealMLPSettings,
    fit_realmlp,
    make_realmlp,
    start_from,
    updates_of,
)

COUNT = Interval(Integral, 1, None, closed="left")
PART = Interval(Real, 0, 1, closed="left")
ABOVE = Interval(Real, 0, None, closed="neither")


@dataclass(eq=False, repr=False, kw_only=True)
class RealMLPParameters:
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
    warm_start: bool = False
    engine: str = "auto"
    callbacks: Any = None
    random_state: Any = None


class RealMLPBase(RealMLPParameters, BaseEstimator):  # type: ignore[misc]
    """Base class of the classifier and the regressor."""

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "preset": [StrOptions({"td", "td-s"})],
        "n_ens": [COUNT],
        "hidden_layer_sizes": ["array-like", COUNT],
        "learning_rate": [None, ABOVE],
        "epochs": [COUNT],
        "batch_size": [COUNT],
        "validation_fraction": [PART],
        "max_categories": [COUNT],
        "categorical_features": [None, "array-like"],
        "warm_start": ["boolean"],
        "engine": [StrOptions({"auto", "compiled", "numpy"})],
        "callbacks": [None, list, tuple],
        "random_state": ["random_state"],
    }
    _task: str
    _more: tuple[str, ...] = ()
    _one_row: OneRow | None = None

    models_: list[Sequential]
    history_: dict[str, list[float]]
    preprocessor_: Preprocessor

    @_fit_context(prefer_skip_nested_validation=True)  # type: ignore[untyped-decorator]
    def fit(self, X: Any, y: Any, sample_weight: Any = None, validation_data: Any = None) -> Self:
        """Train.

        Parameters
        ----------
        X : array_like, sparse matrix, or frame of pandas, Polars or PyArrow, shape (n, d)
            Numbers, text and booleans; values may be missing. A sparse matrix becomes dense.
        y : array_like, shape (n,) or (n, k)
        sample_weight : array_like, shape (n,), optional
            Relative weights of the samples, in training and in the hold-out.
        validation_data : tuple, optional
            ``(X, y)`` or ``(X, y, sample_weight)`` by which the best epoch is chosen, instead of a
            random hold-out.

        Returns
        -------
        self
        """
        with undone_on_error(self):
            goes_on = self.warm_start and hasattr(self, "models_")
            settings = self._settings()
            samples = self._weighted(self._samples(X, y, sample_weight, is_new=not goes_on))
            self._rng, hold_out = check_random_state(self.random_state), None
            if validation_data is None and self.validation_fraction:
                share, seed = self.validation_fraction, self._rng.randint(2**31)
                aside = split_rows(self._groups(samples), share, seed, "validation_fraction=0")
                samples, hold_out = samples.part(~aside), samples.part(aside)
            if not goes_on:
                self._learn(samples)
            if validation_data is not None:
                hold_out = self._samples(*validation_parts(validation_data))
            earlier = self.models_[: self.n_ens] if goes_on else []
            self.models_ = self._new_models(settings, samples, earlier)
            self._run(settings, samples, hold_out, goes_on)
        return self

    def _partial_fit(self, X: Any, y: Any, sample_weight: Any, classes: Any = None) -> Self:
        """Train for one epoch; after ``epochs`` calls the schedules begin again."""
        with undone_on_error(self):
            goes_on, settings = hasattr(self, "models_"), self._settings()
            samples = self._samples(X, y, sample_weight, not goes_on, classes)
            samples = self._weighted(samples)
            if not goes_on:
                self._rng = check_random_state(self.random_state)
                self._learn(samples)
            earlier = self.models_ if goes_on else []
            if not goes_on or earlier[0].optimizer.iterations >= self._updates:
                self.models_ = self._new_models(settings, samples, earlier)
            self._run(replace(settings, epochs=1), samples, None, goes_on)
        return self

    def _new_models(
        self, settings: RealMLPSettings, samples: TableRows, earlier: list[Sequential]
    ) -> list[Sequential]:
        """Return new networks, the first of which start with the weights of earlier ones."""
        data, weight = self._data(samples), samples.weight
        models = [
            make_realmlp(
                settings, self.preprocessor_, *data, self._rng.randint(2**31), self.engine, weight
            )
            for _ in range(max(self.n_ens, len(earlier)))
        ]
        for model, before in zip(models, earlier, strict=False):
            start_from(model, before)
        self._updates = updates_of(settings, len(data[0]))
        return models

    def _run(
        self,
        settings: RealMLPSettings,
        samples: TableRows,
        hold_out: TableRows | None,
        goes_on: bool,
    ) -> None:
        """Train the networks; their history begins anew unless training goes on."""
        data, weight = self._data(samples), samples.weight
        weight = None if weight is None else weight / self._mean_weight
        scored: Any = None if hold_out is None else self._data(hold_out)
        if scored is not None and hold_out is not None and hold_out.weight is not None:
            scored = *scored, hold_out.weight / hold_out.weight.mean()

        def fit(model: Sequential) -> None:
            fit_realmlp(model, settings, data, scored, weight, self.callbacks or ())

        together = (
            1 if self.callbacks else min(len(self.models_), cores())
        )  # they run in one thread
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
        scores, before = self.model_.history.history, self.history_ if goes_on else {}
        self.history_ = {name: [*before.get(name, ()), *scores[name]] for name in scores}
        self._one_row = OneRow(self)

    def _samples(
        self, X: Any, y: Any, weight: Any = None, is_new: bool = False, classes: Any = None
    ) -> TableRows:
        """Return checked samples, without those of weight 0."""
        columns = self._columns(X, is_new)
        if y is None:
            validate_data(self, X, y, reset=False, skip_check_array=True)  # raises its error
        values = np.asarray(y := dense(y))
        if values.dtype.kind == "f" and not np.isfinite(values).all():
            raise DataError(f"{type(self).__name__}: y holds NaN or infinite values")
        if values.dtype == object and any(map(is_missing, values.ravel())):
            raise DataError(f"{type(self).__name__}: y holds missing values")
        y = self._targets(y)
        if weight is not None:
            weight = _check_sample_weight(weight, y)
        codes = self._codes(y, is_new, classes)
        return TableRows(columns, y, codes, weight).check(type(self).__name__)

    def _learn(self, samples: TableRows) -> None:
        """Learn from samples how columns and targets become numbers."""
        target = self._target(samples)
        self.preprocessor_ = Preprocessor(
            max_categories=self.max_categories, task=target.task, signed=True,
            category=self._category(),
        )  # fmt: skip
        # A preprocessor has one target; of several ones it learns nothing.
        y = samples.y if samples.y.ndim == 1 else np.arange(len(samples.y))
        self.preprocessor_.fit([{**samples.columns, target.name: y}], target)
        self._mean_weight = 1.0 if samples.weight is None else float(np.mean(samples.weight))

    def _data(self, samples: TableRows) -> tuple[Array, Array]:
        return self.preprocessor_.transform(samples.columns), self._encoded(samples.codes)

    def _groups(self, samples: TableRows) -> Any:
        """Return the class of each sample, or without classes their number, for a split."""
        return len(samples.y)

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

    def _columns(self, X: Any, reset: bool) -> dict[str, Array]:
        """Return the checked samples by column; a frame must have the names of training."""
        X = checked(self, dense(X), reset)
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

    def _weighted(self, samples: TableRows) -> TableRows:
        """Return samples with their weights multiplied by those of their classes, if any."""
        return samples

    def _output(self, X: Any) -> Array:
        """Return the ensemble's mean output for samples, shape (n, k)."""
        quick = None if self._one_row is None else self._one_row(X, self.engine)
        if quick is not None:
            return quick
        check_is_fitted(self)
        columns = self._columns(X, reset=False)
        features = self.preprocessor_.transform(columns)
        outputs = [model.predict(features) for model in self.models_]
        return np.mean(outputs, axis=0) if len(outputs) > 1 else outputs[0]

    def _targets(self, y: Any) -> Array:
        """Return checked targets, shape (n,), or (n, k) for several."""
        raise NotImplementedError

    def _codes(self, y: Array, is_new: bool, classes: Any) -> Array:
        """Return the targets as numbers; learn the classes if the samples are new."""
        raise NotImplementedError

    def _target(self, samples: TableRows) -> Target:
        raise NotImplementedError

    def _encoded(self, codes: Array) -> Array:
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
        tags.input_tags.sparse = tags.target_tags.multi_output = True
        tags.input_tags.allow_nan = tags.input_tags.categorical = tags.input_tags.string = True
        return tags
