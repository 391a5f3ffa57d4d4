"""Training: any loss over batches of samples, epoch by epoch."""

from chainrule.training.minimize import minimize
from chainrule.training.source import source

__all__ = ["minimize", "source"]
