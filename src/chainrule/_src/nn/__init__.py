"""Layers, losses, optimizers, training: networks."""
