"""Models, and functions of models."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from chainrule._src.base.config import copied
from chainrule._src.base.errors import DataError
from chainrule._src.nn.layers import Input, Layer
from chainrule._src.nn.network.graph import symbols_of
from chainrule._src.nn.sequential import Model, Sequential
from chainrule._src.nn.sequential import load_model as _load_model

Functional = Model

__all__ = [
    "Functional", "Model", "Sequential", "clone_model", "load_model", "model_from_json",
    "save_model",
]  # fmt: skip


def clone_model(
    model: Any,
    input_tensors: Any = None,
    clone_function: Callable[[Layer], Layer] | None = None,
) -> Any:
    """Return a model with copies of the layers and new weights, not compiled.

    Parameters
    ----------
    model : Sequential or Model
    input_tensors : None
        Accepted for compatibility with Keras.
    clone_function : callable, optional
        Function of a layer that returns its copy; by default a layer with the same arguments. It
        is not called with the inputs of a model.

    Returns
    -------
    Sequential or Model

    Raises
    ------
    DataError
        If ``input_tensors`` is not None, or ``clone_function`` comes with a class of your own.

    Examples
    --------
    >>> from chainrule import keras
    >>> model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(2)])
    >>> clone = keras.models.clone_model(model)
    >>> clone.count_params(), bool((clone.get_weights()[0] == model.get_weights()[0]).any())
    (10, False)
    """
    if input_tensors is not None:
        raise DataError(
            "clone_model: input_tensors has no counterpart; make a model of the tensors: "
            "keras.Model(inputs, model(inputs))"
        )
    if clone_function is None:
        return copied(model)
    if isinstance(model, Sequential):
        shape = model.input_shape
        start = [] if shape is None else [Input(batch_shape=shape)]
        return Sequential([*start, *map(clone_function, model.layers)], model.name)
    if not hasattr(model, "graph"):
        raise DataError(
            "clone_model: with clone_function, model must be a Sequential or a Model of symbolic "
            f"inputs and outputs, received {model!r}"
        )
    layers = [
        copied(layer) if isinstance(layer, Input) else clone_function(layer)
        for layer in model.layers
    ]
    inputs, outputs = symbols_of(model.graph.described(), layers)
    return Model(inputs, outputs, name=model.name)


def load_model(
    filepath: Any,
    custom_objects: Any = None,
    compile: bool = True,  # noqa: A002
    safe_mode: bool = True,
) -> Sequential:
    """Load a model from a file that `Sequential.save` wrote; see `chainrule.load_model`.

    Parameters
    ----------
    filepath : path-like
    custom_objects : dict, optional
        Your own functions and classes by their names in the file.
    compile : bool, default True
        If true, the model is compiled with the arguments in the file.
    safe_mode : ignored
        Loading runs no code from the file in any case.

    Returns
    -------
    Sequential

    Raises
    ------
    FileError
        If the file is missing, damaged or foreign, or names an unknown function or class.

    Examples
    --------
    >>> import tempfile
    >>> from chainrule import keras
    >>> model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(2)])
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     model.save(f"{folder}/model.keras")
    ...     keras.models.load_model(f"{folder}/model.keras").count_params()
    10
    """
    return _load_model(filepath, custom_objects, compile)


def save_model(model: Sequential, filepath: Any, overwrite: bool = True, **options: Any) -> None:
    """Save a model in a file; see `Sequential.save`.

    Parameters
    ----------
    model : Sequential
    filepath : path-like
        The file is in the format of chainrule, also under the ending ``.keras``.
    overwrite : bool, default True
        If false, an existing file is an error.
    **options
        Further options of `Sequential.save`.

    Raises
    ------
    FileError
        If the file cannot be written; no file is left half-written.
    DataError
        If the model cannot be described, because it holds a lambda for instance.

    Examples
    --------
    >>> import os, tempfile
    >>> from chainrule import keras
    >>> model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(2)])
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     keras.models.save_model(model, f"{folder}/model.keras")
    ...     os.listdir(folder)
    ['model.keras']
    """
    model.save(filepath, overwrite=overwrite, **options)


def model_from_json(json_string: str, custom_objects: Any = None) -> Any:
    """Return a model with new weights from an architecture that `Sequential.to_json` wrote.

    Parameters
    ----------
    json_string : str
    custom_objects : dict, optional
        Your own functions and classes by their names in the text.

    Returns
    -------
    Sequential or Model

    Raises
    ------
    DataError
        If the text is no JSON, or names an unknown class.
    UnknownNameError
        If the text is no architecture of a model.

    Examples
    --------
    >>> from chainrule import keras
    >>> model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(2)])
    >>> keras.models.model_from_json(model.to_json()).output_shape
    (None, 2)
    """
    try:
        config = json.loads(json_string)
    except (TypeError, ValueError) as error:
        raise DataError(f"model_from_json: expected what to_json returned: {error}") from error
    kind = Model if isinstance(config, dict) and "steps" in config else Sequential
    return kind.from_config(config, custom_objects)
