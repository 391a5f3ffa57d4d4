"""`Sequential`: the Keras-like model."""

from chainrule._src.nn.sequential.model import Sequential, load_model

__all__ = ["Sequential", "load_model"]
