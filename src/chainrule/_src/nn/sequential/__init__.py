"""`Sequential`: the Keras-like model."""

from chainrule._src.nn.sequential.model import Model, Sequential, load_model

__all__ = ["Model", "Sequential", "load_model"]
