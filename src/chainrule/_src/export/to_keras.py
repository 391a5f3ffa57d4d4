"""Conversion of models to Keras 3: same layers, same names, copies of the weights."""

from __future__ import annotations

import os
import re
import warnings
from collections.abc import Callable, Mapping
from itertools import accumulate
from typing import Any

import numpy as np

from chainrule._src.base.config import Configurable, class_of, plain
from chainrule._src.base.errors import ChainruleError, DataError, MissingDependencyError
from chainrule._src.base.extras import is_installed, needs
from chainrule._src.base.interrupts import load
from chainrule._src.base.registered import is_own
from chainrule._src.base.showing import arguments, snake_case
from chainrule._src.nn import layers as our_layers
from chainrule._src.nn.layers import Layer, Normalization
from chainrule._src.nn.network.compiled import Compiled
from chainrule._src.nn.network.graphed import Graphed
from chainrule._src.nn.network.outputs import AddedLosses, OutputLosses

BACKENDS = ("jax", "torch", "tensorflow")


def import_keras() -> Any:
    """Import Keras 3 with an installed backend.

    Raises
    ------
    MissingDependencyError
        If Keras 3 or a backend is missing; the message says how to install it.
    """
    installed = [name for name in BACKENDS if is_installed(name)]
    needs("a model of Keras's", "keras", "keras")
    if not installed:
        needs("Keras", "keras", "jax")
    backend = os.environ.setdefault("KERAS_BACKEND", installed[0])
    try:
        keras = load("keras")
    except Exception as error:
        raise MissingDependencyError(
            f"Keras cannot be loaded with KERAS_BACKEND={backend}: {error}; installed here: "
            f"{', '.join(installed)}"
        ) from error
    if not hasattr(keras, "ops"):
        raise MissingDependencyError(f"this needs Keras 3, found {keras.__version__}")
    return keras


def to_keras(model: Compiled) -> Any:
    """Convert a model to a Keras model; see `Sequential.to_keras`."""
    keras = import_keras()
    network, dtype = model.network, model.dtype.name
    name = re.sub(r"\W", "_", model.name)
    if isinstance(model, Graphed):
        keras_model, keras_layers = _graph_to(keras, model, dtype, name)
    else:
        first = network.first
        start = keras.Input(first.input_shape[1:], dtype="int32" if first.integers else dtype)
        keras_layers = [_layer_to(keras, layer, dtype) for layer in network.layers]
        keras_model = keras.Sequential([start, *keras_layers], name=name)
    for layer, other in zip(network.layers, keras_layers, strict=True):
        for variable, value in zip(other.weights, _variables(layer), strict=False):
            variable.assign(value.value)
    if model.loss is not None:
        options = dict(model.compile_options)
        if isinstance(model.loss, OutputLosses):
            options |= {"loss": model.loss.losses, "loss_weights": model.loss.weights}
        elif isinstance(model.loss, AddedLosses):
            options["loss"] = None
        try:
            keras_model.compile(**{name: _to(keras, plain(v), name) for name, v in options.items()})
        except ChainruleError as error:
            warn_uncompiled("to_keras", error)
    return keras_model


def _graph_to(keras: Any, model: Graphed, dtype: str, name: str) -> tuple[Any, list[Any]]:
    """Convert a graph by making its calls with Keras's layers and functions."""
    graph = model.graph
    keras_layers = [
        None if isinstance(each, our_layers.Input) else _layer_to(keras, each, dtype)
        for each in model.layers
    ]
    functions = {snake_case(type_name) for type_name in map(_keras_name, graph.functions)}
    for each in keras_layers:  # Keras names operations too, and wants different names
        if each is not None and re.sub(r"_\d+$", "", each.name) in functions:
            each.name = f"{each.name}_layer"
    starts = []
    for index, (shape, is_whole) in zip(graph.heads, model.inputs_taken(), strict=True):
        head = model.layers[index].name
        starts.append(
            keras.Input(batch_shape=shape, name=head, dtype="int32" if is_whole else dtype)
        )
        keras_layers[index] = starts[-1]._keras_history.operation

    def function_for(function: Any) -> Any:
        name = _keras_name(function)
        if name == "get_item":
            return function
        if not hasattr(keras.ops, name):
            raise DataError(f"to_keras: the function {name} has no counterpart in Keras")
        return getattr(keras.ops, name)

    outputs = graph.replay(keras_layers, starts, function_for=function_for)
    inputs = graph.inputs_from(starts)
    keras_model = keras.Model(inputs, outputs, name=name, trainable=model.trainable)
    return keras_model, keras_layers


def _keras_name(function: Any) -> str:
    """Return the name of a function in `keras.ops`."""
    name = str(function.__name__)
    return {"getitem": "get_item", "divide": "true_divide"}.get(name, name)


def _layer_to(keras: Any, layer: Layer, dtype: str) -> Any:
    if isinstance(layer, Graphed):
        return _graph_to(keras, layer, dtype, layer.name)[0]
    if isinstance(layer, Compiled):
        inner = [_layer_to(keras, each, dtype) for each in layer.layers]
        return keras.Sequential(inner, name=layer.name, trainable=layer.trainable)
    if type(layer) in COMPOSED:
        start = keras.Input(layer.input_shape[1:], dtype=dtype)
        output = COMPOSED[type(layer)](keras, layer, start, dtype)
        return keras.Model(start, output, name=layer.name, trainable=layer.trainable)
    kind, where = type(layer), f"to_keras: {layer}"
    if getattr(our_layers, kind.__name__, None) is not kind:
        raise DataError(f"{where} has no counterpart; it is a layer of your own")
    if not hasattr(keras.layers, kind.__name__):
        raise DataError(f"{where} has no counterpart in Keras; export and eject write it whole")
    config = {**layer.get_config(), "trainable": layer.trainable}
    if isinstance(layer, Normalization):
        config |= {"mean": layer.mean.tolist(), "variance": layer.variance.tolist()}
    options = {**_changed(kind, config), "name": layer.name, "dtype": dtype}
    return _made(getattr(keras.layers, kind.__name__), keras, options, where)


def _mean_of(keras: Any, layer: our_layers.Ensemble, start: Any, dtype: str) -> Any:
    """Apply an ensemble's members; a single member needs no mean."""
    chains = [[_layer_to(keras, each, dtype) for each in chain] for chain in layer.members]
    outputs = [keras.Sequential(chain)(start) for chain in chains]
    return keras.layers.average(outputs) if len(outputs) > 1 else outputs[0]


def _by_columns(keras: Any, layer: our_layers.ByColumns, start: Any, dtype: str) -> Any:
    ends = list(accumulate(layer.widths))
    parts = zip(layer.layers, ends, layer.widths, strict=True)
    outputs = [
        keras.layers.Flatten()(_layer_to(keras, part, dtype)(start[:, end - width : end]))
        for part, end, width in parts
    ]
    return keras.layers.concatenate(outputs) if len(outputs) > 1 else outputs[0]


def _shares(keras: Any, layer: our_layers.PiecewiseLinear, start: Any, dtype: str) -> Any:
    column = keras.layers.Reshape((*layer.input_shape[1:], 1))(start)
    center, factor = (np.asarray(each, dtype) for each in layer.get_weights())
    shares = keras.ops.clip((column - center) * factor, -0.5, 0.5)
    return keras.layers.Flatten()(keras.layers.concatenate([column, shares]))


COMPOSED: Mapping[type[Layer], Callable[[Any, Any, Any, str], Any]] = {
    our_layers.Ensemble: _mean_of,
    our_layers.ByColumns: _by_columns,
    our_layers.PiecewiseLinear: _shares,
}
"""Functions that apply a layer which Keras does not have by those which it has."""


def _variables(layer: Layer) -> list[Any]:
    """Return the weights of a layer that are weights in Keras too, in the same order."""
    if isinstance(layer, our_layers.PiecewiseLinear):
        return []  # constants there
    if isinstance(layer, our_layers.Ensemble):
        return [w for chain in layer.members for each in chain for w in _variables(each)]
    if isinstance(layer, our_layers.ByColumns):
        return [w for each in layer.layers for w in _variables(each)]
    return list(layer.weights)


def _changed(cls: type[Configurable], config: Mapping[str, Any]) -> dict[str, Any]:
    """Return the options without default values; defaults are equal in Keras."""
    usual = {**arguments(cls), "pool_size": None}  # Keras's average pooling has no default
    if beyond := config.keys() - usual.keys():
        raise DataError(f"{cls.__name__}: {', '.join(sorted(beyond))} cannot be told to Keras")
    return {name: value for name, value in config.items() if value != usual[name]}


def _to(keras: Any, value: Any, where: str) -> Any:
    """Convert an option, which may be a description by plain values, to Keras's object."""
    if isinstance(value, list):
        return [_to(keras, part, where) for part in value]
    if not isinstance(value, Mapping):
        return value
    if "class_name" not in value:
        return {key: _to(keras, part, where) for key, part in value.items()}
    cls = None if is_own(value) else class_of(value)
    room = "" if cls is None else cls.__module__.split(".")[3]
    module = keras.optimizers.schedules if room == "schedules" else getattr(keras, room, None)
    if cls is None or not hasattr(module, cls.__name__):
        raise DataError(f"{where}: {value['class_name']} has no counterpart")
    return _made(getattr(module, cls.__name__), keras, _changed(cls, value["config"]), where)


def _made(cls: Any, keras: Any, options: Mapping[str, Any], where: str) -> Any:
    values = {name: _to(keras, value, f"{where}, {name}") for name, value in options.items()}
    try:
        return cls(**values)
    except (TypeError, ValueError) as error:
        raise DataError(f"{where}: Keras refuses it: {error}") from error


def warn_uncompiled(where: str, error: Exception) -> None:
    """Warn that a converted model is not compiled, with the reason."""
    warnings.warn(f"{where}: the model comes uncompiled, {error}; compile it anew", stacklevel=4)
