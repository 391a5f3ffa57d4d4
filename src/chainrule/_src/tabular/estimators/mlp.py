"""Networks with scikit-learn's names and results, and with what its own network lacks."""

from __future__ import annotations

from numbers import Real
from typing import Any, ClassVar, Self

import numpy as np
import sklearn.neural_network as theirs
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted

from chainrule._src.base.arrays import Array
from chainrule._src.tabular.estimators.base import MORE, SHARE, Network, keep


class MLPClassifier(Network, theirs.MLPClassifier):  # type: ignore[misc]
    """A network that classifies: scikit-learn's, faster, and with what that lacks.

    The same parameters, data and ``random_state`` give the same weights as
    `sklearn.neural_network.MLPClassifier`, up to rounding.

    Parameters
    ----------
    hidden_layer_sizes, activation, ..., max_fun
        Those of scikit-learn. ``activation`` may be any name of `chainrule.activations`, a
        function, or a list with one for each hidden layer.
    dropout : float or list of float, default 0
        Share of the units that are left out in training; a list has one for each hidden layer.
    batch_norm : bool, default False
        Whether batch normalization precedes each activation.
    class_weight : dict, "balanced" or None
        As in `sklearn.linear_model.LogisticRegression`; for several outputs a list of dicts. With
        "balanced" there is no `partial_fit`.
    loss : str, Loss or callable, default "log_loss"
        Or "focal", a name of `chainrule.losses`, or a NumPy function of ``(y_true, y_pred)`` for
        targets as 0 and 1, shape ``(n, k)``.
    label_smoothing : float, default 0
        Share of a label that is spread over all classes.
    optimizer : str or Optimizer, optional
        One of `chainrule.optimizers` instead of ``solver``.
    scoring : str or callable, optional
        What early stopping watches, as in `sklearn.model_selection.cross_val_score`; by default
        the accuracy.
    callbacks : list of Callback, optional
    metrics : list, optional
        Scores that `history_` has of every epoch.
    columns : {"auto"}, optional
        Takes a frame of pandas, Polars or PyArrow, or an array, with missing values and with
        categories: numbers are scaled, categories become a feature each.
    engine : {"auto", "compiled", "numpy"}

    Attributes
    ----------
    history_ : dict of str to list of float
        Scores of every epoch.
    model_ : Sequential
        The network, to be read, checked, exported.
    converged_ : bool
        After `partial_fit` with early stopping: whether the score has stopped to improve. The
        weights are then the best ones.

    All those of scikit-learn's: ``coefs_``, ``loss_curve_`` and so on.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> X, y = load_digits(return_X_y=True)
    >>> model = MLPClassifier((50,), dropout=0.2, random_state=0, early_stopping=True)
    >>> model.fit(X / 16, y).score(X / 16, y) > 0.9
    True
    """

    _parameter_constraints: ClassVar = {
        **theirs.MLPClassifier._parameter_constraints,
        **MORE,
        "class_weight": [dict, list, StrOptions({"balanced"}), None],
        "loss": [str, callable, dict, object],
        "label_smoothing": [SHARE],
    }

    def __init__(
        self,
        hidden_layer_sizes: Any = (100,),
        activation: Any = "relu",
        *,
        solver: str = "adam",
        alpha: float = 0.0001,
        batch_size: Any = "auto",
        learning_rate: str = "constant",
        learning_rate_init: float = 0.001,
        power_t: float = 0.5,
        max_iter: int = 200,
        shuffle: bool = True,
        random_state: Any = None,
        tol: float = 1e-4,
        verbose: bool = False,
        warm_start: bool = False,
        momentum: float = 0.9,
        nesterovs_momentum: bool = True,
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-8,
        n_iter_no_change: int = 10,
        max_fun: int = 15000,
        dropout: Any = 0.0,
        batch_norm: bool = False,
        class_weight: Any = None,
        loss: Any = "log_loss",
        label_smoothing: float = 0.0,
        optimizer: Any = None,
        scoring: Any = None,
        callbacks: Any = None,
        metrics: Any = None,
        columns: str | None = None,
        engine: str = "auto",
    ) -> None:
        keep(self, locals())

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
            ``(X, y)`` or ``(X, y, sample_weight)``: scored after every epoch; with
            ``early_stopping`` by them instead of a share of ``X``.
        X_val, y_val : array_like, optional
            The same, apart: ``Pipeline(..., transform_input=["X_val"])`` transforms them.

        Raises
        ------
        ValueError
            As in scikit-learn.
        DivergenceError
            If the loss turns NaN or infinite where a parameter beyond scikit-learn's is in use.
        """
        with self._scored_by(validation_data, X_val, y_val):
            return super().fit(X, y, sample_weight)  # type: ignore[no-any-return]

    @available_if(lambda model: model._check_partial_fit())  # type: ignore[untyped-decorator]
    def partial_fit(
        self, X: Any, y: Any, sample_weight: Any = None, classes: Any = None, *,
        validation_data: Any = None,
    ) -> Self:  # fmt: skip
        """Train for one epoch more.

        Parameters
        ----------
        X, y, sample_weight
            As for `fit`.
        classes : array_like, shape (k,)
            All that there are, at the first call.
        validation_data : tuple, optional
            As for `fit`. With ``early_stopping``, `converged_` tells when to stop.
        """
        with self._scored_by(validation_data):
            return super().partial_fit(X, y, sample_weight, classes)  # type: ignore[no-any-return]

    def predict_proba(self, X: Any) -> Array:
        """Return the probability of each class, shape ``(n, k)``, in the order of ``classes_``."""
        if "coefs_" not in vars(self):
            check_is_fitted(self)
        found = self._forward_pass_fast(X)
        if self.n_outputs_ > 1:
            return found
        return np.concatenate([1 - found, found], axis=1)


class MLPRegressor(Network, theirs.MLPRegressor):  # type: ignore[misc]
    """A network that predicts numbers: scikit-learn's, faster, and with what that lacks.

    The same parameters, data and ``random_state`` give the same weights as
    `sklearn.neural_network.MLPRegressor`, up to rounding.

    Parameters
    ----------
    loss : str, Loss or callable, default "squared_error"
        Or "poisson" as in scikit-learn; "absolute_error", "huber", "quantile", a name of
        `chainrule.losses`, or a NumPy function of ``(y_true, y_pred)``, shapes ``(n, k)``.
    hidden_layer_sizes, activation, ..., max_fun
        Those of scikit-learn. ``activation`` may be any name of `chainrule.activations`, a
        function, or a list with one for each hidden layer.
    dropout, batch_norm, optimizer, scoring, callbacks, metrics, columns, engine
        As for `MLPClassifier`; early stopping watches R² by default.
    quantile : float, default 0.5
        Which one is predicted with ``loss="quantile"``.

    Attributes
    ----------
    history_, model_, converged_
        As for `MLPClassifier`.

    Examples
    --------
    >>> X = np.random.default_rng(0).normal(size=(200, 3))
    >>> y = X[:, 0] + np.random.default_rng(1).normal(size=200)
    >>> model = MLPRegressor("quantile", (20,), quantile=0.9, max_iter=1000, random_state=0)
    >>> share = np.mean(y <= model.fit(X, y).predict(X))
    >>> bool(0.8 < share < 0.97)
    True
    """

    _parameter_constraints: ClassVar = {
        **theirs.MLPRegressor._parameter_constraints,
        **MORE,
        "loss": [str, callable, dict, object],
        "quantile": [Interval(Real, 0, 1, closed="neither")],
    }

    def __init__(
        self,
        loss: Any = "squared_error",
        hidden_layer_sizes: Any = (100,),
        activation: Any = "relu",
        *,
        solver: str = "adam",
        alpha: float = 0.0001,
        batch_size: Any = "auto",
        learning_rate: str = "constant",
        learning_rate_init: float = 0.001,
        power_t: float = 0.5,
        max_iter: int = 200,
        shuffle: bool = True,
        random_state: Any = None,
        tol: float = 1e-4,
        verbose: bool = False,
        warm_start: bool = False,
        momentum: float = 0.9,
        nesterovs_momentum: bool = True,
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-8,
        n_iter_no_change: int = 10,
        max_fun: int = 15000,
        dropout: Any = 0.0,
        batch_norm: bool = False,
        quantile: float = 0.5,
        optimizer: Any = None,
        scoring: Any = None,
        callbacks: Any = None,
        metrics: Any = None,
        columns: str | None = None,
        engine: str = "auto",
    ) -> None:
        keep(self, locals())

    def fit(
        self, X: Any, y: Any, sample_weight: Any = None, *, validation_data: Any = None,
        X_val: Any = None, y_val: Any = None,
    ) -> Self:  # fmt: skip
        """Train; see `MLPClassifier.fit`."""
        with self._scored_by(validation_data, X_val, y_val):
            return super().fit(X, y, sample_weight)  # type: ignore[no-any-return]

    @available_if(lambda model: model._check_partial_fit())  # type: ignore[untyped-decorator]
    def partial_fit(
        self, X: Any, y: Any, sample_weight: Any = None, *, validation_data: Any = None
    ) -> Self:
        """Train for one epoch more; see `MLPClassifier.partial_fit`."""
        with self._scored_by(validation_data):
            return super().partial_fit(X, y, sample_weight)  # type: ignore[no-any-return]


class SoftmaxRegression(MLPClassifier):
    """A network without a hidden layer: logistic regression, with softmax for several classes.

    Parameters
    ----------
    solver : {"lbfgs", "adam", "sgd"}, default "lbfgs"
    alpha, batch_size, ..., engine
        As for `MLPClassifier`.

    Attributes
    ----------
    coef_ : ndarray, shape (k, d); (1, d) for two classes
    intercept_ : ndarray, shape (k,); (1,) for two classes

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> X, y = load_iris(return_X_y=True)
    >>> model = SoftmaxRegression(random_state=0, max_iter=1000).fit(X, y)
    >>> model.coef_.shape, model.score(X, y) > 0.95
    ((3, 4), True)
    """

    hidden_layer_sizes = ()
    activation = "identity"
    dropout, batch_norm = 0.0, False

    def __init__(
        self,
        *,
        solver: str = "lbfgs",
        alpha: float = 0.0001,
        batch_size: Any = "auto",
        learning_rate: str = "constant",
        learning_rate_init: float = 0.001,
        power_t: float = 0.5,
        max_iter: int = 200,
        shuffle: bool = True,
        random_state: Any = None,
        tol: float = 1e-4,
        verbose: bool = False,
        warm_start: bool = False,
        momentum: float = 0.9,
        nesterovs_momentum: bool = True,
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-8,
        n_iter_no_change: int = 10,
        max_fun: int = 15000,
        class_weight: Any = None,
        loss: Any = "log_loss",
        label_smoothing: float = 0.0,
        optimizer: Any = None,
        scoring: Any = None,
        callbacks: Any = None,
        metrics: Any = None,
        columns: str | None = None,
        engine: str = "auto",
    ) -> None:
        keep(self, locals())

    @property
    def coef_(self) -> Array:
        """The weights, a row for each output."""
        return self.coefs_[0].T  # type: ignore[no-any-return]

    @property
    def intercept_(self) -> Array:
        """The intercepts."""
        return self.intercepts_[0]  # type: ignore[no-any-return]
