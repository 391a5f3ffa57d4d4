"""Result of a sweep: a table of models, the best ones, and plots."""

from __future__ import annotations

import os
from collections.abc import Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from chainrule._src.base import plots
from chainrule._src.base.arrays import Array
from chainrule._src.base.errors import DataError, OptionError
from chainrule._src.base.extras import needs
from chainrule._src.base.validation import check_positive, lookup
from chainrule._src.data.storage.files import write_text
from chainrule._src.sweeps import pictures
from chainrule._src.sweeps.building import Fold
from chainrule._src.sweeps.fleet import Fleet
from chainrule._src.sweeps.member import Member, Settings, TrainingTask
from chainrule._src.sweeps.models import ModelEnsemble, model_of
from chainrule._src.sweeps.outcomes import Rung
from chainrule._src.sweeps.rungs import order
from chainrule._src.sweeps.search import Search
from chainrule._src.sweeps.standing import CandidateOrder
from chainrule._src.sweeps.table import SweepTable

if TYPE_CHECKING:
    from matplotlib.axes import Axes


class Best:
    """One of the best members of a sweep, with its model.

    Attributes
    ----------
    number : int
        Number of the member, as in the table.
    settings : dict
    seed, epochs : int
    score : float
        The monitored score; for settings with several seeds the mean over the seeds.
    scores : dict of str to float
        All scores.
    """

    def __init__(self, result: Result, rung: Rung, position: int, seed: int) -> None:
        self._result, self._rung = result, rung
        self.number = rung.members([position])[seed]
        self._member: Member = result.search.candidates.member(self.number)
        self.settings: Settings = self._member.settings
        self.seed, self.epochs = self._member.seed, int(rung.epochs[position])
        self.score = float(rung.score()[position])
        self.scores = {name: float(rung.score(name)[position]) for name in rung.scores}

    def __repr__(self) -> str:
        settings = ", ".join(f"{name}={value!r}" for name, value in self.settings.items())
        names = self._rung.ranking.names(self._rung.scores)
        scores = ", ".join(f"{name} {self.scores[name]:.4g}" for name in names)
        return f"{scores} after {self.epochs} epochs: {settings}"

    @cached_property
    def models(self) -> list[Any]:
        """The trained models, one for each fold."""
        result = self._result
        checkpoint = result.search.store.checkpoint(self._rung, self.number)
        return result.models_of(self._member, self.epochs, result.folds, checkpoint)

    @cached_property
    def model(self) -> Any:
        """The model; after cross-validation a model trained on all samples for as many epochs."""
        result = self._result
        if len(result.folds) == 1:
            return self.models[0]
        (model,) = result.models_of(self._member, self.epochs, [result.all_samples], None)
        return model


class Result:
    """Result of `sweep`.

    Attributes
    ----------
    interrupted : bool
        True if Ctrl-C ended the sweep.
    """

    def __init__(
        self, search: Search, fleet: Fleet, folds: Sequence[Fold], all_samples: Fold
    ) -> None:
        self.search, self.fleet, self.folds, self.all_samples = search, fleet, folds, all_samples
        self.interrupted = search.interrupted

    def __repr__(self) -> str:
        failed = len({n for rung in self.search.rungs for n in rung.errors})
        errors = f", {failed:,} failed" if failed else ""
        return f"{self.table.rows:,} models{errors}\n{self.table!r}"

    def _repr_html_(self) -> str:
        return self.table._repr_html_()

    @property
    def monitor(self) -> str:
        """Name of the monitored score."""
        return self.search.rungs[0].monitor if self.search.rungs else "val_loss"

    @cached_property
    def standing(self) -> CandidateOrder:
        """The order of the candidates, for the table, the best ones and the ranks."""
        return CandidateOrder(self.search.rungs, len(self.search.candidates))

    @cached_property
    def table(self) -> SweepTable:
        """One row per model: the longest trained first, among these the best; failed ones last.

        The columns are ``number``, the settings, ``seed`` and ``epochs``, the scores, ``loss`` (the
        training loss of the last epoch) and, if a model failed, ``error``.
        """
        candidates, rungs = self.search.candidates, self.search.rungs
        size, seeds = len(candidates) * candidates.seeds, candidates.seeds
        names = dict.fromkeys(name for rung in rungs for name in (*rung.scores, "loss"))
        scores = {name: np.full(size, np.nan) for name in names}
        epochs, errors = np.zeros(size, np.int64), np.full(size, None, object)
        for rung in rungs:  # in later rungs candidates are trained longer
            complete = np.flatnonzero(rung.done)
            numbers = rung.candidates[complete, np.newaxis] * seeds + np.arange(seeds)
            epochs[numbers] = rung.epochs[complete, np.newaxis]
            for name, values in (*rung.scores.items(), ("loss", rung.losses)):
                scores[name][numbers] = values[complete]
            for number, error in rung.errors.items():
                errors[number] = error
        ordered = self.standing.order
        rows = (
            ordered[:, np.newaxis] * seeds + self._by_seed(scores.get(self.monitor), ordered)
        ).ravel()
        columns = candidates.space.columns(candidates.places[rows // seeds])
        columns["seed"] = self._seeds(rows, columns)
        columns = {"number": rows, **columns, "epochs": epochs[rows]}
        columns |= {name: column[rows] for name, column in scores.items()}
        return SweepTable(columns | ({"error": errors[rows]} if errors[rows].any() else {}))

    @property
    def best(self) -> Best:
        """The best of the members that were trained longest.

        Raises
        ------
        DataError
            If no model has a score; the message contains the first error.
        """
        return self.top(1)[0]

    def top(self, count: int) -> list[Best]:
        """Return the best settings, in the order of the table.

        Raises
        ------
        DataError
            If no model has a score.
        """
        check_positive(count, "count", "top")
        members = self._members(self.standing.best[:count])
        if not members:
            errors = [error for rung in self.search.rungs for error in rung.errors.values()]
            raise DataError(
                "sweep: no model has a score" + (f"; the first says: {errors[0]}" if errors else "")
            )
        return members

    def front(self) -> list[Best]:
        """Return the Pareto front of several monitored scores, in the order of the first.

        Of the models that were trained longest, these are the ones that no other model equals or
        beats in all of the scores and beats in one.

        Raises
        ------
        OptionError
            If only one score is monitored.

        Examples
        --------
        >>> import chainrule as cr
        >>> from sklearn.datasets import load_iris
        >>> from sklearn.tree import DecisionTreeClassifier
        >>> def leaves(tree, X, y):
        ...     return -tree.get_n_leaves()
        >>> result = cr.sweep(
        ...     DecisionTreeClassifier(random_state=0), {"max_depth": [1, 2, 3, 9]},
        ...     *load_iris(return_X_y=True), search="grid", cv=5, verbose=0,
        ...     scoring={"accuracy": "accuracy", "leaves": leaves},
        ...     monitor=["val_accuracy", "val_leaves"])
        >>> [best.settings["max_depth"] for best in result.front()]
        [9, 2, 1]
        """
        if not self.search.ranking.others:
            raise OptionError("monitor", "must name several scores, for a front: monitor=[…, …]")
        return self._members(self.standing.front)

    def ensemble(self, count: int = 8) -> ModelEnsemble:
        """Return an ensemble of the best models, which averages their predictions.

        With cross-validation, it contains the models of all folds.

        Parameters
        ----------
        count : int, default 8
            Number of settings. Models whose weights were not kept (``keep=``) are trained again.
        """
        return ModelEnsemble([model for each in self.top(count) for model in each.models])

    def importance(self) -> dict[str, float]:
        """Return the importance of each setting for the score, the most important first.

        A random forest learns the ranks of the scores from the settings and the epochs. The
        importance of a setting is the forest's loss of accuracy when the setting is permuted among
        the models (Breiman, 2001). All importances sum to 1.

        Raises
        ------
        DataError
            If there are fewer than ten models with a score, or if the scores do not hang on the
            settings by more than chance: what the forest says of models that a tree has not seen
            (out of bag) must correlate with their ranks by ``3 / sqrt(n)`` at least.
        """
        with needs("the importance of settings", "tables", "sklearn"):
            from sklearn.ensemble import RandomForestRegressor
            from sklearn.inspection import permutation_importance

        X, ranks = self._features()
        names = self.search.candidates.space.names
        forest = RandomForestRegressor(
            100, min_samples_leaf=2, oob_score=_correlation, random_state=0
        ).fit(X, ranks)
        if not forest.oob_score_ > 3 / np.sqrt(len(ranks)):
            raise DataError(
                f"sweep: the scores of {len(ranks):,} models do not hang on the settings by more "
                "than chance, so that no setting is important; train more models, or longer"
            )
        permuted = permutation_importance(forest, X, ranks, n_repeats=5, random_state=0)
        means = np.maximum(permuted.importances_mean[: len(names)], 0.0)
        shares = means / (means.sum() or 1.0)
        return {names[i]: float(shares[i]) for i in np.argsort(-shares, kind="stable")}

    def luck(self) -> dict[str, float]:
        """Return the part of the score's variance that is due to seeds, not to settings.

        Returns
        -------
        dict
            ``deviation`` of one seed's score from the mean over seeds, and ``share`` of the
            variance among models (a one-way analysis of variance of the models trained longest).

        Raises
        ------
        DataError
            If settings were tried with only one seed.
        """
        seeds = self.search.candidates.seeds
        if seeds < 2:
            raise DataError("sweep: how much is chance shows with several seeds; give seeds=5")
        rungs = self.search.by_epochs()[0]
        parts = [rung.scores[rung.monitor][np.isfinite(rung.score())] for rung in rungs]
        scores = np.concatenate(parts)
        within = float(scores.var(axis=1, ddof=1).mean())
        between = float(scores.mean(axis=1).var(ddof=1)) if len(scores) > 1 else 0.0
        settings = max(between - within / seeds, 0.0)
        share = within / (within + settings) if within else 0.0
        return {"deviation": within**0.5, "share": share}

    def plot(self, kind: str = "settings", ax: Axes | None = None) -> Axes:
        """Draw the sweep.

        Parameters
        ----------
        kind : {"settings", "best", "parallel", "map", "importance", "front"}
            The score against each setting; the best score so far, by number of models; each model
            as a line through its settings; the best score by the values of the two most important
            settings; the importance of each setting; the first two of several monitored scores,
            with the Pareto front.
        ax : Axes, optional

        Raises
        ------
        DataError
            If no model has a score, or no setting varies.
        """
        draw, points = lookup("kind", kind, pictures.KINDS), self.points()
        if kind == "importance" and not points.importance:
            self.importance()  # raises its error
        if kind == "front":
            self.front()  # raises its error
        return draw(points, plots.new_axes(ax, pictures.size(kind, points)))

    def report(self, path: str | os.PathLike[str], title: str = "Sweep") -> None:
        """Write a report with pictures and the best models, as one self-contained HTML file.

        Raises
        ------
        FileError
            If the file cannot be written.
        DataError
            If no model has a score.
        """
        from chainrule._src.sweeps.report import to_html

        write_text(path, to_html(self, title))

    def points(self) -> pictures.Points:
        """Return settings and scores for the pictures, in the order of the members' numbers."""
        candidates, _ = self.search.candidates, self.best  # raises if no model has a score
        if not candidates.space.dimensions:
            raise DataError("sweep: no setting varies, there is nothing to draw")
        rows = np.argsort(self.table["number"], kind="stable")
        numbers = self.table["number"][rows]
        shares = candidates.space.shares(candidates.places[numbers // candidates.seeds])
        try:
            importance = self.importance()
        except DataError:  # too few models
            importance = {}
        points = pictures.Points(
            candidates.space.dimensions, shares, self.table[self.monitor][rows], self.monitor,
            self.search.rungs[0].higher, importance,
        )  # fmt: skip
        if not self.search.ranking.others:
            return points
        is_in_front = np.isin(numbers // candidates.seeds, self.standing.front)
        name = self.search.ranking.others[0]
        return points._replace(second=(name, self.table[name][rows], is_in_front))

    def models_of(
        self, member: Member, epochs: int, folds: Sequence[Fold], checkpoint: Any
    ) -> list[Any]:
        """Return a member's models on some folds; train them if there is no checkpoint."""
        fleet = self.fleet
        if checkpoint is None:
            fleet = Fleet(fleet.build, folds, fleet.batch_size, 1, scoring=fleet.scoring)
            (outcome,) = fleet.run([TrainingTask(member, epochs)])
            if outcome.error:
                raise DataError(f"sweep: {outcome.error}")
            checkpoint = outcome.checkpoint or [None] * len(folds)
        pairs = zip(folds, checkpoint, strict=True)
        return [model_of(fleet.build, member, fold, state) for fold, state in pairs]

    # Parts

    def _members(self, candidates: Array) -> list[Best]:
        standing = self.standing
        places = [(standing.rungs[standing.rung[c]], int(standing.at[c])) for c in candidates]
        return [Best(self, rung, at, self._best_seed(rung, at)) for rung, at in places]

    def _best_seed(self, rung: Rung, at: int) -> int:
        return int(order(rung.scores[rung.monitor][at], rung.higher)[0])

    def _by_seed(self, scores: Array | None, candidates: Array) -> Array:
        """Return the order of the seeds of each candidate, the best first."""
        seeds = self.search.candidates.seeds
        by_candidate = (
            np.full((len(candidates), seeds), np.nan)
            if scores is None
            else scores.reshape(-1, seeds)[candidates]
        )
        higher = bool(self.search.rungs) and self.search.rungs[0].higher
        # NaN is last.
        return np.argsort(-by_candidate if higher else by_candidate, axis=1, kind="stable")

    def _seeds(self, numbers: Array, columns: dict[str, Array]) -> Array:
        candidates = self.search.candidates
        base = columns.get("seed", candidates.space.constants.get("seed", candidates.seed))
        # The column has such a dtype if some models lack this setting.
        if isinstance(base, np.ndarray) and base.dtype.kind in "Of":
            base = np.array(
                [candidates.seed if s is None or s != s else int(s) for s in base], np.int64
            )
        return np.asarray(base + numbers % candidates.seeds)

    def _features(self) -> tuple[Array, Array]:
        """Return a matrix of settings and epochs, and the ranks of the scores."""
        candidates, rows, scores = self.search.candidates, [], []
        for rung in self.search.rungs:
            scored = np.isfinite(rung.score())
            shares = candidates.space.shares(candidates.places[rung.candidates[scored]])
            rows.append(np.column_stack([shares, np.log(rung.epochs[scored])]))
            scores.append(rung.score()[scored])
        X, y = np.concatenate(rows), np.concatenate(scores)
        if len(X) < 10:
            raise DataError(f"sweep: {len(X)} scores are too few to tell what they hang on")
        # Equal scores have equal ranks: their order would be that of the settings in a grid.
        _, codes, counts = np.unique(y, return_inverse=True, return_counts=True)
        ranks = (np.cumsum(counts) - (counts + 1) / 2)[codes] / max(len(y) - 1, 1)
        return np.nan_to_num(X, nan=-1.0), ranks


def _correlation(true: Array, predicted: Array) -> float:
    """Return the correlation of predictions with the truth; 0 if one of them does not vary."""
    pairs = np.stack([np.ravel(true), np.ravel(predicted)])
    return float(np.corrcoef(pairs)[0, 1]) if (pairs.std(axis=1) > 0).all() else 0.0
