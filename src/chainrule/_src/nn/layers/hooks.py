"""Hooks of Keras's classes that have no counterpart here.

A method that overrides such a hook would never be called, so an error names the hook.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterable
from typing import Any

from chainrule._src.base.errors import DataError

OF_BOTH = (
    "__call__", "add_metric", "add_variable", "build_from_config",
    "compute_output_spec", "dtype_policy", "get_build_config", "input_spec", "load_own_variables",
    "losses", "metrics", "metrics_variables", "quantize", "quantized_build", "quantized_call",
    "rematerialized_call", "save_own_variables", "stateless_call", "symbolic_call",
)  # fmt: skip
OF_LAYERS = (
    *OF_BOTH, "activity_regularizer", "add_loss", "autocast", "compute_dtype", "dtype", "input",
    "input_dtype", "load_assets", "non_trainable_variables", "non_trainable_weights", "output",
    "path", "quantization_mode", "save_assets", "trainable_variables", "trainable_weights",
    "variable_dtype", "variables", "weights",
)  # fmt: skip
"""Hooks of `keras.layers.Layer`; as other attributes some of these names are harmless."""
OF_MODELS = (
    *OF_BOTH, "add_loss", "add_weight", "call", "compile_from_config", "compute_dtype",
    "compute_loss_and_updates", "compute_mask", "compute_output_shape", "from_config",
    "get_compile_config", "get_quantization_layer_structure",
    "get_state_tree", "jax_state_sync", "jit_compile", "make_predict_function",
    "make_test_function", "make_train_function", "predict_step",
    "quantization_mode", "reset_metrics", "run_eagerly", "set_state_tree",
    "stateless_compute_loss", "supports_masking",
)  # fmt: skip
"""Hooks of `keras.Sequential`."""
OF_GRAPHS = tuple(
    name for name in OF_MODELS if name not in (
        "add_loss", "add_weight", "call", "compute_mask", "compute_output_shape", "compute_dtype",
        "from_config", "metrics", "reset_metrics", "supports_masking",
    )
)  # fmt: skip
"""Hooks of `keras.Model`."""
SETTINGS = ("autocast", "dtype_policy")
"""Attributes that Keras reads if a layer sets them."""
STEPS = ("train_step", "test_step")
"""Methods of a model's class, which are called with the arrays of a batch."""
TAPES = ("GradientTape", "backward", "zero_grad", "stateless_call")
"""Names in the steps of programs for TensorFlow, PyTorch and JAX."""
ADVICE = {
    "add_metric": "hold a metric in an attribute, such as keras.metrics.Mean(), and call its "
    "update_state in call or in compute_loss",
    "losses": "regularizers are part of the loss; penalties of them are in model.network",
    "metrics": "hold a metric in an attribute, and call its update_state in call",
    "dtype_policy": "give the model a dtype",
    "autocast": "give the model a dtype",
    "output": "a class of your own has no symbolic output; call it: keras.Model(x, model(x))",
    "input": "a class of your own has no symbolic input; call it: keras.Model(x, model(x))",
    "input_spec": "check the shape in build",
    "compute_output_spec": "the shape of the output is found by trying call",
    "weights": "what add_weight returned is a weight wherever an attribute holds it",
    "train_step": "define the method in a class derived from the model's",
    "test_step": "define the method in a class derived from the model's",
    "predict_step": "write call; predict returns what it returns",
}


def check_class(cls: type, hooks: Iterable[str]) -> None:
    """Raise an error if a class of the user, or a class derived from it, overrides a hook."""
    foreign = [vars(k) for k in cls.__mro__ if not k.__module__.startswith("chainrule.")]
    names: set[str] = set().union(*foreign)
    for name in hooks:
        if name in names:
            raise DataError(f"{cls.__name__}: {_text(name)}")


def is_overridden(cls: type, name: str) -> bool:
    """Return true if a class of the user defines a method that this package has."""
    return not str(getattr(cls, name).__module__).startswith("chainrule.")


def check_step(cls: type, name: str) -> None:
    """Raise an error if a step of a class is written for another library."""
    code = inspect.unwrap(getattr(cls, name)).__code__
    foreign = [tape for tape in TAPES if tape in code.co_names]
    if foreign or code.co_argcount != 2:
        received = f"calls {foreign[0]}" if foreign else "takes other arguments"
        raise DataError(
            f"{cls.__name__}: {name}(self, data) {received}, as with another library; write "
            "value, gradients = chainrule.value_and_grad(loss)(self.trainable_variables) with a "
            "function loss(variables) that calls self(x, training=True) and returns "
            "self.compute_loss(x=x, y=y, y_pred=y_pred), and then "
            "self.optimizer.apply(gradients, self.trainable_variables)"
        )


def check_setting(where: Any, name: str, hooks: Iterable[str] = SETTINGS) -> None:
    """Raise an error if an attribute has the name of a hook."""
    if name in hooks:
        raise DataError(f"{where}: {_text(name)}")


def missing(layer: Any, name: str) -> str:
    """Return the error message for an attribute that a layer does not have."""
    if name in OF_LAYERS:
        return f"{layer}: {_text(name, '')}"
    return f"{type(layer).__name__!r} object has no attribute {name!r}"


def _text(name: str, consequence: str = ", and would be ignored") -> str:
    advice = f"; {ADVICE[name]}" if name in ADVICE else ""
    return f"Keras's {name} has no counterpart{consequence}{advice}"
