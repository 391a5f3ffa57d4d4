"""Mixin for scikit-learn's network classes: replaces training and prediction, adds options."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from numbers import Real
from typing import Any, Self

import numpy as np
from sklearn.base import is_classifier
from sklearn.neural_network._multilayer_perceptron import BaseMultilayerPerceptron
from sklearn.utils import check_consistent_length, column_or_1d
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.validation import _check_sample_weight, check_is_fitted, validate_data

from chainrule._src.base.arrays import Array, numeric
from chainrule._src.base.showing import short
from chainrule._src.compile.native.helpers import open_llvm
from chainrule._src.tabular.estimators.forward import is_plain
from chainrule._src.tabular.estimators.predicting import ENOUGH, RowPredictor
from chainrule._src.tabular.estimators.training import HIDDEN, dense, engine_of, output

SHARE = Interval(Real, 0, 1, closed="left")
MORE: dict[str, list[Any]] = {  # constraints of the parameters that scikit-learn does not have
    "activation": [str, callable, list, tuple],
    "dropout": [SHARE, list, tuple],
    "batch_norm": ["boolean"],
    "optimizer": [None, str, dict, object],
    "scoring": [None, str, callable],
    "callbacks": [None, list, tuple, callable, object],
    "metrics": [None, list, tuple],
    "columns": [None, StrOptions({"auto"})],
    "engine": [StrOptions({"auto", "compiled", "numpy"})],
}


def refuse_times(X: Any, where: str) -> None:
    """Refuse an array of times: scikit-learn would train on it as numbers and fail later."""
    if getattr(getattr(X, "dtype", None), "kind", "") in ("m", "M"):
        numeric(X, "X", where)


@contextmanager
def undone_on_error(model: Any) -> Iterator[None]:
    """Context manager that restores a model's attributes if its block raises an error."""
    before = dict(vars(model))
    try:
        yield
    except BaseException:
        vars(model).clear()
        vars(model).update(before)
        raise


def validation_parts(data: Any) -> Any:
    """Check and return ``validation_data``: samples, targets, and optional weights."""
    if isinstance(data, tuple | list) and len(data) in (2, 3):
        return data
    from chainrule._src.base.errors import DataError

    raise DataError(
        "validation_data: expected (X, y) or (X, y, sample_weight), received "
        f"{f'{len(data)} parts' if isinstance(data, tuple | list) else short(data)}"
    )


class NetworkMixin(BaseMultilayerPerceptron):  # type: ignore[misc]
    """Base class placed before scikit-learn's own classes in the method resolution order."""

    _network: Any = None  # a Sequential, if options beyond scikit-learn's are in use
    _network_settings: Any = None  # the settings that `_network` was built from
    _validation: Any = None  # the data that are scored after every epoch
    _encoder: Any = None  # converts a frame to a matrix
    _predictor: RowPredictor | None = None  # once fitted

    def _validate_input(self, X: Any, y: Any, incremental: bool, reset: bool) -> Any:
        if self.columns is None:
            self._encoder = None if reset else self._encoder
            refuse_times(X, type(self).__name__)
            return super()._validate_input(X, y, incremental, reset)
        from chainrule._src.tabular.estimators.frames import Frames, checked

        X = checked(self, X, reset)
        if reset:
            self._encoder = Frames().fit(X)
        matrix = self._encoder.transform(X)
        self.n_features_in_ = matrix.shape[1]
        self.__dict__.pop("feature_names_in_", None)
        validated = super()._validate_input(matrix, y, incremental, reset)
        self._encoder.tell(self)
        return validated

    def _encoded(self, X: Any) -> Any:
        """Convert a frame to a matrix."""
        from chainrule._src.tabular.estimators.frames import checked

        return self._encoder.transform(checked(self, X, False))

    def _initialize(self, y: Any, layer_units: Any, dtype: Any) -> None:
        self._network, self._predictor = None, RowPredictor(ENOUGH)
        self._validation_losses: list[float] = []
        self._epochs: dict[str, list[float]] = {}  # scores that scikit-learn does not record
        super()._initialize(y, layer_units, dtype)

    def _fit_stochastic(
        self, X: Any, y: Any, sample_weight: Any, activations: Any, deltas: Any,
        coef_grads: Any, intercept_grads: Any, layer_units: Any, incremental: bool,
    ) -> None:  # fmt: skip
        hold_out = None if self._validation is None else self._hold_out(self._validation)
        if incremental and self.early_stopping and hold_out is None:
            raise ValueError(
                "partial_fit does not support early_stopping=True without samples to score by; "
                "give validation_data=(X, y)"
            )
        sample_weight = self._weighted(y, sample_weight)
        if beyond(self):
            from chainrule._src.tabular.estimators.network import fit_network

            fit_network(self, X, y, sample_weight, incremental, hold_out)
            return
        self._network = None  # the estimator's own weights count again
        X = X if hold_out is None else dense(X)
        engine = engine_of(self, X, layer_units, incremental)
        if engine is None and hold_out is None:
            super()._fit_stochastic(
                X, y, sample_weight, activations, deltas, coef_grads, intercept_grads,
                layer_units, incremental,
            )  # fmt: skip
            return
        if engine == "compiled":
            open_llvm()  # loads while the next module is imported
        from chainrule._src.tabular.estimators.stochastic import fit_stochastic

        fit_stochastic(self, X, y, sample_weight, incremental, engine or "numpy", hold_out)

    def _fit_lbfgs(self, X: Any, y: Any, sample_weight: Any, *parts: Any) -> None:
        if names := beyond(self) + ["validation_data"] * (self._validation is not None):
            from chainrule._src.base.errors import OptionError

            raise OptionError(
                "solver", f"'lbfgs' trains without {', '.join(names)}; give 'adam' or 'sgd'"
            )
        self._network, weight = None, self._weighted(y, sample_weight)
        if engine_of(self, X, parts[-1], False) != "compiled":
            super()._fit_lbfgs(X, y, weight, *parts)
            return
        from chainrule._src.tabular.estimators.lbfgs import compiled

        with compiled(self, X, y, weight):
            super()._fit_lbfgs(X, y, weight, *parts)

    def _weighted(self, y: Any, weight: Any) -> Any:
        """Return the samples' weights, multiplied by the weights of their classes."""
        of_classes = getattr(self, "class_weight", None)
        if of_classes is None:
            return weight
        from chainrule._src.tabular.estimators.weights import weights_of

        labels = dense(self._label_binarizer.inverse_transform(y))
        classes = self.classes_ if labels.ndim == 1 else np.arange(2)
        return weights_of(of_classes, labels, classes, weight)

    def _check_partial_fit(self) -> bool:
        """Return true if `partial_fit` is available; raise an AttributeError if not."""
        if getattr(self, "class_weight", None) == "balanced":
            raise AttributeError(
                "partial_fit is not available with class_weight='balanced', which needs all "
                "samples; give weights as a dict"
            )
        return bool(self._check_solver())

    def _hold_out(self, data: Any) -> Any:
        """Return the validated hold-out samples that are scored after every epoch."""
        from chainrule._src.tabular.estimators.held import hold_out_of

        X, y, weight = (*validation_parts(data), None)[:3]
        check_consistent_length(X, y, weight)
        dtype = self.coefs_[0].dtype
        if self._encoder is not None:
            X = self._encoded(X).astype(dtype)
        else:
            X = dense(
                validate_data(self, X, accept_sparse=["csr", "csc"], dtype=dtype, reset=False)
            )
        if weight is not None:
            weight = _check_sample_weight(weight, X)
        if not is_classifier(self):
            Y = np.asarray(y, dtype)
            return hold_out_of(self, X, Y.reshape(len(Y), -1), weight)
        if not self._label_binarizer.y_type_.startswith("multilabel"):
            y = column_or_1d(y)
        unknown = np.setdiff1d(y, self.classes_) if np.ndim(y) == 1 else ()
        if len(unknown):
            raise ValueError(f"validation_data has classes that training has not: {unknown}")
        return hold_out_of(self, X, self._label_binarizer.transform(y).astype(bool), weight)

    def _score(self, X: Any, y: Any, sample_weight: Any = None) -> Any:
        from chainrule._src.tabular.estimators.scoring import scored

        return scored(self, X, y, sample_weight)

    def _forward_pass_fast(self, X: Any, check_input: bool = True) -> Array:
        if self._encoder is not None and check_input:
            X, check_input = self._encoded(X), False
        if check_input:
            refuse_times(X, type(self).__name__)
        if self._network is not None:
            if check_input and not is_plain(self, X):
                X = validate_data(self, X, accept_sparse=["csr", "csc"], reset=False)
            predicted: Array = self.model_.predict(dense(X))
            return predicted
        quick = output(self, X, check_input)
        return super()._forward_pass_fast(X, check_input) if quick is None else quick

    def fit(
        self, X: Any, y: Any, sample_weight: Any = None, *, validation_data: Any = None,
        X_val: Any = None, y_val: Any = None,
    ) -> Self:  # fmt: skip
        """Train.

        Parameters
        ----------
        X : array_like, sparse matrix or frame, shape (n, d)
        y : array_like, shape (n,) or (n, k)
        sample_weight : array_like, shape (n,), optional
        validation_data : tuple, optional
            ``(X, y)`` or ``(X, y, sample_weight)``: scored after every epoch; ``early_stopping``
            uses them instead of a share of ``X``.
        X_val, y_val : array_like, optional
            The parts of ``validation_data`` as two arguments, so that
            ``Pipeline(..., transform_input=["X_val"])`` can transform ``X_val``.

        Raises
        ------
        ValueError
            As in scikit-learn.
        DivergenceError
            If the loss turns NaN or infinite, and a parameter beyond scikit-learn's is in use.
        """
        with self._scored_by(validation_data, X_val, y_val):
            return super().fit(X, y, sample_weight)  # type: ignore[no-any-return]

    @contextmanager
    def _scored_by(
        self, validation_data: Any, X_val: Any = None, y_val: Any = None
    ) -> Iterator[None]:
        """Context manager: score these samples after every epoch; undo training after an error."""
        if X_val is not None or y_val is not None:
            if X_val is None or y_val is None or validation_data is not None:
                raise ValueError("give validation_data=(X, y), or X_val and y_val")
            validation_data = X_val, y_val
        with undone_on_error(self):
            self._validation = validation_data
            yield
        del self._validation

    def __getstate__(self) -> Any:
        state = super().__getstate__()
        lasting = state.keys() - {"_validation", "_predictor"}
        return {name: value for name, value in state.items() if name in lasting}

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        if self.columns is not None:
            tags.input_tags.allow_nan = tags.input_tags.categorical = tags.input_tags.string = True
            tags.input_tags.sparse = False
        return tags

    @property
    def history_(self) -> dict[str, list[float]]:
        """Scores of every epoch by name: the loss, the scores of the hold-out, metrics."""
        check_is_fitted(self)
        curves = {"loss": getattr(self, "loss_curve_", None), "val_loss": self._validation_losses}
        curves |= self._epochs | {"val_score": getattr(self, "validation_scores_", None)}
        return {name: [float(v) for v in values] for name, values in curves.items() if values}

    @property
    def model_(self) -> Any:
        """The network as a `Sequential`, whose source can be read, checked, exported or ejected."""
        check_is_fitted(self)
        from chainrule._src.tabular.estimators.network import network_of, trained

        return network_of(self) if self._network is None else trained(self)


def beyond(model: Any) -> list[str]:
    """Return the names of the parameters in use that scikit-learn's network lacks."""
    known_losses = {"log_loss"} if is_classifier(model) else {"squared_error", "poisson"}
    in_use = {
        "dropout": np.any(model.dropout),
        "batch_norm": model.batch_norm,
        "activation": model.activation not in HIDDEN,
        "loss": not isinstance(model.loss, str) or model.loss not in known_losses,
        "label_smoothing": getattr(model, "label_smoothing", 0),
        "optimizer": model.optimizer is not None,
        "callbacks": model.callbacks,
        "metrics": model.metrics,
    }
    return [name for name, is_used in in_use.items() if is_used]
