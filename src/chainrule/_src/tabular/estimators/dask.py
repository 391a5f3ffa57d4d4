"""scikit-learn's classes on Dask's collections, with the conventions of xgboost.dask."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import KW_ONLY, dataclass
from typing import Any, ClassVar, Self

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
from sklearn.metrics import accuracy_score, r2_score
from sklearn.utils import compute_class_weight
from sklearn.utils.validation import check_is_fitted, validate_data

from chainrule._src.base.errors import DataError, OptionError
from chainrule._src.base.validation import check_number, check_positive
from chainrule._src.cluster.batches import PartBatches
from chainrule._src.cluster.categories import Categories, distinct, merged
from chainrule._src.cluster.collections import is_collection, is_frame
from chainrule._src.cluster.fitting import train
from chainrule._src.cluster.frames import text_columns, values
from chainrule._src.cluster.options import Rounds
from chainrule._src.cluster.places import dask
from chainrule._src.cluster.predicting import Predicts, predictions
from chainrule._src.cluster.source import DataSource, opened
from chainrule._src.nn import layers, optimizers, regularizers
from chainrule._src.nn.callbacks import Callback, EarlyStopping, as_callbacks
from chainrule._src.nn.network.inputs import comes_in_parts
from chainrule._src.nn.sequential import Sequential
from chainrule._src.tabular.estimators.weights import balanced

_ROUNDS = (
    "shards", "round_steps", "outer_momentum", "outer_rate", "n_workers", "checkpoint", "timeout",
)  # fmt: skip


@dataclass(eq=False, repr=False)
class _DaskMLP(BaseEstimator):  # type: ignore[misc]
    """Base class of the classifier and the regressor on Dask's collections."""

    hidden_layer_sizes: Any = (100,)
    activation: Any = "relu"
    _: KW_ONLY
    optimizer: Any = None
    alpha: float = 1e-4
    batch_size: int = 200
    learning_rate_init: float = 1e-3
    max_iter: int = 200
    tol: float = 1e-4
    n_iter_no_change: int = 10
    dropout: float = 0.0
    shuffle: bool = True
    class_weight: Any = None
    random_state: Any = None
    callbacks: Any = None
    engine: str = "auto"
    shards: int = 8
    round_steps: int = 100
    outer_momentum: float = 0.0
    outer_rate: float = 1.0
    n_workers: int | None = None
    checkpoint: Any = None
    timeout: float = 600.0

    _client = None

    @property
    def client(self) -> Any:
        """The client whose workers train; None for the active client, if any."""
        return self._client

    @client.setter
    def client(self, client: Any) -> None:
        self._client = client

    def fit(
        self, X: Any, y: Any, *, sample_weight: Any = None, validation_data: Any = None
    ) -> Self:
        """Train.

        Parameters
        ----------
        X : dask.array.Array, dask.dataframe.DataFrame or array_like, shape (n, d)
            Or the path of a Parquet file or folder. Partitions may be empty and of unequal size.
            Each category of a column of text becomes a feature, by all partitions' categories;
            of a missing or new one all are 0.
        y : the same types as X, shape (n,); or the name of a column
        sample_weight : the same types as X, optional
        validation_data : tuple, optional
            ``(X, y)`` that are scored after every epoch, files and collections too.

        Returns
        -------
        self
        """
        options = Rounds(**{name: getattr(self, name) for name in _ROUNDS})
        names, categories, X = _in_memory(X)
        with opened(X, y, sample_weight, self._client, options) as source:
            self.categories_ = categories or source.encode_texts()
            self._learn_form(source, names or source.names)
            classes, weights = self._learn(source)
            model = self._network(len(classes) if classes is not None else 1)
            size = check_positive(self.batch_size, "batch_size", type(self).__name__)
            train(
                model, source, options, epochs=self.max_iter,
                batch_size=max(1, round(size / source.shards(options.shards))),
                verbose=0, callbacks=self._watching(), shuffle=self.shuffle, class_weight=weights,
                validation_data=self._hold_out(validation_data), classes=classes,
            )  # fmt: skip
        self.model_, self.history_ = model, model.history.history
        self.n_iter_ = len(model.history.epoch)
        return self

    def _watching(self) -> list[Callback]:
        """Return the callbacks of training, with one that stops it as scikit-learn does."""
        where = type(self).__name__
        stopping = EarlyStopping(
            "loss", check_number(self.tol, "tol", where),
            check_positive(self.n_iter_no_change, "n_iter_no_change", where) + 1,
        )  # fmt: skip
        return [*as_callbacks(self.callbacks, where), stopping]

    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        """Return the accuracy, or R² of a regressor; Dask's collections are computed first.

        Of a file or a folder, ``y`` and ``sample_weight`` are names of columns, or ``.npy`` files.
        """
        if comes_in_parts(X) and not is_collection(X):
            return self._score_of_parts(
                PartBatches(X, y, sample_weight, categories=self.categories_)
            )
        parts = y, self.predict(X), sample_weight
        if any(map(is_collection, parts)):
            parts = dask().compute(*parts, scheduler=self._client)
        y, predicted, sample_weight = parts
        return float(self._scored(y, predicted, sample_weight=sample_weight))

    def _score_of_parts(self, batches: PartBatches) -> float:
        """Return the score on batches of a file, which are predicted one after another."""
        check_is_fitted(self)
        if batches.names:
            self._checked(dask("pandas").DataFrame(columns=list(batches.names)))
        predicts = self._predicts()
        parts = [(y, predicts(X), *weight) for X, y, *weight in batches]
        y, predicted, *weight = (np.concatenate(each) for each in zip(*parts, strict=True))
        return float(self._scored(y, predicted, sample_weight=weight[0] if weight else None))

    def _predicts(self) -> Predicts:
        """Return the function of samples that gives predictions."""
        return Predicts.of(self.model_, categories=self.categories_)

    def _learn_form(self, source: DataSource, names: tuple[Any, ...]) -> None:
        """Check the shapes of samples; store the number and names of their features."""
        X, y, *_ = source.few[1]
        if X.ndim != 2 or y.size != len(y):
            raise DataError(
                f"{type(self).__name__} takes X of shape (n, d) and y of shape (n,), received "
                f"{X.shape} and {y.shape} of some rows; Sequential.fit trains other networks"
            )
        self.n_features_in_ = len(names) or X.shape[1]
        self.__dict__.pop("feature_names_in_", None)
        if names and all(isinstance(name, str) for name in names):
            self.feature_names_in_ = np.array(names, dtype=object)

    def _checked(self, X: Any) -> Any:
        """Return the samples; refuse them unless their columns are those of training, in order."""
        if comes_in_parts(X) and not is_collection(X):
            X = np.load(X, mmap_mode="r") if str(X).endswith(".npy") else self._columns_of(X)
        X = X if hasattr(X, "shape") else np.asarray(X)
        like = X._meta if is_frame(X) else X
        validate_data(self, like, reset=False, skip_check_array=True)
        return X

    def _columns_of(self, path: Any) -> Any:
        """Return the columns of training of Parquet files, as a frame of Dask's, which is lazy."""
        check_is_fitted(self)
        names = getattr(self, "feature_names_in_", None)
        frame = dask("dask.dataframe").read_parquet(path)
        return frame if names is None else frame[[name for name in names if name in frame.columns]]

    def _hold_out(self, data: Any) -> Any:
        """Return the hold-out samples that are scored after every epoch."""
        if data is None:
            return None
        if not isinstance(data, tuple | list) or len(data) not in (2, 3):
            raise DataError("validation_data must be (X, y) or (X, y, sample_weight)")
        X, y, *weight = data
        if comes_in_parts(X):
            return PartBatches(X, y, *weight, encode=self._encoded, categories=self.categories_)
        return values(self._checked(X), self.categories_), self._encoded(values(y)), *weight

    def _network(self, outputs: int) -> Sequential:
        hidden: list[Any] = []
        penalty = regularizers.L2(self.alpha / (2 * self.batch_size)) if self.alpha else None
        for units in np.atleast_1d(self.hidden_layer_sizes):
            hidden.append(layers.Dense(int(units), self.activation, kernel_regularizer=penalty))
            if self.dropout:
                hidden.append(layers.Dropout(self.dropout))
        seed = self.random_state
        seed = seed.randint(2**31) if isinstance(seed, np.random.RandomState) else seed
        last = layers.Dense(outputs, self._last, kernel_regularizer=penalty)
        model = Sequential([*hidden, last], seed=seed)
        rule = (
            optimizers.Adam(self.learning_rate_init) if self.optimizer is None else self.optimizer
        )
        model.compile(rule, self._loss, metrics=self._metrics, engine=self.engine)
        return model

    _last: ClassVar[Any]
    _loss: ClassVar[str]
    _metrics: ClassVar[tuple[str, ...]] = ()
    _scored: ClassVar[Callable[..., Any]]

    def _learn(self, source: DataSource) -> tuple[Any, Any]:
        """Return the classes, and the weight of each class by its number."""
        return None, None

    def _encoded(self, y: Any) -> Any:
        return y

    def __getstate__(self) -> Any:
        return {name: v for name, v in super().__getstate__().items() if name != "_client"}


def _in_memory(X: Any) -> tuple[tuple[Any, ...], Categories, Any]:
    """Return the names and categories of a frame in memory that holds texts, and its features."""
    texts = () if is_collection(X) else text_columns(X)
    if not texts:
        return (), (), X
    categories = merged([{name: distinct(X[name]) for name in texts}])
    return tuple(X.columns), categories, values(X, categories)


class DaskMLPClassifier(ClassifierMixin, _DaskMLP):  # type: ignore[misc]
    """Trains a network that classifies, where the data are.

    Local SGD in rounds, see `chainrule.distributed.Rounds`: however many workers there are, and
    whichever fail, the same seed gives the same bits.

    Parameters
    ----------
    hidden_layer_sizes : sequence of int, default (100,)
    activation : str, default "relu"
    optimizer : str or Optimizer, optional
        By default Adam with ``learning_rate_init``.
    alpha : float, default 1e-4
        Weight of the squared weights, as in scikit-learn.
    batch_size : int, default 200
        Samples of an update, of all shards together: with eight shards each takes 25, so that an
        epoch makes as many updates as on one machine.
    learning_rate_init : float, default 1e-3
    max_iter : int, default 200
        Most epochs.
    tol, n_iter_no_change : float, int, default 1e-4, 10
        Training ends once the loss has not fallen by ``tol`` for more than ``n_iter_no_change``
        epochs.
    dropout : float, default 0
    shuffle : bool, default True
    class_weight : dict or "balanced", optional
        Weights by label; "balanced" gives all classes the same total weight.
    random_state : int, RandomState or None
    callbacks : Callback, callable, or sequence of such, optional
    engine : {"auto", "compiled", "numpy"}
    shards, round_steps, outer_momentum, outer_rate, n_workers, checkpoint, timeout
        See `chainrule.distributed.Rounds`.

    Attributes
    ----------
    client
        The client; set it before `fit`, unless it is the active client.
    classes_ : ndarray
        All classes that occur in any partition.
    categories_ : tuple
        Pairs of the name of a column of text and its categories.
    model_ : Sequential
    history_ : dict
    n_features_in_, n_iter_ : int
    feature_names_in_ : ndarray
        Column names of a frame or a Parquet file; afterwards, samples with other columns or
        another order are refused.

    Raises
    ------
    DataError
        When fitted, if samples are no rows, ``y`` holds one class alone, or ``validation_data``
        holds a class that ``y`` does not.
    OptionError
        When fitted, if ``class_weight`` has another value.
    ClusterError
        When fitted, if the workers do not answer.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> X, y = load_iris(return_X_y=True)
    >>> classifier = DaskMLPClassifier(
    ...     max_iter=200, batch_size=16, shards=1, learning_rate_init=0.01, random_state=0
    ... ).fit(X, y)
    >>> bool(classifier.score(X, y) > 0.9)
    True
    """

    _last, _loss, _metrics = "softmax", "sparse_categorical_crossentropy", ("accuracy",)

    _scored, score = staticmethod(accuracy_score), _DaskMLP.score

    def _learn(self, source: DataSource) -> tuple[Any, Any]:
        self.classes_, sums = source.labels()
        if len(self.classes_) < 2:
            raise DataError(
                f"DaskMLPClassifier needs samples of at least two classes, y holds one class: "
                f"{self.classes_.tolist()[0]!r}"
            )
        return self.classes_, self._weights(sums)

    def _encoded(self, y: Any) -> Any:
        codes = np.searchsorted(self.classes_, y).clip(max=len(self.classes_) - 1)
        if (self.classes_[codes] != y).any():
            raise DataError("validation_data holds a class that y does not")
        return codes

    def _weights(self, sums: Any) -> Any:
        requested, classes = self.class_weight, self.classes_
        if requested is None:
            return None
        if isinstance(requested, Mapping):
            weights = compute_class_weight(dict(requested), classes=classes, y=classes)
        elif requested == "balanced":
            weights = balanced(classes, classes, sums)
        else:
            raise OptionError("class_weight", "must be 'balanced' or a dict from label to weight")
        return dict(enumerate(weights.tolist()))

    def predict(self, X: Any) -> Any:
        """Return the most probable classes; lazily, for Dask's collections."""
        check_is_fitted(self)
        return predictions(self._predicts(), self._checked(X), self.classes_.dtype)

    def _predicts(self) -> Predicts:
        return Predicts.of(self.model_, self.classes_, self.categories_)

    def predict_proba(self, X: Any) -> Any:
        """Return the probability of every class, shape (n, k); lazily, for Dask's collections."""
        check_is_fitted(self)
        X = self._checked(X)
        return predictions(
            Predicts.of(self.model_, categories=self.categories_), X, np.float32, len(self.classes_)
        )


class DaskMLPRegressor(RegressorMixin, _DaskMLP):  # type: ignore[misc]
    """Trains a network that predicts a number, where the data are.

    Parameters
    ----------
    hidden_layer_sizes, activation, optimizer, alpha, batch_size, learning_rate_init, max_iter, \
tol, n_iter_no_change, dropout, shuffle, random_state, callbacks, engine, shards, round_steps, \
outer_momentum, outer_rate, n_workers, checkpoint, timeout
        As for `DaskMLPClassifier`.
    class_weight : ignored
        There are no classes.

    Attributes
    ----------
    client, model_, categories_, history_, n_features_in_, n_iter_, feature_names_in_
        As for `DaskMLPClassifier`.

    Raises
    ------
    DataError, ClusterError
        As for `DaskMLPClassifier`.

    Examples
    --------
    >>> X = np.linspace(-1, 1, 200)[:, np.newaxis]
    >>> regressor = DaskMLPRegressor(max_iter=100, batch_size=20, shards=1, random_state=0,
    ...                              learning_rate_init=0.01).fit(X, X[:, 0] ** 2)
    >>> bool(regressor.score(X, X[:, 0] ** 2) > 0.9)
    True
    """

    _last, _loss = None, "mse"
    _scored, score = staticmethod(r2_score), _DaskMLP.score

    def predict(self, X: Any) -> Any:
        """Return predicted quantities, shape (n,); lazily, for Dask's collections."""
        check_is_fitted(self)
        return predictions(self._predicts(), self._checked(X), np.float32)
