"""Plots of a fitted network as scikit-learn's display objects, with axes and figure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from sklearn.utils.validation import check_is_fitted

from chainrule._src.base import plots
from chainrule._src.base.arrays import Array
from chainrule._src.base.errors import DataError, ShapeError, listed
from chainrule._src.base.validation import check_positive, lookup

if TYPE_CHECKING:
    from matplotlib.axes import Axes


class LossCurveDisplay:
    """Draws the loss, or another score, of every epoch, for the training and the hold-out samples.

    Parameters
    ----------
    history : dict of str to list of float
    metric : str, default "loss"
        Name of the score. ``val_…`` of the same name is drawn as well, if it exists.

    Attributes
    ----------
    ax_, figure_
        Matplotlib's axes and figure, after `plot`.

    Raises
    ------
    UnknownNameError
        If the history holds no such score, when it is plotted.

    Examples
    --------
    >>> display = LossCurveDisplay({"loss": [3.0, 2.0], "val_loss": [3.0, 2.5]}).plot()
    >>> [line.get_label() for line in display.ax_.lines]
    ['training', 'validation']
    """

    def __init__(self, history: dict[str, Sequence[float]], metric: str = "loss") -> None:
        self.history, self.metric = history, metric

    def plot(self, ax: Axes | None = None) -> Self:
        """Draw on ``ax``, or on new axes."""
        named = {"training": self.metric, "validation": f"val_{self.metric}"}
        curves = {key: self.history[name] for key, name in named.items() if name in self.history}
        if not curves:
            lookup("metric", self.metric, {n.removeprefix("val_"): 0 for n in self.history})
        lines = {key: (np.arange(1, len(ys) + 1), ys) for key, ys in curves.items()}
        self.ax_ = plots.curves(lines, xlabel="epoch", ylabel=self.metric, ax=ax)
        self.figure_ = self.ax_.get_figure(root=True)
        return self

    @classmethod
    def from_estimator(
        cls, estimator: Any, *, metric: str = "loss", ax: Axes | None = None
    ) -> Self:
        """Draw a fitted estimator's ``history_``; scikit-learn's estimators only have a loss.

        Raises
        ------
        DataError
            If the estimator was not trained by epochs.
        """
        check_is_fitted(estimator)
        history = getattr(estimator, "history_", None)
        if history is None and hasattr(estimator, "loss_curve_"):
            history = {"loss": estimator.loss_curve_, "val_score": estimator.validation_scores_}
            history = {name: values for name, values in history.items() if values}
        if not history:
            raise DataError(f"{type(estimator).__name__} has no loss of each epoch to draw")
        return cls(history, metric).plot(ax)


class WorstPredictionsDisplay:
    """Draws the samples whose true class has the lowest predicted probability.

    Parameters
    ----------
    X : ndarray, shape (n, d)
        The samples; drawn as images if ``image_shape`` is given.
    y_true, y_pred : ndarray, shape (n,)
        True and predicted classes.
    probability : ndarray, shape (n,)
        Predicted probability of the true class.
    image_shape : tuple of int, optional
        By default the probabilities are drawn as bars.

    Attributes
    ----------
    ax_, figure_
        Matplotlib's axes and figure, after `plot`.

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> worst = WorstPredictionsDisplay(np.zeros((1, 2)), ["cat"], ["dog"], np.array([0.125]))
    >>> display = worst.plot(Figure().subplots())
    >>> [label.get_text() for label in display.ax_.get_yticklabels()]
    ['cat, not dog: 12.5%']
    """

    def __init__(
        self, X: Array, y_true: Array, y_pred: Array, probability: Array, image_shape: Any = None
    ) -> None:
        self.X, self.y_true, self.y_pred, self.probability = X, y_true, y_pred, probability
        self.image_shape = image_shape

    def plot(self, ax: Axes | None = None) -> Self:
        """Draw on ``ax``, or on new axes: images, or bars if the samples are not images."""
        self.ax_ = plots.new_axes(ax, (9, 4))
        titles = [
            f"{true}, not {label}: {share:.1%}"
            for true, label, share in zip(self.y_true, self.y_pred, self.probability, strict=True)
        ]
        if self.image_shape is None:
            self.ax_.barh(np.arange(len(titles))[::-1], self.probability)
            self.ax_.set_yticks(np.arange(len(titles))[::-1], titles)
            self.ax_.set_xlabel("probability of the true class")
        else:
            columns = min(len(titles), 5)
            grid = plots.panels(self.ax_, -(-len(titles) // columns), columns, gaps=(0.25, 0.05))
            for x, title, panel in zip(self.X, titles, grid, strict=False):
                plots.image(np.reshape(x, self.image_shape), title, panel)
            for panel in grid[len(titles) :]:
                panel.set_axis_off()
        self.figure_ = self.ax_.get_figure(root=True)
        return self

    @classmethod
    def from_estimator(
        cls, estimator: Any, X: Any, y: Any, *, n_samples: int = 10, image_shape: Any = None,
        ax: Axes | None = None,
    ) -> Self:  # fmt: skip
        """Draw the samples with the worst predictions of a fitted classifier.

        Parameters
        ----------
        estimator : classifier with ``predict_proba``
        X : array_like or frame, shape (n, d)
        y : array_like, shape (n,)
        n_samples : int, default 10
        image_shape : tuple of int, optional
            By default a square, if the number of features is a square of at least 16.

        Raises
        ------
        ShapeError
            If ``y`` does not hold one class per sample.
        DataError
            If the estimator predicts no probabilities, or does not know a class of ``y``.
        """
        if not hasattr(estimator, "predict_proba"):
            name = type(estimator).__name__
            raise DataError(f"{name} has no predict_proba: what is drawn is a class's probability")
        probabilities = estimator.predict_proba(X)  # takes a frame without conversion
        y, X = np.asarray(y), np.asarray(X)
        if y.shape != (len(X),):
            raise ShapeError(f"y: expected a class for each of {len(X)} samples, not {y.shape}")
        places = {label: code for code, label in enumerate(estimator.classes_.tolist())}
        codes = [places.get(label, -1) for label in y.tolist()]
        if -1 in codes:
            raise DataError(
                f"y holds {y[codes.index(-1)]!r}, which is none of the classes of training: "
                f"{listed(map(repr, places))}"
            )
        true = probabilities[np.arange(len(X)), codes]
        worst = np.argsort(true, kind="stable")[: check_positive(n_samples, "n_samples", "plot")]
        side = round(X.shape[1] ** 0.5)
        if image_shape is None and side**2 == X.shape[1] and side >= 4:
            image_shape = side, side
        predicted = estimator.classes_[probabilities[worst].argmax(axis=1)]
        return cls(X[worst], y[worst], predicted, true[worst], image_shape).plot(ax)
