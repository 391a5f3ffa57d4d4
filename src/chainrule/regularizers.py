"""Penalties on weights."""

from chainrule._src.nn import regularizers as _regularizers
from chainrule._src.nn.regularizers import *  # noqa: F403

__all__ = _regularizers.__all__
