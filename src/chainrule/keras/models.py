"""Models: only `Sequential`; other names raise an error when they are used."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from chainrule._src.base.config import copied
from chainrule._src.base.errors import DataError
from chainrule._src.nn.layers import Input, Layer
from chainrule._src.nn.sequential import Sequential
from chainrule._src.nn.sequential import load_model as _load_model
from chainrule.keras.left_out import GRAPHS, left_out

Model = left_out("Model", GRAPHS)
Functional = left_out("Functional", GRAPHS)

__all__ = [
    "Functional", "Model", "Sequential", "clone_model", "load_model", "model_from_json",
    "save_model",
]  # fmt: skip


def clone_model(
    model: Sequential,
    input_tensors: Any = None,
    clone_function: Callable[[Layer], Layer] | None = None,
) -> Sequential:
    """Return a model with copies of the layers and new weights, not compiled.

    Examples
    --------
    >>> from chainrule import keras
    >>> model = Sequential([keras.Input((4,)), keras.layers.Dense(2)])
    >>> clone_model(model).count_params()
    10
    """
    if input_tensors is not None:
        raise DataError(f"clone_model: input_tensors has no counterpart: {GRAPHS}")
    if clone_function is None:
        cloned: Sequential = copied(model)
        return cloned
    shape = model.input_shape
    start = [] if shape is None else [Input(batch_shape=shape)]
    return Sequential([*start, *map(clone_function, model.layers)], model.name)


def load_model(
    filepath: Any,
    custom_objects: Any = None,
    compile: bool = True,  # noqa: A002
    safe_mode: bool = True,
) -> Sequential:
    """Load a model from a file that `Sequential.save` wrote; see `chainrule.load_model`.

    Loading runs no code from the file, so that ``safe_mode`` has no other setting.
    """
    return _load_model(filepath, custom_objects, compile)


def save_model(model: Sequential, filepath: Any, overwrite: bool = True, **options: Any) -> None:
    """Save a model in a file; see `Sequential.save`."""
    model.save(filepath, overwrite=overwrite, **options)


def model_from_json(json_string: str, custom_objects: Any = None) -> Sequential:
    """Return a model with new weights from an architecture that `Sequential.to_json` wrote."""
    try:
        config = json.loads(json_string)
    except (TypeError, ValueError) as error:
        raise DataError(f"model_from_json: expected what to_json returned: {error}") from error
    return Sequential.from_config(config, custom_objects)
