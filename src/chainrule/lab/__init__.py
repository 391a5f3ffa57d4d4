"""The backpropagation lab: two models with gradients by hand, and a module for each section."""

from chainrule.callbacks import History
from chainrule.lab.models import LogisticRegression, NeuralNet
from chainrule.lab.session import SECTIONS, Lab

__all__ = ["SECTIONS", "History", "Lab", "LogisticRegression", "NeuralNet"]
