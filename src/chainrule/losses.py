"""Losses."""

from chainrule._src.nn import losses as _losses
from chainrule._src.nn.losses import *  # noqa: F403

__all__ = _losses.__all__
