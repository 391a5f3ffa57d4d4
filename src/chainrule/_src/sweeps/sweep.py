"""`sweep`: many models trained, the best of them found."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from chainrule._src.base.errors import DataError, OptionError
from chainrule._src.base.validation import check_flag, check_positive, lookup
from chainrule._src.nn.callbacks import Callback
from chainrule._src.nn.callbacks.progress import watchers
from chainrule._src.sweeps.asking import SAMPLERS, Asking, check_sampler
from chainrule._src.sweeps.building import Fold, as_build, check_arguments, check_told, check_whole
from chainrule._src.sweeps.dashboard import OptunaLog
from chainrule._src.sweeps.database import Database, DatabaseLog
from chainrule._src.sweeps.fingerprint import fingerprint
from chainrule._src.sweeps.fleet import Fleet
from chainrule._src.sweeps.folds import folds_of
from chainrule._src.sweeps.header import Part, agree, new_part, places_of
from chainrule._src.sweeps.progress import SweepBar, SweepLines
from chainrule._src.sweeps.ranking import Ranking
from chainrule._src.sweeps.result import Result
from chainrule._src.sweeps.rungs import Bracket, all_the_way, check_factor, halving, hyperband
from chainrule._src.sweeps.scoring import Scoring, checked_scoring
from chainrule._src.sweeps.search import Candidates, Search
from chainrule._src.sweeps.space import MOST, SEARCHES, Space
from chainrule._src.sweeps.store import Folder, Memory, Store

FACTOR = 3


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
    validation_data: Any = None,
    validation_split: float = 0.2,
    monitor: str | None = None,
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
        Returns for settings a compiled `Sequential`, a scikit-learn estimator, or a loss with its
        parameters: ``(loss, params[, optimizer[, metrics]])``, as for `minimize`. For settings of
        which it raises, the error is noted and the search goes on.
    space : dict
        What each of its arguments may be: `log`, `uniform`, `integers`, a list of choices of any
        kind, or a value. ``batch_size``, ``epochs`` and ``seed``, where ``build`` does not take
        them, are for the training.
    X, y : array_like, or frames if ``build`` takes them
    models : int, optional
        How many settings are tried; by default 100, or the whole grid. A model depends on ``seed``
        and its number alone: more models are the same ones and others. Where all values can be
        counted, no two are alike.
    search : {"random", "quasi", "grid", "tpe", "gp", "cmaes"} or optuna.samplers.BaseSampler
        ``"quasi"`` fills the space evenly (Sobol). The last three, and objects, are Optuna's, which
        learn from what came of earlier models; halving is among 16 at a time then.
    pruner : {"median", "wilcoxon"} or optuna.pruners.BasePruner, optional
        Of Optuna's searches: decides in place of halving who goes on.
    halving : int, optional
        All begin with few epochs; one in so many goes on, from where it was, for so many times
        more of them, until the best have ``epochs`` (Jamieson and Talwalkar, 2016).
    hyperband : bool, default False
        Several halvings, which begin with more and more epochs (Li et al., 2018).
    epochs : int, default 10
        That the best are trained for, at most.
    batch_size : int, default 32
    cv : int or splitter, optional
        Each model is trained on so many parts in turn, stratified where ``y`` holds classes; a
        splitter of scikit-learn's, ``TimeSeriesSplit`` for instance, divides as it does.
    groups : array_like, shape (n,), optional
        Samples of one group are never on both sides of a split.
    validation_data : tuple, optional
        ``(X, y)`` to score models on.
    validation_split : float, default 0.2
        Otherwise this share of the samples, drawn with ``seed``, from each class alike.
    monitor : str, optional
        The score that decides, by default ``"val_loss"``, of estimators ``"val_score"``.
    mode : {"auto", "min", "max"}
        Whether a lower or a higher one is better; ``"auto"`` tells by the name.
    scoring : str or callable, optional
        What estimators are scored by in place of their own ``score``: a name of scikit-learn's,
        ``"roc_auc"`` for instance, or ``scoring(estimator, X, y)``. Higher is better.
    store : path, optional
        A folder that keeps everything: the same call goes on from what is there, whatever ended the
        one before, to the same bits; others may take part at the same time, also from other
        machines. More models are welcome, also from a wider space: they are a sweep of their own
        beside the first. Its ``optuna.log`` is for optuna-dashboard. A URL
        (``"postgresql://…"``, ``"sqlite:///sweeps.db#name"``) names a database, to which Optuna
        writes models that are trained to their end, without weights.
    seed : int, default 0
        What is drawn, how samples are divided, and the first of the models' own seeds.
    seeds : int, default 1
        With how many seeds each setting is tried: ``seed``, ``seed + 1`` and so on; the mean of
        their scores decides. One seed for all is the default, since models that begin with the same
        weights and see the samples in the same order differ by their settings alone. How much is
        luck, several tell: `Result.luck`.
    keep : int, default 8
        How many of the best models' weights are kept. Others are trained again when asked for.
    workers : int, optional
        Threads; by default one a processor.
    client : distributed.Client, optional
        Whose workers train, in batches of about a second, in place of this machine's threads.
    callbacks : sequence of Callback, optional
        An epoch is a rung to them; ``model.stop_training`` ends the search.
    verbose : {"auto", 0, 1, 2}

    Returns
    -------
    Result
        Also after Ctrl-C, with an `InterruptedWarning`.

    Raises
    ------
    DataError, OptionError, UnknownNameError
        If something does not fit, or the store is of another sweep: the message says what differs.
    FileError
        If the store cannot be read or written; what was written is kept.

    Examples
    --------
    >>> import numpy as np, chainrule as cr
    >>> X = np.random.default_rng(0).normal(size=(200, 4)).astype("float32")
    >>> y = (X[:, 0] * X[:, 1] > 0).astype(int)
    >>> def build(lr, hidden):
    ...     model = cr.Sequential([cr.layers.Dense(hidden, "relu"), cr.layers.Dense(2, "softmax")])
    ...     model.compile(cr.optimizers.Adam(lr), "sparse_categorical_crossentropy", ["accuracy"])
    ...     return model
    >>> result = cr.sweep(build, {"lr": cr.log(1e-4, 1e-1), "hidden": [4, 16]}, X, y,
    ...                   models=20, halving=3, epochs=9, monitor="val_accuracy", verbose=0)
    >>> result.best.settings["hidden"], result.best.score > 0.8
    (16, True)
    >>> result.ensemble(3).predict(X[:2]).shape
    (2, 2)
    """
    build = as_build(build)
    made, ranking = Space(space), Ranking(monitor, mode)
    check_arguments(build, made.order)
    check_told(build, made)
    workers = None if workers is None else check_positive(workers, "workers", "sweep")
    own = isinstance(search, str) and search in SEARCHES
    name = _named(search)
    if isinstance(search, str):
        lookup("search", search, dict.fromkeys((*SEARCHES, *SAMPLERS)))
    if not own:
        check_sampler(search)
    if own and pruner is not None:
        raise OptionError("pruner", "is for Optuna's searches; give search='tpe', or halving=3")
    if hyperband and not own:
        raise OptionError("hyperband", "is for searches that do not learn; give halving=3")
    scoring = checked_scoring(scoring)
    seed, epochs = check_whole(seed, "seed"), check_whole(epochs, "epochs")
    batch_size = check_whole(batch_size, "batch_size")
    keep = check_positive(keep, "keep", "sweep")
    seeds = _check_many(seeds, "seeds")
    models = None if models is None else _check_many(models, "models")
    factor = None if halving is None else check_factor(halving, "halving")
    if check_flag(hyperband, "hyperband", "sweep") and factor is None:
        factor = FACTOR
    if factor is not None and "epochs" in made.order:
        raise OptionError("space", "epochs cannot be a setting where halving decides about them")
    folds = folds_of(X, y, cv=cv, groups=groups, validation_data=validation_data,
                     share=validation_split, seed=seed)  # fmt: skip
    conditions: dict[str, Any] = {}
    if store is not None:
        conditions = {
            "build": fingerprint(build), **_digests(folds), "search": name,
            "pruner": None if pruner is None else _named(pruner), "halving": factor,
            "hyperband": hyperband, "epochs": epochs, "batch_size": batch_size,
            "monitor": monitor, "mode": mode, "seed": seed, "seeds": seeds,
        }  # fmt: skip
        if scoring is not None:
            conditions["scoring"] = fingerprint(scoring)
    fleet = Fleet(build, folds, batch_size, workers, scoring=scoring)
    if client is not None:
        from chainrule._src.sweeps.cluster import ClusterFleet

        fleet = ClusterFleet(client, build, folds, batch_size, scoring)
    watching = watchers(callbacks, verbose, "sweep", SweepBar, SweepLines)
    kept: Store
    if store is None:
        part, kept = new_part([], made, name, models), Memory()
        parts = [] if part is None else [part]
    elif isinstance(store, str) and "://" in store:
        kept = database = Database(store, getattr(build, "__name__", "sweep"), ranking)
        parts = database.agree(conditions, made, name, models)
        watching.append(DatabaseLog(database))
    elif isinstance(store, str | os.PathLike) and os.fspath(store):
        parts = agree(Path(store), conditions, made, name, models)
        kept = folder = Folder(Path(store))
        watching.append(OptunaLog(folder))
    else:
        raise DataError(f"sweep: store must be a folder's path or a URL, received {store!r}")
    places = places_of(parts, made, name, seed) if own else np.empty((0, len(made.names)))
    candidates = Candidates(made, places, seed, seeds, epochs)
    options = (fleet, kept, ranking, keep, watching)
    if own:
        done = Search(candidates, brackets_of(parts, epochs, factor, hyperband), *options)
    else:
        wanted = sum(part.count for part in parts)
        asking = Asking(search, pruner, candidates, wanted, epochs, factor, seed, kept.agreed)
        done = Search(candidates, asking.brackets(), *options, asking.chooses, wanted)
        asking.search = done
    done.run()
    _check_some_trained(done)
    whole = Fold((X, y), (X, y))
    return Result(done, fleet, folds, whole)


def _check_many(value: Any, name: str) -> int:
    """Return how many there are to be."""
    found = check_positive(value, name, "sweep")
    if found > MOST:
        raise OptionError(name, f"must be at most {MOST:,}, received {found:,}")
    return found


def _named(search: Any) -> str:
    """Return what a sampler or pruner is called in a store."""
    return search if isinstance(search, str) else type(search).__name__


def _check_some_trained(done: Search) -> None:
    """Refuse what fails for all settings alike: it is no outcome of a search."""
    errors = [error for rung in done.rungs for error in rung.errors.values()]
    scored = any(np.isfinite(values).any() for r in done.rungs for values in r.scores.values())
    if errors and not scored and not done.interrupted:
        raise DataError(f"sweep: all of {len(errors):,} models failed; the first: {errors[0]}")


def brackets_of(
    parts: Sequence[Part], epochs: int, factor: int | None, several: bool
) -> list[Bracket]:
    """Return the brackets that candidates are in; each part has its own."""
    found: list[Bracket] = []
    for part in parts:
        if factor is None:
            found += all_the_way(part.first, part.count, epochs)
        else:
            divide = hyperband if several else halving
            found += divide(part.first, part.count, epochs, factor)
    return found


def _digests(folds: Sequence[Fold]) -> dict[str, str]:
    """Return what tells the data apart, and how they are divided."""
    found = {}
    for i, fold in enumerate(folds):
        for part, arrays in (("train", fold.train), ("held back", fold.held)):
            for name, array in zip("Xy", arrays, strict=True):
                label = f"{name} to train on" if part == "train" else f"{name} held back"
                found[f"{label}, fold {i + 1}" if len(folds) > 1 else label] = fingerprint(array)
    return found
