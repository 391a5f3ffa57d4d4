"""What Keras lets its users override, pass or set: each is supported, or refused by name."""

import inspect

import keras
import numpy as np
import pytest

import chainrule as cr
from chainrule._src.nn.layers.hooks import OF_MODELS
from chainrule.errors import ChainruleError, DataError, ShapeError
from chainrule.layers import Dense, Input, Layer

# Names of Keras's models that only their users call, so that one of one's own is never ignored.
CALLED_BY_USERS = {
    "inputs", "load_weights", "non_trainable_variables", "non_trainable_weights", "outputs", "path",
    "input", "output", "input_dtype", "variable_dtype", "save_weights", "to_json",
    "test_on_batch", "trainable_variables", "trainable_weights", "variables", "weights",
}  # fmt: skip
USED_OF_LAYERS = {
    "add_weight", "build", "call", "compute_mask", "compute_output_shape", "count_params",
    "from_config",
    "get_config", "get_weights", "set_weights", "trainable",
}  # fmt: skip
HARMLESS = {"supports_masking"}


def public(cls):
    return [name for name in dir(cls) if not name.startswith("_")] + ["__call__"]


class Plain(Layer):
    def call(self, x):
        return x


@pytest.mark.parametrize("name", public(keras.layers.Layer))
def test_what_a_layer_may_override_is_supported_or_refused(name):
    if name in USED_OF_LAYERS | HARMLESS:
        type("Own", (Plain,), {name: getattr(Plain, name, True)})
    else:
        with pytest.raises(DataError, match=f"Own: Keras's {name} has no counterpart"):
            type("Own", (Plain,), {name: lambda self: None})


@pytest.mark.parametrize("name", public(keras.Sequential))
def test_what_a_model_may_override_is_supported_or_refused(name):
    if name in OF_MODELS:
        with pytest.raises(DataError, match=f"Own: Keras's {name} has no counterpart"):
            type("Own", (cr.Sequential,), {name: lambda self: None})
    else:
        assert name in CALLED_BY_USERS or hasattr(cr.Sequential([]), name)
        type("Own", (cr.Sequential,), {name: getattr(cr.Sequential, name, None)})


def test_what_a_mixin_overrides_is_refused():
    class Steps:
        def predict_step(self, data):
            return data

    with pytest.raises(DataError, match="Own: Keras's predict_step has no counterpart"):
        type("Own", (Steps, cr.Sequential), {})
    with pytest.raises(DataError, match="Sequential: Keras's predict_step has no counterpart"):
        cr.Sequential([]).predict_step = Steps().predict_step


@pytest.mark.parametrize("name", ["autocast", "dtype_policy"])
def test_what_keras_looks_at_in_a_layer_is_refused(name):
    with pytest.raises(DataError, match=f"Keras's {name} has no counterpart"):
        setattr(Plain(), name, None)


def test_a_layer_that_calls_what_there_is_not_is_refused():
    class Own(Layer):
        def call(self, x):
            self.add_metric(np.sum(x))
            return x

    with pytest.raises(ShapeError, match=r"Keras's add_metric has no counterpart; hold a metric"):
        cr.Sequential([Input((2,)), Own()])


def arguments(function):
    return {p.name: p.default for p in inspect.signature(function).parameters.values()
            if p.name not in ("self", "args", "kwargs")}  # fmt: skip


@pytest.mark.parametrize("method", ["compile", "fit", "evaluate", "predict", "train_on_batch"])
def test_what_methods_take_is_supported_or_refused(method):
    mine = arguments(getattr(cr.Sequential, method))
    model = cr.Sequential([Input((2,)), Dense(1)])
    model.compile("sgd", "mse")
    X = np.ones((4, 2), "f4")
    given = {"compile": ("sgd", "mse"), "predict": (X,)}.get(method, (X, X[:, :1]))
    for name in set(arguments(getattr(keras.Sequential, method))) - set(mine):
        with pytest.raises((TypeError, ChainruleError), match=name):
            getattr(model, method)(*given, **{name: 1})


@pytest.mark.parametrize("name", ["autocast", "aggregation"])
def test_what_weights_take_is_supported_or_refused(name):
    assert name in arguments(keras.layers.Layer.add_weight)
    with pytest.raises(TypeError, match=name):
        Plain().add_weight((2,), **{name: None})


def test_a_shape_that_a_layer_tells_is_held_to_its_output():
    class Own(Plain):
        def compute_output_shape(self, input_shape):
            return (None, 7)

    with pytest.raises(ShapeError, match=r"compute_output_shape tells \(n, 7\), call gives"):
        cr.Sequential([Input((2,)), Own()])
    assert Dense(5).compute_output_shape((None, 3)) == (None, 5)
