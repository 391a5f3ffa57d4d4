"""`Sequential`: the Keras-like model."""

from chainrule.sequential.from_keras import from_keras
from chainrule.sequential.model import Sequential, load_model

__all__ = ["Sequential", "from_keras", "load_model"]
