"""`Sequential.fit` on data that come in parts."""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from chainrule._src.base.errors import FewUpdatesWarning
from chainrule._src.base.interrupts import immediate
from chainrule._src.base.validation import check_flag, check_positive, check_seed
from chainrule._src.cluster.batches import PartBatches, batches_in_parts
from chainrule._src.cluster.checkpoints import Keeper, go_on, settings
from chainrule._src.cluster.job import Job, described
from chainrule._src.cluster.options import Rounds
from chainrule._src.cluster.source import DataSource, opened
from chainrule._src.cluster.supply import CarryEngine, RoundSupply
from chainrule._src.nn.callbacks import Callback
from chainrule._src.nn.callbacks.progress import history_among, watchers
from chainrule._src.nn.network.runs import carry_of, make_run
from chainrule._src.nn.network.unchanged import unchanged_on_error
from chainrule._src.nn.training.supply import Batches, Samples
from chainrule._src.nn.training.trainer import Run, Trainer

FEW_UPDATES = 20  # of a shard in an epoch; with fewer of them, the user is warned


def fit_in_rounds(
    model: Any, x: Any, y: Any, *, client: Any, sample_weight: Any, options: Rounds, **how: Any
) -> Any:
    """Train a compiled model in rounds; see `Sequential.fit` and `Rounds`.

    Returns
    -------
    History, or Plan if ``options.plan``

    Raises
    ------
    DataError, FileError, ClusterError, MissingDependencyError
    """
    with opened(x, y, sample_weight, client, options) as source:
        return train(model, source, options, **how)


def train(
    model: Any,
    source: DataSource,
    options: Rounds,
    *,
    batch_size: int | None = None,
    epochs: int = 1,
    verbose: int | str = "auto",
    callbacks: Sequence[Callback | Callable[..., Any]] | None = None,
    validation_data: Any = None,
    shuffle: bool = True,
    class_weight: dict[int, float] | None = None,
    seed: Any = None,
    classes: Any = None,
) -> Any:
    """Train a compiled model on groups of rows; ``classes``: labels in the order of the outputs."""
    size = 32 if batch_size is None else check_positive(batch_size, "batch_size", "fit")
    epochs = check_positive(epochs, "epochs", "fit")
    shuffle = check_flag(shuffle, "shuffle", "fit")
    watching = watchers(callbacks, verbose, "fit")
    supply: Any = None
    with unchanged_on_error(model, lambda: supply is not None and supply.refused):
        with immediate(), unchanged_on_error(model):
            data = _first_data(model, source, class_weight, classes)
            model.feature_names = [*map(str, source.names)] or None
            drawn = model.rng if seed is None else check_seed(seed, "fit")
            draw = int(drawn.integers(2**62))
            job = Job(*described(model), size, 1, draw, shuffle, class_weight, classes)
            supply = RoundSupply(
                source.groups, job, source.executor, options, model.network.constrained
            )
            supply.job, supply.epochs = replace(job, updates=supply.all_updates * epochs), epochs
            if options.plan:
                from chainrule._src.cluster.plan import plan_of

                plan = plan_of(supply, data, epochs)
                print(plan)
                return plan
            _warn_of_few_updates(supply)
            about = settings(model, supply, seed, len(source.few[1]) > 2)
            trainer, start, states = _trainer(model, supply, data, watching, validation_data, about)
        model.run_trainer(trainer, epochs, start, states, verbose)
    return model.history


def _warn_of_few_updates(supply: RoundSupply) -> None:
    """Warn if each of several shards makes too few updates in an epoch to learn much."""
    shards, updates = len(supply.dealt), supply.updates
    if shards > 1 and updates < FEW_UPDATES:
        count = "1 update" if updates == 1 else f"{updates} updates"
        warnings.warn(
            f"fit: {supply.samples:,} samples in {shards} shards, with batches of "
            f"{supply.batch_size} in each, give {count} an epoch; smaller batches, fewer shards "
            "(shards=1 trains as in memory) or more epochs learn more",
            FewUpdatesWarning,
            stacklevel=2,
        )


def _first_data(model: Any, source: DataSource, class_weight: Any, classes: Any) -> Any:
    """Return a few samples in the form that a step takes, and build the model for their shape."""
    number, (X, y, *weight) = source.few
    y = y if classes is None else np.searchsorted(classes, y).clip(max=len(classes) - 1)
    X = np.nan_to_num(X) if X.dtype.kind == "f" else X  # training reports NaN with its partition
    where = f"fit: partition {number}"
    return model.training_parts(X, y, where, weight[0] if weight else None, class_weight)[0]


def _trainer(
    model: Any, supply: RoundSupply, data: Any, watching: list[Callback], validation_data: Any,
    about: dict[str, Any],
) -> tuple[Trainer, int, Any]:  # fmt: skip
    """Return the trainer, the epoch to begin with, and the callbacks' states."""
    objective, options = model.objective, supply.options
    sums = objective.sums(data)
    model.history, model.stop_training = history_among(watching), False
    model.history.epoch, model.conditions = [], None
    model.optimizer_state = model.optimizer.init(model.network.params)
    start, states = 0, None
    if options.checkpoint is not None and os.path.exists(options.checkpoint):
        start, states = go_on(model, supply, about)
    engine = CarryEngine(carry_of(objective, sums.zero, state=model.optimizer_state))
    checks = None
    if validation_data is not None:
        batches, where = batches_in_parts(validation_data, like=model), "fit: validation_data"
        if isinstance(batches, PartBatches):
            samples: Any = Batches(batches, model.checked_batch, where)
        else:
            validation = model.checked_batch(batches, "validation_data")
            samples = Samples(validation, supply.batch_size, None)
        checks = make_run(objective, None, samples, model.engine, samples.updates * supply.epochs)
    if options.checkpoint is not None:
        watching = [*watching, Keeper(supply, about)]
    run = Run(engine, supply, sums)  # type: ignore[arg-type]
    trainer = Trainer(
        run, model, objective.loss_of_params, "fit", watching, checks, ("params", "layers")
    )
    return trainer, start, states
