"""The backpropagation lab: its models, its data and its sections."""

from chainrule._src.teach.lab import (
    SECTIONS,
    History,
    Lab,
    LogisticRegression,
    NeuralNet,
)

__all__ = [
    "SECTIONS", "History", "Lab", "LogisticRegression", "NeuralNet",
]  # fmt: skip
