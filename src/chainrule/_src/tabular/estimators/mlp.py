"""Networks with scikit-learn's names and results, and with additional options."""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass, field
from numbers import Real
from typing import Any, ClassVar, Self

import numpy as np
import sklearn.neural_network as theirs
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted

from chainrule._src.base.arrays import Array
from chainrule._src.tabular.estimators.base import MORE, SHARE, NetworkMixin


@dataclass(eq=False, repr=False, kw_only=True)
class _MLPParameters:
    """The parameters that the classes below share; each stores them as they are given."""

    solver: str = "adam"
    alpha: float = 0.0001
    batch_size: Any = "auto"
    learning_rate: str = "constant"
    learning_rate_init: float = 0.001
    power_t: float = 0.5
    max_iter: int = 200
    shuffle: bool = True
    random_state: Any = None
    tol: float = 1e-4
    verbose: bool = False
    warm_start: bool = False
    momentum: float = 0.9
    nesterovs_momentum: bool = True
    early_stopping: bool = False
    validation_fraction: float = 0.1
    beta_1: float = 0.9
    beta_2: float = 0.999
    epsilon: float = 1e-8
    n_iter_no_change: int = 10
    max_fun: int = 15000
    dropout: Any = 0.0
    batch_norm: bool = False
    optimizer: Any = None
    scoring: Any = None
    callbacks: Any = None
    metrics: Any = None
    columns: str | None = None
    engine: str = "auto"


@dataclass(eq=False, repr=False)
class MLPClassifier(_MLPParameters, NetworkMixin, theirs.MLPClassifier):  # type: ignore[misc]
    """Trains scikit-learn's network for classification faster, and with additional options.

    The same parameters, data and ``random_state`` give the same weights as
    `sklearn.neural_network.MLPClassifier`, up to rounding.

    Parameters
    ----------
    hidden_layer_sizes, activation
        The same as in scikit-learn. ``activation`` may also be any name of
        `chainrule.activations`, a function, or a list with one for each hidden layer.
    solver, alpha, batch_size, learning_rate, learning_rate_init, power_t, max_iter, shuffle
    random_state, tol, verbose, warm_start, momentum, nesterovs_momentum, early_stopping
    validation_fraction, beta_1, beta_2, epsilon, n_iter_no_change, max_fun
        The same as in scikit-learn.
    dropout : float or list of float, default 0
        Share of the units that are dropped in training; a list has one for each hidden layer.
    batch_norm : bool, default False
        If true, batch normalization precedes each activation.
    class_weight : dict, "balanced" or None
        Weights of classes as in `sklearn.linear_model.LogisticRegression`; for several outputs a
        list of dicts. `partial_fit` is not available with "balanced".
    loss : str, Loss or callable, default "log_loss"
        The loss: also "focal", a name of `chainrule.losses`, or a NumPy function of
        ``(y_true, y_pred)`` for targets as 0 and 1, shape ``(n, k)``.
    label_smoothing : float, default 0
        Share of a label that is spread over all classes.
    optimizer : str or Optimizer, optional
        One of `chainrule.optimizers` instead of ``solver``.
    scoring : str or callable, optional
        The score for early stopping, as in `sklearn.model_selection.cross_val_score`; by default
        the accuracy.
    callbacks : list of Callback, optional
    metrics : list, optional
        Further scores of every epoch for `history_`.
    columns : {"auto"}, optional
        With "auto", `fit` takes a frame of pandas, Polars or PyArrow, or an array, with missing
        values and categories: numbers are scaled, categories are one-hot encoded.
    engine : {"auto", "compiled", "numpy"}

    Attributes
    ----------
    history_ : dict of str to list of float
        Scores of every epoch.
    model_ : Sequential
        The network, whose source can be read, checked, exported.
    converged_ : bool
        After `partial_fit` with early stopping: true if the score has stopped improving. The
        weights are then those of the best epoch.

    All attributes of scikit-learn's class exist as well: ``coefs_``, ``loss_curve_`` and so on.

    Raises
    ------
    ValueError, OptionError
        When fitted, as in scikit-learn, and if an additional option does not suit the data.
    DivergenceError
        When fitted, if the loss turns NaN or infinite, and an additional option is in use.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> X, y = load_digits(return_X_y=True)
    >>> model = MLPClassifier((50,), dropout=0.2, random_state=0, early_stopping=True)
    >>> model.fit(X / 16, y).score(X / 16, y) > 0.9
    True
    """

    hidden_layer_sizes: Any = (100,)
    activation: Any = "relu"
    _: KW_ONLY
    class_weight: Any = None
    loss: Any = "log_loss"
    label_smoothing: float = 0.0

    _parameter_constraints: ClassVar = {
        **theirs.MLPClassifier._parameter_constraints,
        **MORE,
        "class_weight": [dict, list, StrOptions({"balanced"}), None],
        "loss": [str, callable, dict, object],
        "label_smoothing": [SHARE],
    }

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
            All classes; needed at the first call.
        validation_data : tuple, optional
            As for `fit`. With ``early_stopping``, stop once `converged_` is true.
        """
        with self._scored_by(validation_data):
            return super().partial_fit(X, y, sample_weight, classes)  # type: ignore[no-any-return]

    def predict_proba(self, X: Any) -> Array:
        """Return the probability of each class, shape ``(n, k)``, in the order of ``classes_``."""
        if "coefs_" not in vars(self):
            check_is_fitted(self)
        output = self._forward_pass_fast(X)
        if self.n_outputs_ > 1:
            return output
        return np.concatenate([1 - output, output], axis=1)


@dataclass(eq=False, repr=False)
class MLPRegressor(_MLPParameters, NetworkMixin, theirs.MLPRegressor):  # type: ignore[misc]
    """Trains scikit-learn's network for regression faster, and with additional options.

    The same parameters, data and ``random_state`` give the same weights as
    `sklearn.neural_network.MLPRegressor`, up to rounding.

    Parameters
    ----------
    loss : str, Loss or callable, default "squared_error"
        The loss: also "poisson" as in scikit-learn, "absolute_error", "huber", "quantile", a name
        of `chainrule.losses`, or a NumPy function of ``(y_true, y_pred)``, shapes ``(n, k)``.
    hidden_layer_sizes, activation
        The same as in scikit-learn. ``activation`` may also be any name of
        `chainrule.activations`, a function, or a list with one for each hidden layer.
    solver, alpha, batch_size, learning_rate, learning_rate_init, power_t, max_iter, shuffle
    random_state, tol, verbose, warm_start, momentum, nesterovs_momentum, early_stopping
    validation_fraction, beta_1, beta_2, epsilon, n_iter_no_change, max_fun
        The same as in scikit-learn.
    dropout, batch_norm, optimizer, scoring, callbacks, metrics, columns, engine
        As for `MLPClassifier`; early stopping uses R² by default.
    quantile : float, default 0.5
        The quantile that is predicted with ``loss="quantile"``.

    Attributes
    ----------
    history_, model_, converged_
        As for `MLPClassifier`.

    Raises
    ------
    ValueError, OptionError, DivergenceError
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

    loss: Any = "squared_error"
    hidden_layer_sizes: Any = (100,)
    activation: Any = "relu"
    _: KW_ONLY
    quantile: float = 0.5

    _parameter_constraints: ClassVar = {
        **theirs.MLPRegressor._parameter_constraints,
        **MORE,
        "loss": [str, callable, dict, object],
        "quantile": [Interval(Real, 0, 1, closed="neither")],
    }

    @available_if(lambda model: model._check_partial_fit())  # type: ignore[untyped-decorator]
    def partial_fit(
        self, X: Any, y: Any, sample_weight: Any = None, *, validation_data: Any = None
    ) -> Self:
        """Train for one epoch more; see `MLPClassifier.partial_fit`."""
        with self._scored_by(validation_data):
            return super().partial_fit(X, y, sample_weight)  # type: ignore[no-any-return]


@dataclass(eq=False, repr=False)
class SoftmaxRegression(MLPClassifier):
    """Trains a network without a hidden layer: logistic regression, or softmax for many classes.

    Parameters
    ----------
    solver : {"lbfgs", "adam", "sgd"}, default "lbfgs"
    alpha, batch_size, learning_rate, learning_rate_init, power_t, max_iter, shuffle, random_state
    tol, verbose, warm_start, momentum, nesterovs_momentum, early_stopping, validation_fraction
    beta_1, beta_2, epsilon, n_iter_no_change, max_fun, class_weight, loss, label_smoothing
    optimizer, scoring, callbacks, metrics, columns, engine
        As for `MLPClassifier`.

    Attributes
    ----------
    coef_ : ndarray, shape (k, d); (1, d) for two classes
    intercept_ : ndarray, shape (k,); (1,) for two classes

    Raises
    ------
    ValueError, OptionError, DivergenceError
        As for `MLPClassifier`.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> X, y = load_iris(return_X_y=True)
    >>> model = SoftmaxRegression(random_state=0, max_iter=1000).fit(X, y)
    >>> model.coef_.shape, model.score(X, y) > 0.95
    ((3, 4), True)
    """

    hidden_layer_sizes: Any = field(default=(), init=False)
    activation: Any = field(default="identity", init=False)
    _: KW_ONLY
    solver: str = "lbfgs"
    dropout: Any = field(default=0.0, init=False)
    batch_norm: bool = field(default=False, init=False)

    @property
    def coef_(self) -> Array:
        """The weights, a row for each output."""
        return self.coefs_[0].T  # type: ignore[no-any-return]

    @property
    def intercept_(self) -> Array:
        """The intercepts."""
        return self.intercepts_[0]  # type: ignore[no-any-return]
