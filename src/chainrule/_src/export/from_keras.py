"""Models from Keras 3: the same layers under the same names, weights copied as they are."""

from __future__ import annotations

import importlib
import inspect
import warnings
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from chainrule._src.base.config import Configurable, class_called
from chainrule._src.base.errors import ChainruleError, DataError
from chainrule._src.base.showing import arguments, snake_case
from chainrule._src.export.to_keras import import_keras, warn_uncompiled
from chainrule._src.nn import layers as our_layers
from chainrule._src.nn.layers import Input, Layer, Normalization
from chainrule._src.nn.layers.tracking import as_name
from chainrule._src.nn.sequential.model import Sequential

PARTS = ("optimizer", "loss", "metrics", "weighted_metrics")
# Options that are always the same.
USUAL = {"data_format": "channels_last", "rms_scaling": False, "attention_axes": (1,)}


def from_keras(model: Any, *, seed: int | np.random.Generator | None = None) -> Sequential:
    """Return a model of Keras's as a `Sequential`, with copies of its weights.

    Parameters
    ----------
    model : keras.Sequential, or keras.Model whose layers are a plain chain
        Built. How it was compiled is taken over; what there is no counterpart for leaves the
        result uncompiled, with a warning that says why.
    seed : int, Generator or None
        Of what happens by chance from here on.

    Returns
    -------
    Sequential
        Its outputs are those of the given one, up to rounding.

    Raises
    ------
    DataError
        For a layer or an option that there is no counterpart for; the message names it.
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
    theirs = list(_chain(keras, model))
    dtypes = {layer.dtype_policy.name for layer in theirs}
    if dtypes not in ({"float32"}, {"float64"}):
        raise DataError(
            f"from_keras: all layers must compute in float32, or all in float64, received "
            f"{', '.join(sorted(dtypes))}"
        )
    ours = [_layer_from(keras, layer) for layer in theirs]
    start = Input(batch_shape=model.input_shape)
    made = Sequential([start, *ours], dtype=dtypes.pop(), seed=seed)
    for mine, other in zip(ours, theirs, strict=True):
        floats = (v for v in other.weights if "float" in str(v.dtype))  # a count is no weight here
        for variable, value in zip(mine.weights, floats, strict=False):
            variable.assign(keras.ops.convert_to_numpy(value.value))
    if getattr(model, "compiled", False):
        _compile_as(keras, made, model)
    return made


def _chain(keras: Any, model: Any) -> Iterator[Any]:
    """Yield the layers of a model in their order."""
    if not isinstance(model, keras.Model) or not model.built:
        raise DataError(f"from_keras: expected a built model of Keras's, received {model!r}")
    if isinstance(model, keras.Sequential):
        yield from model.layers
        return
    if not hasattr(model, "inputs") or len(model.inputs or ()) != 1 or len(model.outputs) != 1:
        raise DataError(
            f"from_keras: model {model.name!r} ({type(model).__name__}) must have one input and "
            "one output, and layers one after the other"
        )
    (value,) = model.inputs
    for layer in model.layers:
        if isinstance(layer, keras.layers.InputLayer):
            continue
        if len(layer._inbound_nodes) != 1 or layer.input is not value:
            raise DataError(
                f"from_keras: layer {layer.name!r} ({type(layer).__name__}) does not follow the "
                "one before it alone; a Sequential is a plain chain"
            )
        value = layer.output
        yield layer
    if value is not model.outputs[0]:
        raise DataError("from_keras: the model's output is not that of its last layer")


def _layer_from(keras: Any, layer: Any) -> Layer:
    if isinstance(layer, keras.Sequential):
        inner = Sequential([_layer_from(keras, each) for each in layer.layers], layer.name)
        if not layer.trainable:
            inner.trainable = False
        return inner
    kind, config = type(layer).__name__, layer.get_config()
    if kind not in our_layers.__all__ or getattr(keras.layers, kind, None) is not type(layer):
        raise DataError(
            f"from_keras: layer {layer.name!r} ({kind}) has no counterpart; there are "
            f"{', '.join(our_layers.__all__)}"
        )
    where = f"from_keras: layer {layer.name!r} ({kind})"
    cls = getattr(our_layers, kind)
    config = {**_known(type(layer), cls, config, where)}
    config["name"] = as_name(layer.name)
    if cls is Normalization and len(layer.axis) == 1:
        (config["axis"],) = layer.axis
    try:
        made = cls(**config)
    except ChainruleError as error:
        raise DataError(f"{where}: {error}") from error
    assert isinstance(made, Layer)
    return made


def _known(theirs: type, ours: type[Configurable], config: Any, where: str) -> dict[str, Any]:
    """Return the options that ours has too; refuse others that are not what they usually are."""
    usual = {p.name: p.default for p in inspect.signature(theirs).parameters.values()}
    found = {}
    for name, value in config.items():
        if name in USUAL and value == USUAL[name]:
            continue
        if name in arguments(ours) and name != "dtype":
            made = _from(value, f"{where}, {name}")
            if snake_case(repr(made)) != arguments(ours)[name]:  # GlorotUniform() is usual
                found[name] = made
        elif name not in ("dtype", "name") and value != usual.get(name):
            raise DataError(f"{where}: the option {name}={value!r} has no counterpart")
    return found


def _from(value: Any, where: str) -> Any:
    """Return an option as ours, made of what Keras tells of its own objects."""
    if isinstance(value, list | tuple):
        return [_from(part, where) for part in value]
    if not isinstance(value, Mapping) or "class_name" not in value:
        return value
    module, name = str(value.get("module")), value["class_name"]
    if not module.startswith("keras.") or not isinstance(value["config"], Mapping):
        raise DataError(f"{where}: {name} {value['config']!r} is of your own, not of Keras")
    room = module.split(".")[-1]
    cls = class_called("metrics." + name if room == "metrics" else name)
    theirs = getattr(importlib.import_module(module), name)
    config = _known(theirs, cls, value["config"], where)
    if isinstance(config.get("learning_rate"), float):  # of float32, whose digits are fewer
        config["learning_rate"] = float(str(np.float32(config["learning_rate"])))
    return cls(**config)


def _compile_as(keras: Any, ours: Sequential, theirs: Any) -> None:
    """Compile as a model of Keras's was, if that can be."""
    try:
        with warnings.catch_warnings():  # Keras reads its learning rate in a way NumPy warns of
            warnings.simplefilter("ignore", DeprecationWarning)
            config = theirs.get_compile_config() or {}
        found = {part: _from(config.get(part), part) for part in PARTS}
        if config.get("loss_weights") is not None:
            raise DataError("loss_weights has no counterpart")
        ours.compile(**found)
    except ChainruleError as error:
        warn_uncompiled("from_keras", error)
