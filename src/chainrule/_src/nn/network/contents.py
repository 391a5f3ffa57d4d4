"""A model as one nested structure of plain values and arrays, and back."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from typing import Any

import numpy as np

from chainrule._src.base.config import made, plain
from chainrule._src.base.errors import DataError, FileError
from chainrule._src.base.registered import origin
from chainrule._src.base.validation import check_count, lookup
from chainrule._src.compile.running.steps import ENGINES
from chainrule._src.nn import optimizers
from chainrule._src.nn.callbacks import History
from chainrule._src.nn.network.compiled import Compiled
from chainrule._src.nn.network.conditions import Conditions
from chainrule._src.nn.network.saving import as_file_error, generator_at, read_model, restored
from chainrule._src.nn.training.supply import Samples


def contents(model: Compiled, training: bool) -> dict[str, Any]:
    """Return all parts of a model; with ``training`` also the state that resuming needs."""
    preprocessor = model.preprocessor
    return {
        **_kind(model),
        "model": model.get_config(),
        "weights": model.network.weights,
        "compiled": _compiled(model),
        "class_names": model.class_names,
        "feature_names": model.feature_names,
        "preprocessing": None if preprocessor is None else preprocessor.to_dict(),
        "history": {"epoch": model.history.epoch, "history": model.history.history},
        "training": _training(model) if training and model.optimizer_state else None,
    }


def _kind(model: Compiled) -> dict[str, Any]:
    """Return the class of a model, unless it is a chain, and the shape that it was built for."""
    if type(model).__name__ == "Sequential":
        return {}
    about = {"class_name": type(model).__name__, "config": {}} | origin(type(model))
    return {"class": about, "input_shape": plain(model.input_shape)}


def _compiled(model: Compiled) -> dict[str, Any] | None:
    """Return the arguments of `compile`; None if not compiled, or if one has no plain form."""
    try:
        return plain(model.compile_options) if model.compiled else None
    except DataError:
        return None


def _training(model: Compiled) -> dict[str, Any]:
    trainer = model.trainer
    return {
        "state": _optimizer_state(model),
        **_position(model),
        "engine": model.engine if trainer is None else trainer.run.engine.name,
        "callbacks": [] if trainer is None else trainer.states(),
        "conditions": None if model.conditions is None else model.conditions.described(),
        "stopped": trainer is not None and model.stop_training,
    }


def _position(model: Compiled) -> dict[str, Any]:
    """Return next epoch, samples taken of the present pass, and the generator at its start."""
    trainer, n_taken, random = model.trainer, 0, dict(model.rng.bit_generator.state)
    epoch = model.history.epoch[-1] + 1 if model.history.epoch else 0
    if trainer is not None:
        supply, epoch = trainer.run.supply, trainer.epoch
        if isinstance(supply, Samples):
            n_taken, is_over = supply.place()
            epoch += is_over
            random = dict(supply.before) if n_taken and supply.before is not None else random
    return {"epoch": epoch, "random": random, "samples": n_taken}


def _optimizer_state(model: Compiled) -> Any:
    """Return the optimizer's state with the current learning rate."""
    state, rate = model.optimizer_state, getattr(model.optimizer, "learning_rate", None)
    return {**state, "learning_rate": np.float64(rate)} if "learning_rate" in state else state


def described(tree: Mapping[str, Any]) -> tuple[Mapping[str, Any], int, Any]:
    """Return architecture, number of weights and input shape of a structure from `contents`."""
    config, weights = tree.get("model"), tree.get("weights")
    if not isinstance(config, Mapping) or not isinstance(weights, Mapping):
        raise FileError("a model must have an architecture and weights")
    return config, sum(np.size(weight) for weight in weights.values()), tree.get("input_shape")


def take(model: Compiled, tree: Mapping[str, Any], compiled: bool = True) -> None:
    """Set a model's parts from a structure that `contents` returned for its architecture."""
    model.network.take(restored(model.network.weights, tree.get("weights"), "weights"))
    model.class_names, model.feature_names = (
        _texts(tree, name) for name in ("class_names", "feature_names")
    )
    if tree.get("preprocessing") is not None:
        from chainrule._src.data.preprocessing import Preprocessor

        model.preprocessor = Preprocessor.from_dict(tree["preprocessing"])
    if compiled and tree.get("compiled") is not None:
        model.compile(**made(tree["compiled"]))
    model.history = _history(tree.get("history"))
    training = tree.get("training")
    if training is not None and model.loss is not None:
        restore_training(model, training)


def resume(
    model: Compiled, path: Any, conditions: Conditions, past: bool = True
) -> tuple[int, str, list[dict[str, Any]], int]:
    """Restore a model from a checkpoint, with its history if ``past``.

    Returns
    -------
    the next epoch, the engine, the callbacks' states, and the number of samples of a pass taken

    Raises
    ------
    DataError
        If the file holds another architecture, or no training state, or was trained under
        other conditions.
    FileError
        If the file is damaged.
    """
    tree = read_model(path)
    if tree.get("model") != model.get_config():
        raise DataError(f"fit: {path} holds a model of another architecture")
    training = tree.get("training")
    if not isinstance(training, dict):
        raise DataError(f"fit: {path} holds a model alone, without what training needs to go on")
    with as_file_error(path):
        weights = restored(model.network.weights, tree.get("weights"), "weights")
        history = _history(tree.get("history"))
        epoch, engine, states = training["epoch"], training["engine"], training["callbacks"]
        lookup("engine", engine, ENGINES)
        rate = training["state"].get("learning_rate")
        rate = None if rate is None else float(rate)
        check_count(epoch, "the epoch", "fit")
        at = check_count(training.get("samples", 0), "the samples", "fit")
        if not isinstance(states, list) or not all(isinstance(s, Mapping) for s in states):
            raise FileError("callbacks must be a list of their states")
    if training.get("conditions") is not None:
        conditions.check(training["conditions"], rate, path)
    with as_file_error(path):
        restore_training(model, training)
    model.network.take(weights)
    if past:
        vars(model.history).update(vars(history))
    model.stop_training = training.get("stopped") is True
    if model.engine not in ("auto", engine):
        warnings.warn(f"fit: the engine goes on to be {engine!r}, as in {path}", stacklevel=4)
    return epoch, engine, states, at


def restore_training(model: Compiled, training: Mapping[str, Any]) -> None:
    """Restore the states of optimizer and random generator."""
    template = model.optimizer.init(model.network.params)
    state = restored(template, training.get("state"), "the optimizer's state")
    model.rng = generator_at(training.get("random"))
    model.optimizer_state = state
    optimizers.count(model.optimizer, state)
    if "learning_rate" in state:
        model.optimizer.learning_rate = float(state["learning_rate"])


def _history(saved: Any) -> History:
    if saved is None:
        return History()
    epoch, history = saved["epoch"], saved["history"]
    numbers = all(
        isinstance(part, list) and all(isinstance(v, int | float | np.ndarray) for v in part)
        for part in (epoch, *history.values())
    )
    if not numbers:
        raise FileError("the history must be lists of numbers, or of arrays")
    return History(epoch, history)


def _texts(tree: Mapping[str, Any], name: str) -> list[str] | None:
    saved = tree.get(name)
    if saved is not None and not (
        isinstance(saved, list) and all(isinstance(text, str) for text in saved)
    ):
        raise FileError(f"{name} must be a list of texts")
    return saved
