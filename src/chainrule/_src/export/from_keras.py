"""Conversion of models from Keras 3: same layers, same names, copies of the weights."""

from __future__ import annotations

import functools
import importlib
import inspect
import operator
import warnings
from collections.abc import Mapping
from typing import Any

import numpy as np

from chainrule._src.base.config import Configurable, class_called
from chainrule._src.base.errors import ChainruleError, DataError
from chainrule._src.base.showing import arguments, snake_case
from chainrule._src.export.to_keras import import_keras, warn_uncompiled
from chainrule._src.nn import layers as our_layers
from chainrule._src.nn.layers import Input, Layer, Normalization
from chainrule._src.nn.layers.symbols import symbols_in
from chainrule._src.nn.layers.tracking import as_name
from chainrule._src.nn.network.packing import functions_of_graphs
from chainrule._src.nn.sequential import Model, Sequential

PARTS = ("optimizer", "loss", "metrics", "weighted_metrics")
# Options that have no counterpart, with the only values that can be converted.
USUAL = {"data_format": "channels_last", "rms_scaling": False, "attention_axes": (1,)}


def from_keras(model: Any, *, seed: int | np.random.Generator | None = None) -> Any:
    """Convert a Keras model to a `Sequential`, or to a `Model`, with copies of its weights.

    Parameters
    ----------
    model : keras.Sequential, or functional keras.Model
        A built model. If it is compiled, the result is compiled in the same way. If an optimizer,
        loss or metric has no counterpart, the result is not compiled, and a warning says why.
    seed : int, Generator or None
        Seed of the result's random numbers, for example in Dropout.

    Returns
    -------
    Sequential or Model
        A model with the same outputs, up to rounding; a `Sequential` for a plain chain of layers.

    Raises
    ------
    DataError
        If a layer or an option has no counterpart; the message names the layer.
    MissingDependencyError
        If Keras is missing.

    Examples
    --------
    >>> keras = import_keras()
    >>> layer = keras.layers.Dense(2, activation="relu", name="top")
    >>> from_keras(keras.Sequential([keras.Input((4,)), layer])).layers
    [Dense(units=2, activation='relu', name='top')]
    """
    keras = import_keras()
    if not isinstance(model, keras.Model) or not model.built:
        raise DataError(f"from_keras: expected a built model of Keras's, received {model!r}")
    keras_layers = _chain(keras, model)
    if keras_layers is None:
        return _graph_from(keras, model, seed)
    dtypes = {layer.dtype_policy.name for layer in keras_layers}
    if dtypes not in ({"float32"}, {"float64"}):
        raise DataError(
            f"from_keras: all layers must compute in float32, or all in float64, received "
            f"{', '.join(sorted(dtypes))}"
        )
    layers = [_layer_from(keras, layer) for layer in keras_layers]
    start = Input(batch_shape=model.input_shape)
    sequential = Sequential([start, *layers], dtype=dtypes.pop(), seed=seed)
    for layer, keras_layer in zip(layers, keras_layers, strict=True):
        _copy_weights(keras, layer, keras_layer)
    if getattr(model, "compiled", False):
        _compile_as(keras, sequential, model)
    return sequential


def _chain(keras: Any, model: Any) -> list[Any] | None:
    """Return the layers of a model in order; None if they are no plain chain."""
    if isinstance(model, keras.Sequential):
        return list(model.layers)
    inputs: Any = getattr(model, "inputs", None) or ()
    if len(inputs) != 1 or len(model.outputs) != 1:
        return None
    (value,) = inputs
    layers = []
    for layer in model.layers:
        if isinstance(layer, keras.layers.InputLayer):
            continue
        if len(layer._inbound_nodes) != 1 or layer.input is not value:
            return None
        value = layer.output
        layers.append(layer)
    return layers if value is model.outputs[0] else None


def _graph_from(keras: Any, model: Any, seed: Any) -> Model:
    """Convert a functional model by making its calls with our layers and functions."""
    if not getattr(model, "_nodes_by_depth", None):
        raise DataError(
            f"from_keras: model {model.name!r} ({type(model).__name__}) must be made of the layers "
            "between inputs and outputs; its class has code of its own, write that in NumPy"
        )
    layers: dict[int, Any] = {}
    values: dict[int, Any] = {}
    for tensor in model.inputs:
        dtype = str(tensor.dtype)
        head = Input(batch_shape=tensor.shape, dtype=dtype, name=as_name(tensor.name))
        values[id(tensor)] = head.output
    tree = keras.tree

    def ours(part: Any) -> Any:
        return values.get(id(part), part)

    for depth in sorted(model._nodes_by_depth, reverse=True):
        for node in model._nodes_by_depth[depth]:
            if node.is_input:
                continue
            args, kwargs = tree.map_structure(ours, (node.arguments.args, node.arguments.kwargs))
            call = _callable_from(keras, node.operation, layers)
            kwargs = {k: v for k, v in kwargs.items() if v is not None}
            outputs = symbols_in(call(*args, **kwargs))
            values |= {id(t): s for t, s in zip(node.output_tensors, outputs, strict=True)}
    inputs, outputs = tree.map_structure(
        lambda tensor: values[id(tensor)], (model._inputs_struct, model._outputs_struct)
    )
    converted = Model(inputs, outputs, as_name(model.name), seed=seed)
    for layer, keras_layer in layers.values():
        _copy_weights(keras, layer, keras_layer)
    if getattr(model, "compiled", False):
        _compile_as(keras, converted, model)
    return converted


def _callable_from(keras: Any, operation: Any, layers: dict[int, Any]) -> Any:
    """Return our layer, or function of arrays, for a Keras layer or operation."""
    if isinstance(operation, keras.layers.Layer):
        if id(operation) not in layers:
            layers[id(operation)] = _layer_from(keras, operation), operation
        return layers[id(operation)][0]
    name = snake_case(type(operation).__name__)
    name = {"get_item": "getitem"}.get(name, name)
    functions = functions_of_graphs().items()
    registered = next((f for key, f in functions if key.endswith(f".{name}")), None)
    function = operator.getitem if name == "getitem" else registered or getattr(np, name, None)
    if function is None:
        raise DataError(f"from_keras: the operation {name} has no counterpart")
    options = {k: v for k, v in operation.get_config().items() if k not in ("name", "dtype")}
    return functools.partial(function, **{k: v for k, v in options.items() if v is not None})


def _copy_weights(keras: Any, layer: Layer, keras_layer: Any) -> None:
    # Keras counts its counters among the weights; ours are floats.
    floats = (v for v in keras_layer.weights if "float" in str(v.dtype))
    for variable, value in zip(layer.weights, floats, strict=False):
        variable.assign(keras.ops.convert_to_numpy(value.value))


def _layer_from(keras: Any, layer: Any) -> Layer:
    if isinstance(layer, keras.Sequential):
        inner = Sequential([_layer_from(keras, each) for each in layer.layers], layer.name)
        if not layer.trainable:
            inner.trainable = False
        return inner
    if isinstance(layer, keras.Model):
        return _graph_from(keras, layer, None)
    kind, config = type(layer).__name__, layer.get_config()
    if kind not in our_layers.__all__ or getattr(keras.layers, kind, None) is not type(layer):
        raise DataError(
            f"from_keras: layer {layer.name!r} ({kind}) has no counterpart; there are "
            f"{', '.join(our_layers.__all__)}"
        )
    where = f"from_keras: layer {layer.name!r} ({kind})"
    cls = getattr(our_layers, kind)
    config = {**_options_of(type(layer), cls, config, where)}
    config["name"] = as_name(layer.name)
    if cls is Normalization and len(layer.axis) == 1:
        (config["axis"],) = layer.axis
    try:
        converted = cls(**config)
    except ChainruleError as error:
        raise DataError(f"{where}: {error}") from error
    assert isinstance(converted, Layer)
    return converted


def _options_of(
    keras_class: type, cls: type[Configurable], config: Any, where: str
) -> dict[str, Any]:
    """Return the options that our class has too, without defaults.

    Raises
    ------
    DataError
        If an option without counterpart does not have its default value.
    """
    usual = {p.name: p.default for p in inspect.signature(keras_class).parameters.values()}
    options = {}
    for name, value in config.items():
        if name in USUAL and value == USUAL[name]:
            continue
        if name in arguments(cls) and name != "dtype":
            converted = _from(value, f"{where}, {name}")
            if snake_case(repr(converted)) != arguments(cls)[name]:  # GlorotUniform() is a default
                options[name] = converted
        elif name not in ("dtype", "name") and value != usual.get(name):
            raise DataError(f"{where}: the option {name}={value!r} has no counterpart")
    return options


def _from(value: Any, where: str) -> Any:
    """Convert an option, which may be Keras's description of an object, to ours."""
    if isinstance(value, list | tuple):
        return [_from(part, where) for part in value]
    if isinstance(value, Mapping) and "class_name" not in value:
        return {key: _from(part, where) for key, part in value.items()}
    if not isinstance(value, Mapping) or "class_name" not in value:
        return value
    module, name = str(value.get("module")), value["class_name"]
    if not module.startswith("keras.") or not isinstance(value["config"], Mapping):
        raise DataError(f"{where}: {name} {value['config']!r} is of your own, not of Keras")
    room = module.split(".")[-1]
    cls = class_called("metrics." + name if room == "metrics" else name)
    keras_class = getattr(importlib.import_module(module), name)
    config = _options_of(keras_class, cls, value["config"], where)
    if isinstance(config.get("learning_rate"), float):  # a float32: restore its short decimals
        config["learning_rate"] = float(str(np.float32(config["learning_rate"])))
    return cls(**config)


def _compile_as(keras: Any, model: Any, keras_model: Any) -> None:
    """Compile a model like a Keras model; warn if an option has no counterpart."""
    try:
        with warnings.catch_warnings():  # Keras reads its learning rate in a way NumPy warns of
            warnings.simplefilter("ignore", DeprecationWarning)
            config = keras_model.get_compile_config() or {}
        options = {part: _from(config.get(part), part) for part in PARTS}
        model.compile(**options, loss_weights=config.get("loss_weights"))
    except ChainruleError as error:
        warn_uncompiled("from_keras", error)
