"""Scores of predictions, accumulated over chunks of rows, beside those of a baseline."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from chainrule._src.base.arrays import Array
from chainrule._src.data.preprocessing import Target
from chainrule._src.data.preprocessing.values import quote

KEPT = 2**25  # maximum number of probabilities in memory for the AUC
LEAST = 1e-7  # lower bound of a probability: one certain mistake is not infinite


class ClassScores:
    """Scores of classes.

    Parameters
    ----------
    target : Target

    Attributes
    ----------
    confusion : ndarray of int, shape (k, k)
        Number of rows by true class (rows of the matrix) and predicted class (columns).
    """

    def __init__(self, target: Target) -> None:
        self.target = target
        self.confusion = np.zeros((len(target.classes),) * 2, dtype=np.int64)
        self._log_loss = 0.0
        # For the AUC; None if there are too many.
        self._predicted: list[tuple[Array, Array]] | None = []

    def add(self, y: Array, output: Array) -> None:
        """Add true classes, shape (n,), and predicted probabilities, shape (n, k)."""
        np.add.at(self.confusion, (y, self.target.codes(output)), 1)
        of_true = output[np.arange(len(y)), y].astype(np.float64)
        self._log_loss -= float(np.log(np.maximum(of_true, LEAST)).sum())
        if self._predicted is not None:
            self._predicted.append((y, output[:, 1] if len(self.target.classes) == 2 else output))
            if self.rows * len(self.target.classes) > KEPT:
                self._predicted = None

    @property
    def rows(self) -> int:
        """Number of scored rows."""
        return int(self.confusion.sum())

    @property
    def accuracy(self) -> float:
        """Share of the rows that are predicted correctly."""
        return float(np.trace(self.confusion)) / self.rows

    @property
    def balanced_accuracy(self) -> float:
        """Mean over the classes of the share of their rows that are predicted correctly."""
        of_class = self.confusion.sum(axis=1)
        present = of_class > 0
        return float((np.diag(self.confusion)[present] / of_class[present]).mean())

    @property
    def auc(self) -> float | None:
        """The area under the ROC curve; for several classes the mean of one against the rest.

        None if a class has no rows, or if too many rows were scored to keep their probabilities.
        """
        if self._predicted is None or not self.confusion.sum(axis=1).all():
            return None
        y, output = (np.concatenate(parts) for parts in zip(*self._predicted, strict=True))
        if output.ndim == 1:
            return area_under_roc(y == 1, output)
        each = [area_under_roc(y == label, output[:, label]) for label in range(output.shape[1])]
        return float(np.mean(each))

    @property
    def below_baseline(self) -> list[str]:
        """The scores in which the model is no better than the baseline, as texts."""
        true = self.confusion.sum(axis=1)
        usual = float(true[int(np.argmax(self.target.counts))]) / self.rows
        least = 1 / max(int((true > 0).sum()), 1)
        pairs = {
            "accuracy": (self.accuracy, usual),
            "balanced accuracy": (self.balanced_accuracy, least),
        }
        return [
            f"{name} {percent(model)} against {percent(baseline)}"
            for name, (model, baseline) in pairs.items()
            if model < baseline or (model == baseline < 1)
        ]

    def table(self) -> dict[str, tuple[str, str]]:
        """Return by name the scores of the model and of the baseline, as texts."""
        true = self.confusion.sum(axis=1)
        counts = np.maximum(self.target.counts, 1)
        guess = -float(true @ np.log(counts / counts.sum())) / self.rows
        usual = float(true[int(np.argmax(counts))]) / self.rows
        blind = float(true[int(np.argmax(counts))] > 0) / int((true > 0).sum())
        area = self.auc
        auc = {} if area is None else {"AUC": (f"{area:.4f}", "0.5000")}
        return {
            "accuracy": (percent(self.accuracy), percent(usual)),
            "balanced accuracy": (percent(self.balanced_accuracy), percent(blind)),
            **auc,
            "log loss": (f"{self._log_loss / self.rows:.4g}", f"{guess:.4g}"),
        }

    def values(self) -> dict[str, float]:
        """Return the scores by name, as numbers."""
        accuracies = {"accuracy": self.accuracy, "balanced accuracy": self.balanced_accuracy}
        auc = self.auc
        return {
            **accuracies, **({} if auc is None else {"AUC": auc}),
            "log loss": self._log_loss / self.rows,
        }  # fmt: skip

    def by_class(self) -> list[tuple[str, int, float | None, float | None]]:
        """Return each class's name, rows, precision and recall; None for a share of no rows."""
        right, true = np.diag(self.confusion), self.confusion.sum(axis=1)
        n_predicted = self.confusion.sum(axis=0)

        def share(part: int, total: int) -> float | None:
            return float(part / total) if total else None

        return [
            (name, int(true[i]), share(right[i], n_predicted[i]), share(right[i], true[i]))
            for i, name in enumerate(self.target.classes)
        ]

    @property
    def baseline(self) -> str:
        """Description of the baseline's predictions."""
        usual = self.target.classes[int(np.argmax(self.target.counts))]
        return f"always {quote(usual)}, the most frequent class in training"

    def worst(self, most: int) -> list[tuple[str, str, int, float]]:
        """Return the most frequent mistakes: true class, predicted class, rows, share of rows."""
        wrong = self.confusion - np.diag(np.diag(self.confusion))
        classes, of_class = self.target.classes, self.confusion.sum(axis=1)
        order = np.argsort(-wrong, axis=None, kind="stable")[:most]
        places = [divmod(int(at), len(classes)) for at in order]
        return [
            (classes[i], classes[j], int(wrong[i, j]), float(wrong[i, j] / of_class[i]))
            for i, j in places
            if wrong[i, j]
        ]


class QuantityScores:
    r"""Scores of a quantity: :math:`R^2 = 1 - \sum (y - \hat y)^2 / \sum (y - \bar y)^2`, errors.

    Parameters
    ----------
    target : Target
    """

    def __init__(self, target: Target) -> None:
        self.target, self.rows, self._inside, self._width = target, 0, 0, 0.0
        self._sums = dict.fromkeys(("y", "y²", "|y|", "e²", "|e|"), 0.0)

    def add(self, y: Array, output: Array) -> None:
        """Add true and predicted values on the learned scale, where training has mean 0."""
        true = y.astype(np.float64)
        error = true - output[:, 0]
        self.rows += len(y)
        if self.target.interval:
            low, high = self.target.bounds(output)
            self._inside += int(((low <= true) & (true <= high)).sum())
            self._width += float((high - low).sum())
        parts = (true, true**2, np.abs(true), error**2, np.abs(error))
        for name, part in zip(self._sums, parts, strict=True):
            self._sums[name] += float(part.sum())

    def values(self) -> dict[str, float]:
        """Return the scores by name, as numbers."""
        sums, scale, spread = self._sums, self.target.scale, self._spread
        return {
            "R²": 1 - sums["e²"] / spread if spread > 0 else math.nan,
            "mean absolute error": scale * sums["|e|"] / self.rows,
            "root mean square error": scale * math.sqrt(sums["e²"] / self.rows),
            **self._of_intervals(),
        }

    @property
    def below_baseline(self) -> list[str]:
        """The score in which the model is no better than the baseline, as a text."""
        score = self.values()["R²"]
        least = 1 - self._sums["y²"] / max(self._spread, LEAST)
        return [f"R² {score:.4f} against {least:.4f}"] if score <= least else []

    @property
    def _spread(self) -> float:
        """The sum of squared deviations from the mean."""
        return self._sums["y²"] - self._sums["y"] ** 2 / self.rows

    def _of_intervals(self) -> dict[str, float]:
        if not self.target.interval:
            return {}
        return {
            "within the interval": self._inside / self.rows,
            "mean width of intervals": self.target.scale * self._width / self.rows,
        }

    def table(self) -> dict[str, tuple[str, str]]:
        """Return by name the scores of the model and of the baseline, as texts."""
        sums, scale, spread = self._sums, self.target.scale, self._spread

        def r2(squares: float) -> str:
            return f"{1 - squares / spread:.4f}" if spread > 0 else "undefined"

        def mean(total: float) -> str:
            return f"{scale * total / self.rows:.4g}"

        def root(squares: float) -> str:
            return f"{scale * np.sqrt(squares / self.rows):.4g}"

        return {
            "R²": (r2(sums["e²"]), r2(sums["y²"])),
            "mean absolute error": (mean(sums["|e|"]), mean(sums["|y|"])),
            "root mean square error": (root(sums["e²"]), root(sums["y²"])),
            **{
                name: (percent(value) if "within" in name else f"{value:.4g}", "")
                for name, value in self._of_intervals().items()
            },
        }

    @property
    def baseline(self) -> str:
        """Description of the baseline's predictions."""
        return f"always {self.target.mean:.5g}, the mean in training"


Scores = ClassScores | QuantityScores


def new_scores(target: Target) -> Scores:
    """Return empty scores for a target."""
    return ClassScores(target) if target.classes else QuantityScores(target)


def score_arrays(model: Any, X: Array, y: Array, rows: int = 2**14) -> Scores:
    """Return the scores of a model on samples, predicted in blocks of rows."""
    scores = new_scores(model.preprocessor.target)
    add_arrays(scores, model, X, y, rows)
    return scores


def add_arrays(scores: Scores, model: Any, X: Array, y: Array, rows: int = 2**14) -> None:
    """Add a model's predictions of samples to scores."""
    for start in range(0, len(X), rows):
        scores.add(y[start : start + rows], model.predict(X[start : start + rows]))


def area_under_roc(is_true: Array, scores: Array) -> float:
    r"""Return the area under the ROC curve: the share of pairs whose true sample scores higher.

    With the ranks :math:`r` of the scores, where equal scores share the mean of their ranks,
    :math:`(\sum_\text{true} r - n_1 (n_1 + 1) / 2) / (n_1 n_0)` (Mann and Whitney, 1947).

    Examples
    --------
    >>> area_under_roc(np.array([True, False, True, False]), np.array([0.9, 0.1, 0.4, 0.4]))
    0.875
    """
    _, index, counts = np.unique(scores, return_inverse=True, return_counts=True)
    ranks = (np.cumsum(counts) - (counts - 1) / 2)[index]
    n = int(is_true.sum())
    return float((ranks[is_true].sum() - n * (n + 1) / 2) / (n * (len(scores) - n)))


def percent(share: float) -> str:
    """Format a share as a percentage.

    Examples
    --------
    >>> percent(0.9634), percent(1.0)
    ('96.3 %', '100 %')
    """
    return "100 %" if share == 1 else f"{100 * share:.1f} %"
