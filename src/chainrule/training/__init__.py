"""Training: any loss over batches of samples, epoch by epoch."""

from chainrule.training.minimize import minimize, source

__all__ = ["minimize", "source"]
