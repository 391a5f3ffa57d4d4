"""Training: any loss over batches of samples, epoch by epoch."""

from chainrule._src.nn.training.minimize import minimize
from chainrule._src.nn.training.source import source

__all__ = ["minimize", "source"]
