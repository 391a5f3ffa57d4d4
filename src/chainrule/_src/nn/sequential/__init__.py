"""`Sequential`: the Keras-like model."""

from chainrule._src.nn.sequential.from_keras import from_keras
from chainrule._src.nn.sequential.model import Sequential, load_model

__all__ = ["Sequential", "from_keras", "load_model"]
