"""Checkpoints of a run in rounds: how they are written, and how a run resumes from a checkpoint."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from chainrule._src.base.errors import DataError
from chainrule._src.base.registered import full_name
from chainrule._src.cluster.supply import RoundSupply
from chainrule._src.nn.callbacks import Callback
from chainrule._src.nn.network.conditions import differences, plain_form
from chainrule._src.nn.network.contents import contents, restore_training
from chainrule._src.nn.network.saving import as_file_error, read_model, restored, write_model

KEPT = ("rounds", "loss", "samples", "updates", "metrics", "velocity", "epoch")


class Keeper(Callback):
    """Writes checkpoints: after every round, and after the callbacks of an epoch."""

    def __init__(self, supply: RoundSupply, settings: Mapping[str, Any]) -> None:
        self.supply, self.settings, supply.after_round = supply, settings, self.keep

    def on_epoch_kept(self, epoch: int, logs: Any = None) -> None:
        """Write a checkpoint after an epoch's callbacks."""
        self.keep(self.model.trainer.run.engine)

    def keep(self, engine: Any) -> None:
        """Write a checkpoint of the model and the state of the run."""
        supply, model = self.supply, self.model
        model.trained(engine)
        about = {"settings": self.settings, **supply.place_of()}
        write_model(supply.options.checkpoint, {**contents(model, True), "rounds": about})


def settings(model: Any, supply: RoundSupply, seed: Any, weighted: bool) -> dict[str, Any]:
    """Return all settings, besides the model, on which the bits of a run depend, as plain values.

    An optimizer is described by its initial configuration: callbacks may change its rate.
    """
    job, options, rule = supply.job, supply.options, model.optimizer
    metrics, weighted_metrics = model.compiled_metrics
    initial_config = {
        name: plain_form(value) for name, value in getattr(rule, "__config__", {}).items()
    }
    about = {
        "shards": len(supply.dealt), "round_steps": options.round_steps,
        "outer_momentum": options.outer_momentum, "outer_rate": options.outer_rate,
        "batch_size": job.batch_size, "shuffle": job.shuffle,
        "seed": int(seed) if isinstance(seed, int | np.integer) else None,
        "optimizer": {"class_name": full_name(type(rule)), "config": initial_config},
        "loss": plain_form(model.loss), "metrics": [plain_form(metric) for metric in metrics],
        "weighted_metrics": [plain_form(metric) for metric in weighted_metrics],
        "engine": model.engine, "class_weight": job.class_weight, "sample_weight": weighted,
        "classes": None if job.classes is None else job.classes.tolist(),
        "rows": [group.rows for group in supply.groups],
    }  # fmt: skip
    plain: dict[str, Any] = json.loads(json.dumps(about, default=str))  # as JSON reads it back
    return plain


def go_on(model: Any, supply: RoundSupply, current: dict[str, Any]) -> tuple[int, Any]:
    """Restore a checkpoint; return the epoch to resume with, and the callbacks' states.

    If ``current`` has no seed, it takes the seed of the checkpoint.

    Raises
    ------
    DataError
        If the checkpoint belongs to a run with other settings.
    """
    path = supply.options.checkpoint
    tree = read_model(path)
    progress, training = tree.get("rounds"), tree.get("training")
    if not isinstance(progress, Mapping) or not isinstance(training, Mapping):
        raise DataError(f"fit: {path} is no checkpoint of rounds; give checkpoint another name")
    if tree.get("model") != model.get_config():
        raise DataError(f"fit: {path} holds a model of another architecture")
    with as_file_error(path):
        saved = dict(progress["settings"])
    if current["seed"] is None:
        current["seed"] = saved.get("seed")
    different = list(differences(saved, current))
    if different:
        raise DataError(
            f"fit: {path} can go on only as it began; here {'; '.join(different)}. Give the same, "
            "or remove the file to begin anew"
        )
    with as_file_error(path):
        model.network.take(restored(model.network.weights, tree.get("weights"), "weights"))
        restore_training(model, training)
        vars(model.history).update(
            epoch=list(tree["history"]["epoch"]), history=dict(tree["history"]["history"])
        )
        supply.go_on({key: progress[key] for key in KEPT})
        supply.job = replace(supply.job, seed=int(progress["seed"]))
    return int(progress["epoch"]), training["callbacks"]
