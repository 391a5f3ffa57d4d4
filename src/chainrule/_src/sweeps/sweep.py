"""`sweep`: many models trained, the best of them found."""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from chainrule._src.base.errors import DataError, OptionError
from chainrule._src.base.validation import check_positive
from chainrule._src.nn.callbacks import Callback
from chainrule._src.nn.callbacks.progress import watchers
from chainrule._src.sweeps.asking import Asking
from chainrule._src.sweeps.building import (
    Fold,
    as_build,
    check_arguments,
    check_training_settings,
)
from chainrule._src.sweeps.dashboard import OptunaLog
from chainrule._src.sweeps.database import Database, DatabaseLog
from chainrule._src.sweeps.fingerprint import fingerprint
from chainrule._src.sweeps.fleet import Fleet
from chainrule._src.sweeps.folds import folds_of, samples_of
from chainrule._src.sweeps.grouped import GroupedRows
from chainrule._src.sweeps.header import CandidateRange, agree, new_part, places_of
from chainrule._src.sweeps.options import SearchOptions
from chainrule._src.sweeps.probing import build_notes
from chainrule._src.sweeps.progress import SweepBar, SweepLines
from chainrule._src.sweeps.ranking import Ranking
from chainrule._src.sweeps.result import Result
from chainrule._src.sweeps.rungs import Bracket, all_the_way, halving, hyperband
from chainrule._src.sweeps.scoring import Scoring, checked_scoring, names_of
from chainrule._src.sweeps.search import Candidates, Search
from chainrule._src.sweeps.space import Space
from chainrule._src.sweeps.store import FolderStore, MemoryStore, SweepStore


def sweep(
    build: Callable[..., Any],
    space: Mapping[str, Any],
    X: Any,
    y: Any,
    *,
    models: int | None = None,
    search: Any = "random",
    pruner: Any = None,
    halving: int | None = None,
    hyperband: bool = False,
    epochs: int = 10,
    batch_size: int = 32,
    cv: Any = None,
    groups: Any = None,
    sample_weight: Any = None,
    validation_data: Any = None,
    validation_split: float = 0.2,
    monitor: str | Sequence[str] | None = None,
    mode: str = "auto",
    scoring: Scoring = None,
    store: str | os.PathLike[str] | None = None,
    seed: int = 0,
    seeds: int = 1,
    keep: int = 8,
    workers: int | None = None,
    client: Any = None,
    callbacks: Sequence[Callback | Callable[..., Any]] | None = None,
    verbose: int | str = "auto",
) -> Result:
    r"""Train many models and find the best.

    Parameters
    ----------
    build : callable
        Function of settings that returns a compiled `Sequential`, a scikit-learn estimator, or a
        loss with its parameters: ``(loss, params[, optimizer[, metrics]])``, as for `minimize`. If
        it raises an error for some settings, the error is recorded and the search continues.
    space : dict
        Possible values of each argument of ``build``: `LogUniform`, `Uniform`, `IntRange`, a list
        of choices of any type, or a constant. ``batch_size``, ``epochs`` and ``seed`` are settings
        of the training, if ``build`` has no such arguments. A range or `Choice` with ``when`` is
        drawn only with some values of other settings; otherwise ``build`` takes its default.
    X, y : array_like, or frames if ``build`` takes them
        Files, memory maps and Dask's collections, as for `Sequential.fit`, are read group by group,
        in the order of `fit` with ``shards=1``; the targets and 4 bytes a row and fold are in
        memory. A scikit-learn estimator takes arrays: for it the rows are in memory.
    models : int, optional
        Number of settings to try; by default 100, or the complete grid. A model depends only on
        ``seed`` and its number: a larger number adds models to the same first ones. In a finite
        space, no settings are repeated.
    search : {"random", "quasi", "grid", "tpe", "gp", "cmaes"} or optuna.samplers.BaseSampler
        ``"quasi"`` fills the space evenly (Sobol). The last three, and objects, are Optuna's
        samplers, which learn from the scores of earlier models; halving then compares 16 models at
        a time.
    pruner : {"median", "wilcoxon"} or optuna.pruners.BasePruner, optional
        For Optuna's searches: promotes models instead of halving.
    halving : int, optional
        Reduction factor of successive halving (Jamieson and Talwalkar, 2016): all models begin with
        few epochs, and one in ``halving`` continues for ``halving`` times as many epochs, until
        the best have ``epochs``.
    hyperband : bool, default False
        If true, run several halvings by three that begin with more and more epochs (Li et al.,
        2018).
    epochs : int, default 10
        Maximum number of epochs, for the best models.
    batch_size : int, default 32
    cv : int or splitter, optional
        Number of folds of cross-validation, stratified if ``y`` holds classes; or a splitter of
        scikit-learn, such as ``TimeSeriesSplit``.
    groups : array_like, shape (n,), optional
        Samples of one group are never on both sides of a split.
    sample_weight : array_like, shape (n,), optional
        Weights of the samples in training and in scores.
    validation_data : tuple, optional
        ``(X, y)`` or ``(X, y, sample_weight)`` to score models on.
    validation_split : float, default 0.2
        Otherwise this share of the samples is the hold-out, drawn with ``seed``, the same share of
        each class.
    monitor : str or sequence of str, optional
        Name of the score to compare models by; by default ``"val_loss"``, or ``"val_score"`` for
        estimators. Of several scores the models of the first Pareto fronts are the best, and
        go on in halving; see `Result.front`. ``"parameters"``, the number of trained weights of
        a network, may be one of them.
    mode : {"auto", "min", "max"}
        Direction of the score: lower or higher is better; ``"auto"`` infers it from the name.
    scoring : str or callable, list or dict of these, optional
        Score of estimators in place of their own ``score``: a name of scikit-learn, such as
        ``"roc_auc"``, or a function ``scoring(estimator, X, y)``. Higher is better. Several are a
        list of names, or a dict by name; they are called ``"val_roc_auc"`` and so on, and the first
        decides, unless ``monitor`` names another.
    store : path, optional
        A folder with the complete state: after any interruption, the same call resumes the sweep
        and ends with the same bits. Several processes may work on it at the same time, also from
        other machines. A later call may add models, also from a wider space; these form brackets
        of their own. The file ``optuna.log`` in the folder is for optuna-dashboard. A URL
        (``"postgresql://…"``, ``"sqlite:///sweeps.db#name"``) names a database, to which Optuna
        writes completely trained models, without weights.
    seed : int, default 0
        Seed of the drawn settings and of the split of samples, and the first seed of the models.
    seeds : int, default 1
        Number of seeds for each setting: ``seed``, ``seed + 1`` and so on; the mean of the scores
        counts. The default is one seed for all, because models with the same initial weights and
        order of samples differ only by their settings. With several seeds, `Result.luck` measures
        the effect of chance.
    keep : int, default 8
        Number of best models whose weights are kept. Other models are trained again on demand.
    workers : int, optional
        Number of threads; by default one per processor.
    client : distributed.Client, optional
        Client of a Dask cluster whose workers train, in batches of about a second, instead of this
        machine's threads.
    callbacks : sequence of Callback, optional
        Callbacks, for which a rung is an epoch; ``model.stop_training`` ends the search.
    verbose : {"auto", 0, 1, 2}

    Returns
    -------
    Result
        The result; also after Ctrl-C, with an `InterruptedWarning`.

    Raises
    ------
    DataError, OptionError, UnknownNameError
        If an argument is invalid, or the store belongs to another sweep; the message names the
        differences.
    FileError
        If the store cannot be read or written; earlier results in it are kept.

    Examples
    --------
    >>> import numpy as np, chainrule as cr
    >>> X = np.random.default_rng(0).normal(size=(200, 4)).astype("float32")
    >>> y = (X[:, 0] * X[:, 1] > 0).astype(int)
    >>> def build(lr, hidden):
    ...     model = cr.Sequential([cr.layers.Dense(hidden, "relu"), cr.layers.Dense(2, "softmax")])
    ...     model.compile(cr.optimizers.Adam(lr), "sparse_categorical_crossentropy", ["accuracy"])
    ...     return model
    >>> result = cr.sweep(build, {"lr": cr.sweeps.LogUniform(1e-4, 1e-1), "hidden": [4, 16]}, X, y,
    ...                   models=20, halving=3, epochs=9, monitor="val_accuracy", verbose=0)
    >>> result.best.settings["hidden"], result.best.score > 0.8
    (16, True)
    >>> result.ensemble(3).predict(X[:2]).shape
    (2, 2)
    """
    build = as_build(build)
    samples = samples_of(X, y, sample_weight)
    scoring = checked_scoring(scoring)
    search_space, ranking = Space(space), _ranking(monitor, mode, scoring)
    check_arguments(build, search_space.order)
    check_training_settings(build, search_space)
    workers = None if workers is None else check_positive(workers, "workers", "sweep")
    options = SearchOptions(
        search=search, pruner=pruner, halving=halving, hyperband=hyperband, models=models,
        epochs=epochs, batch_size=batch_size, seed=seed, seeds=seeds, keep=keep,
        scoring=scoring,
    )  # fmt: skip
    if options.halving is not None and "epochs" in search_space.order:
        raise OptionError("space", "epochs cannot be a setting where halving decides about them")
    if ranking.others and (not options.is_own or "://" in str(store)):
        raise OptionError(
            "monitor", "must be one score for Optuna's searches and databases; several are for "
            "random, quasi and grid"
        )  # fmt: skip
    if search_space.is_conditional and not options.is_own:
        raise OptionError("search", "must be random, quasi or grid where settings have conditions")
    folds = folds_of(samples, cv=cv, groups=groups, validation_data=validation_data,
                     share=validation_split, seed=options.seed)  # fmt: skip
    fleet = Fleet(build, folds, options.batch_size, workers, scoring=options.scoring)
    if client is not None:
        from chainrule._src.sweeps.cluster import ClusterFleet

        fleet = ClusterFleet(client, build, folds, options.batch_size, options.scoring)
    for note in build_notes(build, search_space, options.seed):
        warnings.warn(f"sweep: {note}", stacklevel=2)
    watching = watchers(callbacks, verbose, "sweep", SweepBar, SweepLines, SweepBar)
    storage, parts, log = _opened(store, build, folds, search_space, ranking, options)
    watching += log
    running = _begun(fleet, storage, parts, search_space, ranking, options, watching)
    running.run()
    _check_some_trained(running)
    all_samples = Fold(samples, samples)
    return Result(running, fleet, folds, all_samples)


def _ranking(monitor: Any, mode: str, scoring: Scoring) -> Ranking:
    """Return the ranking; of several scores of estimators the first decides by default."""
    if not isinstance(scoring, Mapping):
        return Ranking(monitor, mode)
    first = f"val_{names_of(scoring)[0]}"
    return Ranking(monitor or first, "max" if mode == "auto" else mode)


def _opened(
    store: Any, build: Any, folds: Sequence[Fold], space: Space, ranking: Ranking,
    options: SearchOptions,
) -> tuple[SweepStore, list[CandidateRange], list[Callback]]:  # fmt: skip
    """Open the store; return it, its ranges of candidates and its log for a dashboard.

    Raises
    ------
    DataError, FileError
        If it belongs to another sweep, or cannot be read or written.
    """
    name, models = options.search_name, options.models
    if store is None:
        part = new_part([], space, name, models)
        return MemoryStore(), [] if part is None else [part], []
    conditions = {"build": fingerprint(build), **_digests(folds), **options.conditions(ranking)}
    if isinstance(store, str) and "://" in store:
        database = Database(store, getattr(build, "__name__", "sweep"), ranking)
        parts = database.agree(conditions, space, name, models)
        return database, parts, [DatabaseLog(database)]
    if isinstance(store, str | os.PathLike) and os.fspath(store):
        parts = agree(Path(store), conditions, space, name, models)
        folder = FolderStore(Path(store))
        return folder, parts, [OptunaLog(folder)]
    raise DataError(f"sweep: store must be a folder's path or a URL, received {store!r}")


def _begun(
    fleet: Fleet, storage: SweepStore, parts: list[CandidateRange], space: Space,
    ranking: Ranking, options: SearchOptions, watching: Sequence[Any],
) -> Search:  # fmt: skip
    """Return the search of the candidates of a store, ready to run."""
    chosen = fleet, storage, ranking, options.keep, watching
    seed, epochs = options.seed, options.epochs
    if options.is_own:
        places = places_of(parts, space, options.search_name, seed)
        candidates = Candidates(space, places, seed, options.seeds, epochs)
        brackets = brackets_of(parts, epochs, options.halving, options.hyperband)
        return Search(candidates, brackets, *chosen)
    candidates = Candidates(space, np.empty((0, len(space.names))), seed, options.seeds, epochs)
    n_candidates = sum(part.count for part in parts)
    asking = Asking(
        options.search,
        options.pruner,
        candidates,
        n_candidates,
        epochs,
        options.halving,
        seed,
        storage.agreed,
    )
    asking.search = Search(candidates, asking.brackets(), *chosen, asking.chooses, n_candidates)
    return asking.search


def _check_some_trained(search: Search) -> None:
    """Raise an error if all models failed, since then the search has no result."""
    errors = [error for rung in search.rungs for error in rung.errors.values()]
    scored = any(np.isfinite(values).any() for r in search.rungs for values in r.scores.values())
    if errors and not scored and not search.interrupted:
        raise DataError(f"sweep: all of {len(errors):,} models failed; the first: {errors[0]}")


def brackets_of(
    parts: Sequence[CandidateRange], epochs: int, factor: int | None, several: bool
) -> list[Bracket]:
    """Return the brackets of the candidates; each part has its own brackets."""
    brackets: list[Bracket] = []
    for part in parts:
        if factor is None:
            brackets += all_the_way(part.first, part.count, epochs)
        else:
            divide = hyperband if several else halving
            brackets += divide(part.first, part.count, epochs, factor)
    return brackets


def _digests(folds: Sequence[Fold]) -> dict[str, str]:
    """Return fingerprints of the data of each fold."""
    digests = {}
    for i, fold in enumerate(folds):
        for part, samples in (("to train on", fold.train), ("held back", fold.held)):
            if isinstance(samples, GroupedRows):  # read once
                values: Any = {"rows": [fingerprint(g.read(*g.inputs)) for g in samples.groups]}
            else:
                values = dict(zip(("X", "y", "weights"), samples, strict=False))
            for name, value in values.items():
                label = f"{name} {part}"
                digests[f"{label}, fold {i + 1}" if len(folds) > 1 else label] = fingerprint(value)
    return digests
