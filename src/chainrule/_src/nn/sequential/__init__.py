"""`Sequential` and `Model`: the Keras-like models."""

from chainrule._src.nn.sequential.graph import Model
from chainrule._src.nn.sequential.model import Sequential, load_model

__all__ = ["Model", "Sequential", "load_model"]
